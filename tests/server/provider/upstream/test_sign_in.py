"""Signing in at another provider: from the login page, there and back, and who somebody is here then."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from intaglio import codec, ids
from intaglio.names import RingId
from intaglio.protocol import circumstances
from intaglio.server.devmode import seeds
from intaglio.server.model import identities, sessions, tenants, users
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.registry import connectionrules
from intaglio.tokens import encryptionkeys, jwe
from tests import harness, upstreams
from tests.capability import capability
from tests.upstreams import OP, Liar

ISSUER = "http://localhost:8080/default"
GOOGLE = "http://localhost:8081"
PARTNER = "http://localhost:8080/partner"


def _person(site: harness.Site, issuer: str, subject: str, tenant_id: str = seeds.TENANT_ID) -> User:
    known = site.read(identities.by_subject, tenant_id, issuer, subject)
    found = site.read(users.by_id, tenant_id, known.user_id)
    assert isinstance(found, User)
    return found


def _session(site: harness.Site, browser: harness.Browser) -> Session:
    found = site.read(sessions.with_user, ids.digest(browser.session_of(ISSUER)), ISSUER, site.clock.now())
    assert found is not None
    session: Session = found[0]
    return session


@capability("upstream-plain", witness="another tenant as the other provider")
def test_a_person_of_another_tenant_signs_in(site: harness.Site) -> None:
    """The button leads there; what comes back makes a person here, whose tokens the application gets."""
    upstreams.partner(site)
    browser, app = harness.Browser(site), harness.App(site)
    page = browser.follow(app.authorize(browser))
    assert "Continue with Partner" in page.text
    (way,) = upstreams.links(page)
    there = browser.follow(browser.get(upstreams.BASE + way))
    assert "Partner" not in there.text
    done = browser.through(there, "alice", "other-password")
    tokens = app.redeem(done.params["code"]).json()
    claims = harness.payload(tokens["id_token"])
    theirs = site.user("alice", site.read(tenants.by_slug, "partner").tenant_id)
    person = _person(site, PARTNER, theirs.user_id)
    assert claims["sub"] == person.user_id != site.user("alice").user_id
    assert claims["amr"] == ["pwd"]
    assert app.userinfo(tokens["access_token"]).json()["sub"] == person.user_id
    told = circumstances.decode(_session(site, browser).circumstances)
    assert (told.idp, told.idp_subject, told.connection) == (PARTNER, theirs.user_id, "partner")
    assert told.told["sub"] == theirs.user_id
    assert "nonce" not in told.told


@capability("upstream-google", witness="the google dialect as the other provider")
def test_a_person_of_google_signs_in(site: harness.Site) -> None:
    """The google dialect at its own port as the other provider: name and address come with its ID token."""
    shop = site.add_tenant("shop")
    upstreams.broker(site, seeds.TENANT_ID, "http://localhost:8080/_intaglio/upstream/callback/shop/google")
    site.house.outgoing = harness.InProcess(site)
    upstreams.connect(site, "google", GOOGLE, tenant_id=shop.tenant_id, rules="google", trusts_email=True)
    browser, app = harness.Browser(site), harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop")
    wanted = '{"id_token": {"name": null, "email": null, "email_verified": null}}'
    there = browser.follow(app.authorize(browser, connection="google", claims=wanted))
    assert there.url.startswith("http://localhost:8081/")
    done = browser.through(there)
    claims = harness.payload(app.redeem(done.params["code"]).json()["id_token"])
    assert claims["name"] == "Alice Elizabeth Adams"
    assert (claims["email"], claims["email_verified"]) == ("alice@example.com", True)
    again = browser.through(app.authorize(browser, prompt="none"))
    assert "code" in again.params


EVERYWHERE = {
    "standard": "http://localhost:8080/default",
    "google": "http://localhost:8081",
    "microsoft": f"http://localhost:8082/{seeds.TENANT_ID}/v2.0",
    "microsoft, several tenants": "http://localhost:8082/{tenantid}/v2.0",
    "auth0": "http://localhost:8083/",
    "cloudentity": "http://localhost:8084/default/default",
}


@capability("upstream-plain", witness="every dialect as the other provider")
@pytest.mark.parametrize("there", EVERYWHERE, ids=lambda name: name.replace(" ", "-"))
def test_every_dialect_vouches_for_people(site: harness.Site, there: str) -> None:
    """Each of our own dialects is another provider for a tenant, by its own rules: there, back, and who it was."""
    shop = site.add_tenant("shop")
    callback = "http://localhost:8080/_intaglio/upstream/callback/shop/there"
    upstreams.broker(site, seeds.TENANT_ID, callback, sign_in_audience="organizations")
    site.house.outgoing = harness.InProcess(site)
    rules = there.partition(",")[0]
    upstreams.connect(
        site, "there", EVERYWHERE[there], tenant_id=shop.tenant_id, rules=rules, trusts_email=True, logs_out=True
    )
    app = harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop")
    subjects = set()
    for _ in range(2):
        browser = harness.Browser(site)
        # Of several tenants, the address tells whose person it is.
        hint = "alice@dev.intaglio.test" if "tenants" in there else None
        done = browser.through(app.authorize(browser, connection="there", login_hint=hint))
        assert "code" in done.params, (done.status, done.location or done.text[-900:])
        tokens = app.redeem(done.params["code"]).json()
        subjects.add(harness.payload(tokens["id_token"])["sub"])
        person = app.userinfo(tokens["access_token"]).json()
        assert person["name"] == "Alice Elizabeth Adams"
        assert person["email"] == "alice@example.com"
        assert person["email_verified"] is (rules != "microsoft")
    assert len(subjects) == 1


@capability("upstream-creation", witness="the database")
def test_a_person_comes_again(site: harness.Site, liar: Liar) -> None:
    """The same person; claims follow those there at each sign-in, and those that are not told any more go."""
    liar.claims |= {"given_name": "Una"}
    liar.sign_in(harness.Browser(site))
    before = _person(site, OP, "u1")
    site.change_user(before.username, claims=before.claims | {"nickname": "Uni"})
    site.clock.advance(60)
    liar.claims |= {"name": "Una B."}
    liar.claims.pop("given_name")
    liar.sign_in(harness.Browser(site))
    after = _person(site, OP, "u1")
    assert after.user_id == before.user_id
    assert after.claims == {
        "email": "una@op.example",
        "email_verified": False,
        "name": "Una B.",
        "nickname": "Uni",
    }
    assert after.updated_at > before.updated_at


@pytest.mark.parametrize("refreshes", ["first_login", "never"])
def test_claims_that_do_not_follow(site: harness.Site, liar: Liar, refreshes: str) -> None:
    """Where the connection says so, claims stay as they were made."""
    upstreams.change(site, "op", refreshes=refreshes)
    liar.sign_in(harness.Browser(site))
    liar.claims["name"] = "Another"
    liar.sign_in(harness.Browser(site))
    assert _person(site, OP, "u1").claims["name"] == "Una"


def test_a_linked_person_stays_who_they_are(site: harness.Site, liar: Liar) -> None:
    """Where an address found a user of ours, the claims stay ours."""
    upstreams.change(site, "op", link_by_email=True)
    liar.claims["email"] = "alice@example.com"
    done = liar.sign_in(harness.Browser(site))
    assert "code" in done.params
    assert _person(site, OP, "u1").user_id == site.user("alice").user_id
    assert site.user("alice").claims == seeds.ALICE


def test_nobody_is_made_where_nobody_may_be(site: harness.Site, liar: Liar) -> None:
    """Without just-in-time creation only those get in whom somebody linked."""
    upstreams.change(site, "op", creates_users=False, link_by_email=True)
    liar.leave(browser := harness.Browser(site))
    assert "did not succeed" in liar.back(browser).text
    liar.claims["email"] = "alice@example.com"
    assert "code" in liar.sign_in(harness.Browser(site)).params


@capability("upstream-mapping", witness="UserInfo")
def test_a_mapping_makes_the_claims(site: harness.Site, liar: Liar) -> None:
    """Expressions over what was told; what cannot be made is left out, and nothing else is taken over."""
    mapping = {
        "name": "claims.name + ' (' + claims.department + ')'",
        "email": "claims.mail",
        "email_verified": "true",
        "preferred_username": "claims.login",
        "nickname": "claims.absent",
        "locale": "claims.absent.member",
    }
    upstreams.change(site, "op", mapping=mapping, trusts_email=True)
    liar.claims |= {"department": "Print", "mail": "una@print.example", "login": "una"}
    liar.sign_in(harness.Browser(site))
    assert _person(site, OP, "u1").claims == {
        "email": "una@print.example",
        "email_verified": True,
        "name": "Una (Print)",
        "preferred_username": "una",
    }


def test_userinfo_tells_what_the_token_does_not(site: harness.Site, liar: Liar) -> None:
    """It is asked where a scope's claims are not in the token; the token's own come first."""
    liar.claims.pop("name")
    liar.userinfo = {"sub": "u1", "name": "Una", "email": "other@op.example", "email_verified": False}
    upstreams.change(site, "op", trusts_email=True)
    liar.sign_in(harness.Browser(site))
    assert _person(site, OP, "u1").claims == {"email": "una@op.example", "email_verified": True, "name": "Una"}


@pytest.mark.parametrize("confirmed", ["token", "userinfo"])
def test_a_confirmation_belongs_to_its_address(site: harness.Site, liar: Liar, confirmed: str) -> None:
    """An address of the token is not confirmed by what UserInfo says of another one."""
    liar.claims = {"sub": "u1", "email": "una@op.example"}
    liar.userinfo = {"sub": "u1", "name": "Una", "email": "other@op.example", "email_verified": True}
    if confirmed == "userinfo":
        liar.claims = {"sub": "u1"}
    upstreams.change(site, "op", trusts_email=True)
    liar.sign_in(harness.Browser(site))
    told = _person(site, OP, "u1").claims
    assert (told["email"], told["email_verified"]) == {
        "token": ("una@op.example", False),
        "userinfo": ("other@op.example", True),
    }[confirmed]


# --- what is asked of the other provider


@capability("upstream-asks", witness="the address that the browser is sent to")
def test_what_is_asked_there(site: harness.Site, liar: Liar) -> None:
    """PKCE S256, a nonce, a state; the connection's own parameters; the hints and the demands of the application."""
    upstreams.change(site, "op", parameters={"audience": "x", "prompt": "consent"}, scope=("openid", "email"))
    page = liar.leave(harness.Browser(site), login_hint="una", ui_locales="de en", max_age="300")
    asked = page.params
    assert asked["scope"] == "openid email"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == len(asked["state"]) == len(asked["nonce"]) == 43
    assert (asked["audience"], asked["prompt"], asked["max_age"]) == ("x", "consent", "300")
    assert (asked["login_hint"], asked["ui_locales"]) == ("una", "de en")
    assert asked["redirect_uri"] == upstreams.CALLBACK + "op"


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [
        ({"prompt": "login"}, "login"),
        ({"max_age": "0"}, "login"),
        ({"prompt": "select_account consent"}, "select_account"),
    ],
)
def test_who_has_to_sign_in_afresh_does_so_there(
    site: harness.Site, liar: Liar, changes: dict[str, str], prompt: str
) -> None:
    """What the application demands of the sign-in is demanded of the other provider."""
    liar.leave(browser := harness.Browser(site), **changes)
    assert liar.asked["prompt"] == prompt
    liar.claims["auth_time"] = site.clock.now()
    assert "code" in browser.through(liar.back(browser)).params


