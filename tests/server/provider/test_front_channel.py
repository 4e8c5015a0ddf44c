"""Tokens through the browser: every response type by every mode, what each holds, and every refusal."""

from __future__ import annotations

import base64
import hashlib
import itertools
import pathlib
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.auth0 import profile as auth0
from intaglio.dialects.standard import authorize
from intaglio.names import GrantId
from intaglio.protocol.authorize import RESPONSE_MODES, RESPONSE_TYPES
from intaglio.server.model import grants, sessions
from intaglio.server.model.tenants import Lifetimes
from intaglio.server.provider import session
from intaglio.server.provider.authorize import checks, responses, steps
from intaglio.server.run import dev
from tests import harness
from tests.capability import capability

ISSUER = "http://localhost:8080/default"
ALICE = "00000000-0000-4000-8000-000000000101"
GRANTS = ("authorization_code", "implicit", "refresh_token")
MODES = (None, "fragment", "form_post")
TOKENS = [kind for kind in RESPONSE_TYPES if kind != "code"]
WITH_ID_TOKEN = [kind for kind in TOKENS if "id_token" in kind]
WITH_CODE_AND_TOKEN = ["code token", "code id_token token"]


def _app(site: harness.Site, **changes: Any) -> harness.App:
    """Register a client that may use every response type."""
    site.add_client("front", "front-secret", **({"response_types": RESPONSE_TYPES, "grant_types": GRANTS} | changes))
    return harness.App(site, "front", "front-secret")


def _fields(answer: harness.Answer, where: str) -> dict[str, str]:
    """Return the fields of an answer, which have to be in one place only."""
    if where == "form_post":
        assert answer.location == ""
        action, fields = harness.read_form(answer, "form-post")
        assert action == "http://127.0.0.1:9999/cb"
        return dict(fields)
    assert answer.status == 303
    other = answer.params if where == "fragment" else answer.fragment
    assert other == {}
    return answer.fragment if where == "fragment" else answer.params


def _believed(site: harness.Site, token: str, alg: str = "RS256") -> dict[str, Any]:
    """Return the claims of an ID token as PyJWT believes it, with the keys that are published."""
    keys = jwt.PyJWKSet.from_dict(site.get("~/jwks").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]}
    claims: dict[str, Any] = jwt.decode(token, key, [alg], options, audience="front", issuer=ISSUER)  # type: ignore[arg-type]
    return claims


