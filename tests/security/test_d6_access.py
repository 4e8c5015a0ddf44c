"""What has let others' workloads act as somebody else: rows 50, 51 and 53 of our list, as access decides them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.dialects.google.principals import VOCABULARY
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.protocol.impersonation import MAX_CHAIN
from intaglio.protocol.principals import Principal
from intaglio.server.access import decide, explain, expressions, findings, graph
from intaglio.server.access.atlas import Atlas, World
from intaglio.server.access.decide import Decision
from intaglio.server.model.policies import Binding, Condition, CustomRole, Policy
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.projects import Project
from intaglio.server.model.serviceaccounts import ServiceAccount
from tests.capability import capability

pytestmark = capability("security-d6", witness="requests and tokens that an attacker would make")

TENANT = TenantId("t")
NOW = 1_800_000_000
PROJECT = Project(TENANT, "acme-builds", 12, "Acme", 0)
POOL = "iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/builds"
ASKED = VOCABULARY.permissions
IMPERSONATION = (ASKED.id_token, ASKED.access_token, ASKED.delegate, ASKED.sign_blob, ASKED.sign_jwt)
CREATOR = "roles/iam.serviceAccountTokenCreator"


def account(number: int, **changes: object) -> ServiceAccount:
    """Return a service account."""
    made = ServiceAccount(TENANT, f"robot{number}@acme-builds.iam.example", f"{number}", "acme-builds", 0)
    return msgspec.structs.replace(made, **changes)


def of(number: int) -> str:
    """Return an account as a member."""
    return f"serviceAccount:robot{number}@acme-builds.iam.example"


def on(number: int) -> str:
    """Return an account as a resource."""
    return f"projects/acme-builds/serviceAccounts/{number}"


def policy(resource: str, role: str, *members: str, condition: Condition | None = None) -> Policy:
    """Return a policy with one binding, which knows whom the accounts in it mean."""
    identities = {one: one.partition("robot")[2].partition("@")[0] for one in members if "robot" in one}
    return Policy(TENANT, resource, (Binding(role, members, condition),), "etag", NOW, identities=identities)


def atlas(*policies: Policy, accounts: int = 4, **changes: object) -> Atlas:
    """Return a tenant with some accounts."""
    made = World(projects=(PROJECT,), accounts=tuple(account(number) for number in range(accounts)), policies=policies)
    return Atlas(msgspec.structs.replace(made, **changes), VOCABULARY, NOW)


def external(subject: str, **changes: object) -> Principal:
    """Return an identity of the pool."""
    made = Principal("external", subject, project_number=12, pool_id="builds")
    return msgspec.structs.replace(made, **changes)


def asks(known: Atlas, principal: Principal, permission: str = ASKED.id_token, resource: str = on(1)) -> Decision:
    """Return whether a principal may."""
    return known.decide(known.somebody(principal), permission, resource)


@capability("access-broad", witness="every permission over accounts, every broad member")
@pytest.mark.parametrize("permission", IMPERSONATION)
@pytest.mark.parametrize("member", ["allUsers", "allAuthenticatedUsers", "domain:example.com"])
def test_d6_50_nobody_becomes_an_account_for_being_anybody(member: str, permission: str) -> None:
    """A policy that gives everybody or a domain an account gives it to nobody, on the account and on its project."""
    role = CustomRole(TENANT, "projects/acme-builds/roles/one", "One", (permission,), 0)
    for resource in (on(1), "projects/acme-builds"):
        known = atlas(policy(resource, role.role, member), roles=(role,))
        for who in (Principal("user", "u", "u@example.com"), external("x"), Principal("user", "v")):
            decision = asks(known, who, permission)
            assert not decision.allowed
            assert all(miss.why == decide.BROAD for miss in decision.misses)
        assert graph.reach(known, known.somebody(Principal("user", "u", "u@example.com"))) == []


@pytest.mark.parametrize(
    ("member", "mine", "strangers"),
    [
        ("subject/repo:acme/*", "repo:acme/app", "repo:acme/*/evil"),
        ("subject/repo:*", "repo:acme/app", "repo:stranger/app"),
        ("subject/repo:acme/app", "repo:acme/app", "repo:acme/app/evil"),
        ("subject/repo:acme/app", "repo:acme/app", "repo:acme/app:ref"),
        ("subject/repo:acme/app", "repo:acme/app", "Repo:acme/app"),
    ],
)
def test_d6_50_no_wildcard_in_a_subject(member: str, mine: str, strangers: str) -> None:
    """Subjects are compared whole: no star, no prefix, no other case stands for a part of one."""
    known = atlas(policy(on(1), CREATOR, f"principal://{POOL}/{member}"))
    assert not asks(known, external(strangers)).allowed
    assert asks(known, external(mine)).allowed == ("*" not in member)


@pytest.mark.parametrize("value", ["acme/*", "*", "acme/", "acme", "acme/app/../other", "acme/app/x", "ACME/app"])
def test_d6_50_a_wildcard_never_spans_a_slash(value: str) -> None:
    """Attributes and groups are compared whole, whatever slashes and stars stand in a binding or in a token."""
    right = external("x", attributes={"repository": "acme/app"}, groups=("acme/app",))
    for kind in ("attribute.repository", "group"):
        assert not asks(atlas(policy(on(1), CREATOR, f"principalSet://{POOL}/{kind}/{value}")), right).allowed
        known = atlas(policy(on(1), CREATOR, f"principalSet://{POOL}/{kind}/acme/app"))
        assert asks(known, right).allowed
        assert not asks(known, external("x", attributes={"repository": value}, groups=(value,))).allowed


@given(
    st.text(alphabet="a*/.:", min_size=1, max_size=8),
    st.dictionaries(st.sampled_from(["a", "b"]), st.text(alphabet="a*/.:", max_size=6), max_size=2),
    st.lists(st.text(alphabet="a*/.:", max_size=6), max_size=2),
    st.sampled_from(["subject/a", "group/a", "attribute.a/a", "attribute.a/a/a", "attribute.b/a"]),
)
@settings(max_examples=300, deadline=None)
def test_d6_50_nobody_writes_themselves_into_a_set(
    subject: str, attributes: dict[str, str], groups: list[str], name: str
) -> None:
    """Whatever a token says, it means a member only if that very subject, group or attribute is the member's."""
    who = external(subject, attributes=attributes, groups=tuple(groups))
    scheme = "principal" if name.startswith("subject/") else "principalSet"
    kind, _, value = name.partition("/")
    is_meant = {
        "subject": subject == value,
        "group": value in groups,
        "attribute.a": attributes.get("a") == value,
        "attribute.b": attributes.get("b") == value,
    }[kind]
    assert asks(atlas(policy(on(1), CREATOR, f"{scheme}://{POOL}/{name}")), who).allowed == is_meant