@capability("upstream-carried", witness="the ID token")
def test_the_time_of_the_sign_in_is_theirs(site: harness.Site, liar: Liar) -> None:
    """`auth_time` tells when the person signed in there, and never lies in the future."""
    for told, expected in ((harness.NOW - 500, harness.NOW - 500), (harness.NOW + 900, None)):
        liar.claims["auth_time"] = told
        done = liar.sign_in(harness.Browser(site))
        claims = harness.payload(harness.App(site).redeem(done.params["code"]).json()["id_token"])
        assert claims["auth_time"] == (expected if expected is not None else site.clock.now())


@capability("upstream-encrypted", witness="an ID token that only this tenant can open")
@pytest.mark.parametrize("given", [False, True])
def test_encrypted_tokens_are_opened(site: harness.Site, liar: Liar, *, given: bool) -> None:
    """By the key that the tenant publishes, or by one that the connection was given."""
    ring = RingId(seeds.TENANT_ID)
    recipient: Any = encryptionkeys.read_public(site.house.keyring.inbox.published(ring, site.clock.now()))
    if given:
        own = ec.generate_private_key(ec.SECP256R1())
        number = own.private_numbers().private_value.to_bytes(32, "big")
        recipient = encryptionkeys.DecryptionKey(own, kid="mine").public()
        members = encryptionkeys.public_members(recipient) | {"d": codec.encode_base64url(number), "kid": "mine"}
        document = {"keys": [members]}
        upstreams.change(site, "op", sealed_jwks=site.vault.seal(codec.encode_json(document), connectionrules.KEYS))
    signed = liar.sign
    liar.sign = lambda header, claims: jwe.encrypt(
        signed(header, claims).encode(), recipient, alg="ECDH-ES", enc="A128GCM", header={"cty": "JWT"}
    )
    assert "code" in liar.sign_in(harness.Browser(site)).params
    liar.claims["aud"] = "another-client"
    liar.leave(browser := harness.Browser(site))
    assert "did not succeed" in liar.back(browser).text


