"""Groups, roles and directory roles: who asks for them, how many fit, and what stands there if they do not."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.dialects.microsoft import claims
from intaglio.protocol.facts import Membership
from tests.capability import capability
from tests.dialects.microsoft import facts

pytestmark = capability("microsoft-groups", witness="values at the limits")

SECURITY = {"groupMembershipClaims": "SecurityGroup"}


def by_claim(*properties: str) -> dict[str, Any]:
    """Return settings with the optional claim `groups`."""
    return {"optionalClaims": {"idToken": [{"name": "groups", "additionalProperties": list(properties)}]}}


def made(count: int, settings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the claims of a member of that many groups."""
    return claims.id_token(facts.of(memberships=facts.groups(count), client_settings=settings, **changes))


@pytest.mark.parametrize("count", [199, 200])
def test_groups_fit(count: int) -> None:
    """199 and 200 groups are in the token."""
    told = made(count, SECURITY)
    assert len(told["groups"]) == count
    assert not {"hasgroups", "_claim_names", "_claim_sources"} & told.keys()


def test_201_groups_are_elsewhere() -> None:
    """The 201st group takes all of them out, and the token says where they are."""
    told = made(201, SECURITY)
    endpoint = f"https://login.example.test/{facts.TENANT}/users/{facts.USER}/getMemberObjects"
    assert told["_claim_names"] == {"groups": "src1"}
    assert told["_claim_sources"] == {"src1": {"endpoint": endpoint}}
    assert not {"groups", "hasgroups"} & told.keys()
    v1 = claims.id_token(facts.v1(memberships=facts.groups(201), client_settings=SECURITY))
    assert v1["_claim_sources"] == told["_claim_sources"]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_token_through_the_browser_holds_five(version: str) -> None:
    """Five groups are in the token; with six it says that there are some, and no more."""
    assert len(made(5, SECURITY, through_browser=True, variant=version)["groups"]) == 5
    told = made(6, SECURITY, through_browser=True, variant=version)
    assert told["hasgroups"] is True
    assert not {"groups", "_claim_names", "_claim_sources"} & told.keys()


@pytest.mark.parametrize("settings", [{}, {"groupMembershipClaims": "None"}])
def test_groups_are_told_where_they_are_asked_for(settings: dict[str, Any]) -> None:
    """Without the application's setting there is nothing, however many groups."""
    for count in (1, 201):
        assert not {"groups", "wids", "_claim_names"} & made(count, settings).keys()


@pytest.mark.parametrize(
    ("asked", "groups", "wids"),
    [
        ("SecurityGroup", ["s", "a"], None),
        ("ApplicationGroup", ["a"], None),
        ("DirectoryRole", None, ["d"]),
        ("All", ["s", "a"], ["d"]),
        ("ApplicationGroup, DirectoryRole", ["a"], ["d"]),
    ],
)
def test_each_kind_by_itself(asked: str, groups: list[str] | None, wids: list[str] | None) -> None:
    """Security groups, directory roles, and those groups that have a role in the application."""
    known = (
        Membership("s", "Staff", "security"),
        Membership("a", "App", "security", assigned=True),
        Membership("d", "Global Reader", "directory_role"),
    )
    told = claims.id_token(facts.of(memberships=known, client_settings={"groupMembershipClaims": asked}))
    assert (told.get("groups"), told.get("wids")) == (groups, wids)


def test_groups_by_name_and_as_roles() -> None:
    """Names instead of identifiers; as roles they take the place of the application's own."""
    assert made(2, by_claim("cloud_displayname"))["groups"] == ["Group 0", "Group 1"]
    assert made(1, by_claim("sam_account_name"))["groups"] == ["00000000-0000-4000-8000-000000000000"]
    told = made(1, by_claim("emit_as_roles", "cloud_displayname"), roles=("Task.Write",))
    assert told["roles"] == ["Group 0"]
    assert "groups" not in told
    assert made(0, by_claim("emit_as_roles"), roles=("Task.Write",))["roles"] == ["Task.Write"]


def test_roles_are_those_of_the_application() -> None:
    """With roles they are there in both versions, whatever the settings; without any there is no claim."""
    for known in (facts.of(roles=("Task.Write", "Task.Read")), facts.v1(roles=("Task.Write", "Task.Read"))):
        assert claims.id_token(known)["roles"] == ["Task.Write", "Task.Read"]
    assert "roles" not in claims.id_token(facts.MEMBER)
