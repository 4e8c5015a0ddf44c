"""Request objects by value and by reference: what is believed, what wins, and every way to forge or misplace one."""

from __future__ import annotations

import atexit
import base64
import functools
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import jwcrypto.jwe
import jwcrypto.jwk
import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.net.guard import Guard, Limits
from intaglio.net.pooled import PooledDriver
from intaglio.protocol import pkce, requestobject
from intaglio.server.keyring import inbox
from intaglio.tokens import jwe
from intaglio.wire.flow import Flow, Reply
from tests import harness
from tests.capability import capability

T = TypeVar("T")
ISSUER = "http://localhost:8080/default"
BY_VALUE = "request-object-value"
BY_REFERENCE = "request-object-reference"
WITNESS = "PyJWT signs them"
SECRET = "a-client-secret-of-more-than-32-octets"
PLACE = "https://rp.example/request.jwt"
TYPED = {"typ": "oauth-authz-req+jwt"}

_CURVES: dict[str, type[Any]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@functools.cache
def private(alg: str, owner: str = "web") -> Any:
    """Return a private key for an algorithm, one for each owner."""
    if alg in _CURVES:
        return ec.generate_private_key(_CURVES[alg]())
    if alg in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


def jwks(*algs: str, owner: str = "web") -> str:
    """Return the key set of an owner as a client registers it."""
    return json.dumps({"keys": [_public(alg, owner) for alg in algs]})


def _public(alg: str, owner: str) -> dict[str, Any]:
    members = jwt.get_algorithm_by_name("EdDSA" if alg == "Ed25519" else alg).to_jwk(
        private(alg, owner).public_key(), as_dict=True
    )
    return {"kid": f"{owner}-{alg}", "use": "sig"} | {k: v for k, v in members.items() if k != "key_ops"}


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a request object of `web`; a change to None leaves one out."""
    usual = {
        "iss": "web",
        "aud": ISSUER,
        "client_id": "web",
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:9999/cb",
        "scope": "openid email",
        "state": "inside",
        "nonce": "a-nonce",
        "code_challenge": pkce.challenge(harness.VERIFIER),
        "code_challenge_method": "S256",
        "exp": harness.NOW + 300,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def sign(
    given: Mapping[str, Any], alg: str = "RS256", owner: str = "web", header: Mapping[str, Any] | None = None
) -> str:
    """Return a request object that PyJWT signed."""
    told = {"kid": f"{owner}-{alg}"} | dict(header or {})
    if alg == "Ed25519":
        return _by_hand(given, told | {"alg": "Ed25519"}, private(alg, owner).sign)
    return jwt.PyJWS().encode(json.dumps(given).encode(), private(alg, owner), algorithm=alg, headers=told)


def _by_hand(given: Mapping[str, Any], header: Mapping[str, Any], signed: Callable[[bytes], bytes]) -> str:
    text = ".".join(_text(json.dumps(part).encode()) for part in (header, given))
    return f"{text}.{_text(signed(text.encode()))}"


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def unsigned(given: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """Return a request object with `alg` none."""
    return _by_hand(given, {"alg": "none"} | dict(header or {}), lambda _: b"")


def around(**changes: str | None) -> dict[str, str | None]:
    """Return the parameters beside an object: client, response type, scope and address, as Core 6.1 has them."""
    return {
        "state": None,
        "nonce": None,
        "code_challenge": None,
        "code_challenge_method": None,
        "scope": "openid",
        **changes,
    }


@pytest.fixture
def app(site: harness.Site) -> harness.App:
    """The seeded web client with an RS256 key."""
    site.change_client("web", jwks=jwks("RS256"))
    return harness.App(site)


def ask(app: harness.App, text: str, **changes: str | None) -> harness.Answer:
    """Send a request with an object by value."""
    return app.authorize(harness.Browser(app.site), request=text, **around(**changes))


def finish(app: harness.App, **changes: str | None) -> harness.Answer:
    """Send a request with an object and let alice sign in and consent."""
    browser = harness.Browser(app.site)
    return browser.through(app.authorize(browser, **around(**changes)))


def refusal(app: harness.App, text: str, **changes: str | None) -> str:
    """Return the error of a request that must not get as far as a page for people."""
    answer = ask(app, text, **changes)
    assert "_intaglio" not in answer.location, answer.location
    return answer.error


# --- what works


@capability(BY_VALUE, witness=WITNESS)
@pytest.mark.parametrize("alg", [alg for alg in requestobject.SIGNING_ALGS if alg != "HS256"])
@pytest.mark.parametrize("header", [{}, TYPED, {"typ": "JWT"}])
def test_a_signed_object_by_value(site: harness.Site, alg: str, header: dict[str, str]) -> None:
    """OpenID Connect Core 6.1, RFC 9101: what the object says is what counts, after the sign-in too."""
    site.change_client("web", jwks=jwks(alg), request_object_signing_alg=alg)
    app = harness.App(site)
    answer = finish(app, request=sign(claims(), alg, header=header), state="outside")
    assert answer.params["state"] == "inside"
    told = app.redeem(answer.params["code"]).json()
    assert told["scope"] == "openid email"
    assert harness.payload(told["id_token"])["nonce"] == "a-nonce"


@capability(BY_VALUE, witness=WITNESS)
def test_an_object_with_the_client_secret(site: harness.Site) -> None:
    """OpenID Connect Core 10.1: HS256 with the secret that was kept for it; another secret is refused."""
    kept = site.house.secrets.keep(SECRET, harness.NOW, sealed=True)
    site.change_client("web", secrets=(kept,), request_object_signing_alg="HS256")
    app = harness.App(site, secret=SECRET)
    good = jwt.encode(claims(), SECRET, algorithm="HS256")
    answer = finish(app, request=good)
    assert app.redeem(answer.params["code"]).status == 200
    assert refusal(app, jwt.encode(claims(), SECRET + "x", algorithm="HS256")) == "invalid_request_object"


def test_a_secret_that_is_not_kept_makes_no_object(app: harness.App) -> None:
    """A client whose secret is known by its hash alone has no HS256, not even with the hash as the key."""
    kept = app.site.client("web").secrets[0]
    for key in (SECRET.encode(), b"web-secret" + bytes(32), kept.digest):
        text = jwt.encode(claims(), key, algorithm="HS256")
        assert refusal(app, text) == "invalid_request_object"


def test_an_object_may_be_posted(app: harness.App) -> None:
    """OpenID Connect Core 3.1.2.1: POST as well as GET."""
    form = app.request(request=sign(claims()), **around())
    browser = harness.Browser(app.site)
    answer = browser.through(browser.post("~/authorize", form))
    assert answer.params["state"] == "inside"


def test_what_is_inside_wins(app: harness.App) -> None:
    """OpenID Connect Core 6.1: every parameter of the object supersedes the one around it."""
    site = app.site
    site.change_client("web", redirect_uris=("http://127.0.0.1:9999/cb", "http://127.0.0.1:9999/other"))
    text = sign(claims(redirect_uri="http://127.0.0.1:9999/other", prompt="none"))
    answer = ask(app, text, state="outside", prompt="login", redirect_uri="http://127.0.0.1:9999/cb")
    assert answer.location.startswith("http://127.0.0.1:9999/other?")
    assert (answer.error, answer.params["state"]) == ("login_required", "inside")


def test_what_is_not_inside_is_taken_from_around(app: harness.App) -> None:
    """OpenID Connect Core 6.1: the request is put together of both."""
    answer = ask(app, sign(claims(state=None, prompt="none")), state="outside")
    assert (answer.error, answer.params["state"]) == ("login_required", "outside")


def test_nothing_from_around_counts_beside_a_typed_object(app: harness.App) -> None:
    """RFC 9101 6.3: only what is inside is used; nothing can be slipped in beside a signed request."""
    typed = sign(claims(state=None, prompt="none"), header=TYPED)
    answer = ask(app, typed, state="slipped-in", response_mode="form_post")
    assert answer.error == "login_required"
    assert "state" not in answer.params


def test_a_typed_object_needs_nothing_but_the_client_around_it(app: harness.App) -> None:
    """RFC 9101 5: `client_id` and `request` alone."""
    query = urlencode({"client_id": "web", "request": sign(claims(), header=TYPED)})
    browser = harness.Browser(app.site)
    assert "code" in browser.through(browser.get(f"~/authorize?{query}")).params


def test_numbers_and_claims_have_their_json_types_inside(app: harness.App) -> None:
    """OpenID Connect Core 6.1: `max_age` is a number, `claims` an object."""
    text = sign(claims(max_age=1000, claims={"id_token": {"email": {"essential": True}}}))
    answer = finish(app, request=text)
    told = app.redeem(answer.params["code"]).json()
    assert harness.payload(told["id_token"])["email"] == "alice@example.com"
    for wrong in ({"max_age": "soon"}, {"claims": '{"id_token":{}}'}, {"max_age": True}, {"claims": ["a"]}):
        assert refusal(app, sign(claims(**wrong))) in ("invalid_request", "invalid_request_object")


@pytest.mark.parametrize("name", sorted(requestobject.PARAMETERS - {"claims", "max_age"}))
@pytest.mark.parametrize("value", [["openid"], {"a": 1}, 1, True, 1.5])
def test_a_member_of_another_type_is_refused(app: harness.App, name: str, value: Any) -> None:
    """Nothing falls back to the parameter around it because the one inside cannot be read."""
    if name != "client_id":
        assert refusal(app, sign(claims(**{name: value}))) == "invalid_request_object"


def test_the_request_that_waits_is_the_one_that_was_believed(app: harness.App) -> None:
    """After the sign-in the object is not read again: an expired one finishes what it began."""
    browser = harness.Browser(app.site)
    page = browser.follow(app.authorize(browser, request=sign(claims(exp=harness.NOW + 60)), **around()))
    app.site.clock.advance(600)
    assert "code" in browser.through(page).params


# --- whose it is, and for whom


@capability(BY_VALUE, witness=WITNESS)
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "spa"},
        {"iss": 7},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": ISSUER + "/"},
        {"aud": ["https://other.example"]},
        {"aud": []},
        {"aud": {"a": ISSUER}},
        {"exp": harness.NOW - 60},
        {"exp": "tomorrow"},
        {"nbf": harness.NOW + 60},
        {"sub": "web"},
        {"client_id": "spa"},
        {"response_type": "token"},
        {"request": "x.y.z"},
        {"request_uri": PLACE},
        {"state": "line\nbreak"},
        {"state": "\x00"},
    ],
)
@pytest.mark.parametrize("header", [{}, TYPED])
def test_an_object_that_is_not_this_clients_for_this_issuer_now(
    app: harness.App, changes: dict[str, Any], header: dict[str, str]
) -> None:
    """RFC 9101 4 and 10.8, OpenID Connect Core 6.1: issuer, audience, times, and the two that must be equal."""
    assert refusal(app, sign(claims(**changes), header=header)) == "invalid_request_object"


def test_several_audiences_and_a_clock_that_differs_a_little(app: harness.App) -> None:
    """RFC 7519 4.1.3 to 4.1.5: one of the audiences is enough, and 30 seconds are forgiven."""
    text = sign(claims(aud=["https://x", ISSUER], nbf=harness.NOW + 8, exp=harness.NOW - 8, prompt="none"))
    assert ask(app, text).error == "login_required"


def test_an_object_of_another_client_is_refused(app: harness.App) -> None:
    """Signed by another client, with the key that this one names, in any of the two directions."""
    app.site.change_client("spa", jwks=jwks("RS256", owner="spa"))
    assert refusal(app, sign(claims(), owner="spa")) == "invalid_request_object"
    assert refusal(app, sign(claims(), owner="spa", header={"kid": "web-RS256"})) == "invalid_request_object"
    assert refusal(app, sign(claims(iss="spa", client_id="spa"), owner="spa")) == "invalid_request_object"
    other = harness.App(app.site, "spa", "", redirect_uri="http://localhost:3000/callback")
    assert refusal(other, sign(claims())) == "invalid_request_object"


def test_an_object_for_another_issuer_is_refused(app: harness.App) -> None:
    """The same client with the same key at another tenant: its object is good there and not here."""
    site = app.site
    site.add_tenant("other")
    elsewhere = sign(claims(aud="http://localhost:8080/other"))
    assert refusal(app, elsewhere) == "invalid_request_object"


def test_an_object_for_another_dialect_is_refused(app: harness.App) -> None:
    """One tenant has an issuer for each dialect; an object names the one that it is for, byte for byte."""
    there = harness.auth0_app(app.site)
    good = sign(claims(aud="http://localhost:8083/", prompt="none"))
    assert refusal(there, good) == "login_required"
    assert refusal(app, good) == "invalid_request_object"
    for aud in (ISSUER, "http://localhost:8083"):
        assert refusal(there, sign(claims(aud=aud, prompt="none"))) == "invalid_request_object"


def test_an_object_opens_nothing_that_the_client_may_not_have(app: harness.App) -> None:
    """What is inside meets every check that a parameter meets."""
    for changes in (
        {"redirect_uri": "https://evil.example/"},
        {"scope": "openid phone"},
        {"response_type": None},
        {"code_challenge_method": "plain"},
        {"prompt": "none login"},
        {"display": "hologram"},
    ):
        app.site.change_client("web", scope=("openid", "email"))
        outer = {"response_type": None} if "response_type" in changes else {}
        assert refusal(app, sign(claims(**changes)), **outer)


# --- how it is signed


@capability(BY_VALUE, witness=WITNESS)
def test_none_is_for_who_registered_it(app: harness.App) -> None:
    """RFC 8725 3.2: an unsigned object of anybody else is not supported, however it is spelled."""
    assert refusal(app, unsigned(claims())) == "request_not_supported"
    for spelled in ("None", "NONE", "nOnE", ""):
        assert refusal(app, unsigned(claims(), {"alg": spelled})) == "invalid_request_object"
    app.site.change_client("web", request_object_signing_alg="none")
    assert ask(app, unsigned(claims(prompt="none"))).error == "login_required"
    bare = unsigned(claims(prompt="none", iss=None, aud=None, exp=None))
    assert ask(app, bare).error == "login_required"
    for changes in ({"iss": "spa"}, {"aud": "https://other.example"}, {"client_id": "spa"}, {"sub": "web"}):
        assert refusal(app, unsigned(claims(**changes))) == "invalid_request_object"
    assert refusal(app, unsigned(claims()) + "AAAA") == "invalid_request_object"
    assert refusal(app, sign(claims())) == "invalid_request_object"


def test_another_algorithm_than_the_registered_one_is_refused(app: harness.App) -> None:
    """Registration 1.0 section 2: all objects with another `alg` must be rejected, good signature or not."""
    site = app.site
    site.change_client("web", jwks=jwks("RS256", "ES256"), request_object_signing_alg="ES256")
    assert refusal(app, sign(claims())) == "invalid_request_object"
    assert refusal(app, unsigned(claims())) == "request_not_supported"
    assert ask(app, sign(claims(prompt="none"), "ES256")).error == "login_required"


def test_a_public_key_is_no_secret(app: harness.App) -> None:
    """RFC 8725 2.1: HS256 under the text of the client's own public key."""
    for key in (app.site.client("web").jwks.encode(), json.dumps(_public("RS256", "web")).encode()):
        text = _by_hand(claims(), {"alg": "HS256", "kid": "web-RS256"}, functools.partial(_mac, key))
        assert refusal(app, text) == "invalid_request_object"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "JOSE"},
        {"typ": 7},
        {"crit": ["b64"], "b64": False},
        {"enc": "A256GCM"},
        {"zip": "DEF"},
        {"kid": "unheard-of"},
        {"kid": 7},
    ],
)
def test_a_header_that_is_no_request_objects(app: harness.App, header: dict[str, Any]) -> None:
    """RFC 8725 3.11: another kind of JWT; RFC 7515 4.1.11: an extension; a signed text that says it is encrypted."""
    told = {"alg": "RS256", "kid": "web-RS256"} | header
    key = private("RS256")
    text = _by_hand(claims(), told, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()))
    assert refusal(app, text) == "invalid_request_object"


