"""google-auth (PyPI), unmodified: key files, self-signed JWTs and impersonation against the google port.

Where the library knows no address but its own, the HTTP library below it is led to the server, as a name server would.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import jwt
import pytest
import requests
from cryptography import x509
from google.auth import crypt, exceptions, iam, impersonated_credentials
from google.auth import jwt as google_jwt
from google.auth.transport import requests as transport
from google.oauth2 import id_token, service_account

from intaglio import clock as clocks
from intaglio.names import TenantId
from intaglio.server import compose
from intaglio.server.devmode import seeds
from intaglio.server.issue import accountsigning
from intaglio.server.model import accountkeys
from intaglio.server.model.accountkeys import AccountKey
from intaglio.tokens import certificates, jwk
from tests import live, workloads
from tests.capability import capability

pytestmark = pytest.mark.sdk
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://receiver.example.com"
REQUEST = transport.Request()

filed = live.filed


@pytest.fixture
def led(filed: live.Dev, monkeypatch: pytest.MonkeyPatch) -> live.Dev:
    """Lead every name under googleapis.com to the google port."""
    send: Callable[..., requests.Response] = requests.adapters.HTTPAdapter.send
    ours = urlsplit(filed.at("google"))

    def to_us(adapter: Any, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        if (parts.hostname or "").endswith(".googleapis.com"):
            request.url = urlunsplit((ours.scheme, ours.netloc, *parts[2:]))
        return send(adapter, request, **given)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", to_us)
    return filed


@pytest.fixture(scope="module")
def key_file(filed: live.Dev) -> dict[str, str]:
    """Register a key of the seeded account and return its key file."""
    private, now = jwk.generate("RS256"), int(time.time())
    certificate = certificates.self_signed(private, common_name="worker", not_before=now - 60, lifetime=86400)
    name = accountsigning.key_name(certificate)
    record = AccountKey(
        TenantId(seeds.TENANT_ID), seeds.ACCOUNT_ID, name, "RS256", "created", certificate, now, now + 86400
    )

    async def write() -> None:
        url = f"sqlite:///{filed.directory / 'var' / 'intaglio.db'}"
        store = await compose.open_store(url, clocks.SystemClock(), create=False)
        await store.write(accountkeys.insert, record)
        await store.close()

    asyncio.run(write())
    return {
        "type": "service_account",
        "project_id": seeds.PROJECT,
        "private_key_id": name,
        "private_key": workloads.private_pem(private),
        "client_email": seeds.ACCOUNT,
        "client_id": seeds.ACCOUNT_ID,
        "token_uri": filed.at("google") + "/token",
        "universe_domain": "googleapis.com",
    }


def believed(dev: live.Dev, text: str) -> dict[str, Any]:
    """Return the claims of an ID token that the library itself believes."""
    claims = id_token.verify_token(text, REQUEST, AUDIENCE, certs_url=dev.at("google") + "/oauth2/v1/certs")
    assert claims["iss"] == dev.at("google")
    return dict(claims)


def source(key_file: dict[str, str], **given: Any) -> service_account.Credentials:
    """Return the credentials of the seeded account."""
    return service_account.Credentials.from_service_account_info(key_file, scopes=[CLOUD], **given)


@capability("assertion-google-auth", witness="google-auth (Python)")
def test_a_key_file_gives_tokens(filed: live.Dev, key_file: dict[str, str]) -> None:
    """An access token that the server knows, and an ID token that the library's own verifier believes."""
    credentials = source(key_file)
    credentials.refresh(REQUEST)
    info = requests.get(f"{filed.at('google')}/tokeninfo?access_token={credentials.token}", timeout=10).json()
    assert (info["aud"], info["scope"]) == (seeds.ACCOUNT_ID, CLOUD)
    made = service_account.IDTokenCredentials.from_service_account_info(key_file, target_audience=AUDIENCE)
    made.refresh(REQUEST)
    assert believed(filed, made.token)["email"] == seeds.ACCOUNT


@capability("assertion-google-auth", witness="google-auth (Python)")
def test_a_wrong_key_gives_the_library_s_own_error(filed: live.Dev, key_file: dict[str, str]) -> None:
    """The error is raised as the library's `RefreshError`, with the text that it knows, and is not tried again."""
    stranger = key_file | {"private_key": workloads.private_pem(jwk.generate("RS256"))}
    with pytest.raises(exceptions.RefreshError, match=r"invalid_grant: Invalid JWT Signature\.") as caught:
        source(stranger).refresh(REQUEST)
    assert not caught.value.retryable


@capability("act-self-signed", witness="google-auth (Python)")
def test_a_self_signed_jwt_is_the_credential(led: live.Dev, key_file: dict[str, str]) -> None:
    """With a scope and with an audience: the library asks nobody for a token, and acts with it."""
    by_scope = source(key_file).with_always_use_jwt_access(True)
    by_scope._create_self_signed_jwt(None)
    by_scope.refresh(REQUEST)
    by_audience = google_jwt.Credentials.from_service_account_info(
        key_file, audience="https://iamcredentials.googleapis.com/"
    )
    by_audience.refresh(REQUEST)
    address = f"{led.at('google')}/v1/projects/-/serviceAccounts/{seeds.TARGET}:generateIdToken"
    for given in (by_scope.token, by_audience.token):
        text = given if isinstance(given, str) else given.decode()
        assert text.count(".") == 2
        headers = {"authorization": f"Bearer {text}"}
        answer = requests.post(address, json={"audience": AUDIENCE}, headers=headers, timeout=10)
        assert believed(led, answer.json()["token"])["sub"] == seeds.TARGET_ID


