"""Encrypted ID tokens and UserInfo: others open them, and nothing goes in clear that was to be encrypted."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

import joserfc.jwe
import joserfc.jwk
import joserfc.jwt
import jwcrypto.jwe
import jwcrypto.jwk
import pytest

import intaglio
from intaglio.clock import FixedClock
from intaglio.errors import Unavailable
from intaglio.server import compose
from intaglio.server.model.tenants import Lifetimes
from intaglio.server.settings.records import Outgoing
from intaglio.tokens import encryptionkeys
from intaglio.wire.flow import Flow, Reply
from tests import harness
from tests.capability import capability

T = TypeVar("T")
ISSUER = "http://localhost:8080/default"
JWKS_URI = "https://app.example/jwks"
ALGORITHMS = [
    (alg, enc)
    for alg in ("RSA-OAEP-256", "ECDH-ES+A256KW", "RSA-OAEP", "ECDH-ES")
    for enc in ("A128CBC-HS256", "A256GCM")
]
FRONT = {
    "response_types": ("code", "id_token", "id_token token", "code id_token"),
    "grant_types": ("authorization_code", "refresh_token", "implicit"),
}


@functools.cache
def made(kty: str, kid: str = "k1") -> jwcrypto.jwk.JWK:
    """Return a client's key, as another library makes it."""
    size: dict[str, Any] = {"size": 2048} if kty == "RSA" else {"crv": "P-256"}
    return jwcrypto.jwk.JWK.generate(kty=kty, kid=kid, use="enc", **size)


def key_for(alg: str) -> jwcrypto.jwk.JWK:
    """Return the client's key for an algorithm."""
    return made("RSA" if alg.startswith("RSA") else "EC")


def published(*keys: jwcrypto.jwk.JWK, **members: Any) -> str:
    """Return the key set that a client registers or publishes."""
    return json.dumps({"keys": [json.loads(key.export_public()) | members for key in keys]})


def encrypted(site: harness.Site, alg: str = "RSA-OAEP-256", enc: str = "", **changes: Any) -> harness.App:
    """Return the web app, registered for encrypted ID tokens."""
    usual: dict[str, Any] = {"jwks": published(made("RSA"), made("EC"))}
    wanted = {"id_token_encrypted_response_alg": alg, "id_token_encrypted_response_enc": enc}
    site.change_client("web", **(usual | wanted | changes))
    return harness.App(site)


def opened(text: str, key: jwcrypto.jwk.JWK) -> tuple[dict[str, Any], str]:
    """Return header and content of a JWE, by jwcrypto."""
    allowed = ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW", "A128CBC-HS256", "A256GCM"]
    box = jwcrypto.jwe.JWE(algs=allowed)
    box.deserialize(text, key)
    return json.loads(box.objects["protected"]), box.payload.decode()


def is_encrypted(token: str) -> bool:
    """Tell whether a token has the five parts of a JWE."""
    return token.count(".") == 4


class Publisher:
    """A client's web server: answers what it is told to at each address, and counts."""

    def __init__(self, site: harness.Site, **documents: str | None) -> None:
        self.documents = {f"https://app.example/{name}": text for name, text in documents.items()}
        self.calls = 0
        self.posted: list[bytes] = []
        site.house.outgoing = self

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        reply: Reply | None = None
        while True:
            try:
                call = next(flow) if reply is None else flow.send(reply)
            except StopIteration as stop:
                found: T = stop.value
                return found
            self.calls += 1
            if call.method == "POST":
                self.posted.append(call.body)
                reply = Reply(200, url=call.url)
                continue
            text = self.documents.get(call.url)
            if text is None:
                raise Unavailable("unreachable", detail={"url": call.url})
            reply = Reply(200, (("content-type", "application/json"),), text.encode(), call.url)


