"""`intaglio lifetime-policy`: policies are made, assigned, shown and taken away, and the audit log tells of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

pytestmark = capability("lifetime-policy-cli", witness="exit code and JSON on stdout")
TEN = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"0:10:00"}}'
EIGHT = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"}}'


@pytest.fixture
def prepared(database: Run) -> Run:
    """Return `run` with a tenant and a client in the database."""
    assert database("tenant", "create", "default").code == Exit.OK
    words = ("--redirect-uri", "https://app.example.com/cb", "--no-pkce")
    assert database("client", "create", "Web", "--client-id", "web", *words).code == Exit.OK
    return database


def made(run: Run, name: str, *words: str, definition: str = TEN) -> str:
    """Make a policy and return its identifier."""
    ran = run("lifetime-policy", "create", name, "--definition", definition, *words)
    assert ran.code == Exit.OK, ran.err
    return str(json.loads(ran.out)["policy_id"])


def shown(run: Run, policy: str) -> dict[str, Any]:
    """Return a policy as it is shown."""
    found = json.loads(run("lifetime-policy", "show", policy).out)
    assert isinstance(found, dict)
    return found


def test_policies_come_and_go(prepared: Run) -> None:
    """Made, listed, assigned in both ways, unassigned, deleted; the audit log has each deed."""
    policy = made(prepared, "Short")
    assert [one["seconds"] for one in json.loads(prepared("lifetime-policy", "list").out)] == [600]
    assert prepared("lifetime-policy", "assign", policy, "--application", "web").code == Exit.OK
    assert prepared("lifetime-policy", "assign", policy, "--service-principal", "web").code == Exit.OK
    found = shown(prepared, policy)
    assert (found["applications"], found["service_principals"]) == (["web"], ["web"])
    assert prepared("lifetime-policy", "unassign", policy, "--application", "web").code == Exit.OK
    assert shown(prepared, policy)["applications"] == []
    assert prepared("lifetime-policy", "delete", policy, "--yes").code == Exit.OK
    assert json.loads(prepared("lifetime-policy", "list").out) == []
    assert json.loads(prepared("tenant", "show", "default").out)["principal_policies"] == {}
    actions = [one["action"] for one in json.loads(prepared("audit", "list").out)]
    deeds = sorted(one for one in actions if one.startswith("lifetimePolicy"))
    told = [one.partition(".")[2] for one in deeds]
    assert told == ["assign", "assign", "create", "delete", "unassign"]


def test_an_assignment_takes_the_place_of_another(prepared: Run) -> None:
    """A client has one policy at most."""
    first, second = made(prepared, "First"), made(prepared, "Second", definition=EIGHT)
    for policy in (first, second):
        assert prepared("lifetime-policy", "assign", policy, "--service-principal", "web").code == Exit.OK
    assert shown(prepared, first)["service_principals"] == []
    assert shown(prepared, second)["service_principals"] == ["web"]


def test_one_default_at_most(prepared: Run) -> None:
    """A second default is refused by the first one's name."""
    made(prepared, "Everybody", "--default")
    ran = prepared("lifetime-policy", "create", "Other", "--definition", EIGHT, "--default")
    assert (ran.code, "policy-default-exists" in ran.err, "Everybody" in ran.err) == (Exit.CONFLICT, True, True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("create", "x", "--definition", "{}"), Exit.USAGE, "policy-invalid"),
        (("create", "x", "--definition", TEN.replace("10", "09")), Exit.USAGE, "policy-invalid"),
        (("create", "", "--definition", TEN), Exit.USAGE, "name-invalid"),
        (("create", "x", "--definition", TEN, "--tenant", "nobody"), Exit.NOT_FOUND, "tenant-unknown"),
        (("show", "nothing"), Exit.NOT_FOUND, "policy-unknown"),
        (("delete", "nothing", "--yes"), Exit.NOT_FOUND, "policy-unknown"),
        (("assign", "nothing", "--application", "web"), Exit.NOT_FOUND, "policy-unknown"),
        (("assign", "x"), Exit.USAGE, "--application or --service-principal"),
        (("assign", "x", "--application", "a", "--service-principal", "b"), Exit.USAGE, "one of them"),
    ],
)
def test_what_cannot_be_done(prepared: Run, words: tuple[str, ...], code: int, told: str) -> None:
    """With the code of what is wrong, and nothing is kept."""
    ran = prepared("lifetime-policy", *words)
    assert (ran.code, told in ran.err) == (code, True), ran.err
    assert json.loads(prepared("lifetime-policy", "list").out) == []


def test_who_has_no_policy(prepared: Run) -> None:
    """An unknown client, and one to which the policy is not assigned."""
    policy = made(prepared, "Short")
    ran = prepared("lifetime-policy", "assign", policy, "--application", "nobody")
    assert (ran.code, "client-unknown" in ran.err) == (Exit.NOT_FOUND, True)
    ran = prepared("lifetime-policy", "unassign", policy, "--service-principal", "web")
    assert (ran.code, "assignment-unknown" in ran.err) == (Exit.NOT_FOUND, True)
