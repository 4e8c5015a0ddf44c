"""Another provider that lies, and people who make use of answers that are not theirs: nobody is signed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from intaglio import codec, ids
from intaglio.dialects.microsoft import signin
from intaglio.net.guard import Guard
from intaglio.protocol import circumstances
from intaglio.protocol.circumstances import Circumstances, Holder
from intaglio.server import compose
from intaglio.server.devmode import seeds
from intaglio.server.http import cookies, dispatch
from intaglio.server.keyring import datakeys
from intaglio.server.model import audit, connections, sessions, users
from intaglio.server.model.users import User
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin import throttle
from intaglio.server.provider.upstream import going, people
from intaglio.server.settings.records import Outgoing
from intaglio.tokens import jwk, jws
from intaglio.wire.message import Request
from tests import harness, upstreams
from tests.capability import capability
from tests.upstreams import OP, Liar
from tests.web import markup

SENTENCE = "Signing in with Op did not succeed."
ISSUER = "http://localhost:8080/default"
Change = Callable[[Liar], None]


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_segment({'alg': 'none'})}.{_segment(claims)}."


def _by_secret(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Sign with the public key as if it were a secret, and with the client's own secret's algorithm."""
    signed = f"{_segment({'alg': 'HS256', 'kid': 'k1'})}.{_segment(claims)}"
    secret = codec.encode_json(jwk.public_members(upstreams.key().public()))
    return f"{signed}.{codec.encode_base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _by_another(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jws.sign(jwk.generate("ES256"), header, codec.encode_json(claims))


def _signed_by(how: Callable[[dict[str, Any], dict[str, Any]], str]) -> Change:
    return lambda liar: setattr(liar, "sign", how)


def _claims(**changes: Any) -> Change:
    return lambda liar: liar.claims.update(changes)


def _without(*names: str) -> Change:
    return lambda liar: setattr(liar, "without", names)


def _answer(**changes: Any) -> Change:
    return lambda liar: liar.answer.update(changes)


LIES: dict[str, Change] = {
    "another issuer": _claims(iss="https://accounts.example"),
    "an issuer with a slash behind it": _claims(iss=OP + "/"),
    "our own issuer": _claims(iss=ISSUER),
    "another audience": _claims(aud="another-client"),
    "a second audience": _claims(aud=[upstreams.CLIENT, "another-client"], azp=upstreams.CLIENT),
    "another party": _claims(azp="another-client"),
    "another nonce": _claims(nonce="another"),
    "no nonce": _without("nonce"),
    "the hash of another access token": _claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "an expired token": _claims(exp=harness.NOW - 3600),
    "a token of the future": _claims(iat=harness.NOW + 3600),
    "no expiry": _without("exp"),
    "no subject": _without("sub"),
    "an empty subject": _claims(sub=""),
    "a subject with a line break": _claims(sub="u1\nadmin"),
    "a subject that is a number": _claims(sub=1),
    "no signature": _signed_by(_unsigned),
    "a public key as a secret": _signed_by(_by_secret),
    "the key of somebody else": _signed_by(_by_another),
    "a key that is not published": lambda liar: liar.header.update(kid="k9"),
    "a key in the header": lambda liar: liar.header.update(kid="k9", jwk=jwk.public_members(upstreams.key().public())),
    "a token of another kind": lambda liar: liar.header.update(typ="logout+jwt"),
    "no ID token": _answer(id_token=None),
    "an error": _answer(error="invalid_grant", **{":status": 400}),
    "an ID token that is none": _answer(id_token="e30.e30.e30"),
    "an access token of another type": _answer(token_type="DPoP"),
    "the person of another answer": lambda liar: (liar.claims.pop("name"), liar.userinfo.update(sub="u2"))[1],
    "an address that is alice's, and not confirmed": _claims(email="alice@example.com", email_verified=False),
    "an address that is alice's, confirmed in words": _claims(email="alice@example.com", email_verified="true"),
    "an address that is alice's in capitals": _claims(email="ALICE@example.com"),
    "a confirmed address that is alice's": _claims(email="alice@example.com"),
    "a sign-in of yesterday": _claims(auth_time=harness.NOW - 86400),
}