def test_d6_50_another_pool_is_another_pool() -> None:
    """The pool of a name and the project's number count: a pool of the same name elsewhere means nobody here."""
    known = atlas(policy(on(1), CREATOR, f"principalSet://{POOL}/*"))
    assert asks(known, external("x")).allowed
    assert not asks(known, external("x", pool_id="builds2")).allowed
    assert not asks(known, external("x", project_number=120)).allowed


@capability("access-cel-bounded", witness="expressions that are known to be dangerous")
@pytest.mark.parametrize(
    "text",
    [
        "assertion.repository_owner == 'acme'",
        "assertion['repository_owner'] == 'acme'",
        "assertion.repository_owner != 'stranger'",
        "!(assertion.repository_owner == 'stranger')",
        "!assertion.repository_owner.startsWith('stranger')",
        "assertion.sub.matches('^repo:acme/app$') && assertion.repository_owner != 'stranger'",
        "[assertion.repository_owner].all(x, x != 'stranger')",
    ],
)
def test_d6_50_a_claim_that_is_missing_never_helps(text: str) -> None:
    """A condition over a claim that a token does not have does not hold, however it is turned around."""
    compiled = expressions.compile(text, limit=4096, variables=frozenset({"assertion"}))
    with pytest.raises(expressions.ExpressionFailed):
        compiled.holds({"assertion": {"sub": "repo:acme/app"}})


