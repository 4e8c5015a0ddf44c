"""Every value that the Google-shaped discovery document advertises is used here, one test a value.

The document that is served is walked: a member or a value that nobody knows how to use fails, and so does a use that
would be content with a value that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwk, jwt

from intaglio.dialects.google import principals, signin
from intaglio.protocol.authorize import RESPONSE_TYPES
from intaglio.protocol.device import GRANT
from intaglio.protocol.discovery import DiscoveryAnswer
from intaglio.server.admin import accountkeys
from intaglio.server.devmode import seeds
from intaglio.server.model import serviceaccounts
from intaglio.server.registry.deeds import Actor
from tests import harness
from tests.capability import capability

pytestmark = capability("google-signin-walk", witness="joserfc (PyPI) and the document itself")

BASE = "http://localhost:8081"
CALLBACK = "http://127.0.0.1:9999/cb"
DOCUMENT = signin.metadata(DiscoveryAnswer(BASE, BASE, ("RS256",)))
VALUES = [(name, one) for name, told in DOCUMENT.items() for one in (told if isinstance(told, list) else [told])]
LISTS = sorted(name for name, told in DOCUMENT.items() if isinstance(told, list))
SCOPE = "openid email profile"

Use = Callable[["World", Any], None]
USES: dict[str, Use] = {}


def uses(*members: str) -> Callable[[Use], Use]:
    """Say of a function that it uses a value of these members, and fails if that cannot be done."""

    def kept(use: Use) -> Use:
        USES.update(dict.fromkeys(members, use))
        return use

    return kept


class World:
    """A site with a client that may do everything, as it is known at the addresses of the document."""

    def __init__(self, site: harness.Site) -> None:
        self.site = site
        scope = (*seeds.SCOPE, signin.CLOUD)
        grants = ("authorization_code", "implicit", "refresh_token", GRANT)
        site.change_client("web", response_types=RESPONSE_TYPES, grant_types=grants, require_pkce=False, scope=scope)
        site.add_client("open", like="spa", grant_types=grants, scope=scope, redirect_uris=(CALLBACK,))
        self.browser = harness.Browser(site)

    def fields(self, **changes: str | None) -> dict[str, str]:
        """Let alice go through a request, and return what came back through the browser."""
        usual: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "web",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "access_type": "offline",
            "state": "s",
            "nonce": "n",
        }
        asked = {name: value for name, value in (usual | changes).items() if value is not None}
        answer = self.browser.through(self.browser.get(DOCUMENT["authorization_endpoint"] + "?" + urlencode(asked)))
        if 'id="form-post"' in answer.text:
            return dict(harness.read_form(answer, "form-post")[1])
        parts = urlsplit(answer.location)
        return dict(parse_qsl(parts.query, True) + parse_qsl(parts.fragment, True))

    def post(self, name: str, how: str = "client_secret_post", **form: str) -> harness.Answer:
        """Send a form to an endpoint of the document as the client."""
        headers = {"authorization": harness.basic("web", "web-secret")} if how == "client_secret_basic" else {}
        named = {
            "client_secret_post": {"client_id": "web", "client_secret": "web-secret"},
            "none": {"client_id": "open"},
        }
        return self.site.post(DOCUMENT[name], form | named.get(how, {}), headers=headers)

    def redeemed(self, code: str, how: str = "client_secret_post", **more: str) -> dict[str, Any]:
        """Redeem a code and return the tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more}
        answer = self.post("token_endpoint", how, **form)
        assert answer.status == 200, answer.text
        return dict(answer.json())

    def believed(self, id_token: str) -> dict[str, Any]:
        """Return the claims of an ID token once its signature was checked with the published keys."""
        keys = jwk.KeySet.import_key_set(self.site.get(DOCUMENT["jwks_uri"]).json())
        return dict(jwt.decode(id_token, keys, algorithms=["RS256"]).claims)


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
    """The same members and values."""
    assert world.site.get(BASE + "/.well-known/openid-configuration").json() == DOCUMENT


def test_nothing_is_used_that_is_not_advertised() -> None:
    """Every use belongs to a member of the document."""
    assert set(USES) == set(DOCUMENT)


@pytest.mark.parametrize("member", [name for name in LISTS if name != "claims_supported"])
def test_a_use_fails_for_a_value_that_is_not_there(world: World, member: str) -> None:
    """No use is content with whatever it is given."""
    with pytest.raises((AssertionError, KeyError)):
        USES[member](world, "nonsense")


@uses("issuer")
def _issuer(world: World, value: str) -> None:
    found = world.fields()
    assert found["iss"] == value
    assert world.believed(world.redeemed(found["code"])["id_token"])["iss"] == value


@uses("authorization_endpoint", "token_endpoint", "jwks_uri")
def _code_flow(world: World, value: str) -> None:
    assert value.startswith(BASE)
    assert world.believed(world.redeemed(world.fields()["code"])["id_token"])["aud"] == "web"


@uses("userinfo_endpoint")
def _userinfo(world: World, value: str) -> None:
    token = world.redeemed(world.fields()["code"])["access_token"]
    assert world.site.get(value, headers={"authorization": f"Bearer {token}"}).json()["email"] == "alice@example.com"


@uses("revocation_endpoint")
def _revocation(world: World, value: str) -> None:
    token = world.redeemed(world.fields()["code"])["refresh_token"]
    assert world.site.post(value, {"token": token}).status == 200
    assert world.post("token_endpoint", grant_type="refresh_token", refresh_token=token).error == "invalid_grant"