@capability("upstream-lies", witness="the login page, the log, the database")
@pytest.mark.parametrize("lie", LIES, ids=lambda name: name.replace(" ", "-"))
def test_a_lying_upstream_signs_nobody_in(site: harness.Site, liar: Liar, lie: str) -> None:
    """One sentence on the login page for every lie; no session, no person, no word of the cause; the log has it."""
    LIES[lie](liar)
    if liar.answer.get("id_token", "") is None:
        liar.sign = lambda header, claims: ""
        liar.answer = {}
    browser = harness.Browser(site)
    before = len(site.read(users.page, seeds.TENANT_ID, "", 100))
    with harness.logged() as log:
        liar.leave(browser, prompt="login" if "yesterday" in lie else None)
        page = liar.back(browser)
    told = markup.by_id(markup.read(page.body), "login-error").text
    assert page.status == 200
    assert SENTENCE in told
    assert browser.session_of(ISSUER) == ""
    assert len(site.read(users.page, seeds.TENANT_ID, "", 100)) == before
    assert upstreams.identity(site, OP, "u1") is None
    (line,) = [line for line in log.lines if '"upstream-failed"' in line]
    assert json.loads(line.partition("refused ")[2])["detail"]["cause"]
    for secret in ("code-1", "at-1", liar.asked["state"], liar.asked["nonce"], upstreams.SECRET):
        assert secret not in page.text
        assert all(secret not in one for one in log.lines)
    assert "alice" not in told
    (entry,) = site.read(audit.page, seeds.TENANT_ID, audit.LAST, 10, "user.sign-in")
    assert (entry.principal, entry.outcome, entry.peer) == ("user:-", "denied", browser.peer)
    assert entry.detail["cause"] == json.loads(line.partition("refused ")[2])["detail"]["cause"]


def test_the_truth_signs_somebody_in(site: harness.Site, liar: Liar) -> None:
    """The same provider without a lie: what the tests above refuse is the lie and nothing else."""
    done = liar.sign_in(harness.Browser(site))
    assert "code" in done.params
    assert liar.form["code"] == "code-1"
    found = upstreams.identity(site, OP, "u1")
    assert found is not None
    assert found.owns
    (entry,) = site.read(audit.page, seeds.TENANT_ID, audit.LAST, 10, "user.sign-in")
    assert (entry.resource, entry.outcome) == (f"users/{found.user_id}", "allowed")
    assert entry.detail["connection"]


METADATA: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://accounts.example"},
    "keys in the clear": {"jwks_uri": "http://op.example/keys"},
    "a page that is a script": {"authorization_endpoint": "javascript:alert(1)"},
    "a page in the clear": {"authorization_endpoint": "http://op.example/authorize"},
    "no page": {"authorization_endpoint": None},
}


@pytest.mark.parametrize("lie", METADATA, ids=lambda name: name.replace(" ", "-"))
def test_metadata_that_lies_leads_nowhere(site: harness.Site, liar: Liar, lie: str) -> None:
    """The browser stays at the login page, which says that the provider does not answer as it should."""
    liar.metadata = METADATA[lie]
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    stays = browser.get(upstreams.BASE + upstreams.links(page)[0])
    assert stays.status == 200
    assert "Op does not answer as it should" in stays.text
    assert "javascript" not in stays.text


def test_a_token_endpoint_in_the_clear_gets_no_secret(site: harness.Site, liar: Liar) -> None:
    """The client's secret is not sent where the document names an address without TLS."""
    liar.metadata = {"token_endpoint": "http://op.example/token"}
    liar.leave(browser := harness.Browser(site))
    assert SENTENCE in liar.back(browser).text
    assert [call.url for call in liar.calls if call.method == "POST"] == []


# --- answers that are not this browser's


@pytest.mark.parametrize("iss", [None, "https://accounts.example", OP + "/"])
def test_an_answer_of_another_issuer(site: harness.Site, liar: Liar, iss: str | None) -> None:
    """RFC 9207: a provider that promises its name must give it, and no other; its code goes nowhere."""
    liar.leave(browser := harness.Browser(site))
    assert SENTENCE in liar.back(browser, iss=iss).text
    assert [call.url for call in liar.calls if call.method == "POST"] == []