@capability("act-google-auth", witness="google-auth (Python)")
def test_impersonation(led: live.Dev, key_file: dict[str, str]) -> None:
    """An access token by the overridden address, and an ID token with the address in it by the library's own one."""
    address = f"{led.at('google')}/v1/projects/-/serviceAccounts/{seeds.TARGET}:generateAccessToken"
    target = impersonated_credentials.Credentials(
        source(key_file), seeds.TARGET, [CLOUD], lifetime=600, iam_endpoint_override=address
    )
    target.refresh(REQUEST)
    info = requests.get(f"{led.at('google')}/tokeninfo?access_token={target.token}", timeout=10).json()
    assert info["aud"] == seeds.TARGET_ID
    assert 590 <= int(info["expires_in"]) <= 600
    assert 590 <= (target.expiry.timestamp() - time.mktime(time.gmtime())) <= 601
    made = impersonated_credentials.IDTokenCredentials(target, AUDIENCE, include_email=True)
    made.refresh(REQUEST)
    claims = believed(led, made.token)
    assert (claims["email"], claims["sub"]) == (seeds.TARGET, seeds.TARGET_ID)


@capability("act-google-auth", witness="google-auth (Python)")
def test_signatures(led: live.Dev, key_file: dict[str, str]) -> None:
    """`sign_bytes` and the library's `iam.Signer`; its own verifier believes them by the published certificate."""
    target = impersonated_credentials.Credentials(source(key_file), seeds.TARGET, [CLOUD])
    signature = target.sign_bytes(b"payload")
    signer = iam.Signer(REQUEST, source(key_file), seeds.TARGET)
    assert signer.sign(b"payload") == signature
    address = f"{led.at('google')}/robot/v1/metadata/x509/{seeds.TARGET}"
    published = requests.get(address, timeout=10).json()
    assert any(crypt.verify_signature(b"payload", signature, pem) for pem in published.values())
    assert not any(crypt.verify_signature(b"another", signature, pem) for pem in published.values())


@capability("act-google-auth", witness="google-auth (Python)")
def test_what_is_refused_is_the_library_s_own_error(led: live.Dev, key_file: dict[str, str]) -> None:
    """403 for another account, for itself with a token that it was given, for an unknown one; the same text."""
    for name in ("nobody@demo-project.iam.intaglio.test", seeds.ACCOUNT):
        made = impersonated_credentials.Credentials(source(key_file), name, [CLOUD])
        with pytest.raises(exceptions.RefreshError, match="Unable to acquire impersonated credentials") as caught:
            made.refresh(REQUEST)
        told = json.loads(caught.value.args[1])["error"]
        assert (told["code"], told["status"]) == (403, "PERMISSION_DENIED")
        assert told["details"][0]["metadata"] == {"permission": "iam.serviceAccounts.getAccessToken"}


@capability("act-sign-jwt", witness="PyJWT, with the published X.509 certificate and the published JWK")
def test_a_signed_jwt_over_the_wire(filed: live.Dev, key_file: dict[str, str]) -> None:
    """From HTTP to PyJWT by the certificate that the server publishes."""
    credentials = source(key_file)
    credentials.refresh(REQUEST)
    address = f"{filed.at('google')}/v1/projects/-/serviceAccounts/{seeds.TARGET}:signJwt"
    headers = {"authorization": f"Bearer {credentials.token}"}
    claims = {"iss": seeds.TARGET, "aud": AUDIENCE, "exp": int(time.time()) + 60}
    body = requests.post(address, json={"payload": json.dumps(claims)}, headers=headers, timeout=10).json()
    published = requests.get(
        f"{filed.at('google')}/service_accounts/v1/metadata/x509/{seeds.TARGET}", timeout=10
    ).json()
    public = x509.load_pem_x509_certificate(published[body["keyId"]].encode()).public_key()
    assert jwt.decode(body["signedJwt"], public, ["RS256"], audience=AUDIENCE) == claims


def test_http_1_0_without_a_charset_to_argue_about(filed: live.Dev, key_file: dict[str, str]) -> None:
    """The page's own line of curl: HTTP/1.0 and `text/json`."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    credentials = source(key_file)
    credentials.refresh(REQUEST)
    address = f"{filed.at('google')}/v1/projects/-/serviceAccounts/{seeds.TARGET}:generateIdToken"
    words = ["curl", "-0", "-s", "-X", "POST", address, "-H", "Content-Type: text/json; charset=utf-8"]
    words += ["-H", f"Authorization: Bearer {credentials.token}", "-d", json.dumps({"audience": AUDIENCE})]
    done = subprocess.run(words, capture_output=True, timeout=20, check=True)
    assert believed(filed, json.loads(done.stdout)["token"])["sub"] == seeds.TARGET_ID