def _half(text: str, digest: str = "sha256") -> str:
    """Return the left half of a hash as the specification words it."""
    octets = hashlib.new(digest, text.encode("ascii")).digest()
    return base64.urlsafe_b64encode(octets[: len(octets) // 2]).rstrip(b"=").decode()


# --- what comes, and where


@capability("response-types", witness="PyJWT")
@capability("response-modes", witness="PyJWT")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", TOKENS)
def test_every_type_by_every_mode(site: harness.Site, kind: str, mode: str | None) -> None:
    """The fields of the type and no other, in the place that the mode names, with state and issuer (RFC 9207)."""
    app, words = _app(site), kind.split()
    found = _fields(app.callback(response_type=kind, response_mode=mode), mode or "fragment")
    wanted = {"state", "iss"} | ({"code"} & {*words}) | ({"id_token"} & {*words})
    wanted |= {"access_token", "token_type", "expires_in", "scope"} if "token" in words else set()
    assert set(found) == wanted
    assert (found["state"], found["iss"]) == ("a-state", ISSUER)
    if "token" in words:
        assert (found["token_type"], found["expires_in"]) == ("Bearer", "3600")
        assert found["access_token"].startswith("ig_at_")
        assert app.userinfo(found["access_token"]).json()["email"] == "alice@example.com"
    if "id_token" in words:
        claims = _believed(site, found["id_token"])
        assert (claims["sub"], claims["nonce"], claims["auth_time"]) == (ALICE, "a-nonce", harness.NOW)
        assert claims.get("at_hash") == (_half(found["access_token"]) if "token" in words else None)
        assert claims.get("c_hash") == (_half(found["code"]) if "code" in words else None)
        assert claims["s_hash"] == _half("a-state")
    if "code" in words:
        second = app.redeem(found["code"])
        assert second.status == 200, second.text
        claims = _believed(site, second.json()["id_token"])
        assert (claims["sub"], claims["nonce"]) == (ALICE, "a-nonce")
        assert claims["at_hash"] == _half(second.json()["access_token"])
        assert not {"c_hash", "s_hash"} & set(claims)


@capability("response-modes", witness="the address and the form")
@pytest.mark.parametrize("mode", [None, "query", "fragment", "form_post"])
def test_a_code_by_every_mode(site: harness.Site, mode: str | None) -> None:
    """A code may travel in a query, which is its default, in a fragment and in a form."""
    app = _app(site)
    found = _fields(app.callback(response_mode=mode), mode or "query")
    assert set(found) == {"code", "state", "iss"}
    assert app.redeem(found["code"]).status == 200


@pytest.mark.parametrize("kind", [" ".join(w) for t in TOKENS for w in itertools.permutations(t.split())])
def test_the_order_of_words_has_no_meaning(site: harness.Site, kind: str) -> None:
    """RFC 6749 3.1.1: neither in the request nor in what the client registered."""
    app = _app(site, response_types=(" ".join(reversed(kind.split())),))
    found = app.callback(response_type=kind).fragment
    present = {"id_token": "id_token", "code": "code", "token": "access_token"}
    assert {word for word, field in present.items() if field in found} == set(kind.split())


@capability("response-hashes", witness="hashlib")
@pytest.mark.parametrize(
    ("alg", "digest"), [("RS256", "sha256"), ("PS256", "sha256"), ("ES256", "sha256"), ("EdDSA", "sha512")]
)
def test_hashes_are_those_of_the_signing_algorithm(site: harness.Site, alg: str, digest: str) -> None:
    """OpenID Connect Core 3.3.2.11: the left half of the hash that `alg` names, for code, access token and state."""
    app = _app(site, id_token_signed_response_alg=alg)
    found = app.callback(response_type="code id_token token", state="a state&more=%41").fragment
    claims = _believed(site, found["id_token"], alg)
    assert claims["c_hash"] == _half(found["code"], digest)
    assert claims["at_hash"] == _half(found["access_token"], digest)
    assert claims["s_hash"] == _half("a state&more=%41", digest)


@capability("response-hashes", witness="PyJWT")
def test_no_state_no_hash_of_it(site: harness.Site) -> None:
    """What was not sent is not hashed."""
    found = _app(site).callback(response_type="id_token", state=None).fragment
    assert set(found) == {"id_token", "iss"}
    assert not {"s_hash", "c_hash", "at_hash"} & set(_believed(site, found["id_token"]))


@capability("response-types", witness="PyJWT")
@pytest.mark.parametrize("kind", WITH_ID_TOKEN)
def test_the_scopes_claims_are_where_they_belong(site: harness.Site, kind: str) -> None:
    """OpenID Connect Core 5.4: in the ID token only if no access token comes of the request."""
    found = _app(site).callback(response_type=kind, scope="openid email profile").fragment
    claims = _believed(site, found["id_token"])
    assert ("email" in claims, "given_name" in claims) == ((True, True) if kind == "id_token" else (False, False))
    assert "phone_number" not in claims


def test_a_scope_that_was_unticked_is_in_neither_token(site: harness.Site) -> None:
    """What the person did not grant is neither told nor given; the answer says what was."""
    app, browser = _app(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser, response_type="id_token token", scope="openid email")))
    found = browser.consent(page, scope=["openid"]).fragment
    assert found["scope"] == "openid"
    assert set(app.userinfo(found["access_token"]).json()) == {"sub"}
    alone = app.authorize(browser, response_type="id_token", scope="openid", prompt="none").fragment
    assert "email" not in _believed(site, alone["id_token"])


@capability("response-types", witness="the token endpoint")
def test_a_nonce_is_not_needed_where_no_id_token_passes(site: harness.Site) -> None:
    """OpenID Connect Core 3.3.2.11 asks it for ID tokens through the browser; without one, none comes back."""
    app = _app(site)
    for kind in ("code", "code token"):
        answer = app.callback(response_type=kind, nonce=None)
        code = (answer.params | answer.fragment)["code"]
        assert "nonce" not in _believed(site, app.redeem(code).json()["id_token"])


def test_lifetimes_of_the_grant_type_implicit(site: harness.Site) -> None:
    """What comes through the browser lives as long as the client's `implicit` says, what the code brings as its own."""
    spans = {
        "implicit": Lifetimes(id_token=120, access_token=60),
        "authorization_code": Lifetimes(id_token=240, access_token=480),
    }
    app = _app(site, grant_lifetimes=spans)
    found = app.callback(response_type="code id_token token").fragment
    claims = _believed(site, found["id_token"])
    assert (found["expires_in"], claims["exp"] - claims["iat"]) == ("60", 120)
    later = app.redeem(found["code"]).json()
    claims = _believed(site, later["id_token"])
    assert (later["expires_in"], claims["exp"] - claims["iat"]) == (480, 240)
    site.clock.advance(59)
    assert app.userinfo(found["access_token"]).status == 200
    site.clock.advance(1)
    assert app.userinfo(found["access_token"]).status == 401
    assert app.userinfo(later["access_token"]).status == 200