def test_an_answer_at_another_connections_address(site: harness.Site, liar: Liar) -> None:
    """Mix-up, where the honest provider does not say who it is: each connection has an address of its own."""
    liar.metadata = {"authorization_response_iss_parameter_supported": False}
    upstreams.connect(site, "other", "https://other.example")
    liar.leave(browser := harness.Browser(site))
    liar.asked["redirect_uri"] = upstreams.CALLBACK + "other"
    page = liar.back(browser, iss=None)
    assert page.status == 400
    assert page.error == "invalid_request"
    assert [call.url for call in liar.calls if call.method == "POST"] == []


@capability("upstream-browser", witness="two cookie jars")
def test_an_answer_in_another_browser(site: harness.Site, liar: Liar) -> None:
    """Login CSRF: the answer that was made for one browser signs nobody in at another, and is used up by the try."""
    liar.leave(attacker := harness.Browser(site))
    asked = dict(liar.asked)
    victim = harness.Browser(site)
    victim.follow(harness.App(site).authorize(victim))
    assert liar.back(victim).error == "invalid_request"
    assert liar.back(harness.Browser(site)).error == "invalid_request"
    assert victim.session_of(ISSUER) == ""
    liar.asked = asked
    assert liar.back(attacker).error == "invalid_request"
    assert [call.url for call in liar.calls if call.method == "POST"] == []


def test_an_answer_after_the_keys_were_closed(site: harness.Site, liar: Liar) -> None:
    """What waits was sealed under a key that is closed since: somebody has to begin again, and that is all."""
    liar.leave(browser := harness.Browser(site))
    site.vault.hold(datakeys.recovered(site.clock.now(), 1), site.clock.now())
    assert liar.back(browser).error == "invalid_request"


@capability("upstream-browser", witness="the same answer twice")
def test_a_callback_counts_once(site: harness.Site, liar: Liar) -> None:
    """The same answer again, in the same browser, leads nowhere: not after a sign-in, and not after a failure."""
    browser = harness.Browser(site)
    assert "code" in liar.sign_in(browser).params
    assert liar.back(browser).error == "invalid_request"
    liar.claims["aud"] = "another-client"
    liar.leave(second := harness.Browser(site))
    assert SENTENCE in liar.back(second).text
    liar.claims.pop("aud")
    assert liar.back(second).error == "invalid_request"


@pytest.mark.parametrize("state", [None, "", "invented", "x" * 5000, "état"])
def test_a_state_that_is_nobodys(site: harness.Site, liar: Liar, state: str | None) -> None:
    """Whatever it is: an error page, and no call."""
    liar.leave(browser := harness.Browser(site))
    assert liar.back(browser, state=state).status == 400
    assert [call.url for call in liar.calls if call.method == "POST"] == []


def test_a_sign_in_ends_after_a_quarter_of_an_hour(site: harness.Site, liar: Liar) -> None:
    """Who comes back later begins again."""
    liar.leave(browser := harness.Browser(site))
    site.clock.advance(going.LIFETIME)
    assert liar.back(browser).error == "invalid_request"


@pytest.mark.parametrize("port", [8081, 8083])
def test_an_answer_at_another_dialects_door(site: harness.Site, liar: Liar, port: int) -> None:
    """A sign-in that began at one door does not end at another."""
    liar.leave(browser := harness.Browser(site))
    liar.asked["redirect_uri"] = liar.asked["redirect_uri"].replace("8080", str(port))
    assert liar.back(browser).status == 400
    assert browser.session_of(ISSUER) == ""


def test_an_answer_is_no_form(site: harness.Site, liar: Liar) -> None:
    """What another site posts to the address changes nothing."""
    liar.leave(browser := harness.Browser(site))
    posted = browser.post(liar.asked["redirect_uri"], {"state": liar.asked["state"], "code": "code-1", "iss": OP})
    assert posted.status in (404, 405)
    assert "code" in browser.through(liar.back(browser)).params