def test_a_key_in_the_header_is_never_looked_at(app: harness.App) -> None:
    """RFC 7515 4.1.3: whoever signs may send along what he likes."""
    header = {"jwk": _public("RS256", "mallory"), "jku": PLACE, "kid": "web-RS256"}
    assert refusal(app, sign(claims(), owner="mallory", header=header)) == "invalid_request_object"


@pytest.mark.parametrize("text", ["x", "x.y.z", "a.b.c.d.e", ".", "..", "....", "é.é.é", "e30.e30.e30", "A" * 33000])
def test_what_is_no_object_at_all(app: harness.App, text: str) -> None:
    """Told to the client in standard words."""
    assert refusal(app, text) == "invalid_request_object"


def test_every_change_of_a_byte_is_noticed(app: harness.App) -> None:
    """One octet of header, payload or signature."""
    text = sign(claims())
    for place in range(0, len(text), 37):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert refusal(app, changed) == "invalid_request_object"


def test_an_object_without_a_registered_key_is_refused(site: harness.Site) -> None:
    """A client that registered no key signs nothing."""
    assert refusal(harness.App(site), sign(claims())) == "invalid_request_object"


def test_a_client_assertion_is_no_request(app: harness.App) -> None:
    """RFC 9101 10.8: what the client signs to name itself cannot carry somebody's own parameters."""
    assertion = {"iss": "web", "sub": "web", "aud": ISSUER, "jti": "1", "exp": harness.NOW + 60}
    assert refusal(app, sign(assertion)) == "invalid_request_object"