@pytest.mark.parametrize("kind", ["id_token", "id_token token"])
def test_offline_access_needs_a_code(site: harness.Site, kind: str) -> None:
    """OpenID Connect Core 11: ignored without a code, even if the client may not have it at all."""
    app, browser = _app(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser, response_type=kind)))
    assert 'value="offline_access"' not in page.text
    found = browser.consent(page).fragment
    assert found.get("scope", "openid profile email") == "openid profile email"
    site.change_client("front", scope=("openid",))
    assert "id_token" in app.callback(response_type=kind, scope="openid offline_access").fragment


def test_offline_access_beside_a_code(site: harness.Site) -> None:
    """In a hybrid flow the code brings a refresh token, as always."""
    app = _app(site)
    found = app.callback(response_type="code id_token token").fragment
    assert "refresh_token" not in found
    assert app.refresh(app.redeem(found["code"]).json()["refresh_token"]).status == 200


# --- what is refused, and where the refusal goes


REFUSALS: list[tuple[str, dict[str, Any], dict[str, str | None], str, str]] = [
    ("not enabled", {"response_types": ("code",)}, {}, "unauthorized_client", "response_types"),
    ("none enabled", {"response_types": ()}, {}, "unauthorized_client", "response_types"),
    ("no implicit", {"grant_types": ("authorization_code",)}, {}, "unauthorized_client", "'implicit'"),
    ("mode not enabled", {"response_modes": ("query",)}, {}, "invalid_request", "response_modes"),
    ("openid not enabled", {"scope": ("profile",)}, {"scope": "openid"}, "invalid_scope", "'openid'"),
    ("http", {"development": False}, {}, "invalid_request", "https"),
    ("repeated word", {}, {"response_type": "id_token id_token"}, "unsupported_response_type", ""),
    ("token alone", {}, {"response_type": "token"}, "unsupported_response_type", ""),
    ("unknown word", {}, {"response_type": "id_token saml"}, "unsupported_response_type", ""),
    ("double blank", {}, {"response_type": "id_token  token"}, "unsupported_response_type", ""),
    ("other letters", {}, {"response_type": "ID_TOKEN token"}, "unsupported_response_type", ""),
    ("silent", {}, {"prompt": "none"}, "login_required", ""),
    ("max_age", {}, {"max_age": "soon"}, "invalid_request", "max_age"),
]