def test_parameters_that_come_twice(site: harness.Site, liar: Liar) -> None:
    """Two codes or two states are nobody's answer."""
    liar.leave(browser := harness.Browser(site))
    where = f"{liar.asked['redirect_uri']}?state={liar.asked['state']}&code=a&code=b"
    assert browser.get(where).status == 400


def test_what_the_other_provider_refuses(site: harness.Site, liar: Liar) -> None:
    """Its error is no page of ours: the person may try again, or sign in another way; nothing of its text is shown."""
    liar.leave(browser := harness.Browser(site))
    page = liar.back(browser, code=None, error="access_denied", error_description="<b>call 555-0100</b>")
    assert SENTENCE in page.text
    assert "555" not in page.text
    assert "code" in browser.through(page).params


def test_session_fixation(site: harness.Site, liar: Liar) -> None:
    """The cookie that was there before the sign-in opens nothing after it, and another person's session is over."""
    browser = harness.Browser(site)
    harness.App(site).code(browser)
    name = cookies.name("session", ISSUER, secure=False)
    before = browser.jar[name]
    liar.leave(browser, prompt="login")
    browser.through(liar.back(browser))
    assert browser.jar[name] != before
    stolen = harness.Browser(site)
    stolen.jar[name] = before
    assert harness.App(site).authorize(stolen, prompt="none").error == "login_required"


# --- takeover


def _local(site: harness.Site, username: str, email: str, *, confirmed: bool, **members: Any) -> User:
    claims = {"email": email, "email_verified": confirmed}
    made = User(seeds.TENANT_ID, f"id-of-{username}", username, harness.NOW, harness.NOW, claims=claims, **members)
    site.write(users.insert, made)
    return made


def _who(site: harness.Site) -> str:
    found = upstreams.identity(site, OP, "u1")
    return found.user_id if found is not None else ""


@capability("upstream-linking", witness="the database")
@pytest.mark.parametrize(
    ("link", "here", "there", "linked"),
    [
        (True, True, True, True),
        (True, True, False, False),
        (True, False, True, False),
        (True, False, False, False),
        (False, True, True, False),
        (False, True, False, False),
        (False, False, True, False),
    ],
)
def test_takeover_by_email(
    site: harness.Site, liar: Liar, *, link: bool, here: bool, there: bool, linked: bool
) -> None:
    """An address makes somebody a user of ours only where the operator said so and both sides have confirmed it."""
    mallory = _local(site, "mallory", "m@corp.example", confirmed=here)
    upstreams.change(site, "op", link_by_email=link, trusts_email=True)
    liar.claims |= {"email": "m@corp.example", "email_verified": there}
    done = liar.sign_in(harness.Browser(site)) if linked else None
    if done is None:
        liar.leave(browser := harness.Browser(site))
        assert SENTENCE in liar.back(browser).text
    assert (_who(site) == mallory.user_id) is linked


def test_two_users_with_one_address_are_neither(site: harness.Site, liar: Liar) -> None:
    """Where the address says two people, it says nobody."""
    upstreams.change(site, "op", link_by_email=True)
    for name in ("one", "two"):
        _local(site, name, "m@corp.example", confirmed=True)
    liar.claims["email"] = "m@corp.example"
    liar.leave(browser := harness.Browser(site))
    assert SENTENCE in liar.back(browser).text
    assert _who(site) == ""


def test_an_address_is_no_ones_twice(site: harness.Site, liar: Liar) -> None:
    """Who is known already and changes the address there to another's keeps the old one here."""
    upstreams.change(site, "op", trusts_email=True)
    liar.sign_in(harness.Browser(site))
    liar.claims["email"] = "Alice@Example.com"
    liar.sign_in(harness.Browser(site))
    una = site.read(users.by_id, seeds.TENANT_ID, _who(site))
    assert una.claims["email"] == "una@op.example"
    liar.claims["email"] = "una@new.example"
    liar.sign_in(harness.Browser(site))
    assert site.read(users.by_id, seeds.TENANT_ID, una.user_id).claims["email"] == "una@new.example"


