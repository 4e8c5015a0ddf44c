"""Every value that the standard dialect's discovery document advertises is used here, one test a value.

The document itself is walked: a member or a value that nobody knows how to use fails, and so does a use that would be
content with a value that is not there.
"""

from __future__ import annotations

import functools
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwe, jws, jwt
from joserfc import jwk as keys
from joserfc.errors import JoseError

from intaglio import codec
from intaglio.dialects.standard import discovery
from intaglio.dialects.standard.profile import DIALECT
from intaglio.protocol import scopes
from intaglio.protocol.device import GRANT
from intaglio.protocol.discovery import DiscoveryAnswer
from intaglio.server import compose
from intaglio.server.model.tenants import ClaimSource
from intaglio.server.settings.records import Outgoing
from intaglio.tokens import encryptionkeys
from intaglio.tokens import jwe as own_jwe
from intaglio.wire.flow import Reply
from tests import harness, live
from tests.capability import capability
from tests.server.provider import test_device, test_sign_up

pytestmark = [
    capability("discovery-walk", witness="joserfc (PyPI) and the document itself"),
    # joserfc warns of the name EdDSA, which OpenID Connect's metadata still has.
    pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning"),
]

ISSUER = "http://localhost:8080/default"
CALLBACK = "http://127.0.0.1:9999/cb"
ANSWER = DiscoveryAnswer(
    ISSUER, ISSUER, DIALECT.profile.signing_algs, sign_up=True, registration=True, session_management=True
)
DOCUMENT = discovery.whole(ANSWER)
VALUES = [(name, one) for name, told in DOCUMENT.items() for one in (told if isinstance(told, list) else [told])]
ALL_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
ALL_GRANTS = ("authorization_code", "implicit", "refresh_token", "client_credentials", GRANT)
SIGNERS = jws.JWSRegistry(algorithms=list(jws.JWSRegistry.algorithms))
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Use = Callable[["World", Any], None]
USES: dict[str, Use] = {}


def uses(*members: str) -> Callable[[Use], Use]:
    """Say of a function that it uses a value of these members, and fails if that cannot be done."""

    def kept(use: Use) -> Use:
        USES.update(dict.fromkeys(members, use))
        return use

    return kept