@capability("response-per-client", witness="the redirect and the form")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize(
    ("changes", "request_", "error", "named"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refusal_goes_where_the_answer_would(
    site: harness.Site,
    kind: str,
    mode: str | None,
    changes: dict[str, Any],
    request_: dict[str, str | None],
    error: str,
    named: str,
) -> None:
    """RFC 6749 4.2.2.1, Core 3.2.2.6 and 3.3.2.6: the error by the same mode, with state and issuer, and no more."""
    app = _app(site, **changes)
    asked = {"response_type": kind, "response_mode": mode} | request_
    found = _fields(app.authorize(harness.Browser(site), **asked), mode or "fragment")
    assert set(found) == {"error", "error_description", "state", "iss"}
    assert (found["error"], found["state"], found["iss"]) == (error, "a-state", ISSUER)
    assert named in found["error_description"]
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", found["error_description"])


@capability("response-types", witness="the redirect")
@pytest.mark.parametrize("kind", WITH_ID_TOKEN)
@pytest.mark.parametrize(
    ("changes", "error"), [({"nonce": None}, "invalid_request"), ({"scope": "email"}, "invalid_scope")]
)
def test_an_id_token_needs_nonce_and_openid(
    site: harness.Site, kind: str, changes: dict[str, str | None], error: str
) -> None:
    """OpenID Connect Core 3.2.2.1, 3.3.2.11 and 3.1.2.1."""
    found = _app(site).authorize(harness.Browser(site), response_type=kind, **changes).fragment
    assert found["error"] == error
    assert ("nonce" if error == "invalid_request" else "openid") in found["error_description"]


def test_the_code_flow_needs_its_grant_type(site: harness.Site) -> None:
    """A client that may not redeem codes is given none."""
    app = _app(site, grant_types=("implicit",))
    assert app.authorize(harness.Browser(site)).params["error"] == "unauthorized_client"
    assert app.authorize(harness.Browser(site), response_type="code token").fragment["error"] == "unauthorized_client"
    assert "id_token" in app.callback(response_type="id_token").fragment


def test_each_type_is_enabled_by_itself(site: harness.Site) -> None:
    """Having one response type is not having another: not a part of it, not one that holds it."""
    for allowed in RESPONSE_TYPES:
        app = harness.App(site, allowed.replace(" ", "-"), "front-secret")
        site.add_client(app.client_id, app.secret, response_types=(allowed,), grant_types=GRANTS)
        for kind in RESPONSE_TYPES:
            error = app.authorize(harness.Browser(site), response_type=kind, prompt="none").error
            assert error == ("login_required" if kind == allowed else "unauthorized_client")


def test_pkce_is_for_codes(site: harness.Site) -> None:
    """A client that must send a challenge needs it for a code, in a hybrid flow too, and not where none is given."""
    app = _app(site, require_pkce=True)
    without: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
    for kind in RESPONSE_TYPES:
        error = app.authorize(harness.Browser(site), response_type=kind, prompt="none", **without).error
        assert error == ("invalid_request" if "code" in kind.split() else "login_required")


def test_a_hybrid_code_is_bound_as_any_other(site: harness.Site) -> None:
    """RFC 9700 2.1.1: challenge, client and address are asked for."""
    app = _app(site)
    for changes in ({"code_verifier": None}, {"code_verifier": "x" * 43}, {"redirect_uri": "http://localhost/"}):
        code = app.callback(response_type="code id_token token").fragment["code"]
        assert app.redeem(code, **changes).error == "invalid_grant"
    code = app.callback(response_type="code id_token").fragment["code"]
    assert harness.App(site).redeem(code).error == "invalid_grant"


def test_a_native_program_may_have_http_on_its_own_machine(site: harness.Site) -> None:
    """OpenID Connect Core 3.2.2.1: http is for native programs; everybody else needs https."""
    _app(site, development=False, application_type="native", redirect_uris=("http://127.0.0.1/cb",))
    app = harness.App(site, "front", "front-secret", redirect_uri="http://127.0.0.1:4711/cb")
    assert "id_token" in app.callback(response_type="id_token").fragment
    site.change_client("front", application_type="web", redirect_uris=("https://app.example/cb",))
    app = harness.App(site, "front", "front-secret", redirect_uri="https://app.example/cb")
    assert "id_token" in app.callback(response_type="id_token").fragment


def test_a_registered_query_stays_in_front_of_the_fragment(site: harness.Site) -> None:
    """RFC 6749 3.1.2: the address's own query is kept, and nothing is added to it."""
    _app(site, redirect_uris=("https://a.example/cb?dummy=lorem",))
    app = harness.App(site, "front", "front-secret", redirect_uri="https://a.example/cb?dummy=lorem")
    answer = app.callback(response_type="id_token")
    assert answer.location.startswith("https://a.example/cb?dummy=lorem#id_token=")
    assert answer.params == {"dummy": "lorem"}


def test_giving_up_is_told_by_the_same_mode(site: harness.Site) -> None:
    """`access_denied` in the fragment, with state and issuer."""
    app, browser = _app(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser, response_type="code id_token"))
    answer = browser.submit(page, "login-form", decision="cancel")
    assert _fields(answer, "fragment")["error"] == "access_denied"


# --- attacks


TRICKS = ["query", "QUERY", "query ", " query", "query,fragment", "query fragment", "jwt", "query.jwt", "x"]


@capability("response-modes", witness="a list of tricks")
@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("kind", TOKENS)
def test_no_token_travels_in_a_query(site: harness.Site, kind: str, trick: str) -> None:
    """Multiple Response Types 3 and 5: refused, by fragment: servers and proxies keep queries."""
    app, browser = _app(site), harness.Browser(site)
    app.callback(browser, response_type=kind)
    answer = app.authorize(browser, response_type=kind, response_mode=trick)
    found = _fields(answer, "fragment")
    assert (found["error"], found["iss"]) == ("invalid_request", ISSUER)
    assert "error_description" in found
    assert not {"code", "id_token", "access_token"} & set(found)
    repeated = f"{app.base}/authorize?{_written(app, kind)}&response_mode=fragment&response_mode=query"
    assert _fields(browser.get(repeated), "fragment")["error"] == "invalid_request"


def _written(app: harness.App, kind: str) -> str:
    return urlencode(app.request(response_type=kind))


@capability("response-per-client", witness="the redirect")
def test_a_mode_cannot_be_downgraded(site: harness.Site) -> None:
    """A client that takes form posts alone is sent nothing by an address, whatever an attacker's link says."""
    app, browser = _app(site, response_modes=("form_post",)), harness.Browser(site)
    assert "code" in _fields(app.callback(browser, response_mode="form_post"), "form_post")
    for kind in RESPONSE_TYPES:
        for mode in (None, "query", "fragment"):
            answer = app.authorize(browser, response_type=kind, response_mode=mode)
            found = answer.params | answer.fragment
            assert found["error"] == "invalid_request"
            assert not {"code", "id_token", "access_token"} & set(found)
        given = _fields(app.authorize(browser, response_type=kind, response_mode="form_post"), "form_post")
        assert "error" not in given


@capability("code-single-use", witness="the reuse itself")
@pytest.mark.parametrize("kind", WITH_CODE_AND_TOKEN)
def test_reusing_a_code_ends_the_token_beside_it(site: harness.Site, kind: str) -> None:
    """RFC 6749 4.1.2: code and access token are one family; after a second use none of it is good."""
    app = _app(site)
    found = app.callback(response_type=kind).fragment
    later = app.redeem(found["code"]).json()
    for token in (found["access_token"], later["access_token"]):
        assert app.userinfo(token).status == 200
    assert app.redeem(found["code"]).error == "invalid_grant"
    for token in (found["access_token"], later["access_token"]):
        assert app.userinfo(token).status == 401
        assert app.introspect(token) == {"active": False}
    assert app.refresh(later["refresh_token"]).error == "invalid_grant"


@pytest.mark.parametrize("kind", WITH_CODE_AND_TOKEN)
def test_one_of_many_redemptions_wins_and_ends_everything(site: harness.Site, kind: str) -> None:
    """D4 29: twenty at once of one hybrid code: one answer with tokens, and then nothing of the family is good."""
    app = _app(site)
    found = app.callback(response_type=kind).fragment
    form = urlencode(
        {
            "grant_type": "authorization_code",
            "code": found["code"],
            "redirect_uri": app.redirect_uri,
            "code_verifier": harness.VERIFIER,
        }
    ).encode()
    headers = [("content-type", harness.FORM), *app.headers().items()]

    async def go() -> list[harness.Answer]:
        url = f"{app.base}/token"
        return await harness.together(site.exchange("POST", url, headers=headers, body=form) for _ in range(20))

    answers = site.run(go())
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    (winner,) = [answer.json() for answer in answers if answer.status == 200]
    for token in (found["access_token"], winner["access_token"]):
        assert app.userinfo(token).status == 401
    assert app.refresh(winner["refresh_token"]).error == "invalid_grant"


@capability("at-rest-hashed", witness="the database's own bytes")
def test_tokens_through_the_browser_are_kept_as_hashes(site: harness.Site) -> None:
    """Neither the code nor a token that went through the browser is anywhere in the database."""
    app, browser = _app(site), harness.Browser(site)
    found = app.callback(browser, response_type="code id_token token").fragment
    dump = "\n".join(site.store._writing.iterdump())
    for name in ("code", "access_token", "id_token"):
        assert found[name] not in dump


def _family(site: harness.Site, token: str) -> grants.Grant:
    from intaglio import ids

    held = site.read(grants.access_with_grant, ids.digest(token), site.clock.now())
    assert held is not None
    family: grants.Grant = held[1]
    return family


def test_a_code_of_a_revoked_grant_brings_nothing(site: harness.Site) -> None:
    """What was revoked before its code was redeemed stays revoked."""
    app = _app(site)
    found = app.callback(response_type="code token").fragment
    site.write(grants.grant_revoke, _family(site, found["access_token"]).grant_id, site.clock.now())
    assert app.redeem(found["code"]).error == "invalid_grant"
    assert app.userinfo(found["access_token"]).status == 401


def test_redeeming_does_not_shorten_the_family(site: harness.Site) -> None:
    """A grant lives as long as the longest of its tokens needs it."""
    app = _app(site, grant_lifetimes={"authorization_code": Lifetimes(access_token=60, refresh_token=60)})
    found = app.callback(response_type="code token").fragment
    before = _family(site, found["access_token"])
    assert app.redeem(found["code"]).status == 200
    after = _family(site, found["access_token"])
    assert (after.grant_id, after.expires_at) == (before.grant_id, before.expires_at)
    site.clock.advance(61)
    assert app.userinfo(found["access_token"]).status == 200


@pytest.mark.parametrize("kind", ["id_token", "id_token token"])
def test_an_implicit_answer_leaves_a_grant(site: harness.Site, kind: str) -> None:
    """What was given in a session is known of, so that it can be shown and ended."""
    app = _app(site)
    app.callback(response_type=kind)
    rows = site.store._writing.execute("SELECT client_id, user_id, session_id <> '' FROM grants").fetchall()
    assert [tuple(row) for row in rows] == [("front", ALICE, 1)]


def test_signing_out_ends_what_came_through_the_browser(site: harness.Site) -> None:
    """The end of the session is the end of its access tokens."""
    app, browser = _app(site), harness.Browser(site)
    found = app.callback(browser, response_type="id_token token").fragment
    site.write(sessions.end, _family(site, found["access_token"]).session_id, site.clock.now())
    assert app.userinfo(found["access_token"]).status == 401


@pytest.mark.parametrize("kind", TOKENS)
def test_a_session_that_ends_meanwhile_gives_nothing(site: harness.Site, kind: str) -> None:
    """A sign-out between the look at the session and the answer: `login_required`, and nothing is kept."""
    app, browser = _app(site), harness.Browser(site)
    app.callback(browser, response_type=kind)
    scene = _scene(site, browser)
    present = site.run(session.present(scene, site.house))
    assert present is not None
    kept = _counts(site)
    site.write(sessions.end, present[0].session_id, scene.now)
    query = scene.dialect.read_authorize(_params(app.request(response_type=kind, scope="openid")))
    answer = site.run(steps.decide(query, site.client("front"), present, steps.Progress(), scene, site.house))
    assert dict(answer.fields)["error"] == "login_required"
    assert _counts(site) == kept


def _params(fields: dict[str, str]) -> Any:
    from intaglio.wire.params import Params

    return Params(fields.items())


def _scene(site: harness.Site, browser: harness.Browser) -> Any:
    from intaglio.server.http import dispatch
    from intaglio.wire.message import Request

    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    request = Request("GET", "/default/authorize", headers=(("cookie", cookie),), peer="192.0.2.1")
    tenant = site.run(site.hall.tenants.by_slug("default", harness.NOW))
    return dispatch.scene_of(site.listeners[0], tenant, request, site.clock.now(), "ref_0")


def _counts(site: harness.Site) -> list[int]:
    texts = ("SELECT count(*) FROM codes", "SELECT count(*) FROM grants", "SELECT count(*) FROM access_tokens")
    return [site.store._writing.execute(text).fetchone()[0] for text in texts]


@capability("response-per-client", witness="the page and the redirect")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_types": ("code",)}, "unauthorized_client"),
        ({"grant_types": ("authorization_code",)}, "unauthorized_client"),
        ({"response_modes": ("query",)}, "invalid_request"),
        ({"scope": ("email",)}, "invalid_scope"),
    ],
)
def test_d4_34_disabled_type_stays_disabled(site: harness.Site, changes: dict[str, Any], error: str) -> None:
    """CVE-2026-7571: what was taken from the client while a person signed in is not given after it."""
    app, browser = _app(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser, response_type="code id_token token", scope="openid email"))
    site.change_client("front", **changes)
    found = browser.through(page).fragment
    assert found["error"] == error
    assert not {"code", "id_token", "access_token"} & set(found)