@capability("id-token-encrypted", witness="joserfc and jwcrypto")
@pytest.mark.parametrize(("alg", "enc"), ALGORITHMS, ids=["-".join(one) for one in ALGORITHMS])
def test_others_open_our_id_tokens(site: harness.Site, alg: str, enc: str) -> None:
    """RFC 7516, RFC 7519 5.2: the header names alg, enc, kid and cty; inside is the signed token, for two libraries."""
    token = encrypted(site, alg, enc).tokens()["id_token"]
    header, inner = opened(token, key_for(alg))
    told = {name: header[name] for name in ("alg", "enc", "kid", "cty")}
    assert told == {"alg": alg, "enc": enc, "kid": "k1", "cty": "JWT"}
    private = joserfc.jwk.import_key(json.loads(key_for(alg).export_private()))
    assert joserfc.jwe.decrypt_compact(token, private, algorithms=[alg, enc]).plaintext == inner.encode()
    keys = joserfc.jwk.KeySet.import_key_set(site.get("~/jwks").json())
    claims = joserfc.jwt.decode(inner, keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "web", "a-nonce")


@capability("id-token-encrypted-validator", witness="values in, values out")
@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES+A256KW"])
def test_our_library_believes_them(site: harness.Site, alg: str) -> None:
    """With the client's key it believes them, and refuses the same token in clear."""
    token = encrypted(site, alg).tokens()["id_token"]
    private = encryptionkeys.read_private_set({"keys": [json.loads(key_for(alg).export_private())]})
    checking = intaglio.Validator(
        issuer=ISSUER,
        audience="web",
        keys=site.get("~/jwks").json(),
        clock=FixedClock(harness.NOW),
        decryption_keys=private,
        require_encrypted=True,
    )
    assert checking.validate(token, nonce="a-nonce").sub == site.user("alice").user_id
    with pytest.raises(intaglio.Refused):
        checking.validate(opened(token, key_for(alg))[1], nonce="a-nonce")


@capability("id-token-encrypted", witness="jwcrypto")
def test_a_refreshed_token_and_one_of_the_browser_are_encrypted(site: harness.Site) -> None:
    """OpenID Connect Core 3.2.2.10, 3.3.2.11, 12.2: wherever an ID token comes from."""
    app = encrypted(site, **FRONT)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    through = app.callback(response_type="code id_token").fragment
    for token in (first["id_token"], second["id_token"], through["id_token"]):
        assert is_encrypted(token)
        assert opened(token, made("RSA"))[1].count(".") == 2
    hybrid = app.redeem(through["code"]).json()
    assert is_encrypted(hybrid["id_token"])


def test_the_inner_token_is_the_hint(site: harness.Site) -> None:
    """OpenID Connect Core 3.1.2.1: the client sends what it decrypted."""
    app, browser = encrypted(site), harness.Browser(site)
    token = app.tokens(browser)["id_token"]
    hint = opened(token, made("RSA"))[1]
    assert "code" in app.authorize(browser, prompt="none", id_token_hint=hint).params
    # What is encrypted to the client is closed to us.
    assert app.authorize(browser, prompt="none", id_token_hint=token).error == "login_required"


@capability("id-token-encrypted", witness="jwcrypto")
def test_the_inner_token_may_be_encrypted_to_us(site: harness.Site) -> None:
    """OpenID Connect Core 3.1.2.1: re-encrypted to our published key it is a hint as well; any other text is none."""
    app, browser = encrypted(site), harness.Browser(site)
    inner = opened(app.tokens(browser)["id_token"], made("RSA"))[1]
    (ours,) = [key for key in site.get("~/jwks").json()["keys"] if key["use"] == "enc"]
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": ours["kid"], "cty": "JWT"}

    def hinted(content: str) -> harness.Answer:
        box = jwcrypto.jwe.JWE(content.encode(), json.dumps(header))
        box.add_recipient(jwcrypto.jwk.JWK(**ours))
        return app.authorize(browser, prompt="none", id_token_hint=box.serialize(compact=True))

    assert "code" in hinted(inner).params
    assert hinted(inner[:-4] + "AAAA").error == "login_required"
    assert hinted('{"sub": "x"}').error == "login_required"