class World:
    """A site where everything is open, and clients for whoever needs one."""

    def __init__(self, site: harness.Site) -> None:
        self.site = site
        self._numbers = itertools.count(1)
        site.change_tenant(registration="open", sign_up=True, session_management=True)

    def client(self, *, private: Any = None, **changes: Any) -> harness.App:
        """Register a client that may do everything but what the changes say, and return it."""
        name = f"client-{next(self._numbers)}"
        secret = f"{name}-with-a-secret-of-more-than-32-octets"
        usual: dict[str, Any] = {
            "secrets": (self.site.house.secrets.keep(secret, harness.NOW, sealed=True),),
            "response_types": ALL_TYPES,
            "grant_types": ALL_GRANTS,
            "require_pkce": False,
        }
        if private is not None:
            public = private.as_dict(private=False)
            usual["jwks"] = json.dumps({"keys": [public | {"kid": "k"}]})
        self.site.add_client(name, "", **(usual | changes))
        return harness.App(self.site, name, secret)

    def fields(self, app: harness.App, **request: str | None) -> dict[str, str]:
        """Let alice sign in, and return what came back through the browser."""
        answer = app.callback(None, "alice", **request)
        parts = urlsplit(answer.location)
        return dict(parse_qsl(parts.query, True) + parse_qsl(parts.fragment, True))

    def keys(self) -> Any:
        """Return the published keys."""
        return keys.KeySet.import_key_set(self.site.get("~/jwks").json())


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One world for the whole walk."""
    with harness.site() as site:
        yield World(site)


@pytest.mark.parametrize(("member", "value"), VALUES, ids=[f"{name}-{value}" for name, value in VALUES])
def test_what_is_advertised_can_be_used(world: World, member: str, value: Any) -> None:
    """A value of the document does what its member says."""
    assert member in USES, f"the document advertises {member}, and no test uses it"
    USES[member](world, value)


def test_the_document_that_is_served_is_the_one_that_is_walked(world: World) -> None:
    """The same members and values, from both addresses."""
    for path in ("~/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/default"):
        assert world.site.get(path).json() == DOCUMENT


def test_a_closed_tenant_says_less() -> None:
    """A tenant without registration, sign-up and session frames leaves these out, and says nothing else."""
    with harness.site() as closed:
        told = closed.get("~/.well-known/openid-configuration").json()
    assert set(DOCUMENT) - set(told) == {"registration_endpoint", "check_session_iframe"}
    for name, value in told.items():
        assert set(value) <= set(DOCUMENT[name]) if isinstance(value, list) else value == DOCUMENT[name], name


def test_nothing_is_used_that_is_not_advertised() -> None:
    """Every use belongs to a member of the document."""
    assert set(USES) == set(DOCUMENT)


LISTS = sorted(name for name, told in DOCUMENT.items() if isinstance(told, list))


@pytest.mark.parametrize("member", LISTS)
def test_a_value_that_is_not_there_is_told_apart(world: World, member: str) -> None:
    """No use is content with a value that nobody could use: the walk can fail."""
    with pytest.raises((AssertionError, LookupError, ValueError, JoseError)):
        USES[member](world, "made-up")


@pytest.mark.parametrize("member", sorted(name for name, told in DOCUMENT.items() if isinstance(told, bool) and told))
def test_a_switch_that_is_off_is_told_apart(world: World, member: str) -> None:
    """What is said not to be there is held against what is there."""
    with pytest.raises(AssertionError):
        USES[member](world, False)


# --- addresses


@uses("issuer")
def _issuer(world: World, value: str) -> None:
    told = world.fields(world.client(), response_type="code id_token")
    assert told["iss"] == harness.payload(told["id_token"])["iss"] == value


@uses("authorization_endpoint")
def _authorization_endpoint(world: World, value: str) -> None:
    app = world.client()
    answer = harness.Browser(world.site).get(f"{value}?{urlencode(app.request())}")
    assert (
        'id="login-form"' in harness.Browser(world.site).follow(answer).text or "/_intaglio/login/" in answer.location
    )


@uses("token_endpoint")
def _token_endpoint(world: World, value: str) -> None:
    app = world.client()
    form = {"grant_type": "authorization_code", "code": app.code(), "redirect_uri": CALLBACK}
    told = world.site.post(value, form | {"code_verifier": harness.VERIFIER}, headers=app.headers())
    assert told.status == 200


@uses("userinfo_endpoint")
def _userinfo_endpoint(world: World, value: str) -> None:
    token = world.client().tokens()["access_token"]
    for answer in (
        world.site.get(value, headers={"authorization": f"Bearer {token}"}),
        world.site.post(value, {"access_token": token}),
    ):
        assert answer.json()["name"] == "Alice Elizabeth Adams"


@uses("jwks_uri")
def _jwks_uri(world: World, value: str) -> None:
    token = world.client().tokens()["id_token"]
    found = keys.KeySet.import_key_set(world.site.get(value).json())
    assert jwt.decode(token, found, algorithms=["RS256"]).claims["iss"] == ISSUER


@uses("revocation_endpoint")
def _revocation_endpoint(world: World, value: str) -> None:
    app = world.client()
    told = app.tokens()
    assert world.site.post(value, {"token": told["refresh_token"]}, headers=app.headers()).status == 200
    assert app.refresh(told["refresh_token"]).error == "invalid_grant"


@uses("introspection_endpoint")
def _introspection_endpoint(world: World, value: str) -> None:
    app = world.client()
    told = world.site.post(value, {"token": app.tokens()["access_token"]}, headers=app.headers()).json()
    assert told["active"] is True


@uses("end_session_endpoint")
def _end_session_endpoint(world: World, value: str) -> None:
    app, browser = world.client(), harness.Browser(world.site)
    hint = app.tokens(browser)["id_token"]
    assert browser.session_of(ISSUER)
    browser.follow(browser.get(f"{value}?{urlencode({'id_token_hint': hint})}"))
    assert not browser.session_of(ISSUER)


@uses("check_session_iframe")
def _check_session_iframe(world: World, value: str) -> None:
    page = world.site.get(value)
    assert page.is_page
    assert "session_state" in world.fields(world.client())


@uses("registration_endpoint")
def _registration_endpoint(world: World, value: str) -> None:
    made = world.site.post(value, payload={"redirect_uris": ["https://rp.example/cb"]})
    assert made.status == 201
    assert made.json()["client_id"]


@uses("device_authorization_endpoint")
def _device_authorization_endpoint(world: World, value: str) -> None:
    told = world.site.post(value, {"client_id": "tv", "scope": "openid"}).json()
    assert {"device_code", "user_code", "verification_uri", "expires_in"} <= set(told)


# --- logout


def _signed_out(world: World, **changes: Any) -> tuple[harness.Answer, dict[str, Any]]:
    app, browser = world.client(**changes), harness.Browser(world.site)
    token = app.tokens(browser)["id_token"]
    return browser.get(f"{ISSUER}/logout?{urlencode({'id_token_hint': token})}"), harness.payload(token)


@uses("frontchannel_logout_supported", "frontchannel_logout_session_supported")
def _front_channel(world: World, value: bool) -> None:
    page, told = _signed_out(
        world, frontchannel_logout_uri="https://rp.example/out", frontchannel_logout_session_required=True
    )
    assert (f"sid={told['sid']}" in page.text and "https://rp.example/out" in page.text) is value


@uses("backchannel_logout_supported", "backchannel_logout_session_supported")
def _back_channel(world: World, value: bool) -> None:
    arrived = live.Receiver(0)
    try:
        world.site.house.outgoing = compose.Outward(Outgoing(allow=("127.0.0.1",), time_limit_seconds=2))
        to = f"http://127.0.0.1:{arrived.port}/out"
        _, told = _signed_out(world, backchannel_logout_uri=to, backchannel_logout_session_required=True)
        world.site.run(compose.engine(world.site.house).drain())
        found = jwt.decode(arrived.next().fields["logout_token"], world.keys(), algorithms=["RS256"]).claims
        assert ((found["sid"], found["sub"]) == (told["sid"], told["sub"])) is value
    finally:
        world.site.house.outgoing = None
        arrived.close()


# --- what may be asked for


@uses("scopes_supported")
def _scope(world: World, value: str) -> None:
    app = world.client()
    told = app.tokens(scope=" ".join(dict.fromkeys(("openid", value))))
    assert value in told["scope"].split() if "scope" in told else value in ("openid", "offline_access")
    person = set(app.userinfo(told["access_token"]).json()) - {"sub"}
    wanted: dict[str, Any] = {"openid": (), "offline_access": ()} | scopes.SCOPE_CLAIMS
    assert person == set(wanted[value])
    assert ("refresh_token" in told) is (value == "offline_access")


@uses("response_types_supported")
def _response_type(world: World, value: str) -> None:
    told = world.fields(world.client(), response_type=value, scope="openid")
    given = {"code": "code", "token": "access_token", "id_token": "id_token"}
    assert {given[word] for word in value.split()} == set(told) & set(given.values())


@uses("response_modes_supported")
def _response_mode(world: World, value: str) -> None:
    answer = world.client().callback(None, "alice", response_mode=value)
    parts = urlsplit(answer.location)
    found = {"query": parts.query, "fragment": parts.fragment}
    if value == "form_post":
        action, fields = harness.read_form(answer, "form-post")
        assert action == CALLBACK
        found[value] = urlencode(fields)
    assert "code" in dict(parse_qsl(found[value]))


@uses("grant_types_supported")
def _grant_type(world: World, value: str) -> None:
    app = world.client(grant_types=tuple({value, "authorization_code"}), scope=("openid", "offline_access", "api"))
    if value == GRANT:
        begun = test_device.start(world.site)
        test_device.approve(world.site, begun["user_code"])
        assert "id_token" in test_device.poll(world.site, begun["device_code"]).json()
    elif value == "implicit":
        assert "id_token" in world.fields(app, response_type="id_token", scope="openid")
    else:
        told = app.tokens(scope="openid offline_access")
        form = {
            "refresh_token": {"refresh_token": told.get("refresh_token", "")},
            "client_credentials": {"scope": "api"},
        }
        if value != "authorization_code":
            told = app.token({"grant_type": value} | form.get(value, {})).json()
        assert "access_token" in told


@uses("subject_types_supported")
def _subject_type(world: World, value: str) -> None:
    subjects = {harness.payload(world.client(subject_type=value).tokens()["id_token"])["sub"] for _ in range(2)}
    alice = world.site.user("alice").user_id
    assert {"public": subjects == {alice}, "pairwise": len(subjects | {alice}) == 3}[value]


@uses("code_challenge_methods_supported")
def _challenge(world: World, value: str) -> None:
    app = world.client(require_pkce=True)
    code = app.code(code_challenge_method=value)
    assert app.redeem(code, code_verifier="x" * 43).error == "invalid_grant"
    assert app.redeem(app.code(code_challenge_method=value)).status == 200


@uses("prompt_values_supported")
def _prompt(world: World, value: str) -> None:
    app, browser = world.client(), harness.Browser(world.site)
    app.code(browser)
    page = browser.follow(app.authorize(browser, prompt=value))
    shown = {"login": "login-form", "select_account": "login-form", "consent": "consent-form", "create": "signup-form"}
    assert "code" in page.params if value == "none" else f'id="{shown[value]}"' in page.text
    if value == "create":
        done = browser.follow(test_sign_up.fill(browser, page, username=f"carol-{app.client_id}"))
        assert "code" in browser.consent(done).params


@uses("acr_values_supported")
def _acr(world: World, value: str) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": value}}})
    assert harness.payload(world.client().tokens(claims=claims, acr_values=value)["id_token"])["acr"] == value


@uses("display_values_supported")
def _display(world: World, value: str) -> None:
    assert value in ("page", "popup", "touch", "wap")
    assert "code" in world.fields(world.client(), display=value)


@uses("ui_locales_supported")
def _locale(world: World, value: str) -> None:
    page = harness.Browser(world.site)
    shown = page.follow(world.client().authorize(page, ui_locales=value))
    assert f'<html lang="{value}"' in shown.text


@uses("claims_supported")
def _claim(world: World, value: str) -> None:
    app = world.client()
    told = world.fields(app, response_type="code id_token token", scope="openid profile email address phone")
    found = set(harness.payload(told["id_token"])) | set(app.userinfo(told["access_token"]).json())
    assert value in found


@uses("claim_types_supported")
def _claim_type(world: World, value: str) -> None:
    source = {
        "normal": {},
        "aggregated": {"bureau": ClaimSource(("score",), jwt={"alice": "a.b.c"})},
        "distributed": {"bureau": ClaimSource(("score",), endpoint="https://bureau.example/claims")},
    }[value]
    world.site.change_tenant(claim_sources=source)
    try:
        app = world.client(scope=("openid", "profile", "email", "score"))
        told = app.userinfo(app.tokens(scope="openid profile score")["access_token"]).json()
        assert told["name"]
        assert ("score" in told.get("_claim_names", {})) is (value != "normal")
    finally:
        world.site.change_tenant(claim_sources={})


@uses("claims_parameter_supported")
def _claims_parameter(world: World, value: bool) -> None:
    told = world.client().tokens(claims='{"id_token": {"nickname": null}}')
    assert ("nickname" in harness.payload(told["id_token"])) is value


@uses("authorization_response_iss_parameter_supported")
def _iss(world: World, value: bool) -> None:
    assert (world.fields(world.client()).get("iss") == ISSUER) is value


# --- signatures and encryption


@functools.cache
def _private(alg: str) -> Any:
    """Return a private key for an algorithm, of joserfc's making."""
    if alg.startswith("ES"):
        return keys.ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg], {"kid": "k"})
    if alg.startswith("Ed"):
        return keys.OKPKey.generate_key("Ed25519", {"kid": "k"})
    if alg.startswith(("RS", "PS")):
        return keys.RSAKey.generate_key(2048, {"kid": "k"})
    raise LookupError(alg)