# --- encrypted


def recipient(site: harness.Site) -> dict[str, Any]:
    """Return the issuer's encryption key as it is published."""
    (key,) = [key for key in site.get("~/jwks").json()["keys"] if key["use"] == "enc"]
    return dict(key)


def encrypt(key: dict[str, Any], text: str | bytes, alg: str = "ECDH-ES", enc: str = "A128CBC-HS256") -> str:
    """Return a text that jwcrypto encrypted to a public key."""
    made = jwcrypto.jwe.JWE(
        text if isinstance(text, bytes) else text.encode(),
        json.dumps({"alg": alg, "enc": enc, "cty": "JWT", "kid": key["kid"]}),
        algs=[alg, enc],
    )
    made.add_recipient(jwcrypto.jwk.JWK(**{k: v for k, v in key.items() if k != "use"}))
    return str(made.serialize(compact=True))


@capability("request-object-encrypted", witness="jwcrypto encrypts, PyJWT signs")
@pytest.mark.parametrize("alg", requestobject.ENCRYPTION_ALGS)
@pytest.mark.parametrize("enc", jwe.ENCRYPTIONS)
def test_an_encrypted_object(app: harness.App, alg: str, enc: str) -> None:
    """OpenID Connect Core 10.2, RFC 9101 6.1: signed, then encrypted to the key in the issuer's set."""
    text = encrypt(recipient(app.site), sign(claims(), header=TYPED), alg, enc)
    answer = finish(app, request=text)
    assert answer.params["state"] == "inside"


