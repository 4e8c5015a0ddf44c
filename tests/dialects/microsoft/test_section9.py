"""Whole sign-ins: the page's samples, lifetimes by policy, tokens of one kind under the rules of another, refusals."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio.dialects.microsoft import rules
from intaglio.dialects.registry import DIALECTS
from intaglio.names import UserId
from intaglio.protocol.circumstances import Circumstances
from intaglio.server.http import cookies
from intaglio.server.model import clients, groups, tenants, users
from intaglio.server.model.assigned import LifetimePolicy
from intaglio.server.model.groups import Group
from intaglio.server.model.users import User
from intaglio.server.provider import session
from intaglio.server.provider.scene import Scene
from intaglio.tokens import jwk
from intaglio.validate import validator
from intaglio.validate.policy import Expectation
from intaglio.validate.report import TokenRefused
from tests.capability import capability
from tests.dialects.microsoft import facts
from tests.dialects.microsoft.conftest import BASE, DAEMON, NATIVE, TENANT, V2, WEB, Application
from tests.harness import NOW, Answer, App, Browser, Site, payload

V1 = f"{BASE}/{TENANT}/"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
GUEST = "05833b6b-aa1d-42d4-9ec0-1b2bb9194438"
ADDRESS = "131.107.222.22"


def at(word: str, site: Site) -> Application:
    """Return the web application at a word for a tenant."""
    return Application(site, word=word)


def changed(site: Site, client_id: str = WEB, **changes: Any) -> None:
    """Change an application; in force at once."""
    assert site.write(clients.replace, msgspec.structs.replace(site.client(client_id), **changes))
    site.settle()


@pytest.fixture
def before(site: Site) -> Any:
    """Put the applications and the tenant back after a test that changes them."""
    held = [site.client(one) for one in (WEB, NATIVE, DAEMON)]
    tenant = site.read(tenants.by_id, TENANT)
    yield held
    for one in held:
        site.write(clients.replace, one)
    site.write(tenants.replace, tenant)
    site.settle()


def shape(made: dict[str, Any]) -> list[tuple[str, type]]:
    """Return names and types in their order."""
    return [(name, type(value)) for name, value in made.items()]


def guest(site: Site) -> Browser:
    """Return the browser of somebody for whom another tenant vouched."""
    known = {"name": "abeli", "given_name": "Abe", "family_name": "Lincoln", "email": "abeli@microsoft.com"}
    user = User(site.client(WEB).tenant_id, UserId(GUEST), "abeli", NOW, NOW, claims=known)
    if site.read(users.by_id, TENANT, GUEST) is None:
        site.write(users.insert, user)
    told = {"preferred_username": "AbeLi@microsoft.com", "email": "abeli@microsoft.com", "tid": facts.HOME}
    vouched = Circumstances(idp=f"https://sts.windows.net/{facts.HOME}/", idp_subject="x", told=told)
    tenant = site.read(tenants.by_id, TENANT)
    scene = Scene(tenant, DIALECTS["microsoft"], V2, f"{BASE}/{TENANT}", site.clock.now(), "ref", peer=ADDRESS)
    _, begun = site.run(session.begin(user, ("rsa",), scene, site.house, vouched))
    browser = Browser(site, ADDRESS)
    browser.jar[cookies.name("session", V2, secure=False)] = begun.secret
    return browser


@capability("microsoft-samples", witness="the decoded samples on Microsoft's page")
def test_s9_04_a_guest_through_v1_gets_the_pages_sample(site: Site) -> None:
    """The whole way through the v1.0 endpoint: the sample's claims, types and order; 3900 s from iat to exp."""
    _, sample = facts.samples()[0]
    v1 = at(TENANT, site).v1()
    answer = v1.redeem(v1.code(guest(site), scope="openid", nonce="123523"))
    made = payload(answer.json()["id_token"])
    assert shape(made) == shape(sample)
    assert made["exp"] - made["iat"] == 3900
    told = "amr email family_name given_name idp ipaddr name nonce oid unique_name ver".split()
    assert {name: made[name] for name in told} == {name: sample[name] for name in told}
    assert made["iss"] == V1


@capability("microsoft-samples", witness="the decoded samples on Microsoft's page")
def test_s9_04_a_personal_account_through_v2_gets_the_pages_sample(site: Site) -> None:
    """The whole way through `consumers`: the sample's claims, types and order; 86700 s from iat to exp."""
    _, sample = facts.samples()[1]
    app = at("consumers", site)
    made = payload(app.tokens(username="carol", scope="openid profile")["id_token"])
    assert shape(made) == shape(sample)
    assert made["exp"] - made["iat"] == 86_700
    assert made["iss"] == f"{BASE}/{PERSONAL}/v2.0"
    assert made["oid"].startswith("00000000-0000-0000-")
    assert made["sub"].startswith("A" * 21)


