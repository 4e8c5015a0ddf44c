"""Deciding: nothing but a binding allows, and nothing about other bindings changes that."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.dialects.google.principals import VOCABULARY
from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.access import decide, expressions, permits
from intaglio.server.access.decide import Decision, Indexed
from intaglio.server.model.policies import Binding, Condition, CustomRole, Policy
from tests.capability import capability

TENANT = TenantId("t")
NOW = 1_800_000_000
TARGET = "projects/acme/serviceAccounts/2"
SERVICE = "projects/acme/services/report"
ALICE = Principal("user", "u1", "alice@example.com")
ROBOT = Principal("service_account", "1", "robot@acme.iam.example", project_id="acme")
BUILD = Principal(
    "external",
    "repo:acme/app",
    project_number=12,
    pool_id="builds",
    groups=("g1",),
    attributes={"repository": "acme/app"},
)
POOL = "iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/builds"
CREATOR = "roles/iam.serviceAccountOpenIdTokenCreator"
GET = VOCABULARY.permissions.id_token
RUN = VOCABULARY.permissions.invoke[0]
IDENTITIES = {"user:alice@example.com": "u1", "serviceAccount:robot@acme.iam.example": "1"}


def policy(*bindings: Binding, resource: str = TARGET, **changes: object) -> Policy:
    """Return a policy that knows whom its members mean."""
    made = Policy(TENANT, resource, bindings, "etag", NOW, identities=IDENTITIES)
    return msgspec.structs.replace(made, **changes)


def ask(
    principal: Principal,
    permission: str,
    *policies: Policy,
    resource: str = TARGET,
    now: int = NOW,
    own: tuple[CustomRole, ...] = (),
) -> Decision:
    """Return the decision."""
    asked = permits.question(VOCABULARY, principal, permission, resource, now)
    indexed = [Indexed(one, VOCABULARY.read_member) for one in policies]
    return decide.decide(asked, indexed, permits.granted(VOCABULARY, own), expressions.judge)


@capability("access-roles", witness="table of who and what")
@pytest.mark.parametrize(
    ("principal", "member"),
    [
        (ALICE, "user:alice@example.com"),
        (ROBOT, "serviceAccount:robot@acme.iam.example"),
        (BUILD, f"principal://{POOL}/subject/repo:acme/app"),
        (BUILD, f"principalSet://{POOL}/group/g1"),
        (BUILD, f"principalSet://{POOL}/attribute.repository/acme/app"),
        (BUILD, f"principalSet://{POOL}/*"),
    ],
)
def test_a_binding_allows_what_its_role_grants(principal: Principal, member: str) -> None:
    """Each kind of member means its principal and no other; its role grants its permissions and no others."""
    one = policy(Binding(CREATOR, (member,)))
    decision = ask(principal, GET, one)
    assert decision.grounds == decide.Grounds(TARGET, CREATOR, member)
    assert not ask(principal, VOCABULARY.permissions.access_token, one).allowed
    for other in (one for one in (ALICE, ROBOT, BUILD) if one != principal):
        assert not ask(other, GET, one).allowed


def test_nothing_allows_nothing() -> None:
    """Without a policy, without a binding, or with a role that nobody knows, nothing is allowed."""
    assert not ask(ALICE, GET).allowed
    assert not ask(ALICE, GET, policy()).allowed
    assert not ask(ALICE, GET, policy(Binding("roles/owner", ("user:alice@example.com",)))).allowed
    assert not ask(ALICE, "", policy(Binding(CREATOR, ("user:alice@example.com",)))).allowed


def test_a_decision_has_no_truth_value() -> None:
    """A decision taken for a condition by mistake is an error, not a permission."""
    with pytest.raises(TypeError, match="reasons"):
        bool(ask(ALICE, GET))


@pytest.mark.parametrize("member", ["allUsers", "allAuthenticatedUsers", "domain:example.com"])
@pytest.mark.parametrize("role", [CREATOR, "roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser"])
def test_broad_members_never_impersonate(member: str, role: str) -> None:
    """Everybody and whole domains may call a service; no permission over an account reaches them."""
    granted = VOCABULARY.roles[role]
    for permission in granted:
        decision = ask(ALICE, permission, policy(Binding(role, (member,))))
        assert not decision.allowed
        assert decision.misses[0].why == decide.BROAD
    service = policy(Binding("roles/run.invoker", (member,)), resource=SERVICE)
    assert ask(ALICE, RUN, service, resource=SERVICE).allowed


def test_an_earlier_holder_is_not_the_present_one() -> None:
    """A binding means whom it meant; one that does not tell whom it meant means nobody."""
    member = "user:alice@example.com"
    later = msgspec.structs.replace(ALICE, id="u2")
    one = policy(Binding(CREATOR, (member,)))
    assert ask(later, GET, one).misses[0].why == decide.EARLIER
    unnamed = policy(Binding(CREATOR, (member,)), identities={})
    assert ask(ALICE, GET, unnamed).misses[0].why == decide.UNNAMED


@capability("access-conditions", witness="clock on both sides of an instant")
def test_a_condition_counts() -> None:
    """A binding whose condition is false or cannot be judged does not count; another one still does."""
    until = Condition("until", "request.time < timestamp('2027-01-15T08:00:00Z')")
    member = ("user:alice@example.com",)
    one = policy(Binding(CREATOR, member, until))
    assert ask(ALICE, GET, one, now=NOW - 1).grounds == decide.Grounds(TARGET, CREATOR, member[0], "until")
    assert "is false" in ask(ALICE, GET, one, now=NOW).misses[0].why
    broken = Condition("broken", "request.nothing")
    assert not ask(ALICE, GET, policy(Binding(CREATOR, member, broken))).allowed
    both = policy(Binding(CREATOR, member, broken), Binding(CREATOR, member))
    assert ask(ALICE, GET, both).allowed
    assert len(ask(ALICE, GET, both).misses) == 1


@capability("access-custom-roles", witness="table of who and what")
def test_custom_roles() -> None:
    """A custom role grants what it lists, and never takes the place of a predefined one."""
    member = ("user:alice@example.com",)
    own = CustomRole(TENANT, "projects/acme/roles/x", "X", (GET,), NOW)
    assert ask(ALICE, GET, policy(Binding("projects/acme/roles/x", member)), own=(own,)).allowed
    assert not ask(ALICE, GET, policy(Binding("projects/acme/roles/x", member))).allowed
    usurper = CustomRole(TENANT, "roles/run.invoker", "X", (GET,), NOW)
    assert not ask(ALICE, GET, policy(Binding("roles/run.invoker", member)), own=(usurper,)).allowed


_MEMBERS = st.sampled_from(
    [*IDENTITIES, "allUsers", "domain:example.com", "domain:example.org", f"principalSet://{POOL}/*",
     "user:bob@example.com", f"principal://{POOL}/subject/other", "nonsense",
     "deleted:serviceAccount:robot@acme.iam.example?uid=1"]
)  # fmt: skip
_CONDITIONS = st.sampled_from([None, Condition("t", "true"), Condition("f", "false"), Condition("b", "broken(")])
_BINDINGS = st.lists(
    st.builds(
        lambda role, members, condition: Binding(role, tuple(members), condition),
        st.sampled_from([*sorted(VOCABULARY.roles), "roles/unknown"]),
        st.lists(_MEMBERS, max_size=3),
        _CONDITIONS,
    ),
    max_size=6,
)
_WHO = st.sampled_from([ALICE, ROBOT, BUILD])
_WHAT = st.sampled_from([GET, VOCABULARY.permissions.delegate, RUN])


def means(principal: Principal, binding: Binding) -> bool:
    """Tell whether a binding names the principal."""
    return bool(set(binding.members) & VOCABULARY.members(principal))


@given(_WHO, _WHAT, _BINDINGS, _BINDINGS)
@settings(max_examples=200, deadline=None)
def test_unrelated_bindings_change_nothing(
    who: Principal, what: str, mine: list[Binding], theirs: list[Binding]
) -> None:
    """Bindings that name somebody else, or whose role grants something else, never change a decision."""
    roles = permits.granted(VOCABULARY, ())
    unrelated = [one for one in theirs if not means(who, one) or what not in roles.get(one.role, ())]
    before = ask(who, what, policy(*mine))
    assert ask(who, what, policy(*mine, *unrelated)) == before
    assert ask(who, what, policy(*unrelated, *mine)) == before


@given(_WHO, _WHAT, _BINDINGS)
@settings(max_examples=200, deadline=None)
def test_without_its_grounds_it_is_denied(who: Principal, what: str, bindings: list[Binding]) -> None:
    """The grounds of each permission are a binding that is there; once all such are gone, it is denied."""
    decision = ask(who, what, policy(*bindings))
    while decision.grounds is not None:
        grounds = decision.grounds
        cause = [one for one in bindings if one.role == grounds.role and grounds.member in one.members]
        assert cause
        bindings = [one for one in bindings if one not in cause]
        decision = ask(who, what, policy(*bindings))
    assert not decision.allowed


@given(_WHO, _WHAT, _BINDINGS)
@settings(max_examples=200, deadline=None)
def test_the_order_of_bindings_decides_nothing(who: Principal, what: str, bindings: list[Binding]) -> None:
    """Whether it is allowed does not depend on the order in which bindings were written."""
    assert ask(who, what, policy(*bindings)).allowed == ask(who, what, policy(*reversed(bindings))).allowed


def test_a_thousand_bindings_cost_what_one_does() -> None:
    """A decision over a thousand bindings of others takes no more than a few times one over a single binding."""
    mine = Binding(CREATOR, ("user:alice@example.com",))
    many = [Binding(CREATOR, (f"user:u{number}@example.com",), Condition("c", "true")) for number in range(1000)]
    asked = permits.question(VOCABULARY, ALICE, GET, TARGET, NOW)
    roles = permits.granted(VOCABULARY, ())

    def spent(one: Policy) -> float:
        indexed = [Indexed(one, VOCABULARY.read_member)]
        assert decide.decide(asked, indexed, roles, expressions.judge).allowed
        began = time.perf_counter()
        for _ in range(200):
            decide.decide(asked, indexed, roles, expressions.judge)
        return time.perf_counter() - began

    assert spent(policy(*many, mine)) < 5 * spent(policy(mine)) + 0.005
