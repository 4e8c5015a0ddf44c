"""Authlib (PyPI), unmodified, as relying party, with a person in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.integrations import base_client, requests_client
from authlib.integrations.base_client import sync_app, sync_openid
from authlib.oidc.core import UserInfo

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = [pytest.mark.sdk, pytest.mark.browser]
WITNESS = "Authlib (PyPI)"
ALICE = "00000000-0000-4000-8000-000000000101"
SCOPE = "openid profile email phone address offline_access"


class _Framework(base_client.FrameworkIntegration):  # type: ignore[misc]
    """The place that Authlib leaves for a web framework; here the session is a dict and nothing is kept."""

    def update_token(self, token: Any, refresh_token: Any = None, access_token: Any = None) -> None:
        """Forget the new tokens; the test looks at them itself."""


class _App(sync_app.OAuth2Mixin, sync_openid.OpenIDMixin, sync_app.BaseApp):  # type: ignore[misc]
    client_cls = requests_client.OAuth2Session


class Party:
    """An application of Authlib's, from the discovery document to the logout."""

    def __init__(self, issuer: str, method: str, *, pkce: bool) -> None:
        kwargs = {"scope": SCOPE, "token_endpoint_auth_method": method}
        if pkce:
            kwargs["code_challenge_method"] = "S256"
        self.app = _App(
            _Framework("web"),
            "web",
            client_id="web",
            client_secret="web-secret",
            server_metadata_url=issuer + "/.well-known/openid-configuration",
            client_kwargs=kwargs,
        )

    def finish(self, begun: dict[str, str], arrival: live.Arrival) -> tuple[dict[str, Any], UserInfo]:
        """Exchange the code, and return the tokens with what Authlib's validation makes of the ID token."""
        assert arrival.fields["state"] == begun["state"]
        more = {"code_verifier": begun["code_verifier"]} if "code_verifier" in begun else {}
        token = self.app.fetch_access_token(live.WEB, authorization_response=arrival.url, **more)
        options = {"iss": {"values": [self.app.load_server_metadata()["issuer"]]}}
        return token, self.app.parse_id_token(token, begun["nonce"], claims_options=options)


@capability("rp-authlib", witness=WITNESS)
@capability("seed-client-web", witness=WITNESS)
@capability("seed-user-alice", witness=WITNESS)
@capability("code-flow", witness=WITNESS)
@capability("userinfo", witness=WITNESS)
@capability("grant-authorization-code", witness=WITNESS)
@capability("grant-refresh-token", witness=WITNESS)
@capability("refresh-id-token", witness=WITNESS)
@capability("auth-client-secret-basic", witness=WITNESS)
@capability("auth-client-secret-post", witness=WITNESS)
@capability("end-session", witness=WITNESS)
@pytest.mark.parametrize(("method", "pkce"), [("client_secret_basic", False), ("client_secret_post", True)])
def test_signs_in_refreshes_and_logs_out(
    dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver, method: str, pkce: bool
) -> None:
    """Sign-in, an ID token that Authlib believes, UserInfo, refresh, and a logout that ends where it should."""
    party, page = Party(dev.issuer, method, pkce=pkce), visitor.tab()
    begun = party.app.create_authorization_url(live.WEB)
    assert ("code_challenge" in begun["url"]) is pkce
    live.sign_in(page, begun["url"])
    token, believed = party.finish(begun, receiver.next())
    assert believed["iss"] == dev.issuer
    assert believed["sub"] == ALICE
    assert believed["aud"] == "web"
    assert believed["nonce"] == begun["nonce"]
    assert believed["amr"] == ["pwd"]
    assert token["expires_in"] == 3600

    person = party.app.userinfo(token=token)
    assert person["sub"] == ALICE
    wanted = "name family_name given_name middle_name nickname preferred_username profile picture website gender"
    wanted += " birthdate zoneinfo locale updated_at email email_verified phone_number address"
    assert [name for name in wanted.split() if not person.get(name)] == []

    metadata = party.app.load_server_metadata()
    with party.app._get_oauth_client(**metadata) as session:
        fresh = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert fresh["refresh_token"] != token["refresh_token"]
    again = party.app.parse_id_token(fresh, None)
    assert (again["sub"], again["aud"], again["auth_time"]) == (ALICE, "web", believed["auth_time"])
    assert "nonce" not in again

    leaving = party.app.create_logout_url("http://127.0.0.1:9999/", id_token_hint=fresh["id_token"])
    page.goto(leaving["url"])
    page.wait_for_selector("#rp-done")
    left = receiver.next()
    assert (left.path, left.fields) == ("/", {"state": leaving["state"]})
    assert visitor.cookies("session") == {}
    page.goto(party.app.create_authorization_url(live.WEB)["url"])
    sync_api.expect(page.locator("#login-form")).to_be_visible()


@capability("rp-authlib", witness=WITNESS)
@capability("seed-user-bob", witness=WITNESS)
@capability("code-single-use", witness=WITNESS)
def test_refuses_what_is_not_its_own(dev: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """Authlib refuses the token under another nonce, and gets `invalid_grant` for a code that was used before."""
    party = Party(dev.issuer, "client_secret_basic", pkce=True)
    begun = party.app.create_authorization_url(live.WEB)
    live.sign_in(page, begun["url"], "bob")
    arrival = receiver.next()
    token, believed = party.finish(begun, arrival)
    assert party.app.userinfo(token=token)["name"] == "Bob Baker"
    with pytest.raises(Exception, match="nonce"):
        party.app.parse_id_token(token, "another nonce")
    with pytest.raises(base_client.OAuthError) as caught:
        party.finish(begun, arrival)
    assert caught.value.error == "invalid_grant"
    with pytest.raises(Exception, match="401"):
        party.app.userinfo(token=token)
    assert believed["sub"] != ALICE


@capability("end-session", witness="Chromium")
def test_logout_without_a_hint_asks_first(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """A logout that names no session shows a question; staying keeps the session, leaving ends it."""
    page = visitor.tab()
    live.sign_in(page, live.authorization(dev.issuer + "/authorize").url)
    receiver.next()
    page.goto(dev.issuer + "/logout")
    sync_api.expect(page.locator("#submit-logout")).to_be_visible()
    assert len(visitor.cookies("session")) == 1
    page.click("#stay")
    sync_api.expect(page.locator("#still-signed-in")).to_be_visible()
    assert len(visitor.cookies("session")) == 1
    page.goto(dev.issuer + "/logout?client_id=web&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A9999%2F&state=s")
    page.click("#submit-logout")
    page.wait_for_selector("#rp-done")
    assert receiver.next().fields == {"state": "s"}
    assert visitor.cookies("session") == {}
    page.goto(dev.issuer + "/logout")
    sync_api.expect(page.locator("#logged-out")).to_be_visible()
    page.goto(dev.issuer + "/logout?client_id=web&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A9999%2Felsewhere")
    sync_api.expect(page.locator("#oauth-error")).to_be_visible()
    assert receiver.nothing_arrived()