@capability("request-object-encrypted", witness="jwcrypto encrypts, PyJWT signs")
def test_encryption_proves_nothing(app: harness.App) -> None:
    """RFC 8725 2.3: anybody can encrypt to a public key; what is inside must be signed (CVE-2026-9793)."""
    key = recipient(app.site)
    bare = json.dumps(claims()).encode()
    for inside in (bare, b"", b"x", b"\xff", sign(claims(), owner="mallory"), encrypt(key, sign(claims()))):
        assert refusal(app, encrypt(key, inside)) == "invalid_request_object"
    assert refusal(app, encrypt(key, unsigned(claims()))) == "request_not_supported"
    app.site.change_client("web", request_object_signing_alg="none")
    assert refusal(app, encrypt(key, bare)) == "invalid_request_object"
    assert ask(app, encrypt(key, unsigned(claims(prompt="none")))).error == "login_required"


def test_an_object_that_is_encrypted_otherwise(app: harness.App) -> None:
    """For another tenant's key, by another algorithm than was registered, or changed on its way."""
    site = app.site
    key, good = recipient(site), sign(claims(prompt="none"))
    other = jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256", kid=key["kid"]).export_public(as_dict=True)
    assert refusal(app, encrypt(other, good)) == "invalid_request_object"
    site.add_tenant("other")
    (theirs,) = [one for one in site.get("/other/jwks").json()["keys"] if one["use"] == "enc"]
    assert theirs["x"] != key["x"]
    assert refusal(app, encrypt(theirs, good)) == "invalid_request_object"
    site.change_client("web", request_object_encryption_alg="ECDH-ES")
    assert ask(app, encrypt(key, good)).error == "login_required"
    assert refusal(app, encrypt(key, good, "ECDH-ES+A128KW")) == "invalid_request_object"
    assert refusal(app, encrypt(key, good, enc="A256GCM")) == "invalid_request_object"
    text = encrypt(key, good)
    for place in range(0, len(text), 41):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert refusal(app, changed) == "invalid_request_object"