def _sign(alg: str, told: dict[str, Any], app: harness.App, typ: str = "JWT") -> str:
    key = keys.OctKey.import_key(app.secret) if alg.startswith("HS") else _private(alg)
    return jwt.encode({"alg": alg, "kid": "k", "typ": typ}, told, key, algorithms=[alg], registry=SIGNERS)


@uses("id_token_signing_alg_values_supported")
def _id_token_alg(world: World, value: str) -> None:
    told = world.client(id_token_signed_response_alg=value).tokens()["id_token"]
    found = jwt.decode(told, world.keys(), algorithms=[value], registry=SIGNERS)
    assert (found.header["alg"], found.claims["iss"]) == (value, ISSUER)


@uses("userinfo_signing_alg_values_supported")
def _userinfo_alg(world: World, value: str) -> None:
    app = world.client(userinfo_signed_response_alg=value)
    answer = app.userinfo(app.tokens()["access_token"])
    assert answer.header("content-type") == "application/jwt"
    found = jwt.decode(answer.text, world.keys(), algorithms=[value], registry=SIGNERS)
    assert (found.header["alg"], found.claims["aud"]) == (value, app.client_id)


@functools.cache
def _own_key(alg: str) -> encryptionkeys.DecryptionKey:
    return encryptionkeys.generate("RSA" if alg.startswith("RSA") else "P-256", kid="e")


