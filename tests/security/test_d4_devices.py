"""Rows of the security reference that touch devices, sign-up and logos; each test bears the number of its row."""

from __future__ import annotations

import msgspec
import pytest

from intaglio.protocol.device import GRANT
from intaglio.server import compose
from intaglio.server.settings.records import Outgoing
from tests import harness
from tests.harness import App, Browser, Site
from tests.server.provider import test_device as devices
from tests.server.provider import test_sign_up as signing_up
from tests.web import markup

ISSUER = "http://localhost:8080/default"


def test_d4_29_a_device_code_is_used_once_under_concurrency(site: Site) -> None:
    """Thirty polls of an approved code at once bring one set of tokens at most, and what it gave is revoked."""
    told = devices.start(site)
    devices.approve(site, told["user_code"])
    form = f"grant_type={GRANT}&device_code={told['device_code']}&client_id=tv".encode()
    headers = [("content-type", harness.FORM)]

    async def race() -> list[harness.Answer]:
        return await harness.together(
            [site.exchange("POST", site.url("~/token"), headers=headers, body=form) for _ in range(30)]
        )

    good = [answer for answer in site.run(race()) if answer.status == 200]
    assert len(good) == 1
    site.settle()
    assert App(site, "tv", "").userinfo(good[0].json()["access_token"]).status == 401


def test_d4_33_a_device_code_is_bound(site: Site) -> None:
    """Client, issuer, person, browser and the very request: no approval of one device serves another."""
    site.add_client("tv-2", like="tv")
    one, two = devices.start(site), devices.start(site)
    devices.approve(site, one["user_code"])
    assert devices.poll(site, two["device_code"]).error == "authorization_pending"
    assert devices.poll(site, one["device_code"], "tv-2").error == "invalid_grant"
    assert devices.poll(site, one["user_code"]).error == "invalid_grant"
    tokens = devices.poll(site, one["device_code"]).json()
    assert harness.payload(tokens["id_token"])["sub"] == devices.ALICE


def test_d4_33_the_question_is_not_skipped(site: Site) -> None:
    """Neither a session, nor consent given before, nor implicit consent lets a device in without a word."""
    site.change_client("tv", consent="implicit")
    browser = devices.approve(site, devices.start(site)["user_code"])
    told = devices.start(site)
    devices.enter(browser, told["user_code"])
    browser.get(told["verification_uri_complete"])
    assert devices.poll(site, told["device_code"]).error == "authorization_pending"


@pytest.mark.parametrize("moment", ["entered", "approved"])
def test_d4_34_a_disabled_grant_stays_disabled(site: Site, moment: str) -> None:
    """A grant that is taken from the client in between gives nothing, whichever step was taken before."""
    told, browser = devices.start(site), Browser(site)
    page = devices.log_in(browser, devices.enter(browser, told["user_code"]))
    if moment == "approved":
        devices.decide(browser, page)
    site.change_client("tv", grant_types=("refresh_token",))
    if moment == "entered":
        assert devices.decide(browser, page).status == 400
    assert devices.poll(site, told["device_code"]).error == "unauthorized_client"
    site.change_client("tv", disabled_at=harness.NOW)
    assert devices.poll(site, told["device_code"]).error == "invalid_client"


@pytest.mark.parametrize("form", [{}, {"decision": "allow"}, {"decision": "allow", "scope": "openid"}, {"csrf": ""}])
def test_d4_37_no_step_of_a_device_is_skipped_by_an_empty_form(site: Site, form: dict[str, str]) -> None:
    """An empty form, or one of a later step, allows nothing and makes no account."""
    site.change_tenant(sign_up=True)
    told, browser = devices.start(site), Browser(site)
    page = devices.enter(browser, told["user_code"])
    for where in (page.url, "/_intaglio/device?tenant=00000000-0000-4000-8000-000000000001"):
        assert browser.post(where, form).status == 400
    waiting = signing_up.begin(site, browser)
    assert browser.post(waiting.url, form).status == 400
    assert devices.poll(site, told["device_code"]).error == "authorization_pending"


