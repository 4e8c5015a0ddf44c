"""The device flow: what a device gets, what its person sees, and what nobody else can do (RFC 8628)."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.protocol.device import GRANT
from intaglio.server import upkeep
from intaglio.server.http import devicepages
from intaglio.server.model import devices
from intaglio.server.provider import device
from tests import harness
from tests.harness import Answer, App, Browser, Site, payload

SCOPE = "openid profile offline_access"
ALICE = "00000000-0000-4000-8000-000000000101"


def start(site: Site, scope: str = SCOPE, client_id: str = "tv", peer: str = "198.51.100.7") -> dict[str, Any]:
    """Let a device ask, and return what it got."""
    answer = site.post("~/device_authorization", {"client_id": client_id, "scope": scope}, peer=peer)
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def poll(site: Site, device_code: str, client_id: str = "tv") -> Answer:
    """Let the device ask whether its person has decided."""
    return site.post("~/token", {"grant_type": GRANT, "device_code": device_code, "client_id": client_id})


def enter(browser: Browser, user_code: str) -> Answer:
    """Open the page, type the code, and follow to what comes next."""
    page = browser.get("~/device")
    return browser.follow(browser.submit(page, "device-form", user_code=user_code))


def log_in(browser: Browser, page: Answer, username: str = "alice") -> Answer:
    """Sign in at the device's login page, and follow to the question."""
    fields = {"username": username, "password": f"{username}-password", "decision": "login"}
    return browser.follow(browser.submit(page, "login-form", **fields))


def decide(browser: Browser, page: Answer, decision: str = "allow", **changes: Any) -> Answer:
    """Answer the question."""
    return browser.submit(page, "device-decision", decision=decision, **changes)


def approve(site: Site, user_code: str, browser: Browser | None = None) -> Browser:
    """Let alice type the code, sign in and allow the device."""
    browser = browser or Browser(site)
    page = enter(browser, user_code)
    if 'id="login-form"' in page.text:
        page = log_in(browser, page)
    done = decide(browser, page)
    assert "Your device is connected" in done.text, done.text[-1500:]
    return browser


# --- the device


def test_device_gets_its_codes(site: Site) -> None:
    """RFC 8628 3.2: an opaque code, a user code of 8 letters without vowels, where to type it, spans in seconds."""
    told = start(site)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", told["user_code"])
    assert len(told["device_code"]) == 43
    assert told["verification_uri"] == "http://localhost:8080/default/device"
    assert told["verification_uri_complete"] == f"{told['verification_uri']}?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)


def test_codes_are_kept_as_digests(site: Site) -> None:
    """Neither code stands in the database, and the user code's digest needs the installation's key."""
    told = start(site)
    rows = site.store._writing.execute("SELECT * FROM device_codes").fetchall()
    text = repr(rows)
    for secret in (told["device_code"], told["user_code"], told["user_code"].replace("-", "")):
        assert secret not in text
    import hashlib

    assert hashlib.sha256(told["user_code"].encode()).digest() not in [value for row in rows for value in row]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "web"}, 401, "invalid_client"),
        ({"client_id": "spa"}, 400, "unauthorized_client"),
        ({"client_id": "tv", "client_secret": "x"}, 401, "invalid_client"),
        ({"scope": "openid"}, 401, "invalid_client"),
        ([("client_id", "tv"), ("client_id", "tv")], 400, "invalid_request"),
    ],
)
def test_wrong_devices_are_refused(site: Site, form: Any, status: int, error: str) -> None:
    """RFC 8628 3.1: the client authenticates as registered, and must be enabled for the grant."""
    answer = site.post("~/device_authorization", form)
    assert (answer.status, answer.error) == (status, error)


def test_scope_that_is_not_enabled_is_refused(site: Site) -> None:
    """A standard scope that the client may not have is `invalid_scope`; an unknown one is left out."""
    site.change_client("tv", scope=("openid",))
    for scope in ("openid email", "openid offline_access"):
        answer = site.post("~/device_authorization", {"client_id": "tv", "scope": scope})
        assert (answer.status, answer.error) == (400, "invalid_scope")
    told = start(site, "openid made-up")
    browser = Browser(site)
    assert "made-up" not in log_in(browser, enter(browser, told["user_code"])).text