def test_the_encryption_key_changes_and_the_one_before_still_opens(app: harness.App) -> None:
    """A client that kept the key set over the change is understood for another quarter, and no longer."""
    before = recipient(app.site)
    app.site.clock.advance(inbox.PERIOD)
    assert recipient(app.site) != before
    good = sign(claims(prompt="none", exp=None))
    assert ask(app, encrypt(before, good)).error == "login_required"
    assert ask(app, encrypt(recipient(app.site), good)).error == "login_required"
    app.site.clock.advance(inbox.PERIOD)
    assert refusal(app, encrypt(before, good)) == "invalid_request_object"


# --- where errors are told


def test_errors_go_nowhere_that_is_not_registered(app: harness.App) -> None:
    """RFC 6749 4.1.2.1: without a trusted address around the object the person is told."""
    for redirect_uri in (None, "https://evil.example/"):
        answer = ask(app, sign(claims(), owner="mallory"), redirect_uri=redirect_uri)
        assert (answer.status, answer.location, answer.error) == (400, "", "invalid_request_object")


def test_both_ways_at_once_are_refused(app: harness.App) -> None:
    """RFC 9101 5: `request` and `request_uri` must not be used together."""
    assert refusal(app, sign(claims()), request_uri=PLACE) == "invalid_request"


