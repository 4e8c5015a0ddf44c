"""Claim rules: what they make of a person, a client and an occasion, and what they never make."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects import registry
from intaglio.errors import Misconfigured
from intaglio.names import ClientId, TenantId, UserId
from intaglio.protocol import personal
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.facts import Facts, Person
from intaglio.server.access.expressions import ExpressionFailed
from intaglio.server.issue import mint, personalise, templates
from intaglio.server.issue.personalise import About
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from tests.capability import capability

NOW = 1_800_000_000
TENANT = TenantId("00000000-0000-4000-8000-000000000001")
CUSTOM = "https://app.example.com/"


def about(*rules: ClaimRule, tenant: tuple[ClaimRule, ...] = (), **changes: object) -> About:
    """Return Ada at the client `web`, with the client's rules and the tenant's."""
    user = User(
        TENANT,
        UserId("00000000-0000-4000-9000-000000000001"),
        "ada",
        NOW - 100,
        NOW - 50,
        password_hash="$argon2id$secret",
        claims={"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": True},
        groups=("g1", "g2"),
        metadata={"color": "green", "deep": {"er": [1, 2]}},
        app_metadata={"plan": "gold", "seats": 3},
    )
    client = Client(TENANT, ClientId("web"), "Web", NOW, claim_rules=rules, roles={"Editor": ("g2",), "None": ()})
    owner = Tenant(TENANT, "default", "default", "Default", NOW, claim_rules=tenant)
    found = About(user, client, owner, ("openid", "profile"), "standard", NOW)
    return msgspec.structs.replace(found, **changes) if changes else found


def one(rule: ClaimRule, token: str = "id_token", **changes: object) -> object:
    """Return what a rule makes, or the reason why it makes nothing."""
    found = personalise.made(token, about(rule, **changes))
    return found.claims[rule.claim] if found.claims else found.left_out[0][1]


@capability("claim-rule-template", witness="the claims")
@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("Hello {user.claims.name}!", "Hello Ada Lovelace!"),
        ("{user.metadata.color}", "green"),
        ("{user.claims.email_verified}", True),
        ("verified: {user.claims.email_verified}", "verified: true"),
        ("{user.app_metadata.seats}", 3),
        ("{user.groups}", ["g1", "g2"]),
        ("{user.roles}", ["Editor"]),
        ("{client.client_name}/{client.client_id}", "Web/web"),
        ("{request.dialect} {request.token}", "standard id_token"),
        ("{request.time}", NOW),
        ("{request.scope}", ["openid", "profile"]),
        ("{{}} {user.username}", "{} ada"),
        ("{user.metadata.deep.er}", [1, 2]),
        ("no place at all", "no place at all"),
    ],
)
def test_a_template_is_filled(template: str, made: object) -> None:
    """Places become text within a text; a template that is one place alone gives the value as it is."""
    found = one(ClaimRule(CUSTOM + "x", template=template))
    assert (found, type(found)) == (made, type(made))


@capability("claim-rule-cel", witness="the claims")
@pytest.mark.parametrize(
    ("expression", "made"),
    [
        ("user.claims.name + ' of ' + client.client_name", "Ada Lovelace of Web"),
        ("user.groups.exists(g, g == 'g2')", True),
        ("size(user.groups)", 2),
        ("{'plan': user.app_metadata.plan, 'tags': ['a', 'b']}", {"plan": "gold", "tags": ["a", "b"]}),
        ("request.time", NOW),
        ("connection.name == '' ? 'here' : connection.name", "here"),
        ("organization.name", ""),
    ],
)
def test_an_expression_is_evaluated(expression: str, made: object) -> None:
    """CEL over user, client, organization, connection and request."""
    assert one(ClaimRule(CUSTOM + "x", expression=expression)) == made


def test_what_vouched_for_the_person_is_seen() -> None:
    """The connection with its provider and what that said, and the organization."""
    told = Circumstances(
        idp="https://idp.example.com",
        idp_subject="s",
        connection="google",
        told={"hd": "example.com"},
        organization="org_1",
        organization_name="acme",
    )
    rule = ClaimRule(
        "x",
        expression="[connection.name, connection.issuer, connection.subject, connection.claims.hd, organization.id]",
    )
    assert one(rule, circumstances=told) == ["google", "https://idp.example.com", "s", "example.com", "org_1"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (ClaimRule("x", template="{user.claims.locale}"), "there is no user.claims.locale"),
        (ClaimRule("x", template="{user.password_hash}"), "there is no user.password_hash"),
        (ClaimRule("x", expression="user.password_hash"), "there is no member 'password_hash'"),
        (ClaimRule("x", template="a {user.groups}"), "user.groups is no text"),
        (ClaimRule("x", expression="null"), "the value is null"),
        (ClaimRule("x", expression="[null]"), "the value is null"),
        (ClaimRule("x", expression="duration('1h')"), "the value is nothing that JSON has, or too deep"),
        (ClaimRule("x", expression="{1: 2}"), "the value is nothing that JSON has, or too deep"),
        (ClaimRule("x", expression="1 / 0"), "a division by zero"),
        (ClaimRule("x", template="y", condition="user.username == 'bob'"), "its condition is false"),
        (ClaimRule("x", template="y", condition="user.username"), "the value is text, not true or false"),
        (ClaimRule("x", template="y", scopes=("email", "phone")), "it takes one of the scopes email phone"),
        (ClaimRule("x", template="y", tokens=("userinfo",)), "it is not for this kind of token"),
        (ClaimRule("email", template="y"), "it takes the scope email"),
        (ClaimRule("x", expression="nobody.knows"), "there is no variable nobody; there are: "),
    ],
)
def test_what_cannot_be_made_is_left_out(rule: ClaimRule, reason: str) -> None:
    """No claim, the reason, and the other rules go on."""
    found = personalise.made("id_token", about(rule, ClaimRule("y", template="y")))
    assert found.claims == {"y": "y"}
    ((label, told),) = found.left_out
    assert (label, told[: len(reason)]) == ("x of the client" if rule.claim == "x" else "email of the client", reason)


@capability("claim-rule-scope", witness="the claims")
def test_a_standard_claim_takes_its_scope() -> None:
    """`name` with profile, `email` with email, or where the request names it; `locale` of profile."""
    rule = ClaimRule("email", template="other@example.com")
    assert one(rule, scope=("openid", "email")) == "other@example.com"
    assert one(rule, scope=("openid",), requested=("email",)) == "other@example.com"
    assert one(ClaimRule("locale", template="de")) == "de"
    assert one(ClaimRule("locale", template="de"), scope=("openid", "email")) == "it takes the scope profile"


def test_the_clients_rule_wins_and_the_last_one() -> None:
    """Of several rules for one claim the last that applies counts, the client's after the tenant's."""
    tenant = (ClaimRule("x", template="tenant"), ClaimRule("t", template="t"))
    rules = (
        ClaimRule("x", template="first", name="1"),
        ClaimRule("x", template="second", name="2"),
        ClaimRule("x", template="third", name="3", condition="false"),
    )
    found = personalise.made("id_token", about(*rules, tenant=tenant))
    assert found.claims == {"x": "second", "t": "t"}
    assert found.rules == {"x": "2 of the client", "t": "t of the tenant"}


@capability("claim-rule-bound", witness="the claims")
def test_all_that_rules_add_is_bounded() -> None:
    """100 KB together; what goes beyond is left out, and what is smaller still fits."""
    long = {"text": "x" * 15_000}
    rules = [ClaimRule(f"c{n}", template="{user.metadata.text}") for n in range(7)]
    found = about(*rules, ClaimRule("small", template="s"))
    found = msgspec.structs.replace(found, user=msgspec.structs.replace(found.user, metadata=long))
    made = personalise.made("id_token", found)
    assert set(made.claims) == {"c0", "c1", "c2", "c3", "c4", "c5", "small"}
    assert made.left_out == (("c6 of the client", "with it the claims of rules are larger than 102400 octets"),)


@capability("claim-rule-reserved", witness="the claims")
@pytest.mark.parametrize("name", sorted(personal.PROTOCOL))
def test_no_rule_makes_a_protocol_claim(name: str) -> None:
    """Not in any dialect, whatever was kept."""
    assert one(ClaimRule(name, template="x")) == "it belongs to the protocol"
    assert personal.merged({"iss": "a"}, {name: "x"}) == {"iss": "a"}


def test_a_dialect_keeps_names_for_itself() -> None:
    """Whole names and patterns."""
    reserved = frozenset({"org_id", "sip_*"})
    for name in ("org_id", "sip_address"):
        assert one(ClaimRule(name, template="x"), reserved=reserved) == "the dialect keeps this name for itself"
    assert one(ClaimRule("org", template="x"), reserved=reserved) == "x"


def test_no_rule_replaces_what_the_dialect_says() -> None:
    """A claim of the dialect's own stays; a standard claim about the person may be another."""
    said = {"tid": "t", "name": "Ada"}
    assert personal.merged(said, {"tid": "x", "name": "Eve", "new": 1}) == {"tid": "t", "name": "Eve", "new": 1}


