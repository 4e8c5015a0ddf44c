"""IAM Credentials as Google's own clients use them: ID tokens, access tokens and signatures of another account."""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.capability import capability
from tests.sdk import cells, namespace
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
AUDIENCE = "https://service.example.com/"
IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
TOKEN = "http://metadata/computeMetadata/v1/instance/service-accounts/default/token"
SCOPE = ["https://www.googleapis.com/auth/cloud-platform"]
# Ruby's library has no impersonation.
CLIENTS = ["Python", "Node", "Go", "Go old", "Java"]


def _run(google: World, client: str, flow: str, **parameters: Any) -> Any:
    language, _, old = client.partition(" ")
    return google.clients.run(language, f"old_{flow}" if old else flow, **parameters)


def _access_token(google: World) -> str:
    found: str = json.loads(google.clients.curl("-H", "Metadata-Flavor: Google", TOKEN))["access_token"]
    return found


def _post(google: World, address: str, body: Any, *options: str) -> tuple[int, Any]:
    """POST JSON with curl and return the status and what was told."""
    words = ["-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(body), *options]
    text, _, status = google.clients.curl("-w", "\n%{http_code}", *words, address).rpartition("\n")
    return int(status), json.loads(text)


def _as_worker(google: World, account: str, verb: str, body: Any) -> tuple[int, Any]:
    return _post(google, f"{IAM}{account}:{verb}", body, "-H", f"Authorization: Bearer {_access_token(google)}")


@cells.cell("id-token")
@capability("official-python-impersonation", witness="google-auth (Python)")
@capability("official-node-impersonation", witness="google-auth-library (npm)")
@capability("official-go-impersonation", witness="cloud.google.com/go/auth, google.golang.org/api/impersonate")
@capability("official-java-impersonation", witness="google-auth-library-oauth2-http (Java)")
@pytest.mark.parametrize("mail", [False, True], ids=["plain", "includeEmail"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_becomes_another_account(google: World, client: str, mail: bool) -> None:
    """From the attached account to the one that it may act as: the token is the other's, with its address if asked."""
    said = _run(google, client, "impersonate", target=google.target, audience=AUDIENCE, include_email=mail)
    told = claims(said.token)
    assert (told["iss"], told["aud"]) == (namespace.ISSUER, AUDIENCE)
    assert told["sub"].isdigit()
    assert told["exp"] - told["iat"] == 3600
    assert told.get("email") == (google.target if mail else None)
    assert told.get("email_verified") == (True if mail else None)


@cells.cell("id-token")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_chain_leads_further(google: World, client: str) -> None:
    """The attached account may act as one that may act as another: with the delegate named, the client becomes that."""
    asked = {"target": google.faraway, "audience": AUDIENCE, "include_email": True}
    assert _run(google, client, "impersonate", **asked).code != 0
    said = _run(google, client, "impersonate", **asked, delegates=[google.middle])
    assert claims(said.token)["email"] == google.faraway


@cells.cell("id-token")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_told_of_a_refusal(google: World, client: str) -> None:
    """Where nothing is granted, the client ends with the permission's name in its words."""
    said = _run(google, client, "impersonate", target=google.lonely, audience=AUDIENCE)
    assert said.code != 0
    assert "iam.serviceAccounts.getOpenIdToken" in said.stderr


@cells.cell("id-token")
@capability("official-gcloud-impersonation", witness="gcloud")
@pytest.mark.parametrize("delegated", [False, True], ids=["direct", "delegated"])
def test_gcloud_becomes_another_account(google: World, delegated: bool) -> None:
    """`--impersonate-service-account` takes the target, or delegates and the target behind them."""
    named = f"{google.middle},{google.faraway}" if delegated else google.target
    words = ["auth", "print-identity-token", f"--audiences={AUDIENCE}", "--include-email"]
    done = google.clients.gcloud(*words, f"--impersonate-service-account={named}")
    assert done.returncode == 0, done.stderr
    assert claims(done.stdout.strip())["email"] == named.rpartition(",")[2]


BODIES: dict[str, tuple[Any, str]] = {
    "named in full": ({"audience": AUDIENCE, "delegates": None}, "application/json"),
    "flags as texts": ({"audience": AUDIENCE, "includeEmail": "true"}, "application/json"),
    "text/json": ({"audience": AUDIENCE}, "text/json; charset=utf-8"),
    "useEmailAzp": ({"audience": AUDIENCE, "useEmailAzp": True, "includeEmail": True}, "application/json"),
}


@cells.cell("id-token")
@pytest.mark.parametrize("name", BODIES)
def test_bodies_of_the_clients_are_read(google: World, name: str) -> None:
    """What the libraries write differently means the same; with `useEmailAzp` the authorized party is the address."""
    body, content_type = BODIES[name]
    bearer = ["-H", f"Authorization: Bearer {_access_token(google)}", "-H", f"Content-Type: {content_type}"]
    text = google.clients.curl(*bearer, "-d", json.dumps(body), f"{IAM}{google.target}:generateIdToken?$alt=json")
    told = claims(json.loads(text)["token"])
    assert told["azp"] == (google.target if name == "useEmailAzp" else told["sub"])


@cells.cell("id-token")
def test_a_form_is_read(google: World) -> None:
    """Java's library sends a form where a key's universe is not Google's."""
    words = ["-H", f"Authorization: Bearer {_access_token(google)}", "--data-urlencode", f"audience={AUDIENCE}"]
    text = google.clients.curl(*words, "-d", "includeEmail=true", f"{IAM}{google.target}:generateIdToken")
    assert claims(json.loads(text)["token"])["email"] == google.target


@cells.cell("id-token")
@pytest.mark.parametrize("name", ["oneself", "nobody's", "unknown", "without a token", "with a wrong token", "empty"])
def test_what_is_refused(google: World, name: str) -> None:
    """Oneself, an account that one may not act as and one that is not there look alike; a token has to be there."""
    accounts = {"oneself": google.worker, "nobody's": google.lonely, "unknown": "nobody@example.com"}
    bearer = {"without a token": (), "with a wrong token": ("-H", "Authorization: Bearer ya29.wrong")}
    options = bearer.get(name, ("-H", f"Authorization: Bearer {_access_token(google)}"))
    body = {"audience": "" if name == "empty" else AUDIENCE}
    at = f"{IAM}{accounts.get(name, google.target)}:generateIdToken"
    code, told = _post(google, at, body, *options)
    expected = {
        "without": (401, "UNAUTHENTICATED"),
        "with": (401, "UNAUTHENTICATED"),
        "empty": (400, "INVALID_ARGUMENT"),
    }
    assert (code, told["error"]["status"]) == expected.get(name.split(maxsplit=1)[0], (403, "PERMISSION_DENIED"))
    assert told["error"]["code"] == code
    assert told["error"]["message"]
    assert "token" not in told


def test_denied_and_unknown_look_the_same(google: World) -> None:
    """Nobody learns from a refusal which accounts there are."""

    def refusal(account: str) -> Any:
        told = _as_worker(google, account, "generateIdToken", {"audience": AUDIENCE})
        # Each answer has a reference of its own.
        return re.sub(r"ref_[0-9a-f]+", "ref", json.dumps(told))

    assert refusal(google.lonely) == refusal("no-such-account@demo-project.iam.gserviceaccount.com")


@cells.cell("access-token")
@pytest.mark.parametrize("client", ["Python", "Node", "Go", "Java"])
def test_an_access_token_of_another_account(google: World, client: str) -> None:
    """The lifetime is the one that was asked for, in a form that each library reads, and the token is good."""
    said = _run(google, client, "impersonate_access", target=google.target, lifetime=1200).told
    left = datetime.fromisoformat(said["expiry"]).timestamp() - time.time()
    assert 1100 < left <= 1201
    about = f"https://oauth2.googleapis.com/tokeninfo?access_token={said['token']}"
    assert json.loads(google.clients.curl(about))["sub"] == google.number(google.target)


LIFETIMES = {"": 200, "1s": 200, "3600s": 200, "0s": 400, "3601s": 400, "-5s": 400, "1h": 400, "many": 400}


@cells.cell("access-token")
@pytest.mark.parametrize("lifetime", LIFETIMES, ids=lambda text: text or "unsaid")
def test_lifetimes(google: World, lifetime: str) -> None:
    """From a second to an hour; the instant is written without fractions of a second."""
    body = {"scope": SCOPE} | ({"lifetime": lifetime} if lifetime else {})
    code, told = _as_worker(google, google.target, "generateAccessToken", body)
    assert code == LIFETIMES[lifetime], told
    if code == 200:
        ends_at = datetime.strptime(told["expireTime"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
        assert abs(ends_at - time.time() - int((lifetime or "3600s")[:-1])) < 10


def _published(google: World, account: str, key_id: str) -> rsa.RSAPublicKey:
    """Return an account's key from the certificate that is published of it."""
    found = json.loads(google.clients.curl(f"https://www.googleapis.com/service_accounts/v1/metadata/x509/{account}"))
    key = x509.load_pem_x509_certificate(found[key_id].encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def _signed(key: rsa.RSAPublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@cells.cell("signing")
@pytest.mark.parametrize("client", ["Python", "Node", "Java"])
def test_a_client_has_a_text_signed(google: World, client: str) -> None:
    """The signature is one of a published key of the account."""
    signature = bytes.fromhex(_run(google, client, "sign", target=google.target, text="a text").told["signature"])
    found = json.loads(
        google.clients.curl(f"https://www.googleapis.com/service_accounts/v1/metadata/x509/{google.target}")
    )
    assert any(_signed(_published(google, google.target, name), signature, b"a text") for name in found)


@cells.cell("signing")
def test_sign_jwt(google: World) -> None:
    """`signJwt` signs the claims as they are given, and names the published key."""
    asked = {"iss": google.target, "aud": AUDIENCE, "exp": int(time.time()) + 600}
    code, told = _as_worker(google, google.target, "signJwt", {"payload": json.dumps(asked)})
    assert code == 200, told
    head, _, signature = told["signedJwt"].rpartition(".")
    octets = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    assert _signed(_published(google, google.target, told["keyId"]), octets, head.encode())
    assert claims(told["signedJwt"]) == asked