def _opened(token: str, alg: str, enc: str) -> str:
    """Return what a client decrypts with its own key: joserfc, and for what it lacks the library of ours."""
    header = json.loads(codec.decode_base64url(token.partition(".")[0]))
    assert (header["alg"], header["enc"]) == (alg, enc)
    return own_jwe.decrypt(token, encryptionkeys.DecryptionKeys((_own_key(alg),))).plaintext.decode()


def _encrypted(world: World, prefix: str, alg: str, enc: str) -> None:
    if alg in jwe.JWERegistry.algorithms["alg"]:
        key: Any = keys.RSAKey.generate_key(2048) if alg.startswith("RSA") else keys.ECKey.generate_key("P-256")
        public = key.as_dict(private=False) | {"kid": "e", "use": "enc"}

        def opened(token: str) -> str:
            found = jwe.decrypt_compact(token, key, algorithms=[alg, enc])
            assert (found.headers()["alg"], found.headers()["enc"]) == (alg, enc)
            return (found.plaintext or b"").decode()
    else:
        public = encryptionkeys.public_members(_own_key(alg).public()) | {"kid": "e", "use": "enc"}

        def opened(token: str) -> str:
            return _opened(token, alg, enc)

    members = {f"{prefix}_encrypted_response_alg": alg, f"{prefix}_encrypted_response_enc": enc}
    app = world.client(jwks=json.dumps({"keys": [public]}), **members)
    told = app.tokens()
    text = opened(told["id_token"] if prefix == "id_token" else app.userinfo(told["access_token"]).text)
    claims = json.loads(text) if text.startswith("{") else harness.payload(text)
    assert claims["sub"] == world.site.user("alice").user_id