def test_d6_50_a_condition_is_not_guessed_at() -> None:
    """A condition with a name that nobody knows is refused when it is written, and holds for nobody if it is there."""
    with pytest.raises(Misconfigured):
        expressions.condition("requst.time < timestamp('2030-01-01T00:00:00Z')")
    typo = Condition("typo", "requst.time < timestamp('2030-01-01T00:00:00Z')")
    assert not asks(atlas(policy(on(1), CREATOR, f"principalSet://{POOL}/*", condition=typo)), external("x")).allowed


@capability("access-recycled", witness="the same address, another holder")
def test_d6_51_recycled_names() -> None:
    """Who gets an address after somebody else inherits none of their roles; the holder that was meant keeps them."""
    meant, later = account(1), account(1, unique_id="77")
    for number, allowed in ((meant, True), (later, False)):
        world = World(projects=(PROJECT,), accounts=(number, account(2)), policies=(policy(on(2), CREATOR, of(1)),))
        known = Atlas(world, VOCABULARY, NOW)
        who = known.holder(number.unique_id)
        decision = known.decide(who, ASKED.id_token, on(2))
        assert decision.allowed == allowed
        assert bool(graph.reach(known, who)) == allowed
        if not allowed:
            assert [miss.why for miss in decision.misses] == [decide.EARLIER]
            assert [one.code for one in findings.check(known)] == ["member-recycled"]


def test_d6_51_recycled_person() -> None:
    """A person who confirms an address that was another's inherits nothing; a policy that knows nobody means nobody."""
    member = "user:alice@example.com"
    written = Policy(TENANT, on(1), (Binding(CREATOR, (member,)),), "etag", NOW, identities={member: "first"})
    assert asks(atlas(written), Principal("user", "first", "alice@example.com")).allowed
    assert not asks(atlas(written), Principal("user", "second", "alice@example.com")).allowed
    assert not asks(atlas(written), Principal("user", "first", "alice@example.org")).allowed
    unnamed = msgspec.structs.replace(written, identities={})
    assert not asks(atlas(unnamed), Principal("user", "first", "alice@example.com")).allowed


def test_d6_51_recycled_target() -> None:
    """A policy belongs to an account's number: a new account of the same address starts without one."""
    known = atlas(policy(on(1), CREATOR, of(2)))
    assert asks(known, known.holder("2").principal).allowed
    assert not asks(known, known.holder("2").principal, resource=on(77)).allowed


def test_d6_51_a_deleted_account_keeps_nothing_alive() -> None:
    """What stands for a deleted account in a policy means nobody who lives."""
    known = atlas(policy(on(1), CREATOR, f"deleted:{of(2)}?uid=2"))
    assert not asks(known, known.holder("2").principal).allowed


def test_d6_53_self_impersonation_is_explained() -> None:
    """An account does not act as itself, whatever a policy says, unless the tenant lets it."""
    written = policy(on(1), CREATOR, of(1))
    for permission in IMPERSONATION:
        known = atlas(written)
        found = explain.explain(known, known.holder("1"), permission, on(1))
        assert (found.allowed, found.missing) == (False, None)
        consenting = atlas(written, self_impersonation=True)
        assert explain.explain(consenting, consenting.holder("1"), permission, on(1)).allowed


def test_d6_53_no_way_leads_back() -> None:
    """No way is drawn from an account over others to itself, and none over the target."""
    known = atlas(policy(on(1), CREATOR, of(0)), policy(on(2), CREATOR, of(1)), policy(on(0), CREATOR, of(2)))
    for number in ("0", "1", "2"):
        for found in graph.reach(known, known.holder(number)):
            passed = [number, *(edge.account for edge in found.way)]
            assert len(set(passed)) == len(passed)
    # 0 can get access tokens of 1, but 1 has no role that gives ID tokens of itself.
    only = CustomRole(TENANT, "projects/acme-builds/roles/only", "Only", (ASKED.access_token,), 0)
    half = atlas(policy(on(1), only.role, of(0)), roles=(only,))
    assert not explain.explain(half, half.holder("0"), ASKED.id_token, on(1)).allowed


