"""Findings: what each one is about, and that what is in order is not found."""

from __future__ import annotations

import msgspec
import pytest

from intaglio.dialects.google.principals import VOCABULARY
from intaglio.names import TenantId
from intaglio.server.access import findings
from intaglio.server.access.atlas import Atlas, World
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.projects import Project
from intaglio.server.model.serviceaccounts import ServiceAccount

TENANT = TenantId("t")
NOW = 1_800_000_000
DAY = 86400
ROBOT = ServiceAccount(TENANT, "robot@acme-one.iam.example", "1", "acme-one", 0)
TARGET = ServiceAccount(TENANT, "target@acme-one.iam.example", "2", "acme-one", 0)
MEMBER = f"serviceAccount:{ROBOT.email}"
KEY = AccountKey(TENANT, "1", "key", "RS256", "created", b"", NOW - 91 * DAY)
PROVIDER = PoolProvider(TENANT, "acme-one", "builds", "ci", 0, issuer="https://ci.example")
WORLD = World(
    projects=(Project(TENANT, "acme-one", 12, "Acme", 0),),
    accounts=(ROBOT, TARGET),
    pools=(Pool(TENANT, "acme-one", "builds", 0),),
)


def found(*bindings: Binding, resource: str = TARGET.resource, **changes: object) -> list[tuple[str, str, str]]:
    """Return severity, code and subject of the findings about one policy."""
    policy = Policy(TENANT, resource, bindings, "etag", NOW, identities={MEMBER: "1", "user:a@x.example": "u"})
    world = msgspec.structs.replace(WORLD, policies=(policy,), **changes)
    return [(one.severity, one.code, one.subject) for one in findings.check(Atlas(world, VOCABULARY, NOW))]


def test_what_is_in_order_is_not_found() -> None:
    """Single members with a role, a key that is young, a provider with a condition: nothing to say."""
    guarded = msgspec.structs.replace(PROVIDER, attribute_condition="assertion.owner == '1'")
    young = msgspec.structs.replace(KEY, created_at=NOW - 90 * DAY)
    creator = Binding("roles/iam.serviceAccountTokenCreator", (MEMBER, "user:a@x.example"), Condition("t", "true"))
    assert found(creator, providers=(guarded,), keys=(young,)) == []
    assert findings.check(Atlas(World(), VOCABULARY, NOW)) == []


WHERE = f"serviceAccount:{TARGET.email}"


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        (Binding("roles/gone", (MEMBER,)), ("warning", "role-gone", WHERE)),
        (Binding("roles/run.invoker", (MEMBER,), Condition("t", "nonsense")), ("error", "condition-broken", WHERE)),
        (Binding("roles/run.invoker", ("robot",)), ("warning", "member-unknown", WHERE)),
        (Binding("roles/run.invoker", ("allUsers",)), ("note", "open-service", WHERE)),
        (Binding("roles/run.invoker", ("domain:x.example",)), ("note", "open-service", WHERE)),
        (Binding("roles/iam.serviceAccountTokenCreator", ("allUsers",)), ("warning", "too-broad", WHERE)),
        (Binding("roles/run.invoker", ("user:b@x.example",)), ("warning", "member-recycled", WHERE)),
        (Binding("roles/run.invoker", (f"deleted:{MEMBER}?uid=1",)), ("note", "member-gone", WHERE)),
        (Binding("roles/iam.serviceAccountAdmin", ("user:a@x.example",)), ("note", "takeover", WHERE)),
        (Binding("roles/iam.serviceAccountKeyAdmin", (MEMBER,)), ("note", "takeover", WHERE)),
    ],
)
def test_a_finding_about_a_binding(binding: Binding, expected: tuple[str, str, str]) -> None:
    """Each kind of doubtful binding is found once, with its severity and the resource as people know it."""
    assert found(binding) == [expected]


def test_administering_oneself_is_worse() -> None:
    """An account that can make keys of itself can renew itself: a warning, not a note."""
    keys = Binding("roles/iam.serviceAccountKeyAdmin", (MEMBER,))
    assert [one[:2] for one in found(keys, resource="projects/acme-one")] == [("warning", "takeover")]
    assert [one[:2] for one in found(keys, resource=ROBOT.resource)] == [("warning", "takeover")]


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({}, True),
        ({"origin": "uploaded"}, True),
        ({"origin": "system"}, False),
        ({"disabled_at": NOW - 1}, False),
        ({"expires_at": NOW}, False),
        ({"expires_at": NOW + 1}, True),
        ({"created_at": NOW - 90 * DAY}, False),
        ({"unique_id": "404"}, False),
    ],
)
def test_old_keys(changes: dict[str, object], is_found: bool) -> None:
    """A key that a workload holds and that is believed is found when it is older than 90 days."""
    expected = [("warning", "old-key", ROBOT.email)] if is_found else []
    assert found(keys=(msgspec.structs.replace(KEY, **changes),)) == expected


def test_providers_without_a_condition() -> None:
    """A provider that takes every token of its issuer is found while it and its pool are in use."""
    assert found(providers=(PROVIDER,)) == [("warning", "pool-unconditioned", "acme-one/builds/ci")]
    assert found(providers=(msgspec.structs.replace(PROVIDER, disabled_at=NOW),)) == []
    gone = msgspec.structs.replace(WORLD.pools[0], deleted_at=NOW)
    assert found(providers=(PROVIDER,), pools=(gone,)) == []


def test_the_worst_comes_first() -> None:
    """Errors stand before warnings, warnings before notes."""
    severities = [
        one[0]
        for one in found(
            Binding("roles/run.invoker", ("allUsers",)),
            Binding("roles/gone", (MEMBER,)),
            Binding("roles/iam.serviceAccountTokenCreator", (f"serviceAccount:{TARGET.email}",)),
            Binding("roles/run.invoker", (MEMBER,), Condition("t", "(")),
        )
    ]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert "error" in severities