@uses("id_token_encryption_alg_values_supported")
def _id_token_encryption_alg(world: World, value: str) -> None:
    _encrypted(world, "id_token", value, "A128GCM")


@uses("id_token_encryption_enc_values_supported")
def _id_token_encryption_enc(world: World, value: str) -> None:
    _encrypted(world, "id_token", "ECDH-ES", value)


@uses("userinfo_encryption_alg_values_supported")
def _userinfo_encryption_alg(world: World, value: str) -> None:
    _encrypted(world, "userinfo", value, "A128GCM")


@uses("userinfo_encryption_enc_values_supported")
def _userinfo_encryption_enc(world: World, value: str) -> None:
    _encrypted(world, "userinfo", "ECDH-ES", value)


# --- how clients prove themselves


def _assertion(app: harness.App, alg: str) -> dict[str, str]:
    now = harness.NOW
    told = {"iss": app.client_id, "sub": app.client_id, "aud": ISSUER, "iat": now, "exp": now + 3600}
    return {
        "client_assertion_type": ASSERTION,
        "client_assertion": _sign(alg, told | {"jti": f"{time.perf_counter_ns()}"}, app),
    }


def _proven(world: World, app: harness.App, endpoint: str, proof: Callable[[], dict[str, str]], basic: bool) -> None:
    """Let a client prove itself at an endpoint, after it was refused there without a proof."""
    headers = harness.basic(app.client_id, app.secret) if basic else ""
    given = {"headers": {"authorization": headers}} if basic else {}
    forms = {
        "token": {"grant_type": "refresh_token", "refresh_token": "none"},
        "revoke": {"token": "none"},
        "introspect": {"token": "none"},
    }
    refused = world.site.post(f"{ISSUER}/{endpoint}", forms[endpoint] | {"client_id": "web"})
    assert refused.error == "invalid_client"
    answer = world.site.post(f"{ISSUER}/{endpoint}", forms[endpoint] | proof(), **given)
    # A client that is believed gets as far as the token, which nobody has.
    assert answer.error == ("invalid_grant" if endpoint == "token" else ""), answer.text
    assert answer.status == (400 if endpoint == "token" else 200)