@pytest.mark.parametrize("kind", RESPONSE_TYPES)
def test_d4_46_every_answer_names_its_issuer(site: harness.Site, kind: str) -> None:
    """RFC 9207: a client of two issuers can tell which one answered, whatever the response type, errors too."""
    other = site.add_tenant("other")
    assert other.slug == "other"
    app, browser = _app(site), harness.Browser(site)
    for answer in (app.callback(browser, response_type=kind), app.authorize(browser, response_type=kind, max_age="x")):
        assert (answer.params | answer.fragment)["iss"] == ISSUER
    elsewhere = f"http://localhost:8080/other/authorize?{_written(harness.App(site), kind)}&prompt=none"
    error = browser.get(elsewhere)
    assert (error.params | error.fragment)["iss"] == "http://localhost:8080/other"


def test_d4_39_what_is_echoed_is_text(site: harness.Site) -> None:
    """A state with markup or line ends is text in a form and percent-encoded in a fragment."""
    app, browser, nasty = _app(site), harness.Browser(site), '"><script>alert(1)</script>#&id_token=x'
    page = app.callback(browser, response_type="id_token", response_mode="form_post", state=nasty)
    assert "<script>alert" not in page.text
    assert _fields(page, "form_post")["state"] == nasty
    answer = app.authorize(browser, response_type="id_token", state=nasty)
    assert answer.location.count("#") == 1
    assert parse_qsl(urlsplit(answer.location).fragment).count(("id_token", "x")) == 0
    assert answer.fragment["state"] == nasty


