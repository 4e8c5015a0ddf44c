"""Several tenants behind one authority: nothing of one tenant is worth anything at another."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from intaglio.dialects.coding import ASSERTION_TYPE
from intaglio.errors import Misconfigured
from intaglio.names import ClientId, TenantId, UserId
from intaglio.protocol.device import GRANT
from intaglio.server.admin import clients as admin
from intaglio.server.admin import groups
from intaglio.server.admin import users as people
from intaglio.server.model import clients, signingkeys, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.registry.deeds import Actor
from tests import assertions, harness
from tests.dialects.microsoft.conftest import BASE, DAEMON, NATIVE, TENANT, WEB, Application
from tests.harness import Browser, Site, payload

NOW = harness.NOW
KEY = rsa.generate_private_key(65537, 2048)
SCOPE = f"api://{DAEMON}/.default"
OPERATOR = Actor("operator", NOW, "ref")


@pytest.fixture
def site() -> Iterator[Site]:
    """A whole server with a ready-made key for the authority."""
    with harness.site() as opened:
        opened.write(signingkeys.insert, harness._seeded_key(f"authority:{BASE}", "RS256", NOW))
        yield opened


@pytest.fixture
def other(site: Site) -> str:
    """A second tenant with a domain and a user `alice`."""
    return str(site.add_tenant("contoso", domains=("contoso.example",)).tenant_id)


def _pointer(tenant_id: str, **changes: Any) -> Client:
    usual = {"home_tenant_id": TENANT, "grant_types": (), "response_types": ()}
    made = Client(TenantId(tenant_id), ClientId(DAEMON), "x", NOW)
    return msgspec.structs.replace(made, **(usual | changes))


# --- applications of other tenants


def test_an_assertion_is_good_once_in_all_tenants(site: Site, other: str) -> None:
    """One that names an address for several tenants as its audience is used up everywhere by its first use."""
    before = site.client(DAEMON)
    methods = (*before.token_endpoint_auth_methods, "private_key_jwt")
    site.change_client(
        DAEMON,
        token_endpoint_auth_methods=methods,
        jwks=assertions.jwks(assertions.jwk_of(KEY)),
        sign_in_audience="organizations",
    )
    site.write(clients.insert, _pointer(other, consented_scope=(SCOPE,)))
    site.settle()
    now = site.clock.now()
    claims = {"aud": f"{BASE}/common/oauth2/v2.0/token", "iss": DAEMON, "sub": DAEMON, "exp": now + 600}
    form = {
        "grant_type": "client_credentials",
        "client_id": DAEMON,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(claims | {"jti": str(uuid.uuid4())}, KEY, algorithm="RS256"),
        "scope": SCOPE,
    }
    assert site.post(f"{BASE}/{other}/oauth2/v2.0/token", form).status == 200
    assert site.post(f"{BASE}/{TENANT}/oauth2/v2.0/token", form).json()["error"] == "invalid_client"


def test_the_application_of_a_disabled_tenant_signs_nobody_in(site: Site, other: str) -> None:
    """Who disables a tenant disables what is registered there, also where others use it; a second later at most."""
    app = Application(site, word=other)
    browser = Browser(site)
    answer = browser.through(app.authorize(browser), "alice", "other-password")
    refresh = app.redeem(answer.params["code"]).json()["refresh_token"]
    home = site.read(tenants.by_id, TENANT)
    site.write(tenants.replace, msgspec.structs.replace(home, disabled_at=NOW))
    site.settle()
    assert app.refresh(refresh).json()["error"] in ("invalid_client", "unauthorized_client")
    assert app.authorize(Browser(site)).status == 400
    assert Application(site, word="common").authorize(Browser(site)).status == 400
    site.write(tenants.replace, home)
    site.settle()
    assert app.refresh(refresh).status == 200


def test_many_tenants_that_use_an_application_do_not_hide_it(site: Site) -> None:
    """However many have a record of it, it is found where it is registered; another one does not take its place."""
    home, name = site.add_tenant("zz-home").tenant_id, str(uuid.uuid4())
    made = [site.add_tenant(f"aa{number:02}").tenant_id for number in range(17)]
    site.add_client(name, "a-secret", like=DAEMON, tenant_id=home, sign_in_audience="organizations")
    for one in made[:16]:
        site.write(clients.insert, msgspec.structs.replace(_pointer(one), client_id=name, home_tenant_id=home))
    site.settle()
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    app = Application(site, name, "a-secret", word=made[16])
    assert app.token(form).json()["error"] == "invalid_scope"
    usurper = msgspec.structs.replace(site.client(name, home), tenant_id=made[0])
    site.write(clients.replace, usurper)
    site.settle()
    assert app.token(form).json()["error"] != "invalid_scope"


def test_an_application_that_lost_a_permission_lost_it_everywhere(site: Site, other: str) -> None:
    """What an administrator consented to elsewhere is worth no more than what the application is enabled for."""
    site.change_client(DAEMON, sign_in_audience="organizations")
    site.write(clients.insert, _pointer(other, consented_scope=(SCOPE,)))
    site.settle()
    app = Application(site, DAEMON, "ms-daemon-secret", word=other)
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    assert app.token(form).status == 200
    site.change_client(DAEMON, scope=("openid",))
    assert app.token(form).json()["error"] == "invalid_scope"


def _create(site: Site, tenant_id: str, **given: Any) -> Client:
    wanted = admin.NewClient(client_name="Mine", redirect_uris=("https://evil.example/cb",), **given)
    made = admin.create(site.store, site.clock, site.house.secrets, TenantId(tenant_id), wanted)
    return site.run(made).client


def test_nobody_registers_the_identifier_of_a_shared_application(site: Site, other: str) -> None:
    """Tokens of such an application would pass for the other's, and neither would be found at addresses for all."""
    assert site.client(WEB).sign_in_audience != "tenant"
    third = site.add_tenant("northwind").tenant_id
    for audience in ("tenant", "everyone"):
        with pytest.raises(Misconfigured) as caught:
            _create(site, third, client_id=WEB, sign_in_audience=audience)
        assert caught.value.code == "client-exists"


