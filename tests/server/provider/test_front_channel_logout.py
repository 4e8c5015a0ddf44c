"""Front-channel logout: which frames the page has, what its policy lets in, and where it goes afterwards."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests import harness
from tests.capability import capability
from tests.web import markup

HOME = "http://127.0.0.1:9999/"
ISSUER = "http://localhost:8080/default"
FRAME = "https://rp.example/front?keep=1"


@pytest.fixture
def browser(site: harness.Site) -> harness.Browser:
    """A browser in which alice is signed in at two clients with a front channel and one without."""
    site.change_client("web", frontchannel_logout_uri=FRAME, frontchannel_logout_session_required=True)
    site.add_client("shop", "shop-secret", frontchannel_logout_uri="http://127.0.0.1:7777/out")
    site.add_client("quiet", "quiet-secret", frontchannel_logout_uri="")
    site.add_client("idle", "idle-secret", frontchannel_logout_uri="https://idle.example/out")
    return harness.Browser(site)


def _sign_in(site: harness.Site, browser: harness.Browser) -> dict[str, str]:
    for client_id in ("shop", "quiet"):
        harness.App(site, client_id, f"{client_id}-secret").tokens(browser)
    return harness.App(site).tokens(browser)


def _frames(page: harness.Answer) -> list[str]:
    return [one.attributes["src"] for one in markup.read(page.body) if one.tag == "iframe"]


@capability("logout-frontchannel", witness="the page's frames and policy")
def test_each_client_of_the_session_has_its_frame(site: harness.Site, browser: harness.Browser) -> None:
    """Front-Channel Logout 2: iss and sid as in the client's ID token, its own query kept, no other client's frame."""
    tokens = _sign_in(site, browser)
    sid = harness.payload(tokens["id_token"])["sid"]
    page = browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    assert 'id="logged-out"' in page.text
    shop, web = sorted(_frames(page))
    assert (shop.partition("?")[0], web.partition("?")[0]) == ("http://127.0.0.1:7777/out", "https://rp.example/front")
    assert parse_qsl(urlsplit(web).query) == [("keep", "1"), ("iss", ISSUER), ("sid", sid)]
    assert parse_qsl(urlsplit(shop).query) == [("iss", ISSUER), ("sid", sid)]


def test_the_policy_lets_in_these_hosts_alone(site: harness.Site, browser: harness.Browser) -> None:
    """`frame-src` names the hosts of the frames; a page without frames has none."""
    tokens = _sign_in(site, browser)
    page = browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    policy = dict(part.strip().split(" ", 1) for part in (page.header("content-security-policy") or "").split(";"))
    assert sorted(policy["frame-src"].split()) == ["http://127.0.0.1:7777", "https://rp.example"]
    assert policy["frame-ancestors"] == "'none'"
    assert "frame-src" not in (browser.get("~/logout").header("content-security-policy") or "")


def test_frames_may_not_leave_their_place(site: harness.Site, browser: harness.Browser) -> None:
    """No frame navigates the page, opens a window or learns where it was framed."""
    tokens = _sign_in(site, browser)
    page = browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    for one in markup.read(page.body):
        if one.tag == "iframe":
            assert one.attributes["sandbox"] == "allow-scripts allow-same-origin"
            assert one.attributes["referrerpolicy"] == "no-referrer"


@capability("logout-frontchannel", witness="the page's markup")
def test_then_it_goes_on(site: harness.Site, browser: harness.Browser) -> None:
    """The registered address, state included, stands in a link and in a refresh; both work without script."""
    tokens = _sign_in(site, browser)
    hint = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": HOME, "state": "a&b\"<'"}
    page = browser.get("~/logout?" + urlencode(hint))
    elements = markup.read(page.body)
    expected = f"{HOME}?{urlencode({'state': hint['state']}).replace('+', '%20')}"
    (refresh,) = [one.attributes["content"] for one in elements if one.attributes.get("http-equiv") == "refresh"]
    assert refresh.partition("url=")[2] == expected
    assert markup.by_id(elements, "onward").attributes["href"] == expected
    assert len(_frames(page)) == 2
    assert page.location == ""


def test_without_frames_it_goes_on_at_once(site: harness.Site) -> None:
    """Nothing changes for sessions without a front channel: a redirect."""
    browser = harness.Browser(site)
    tokens = harness.App(site).tokens(browser)
    answer = browser.get(
        "~/logout?" + urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": HOME})
    )
    assert (answer.status, answer.location) == (303, HOME)


def test_native_programs_are_gone_back_to_at_once(site: harness.Site, browser: harness.Browser) -> None:
    """A browser opens a program for a redirect, and not for a page that goes on by itself."""
    _sign_in(site, browser)
    native = harness.App(site, "native", "", redirect_uri="com.example.app:/callback")
    hint = {
        "id_token_hint": native.tokens(browser)["id_token"],
        "post_logout_redirect_uri": "com.example.app:/callback",
    }
    answer = browser.get("~/logout?" + urlencode(hint))
    assert (answer.status, answer.location) == (303, "com.example.app:/callback")


def test_pairwise_clients_get_their_own_sid(site: harness.Site, browser: harness.Browser) -> None:
    """`sid` in the frame is the one in the client's own ID token."""
    site.change_client("web", subject_type="pairwise", sector_identifier="rp.example")
    tokens = harness.App(site).tokens(browser)
    page = browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    (frame,) = _frames(page)
    assert dict(parse_qsl(urlsplit(frame).query))["sid"] == harness.payload(tokens["id_token"])["sid"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "https://rp.example\\@evil", "//x/y"])
def test_an_address_that_is_no_web_address_gets_no_frame(site: harness.Site, address: str) -> None:
    """However it came into the record."""
    site.change_client("web", frontchannel_logout_uri=address)
    browser = harness.Browser(site)
    tokens = harness.App(site).tokens(browser)
    page = browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    assert _frames(page) == []
    assert "javascript:" not in page.text


def test_a_policy_cannot_be_written_by_a_client(site: harness.Site) -> None:
    """An address with the policy's own letters adds nothing to it."""
    site.change_client("web", frontchannel_logout_uri="https://rp.example; script-src *//out")
    browser = harness.Browser(site)
    tokens = harness.App(site).tokens(browser)
    page = browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    assert "script-src *" not in (page.header("content-security-policy") or "")
    assert _frames(page) == []