@capability("id-token-encrypted", witness="jwcrypto")
def test_keys_at_an_address_are_fetched_and_fetched_again(site: harness.Site) -> None:
    """OpenID Connect Core 10.2.1: the key that the client publishes now; between two looks nobody is called."""
    one, two = made("RSA", "one"), made("RSA", "two")
    publisher = Publisher(site, jwks=published(one))
    app = encrypted(site, jwks="", jwks_uri=JWKS_URI)
    assert opened(app.tokens()["id_token"], one)[0]["kid"] == "one"
    app.tokens()
    assert publisher.calls == 1
    publisher.documents[JWKS_URI] = published(two)
    site.clock.advance(24 * 3600)
    assert opened(app.tokens()["id_token"], two)[0]["kid"] == "two"
    assert publisher.calls == 2


@capability("id-token-encrypted", witness="a web server of the client's, and jwcrypto")
def test_keys_come_over_the_network_behind_the_guard(site: harness.Site) -> None:
    """The key set is fetched where the operator allows it; elsewhere nobody is called, and nothing goes in clear."""
    calls: list[str] = []

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            body = published(made("EC")).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        app = encrypted(site, "ECDH-ES", jwks="", jwks_uri=f"http://127.0.0.1:{server.server_address[1]}/jwks")
        site.house.outgoing = compose.Outward(Outgoing(time_limit_seconds=1))
        assert app.authorize(harness.Browser(site)).error == "temporarily_unavailable"
        assert calls == []
        site.house.outgoing = compose.Outward(Outgoing(allow=("127.0.0.0/8",), time_limit_seconds=1))
        site.clock.advance(3600)
        assert opened(app.tokens()["id_token"], made("EC"))[0]["alg"] == "ECDH-ES"
        assert calls == ["/jwks"]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def bad_documents() -> dict[str, str | None]:
    """Return what a client's address may answer that is good for nothing."""
    n = (2**521 - 1) * (2**607 - 1)
    weak = jwcrypto.jwk.JWK(kty="RSA", e="AQAB", n=_number(n), kid="weak", use="enc")
    return {
        "nobody answers": None,
        "no key": '{"keys": []}',
        "no JSON": "<html>",
        "a key that signs": published(made("RSA"), use="sig"),
        "a key of another type": published(made("EC")),
        "a weak key": published(weak),
        "a private key": json.dumps({"keys": [json.loads(made("RSA").export_private())]}),
        "a shared secret": json.dumps({"keys": [{"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAA", "use": "enc"}]}),
    }