def test_no_token_gets_into_the_log(site: harness.Site) -> None:
    """Neither an answer nor a refusal writes a token, a code or a state."""
    app, browser = _app(site), harness.Browser(site)
    with harness.logged() as log:
        found = app.callback(browser, response_type="code id_token token").fragment
        app.authorize(browser, response_type="code id_token token", response_mode="query")
        app.redeem(found["code"])
        app.redeem(found["code"])
    text = "\n".join(log.lines)
    for name in ("code", "access_token", "id_token", "state"):
        assert found[name] not in text


def test_answers_are_not_kept_by_anybody(site: harness.Site) -> None:
    """RFC 6749 5.1: no cache on the way, and no referrer that could carry the address on."""
    app, browser = _app(site), harness.Browser(site)
    app.callback(browser, response_type="id_token token")
    for mode in ("fragment", "form_post"):
        answer = app.authorize(browser, response_type="id_token token", response_mode=mode)
        assert "no-store" in (answer.header("cache-control") or "")
        assert answer.header("referrer-policy") == "same-origin"


# --- what a client registered for requests that do not say it


@capability("default-max-age", witness="the clock")
@pytest.mark.parametrize("kind", ["code", "id_token"])
def test_default_max_age(site: harness.Site, kind: str) -> None:
    """Registration 1.0 section 2: in force unless the request has a max_age of its own; auth_time is in the token."""
    app, browser = _app(site, default_max_age=100, require_auth_time=True), harness.Browser(site)
    app.callback(browser, response_type=kind)
    site.clock.advance(100)
    assert app.authorize(browser, response_type=kind, prompt="none").error == ""
    site.clock.advance(1)
    assert app.authorize(browser, response_type=kind, prompt="none").error == "login_required"
    assert app.authorize(browser, response_type=kind, prompt="none", max_age="1000").error == ""
    answer = app.callback(browser, response_type=kind)
    token = answer.fragment.get("id_token") or app.redeem(answer.params["code"]).json()["id_token"]
    assert _believed(site, token)["auth_time"] == harness.NOW + 101