@uses("device_authorization_endpoint")
def _device(world: World, value: str) -> None:
    begun = world.post("device_authorization_endpoint", scope=SCOPE).json()
    browser = harness.Browser(world.site)
    page = browser.submit(browser.get(begun["verification_uri"]), "device-form", user_code=begun["user_code"])
    page = browser.sign_in(browser.follow(page))
    browser.follow(browser.submit(page, "device-decision", decision="allow"))
    told = world.post("token_endpoint", grant_type=GRANT, device_code=begun["device_code"]).json()
    assert world.believed(told["id_token"])["email"] == "alice@example.com"


@uses("response_types_supported")
def _response_type(world: World, value: str) -> None:
    found = world.fields(response_type=value)
    assert {"code": "code", "token": "access_token", "id_token": "id_token"}[value.split(maxsplit=1)[0]] in found
    assert ("access_token" in found) is ("token" in value.split())
    if "id_token" in value.split():
        assert world.believed(found["id_token"])["nonce"] == "n"


@uses("response_modes_supported")
def _response_mode(world: World, value: str) -> None:
    asked = {"response_type": "code", "response_mode": value, "client_id": "web", "redirect_uri": CALLBACK}
    query = urlencode(asked | {"scope": SCOPE, "state": "s"})
    answer = world.browser.through(world.browser.get(f"{DOCUMENT['authorization_endpoint']}?{query}"))
    parts = urlsplit(answer.location)
    where = {"query": parts.query, "fragment": parts.fragment, "form_post": answer.text}[value]
    assert "code" in where
    assert "error" not in where.split("&")[0]


@uses("subject_types_supported")
def _subject_type(world: World, value: str) -> None:
    assert value == "public"
    one = world.believed(world.redeemed(world.fields()["code"])["id_token"])["sub"]
    challenge = {"code_challenge": harness.pkce.challenge(harness.VERIFIER), "code_challenge_method": "S256"}
    code = world.fields(client_id="open", **challenge)["code"]
    assert world.believed(world.redeemed(code, "none", code_verifier=harness.VERIFIER)["id_token"])["sub"] == one


@uses("id_token_signing_alg_values_supported")
def _algorithm(world: World, value: str) -> None:
    token = world.redeemed(world.fields()["code"])["id_token"]
    header = json.loads(harness.codec.decode_base64url(token.split(".")[0]))
    assert header["alg"] == value


@uses("scopes_supported")
def _scope(world: World, value: str) -> None:
    told = world.redeemed(world.fields(scope=f"openid {value}")["code"])["scope"].split()
    assert signin.LONG.get(value, value) in told


@uses("token_endpoint_auth_methods_supported")
def _auth_method(world: World, value: str) -> None:
    if value == "none":
        challenge = {"code_challenge": harness.pkce.challenge(harness.VERIFIER), "code_challenge_method": "S256"}
        code = world.fields(client_id="open", **challenge)["code"]
        assert world.redeemed(code, "none", code_verifier=harness.VERIFIER)["id_token"]
        return
    assert world.redeemed(world.fields()["code"], value)["id_token"]


@uses("claims_supported")
def _claim(world: World, value: str) -> None:
    assert value in world.believed(world.redeemed(world.fields()["code"])["id_token"])


@uses("code_challenge_methods_supported")
def _challenge(world: World, value: str) -> None:
    found = world.fields(code_challenge=harness.pkce.challenge(harness.VERIFIER), code_challenge_method=value)
    assert world.redeemed(found["code"], code_verifier=harness.VERIFIER)["id_token"]


def _by_key(world: World) -> dict[str, Any]:
    site = world.site
    account = site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.ACCOUNT)
    actor = Actor("operator", harness.NOW)
    made = site.run(accountkeys.create(site.store, actor, principals.VOCABULARY, BASE, account))
    now = harness.NOW
    claims = {
        "iss": seeds.ACCOUNT,
        "aud": BASE + "/token",
        "iat": now,
        "exp": now + 600,
        "target_audience": "https://a",
    }
    key = jwk.RSAKey.import_key(made.file["private_key"])
    assertion = jwt.encode({"alg": "RS256"}, claims, key)
    return dict(
        site.post(DOCUMENT["token_endpoint"], {"grant_type": signin.assertions.GRANT, "assertion": assertion}).json()
    )


@uses("grant_types_supported")
def _grant_type(world: World, value: str) -> None:
    if value == signin.assertions.GRANT:
        assert world.believed(_by_key(world)["id_token"])["aud"] == "https://a"
        return
    if value == GRANT:
        _device(world, "")
        return
    given = world.redeemed(world.fields()["code"])
    form = {"authorization_code": None, "refresh_token": {"refresh_token": given["refresh_token"]}}[value]
    if form is not None:
        assert world.believed(world.post("token_endpoint", grant_type=value, **form).json()["id_token"])["aud"] == "web"


@uses("prompt_values_supported")
def _prompt(world: World, value: str) -> None:
    world.fields()
    found = world.fields(prompt=value)
    assert "code" in found


@uses("authorization_response_iss_parameter_supported")
def _response_issuer(world: World, value: bool) -> None:
    assert value is True
    assert world.fields()["iss"] == BASE
    assert world.fields(scope="openid address", response_type="nonsense")["iss"] == BASE