def test_d4_38_a_changed_device_code_is_refused(site: Site) -> None:
    """Cut short, made longer, in other case: none of them is the device's code, and the real one still works."""
    told = devices.start(site)
    devices.approve(site, told["user_code"])
    code = told["device_code"]
    for changed in (code[:-1], code + "A", code.swapcase(), " " + code, code + "="):
        assert devices.poll(site, changed).error == "invalid_grant"
    assert devices.poll(site, code).status == 200


def test_d4_39_no_markup_comes_through_on_a_devices_pages(site: Site) -> None:
    """A client's name and addresses, a person's name and what is typed at sign-up stand on the pages as text."""
    payload = '"><script>alert(1)</script>'
    site.change_client(
        "tv", client_name=payload, client_uri="javascript:alert(1)", policy_uri=payload, logo_uri=payload
    )
    site.change_user("alice", claims={"name": payload})
    site.change_tenant(sign_up=True)
    browser = Browser(site)
    login = devices.enter(browser, devices.start(site)["user_code"])
    question = devices.log_in(browser, login)
    failed = signing_up.fill(browser, signing_up.begin(site, browser), payload, "short")
    for page in (login, question, devices.decide(browser, question), failed):
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert all(not e.attributes.get("href", "").startswith("javascript") for e in markup.read(page.body))


def test_d4_40_sessions_are_made_anew_at_every_door(site: Site) -> None:
    """Signing in at a device's page and signing up replace the cookie that was there; what sets it is not kept."""
    site.change_tenant(sign_up=True)
    planted = harness.Browser(site)
    App(site).callback(planted, "bob")
    for door in ("device", "sign-up"):
        browser = Browser(site)
        browser.jar.update(planted.jar)
        before = browser.session_of(ISSUER)
        if door == "device":
            browser.jar = {name: value for name, value in browser.jar.items() if "session" not in name}
            page = devices.enter(browser, devices.start(site)["user_code"])
            fields = {"username": "alice", "password": "alice-password", "decision": "login"}
            answer = browser.submit(page, "login-form", **fields)
        else:
            answer = signing_up.fill(browser, signing_up.begin(site, browser))
        assert answer.header("cache-control") == "no-store"
        assert browser.session_of(ISSUER) not in ("", before)


def test_d4_43_the_device_login_does_not_enumerate(site: Site) -> None:
    """Unknown, disabled and wrong read the same at a device's login page."""
    site.change_user("bob", disabled_at=harness.NOW)
    texts = set()
    for name, password in (("nobody", "x"), ("alice", "x"), ("bob", "bob-password")):
        browser = Browser(site)
        page = devices.enter(browser, devices.start(site)["user_code"])
        answer = browser.submit(page, "login-form", username=name, password=password, decision="login")
        texts.add(markup.by_id(markup.read(answer.body), "login-error").text)
    assert len(texts) == 1


@pytest.mark.parametrize("name", ["ali*", "alic%", "alic_", "alice,bob", "alice/../bob", "${alice}", "{{alice}}"])
def test_d4_44_names_at_sign_up_are_no_patterns(site: Site, name: str) -> None:
    """A name with signs of some pattern language is that name, and no other person's."""
    site.change_tenant(sign_up=True)
    browser = Browser(site)
    assert signing_up.fill(browser, signing_up.begin(site, browser), name).status == 303
    assert site.user(name).user_id != site.user("alice").user_id


@pytest.mark.parametrize(
    "uri",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/x.png",
        "https://10.0.0.1/x.png",
        "https://[fd00::1]/x.png",
        "https://0x7f000001/x.png",
        "http://example.com/x.png",
        "file:///etc/passwd",
    ],
)
def test_d5_47_a_logo_is_fetched_behind_the_guard(site: Site, uri: str) -> None:
    """A logo at an address of this network, or over plain http, is not asked for, and nothing of it is told."""
    site.change_client("web", logo_uri=uri)
    outward = compose.Outward(Outgoing())
    site.house.outgoing = outward
    with harness.logged() as log:
        answer = site.get(f"/_intaglio/logo/{site.client('web').tenant_id}/web")
    assert answer.status == 404
    assert not log.traces
    assert msgspec.structs.asdict(site.client("web"))["logo_uri"] == uri
