"""Keys of service accounts, and what the libraries' own verifiers make of our tokens, before and after a rotation."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.capability import capability
from tests.sdk import cells, namespace
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
AUDIENCE = "https://service.example.com/"
IDENTITY = "http://metadata/computeMetadata/v1/instance/service-accounts/default/identity?audience="
TOKEN = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Debian's Ruby library reads certificates; its reader of key sets does not work with OpenSSL 3.
VERIFIERS = {
    "Python": ("Python", ""),
    "Python, key set": ("Python", "v3"),
    "Node": ("Node", ""),
    "Go": ("Go", ""),
    "Go old": ("Go", "old"),
    "Java": ("Java", ""),
    "Ruby": ("Ruby", "x509"),
}


def _token(google: World, audience: str = AUDIENCE) -> str:
    return google.clients.curl("-H", "Metadata-Flavor: Google", IDENTITY + audience)


@cells.cell("key")
@capability("official-python-key", witness="google-auth (Python)")
@capability("official-node-key", witness="google-auth-library (npm)")
@capability("official-go-key", witness="cloud.google.com/go/auth, google.golang.org/api/idtoken")
@capability("official-java-key", witness="google-auth-library-oauth2-http (Java)")
@capability("official-ruby-key", witness="googleauth (Debian's ruby-googleauth)")
@pytest.mark.parametrize("client", ["Python", "Node", "Go", "Go old", "Java", "Ruby"])
def test_a_key_file_is_worth_an_id_token(google: World, client: str) -> None:
    """With the key file that the command line wrote, a library gets the account's token for its audience."""
    language, _, old = client.partition(" ")
    said = google.clients.run(language, "old_key" if old else "key", file=str(google.key_file), audience=AUDIENCE)
    told = claims(said.token)
    assert (told["iss"], told["aud"]) == (namespace.ISSUER, AUDIENCE)
    assert (told["email"], told["email_verified"]) == (google.worker, True)
    assert told["sub"] == google.number(google.worker)
    assert told["exp"] - told["iat"] == 3600


@cells.cell("key")
@pytest.mark.parametrize("client", ["Python", "Node", "Go", "Java", "Ruby"])
def test_a_key_file_is_worth_an_access_token(google: World, client: str) -> None:
    """The same key gets an access token, with which the account may do what it may."""
    token = google.clients.run(client, "key_access", file=str(google.key_file)).token
    at = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{google.target}:generateIdToken"
    words = ["-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"]
    told = json.loads(google.clients.curl(*words, "-d", json.dumps({"audience": AUDIENCE}), at))
    assert claims(told["token"])["sub"] == google.number(google.target)