def test_s9_04_a_member_through_v2_gets_the_defaults(site: Site, web: Application) -> None:
    """With `openid profile` these, with `email` the address besides; iat and nbf five minutes ago, whole numbers."""
    made = payload(web.tokens(scope="openid profile")["id_token"])
    names = "aud iss iat nbf exp aio name nonce oid preferred_username rh sub tid uti ver".split()
    assert list(made) == names
    assert made["iat"] == made["nbf"] == site.clock.now() - 300
    assert made["exp"] == site.clock.now() + 3600
    assert all(type(made[name]) is int for name in ("iat", "nbf", "exp"))
    assert set(payload(web.tokens(scope="openid profile email")["id_token"])) == {*names, "email"}


def test_s9_04_subjects_are_the_applications_own(site: Site, web: Application) -> None:
    """One person: another `sub` for each application, one `oid` for all of them; both versions tell the same."""
    native = Application(site, NATIVE, "", redirect_uri=site.client(NATIVE).redirect_uris[0])
    mine, theirs = payload(web.tokens()["id_token"]), payload(native.tokens()["id_token"])
    assert mine["sub"] != theirs["sub"]
    assert mine["oid"] == theirs["oid"] == site.user("alice").user_id
    v1 = payload(web.v1().redeem(web.v1().code()).json()["id_token"])
    assert (v1["sub"], v1["oid"]) == (mine["sub"], mine["oid"])


def test_claims_that_a_request_names(site: Site, web: Application) -> None:
    """The `claims` parameter and `max_age` bring claims of the sign-in without any scope."""
    wanted = '{"id_token":{"acct":null,"login_hint":{"essential":false},"xms_edov":null,"signin_state":null}}'
    made = payload(web.tokens(scope="openid", claims=wanted)["id_token"])
    assert (made["acct"], made["login_hint"]) == (0, "alice")
    assert not {"xms_edov", "signin_state", "name"} & made.keys()
    assert payload(web.tokens(max_age="600")["id_token"])["auth_time"] == site.clock.now()


def test_claims_by_name_go_no_further_than_scopes(site: Site, web: Application, before: Any) -> None:
    """An application that may not ask for profile and email gets none of their claims by naming them."""
    changed(site, scope=("openid",))
    wanted = '{"id_token":{"upn":null,"login_hint":null,"email":null,"xms_edov":null,"family_name":null,"acct":null}}'
    made = payload(web.tokens(scope="openid", claims=wanted)["id_token"])
    assert made["acct"] == 0
    assert not {"upn", "login_hint", "email", "xms_edov", "family_name", "name"} & made.keys()


def test_groups_of_the_directory(site: Site, before: Any) -> None:
    """An application that asks for them gets its people's groups by identifier; 201 of them are elsewhere."""
    alice = site.user("alice")
    ids = tuple(f"00000000-0000-4000-a000-{n:012}" for n in range(201))
    for group_id in ids:
        site.write(groups.insert, Group(alice.tenant_id, group_id, "Group", NOW))
    changed(site, dialects={"microsoft": {"groupMembershipClaims": "SecurityGroup"}})
    for count in (199, 200, 201):
        site.change_user("alice", groups=ids[:count])
        made = payload(at(TENANT, site).tokens()["id_token"])
        assert len(made.get("groups", ())) == (count if count <= 200 else 0)
        assert ("_claim_sources" in made) == (count == 201)
    site.change_user("alice", groups=())


def test_groups_that_did_not_fit_are_where_the_token_says(site: Site, before: Any) -> None:
    """The endpoint of `_claim_sources` gives all 201 of them for an access token of that very person."""
    alice = site.user("alice")
    ids = tuple(f"00000000-0000-4000-b000-{n:012}" for n in range(201))
    for group_id in ids:
        site.write(groups.insert, Group(alice.tenant_id, group_id, "Group", NOW))
    changed(site, dialects={"microsoft": {"groupMembershipClaims": "SecurityGroup"}})
    site.change_user("alice", groups=ids)
    answer = at(TENANT, site).tokens()
    endpoint = payload(answer["id_token"])["_claim_sources"]["src1"]["endpoint"]
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    asked = site.post(endpoint, payload={"securityEnabledOnly": False}, headers=headers)
    assert (asked.status, asked.json()) == (200, {"value": list(ids)})
    v1 = at(TENANT, site).v1()
    given = v1.redeem(v1.code()).json()["access_token"]
    assert len(site.get(endpoint, headers={"authorization": f"Bearer {given}"}).json()["value"]) == 201
    site.change_user("alice", groups=())