@pytest.mark.parametrize("name", ["request", "request_uri", "state", "unheard_of"])
def test_repeated_parameters_are_refused_beside_an_object(app: harness.App, name: str) -> None:
    """RFC 6749 3.1: also where the object would have had the last word."""
    given = [*app.request(request=sign(claims()), **around()).items(), (name, "1"), (name, "2")]
    assert app.site.get("~/authorize?" + urlencode(given)).error == "invalid_request"


# --- by reference


class Elsewhere:
    """Runs flows against texts by address, behind the guard's own rules."""

    def __init__(self) -> None:
        self.known: dict[str, Reply] = {}
        self.seen: list[str] = []
        self._guard = Guard()

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        try:
            call = next(flow)
            while True:
                self._guard.check_url(call.url)
                self.seen.append(call.url)
                call = flow.send(self.known.get(call.url, Reply(404)))
        except StopIteration as stop:
            value: T = stop.value
            return value


@pytest.fixture
def outside(app: harness.App) -> Elsewhere:
    """What can be reached from the server; the client registered one address."""
    app.site.change_client("web", request_uris=(PLACE,))
    elsewhere = app.site.house.outgoing = Elsewhere()
    return elsewhere


def refer(app: harness.App, uri: str, **changes: str | None) -> harness.Answer:
    """Send a request with an object by reference."""
    return app.authorize(harness.Browser(app.site), request_uri=uri, **around(**changes))


@capability(BY_REFERENCE, witness=WITNESS)
@pytest.mark.parametrize("header", [{}, TYPED])
def test_a_signed_object_by_reference(app: harness.App, outside: Elsewhere, header: dict[str, str]) -> None:
    """OpenID Connect Core 6.2: fetched once, believed as one by value is."""
    outside.known[PLACE] = Reply(200, (), sign(claims(), header=header).encode() + b"\n")
    answer = finish(app, request_uri=PLACE)
    assert app.redeem(answer.params["code"]).status == 200
    assert outside.seen == [PLACE]


@capability(BY_REFERENCE, witness=WITNESS)
@pytest.mark.parametrize(
    "uri",
    [
        PLACE + "/",
        PLACE + "?x",
        PLACE.upper(),
        "https://rp.example/other.jwt",
        "https://rp.example/../request.jwt",
        "https://rp.example@evil.example/request.jwt",
        "http://rp.example/request.jwt",
        "https://other.example/request.jwt",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
        "http://localhost:8080/default/jwks",
        "file:///etc/passwd",
        "data:text/plain,x",
        "urn:ietf:params:oauth:request_uri:x",
        "#",
        "https://rp.example/" + "a" * 500,
    ],
)
def test_no_other_address_is_called(app: harness.App, outside: Elsewhere, uri: str) -> None:
    """RFC 9101 10.4, Registration 1.0: the registered ones letter by letter, and not another client's."""
    app.site.change_client("spa", request_uris=("https://other.example/request.jwt",))
    outside.known = {uri: Reply(200, (), sign(claims()).encode())}
    answer = refer(app, uri)
    assert (answer.error, outside.seen) == ("invalid_request_uri", [])