def _assertion(file: dict[str, str], signer: rsa.RSAPrivateKey | None = None, **changes: Any) -> str:
    now = int(time.time())
    said = {"iss": file["client_email"], "aud": TOKEN, "iat": now, "exp": now + 3600, "target_audience": AUDIENCE}
    members = {name: value for name, value in (said | changes).items() if value is not None}
    parts = [base64.urlsafe_b64encode(msgspec.json.encode(one)).rstrip(b"=") for one in ({"alg": "RS256"}, members)]
    key = signer or serialization.load_pem_private_key(file["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(b".".join(parts), padding.PKCS1v15(), hashes.SHA256())
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown account": ({"iss": "nobody@example.com"}, "invalid_grant"),
    "another's key": ({}, "invalid_grant"),
    "expired": ({"iat": 1_700_000_000, "exp": 1_700_003_600}, "invalid_grant"),
    "too long": ({"exp": 4_000_000_000}, "invalid_grant"),
    "without iat": ({"iat": None}, "invalid_grant"),
    "without exp": ({"exp": None}, "invalid_grant"),
    "for another server": ({"aud": "https://other.example.com/token"}, "invalid_grant"),
    "for nothing": ({"target_audience": None}, "invalid_scope"),
}


@cells.cell("key")
@pytest.mark.parametrize("name", BAD)
def test_assertions_that_are_refused(google: World, name: str) -> None:
    """What a key's holder must not get is refused in the words that the libraries know."""
    changes, error = BAD[name]
    file = json.loads(google.key_file.read_text())
    other = rsa.generate_private_key(65537, 2048) if name == "another's key" else None
    form = ["--data-urlencode", f"grant_type={GRANT}", "-d", f"assertion={_assertion(file, other, **changes)}"]
    text, _, code = google.clients.curl(*form, "-w", "\n%{http_code}", TOKEN).rpartition("\n")
    assert (int(code), json.loads(text)["error"]) == (400, error)
    assert "eyJ" not in text


def _broken(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[:-8]}{'A' * 8 if not signature.endswith('A' * 8) else 'B' * 8}"


def _outlived(token: str) -> str:
    """Return the token with another end, which nobody signed."""
    head, body, signature = token.split(".")
    changed = claims(token) | {"exp": 4_000_000_000}
    middle = base64.urlsafe_b64encode(msgspec.json.encode(changed)).rstrip(b"=").decode()
    assert middle != body
    return f"{head}.{middle}.{signature}"


@cells.cell("verifier")
@capability("official-python-verifier", witness="google-auth (Python)")
@capability("official-node-verifier", witness="google-auth-library (npm)")
@capability("official-go-verifier", witness="cloud.google.com/go/auth, google.golang.org/api/idtoken")
@capability("official-java-verifier", witness="google-auth-library-oauth2-http (Java)")
@capability("official-ruby-verifier", witness="googleauth (Debian's ruby-googleauth)")
@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_verifier_believes_the_token_and_no_other(google: World, verifier: str) -> None:
    """The library's own verifier believes our token for its audience, and none that was changed or is for another."""
    token = _token(google)
    wanted = [(token, AUDIENCE), (token, AUDIENCE + "x"), (_broken(token), AUDIENCE), (_outlived(token), AUDIENCE)]
    answers = google.clients.verify(*VERIFIERS[verifier], *wanted)
    assert answers[0]["claims"]["email"] == google.worker
    assert ["refused" in answer for answer in answers] == [False, True, True, True]


SOURCES = ("metadata", "impersonation", "key")


@cells.cell("verifier")
@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_verifier_believes_tokens_of_each_origin(google: World, source: str, verifier: str) -> None:
    """However a token came about, each library's verifier believes it."""
    token = _of(google, source)
    (answer,) = google.clients.verify(*VERIFIERS[verifier], (token, AUDIENCE))
    assert answer["claims"]["aud"] == AUDIENCE


def _of(google: World, source: str) -> str:
    if source == "metadata":
        return _token(google)
    if source == "key":
        return google.clients.run("Go", "key", file=str(google.key_file), audience=AUDIENCE).token
    return google.clients.run("Go", "impersonate", target=google.target, audience=AUDIENCE).token


class _Asked:
    """A verifier in a process that stays, and with it the keys that it fetched once."""

    def __init__(self, google: World, verifier: str) -> None:
        language, how = VERIFIERS[verifier]
        clients = google.clients
        self._process = subprocess.Popen(
            google.inside.enter(clients.words(language, "verify", how=how)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=google.inside.environment(**clients.environment()),
        )

    def believes(self, token: str) -> bool:
        """Tell whether it believes a token."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"token": token, "audience": AUDIENCE}) + "\n")
        self._process.stdin.flush()
        guard = threading.Timer(20, self._process.kill)
        guard.start()
        line = self._process.stdout.readline()
        guard.cancel()
        return "claims" in json.loads(line)

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


def _state(google: World, state: str) -> str:
    """Return the name of the one RS256 key in a state."""
    (found,) = [one["key_id"] for one in json.loads(google.cli("key", "list", "-o", "json")) if one["state"] == state]
    name: str = found
    return name


def _published(google: World) -> tuple[set[str], set[str]]:
    """Return the names under which keys are published as certificates and as a key set."""
    certificates = json.loads(google.clients.curl("https://www.googleapis.com/oauth2/v1/certs"))
    keys = json.loads(google.clients.curl("https://www.googleapis.com/oauth2/v3/certs"))["keys"]
    return set(certificates), {key["kid"] for key in keys}


def _kid(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    found: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return found


class Rotation(msgspec.Struct, frozen=True):
    """What was seen while the keys changed: a token of each key, the published names, the verifiers' answers."""

    first: str
    second: str
    ahead: set[str]
    after: set[str]
    believed: dict[str, tuple[bool, bool, bool]]


@pytest.fixture(scope="module")
def rotation(google: World) -> Iterator[Rotation]:
    """The next key is published; verifiers fetch the keys, and stay; a day passes, and the next key signs."""
    verifiers: dict[str, _Asked] = {}
    try:
        # One after the other: where a language is missing, those that were begun are ended all the same.
        for name in VERIFIERS:
            verifiers[name] = _Asked(google, name)
        first = _token(google)
        google.cli("key", "rotate")
        time.sleep(1.1)
        certificates, ahead = _published(google)
        assert certificates == ahead
        before = {name: one.believes(first) for name, one in verifiers.items()}
        google.let_a_day_pass_for_the_keys()
        time.sleep(1.1)
        second = _token(google)
        answers = {name: (before[name], one.believes(second), one.believes(first)) for name, one in verifiers.items()}
        yield Rotation(first, second, ahead, _published(google)[1], answers)
    finally:
        for one in verifiers.values():
            one.close()


@cells.cell("rotation")
@capability("official-rotation", witness="the verifiers of five languages")
@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_rotation_goes_unnoticed(rotation: Rotation, verifier: str) -> None:
    """A verifier that fetched the keys before the rotation believes the token of the new key, and still the old one."""
    assert rotation.believed[verifier] == (True, True, True)


@cells.cell("rotation")
def test_the_next_key_is_published_ahead(rotation: Rotation) -> None:
    """Both keys stand in both sets, a day before the second signs and as long as tokens of the first are about."""
    assert _kid(rotation.first) != _kid(rotation.second)
    assert {_kid(rotation.first), _kid(rotation.second)} <= rotation.ahead
    assert rotation.after == rotation.ahead


@pytest.fixture(scope="module")
def withdrawn(google: World, rotation: Rotation) -> tuple[str, str]:
    """A token of a key that was withdrawn since, and one of the key that took its place."""
    google.cli("key", "revoke", _state(google, "current"), "--yes")
    time.sleep(1.1)
    return rotation.second, _token(google)


@cells.cell("rotation")
@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_withdrawn_key_is_believed_no_more(google: World, withdrawn: tuple[str, str], verifier: str) -> None:
    """Who fetches the keys after a withdrawal believes nothing of the withdrawn key, and what the next one signed."""
    old, new = withdrawn
    answers = google.clients.verify(*VERIFIERS[verifier], (new, AUDIENCE), (old, AUDIENCE))
    assert ["claims" in answer for answer in answers] == [True, False]


@capability("official-ruby-verifier", witness="googleauth (Debian's ruby-googleauth)")
def test_why_ruby_reads_certificates(google: World) -> None:
    """Debian's library cannot make a key of any key set on OpenSSL 3; were that mended, it would join the verifiers."""
    (answer,) = google.clients.verify("Ruby", "", (_token(google), AUDIENCE))
    assert "claims" in answer or "OpenSSL 3" in answer["refused"]


# Node's library goes to Google's own token endpoint whatever the universe; that for Go sends no credentials there.
@cells.cell("key")
@pytest.mark.parametrize("client", ["Python", "Java"])
def test_a_key_file_of_another_universe(own: World, client: str) -> None:
    """Where the key file names a universe of its own, a library signs its token for the API itself."""
    told = own.clients.run(client, "key", file=str(own.key_file), audience=AUDIENCE).claims
    assert (told["iss"], told["aud"], told["sub"]) == (own.issuer, AUDIENCE, own.number(own.worker))


@cells.cell("key")
@pytest.mark.parametrize("client", ["Python", "Go", "Java"])
def test_a_self_signed_token_is_a_caller(own: World, client: str) -> None:
    """There the access token is one that the key itself signs; the API takes it for the account."""
    token = own.clients.run(client, "key_access", file=str(own.key_file)).token
    at = f"https://iamcredentials.id.example.com/v1/projects/-/serviceAccounts/{own.target}:generateIdToken"
    words = ["-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"]
    answer = json.loads(own.clients.curl(*words, "-d", json.dumps({"audience": AUDIENCE}), at))
    assert claims(answer["token"])["sub"] == own.number(own.target)