def test_a_rules_address_is_not_the_confirmed_one() -> None:
    """What was confirmed is another address, unless a rule says that of this one as well; the same one stays so."""
    said = {"email": "a@example.com", "email_verified": True, "phone_number": "1", "phone_number_verified": True}
    other = {"email": "b@example.com"}
    assert personal.merged(said, other) == said | other | {"email_verified": False}
    assert personal.merged(said, other | {"email_verified": True}) == said | other
    assert personal.merged(said, {"email": "a@example.com"}) == said
    assert personal.merged(said, {"phone_number": "2"})["phone_number_verified"] is False
    assert personal.merged({"name": "A"}, other) == {"name": "A"} | other


@pytest.mark.parametrize(
    "text",
    ["", "x" * 2049, "{", "}", "{}", "{user}", "{user.}", "{ user.claims.name }", "{nobody.x}", "{user.a.{b}}", "{a"],
)
def test_what_is_no_template_is_refused(text: str) -> None:
    """Unbalanced braces, unknown roots, blanks, and texts that are too long."""
    with pytest.raises(Misconfigured) as caught:
        templates.read(text)
    assert caught.value.code == "template-invalid"


@given(st.text(max_size=60))
def test_any_text_can_be_a_template_with_its_braces_doubled(text: str) -> None:
    """What has no places says itself."""
    if text:
        assert templates.read(text.replace("{", "{{").replace("}", "}}")).filled({}) == text