def test_a_registered_fragment_names_and_an_added_one_is_checked(app: harness.App, outside: Elsewhere) -> None:
    """OpenID Connect Core 6.2: a fragment that the request adds is the SHA-256 of the contents."""
    body = sign(claims(prompt="none")).encode()
    outside.known[PLACE] = Reply(200, (), body)
    right = _text(hashlib.sha256(body).digest())
    assert refer(app, f"{PLACE}#{right}").error == "login_required"
    for wrong in (_text(hashlib.sha256(b"x").digest()), right.lower(), "x", right + "="):
        assert refer(app, f"{PLACE}#{wrong}").error == "invalid_request_uri"
    app.site.change_client("web", request_uris=(f"{PLACE}#version-1",))
    assert refer(app, f"{PLACE}#version-1").error == "login_required"
    for other in (PLACE, f"{PLACE}#version-2", f"{PLACE}#{right}"):
        assert refer(app, other).error == "invalid_request_uri"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(500, (), b"x"),
        Reply(301, (("location", PLACE),)),
        Reply(302, (("location", "http://169.254.169.254/"),)),
        Reply(204),
        Reply(206, (), b"x"),
    ],
)
def test_an_answer_that_is_no_object(app: harness.App, outside: Elsewhere, reply: Reply) -> None:
    """RFC 9101 10.4: anything but 200 is a fault; a redirect is not followed, in a loop or elsewhere."""
    outside.known[PLACE] = reply
    assert (refer(app, PLACE).error, outside.seen) == ("invalid_request_uri", [PLACE])


def test_an_answer_that_is_too_long_or_no_text(app: harness.App, outside: Elsewhere) -> None:
    """32 KiB of ASCII at most."""
    for body in (b"a" * (32 * 1024 + 1), "é".encode(), b"\xff"):
        outside.known[PLACE] = Reply(200, (), body)
        assert refer(app, PLACE).error == "invalid_request_uri"
    outside.known[PLACE] = Reply(200, (), b"")
    assert refer(app, PLACE).error == "invalid_request_object"


def test_an_object_by_reference_is_believed_no_more_than_one_by_value(app: harness.App, outside: Elsewhere) -> None:
    """The place proves nothing: signature, issuer, audience, and what none is for."""
    for text, error in [
        (sign(claims(), owner="mallory"), "invalid_request_object"),
        (sign(claims(aud="https://other.example")), "invalid_request_object"),
        (sign(claims(request_uri=PLACE)), "invalid_request_object"),
        (unsigned(claims()), "request_uri_not_supported"),
    ]:
        outside.known[PLACE] = Reply(200, (), text.encode())
        assert refer(app, PLACE).error == error
    app.site.change_client("web", request_object_signing_alg="none")
    outside.known[PLACE] = Reply(200, (), unsigned(claims(prompt="none")).encode())
    assert refer(app, PLACE).error == "login_required"


def test_every_way_to_fail_to_fetch_looks_alike(app: harness.App, outside: Elsewhere) -> None:
    """Not registered, refused by the guard, silent, redirected, too long: one text, and the log says which."""
    inner = "https://10.0.0.1/"
    app.site.change_client("web", request_uris=(PLACE, inner, "https://rp.example/long", "https://rp.example/there"))
    outside.known["https://rp.example/long"] = Reply(200, (), b"a" * 100_000)
    outside.known["https://rp.example/there"] = Reply(302, (("location", inner),))
    told = set()
    for uri in (PLACE, inner, "https://rp.example/long", "https://rp.example/there", "https://evil.example/"):
        answer = refer(app, uri)
        told.add((answer.error, answer.params["error_description"].rpartition(" (ref_")[0]))
    assert len(told) == 1


def test_a_wrong_request_calls_nobody(app: harness.App, outside: Elsewhere) -> None:
    """Unknown clients, repeated parameters and disabled clients cost no call."""
    outside.known[PLACE] = Reply(200, (), sign(claims()).encode())
    query = urlencode([*app.request(request_uri=PLACE).items(), ("state", "1"), ("state", "2")])
    app.site.get(f"~/authorize?{query}")
    refer(app, PLACE, client_id="nobody")
    app.site.change_client("web", disabled_at=harness.NOW)
    refer(app, PLACE)
    assert outside.seen == []