def test_default_max_age_of_nothing_asks_each_time(site: harness.Site) -> None:
    """Zero seconds demand a sign-in for each request, once."""
    app, browser = _app(site, default_max_age=0), harness.Browser(site)
    for _ in range(2):
        assert "_intaglio/login" in app.authorize(browser).location
        assert "code" in app.callback(browser).params


# --- the rules by themselves

WORD = st.sampled_from(["code", "id_token", "token", "none", "Token", "", " ", "\t", "code,token"])
MODE = st.one_of(st.sampled_from(["", *RESPONSE_MODES, *TRICKS]), st.text(max_size=20))


@given(st.one_of(st.text(max_size=40), st.lists(WORD, max_size=5).map(" ".join)), MODE)
def test_whatever_is_asked_a_token_has_no_way_into_a_query(kind: str, mode: str) -> None:
    """For any texts: a mode that exists, never `query` for what could hold a token, and one form of each type."""
    query = _query(response_type=kind, response_mode=mode)
    way, words = responses.mode(query), responses.words(kind)
    assert way in RESPONSE_MODES
    assert way != "query" or not words & {"id_token", "token"}
    assert responses.normal(responses.normal(kind)) == responses.normal(kind)
    assert responses.words(responses.normal(kind)) == words
    assert not words or responses.normal(kind) in RESPONSE_TYPES


def _query(**fields: str) -> Any:
    return authorize.query(_params(fields))


def test_normal_and_words() -> None:
    """Only the six are known, in any order of their words."""
    for kind in RESPONSE_TYPES:
        for words in itertools.permutations(kind.split()):
            assert responses.normal(" ".join(words)) == kind
            assert responses.words(" ".join(words)) == set(words)
    for unknown in ("", "token", "none", "code code", "code  token", " code", "code token token", "Code"):
        assert responses.words(unknown) == frozenset()


def test_the_grant_row_of_a_hybrid_flow_is_one(site: harness.Site) -> None:
    """Redeeming finds the grant that is there, and keeps it."""
    app = _app(site)
    found = app.callback(response_type="code id_token token").fragment
    first = _family(site, found["access_token"])
    second = _family(site, app.redeem(found["code"]).json()["access_token"])
    assert second.grant_id == first.grant_id
    assert msgspec.structs.replace(second, expires_at=0) == msgspec.structs.replace(first, expires_at=0)
    assert isinstance(first.grant_id, str)
    assert site.read(grants.grant_by_id, GrantId(first.grant_id)) == second