def test_offline_access_that_cannot_be_given_is_left_out(site: Site) -> None:
    """Without the refresh grant there is no refresh token and no mention of one (OpenID Connect Core 11)."""
    site.change_client("tv", grant_types=(GRANT,), scope=("openid", "profile"))
    told = start(site)
    approve(site, told["user_code"])
    tokens = poll(site, told["device_code"]).json()
    assert "refresh_token" not in tokens
    assert tokens["scope"] == "openid profile"


def test_confidential_device_authenticates(site: Site) -> None:
    """A client with a secret proves itself at both endpoints, by Basic as registered."""
    site.change_client("web", grant_types=("authorization_code", "refresh_token", GRANT))
    app = App(site)
    told = site.post("~/device_authorization", {"scope": "openid"}, headers=app.headers()).json()
    approve(site, told["user_code"])
    form = {"grant_type": GRANT, "device_code": told["device_code"]}
    assert site.post("~/token", form | {"client_id": "web"}).error == "invalid_client"
    assert app.token(form).status == 200


# --- polling


def test_tokens_as_a_code_gives_them(site: Site) -> None:
    """Access token, ID token about the very sign-in, refresh token for offline access; all of them work."""
    told = start(site)
    browser = approve(site, told["user_code"])
    site.clock.advance(30)
    answer = poll(site, told["device_code"])
    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    tokens = answer.json()
    assert tokens["scope"] == SCOPE
    claims = payload(tokens["id_token"])
    assert (claims["sub"], claims["aud"], claims["iss"]) == (ALICE, "tv", "http://localhost:8080/default")
    assert (claims["auth_time"], claims["amr"]) == (harness.NOW, ["pwd"])
    assert "nonce" not in claims
    assert claims["at_hash"]
    assert browser.session_of("http://localhost:8080/default")
    app = App(site, "tv", "")
    assert app.userinfo(tokens["access_token"]).json()["name"] == "Alice Elizabeth Adams"
    refreshed = app.refresh(tokens["refresh_token"])
    assert refreshed.status == 200
    assert payload(refreshed.json()["id_token"])["sub"] == ALICE


def test_without_openid_there_is_no_id_token(site: Site) -> None:
    """A device that did not ask for openid gets an access token alone."""
    told = start(site, "email")
    approve(site, told["user_code"])
    assert poll(site, told["device_code"]).json().keys() == {"access_token", "token_type", "expires_in", "scope"}


def test_lifetimes_of_the_grant_are_in_force(site: Site) -> None:
    """Lifetimes set for the device grant count, not those of the code grant."""
    from intaglio.server.model.tenants import Lifetimes

    spans = {GRANT: Lifetimes(id_token=77, access_token=88), "authorization_code": Lifetimes(id_token=11)}
    site.change_client("tv", grant_lifetimes=spans)
    told = start(site)
    approve(site, told["user_code"])
    tokens = poll(site, told["device_code"]).json()
    claims = payload(tokens["id_token"])
    assert claims["exp"] - claims["iat"] == 77
    assert tokens["expires_in"] == 88


def test_pending_and_slow_down(site: Site) -> None:
    """RFC 8628 3.5: early polls get `slow_down`, and each of them makes the interval 5 seconds longer."""
    code = start(site)["device_code"]
    assert (poll(site, code).status, poll(site, code).error) == (400, "slow_down")
    site.clock.advance(5)
    assert poll(site, code).error == "slow_down"
    site.clock.advance(14)
    assert poll(site, code).error == "authorization_pending"
    site.clock.advance(13)
    assert poll(site, code).error == "slow_down"
    site.clock.advance(20)
    assert poll(site, code).error == "authorization_pending"


def test_polling_in_time_is_never_slowed_down(site: Site) -> None:
    """A device that keeps the interval hears nothing but `authorization_pending`, until its person has decided."""
    told = start(site)
    for _ in range(20):
        assert poll(site, told["device_code"]).error == "authorization_pending"
        site.clock.advance(5)
    approve(site, told["user_code"])
    assert poll(site, told["device_code"]).status == 200


