"""A sign-in at the endpoints of both versions: discovery, keys, code, tokens, userinfo."""

from __future__ import annotations

from tests.dialects.microsoft.conftest import BASE, TENANT, V2, WEB, Application
from tests.harness import Browser, Site, payload


def test_a_code_flow_of_v2(site: Site, web: Application) -> None:
    """From discovery to userinfo, as an SDK goes through it."""
    told = site.get(f"{BASE}/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert told["issuer"] == V2
    keys = site.get(told["jwks_uri"]).json()["keys"]
    tokens = web.tokens()
    claims = payload(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["tid"], claims["ver"]) == (V2, WEB, TENANT, "2.0")
    assert keys[0]["kid"] == keys[0]["x5t"]
    assert web.userinfo(tokens["access_token"]).json()["sub"] == claims["sub"]
    assert web.refresh(tokens["refresh_token"]).status == 200


def _through(site: Site, word: str, username: str, secret: str = "", **more: str) -> dict[str, object]:
    app, browser = Application(site, word=word), Browser(site)
    page = browser.follow(app.authorize(browser, **more))
    assert 'id="realm-form"' in page.text, page.text[-900:]
    page = browser.follow(browser.submit(page, "realm-form", username=username, decision="next"))
    answer = browser.through(page, username, secret)
    tokens = app.redeem(answer.params["code"])
    assert tokens.status == 200, tokens.text
    again = app.callback(browser, prompt="none")
    assert "code" in again.params, again.location
    return payload(tokens.json()["id_token"])


def test_common_leads_to_the_tenant_of_the_user_name(site: Site) -> None:
    """The domain behind the name says which tenant it is; the token has that tenant's issuer."""
    claims = _through(site, "common", "alice@dev.intaglio.test", "alice-password")
    assert (claims["iss"], claims["tid"]) == (V2, TENANT)


def test_common_leads_people_of_no_organisation_to_theirs(site: Site) -> None:
    """Whoever has no organisation's name signs in among personal accounts."""
    claims = _through(site, "common", "carol", "carol-password")
    assert claims["tid"] == "9188040d-6c67-4c5b-b112-36a304b66dad"
    assert str(claims["sub"]).startswith("AAAAAAAAAAAAAAAAAAAAA")