def test_two_tabs_do_not_disturb_each_other(site: harness.Site, liar: Liar) -> None:
    """Two sign-ins of one browser, in whatever order they come back: each ends where it began."""
    browser = harness.Browser(site)
    liar.leave(browser, state="first")
    first = dict(liar.asked)
    liar.leave(browser, state="second")
    second = dict(liar.asked)
    done = browser.through(liar.back(browser))
    assert done.params["state"] == "second"
    liar.asked = first
    done = browser.through(liar.back(browser))
    assert done.params["state"] == "first"
    assert first["nonce"] != second["nonce"]


# --- where somebody signs in


@capability("upstream-connection", witness="the address that the browser is sent to")
def test_a_request_names_its_connection(site: harness.Site, liar: Liar) -> None:
    """No page of ours comes between; a session that began elsewhere does not count for it."""
    browser = harness.Browser(site)
    harness.App(site).code(browser)
    liar.leave(browser, connection="op")
    assert "code" in browser.through(liar.back(browser)).params
    assert "code" in browser.through(harness.App(site).authorize(browser, connection="op")).params


@capability("upstream-domain", witness="the address that the browser is sent to")
@pytest.mark.parametrize(
    ("changes", "leads"),
    [
        ({"login_hint": "una@op.example"}, True),
        ({"login_hint": "una@OP.Example"}, True),
        ({"domain_hint": "op.example"}, True),
        ({"domain_hint": "op.example", "login_hint": "x@else.example"}, True),
        ({"login_hint": "una@else.example"}, False),
        ({"login_hint": "una@op.example.evil.example"}, False),
        ({"login_hint": "op.example"}, False),
        ({"login_hint": "@"}, False),
        ({"domain_hint": "example"}, False),
        ({"domain_hint": ""}, False),
    ],
)
def test_a_domain_leads_home(site: harness.Site, liar: Liar, changes: dict[str, str], *, leads: bool) -> None:
    """A hint at a domain of a connection sends people there at once; no other does."""
    upstreams.change(site, "op", domains=("op.example",))
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser, **changes))
    assert page.location.startswith(OP + "/authorize") is leads
    assert ('id="login-form"' in page.text) is not leads