def test_a_dialect_may_have_the_code_alone() -> None:
    """A dialect that does not know a response type does not answer it, whatever the client may elsewhere."""
    narrow = msgspec.structs.replace(auth0.DIALECT.profile, response_types=("code",))
    dialect = msgspec.structs.replace(auth0.DIALECT, profile=narrow)
    known = dev.development_listeners(harness.STANDARD, "http")
    doors = tuple(msgspec.structs.replace(one, dialect=dialect) if one.name == "auth0" else one for one in known)
    with harness.site(listeners=doors) as site:
        _app(site)
        app = harness.App(site, "front", "front-secret", issuer="http://localhost:8083/", token="/oauth/token")
        for kind in TOKENS:
            refused = app.authorize(harness.Browser(site), response_type=kind)
            assert refused.fragment["error"] == "unsupported_response_type"
        assert "code" in app.callback().params


def test_the_scopes_of_an_implicit_request(site: harness.Site) -> None:
    """`granted_scope` leaves offline_access out where no code could bring it."""
    _app(site)
    client = site.client("front")
    scene = _scene(site, harness.Browser(site))
    for kind in RESPONSE_TYPES:
        fields = harness.App(site, "front").request(response_type=kind)
        scope = checks.granted_scope(scene.dialect.read_authorize(_params(fields)), client)
        assert ("offline_access" in scope) == ("code" in kind.split())


# --- the `claims` parameter on its way


CLAIMS = '{"id_token":{"email":null,"given_name":{"essential":true}},"userinfo":{"family_name":null}}'


@capability("response-types", witness="PyJWT")
@pytest.mark.parametrize("kind", ["code", *TOKENS])
def test_claims_by_name_go_with_everything(site: harness.Site, kind: str) -> None:
    """OpenID Connect Core 5.5: in the browser's ID token, the code's, the refreshed one's, and from UserInfo."""
    app = _app(site, consent="implicit")
    answer = app.callback(response_type=kind, scope="openid offline_access", claims=CLAIMS)
    found = answer.params | answer.fragment
    tokens, access = [found.get("id_token")], [found.get("access_token")]
    if "code" in found:
        first = app.redeem(found["code"]).json()
        second = app.refresh(first["refresh_token"]).json()
        third = app.refresh(second["refresh_token"]).json()
        tokens += [one["id_token"] for one in (first, second, third)]
        access += [one["access_token"] for one in (first, second, third)]
    for token in filter(None, tokens):
        claims = _believed(site, token)
        assert (claims["email"], claims["given_name"]) == ("alice@example.com", "Alice")
        assert "family_name" not in claims
    for one in filter(None, access):
        person = app.userinfo(one).json()
        assert person["family_name"] == "Adams"
        assert "email" not in person


@pytest.mark.parametrize("kind", ["code", "code id_token token"])
@pytest.mark.parametrize(
    "value",
    ["1" + "0" * 40, "-1" + "0" * 40, "1e400", "1e-400", '"\\ud800"', '"\\u0000"', '{"a":[1.5,null,true]}', "[]", '""'],
)
def test_odd_values_of_claims_stop_nothing(site: harness.Site, kind: str, value: str) -> None:
    """A demand for any JSON value is kept and read again, or refused; never a fault of the server's."""
    app = _app(site, consent="implicit")
    answer = app.callback(response_type=kind, claims=f'{{"id_token":{{"email":{{"value":{value}}}}}}}')
    found = answer.params | answer.fragment
    if "error" in found:
        assert found["error"] == "invalid_request"
        return
    assert answer.status == 303, answer.text
    assert app.redeem(found["code"]).status == 200


# --- the page about it


PAGE = pathlib.Path(__file__).parents[3] / "docs" / "reference" / "response-types.md"


def _rows() -> dict[str, list[str]]:
    rows = [line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in rows}


@pytest.mark.parametrize("kind", RESPONSE_TYPES)
def test_the_page_says_what_comes(site: harness.Site, kind: str) -> None:
    """Each row of the reference is what the server does for a client that has just the grant types of the row."""
    code, access, token, hashes, claims, mode, needed = _rows()[kind]
    app = _app(site, grant_types=tuple(needed.split()))
    found = _fields(app.callback(response_type=kind, scope="openid email"), mode)
    assert [name in found for name in ("code", "access_token", "id_token")] == [
        cell == "yes" for cell in (code, access, token)
    ]
    payload = _believed(site, found["id_token"]) if token == "yes" else {}
    assert {name for name in payload if name.endswith("_hash")} == set(hashes.split())
    assert ("email" in payload) == (claims == "yes")
    for grant in needed.split():
        left = tuple(one for one in needed.split() if one != grant)
        site.change_client("front", grant_types=left)
        assert app.authorize(harness.Browser(site), response_type=kind).error == "unauthorized_client"


def test_the_page_has_every_type() -> None:
    """And no other."""
    assert set(_rows()) == set(RESPONSE_TYPES)