def test_who_is_told_no_groups(site: Site, web: Application, before: Any) -> None:
    """An application whose tokens tell none; another person, another tenant, another issuer; an ID token."""
    tokens = web.tokens()
    alice = site.user("alice").user_id

    def ask(token: str, user_id: str = alice, tenant: str = TENANT) -> int:
        where = f"{BASE}/{tenant}/users/{user_id}/getMemberObjects"
        return site.post(where, headers={"authorization": f"Bearer {token}"}).status

    assert ask(tokens["access_token"]) == 403
    changed(site, dialects={"microsoft": {"groupMembershipClaims": "SecurityGroup"}})
    assert ask(tokens["access_token"]) == 200
    assert ask(tokens["access_token"], user_id=GUEST) == 403
    assert ask(tokens["access_token"], tenant=PERSONAL) == 401
    assert ask(tokens["id_token"]) == 401
    assert ask("unknown") == 401
    of_standard = App(site).tokens()["access_token"]
    assert ask(of_standard) == 401


# --- lifetimes


def policy(name: str, seconds: int, *, is_default: bool = False) -> LifetimePolicy:
    """Return a policy."""
    return LifetimePolicy(name, name, seconds, is_default=is_default)


@capability("lifetime-policies", witness="exp of the tokens")
def test_policies_have_their_precedence(site: Site, web: Application, before: Any) -> None:
    """Built-in; then the application's; then the organisation's; then the service principal's: the last counts."""
    known = {
        one.policy_id: one for one in (policy("app", 1200), policy("org", 1800, is_default=True), policy("p", 600))
    }

    def lives(policies: tuple[str, ...], application: str, principals: dict[str, str]) -> tuple[int, int]:
        tenant = site.read(tenants.by_id, TENANT)
        held = {name: known[name] for name in policies}
        replaced = msgspec.structs.replace(tenant, lifetime_policies=held, principal_policies=principals)
        site.write(tenants.replace, replaced)
        changed(site, lifetime_policy=application)
        answer = web.tokens()
        made = payload(answer["id_token"])
        return made["exp"] - made["nbf"] - 300, answer["expires_in"]

    assert lives((), "", {}) == (3600, 4500)
    assert lives(("app",), "app", {}) == (1200, 1200)
    assert lives(("app", "org"), "app", {}) == (1800, 1800)
    assert lives(("app", "org", "p"), "app", {WEB: "p"}) == (600, 600)
    # A policy that was deleted counts for nothing, wherever it is still named.
    assert lives((), "app", {WEB: "p"}) == (3600, 4500)