def test_pending_is_no_warning(site: Site) -> None:
    """The usual answer to a poll does not fill the log with warnings."""
    code = start(site)["device_code"]
    with harness.logged() as log:
        poll(site, code)
    assert [line for line in log.lines if "WARNING" in line] == []


def test_denied(site: Site) -> None:
    """The person declines: `access_denied`, at each poll, with status 400 (RFC 6749 5.2)."""
    told, browser = start(site), Browser(site)
    page = log_in(browser, enter(browser, told["user_code"]))
    assert "turned away" in decide(browser, page, "deny").text
    for _ in range(2):
        answer = poll(site, told["device_code"])
        assert (answer.status, answer.error) == (400, "access_denied")


def test_cancel_at_the_login_page_denies(site: Site) -> None:
    """Whoever gives up before signing in turns the device away."""
    told, browser = start(site), Browser(site)
    page = enter(browser, told["user_code"])
    assert "turned away" in browser.submit(page, "login-form", decision="cancel").text
    assert poll(site, told["device_code"]).error == "access_denied"


def test_expired(site: Site) -> None:
    """After ten minutes: `expired_token`, the code opens nothing, and approval comes too late."""
    told, browser = start(site), Browser(site)
    page = log_in(browser, enter(browser, told["user_code"]))
    site.clock.advance(600)
    answer = poll(site, told["device_code"])
    assert (answer.status, answer.error) == (400, "expired_token")
    assert decide(browser, page).status == 400
    assert "No device waits" in enter(Browser(site), told["user_code"]).text
    assert poll(site, told["device_code"]).error == "expired_token"


def test_an_approval_that_nobody_fetched_expires(site: Site) -> None:
    """An approved code is worth nothing after its time."""
    told = start(site)
    approve(site, told["user_code"])
    site.clock.advance(600)
    assert poll(site, told["device_code"]).error == "expired_token"


def test_what_has_expired_is_swept(site: Site) -> None:
    """Some minutes after their end the rows are gone, and the code is an unknown one."""
    told = start(site)
    fresh = start(site)
    site.clock.advance(599)
    site.run(upkeep.sweep(site.house))
    assert poll(site, told["device_code"]).error == "authorization_pending"
    site.clock.advance(1 + upkeep.BEHIND)
    site.run(upkeep.sweep(site.house))
    for one in (told, fresh):
        assert poll(site, one["device_code"]).error == "invalid_grant"
    assert site.store._writing.execute("SELECT count(*) FROM device_codes").fetchone()[0] == 0


def test_single_use(site: Site) -> None:
    """A second use is `invalid_grant`, and ends what the first one gave: one of the two is a thief."""
    told = start(site)
    approve(site, told["user_code"])
    tokens = poll(site, told["device_code"]).json()
    app = App(site, "tv", "")
    assert app.userinfo(tokens["access_token"]).status == 200
    assert poll(site, told["device_code"]).error == "invalid_grant"
    site.settle()
    assert app.userinfo(tokens["access_token"]).status == 401
    assert app.refresh(tokens["refresh_token"]).error == "invalid_grant"


def test_many_polls_at_once_give_one_set_of_tokens(site: Site) -> None:
    """Of twenty polls at once one wins at most; the others get `invalid_grant`."""
    told = start(site)
    approve(site, told["user_code"])
    form = f"grant_type={GRANT}&device_code={told['device_code']}&client_id=tv".encode()
    headers = [("content-type", harness.FORM)]

    async def race() -> list[Answer]:
        calls = [site.exchange("POST", site.url("~/token"), headers=headers, body=form) for _ in range(20)]
        return await harness.together(calls)

    answers = site.run(race())
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    assert {answer.error for answer in answers if answer.status == 400} == {"invalid_grant"}


def test_two_early_polls_at_once_slow_down_once(site: Site) -> None:
    """Of two first polls at once one is in time and the other too early."""
    code = start(site)["device_code"]
    form = f"grant_type={GRANT}&device_code={code}&client_id=tv".encode()
    headers = [("content-type", harness.FORM)]

    async def race() -> list[Answer]:
        calls = [site.exchange("POST", site.url("~/token"), headers=headers, body=form) for _ in range(2)]
        return await harness.together(calls)

    assert sorted(answer.error for answer in site.run(race())) == ["authorization_pending", "slow_down"]