def test_d6_53_the_way_is_bounded() -> None:
    """A chain of accounts is followed as far as the server follows it, and no account further."""
    length = MAX_CHAIN + 3
    known = atlas(*(policy(on(one), CREATOR, of(one - 1)) for one in range(1, length)), accounts=length)
    reached = graph.reach(known, known.holder("0"))
    assert [one.hops for one in reached] == list(range(1, MAX_CHAIN))
    last = explain.explain(known, known.holder("0"), ASKED.id_token, on(MAX_CHAIN - 1))
    assert (last.allowed, last.how) == (True, "tokens")
    assert not explain.explain(known, known.holder("0"), ASKED.id_token, on(MAX_CHAIN)).allowed
    assert explain.explain(known, known.holder("0"), ASKED.id_token, on(5)).how == "delegates"
    assert explain.explain(known, known.holder("0"), ASKED.id_token, on(6)).how == "tokens"


def test_d6_53_id_tokens_lead_no_further() -> None:
    """Who can only get ID tokens of an account does not come to act as what that account could act as."""
    ids = "roles/iam.serviceAccountOpenIdTokenCreator"
    known = atlas(policy(on(1), ids, of(0)), policy(on(2), CREATOR, of(1)))
    assert [one.target for one in graph.reach(known, known.holder("0"))] == [of(1)]
    assert not explain.explain(known, known.holder("0"), ASKED.id_token, on(2)).allowed


@capability("access-check", witness="accounts in rings and chains of every length")
@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14))
@settings(max_examples=100, deadline=None)
def test_d6_53_findings(edges: set[tuple[int, int]]) -> None:
    """Every account that may act as itself and every ring of accounts is found, and nothing else is taken for one."""
    into: dict[int, list[str]] = {}
    for source, target in edges:
        into.setdefault(target, []).append(of(source))
    known = atlas(*(policy(on(target), CREATOR, *sorted(who)) for target, who in into.items()), accounts=6)
    found = findings.check(known)
    selves = {one.subject for one in found if one.code == "self-impersonation"}
    assert selves == {account(one).email for one, other in edges if one == other}
    reach = {one: {other for source, other in edges if source == one and other != one} for one in range(6)}
    for _ in range(6):
        reach = {one: far.union(*(reach[other] for other in far)) for one, far in reach.items()}
    rings = {frozenset({one, *(o for o in reach[one] if one in reach[o])}) for one in range(6)}
    named = {frozenset(one.text.partition(": ")[2].rstrip(".").split(", ")) for one in found if one.code == "cycle"}
    assert named == {frozenset(map(of, ring)) for ring in rings if len(ring) > 1}


def test_d6_53_a_project_wide_role_reaches_oneself() -> None:
    """A role on the project is one on each of its accounts, the holder included: that is found as well."""
    known = atlas(policy("projects/acme-builds", CREATOR, of(1)))
    assert [(one.severity, one.code) for one in findings.check(known)] == [("error", "self-impersonation")]


def test_d6_50_whole_pools_are_found() -> None:
    """An account for everybody in a pool is found; it is an error where a provider lets in everybody."""
    pool = Pool(TENANT, "acme-builds", "builds", 0)
    provider = PoolProvider(TENANT, "acme-builds", "builds", "ci", 0, issuer="https://ci.example")
    guarded = msgspec.structs.replace(provider, attribute_condition="assertion.owner_id == '1'")
    written = policy(on(1), CREATOR, f"principalSet://{POOL}/*")
    loose = findings.check(atlas(written, pools=(pool,), providers=(provider,)))
    assert [(one.severity, one.code) for one in loose] == [("error", "whole-pool"), ("warning", "pool-unconditioned")]
    tight = findings.check(atlas(written, pools=(pool,), providers=(guarded,)))
    assert [(one.severity, one.code) for one in tight] == [("warning", "whole-pool")]