def test_an_address_that_is_typed_leads_home(site: harness.Site, liar: Liar) -> None:
    """What was typed as a password is looked at by nobody, and not sent on."""
    upstreams.change(site, "op", domains=("op.example",))
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    gone = browser.submit(page, "login-form", username="una@op.example", password="canary", decision="login")
    gone = browser.follow(gone)
    assert gone.location.startswith(OP + "/authorize")
    assert "canary" not in gone.location


def test_a_login_page_without_connections_is_as_before(site: harness.Site) -> None:
    """Nobody is offered what there is not."""
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    assert "Continue with" not in page.text
    assert 'class="or"' not in page.text


def test_text_of_a_connection_is_escaped(site: harness.Site, liar: Liar) -> None:
    """What people call a provider is text."""
    upstreams.change(site, "op", display_name="<b>Op & Co</b>")
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    assert "Continue with &lt;b&gt;Op &amp; Co&lt;/b&gt;" in page.text


def test_a_person_goes_through_consent_after_it(site: harness.Site, liar: Liar) -> None:
    """The pages after the sign-in are those of everybody, in the person's own name."""
    liar.leave(browser := harness.Browser(site))
    page = browser.follow(liar.back(browser))
    assert 'id="consent-form"' in page.text
    assert "Una" in page.text