def _method(world: World, endpoint: str, method: str, alg: str = "") -> None:
    alg = alg or {"private_key_jwt": "ES256", "client_secret_jwt": "HS256"}.get(method, "")
    private = _private(alg) if method == "private_key_jwt" else None
    app = world.client(private=private, token_endpoint_auth_methods=(method,))
    proofs: dict[str, Callable[[], dict[str, str]]] = {
        "client_secret_basic": dict,
        "client_secret_post": lambda: {"client_id": app.client_id, "client_secret": app.secret},
        "client_secret_jwt": lambda: _assertion(app, alg),
        "private_key_jwt": lambda: _assertion(app, alg),
        "none": lambda: {"client_id": app.client_id},
    }
    _proven(world, app, endpoint, proofs[method], method == "client_secret_basic")


def _methods(endpoint: str) -> Use:
    return lambda world, value: _method(world, endpoint, value)


def _assertion_algs(endpoint: str) -> Use:
    return lambda world, value: _method(
        world, endpoint, "client_secret_jwt" if value.startswith("HS") else "private_key_jwt", value
    )


for _prefix, _path in (("token", "token"), ("revocation", "revoke"), ("introspection", "introspect")):
    uses(f"{_prefix}_endpoint_auth_methods_supported")(_methods(_path))
    uses(f"{_prefix}_endpoint_auth_signing_alg_values_supported")(_assertion_algs(_path))


# --- request objects


def _object(app: harness.App) -> dict[str, Any]:
    told = app.request(state="inside") | {"iss": app.client_id, "aud": ISSUER, "exp": harness.NOW + 3600}
    return dict(told)