def test_code_is_bound_to_its_client(site: Site) -> None:
    """Another client, however genuine, gets `invalid_grant`, and the device is not disturbed."""
    site.add_client("tv-2", like="tv")
    told = start(site)
    approve(site, told["user_code"])
    assert poll(site, told["device_code"], "tv-2").error == "invalid_grant"
    assert poll(site, told["device_code"]).status == 200


def test_code_is_bound_to_its_issuer(site: Site) -> None:
    """A device code and a user code of one tenant mean nothing at another, nor in another dialect."""
    site.add_tenant("other")
    tv = msgspec.structs.replace(site.client("tv"), tenant_id="00000000-0000-4000-8000-6f7468657200")
    from intaglio.server.model import clients

    site.write(clients.insert, tv)
    told = start(site)
    form = {"grant_type": GRANT, "device_code": told["device_code"], "client_id": "tv"}
    assert site.post("/other/token", form).error == "invalid_grant"
    assert site.post("http://localhost:8083/oauth/token", form).error == "invalid_grant"
    browser = Browser(site)
    page = browser.get("/other/device")
    assert "No device waits" in browser.submit(page, "device-form", user_code=told["user_code"]).text
    approve(site, told["user_code"])
    assert site.post("/other/token", form).error == "invalid_grant"
    assert poll(site, told["device_code"]).status == 200


@pytest.mark.parametrize("code", ["", "x", "A" * 43, "A" * 5000, "%00", "é" * 43])
def test_made_up_codes(site: Site, code: str) -> None:
    """Whatever is presented as a device code: a standard error, never a fault of the server."""
    answer = site.post("~/token", {"grant_type": GRANT, "device_code": code, "client_id": "tv"})
    assert answer.status == 400
    assert answer.error in ("invalid_grant", "invalid_request")


def test_disabling_in_between(site: Site) -> None:
    """A client that loses the grant, or a user who is disabled, gets no tokens for what was approved before."""
    told, again = start(site), start(site)
    approve(site, told["user_code"])
    site.change_client("tv", grant_types=("refresh_token",))
    assert poll(site, told["device_code"]).error == "unauthorized_client"
    site.change_client("tv", grant_types=(GRANT, "refresh_token"))
    site.change_user("alice", disabled_at=harness.NOW)
    assert poll(site, told["device_code"]).error == "invalid_grant"
    assert poll(site, again["device_code"]).error == "authorization_pending"


def test_signing_out_before_the_device_came(site: Site) -> None:
    """What was approved in a session ends with it, as a code does."""
    from intaglio.server.model import sessions

    told = start(site)
    approve(site, told["user_code"])
    session_id = site.store._writing.execute("SELECT session_id FROM sessions").fetchone()[0]
    site.write(sessions.end, session_id, site.clock.now())
    assert poll(site, told["device_code"]).error == "invalid_grant"


# --- the page


def test_the_question_says_what_asks(site: Site) -> None:
    """Client, scopes, code, the address that the device asked from, and since when (RFC 8628 5.4)."""
    told, browser = start(site), Browser(site)
    site.clock.advance(130)
    text = log_in(browser, enter(browser, told["user_code"])).text
    for part in ("Example television", "See your profile", told["user_code"], "198.51.100.7", "2 minutes ago"):
        assert part in text
    assert "another address than yours" in text
    near = start(site, peer="192.0.2.1")
    assert "the address that you have, too" in enter(browser, near["user_code"]).text
    own = start(site, peer="127.0.0.1")
    assert "another address than yours" in enter(browser, own["user_code"]).text


@pytest.mark.parametrize(
    ("asked", "here", "told"),
    [
        ("127.0.0.1", "::1", True),
        ("::1", "127.0.0.1", True),
        ("127.0.0.1", "192.0.2.1", False),
        ("192.0.2.2", "192.0.2.1", False),
        ("", "::1", False),
    ],
)
def test_both_loopback_addresses_are_one_machine(asked: str, here: str, told: bool) -> None:
    """Nobody is warned of their own machine, and of every other address they are (RFC 8628 5.4)."""
    assert devicepages.is_nearby(asked, here) is told