def test_nobody_shares_an_application_under_the_identifier_of_anothers(site: Site, other: str) -> None:
    """What was one tenant's alone cannot be shared while another has its identifier."""
    name = str(uuid.uuid4())
    first, second = _create(site, TENANT, client_id=name), _create(site, other, client_id=name)
    assert first.client_id == second.client_id
    changes = {"sign_in_audience": "organizations"}
    update = admin.update(site.store, site.clock, site.house.secrets, TenantId(other), name, changes)
    with pytest.raises(Misconfigured) as caught:
        site.run(update)
    assert caught.value.code == "client-exists"


# --- what people are asked for


def test_a_foreign_application_lists_nothing_that_nobody_agreed_to(site: Site, other: str) -> None:
    """Claims of a person that are on its list need the person's word for their scope; at home the operator's does."""
    names = ({"name": "email"}, {"name": "verified_primary_email"}, {"name": "extension_1_badge", "source": "user"})
    site.change_client(WEB, dialects={"microsoft": {"optionalClaims": {"idToken": [*names]}}})
    person = {"claims": {"email": "al@contoso.example", "email_verified": True}}
    person |= {"dialects": {"microsoft": {"extensions": {"badge": "7"}}}}
    site.write(users.replace, msgspec.structs.replace(site.user("alice", other), **person))
    site.change_user("alice", **person)
    listed = {"email", "verified_primary_email", "extn.badge"}

    def told(tenant: str, password: str, scope: str, *, version: str = "v2.0/") -> set[str]:
        app, browser = Application(site, word=tenant), Browser(site)
        app = app if version else app.v1()
        answer = browser.through(app.authorize(browser, scope=scope), "alice", password)
        return listed & set(payload(app.redeem(answer.params["code"]).json()["id_token"]))

    assert told(TENANT, "alice-password", "openid") == listed
    assert told(other, "other-password", "openid") == set()
    assert told(other, "other-password", "openid", version="") == {"extn.badge"}
    assert told(other, "other-password", "openid profile email") == listed


def test_a_name_typed_at_an_open_address_spares_no_consent(site: Site) -> None:
    """A request that wants the person asked is asked, also where another account has to give way first."""
    browser = Browser(site)
    Application(site, word="common").callback(browser, login_hint="alice@dev.intaglio.test")
    Application(site).callback(Browser(site), "bob")
    app = Application(site, word="common")
    browser.jar = {name: value for name, value in browser.jar.items() if "-tenant-" not in name}
    page = browser.follow(app.authorize(browser, prompt="consent"))
    page = browser.follow(browser.submit(page, "realm-form", username="bob@dev.intaglio.test", decision="next"))
    assert 'id="consent-form"' in browser.sign_in(page, "bob").text