# --- one address for several providers


@pytest.mark.parametrize("promises", [True, False])
def test_a_shared_address_is_for_those_who_say_who_they_are(site: harness.Site, liar: Liar, *, promises: bool) -> None:
    """The auth0 dialect's own callback serves providers that name themselves; the others have an address each."""
    liar.metadata = {"authorization_response_iss_parameter_supported": promises}
    browser, app = harness.Browser(site), harness.auth0_app(site)
    page = browser.follow(app.authorize(browser, connection="op"))
    liar.asked = page.params
    own = "http://localhost:8083/_intaglio/upstream/callback/default/op"
    assert liar.asked["redirect_uri"] == ("http://localhost:8083/login/callback" if promises else own)
    done = browser.through(liar.back(browser))
    assert "code" in done.params
    assert harness.payload(app.redeem(done.params["code"]).json()["id_token"])["name"] == "Una"
    assert liar.form["redirect_uri"] == liar.asked["redirect_uri"]
    liar.asked = browser.follow(app.authorize(browser, connection="op", prompt="login")).params
    if promises:
        # Without the name in it, the answer could be anybody's.
        assert "did not succeed" in liar.back(browser, iss=None).text
    else:
        liar.asked["redirect_uri"] = "http://localhost:8083/login/callback"
        assert liar.back(browser).status == 400
    assert site.get("http://localhost:8080/login/callback?state=x").status == 404


# --- an issuer of several tenants


def test_an_issuer_of_several_tenants(site: harness.Site, liar: Liar) -> None:
    """The issuer in the token is the one of the token's tenant, by which the person is known; another is refused."""
    tenant = "11111111-2222-3333-4444-555555555555"
    template = OP + "/{tenantid}/v2.0"
    issuer = template.replace("{tenantid}", tenant)
    liar.paths = {"/common/v2.0/.well-known/openid-configuration": {"issuer": template}}
    upstreams.change(site, "op", issuer=template, rules="microsoft")
    liar.alg = "RS256"
    liar.metadata = {"authorization_response_iss_parameter_supported": False}
    told = {"iss": issuer, "tid": tenant, "ver": "2.0", "oid": "o1"}
    liar.claims |= told
    liar.leave(browser := harness.Browser(site))
    assert "code" in browser.through(liar.back(browser, iss=None)).params
    assert upstreams.identity(site, issuer, "u1") is not None
    liar.leave(browser := harness.Browser(site))
    assert "code" in browser.through(liar.back(browser, iss=issuer)).params
    for lie in (
        {"tid": "99999999-2222-3333-4444-555555555555"},
        {"iss": OP + "/common/v2.0"},
        {"iss": template},
        {"iss": OP + "/v2.0"},
    ):
        liar.claims |= told | lie
        liar.leave(browser := harness.Browser(site))
        assert "did not succeed" in liar.back(browser, iss=None).text
    liar.claims |= told
    liar.leave(browser := harness.Browser(site))
    assert "did not succeed" in liar.back(browser, iss=issuer.replace("1111-", "9999-")).text