def test_a_link_never_approves(site: Site) -> None:
    """Somebody signed in who follows a link with the code is asked twice: for the code, and for their word."""
    browser = Browser(site)
    App(site).callback(browser)
    told = start(site)
    page = browser.get(told["verification_uri_complete"])
    assert poll(site, told["device_code"]).error == "authorization_pending"
    _, fields = harness.read_form(page, "device-form")
    assert ("user_code", told["user_code"]) in fields
    page = browser.follow(browser.submit(page, "device-form"))
    assert 'id="device-decision"' in page.text
    site.clock.advance(5)
    assert poll(site, told["device_code"]).error == "authorization_pending"
    decide(browser, page)
    assert poll(site, told["device_code"]).status == 200


def test_consent_before_does_not_approve(site: Site) -> None:
    """A device is always asked for, though the person allowed the same client before, or it need not ask at all."""
    site.change_client("tv", consent="implicit")
    browser = approve(site, start(site)["user_code"])
    page = enter(browser, start(site)["user_code"])
    assert 'id="device-decision"' in page.text


def test_some_scopes_alone(site: Site) -> None:
    """The person unticks a scope, and the device does not get it; what it did not ask for cannot be slipped in."""
    told, browser = start(site), Browser(site)
    page = log_in(browser, enter(browser, told["user_code"]))
    decide(browser, page, scope=["openid", "email", "profile"])
    tokens = poll(site, told["device_code"]).json()
    assert tokens["scope"] == "openid profile"
    assert "refresh_token" not in tokens


@pytest.mark.parametrize(
    "typed",
    ["{plain}", "{small}", " {code} ", "{small}.", "{spaced}", "{dashed}", "\u2013{code}\u2013"],
)
def test_case_and_punctuation_do_not_matter(site: Site, typed: str) -> None:
    """RFC 8628 6.1: as people type it, with blanks, full stops and dashes of any kind."""
    code = start(site)["user_code"]
    plain = code.replace("-", "")
    forms = {
        "code": code,
        "plain": plain,
        "small": plain.lower(),
        "spaced": " ".join(plain),
        "dashed": "\u2013".join((plain[:4], plain[4:])),
    }
    assert 'id="login-form"' in enter(Browser(site), typed.format(**forms)).text


@given(st.text(max_size=100))
def test_user_code_is_read_from_anything(text: str) -> None:
    """Any text is a code in its one form, or none; reading twice changes nothing."""
    found = device.user_code_of(text)
    assert found == "" or re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", found)
    assert device.user_code_of(found) == found


@pytest.mark.parametrize(
    "text", ["ﬀﬀﬀﬀ", "BCDF-GHJſ", "BCDFGHJA", "BCDFGHJ", "BCDFGHJKL", "ＢＣＤＦＧＨＪＫ", "BCDFGHJ1"]
)
def test_letters_that_only_look_right(text: str) -> None:
    """What becomes right letters by folding, vowels, digits and other lengths are no code."""
    assert device.user_code_of(text) == ""


HOSTILE = ('"><script>alert(1)</script>', "javascript:alert(1)", "CALL +1 555 0100 NOW", "{{7*7}}", 'BCDF-GHJK"><b>')


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_user_codes_are_not_echoed(site: Site, text: str) -> None:
    """Neither the address nor the form puts a text of a stranger's onto the page."""
    from urllib.parse import quote

    browser = Browser(site)
    page = browser.get("~/device?user_code=" + quote(text))
    answer = browser.submit(page, "device-form", user_code=text)
    for shown in (page, answer):
        assert shown.status == 200
        assert text not in shown.text
        assert harness.markup.by_id(harness.markup.read(shown.body), "device-code").attributes["value"] == ""


def test_unknown_code_gets_one_sentence(site: Site) -> None:
    """Made up, expired, decided and unreadable codes read the same."""
    used, gone = start(site), start(site)
    approve(site, used["user_code"])
    browser = Browser(site)
    page = browser.get("~/device")
    texts = set()
    for code in (used["user_code"], "BCDF-GHJK", "?", gone["user_code"]):
        if code == gone["user_code"]:
            site.clock.advance(600)
        answer = browser.submit(page, "device-form", user_code=code)
        texts.add(harness.markup.by_id(harness.markup.read(answer.body), "device-error").text)
    assert len(texts) == 1


# --- guessing