def test_a_ten_minute_policy_renews_in_silence(site: Site, web: Application, before: Any) -> None:
    """With prompt=none a client gets token after token without a page, until the session ends; then it has to ask."""
    tenant = site.read(tenants.by_id, TENANT)
    held = {"ten": policy("ten", 600, is_default=True)}
    site.write(tenants.replace, msgspec.structs.replace(tenant, lifetime_policies=held))
    site.settle()
    browser = Browser(site)
    made = payload(web.tokens(browser)["id_token"])
    began, renewals = site.clock.now(), 0
    while True:
        site.clock.advance(made["exp"] - site.clock.now())
        answer = web.authorize(browser, prompt="none")
        if "code" not in answer.params:
            break
        made = payload(web.redeem(answer.params["code"]).json()["id_token"])
        assert made["exp"] - site.clock.now() == 600
        renewals += 1
    assert (answer.error, renewals) == ("login_required", 86_400 // 600 - 1)
    assert site.clock.now() - began == 86_400
    assert answer.params["error_uri"] == f"{BASE}/error?code=50058"


# --- versions and tenants


def believed(site: Site, token: str, issuer: str, keys: str, audience: str = WEB) -> str:
    """Return nothing if a token is believed by the rules, else the checks that failed."""
    found = jwk.read_set(site.get(keys).json())
    try:
        validator.validate(token, Expectation(issuer, audience, rules=rules.RULES), found, site.clock.now())
    except TokenRefused as refusal:
        return " ".join(check.name for check in refusal.report.checks if check.outcome == "fail")
    return ""


@capability("microsoft-versions", witness="the library's own validator with Microsoft's rules")
def test_versions_are_not_taken_for_each_other(site: Site, web: Application) -> None:
    """A v1.0 token fails v2.0's metadata, a v2.0 token v1.0's, though one key signs both."""
    v2 = web.tokens()["id_token"]
    v1 = web.v1().redeem(web.v1().code()).json()["id_token"]
    v2_keys, v1_keys = f"{BASE}/{TENANT}/discovery/v2.0/keys", f"{BASE}/common/discovery/keys"
    assert believed(site, v2, V2, v2_keys) == ""
    assert believed(site, v1, V1, v1_keys) == ""
    assert "issuer" in believed(site, v1, V2, v2_keys).split()
    assert "issuer" in believed(site, v2, V1, v1_keys).split()


@capability("microsoft-versions", witness="the library's own validator with Microsoft's rules")
def test_another_tenants_token_is_refused(site: Site, web: Application) -> None:
    """One key ring signs for every tenant; a token of another tenant is not this one's, nor of no tenant at all."""
    theirs = at("consumers", site).tokens(username="carol")["id_token"]
    keys = f"{BASE}/{TENANT}/discovery/v2.0/keys"
    assert "issuer" in believed(site, theirs, V2, keys).split()
    assert believed(site, theirs, f"{BASE}/{PERSONAL}/v2.0", keys) == ""
    # For `common` the template stands for the token's own tenant, whichever it is.
    assert believed(site, theirs, f"{BASE}/{{tenantid}}/v2.0", keys) == ""
    assert believed(site, web.tokens()["id_token"], f"{BASE}/{{tenantid}}/v2.0", keys) == ""


# --- refusals


def refused(answer: Answer) -> tuple[int, str, int]:
    """Return the status, the error and the number of a refusal."""
    body = answer.json()
    return answer.status, body["error"], body["error_codes"][0]


def daemon(site: Site, secret: str = "ms-daemon-secret", word: str = TENANT) -> Answer:
    """Ask for a token in the daemon's own name."""
    app = Application(site, DAEMON, secret, word=word)
    return app.token({"grant_type": "client_credentials", "scope": f"api://{DAEMON}/.default"})


@capability("microsoft-refusals", witness="status, error and number on the wire")
def test_s9_09_disabled_application(site: Site, before: Any) -> None:
    """Its token requests get 7000112; a sign-in is refused on a page, for nothing is sent to it any more."""
    changed(site, DAEMON, disabled_at=NOW)
    assert refused(daemon(site)) == (400, "unauthorized_client", 7000112)
    changed(site, WEB, disabled_at=NOW)
    answer = at(TENANT, site).authorize(Browser(site))
    assert (answer.status, answer.is_page, "AADSTS7000112" in answer.text) == (400, True, True)


@capability("microsoft-refusals", witness="status, error and number on the wire")
def test_s9_09_secrets(site: Site, before: Any) -> None:
    """Wrong, missing, expired, and one that a public application has no use for."""
    assert refused(daemon(site, "wrong")) == (401, "invalid_client", 7000215)
    ask = {"grant_type": "client_credentials", "client_id": DAEMON, "scope": f"api://{DAEMON}/.default"}
    assert refused(site.post(f"{BASE}/{TENANT}/oauth2/v2.0/token", ask)) == (401, "invalid_client", 7000218)
    ended = tuple(msgspec.structs.replace(one, expires_at=site.clock.now()) for one in site.client(DAEMON).secrets)
    changed(site, DAEMON, secrets=ended)
    assert refused(daemon(site)) == (401, "invalid_client", 7000222)
    ask = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": NATIVE, "client_secret": "x"}
    assert refused(site.post(f"{BASE}/{TENANT}/oauth2/v2.0/token", ask)) == (401, "invalid_client", 700025)


@capability("microsoft-refusals", witness="status, error and number on the wire")
def test_s9_09_wrong_tenant(site: Site) -> None:
    """An application that the tenant does not know, and a tenant that nobody knows."""
    other = site.add_tenant("other")
    answer = daemon(site, word=other.tenant_id)
    assert refused(answer) == (400, "unauthorized_client", 700016)
    assert f"'{DAEMON}' was not found in the directory '{other.tenant_id}'" in answer.json()["error_description"]
    answer = daemon(site, word="nobody.test")
    assert (*refused(answer), "error_uri" in answer.json()) == (400, "invalid_request", 90002, False)
    answer = at("consumers", site).redeem(at(TENANT, site).code())
    assert refused(answer) == (400, "invalid_grant", 700005)
    page = Application(site, DAEMON, word=other.tenant_id).authorize(Browser(site))
    assert (page.status, "AADSTS700016" in page.text) == (400, True)


@capability("microsoft-refusals", witness="status, error and number on the wire")
def test_s9_09_reply_address(site: Site, web: Application) -> None:
    """An address that is not registered is shown on a page, and nothing is sent there."""
    answer = web.authorize(Browser(site), redirect_uri="https://evil.test/cb")
    assert (answer.status, answer.location, "AADSTS50011" in answer.text) == (400, "", True)
    assert refused(web.redeem(web.code(), redirect_uri="http://127.0.0.1:9999/other"))[:2] == (400, "invalid_grant")


@capability("microsoft-refusals", witness="status, error and number on the wire")
def test_s9_09_silence_and_consent(site: Site, web: Application, before: Any) -> None:
    """Nobody signed in: 50058; nobody consented: 65001, by which an SDK asks its person; declined: 65004."""
    browser = Browser(site)
    answer = web.authorize(browser, prompt="none")
    assert (answer.error, answer.params["error_uri"]) == ("login_required", f"{BASE}/error?code=50058")
    changed(site, consent="ask", scope=(*site.client(WEB).scope, "address"))
    page = browser.sign_in(browser.follow(web.authorize(browser, scope="openid address")))
    answer = web.authorize(browser, prompt="none", scope="openid address")
    assert (answer.error, answer.params["suberror"]) == ("consent_required", "consent_required")
    assert "AADSTS65001" in answer.params["error_description"]
    declined = browser.submit(page, "consent-form", decision="cancel")
    assert declined.error == "access_denied"
    assert "AADSTS65004" in declined.params["error_description"]


@capability("microsoft-refusals", witness="status, error and number on the wire")
def test_s9_09_codes_and_refresh_tokens(site: Site, web: Application) -> None:
    """A code is good once, with its verifier; a refresh token that was never given, or whose grant is revoked."""
    code = web.code()
    answer = web.redeem(code)
    assert refused(web.redeem(code)) == (400, "invalid_grant", 54005)
    assert refused(web.refresh(answer.json()["refresh_token"])) == (400, "invalid_grant", 50173)
    assert refused(web.redeem(web.code(), code_verifier="x" * 43)) == (400, "invalid_grant", 501481)
    assert refused(web.redeem("unknown")) == (400, "invalid_grant", 70000)
    assert refused(web.refresh("unknown")) == (400, "invalid_grant", 70000)
    late = web.code()
    site.clock.advance(601)
    assert refused(web.redeem(late)) == (400, "invalid_grant", 70008)


def test_s9_09_a_scope_that_was_never_granted(site: Site, web: Application) -> None:
    """At a refresh: 65001 with `suberror`, by which an SDK asks its person; scopes of people are no such thing."""
    refresh = web.tokens(scope="openid offline_access")["refresh_token"]
    answer = web.refresh(refresh, scope="openid profile Mail.Read")
    assert refused(answer) == (400, "invalid_grant", 65001)
    assert answer.json()["suberror"] == "consent_required"
    assert "id_token" in web.refresh(refresh, scope="openid profile offline_access").json()


def test_s9_09_unreadable_requests(site: Site, web: Application) -> None:
    """A grant that there is not, and a parameter that is missing, by its name."""
    assert refused(web.token({"grant_type": "magic"})) == (400, "unsupported_grant_type", 70003)
    answer = web.token({"grant_type": "authorization_code"})
    assert refused(answer) == (400, "invalid_request", 900144)
    assert "'code'" in answer.json()["error_description"]


def test_s9_10_response_types_and_modes(site: Site, web: Application) -> None:
    """An ID token through the browser needs the application's switch; tokens never travel in a query."""
    native = Application(site, NATIVE, "", redirect_uri=site.client(NATIVE).redirect_uris[0])
    answer = native.authorize(Browser(site), response_type="id_token")
    assert answer.error == "unsupported_response_type"
    assert "AADSTS700054" in answer.fragment["error_description"]
    answer = web.authorize(Browser(site), response_type="id_token", response_mode="query", nonce="n")
    assert "AADSTS70007" in answer.fragment["error_description"]
    answer = web.authorize(Browser(site), response_type="id_token", nonce=None)
    assert "AADSTS900144" in answer.fragment["error_description"]
    assert "'nonce'" in answer.fragment["error_description"]
    answer = web.authorize(Browser(site), code_challenge="short", code_challenge_method="S256")
    assert "AADSTS501491" in answer.params["error_description"]