def _number(value: int) -> str:
    return str(jwcrypto.common.base64url_encode(value.to_bytes((value.bit_length() + 7) // 8)))


@capability("encryption-demanded", witness="the answers on the wire")
@pytest.mark.parametrize("case", list(bad_documents()))
@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token"])
def test_never_in_clear(site: harness.Site, case: str, response_type: str) -> None:
    """Without a usable key there is no ID token: an error before anybody signs in, and nothing in clear after it."""
    Publisher(site, jwks=bad_documents()[case])
    app = encrypted(site, jwks="", jwks_uri=JWKS_URI, **FRONT)
    with harness.logged() as log:
        answer = app.authorize(harness.Browser(site), response_type=response_type)
    unreachable = case in ("nobody answers", "no JSON", "a private key", "a shared secret")
    assert answer.error == ("temporarily_unavailable" if unreachable else "invalid_request")
    assert "id_token" not in answer.params | answer.fragment
    found = (answer.params | answer.fragment)["error_description"]
    entry = log.of(found[found.index("ref_") : -1])
    assert entry["detail"]["expected"]


@capability("encryption-demanded", witness="the answers on the wire")
def test_a_key_that_is_gone_at_the_token_endpoint_costs_no_code(site: harness.Site) -> None:
    """The code is not used up for a token that cannot be given: with its key back the client goes on."""
    app = encrypted(site)
    code = app.code()
    site.change_client("web", jwks='{"keys": []}')
    refused = app.redeem(code)
    assert (refused.status, refused.error) == (400, "invalid_request")
    assert "id_token" not in refused.text
    site.change_client("web", jwks=published(made("RSA")))
    assert is_encrypted(app.redeem(code).json()["id_token"])


def test_a_key_that_is_gone_costs_no_refresh_token(site: harness.Site) -> None:
    """Neither is a refresh token rotated for it."""
    app = encrypted(site, lifetimes=Lifetimes(refresh_token=3600), refresh_policy="rotate")
    first = app.tokens()
    site.change_client("web", jwks='{"keys": []}')
    assert app.refresh(first["refresh_token"]).error == "invalid_request"
    site.clock.advance(600)
    site.change_client("web", jwks=published(made("RSA")))
    assert is_encrypted(app.refresh(first["refresh_token"]).json()["id_token"])


@capability("encryption-demanded", witness="the answers on the wire")
@pytest.mark.parametrize("whose", ["tenant", "client"])
@pytest.mark.parametrize(
    ("level", "response_type", "is_refused"),
    [
        ("front_channel", "code", False),
        ("front_channel", "id_token", True),
        ("front_channel", "code id_token", True),
        ("front_channel", "id_token token", True),
        ("always", "code", True),
        ("always", "id_token", True),
    ],
)
def test_what_is_demanded_is_refused_before_the_login(
    site: harness.Site, whose: str, level: str, response_type: str, is_refused: bool
) -> None:
    """A client that registered no encryption: on the front channel alone, or anywhere, as its operator demands."""
    site.change_client("web", **FRONT, **({"encrypt_id_token": level} if whose == "client" else {}))
    if whose == "tenant":
        site.change_tenant(encrypt_id_tokens=level)
    app = harness.App(site)
    answer = app.authorize(harness.Browser(site), response_type=response_type)
    assert answer.error == ("invalid_request" if is_refused else "")
    if is_refused:
        assert "registered no way" in (answer.params | answer.fragment)["error_description"]
    else:
        assert app.tokens()["id_token"].count(".") == 2
    # With encryption registered, the same request is served, and encrypted.
    encrypted(site)
    served = app.callback(response_type=response_type)
    if "id_token" in response_type:
        assert is_encrypted(served.fragment["id_token"])
    else:
        assert is_encrypted(app.redeem(served.params["code"]).json()["id_token"])


@capability("encryption-demanded", witness="the answers on the wire")
def test_a_demand_that_comes_during_the_sign_in_counts(site: harness.Site) -> None:
    """What is demanded is looked at again after the pages, and at the token endpoint."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    code = app.code()
    site.change_tenant(encrypt_id_tokens="always")
    assert browser.through(page).error == "invalid_request"
    refused = app.redeem(code)
    assert (refused.status, refused.error) == (400, "invalid_request")


def test_what_is_no_openid_request_is_none_of_it(site: harness.Site) -> None:
    """A demand for encrypted ID tokens does not stop a request that wants none."""
    site.change_tenant(encrypt_id_tokens="always")
    app = harness.App(site)
    assert "id_token" not in app.redeem(app.code(scope="profile")).json()


@capability("userinfo-signed", witness="joserfc")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_signed_userinfo(site: harness.Site, alg: str) -> None:
    """OpenID Connect Core 5.3.2: application/jwt with iss and aud; no exp, so that nobody takes it for an ID token."""
    site.change_client("web", userinfo_signed_response_alg=alg)
    app = harness.App(site)
    answer = app.tokens()
    told = app.userinfo(answer["access_token"])
    assert told.header("content-type") == "application/jwt"
    assert told.header("cache-control") == "no-store"
    keys = joserfc.jwk.KeySet.import_key_set(site.get("~/jwks").json())
    claims = joserfc.jwt.decode(told.text, keys, algorithms=[alg]).claims
    assert (claims["iss"], claims["aud"]) == (ISSUER, "web")
    assert claims["sub"] == harness.payload(answer["id_token"])["sub"]
    assert claims["email"] == "alice@example.com"
    assert not {"exp", "nonce"} & set(claims)


@capability("userinfo-encrypted", witness="joserfc and jwcrypto")
@pytest.mark.parametrize("signed", ["", "RS256"])
@pytest.mark.parametrize(("alg", "enc"), ALGORITHMS, ids=["-".join(one) for one in ALGORITHMS])
def test_encrypted_userinfo(site: harness.Site, alg: str, enc: str, signed: str) -> None:
    """OpenID Connect Core 5.3.2: claims, or a signed JWT with cty, for the client's key alone."""
    site.change_client(
        "web",
        jwks=published(made("RSA"), made("EC")),
        userinfo_signed_response_alg=signed,
        userinfo_encrypted_response_alg=alg,
        userinfo_encrypted_response_enc=enc,
    )
    app = harness.App(site)
    answer = app.tokens(scope="openid email")
    assert answer["id_token"].count(".") == 2
    told = app.userinfo(answer["access_token"])
    assert told.header("content-type") == "application/jwt"
    header, content = opened(told.text, key_for(alg))
    assert (header["alg"], header["enc"], header["kid"], header.get("cty")) == (
        alg,
        enc,
        "k1",
        "JWT" if signed else None,
    )
    claims = harness.payload(content) if signed else json.loads(content)
    assert claims["email"] == "alice@example.com"
    assert ("iss" in claims) is bool(signed)


@capability("userinfo-encrypted", witness="the answers on the wire")
@pytest.mark.parametrize("case", list(bad_documents()))
def test_userinfo_never_in_clear(site: harness.Site, case: str) -> None:
    """Without a usable key there is an error, and no claim."""
    Publisher(site, jwks=bad_documents()[case])
    site.change_client("web", jwks_uri=JWKS_URI, userinfo_encrypted_response_alg="RSA-OAEP-256")
    app = harness.App(site)
    told = app.userinfo(app.tokens()["access_token"])
    assert told.status in (400, 503)
    assert told.error in ("invalid_request", "temporarily_unavailable")
    assert "alice" not in told.text


@pytest.mark.parametrize("alg", ["dir", "A128KW", "A256GCMKW", "RSA1_5", "none"])
def test_an_alg_that_is_none_of_ours_is_an_error(site: harness.Site, alg: str) -> None:
    """However it came into the record: a secret is no recipient's key, and RSA1_5 is not spoken."""
    answer = encrypted(site, alg).authorize(harness.Browser(site))
    assert answer.error == "invalid_request"
    site.change_client("web", id_token_encrypted_response_alg="", userinfo_encrypted_response_alg=alg)
    app = harness.App(site)
    assert app.userinfo(app.tokens()["access_token"]).error == "invalid_request"


def test_a_client_without_encryption_is_served_as_ever(site: harness.Site) -> None:
    """A client that registered keys alone, beside one with encryption: tokens in clear, JSON at UserInfo."""
    encrypted(site)
    site.add_client("plain", "plain-secret", jwks=published(made("RSA")), id_token_encrypted_response_alg="")
    app = harness.App(site, "plain", "plain-secret")
    answer = app.tokens()
    assert answer["id_token"].count(".") == 2
    assert app.userinfo(answer["access_token"]).header("content-type") == "application/json"


@capability("id-token-encrypted", witness="jwcrypto")
def test_logout_tokens_are_encrypted_as_id_tokens_are(site: harness.Site) -> None:
    """Back-Channel Logout 2.4: the same algorithms and key; without the key the notice waits, and nothing goes out."""
    publisher = Publisher(site)
    app = encrypted(site, "ECDH-ES+A256KW", "A256GCM", backchannel_logout_uri="https://app.example/logout")
    for jwks, posts in ((published(made("EC")), 1), ('{"keys": []}', 1)):
        site.change_client("web", jwks=published(made("EC")))
        browser = harness.Browser(site)
        hint = opened(app.tokens(browser)["id_token"], made("EC"))[1]
        site.change_client("web", jwks=jwks)
        browser.get(f"{app.base}/logout?{urlencode({'id_token_hint': hint})}")
        site.run(compose.engine(site.house).drain())
        assert len(publisher.posted) == posts
    token = parse_qs(publisher.posted[0].decode())["logout_token"][0]
    header, inner = opened(token, made("EC"))
    assert (header["alg"], header["cty"]) == ("ECDH-ES+A256KW", "JWT")
    assert harness.payload(inner)["events"]
    assert harness.payload(inner)["sub"] == site.user("alice").user_id
    # And such a token is nobody's hint.
    assert app.authorize(harness.Browser(site), id_token_hint=inner).error == "invalid_request"