def test_guesses_of_an_address_are_bounded(site: Site) -> None:
    """RFC 8628 5.1: after twenty wrong codes the right one does not help either; another address goes on."""
    told = start(site)
    browser = Browser(site)
    page = browser.get("~/device")
    for number in range(20):
        assert browser.submit(page, "device-form", user_code=f"BCDF-GHJ{'BCDFGHJKLMNPQRSTVWXZ'[number]}").status == 200
    refused = browser.submit(page, "device-form", user_code=told["user_code"])
    assert refused.status == 429
    assert "Too many attempts" in refused.text
    assert 'id="login-form"' in enter(Browser(site, "192.0.2.9"), told["user_code"]).text
    site.clock.advance(device.throttle.WINDOW)
    assert enter(browser, start(site)["user_code"]).status == 200


def test_guesses_altogether_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many addresses together have a bound as well, and an address that is stopped uses up no more of it."""
    monkeypatch.setattr(device, "GUESSES", device.throttle.Allowance("user-code", from_address=3, altogether=8))
    for number in range(2):
        browser = Browser(site, f"192.0.2.{number + 1}")
        page = browser.get("~/device")
        answers = [browser.submit(page, "device-form", user_code="BCDF-GHJK").status for _ in range(6)]
        assert answers == [200, 200, 200, 429, 429, 429]
    third = Browser(site, "203.0.113.1")
    page = third.get("~/device")
    assert [third.submit(page, "device-form", user_code="BCDF-GHJK").status for _ in range(3)] == [200, 200, 429]


def test_parallel_guesses_are_counted(site: Site) -> None:
    """Forty guesses at once do not slip through: twenty are looked at."""
    browser = Browser(site)
    page = browser.get("~/device")
    action, fields = harness.read_form(page, "device-form")
    form = harness.urlencode([*[(k, v) for k, v in fields if k != "user_code"], ("user_code", "BCDF-GHJK")]).encode()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    headers = [("content-type", harness.FORM), ("cookie", cookie)]

    async def race() -> list[Answer]:
        where = harness.absolute(page.url, action)
        return await harness.together([site.exchange("POST", where, headers=headers, body=form) for _ in range(40)])

    assert sorted(answer.status for answer in site.run(race())) == [200] * 20 + [429] * 20


def test_right_codes_do_not_count(site: Site) -> None:
    """People behind one address who type right codes do not lock one another out."""
    browser = Browser(site)
    for _ in range(25):
        assert 'id="login-form"' in enter(browser, start(site)["user_code"]).text


def test_starts_of_an_address_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the database with requests of devices."""
    monkeypatch.setattr(device, "STARTS", device.throttle.Allowance("device-start", from_address=2, altogether=100))
    form = {"client_id": "tv", "scope": "openid"}
    answers = [site.post("~/device_authorization", form) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert site.store._writing.execute("SELECT count(*) FROM device_codes").fetchone()[0] == 2


# --- forms


def test_forms_need_their_page(site: Site) -> None:
    """Without the cookie, with another's token, or from another site no form of the flow does anything."""
    told, browser, other = start(site), Browser(site), Browser(site)
    page = browser.get("~/device")
    assert browser.submit(page, "device-form", user_code=told["user_code"], csrf="x").status == 400
    assert browser.submit(page, "device-form", user_code=told["user_code"], origin="https://evil.example").status == 400
    assert other.submit(page, "device-form", user_code=told["user_code"]).status == 400
    other.get("~/device")
    assert other.submit(page, "device-form", user_code=told["user_code"]).status == 400
    question = log_in(browser, enter(browser, told["user_code"]))
    for changes in ({"csrf": "x"}, {"origin": "https://evil.example"}):
        assert decide(browser, question, **changes).status == 400
    assert decide(other, question).status == 400
    site.clock.advance(5)
    assert poll(site, told["device_code"]).error == "authorization_pending"


def test_question_belongs_to_its_browser(site: Site) -> None:
    """The address of a waiting device is worth nothing in another browser (fixation)."""
    told, attacker, victim = start(site), Browser(site), Browser(site)
    App(site).callback(victim)
    page = enter(attacker, told["user_code"])
    shown = victim.get(page.url)
    assert shown.status == 400
    assert 'id="device-decision"' not in shown.text


def test_decision_is_bound_to_its_person(site: Site) -> None:
    """A question that alice was shown is not answered by bob, who signed in at the same browser meanwhile."""
    told, browser = start(site), Browser(site)
    page = log_in(browser, enter(browser, told["user_code"]))
    App(site).callback(browser, "bob", prompt="login")
    assert decide(browser, page).status == 400
    site.clock.advance(5)
    assert poll(site, told["device_code"]).error == "authorization_pending"


def test_nobody_allows_without_signing_in(site: Site) -> None:
    """Posting the decision at the login page is no approval."""
    told, browser = start(site), Browser(site)
    page = enter(browser, told["user_code"])
    shown = browser.submit(page, "login-form", decision="allow", scope="openid")
    assert 'id="login-form"' in shown.text
    site.clock.advance(5)
    assert poll(site, told["device_code"]).error == "authorization_pending"


def test_one_decision_alone(site: Site) -> None:
    """Two browsers that typed the same code: the first decision counts, and the second is told what it was."""
    told = start(site)
    first, second = Browser(site), Browser(site)
    one, two = (log_in(browser, enter(browser, told["user_code"])) for browser in (first, second))
    for _ in range(2):
        assert "turned away" in decide(first, one, "deny").text
        assert "turned away" in decide(second, two).text
        assert "turned away" in first.get(one.url).text
    assert poll(site, told["device_code"]).error == "access_denied"


def test_another_persons_device_is_not_mine(site: Site) -> None:
    """Somebody who allows what another person has allowed already is not told that it is connected."""
    told = start(site)
    first, second = Browser(site), Browser(site)
    one = log_in(first, enter(first, told["user_code"]))
    two = log_in(second, enter(second, told["user_code"]), "bob")
    assert "is connected" in decide(first, one).text
    for answer in (decide(second, two), decide(second, two, "deny"), second.get(two.url)):
        assert answer.status == 400
        assert "is connected" not in answer.text
    assert payload(poll(site, told["device_code"]).json()["id_token"])["sub"] == ALICE


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_pressing_many_times_at_once(site: Site, decision: str) -> None:
    """Ten clicks at once decide once, and each of them is answered with what was decided."""
    told, browser = start(site), Browser(site)
    page = log_in(browser, enter(browser, told["user_code"]))
    action, fields = harness.read_form(page, "device-decision")
    form = harness.urlencode([*fields, ("decision", decision)]).encode()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    headers = [("content-type", harness.FORM), ("cookie", cookie)]

    async def race() -> list[Answer]:
        where = harness.absolute(page.url, action)
        return await harness.together([site.exchange("POST", where, headers=headers, body=form) for _ in range(10)])

    expected = "is connected" if decision == "allow" else "turned away"
    assert all(expected in answer.text for answer in site.run(race()))
    assert poll(site, told["device_code"]).status == (200 if decision == "allow" else 400)


def test_wrong_passwords_are_counted_here_too(site: Site) -> None:
    """The login page of a device is no way round the throttle of sign-ins."""
    told, browser = start(site), Browser(site)
    page = enter(browser, told["user_code"])
    fields = {"username": "alice", "decision": "login"}
    for _ in range(10):
        again = browser.submit(page, "login-form", password="guess", **fields)
        assert "is not right" in again.text
    assert browser.submit(page, "login-form", password="alice-password", **fields).status == 429


def test_a_devices_request_is_no_authorization_request(site: Site) -> None:
    """The name of a waiting device opens none of the other pages, and theirs none of its own."""
    told, browser = start(site), Browser(site)
    name = enter(browser, told["user_code"]).url.rsplit("/", 1)[1]
    for prefix in ("login", "consent", "signup"):
        assert browser.get(f"/_intaglio/{prefix}/{name}").status == 400
    waiting = browser.follow(App(site).authorize(browser)).url.rsplit("/", 1)[1]
    assert browser.get(f"/_intaglio/device/{waiting}").status == 400


def test_answers_of_the_page(site: Site) -> None:
    """The page may not be framed or kept, and other methods are refused."""
    page = Browser(site).get("~/device")
    assert page.header("x-frame-options") == "DENY"
    assert page.header("cache-control") == "no-store"
    assert "frame-ancestors 'none'" in (page.header("content-security-policy") or "")
    assert "Path=/" in page.every("set-cookie")[0]
    assert site.post("~/device", {}).status == 405
    assert site.get("/_intaglio/device").status == 404
    assert site.get("~/device_authorization").status == 405


def test_log_holds_no_code(site: Site) -> None:
    """Neither codes nor the address of a waiting device get into the log, right or wrong."""
    with harness.logged() as log:
        told, browser = start(site), Browser(site)
        enter(browser, "BCDF-GHJK")
        page = enter(browser, told["user_code"])
        browser.submit(page, "login-form", csrf="x")
        poll(site, told["device_code"])
        poll(site, told["device_code"])
    text = "\n".join(log.lines)
    assert "slow_down" in text
    name = page.url.rsplit("/", 1)[1]
    for secret in (told["device_code"], told["user_code"], "BCDF-GHJK", name):
        assert secret not in text


def test_metadata(site: Site) -> None:
    """RFC 8628 4: the endpoint and the grant are in the metadata, each dialect's own."""
    told = site.get("~/.well-known/openid-configuration").json()
    assert told["device_authorization_endpoint"] == "http://localhost:8080/default/device_authorization"
    assert GRANT in told["grant_types_supported"]
    other = site.get("http://localhost:8083/.well-known/openid-configuration").json()
    assert other["device_authorization_endpoint"] == "http://localhost:8083/oauth/device/code"
    assert GRANT in other["grant_types_supported"]


def test_no_code_is_free(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user code that is in use is drawn again; if none is free the device is told to try again."""
    drawn = iter(["BCDFGHJK", "BCDFGHJK", "BCDFGHJL", *["BCDFGHJK"] * 5])
    monkeypatch.setattr(device.ids, "letters", lambda alphabet, length: next(drawn))
    assert start(site)["user_code"] == "BCDF-GHJK"
    assert start(site)["user_code"] == "BCDF-GHJL"
    answer = site.post("~/device_authorization", {"client_id": "tv", "scope": "openid"})
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")


def test_record_does_not_print_itself() -> None:
    """Records with codes do not print them."""
    fields: dict[str, Any] = dict.fromkeys(devices.INITIAL, 0) | {"client_id": "tv"}
    assert repr(devices.DeviceCode(**fields)) == "DeviceCode(tv)"


# --- accounts


def test_an_account_can_be_made_on_the_way(site: Site) -> None:
    """Where sign-up is open, the device's login page links it, and the new person is asked like any other."""
    told, browser = start(site), Browser(site)
    closed = enter(browser, told["user_code"])
    assert 'id="sign-up"' not in closed.text
    assert 'id="login-form"' in browser.get(closed.url + "/signup").text
    form = {"username": "carol", "password": "a long sentence", "decision": "signup"}
    assert browser.submit(closed, "login-form", **form).status == 404
    site.change_tenant(sign_up=True)
    page = browser.get(closed.url + "/signup")
    again = browser.submit(page, "signup-form", **(form | {"username": "alice"}))
    assert "is taken" in again.text
    question = browser.follow(browser.submit(again, "signup-form", **form))
    assert "Your device is connected" in decide(browser, question).text
    site.clock.advance(5)
    claims = payload(poll(site, told["device_code"]).json()["id_token"])
    assert claims["sub"] == site.user("carol").user_id


def test_giving_up_at_sign_up_denies(site: Site) -> None:
    """Cancel turns the device away there as well, though somebody signed in meanwhile in another tab."""
    site.change_tenant(sign_up=True)
    told, browser = start(site), Browser(site)
    page = browser.get(enter(browser, told["user_code"]).url + "/signup")
    App(site).callback(browser)
    assert "turned away" in browser.submit(page, "signup-form", decision="cancel").text
    assert poll(site, told["device_code"]).error == "access_denied"


@pytest.mark.parametrize("rest", ["/", "/signup/", "/login", "/signup/signup"])
def test_no_other_steps(site: Site, rest: str) -> None:
    """A waiting device has its two addresses."""
    browser = Browser(site)
    page = enter(browser, start(site)["user_code"])
    assert browser.get(page.url + rest).status == 404