@pytest.mark.parametrize(
    ("members", "confirmed"),
    [
        ({}, False),
        ({"trusts_email": True}, True),
        ({"domains": ("op.example",)}, True),
        ({"domains": ("x.example",)}, False),
    ],
)
def test_an_address_is_confirmed_where_the_connection_is_believed(
    site: harness.Site, liar: Liar, members: dict[str, Any], *, confirmed: bool
) -> None:
    """A provider confirms addresses here only as far as an operator takes its word: roles hang on addresses."""
    upstreams.change(site, "op", **members)
    liar.sign_in(harness.Browser(site))
    assert site.read(users.by_id, seeds.TENANT_ID, _who(site)).claims["email_verified"] is confirmed


def test_a_disabled_user_stays_out(site: harness.Site, liar: Liar) -> None:
    """Neither as the same identity again, nor by linking."""
    liar.sign_in(harness.Browser(site))
    user = site.read(users.by_id, seeds.TENANT_ID, _who(site))
    site.change_user(user.username, disabled_at=harness.NOW)
    liar.leave(browser := harness.Browser(site))
    assert SENTENCE in liar.back(browser).text
    upstreams.change(site, "op", link_by_email=True)
    _local(site, "gone", "g@op.example", confirmed=True, disabled_at=1)
    liar.claims |= {"sub": "u2", "email": "g@op.example"}
    liar.leave(browser := harness.Browser(site))
    assert SENTENCE in liar.back(browser).text
    assert upstreams.identity(site, OP, "u2") is None


def test_a_subject_of_another_issuer_is_somebody_else(site: harness.Site, liar: Liar) -> None:
    """Issuer and subject name a person together: the same subject elsewhere is another person."""
    upstreams.partner(site, client_id="broker")
    site.house.outgoing = liar
    liar.sign_in(harness.Browser(site))
    first = _who(site)
    subject = site.user("alice", site.read(connections.of_tenant, seeds.TENANT_ID)[1].tenant_id).user_id
    liar.claims |= {"sub": subject, "email": "two@op.example"}
    liar.sign_in(harness.Browser(site))
    assert upstreams.identity(site, OP, subject).user_id != first
    assert upstreams.identity(site, "http://localhost:8080/partner", subject) is None


def test_only_harmless_claims_are_taken_over(site: harness.Site, liar: Liar) -> None:
    """Not the name that others have here, not what the issuer alone says, and no address that is a script."""
    liar.claims |= {
        "preferred_username": "alice",
        "phone_number": "+43 1 5550100",
        "phone_number_verified": True,
        "picture": "javascript:alert(1)",
        "website": "https://una.example",
        "name": "Una\x00\x1b[31m",
        "given_name": 7,
        "groups": ["admin"],
        "roles": ["owner"],
        "acr": "high",
        "amr": ["mfa", "hwk", "two words", "x" * 100, "mfa"],
    }
    done = liar.sign_in(harness.Browser(site))
    user = site.read(users.by_id, seeds.TENANT_ID, _who(site))
    assert user.claims == {
        "email": "una@op.example",
        "email_verified": False,
        "phone_number": "+43 1 5550100",
        "website": "https://una.example",
    }
    claims = harness.payload(harness.App(site).redeem(done.params["code"]).json()["id_token"])
    assert claims["amr"] == ["mfa", "hwk"]
    assert claims["acr"] == "1"


# --- requests


def _authorize(site: harness.Site, **changes: str | None) -> harness.Answer:
    return harness.App(site).authorize(harness.Browser(site), **changes)


@pytest.mark.parametrize(
    "connection",
    ["theirs", "off", "apps", "nothing", "https://evil.example", "//evil.example", "../../evil", "op/../x"],
)
def test_a_request_leads_to_no_connection_of_others(site: harness.Site, liar: Liar, connection: str) -> None:
    """Another tenant's, a disabled one, another application's, an address: one answer, and no way out of here."""
    other = site.add_tenant("other")
    upstreams.connect(site, "theirs", OP, tenant_id=other.tenant_id)
    upstreams.connect(site, "off", OP, disabled_at=1)
    upstreams.connect(site, "apps", OP, clients=("spa",))
    answer = _authorize(site, connection=connection)
    assert answer.location.startswith("http://127.0.0.1:9999/cb?")
    assert answer.error == "invalid_request"
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    assert [link.rpartition("/")[2] for link in upstreams.links(page)] == ["op"]
    way = upstreams.links(page)[0].removesuffix("op")
    assert browser.get(f"{upstreams.BASE}{way}{connection}").status == 404