@given(st.text(alphabet="{}user.claims name\n", max_size=40))
def test_a_template_is_refused_or_filled(text: str) -> None:
    """Nothing but the one error, and never a member that was not named."""
    try:
        made = templates.read(text).filled({"user": {"claims": {"name": "Ada"}}})
    except (Misconfigured, ExpressionFailed):
        return
    assert isinstance(made, str | dict)


@capability("claim-rule-reserved", witness="the claims of every dialect")
@pytest.mark.parametrize("name", list(registry.DIALECTS))
@given(
    values=st.dictionaries(
        st.sampled_from(sorted(personal.PROTOCOL | {"tid", "oid", "rat", "hd", "name", "x"})), st.text()
    )
)
def test_whatever_rules_made_the_dialects_own_claims_stay(name: str, values: dict[str, object]) -> None:
    """What is signed says of the issuer, the client, the times and the sign-in what it says without rules."""
    person = Person("00000000-0000-4000-9000-000000000001", "ada", {"name": "Ada"})
    facts = Facts("https://i", TENANT, "t", "o", "web", NOW, 3600, "RS256", person, scope=("openid", "profile"))
    facts = msgspec.structs.replace(facts, nonce="n", auth_time=NOW, amr=("pwd",), token_id=TENANT, subject="s")
    dialect = registry.DIALECTS[name]
    without = mint.claims(dialect, facts)
    made = mint.claims(dialect, msgspec.structs.replace(facts, custom={"https://a.example/x": 1, **values}))
    assert {one: made[one] for one in without if one != "name"} == {
        one: without[one] for one in without if one != "name"
    }
    assert not (made.keys() - without.keys()) & personal.PROTOCOL
    assert made["https://a.example/x"] == 1


@pytest.mark.parametrize("name", list(registry.DIALECTS))
def test_no_dialect_lets_its_own_claims_be_made(name: str) -> None:
    """What a dialect says of people and tenants beside the standard claims is reserved there."""
    own = {
        "google": ("hd", "azp", "email", "email_verified"),
        "microsoft": ("email", "tid", "oid", "idp", "ver", "uti", "rh", "aio", "groups", "roles", "wids", "upn"),
        "auth0": ("org_id", "org_name", "session_expiry", "sip_x", "roles", "permissions"),
        "cloudentity": ("tid", "aid", "rat", "scp", "st", "idp"),
    }
    reserved = registry.DIALECTS[name].reserved_claims
    assert [
        one for one in own.get(name, ()) if not (personal.is_reserved(one, reserved) or one in personal.PROTOCOL)
    ] == []