def test_the_version_of_the_endpoints_spares_no_consent(site: Site) -> None:
    """v1.0 tells the profile unasked, but to nobody to whom the person did not give it, nor who may not have it."""
    app = Application(site).v1()
    browser = Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser, scope="openid")))
    answer = browser.consent(page, scope=["openid"])
    told = payload(app.redeem(answer.params["code"]).json()["id_token"])
    assert not {"name", "upn", "unique_name", "family_name", "given_name", "oid"} & set(told)
    site.change_client(WEB, scope=("openid",), consent="implicit")
    told = payload(app.tokens(Browser(site), scope="openid")["id_token"])
    assert not {"name", "upn", "unique_name", "family_name", "given_name", "oid"} & set(told)
    site.change_client(WEB, scope=("openid", "profile"))
    told = payload(app.tokens(Browser(site), scope="openid")["id_token"])
    assert told["unique_name"] == "alice@dev.intaglio.test"


def test_nobody_gets_the_name_of_another_with_the_domain(site: Site) -> None:
    """Without its own domain a user name is the same one, so both would be told to applications alike."""

    def create(username: str, tenant_id: str = TENANT) -> UserId:
        made = people.create(
            site.store, site.clock, site.passwords, TenantId(tenant_id), username=username, password=None
        )
        return site.run(made).user_id

    assert create("zoe@dev.intaglio.test")
    for name in ("Alice@Dev.Intaglio.Test", "ZOE"):
        with pytest.raises(Misconfigured) as caught:
            create(name)
        assert caught.value.code == "user-exists"
    assert create("alice@elsewhere.example")


# --- groups


def test_a_deleted_group_opens_nothing(site: Site) -> None:
    """Whoever was let in by a group is let in no more when it is gone, and so it is with administrators."""
    group = site.run(groups.create(site.store, OPERATOR, TenantId(TENANT), "Writers")).group_id
    member = site.user("alice")
    site.run(groups.set_member(site.store, OPERATOR, TenantId(TENANT), group, member, belongs=True))
    site.change_client(WEB, assignment_required=True, roles={"Writer": (group,)})
    app = Application(site)
    first = app.tokens()
    assert payload(first["id_token"])["roles"] == ["Writer"]
    site.run(groups.delete(site.store, OPERATOR, TenantId(TENANT), group))
    site.settle()
    assert app.refresh(first["refresh_token"]).json()["error_codes"] == [50105]
    assert group not in site.user("alice").groups
    assert site.client(WEB).roles == {"Writer": ()}


# --- what is of one tenant, one version, one address


def test_what_one_tenant_gave_is_nothing_at_another(site: Site, other: str) -> None:
    """Codes, refresh tokens, access tokens and hints, though one key signs for all and the application is one."""
    app, there = Application(site), Application(site, word=other)
    tokens, browser = app.tokens(), Browser(site)
    assert there.redeem(app.code()).json()["error"] == "invalid_grant"
    assert there.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.at("consumers").refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert site.get(f"{BASE}/{other}/users/{site.user('alice').user_id}/getMemberObjects", headers=bearer).status == 401
    answer = browser.through(there.authorize(browser), "alice", "other-password")
    assert "code" in answer.params
    assert there.authorize(browser, prompt="none", id_token_hint=tokens["id_token"]).params["error"] == "login_required"
    logout = f"{BASE}/{other}/oauth2/v2.0/logout?id_token_hint={tokens['id_token']}"
    assert browser.get(logout).status == 400
    assert "code" in there.authorize(browser, prompt="none").params


def test_an_application_that_nobody_used_leads_nowhere(site: Site, other: str) -> None:
    """A logout follows no address of another tenant's application before anybody there has signed in to it."""
    site.change_client(WEB, post_logout_redirect_uris=("https://app.example/bye",))
    query = f"client_id={WEB}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye"
    for word in (other, "common", "organizations"):
        assert site.get(f"{BASE}/{word}/oauth2/v2.0/logout?{query}").location == ""
    assert site.get(f"{BASE}/{TENANT}/oauth2/v2.0/logout?{query}").location == "https://app.example/bye"
    browser, there = Browser(site), Application(site, word=other)
    assert "code" in browser.through(there.authorize(browser), "alice", "other-password").params
    assert site.get(f"{BASE}/{other}/oauth2/v2.0/logout?{query}").location == "https://app.example/bye"