def test_a_way_out_belongs_to_its_browser(site: harness.Site, liar: Liar) -> None:
    """The address of a way out is worth nothing in a browser that did not begin the request."""
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    (way,) = upstreams.links(page)
    assert harness.Browser(site).get(upstreams.BASE + way).status == 400
    assert browser.get(upstreams.BASE + way).status == 303


def test_a_connection_that_is_disabled_meanwhile(site: harness.Site, liar: Liar) -> None:
    """Who left before it was disabled does not come in after it, nor at one that is not the application's any more."""
    for change in ({"disabled_at": 1}, {"disabled_at": None, "clients": ("spa",)}):
        upstreams.change(site, "op", disabled_at=None, clients=())
        liar.leave(browser := harness.Browser(site))
        upstreams.change(site, "op", **change)
        page = liar.back(browser)
        assert "not possible any more" in page.text
        assert browser.session_of(ISSUER) == ""
        assert [call.url for call in liar.calls if call.method == "POST"] == []


def test_silent_requests_lead_nowhere(site: harness.Site, liar: Liar) -> None:
    """With prompt=none nobody is sent anywhere, whatever connection is named."""
    assert _authorize(site, prompt="none", connection="op").error == "login_required"


def test_a_flood_of_new_people_is_slowed_down(site: harness.Site, liar: Liar) -> None:
    """A provider cannot fill the database with people; those who are known still get in."""
    liar.sign_in(harness.Browser(site))
    site.run(_spend(site, _scene(site), people.CREATIONS.from_address - 1))
    liar.claims |= {"sub": "u2", "email": "u2@op.example"}
    liar.leave(browser := harness.Browser(site))
    assert "Too many attempts" in liar.back(browser).text
    assert upstreams.identity(site, OP, "u2") is None
    liar.claims |= {"sub": "u1", "email": "una@op.example"}
    assert "code" in liar.sign_in(harness.Browser(site)).params


def _scene(site: harness.Site) -> Scene:
    now = site.clock.now()
    tenant = site.run(site.hall.tenants.by_id(seeds.TENANT_ID, now))
    return dispatch.scene_of(site.listeners[0], tenant, Request("GET", "/", peer="192.0.2.1"), now, "ref")


async def _spend(site: harness.Site, scene: Scene, times: int) -> None:
    for _ in range(times):
        await throttle.spend(people.CREATIONS, scene, site.house)


def test_a_flood_of_ways_out_is_slowed_down(site: harness.Site, liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks do not fill the database either, nor make calls: the provider's document is kept."""
    small = throttle.Allowance("upstream", from_address=3, altogether=1000)
    monkeypatch.setattr(going, "BEGINNINGS", small)
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    (way,) = upstreams.links(page)
    answers = [browser.get(upstreams.BASE + way) for _ in range(5)]
    assert [answer.status for answer in answers] == [303, 303, 303, 200, 200]
    assert "Too many attempts" in answers[-1].text
    assert len(liar.calls) == 2


def test_a_silent_provider_is_not_asked_by_everybody(site: harness.Site, liar: Liar) -> None:
    """Of those who click while it is silent, one waits for it; ten seconds later it is asked again."""
    liar.metadata = {":status": 503}
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    (way,) = upstreams.links(page)
    for _ in range(5):
        assert "does not answer as it should" in browser.get(upstreams.BASE + way).text
    assert len(liar.calls) == 1
    liar.metadata = {}
    site.clock.advance(10)
    assert browser.get(upstreams.BASE + way).status == 303


def test_somebody_comes_twice_at_once(site: harness.Site, liar: Liar) -> None:
    """Two first sign-ins of one person at the same time make one person, and both get in."""
    (connection,) = site.read(connections.of_tenant, seeds.TENANT_ID)
    stranger = people.Stranger(connection, OP, "u1", {"name": "Una"})
    scene = _scene(site)
    found = site.run(harness.together([people.user_of(stranger, scene, site.house) for _ in range(5)]))
    assert {user.user_id for user in found if isinstance(user, User)} == {_who(site)}
    assert len(site.read(users.page, seeds.TENANT_ID, "", 100)) == 3


def test_keys_that_rotated_are_fetched(site: harness.Site, liar: Liar) -> None:
    """A key that came after the document was read is found; the provider's document is not asked for again."""
    liar.sign_in(harness.Browser(site))
    liar.alg = "ES384"
    assert "code" in liar.sign_in(harness.Browser(site)).params
    asked = [call.url.rpartition("/")[2] for call in liar.calls if call.method == "GET"]
    assert asked.count("openid-configuration") == 1
    assert asked.count("keys") == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "localhost"])
