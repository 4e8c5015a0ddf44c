"""express-openid-connect, unmodified: regular web applications over https, with Chromium as the person's browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api
from tests.sdk import secure as secures

pytestmark = [pytest.mark.sdk, pytest.mark.browser]
secure = secures.secure
WITNESS = "express-openid-connect, Chromium"


@pytest.fixture(scope="module")
def talk(secure: secures.Secure) -> Iterator[secures.Talk]:
    """One process for every application."""
    with secure.talk(secures.node("express.mjs")) as opened:
        yield opened


def _opened(secure: secures.Secure, talk: secures.Talk, client_id: str, like: dict[str, Any], **config: Any) -> str:
    """Start an application and register its addresses; return its origin."""
    tls = {"chain": str(secure.authority.chain), "key": str(secure.authority.key)}
    origin = str(talk.say("open", **tls, config={"clientID": client_id, **config})["origin"])
    told = {"redirect_uris": (origin + "/callback",), "post_logout_redirect_uris": (origin,), "consent": "implicit"}
    secure.add_client(client_id, "a-secret-of-the-app", **(told | like))
    return origin


def _shown(page: sync_api.Page) -> dict[str, Any]:
    page.wait_for_selector("#rp-done")
    told: dict[str, Any] = json.loads(page.inner_text("#rp-done"))
    return told


def _at(page: sync_api.Page, address: str) -> dict[str, Any]:
    page.goto(address)
    return _shown(page)


@capability("official-express-openid-connect", witness=WITNESS)
def test_default_application_gets_an_id_token_by_a_form(
    secure: secures.Secure, talk: secures.Talk, visit: Callable[..., live.Visitor]
) -> None:
    """As it is set up by default: an ID token alone, posted by the browser; signed out at `/v2/logout`."""
    like = {"response_types": ("id_token",), "grant_types": ("implicit",)}
    issuer = {"issuerBaseURL": secure.at("auth0"), "auth0Logout": True}
    origin = _opened(secure, talk, "express", like, **issuer)
    page = visit(ignore_https_errors=True).tab()
    assert _at(page, origin + "/silent") == {"signedIn": False}

    page.goto(origin + "/profile")
    live.log_in(page)
    told = _shown(page)
    assert (told["claims"]["iss"], told["claims"]["aud"]) == (secure.at("auth0") + "/", "express")
    assert (told["user"]["name"], told["user"]["email"]) == ("Alice Elizabeth Adams", "alice@example.com")
    assert told["claims"]["exp"] - told["claims"]["iat"] == 36000

    assert _at(page, origin + "/logout") == {"signedIn": False}
    page.goto(origin + "/profile")
    page.wait_for_selector("#login-form")


@capability("official-express-openid-connect", witness=WITNESS)
def test_application_with_code_refreshes_and_signs_out(
    secure: secures.Secure, talk: secures.Talk, visit: Callable[..., live.Visitor]
) -> None:
    """With a code and PKCE: userinfo, refresh, another application's silent sign-in, and logout by its ID token."""
    like = {"scope": ("openid", "profile", "email", "offline_access")}
    parameters = {"response_type": "code", "scope": "openid profile email offline_access"}
    told_issuer = {"issuerBaseURL": secure.at("auth0"), "clientSecret": "a-secret-of-the-app"}
    origin = _opened(secure, talk, "express-code", like, **told_issuer, authorizationParams=parameters)
    other = _opened(secure, talk, "express-other", like, **told_issuer, authorizationParams={"response_type": "code"})
    page = visit(ignore_https_errors=True).tab()
    page.goto(origin + "/profile")
    live.log_in(page)
    told = _shown(page)
    assert told["refreshes"] is True
    claims = told["claims"]
    found = _at(page, origin + "/userinfo")
    assert (found["sub"], found["email"]) == (claims["sub"], "alice@example.com")

    again = _at(page, origin + "/refresh")
    assert (again["token_type"].lower(), again["claims"]["sub"]) == ("bearer", claims["sub"])
    assert _at(page, other + "/silent") == {"signedIn": True}

    assert _at(page, origin + "/logout") == {"signedIn": False}
    assert _at(page, origin + "/silent") == {"signedIn": False}