def test_what_one_version_gave_is_nothing_at_the_other(site: Site) -> None:
    """Codes, refresh tokens and access tokens, in both directions."""
    for app, another in (
        (Application(site), Application(site).v1()),
        (Application(site).v1(), Application(site)),
    ):
        tokens = app.tokens()
        assert another.redeem(app.code()).json()["error"] == "invalid_grant"
        assert another.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        path = "/oidc/userinfo" if another.version else f"/{TENANT}/openid/userinfo"
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert site.get(BASE + path, headers=bearer).status == 401


def test_what_another_dialect_gave_is_nothing_at_an_open_address(site: Site) -> None:
    """A code and tokens of another issuer of the same tenant lead to that tenant, and are refused there."""
    app, elsewhere = Application(site, word="common"), harness.App(site)
    tokens = elsewhere.tokens()
    assert app.redeem(elsewhere.code()).json()["error"] == "invalid_grant"
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.userinfo(tokens["access_token"]).status == 401


def test_a_user_code_is_of_its_address(site: Site, other: str) -> None:
    """A code that was given at one word is none at another one, so that nobody lets a device in whom it is not for."""
    form = {"client_id": NATIVE, "scope": "openid"}
    code = site.post(f"{BASE}/organizations/oauth2/v2.0/devicecode", form).json()["user_code"]
    for word in ("common", "consumers", TENANT, other, "organizations"):
        browser = Browser(site)
        page = browser.get(f"{BASE}/{word}/oauth2/deviceauth")
        page = browser.follow(browser.submit(page, "device-form", user_code=code))
        assert ('id="realm-form"' in page.text) is (word == "organizations"), word


def test_no_request_asks_in_everybodys_name_but_at_its_own_address(site: Site) -> None:
    """Neither a parameter nor a request object makes a sign-in the consent of an administrator, or of v1.0."""
    site.change_client(WEB, request_object_signing_alg="none")
    site.change_user("alice", groups=("62e90394-69f5-4237-9190-012177145e10",))
    app = Application(site)
    words = {"for_everybody": "1", "version": "1.0", "prompt": "consent"}
    request = app.request() | words | {"iss": WEB, "aud": f"{BASE}/{TENANT}/v2.0"}
    for changes in (words, {"request": jwt.encode(request, "", algorithm="none")}):
        browser = Browser(site)
        page = browser.sign_in(browser.follow(app.authorize(browser, **changes)))
        assert 'id="consent-form"' in page.text
        assert 'id="for-everybody"' not in page.text
        assert payload(app.redeem(browser.consent(page).params["code"]).json()["id_token"])["ver"] == "2.0"


def test_no_credentials_in_an_address(site: Site) -> None:
    """The one endpoint of tokens that is asked by GET reads no secret there."""
    site.change_client(WEB, grant_types=(*site.client(WEB).grant_types, GRANT))
    where, query = f"{BASE}/{TENANT}/oauth2/devicecode", f"client_id={WEB}&client_secret=ms-web-secret&scope=openid"
    form = {"client_id": WEB, "client_secret": "ms-web-secret", "scope": "openid"}
    assert site.post(where, form).status == 200
    assert site.get(f"{where}?{query}").json()["error"] == "invalid_client"
    assert site.get(f"{where}?client_id={NATIVE}&scope=openid").status == 200


# --- administration in another dialect


def test_nobody_administers_an_application_of_another_tenant(site: Site, other: str) -> None:
    """A program that administers a tenant's applications sees none of another's, and takes no decision on it back."""
    site.write(clients.insert, _pointer(TENANT, client_id=ClientId("foreign"), home_tenant_id=other, disabled_at=NOW))
    api = "http://localhost:8083/api/v2/"
    scopes = ("read:clients", "update:clients", "delete:clients")
    site.change_client("machine", audiences=(api,), scope=scopes)
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
    token = site.post("http://localhost:8083/oauth/token", form | {"audience": api, "scope": " ".join(scopes)})
    headers = {"authorization": f"Bearer {token.json()['access_token']}"}
    assert site.request("GET", api + "clients/foreign", headers=headers).status == 404
    assert "foreign" not in site.request("GET", api + "clients", headers=headers).text
    assert site.request("PATCH", api + "clients/foreign", headers=headers, payload={"name": "x"}).status == 404
    site.request("DELETE", api + "clients/foreign", headers=headers)
    assert site.client("foreign", TENANT).disabled_at == NOW