def _asked_by(world: World, app: harness.App, **reference: str) -> dict[str, str]:
    around = {"client_id": app.client_id, "response_type": "code", "scope": "openid"} | reference
    browser = harness.Browser(world.site)
    answer = browser.through(browser.get(f"{ISSUER}/authorize?{urlencode(around)}"))
    return answer.params


@uses("request_object_signing_alg_values_supported")
def _object_alg(world: World, value: str) -> None:
    private = None if value == "none" or value.startswith("HS") else _private(value)
    app = world.client(private=private, request_object_signing_alg=value)
    if value == "none":
        parts = [json.dumps(part).encode() for part in ({"alg": "none"}, _object(app))]
        text = ".".join(codec.encode_base64url(part) for part in parts) + "."
    else:
        text = _sign(value, _object(app), app, "oauth-authz-req+jwt")
    told = _asked_by(world, app, request=text)
    assert (told.get("state"), "code" in told) == ("inside", True), told


@uses("request_parameter_supported")
def _object_by_value(world: World, value: bool) -> None:
    app = world.client(private=_private("ES256"))
    told = _asked_by(world, app, request=_sign("ES256", _object(app), app, "oauth-authz-req+jwt"))
    assert ("code" in told) is value


@uses("request_uri_parameter_supported")
def _object_by_reference(world: World, value: bool) -> None:
    told = _by_reference(world, registered=True)
    assert (told.get("state") == "inside" and "code" in told) is value


@uses("pushed_authorization_request_endpoint")
def _pushed(world: World, value: str) -> None:
    app, browser = world.client(require_pushed_authorization_requests=True), harness.Browser(world.site)
    told = world.site.post(value, app.request(), headers=app.headers()).json()
    query = urlencode({"client_id": app.client_id, "request_uri": told["request_uri"]})
    assert "code" in browser.through(browser.get(f"{ISSUER}/authorize?{query}")).params


@uses("require_pushed_authorization_requests")
def _pushed_alone(world: World, value: bool) -> None:
    assert ("error" in world.fields(world.client())) is value


@uses("require_request_uri_registration")
def _object_unregistered(world: World, value: bool) -> None:
    told = _by_reference(world, registered=False)
    assert ("error" in told or not told) is value


def _by_reference(world: World, *, registered: bool) -> dict[str, str]:
    place = "https://rp.example/request.jwt"
    app = world.client(private=_private("ES256"), request_uris=(place,) if registered else ())
    text = _sign("ES256", _object(app), app, "oauth-authz-req+jwt")

    class Place:
        async def run(self, flow: Any) -> Any:
            call = next(flow)
            assert call.url == place
            try:
                flow.send(Reply(200, (("content-type", "application/oauth-authz-req+jwt"),), text.encode()))
            except StopIteration as end:
                return end.value
            raise AssertionError("one call is enough")

    world.site.house.outgoing = Place()
    try:
        return _asked_by(world, app, request_uri=place)
    finally:
        world.site.house.outgoing = None


def _encrypted_object(world: World, alg: str, enc: str) -> None:
    app = world.client(private=_private("ES256"), request_object_encryption_alg=alg, request_object_encryption_enc=enc)
    (public,) = [key for key in world.site.get("~/jwks").json()["keys"] if key.get("use") == "enc"]
    signed = _sign("ES256", _object(app), app, "oauth-authz-req+jwt")
    header = {"alg": alg, "enc": enc, "kid": public["kid"], "cty": "JWT"}
    key = keys.import_key({name: value for name, value in public.items() if name not in ("alg", "use")})
    text = jwe.encrypt_compact(header, signed.encode(), key, algorithms=[alg, enc])
    assert "code" in _asked_by(world, app, request=text)


@uses("request_object_encryption_alg_values_supported")
def _object_encryption_alg(world: World, value: str) -> None:
    _encrypted_object(world, value, "A128GCM")


@uses("request_object_encryption_enc_values_supported")
def _object_encryption_enc(world: World, value: str) -> None:
    _encrypted_object(world, "ECDH-ES", value)