def test_no_connection_reaches_a_private_place(site: harness.Site, liar: Liar, host: str) -> None:
    """SSRF: an issuer inside is called only where the settings open it; the page does not tell why."""
    site.house.outgoing = compose.Outward(Outgoing())
    upstreams.change(site, "op", issuer=f"https://{host}")
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    with harness.logged() as log:
        stays = browser.get(upstreams.BASE + upstreams.links(page)[0])
    assert "Op does not answer as it should" in stays.text
    assert host not in stays.text
    assert any("destination-refused" in line for line in log.lines)


def test_a_document_leads_to_no_private_place(site: harness.Site, liar: Liar) -> None:
    """SSRF by a document: the endpoints that it names are held against the same guard, call by call."""
    guard = Guard((OP,))
    liar.guard = guard.check_url
    liar.metadata = {"token_endpoint": "https://169.254.169.254/token"}
    liar.leave(browser := harness.Browser(site))
    assert SENTENCE in liar.back(browser).text


def test_a_name_that_somebody_took_beforehand(site: harness.Site, liar: Liar) -> None:
    """Who takes the user name that a person from there would get keeps nobody out, and becomes nobody."""
    squatter = _local(site, "op|u1", "squatter@corp.example", confirmed=False)
    assert "code" in liar.sign_in(harness.Browser(site)).params
    assert _who(site) not in ("", squatter.user_id)


@pytest.mark.parametrize("trusted", [False, True])
def test_an_address_that_nobody_confirmed_goes_no_further(site: harness.Site, liar: Liar, *, trusted: bool) -> None:
    """What the sign-in is remembered by, and other dialects tell, has an address only where it counts as confirmed."""
    upstreams.change(site, "op", trusts_email=trusted)
    browser = harness.Browser(site)
    liar.sign_in(browser)
    secret = ids.digest(browser.session_of(ISSUER))
    session = site.read(sessions.with_user, secret, ISSUER, site.clock.now())[0]
    told = circumstances.decode(session.circumstances).told
    assert ("email" in told) is trusted
    assert told["name"] == "Una"


@pytest.mark.parametrize(
    ("dialect", "tid", "home"),
    [
        ("microsoft", "11111111-2222-3333-4444-555555555555", True),
        ("standard", "11111111-2222-3333-4444-555555555555", False),
        ("microsoft", seeds.TENANT_ID, False),
    ],
)
def test_a_guest_is_at_home_where_their_provider_may_say_so(dialect: str, tid: str, *, home: bool) -> None:
    """A provider of another kind cannot say that somebody's account is alice's, and no guest's is this tenant's own."""
    came = Circumstances(idp=OP, told={"oid": seeds.ALICE_ID, "tid": tid}, dialect=dialect)
    holder = Holder("user-1", "op|u1", seeds.TENANT_ID, "session-1", came)
    told = codec.decode_json_object(codec.decode_base64url(signin.client_info(holder)))
    assert told == ({"uid": seeds.ALICE_ID, "utid": tid} if home else {"uid": "user-1", "utid": seeds.TENANT_ID})