def test_where_nothing_may_be_called_references_are_not_supported(app: harness.App) -> None:
    """OpenID Connect Core 3.1.2.6: said by its own error."""
    app.site.change_client("web", request_uris=(PLACE,))
    assert refer(app, PLACE).error == "request_uri_not_supported"


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "http://127.0.0.1:8080/default/jwks",
        "https://0x7f.1/",
        "https://2852039166/",
    ],
)
def test_a_registered_address_is_still_judged(app: harness.App, uri: str) -> None:
    """SSRF: what a client registered is not where the server may go; the guard of outgoing calls says that."""
    app.site.change_client("web", request_uris=(uri,))
    app.site.house.outgoing = PooledDriver(Guard(), limits=Limits(octets=64 * 1024, seconds=2.0))
    answer = refer(app, uri)
    assert answer.error == "invalid_request_uri"
    # One text for whatever is wrong: nobody learns which of the addresses inside answers.
    assert "169" not in answer.params["error_description"]


class Rooms(http.server.ThreadingHTTPServer):
    """A server on loopback: 10 MB at /big, a redirect to itself at /loop, `good` anywhere else."""

    good = b""
    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Room)

    @property
    def base(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Room(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: Rooms

    def do_GET(self) -> None:
        """Answer a GET."""
        self.server.asked.append(self.path)
        body = {"/loop": b"", "/big": b"a" * 10_000_000}.get(self.path, self.server.good)
        self.send_response(302 if self.path == "/loop" else 200)
        self.send_header("Location", "/loop")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    """The server, running."""
    server = Rooms()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _over_sockets(app: harness.App, rooms: Rooms, path: str) -> str:
    """Return the error of a request whose object is fetched by the driver that the server uses."""
    uri = rooms.base + path
    app.site.change_client("web", request_uris=(uri,))
    driver = PooledDriver(Guard((rooms.base,)), limits=Limits(octets=64 * 1024, seconds=5.0))
    app.site.house.outgoing = driver
    error = refer(app, uri).error
    app.site.run(driver.aclose())
    return error


@pytest.mark.parametrize("path", ["/big", "/loop"])
def test_ten_megabytes_and_a_loop_of_redirects(app: harness.App, rooms: Rooms, path: str) -> None:
    """A body is read no further than its bound; a redirect is one call and no more."""
    assert _over_sockets(app, rooms, path) == "invalid_request_uri"
    assert rooms.asked == [path]


@capability(BY_REFERENCE, witness="an HTTP server")
def test_an_object_over_sockets(app: harness.App, rooms: Rooms) -> None:
    """Fetched by GET from the address itself, whose fragment is not sent."""
    rooms.good = sign(claims(prompt="none")).encode()
    assert _over_sockets(app, rooms, "/good.jwt?v=1#version") == "login_required"
    assert rooms.asked == ["/good.jwt?v=1"]


# --- whatever is inside


@given(
    st.dictionaries(
        st.sampled_from([*sorted(requestobject.PARAMETERS), "iss", "aud", "exp", "nbf", "sub", "request"]),
        st.none()
        | st.booleans()
        | st.integers(-(2**40), 2**40)
        | st.text(max_size=20)
        | st.sampled_from(["web", "code", "openid", ISSUER, "http://127.0.0.1:9999/cb", "none", "S256", "form_post"])
        | st.dictionaries(st.sampled_from(["id_token", "userinfo"]), st.none() | st.dictionaries(st.text(), st.none())),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_whatever_is_inside_is_answered(members: dict[str, Any]) -> None:
    """An answer of the protocol for every object: a page, a redirect to the one registered address, never a fault."""
    app = _one_app()
    answer = ask(app, unsigned(members))
    assert answer.status in (200, 303, 400)
    assert answer.error != "server_error"
    assert answer.location.startswith(("http://127.0.0.1:9999/cb?", "http://127.0.0.1:9999/cb#", "/_intaglio/")) or (
        answer.is_page
    )


@functools.cache
def _one_app() -> harness.App:
    site = harness.Site()
    atexit.register(site.close)
    site.change_client("web", request_object_signing_alg="none")
    return harness.App(site)
