"""`intaglio iam` as a person and a script see it: exit codes, words, and data that can be read by others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Ran, Run

PROJECT = "demo-project"
DOMAIN = f"{PROJECT}.iam.example.com"
CREATOR = "roles/iam.serviceAccountTokenCreator"
ID_TOKENS = "roles/iam.serviceAccountOpenIdTokenCreator"
OVER = ("--condition", "request.time < timestamp('2020-01-01T00:00:00Z')", "--condition-title", "old")
Give = Callable[..., Ran]


def address(name: str) -> str:
    """Return the address of an account."""
    return f"{name}@{DOMAIN}"


def member(name: str) -> str:
    """Return an account as a member."""
    return f"serviceAccount:{address(name)}"


@pytest.fixture
def iam(database: Run) -> Run:
    """Return `run` with a project, four accounts, a service and two people, and no policy at all."""
    for command in (
        ("tenant", "create", "default"),
        ("project", "create", PROJECT),
        *[
            ("service-account", "create", name, "--project", PROJECT, "--base-url", "https://accounts.example.com")
            for name in ("builder", "deploy", "target", "stranger")
        ],
        ("service", "create", "report", "--project", PROJECT, "--audience", "https://report.example.com"),
        ("user", "create", "alice", "--no-password", "--claim", "email=a@x.example", "--claim", "email_verified=true"),
        ("user", "create", "bob", "--no-password"),
    ):
        assert database(*command).code == 0, command
    return database


@pytest.fixture
def give(iam: Run) -> Give:
    """Give a role."""

    def added(resource: str, role: str, who: str, *more: str) -> Ran:
        ran = iam("policy", "add", "--resource", resource, "--role", role, "--member", who, *more)
        assert ran.code == 0, ran.err
        return ran

    return added


def why(iam: Run, who: str, target: str, permission: str = "getOpenIdToken", *more: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the explanation as another program reads it."""
    ran = iam("iam", "explain", "--as", who, "--target", target, "--permission", permission, "-o", "json", *more)
    return ran.code, json.loads(ran.out) if ran.out else {}


@pytest.mark.parametrize(
    ("who", "target", "permission", "code", "named"),
    [
        ("nobody@x.example", address("target"), "getOpenIdToken", Exit.NOT_FOUND, "principal-unknown"),
        (member("nobody"), address("target"), "getOpenIdToken", Exit.NOT_FOUND, "principal-unknown"),
        ("allUsers", address("target"), "getOpenIdToken", Exit.USAGE, "principal-invalid"),
        ("alice", "nothing@x.example", "getOpenIdToken", Exit.NOT_FOUND, "resource-unknown"),
        ("alice", "report", "invoke", Exit.USAGE, "permission-ambiguous"),
        ("alice", address("target"), "getEverything", Exit.NOT_FOUND, "permission-unknown"),
    ],
)
def test_what_is_not_there_is_told(iam: Run, who: str, target: str, permission: str, code: Exit, named: str) -> None:
    """Nobody, nothing and no such permission are told apart, and are no answer to the question."""
    ran = iam("iam", "explain", "--as", who, "--target", target, "--permission", permission)
    assert (ran.code, ran.out) == (code, "")
    assert f"({named})" in ran.err


@capability("access-explain", witness="stdout of the command, read as JSON")
def test_the_missing_edge_is_one_that_would_do(iam: Run) -> None:
    """What is named as missing, given with the command that is printed, allows it."""
    code, found = why(iam, "a@x.example", address("target"))
    assert (code, found["allowed"]) == (Exit.DENIED, False)
    missing = found["missing"]
    assert (missing["role"], missing["member"]) == (ID_TOKENS, "user:a@x.example")
    told = iam(
        "iam",
        "explain",
        "--as",
        "alice",
        "--target",
        address("target"),
        "--permission",
        "getOpenIdToken",
        "-o",
        "table",
    )
    (command,) = re.findall(r"next step: intaglio (.*)", told.out)
    assert iam(*command.split()).code == 0
    code, found = why(iam, "alice", address("target"))
    assert (code, found["how"], len(found["way"])) == (Exit.OK, "direct", 1)


@capability("access-explain", witness="stdout of the command, read as JSON")
def test_the_shortest_way_is_drawn(iam: Run, give: Give) -> None:
    """Over three accounts to a service; and not over ID tokens, which lead no further than a service."""
    give(address("builder"), CREATOR, "user:a@x.example")
    give(address("deploy"), CREATOR, member("builder"))
    give(address("target"), ID_TOKENS, member("deploy"))
    give("report", "roles/run.invoker", member("target"))
    code, found = why(iam, "user:a@x.example", "https://report.example.com", "run.routes.invoke")
    assert (code, found["how"]) == (Exit.OK, "tokens")
    assert [step["who"] for step in found["way"]] == ["user:a@x.example", *map(member, ("builder", "deploy", "target"))]
    code, found = why(iam, "a@x.example", address("target"))
    assert (code, found["how"], len(found["way"])) == (Exit.OK, "delegates", 3)
    give(address("stranger"), CREATOR, member("target"))
    assert why(iam, "a@x.example", address("stranger"))[0] == Exit.DENIED
    assert why(iam, address("target"), address("stranger"))[0] == Exit.OK


def test_a_way_is_drawn_for_people(iam: Run, give: Give) -> None:
    """On a terminal the way is a tree with the binding of each edge."""
    give(address("builder"), CREATOR, "user:a@x.example", "--condition", "true", "--condition-title", "always")
    give(address("target"), CREATOR, member("builder"))
    ran = iam(
        "iam",
        "explain",
        "--as",
        "alice",
        "--target",
        address("target"),
        "--permission",
        "getOpenIdToken",
        "-o",
        "table",
    )
    assert ran.code == Exit.OK
    lines = ran.out.splitlines()
    assert lines[0].startswith("allowed: user:a@x.example → iam.serviceAccounts.getOpenIdToken → ")
    assert f"└─ {member('builder')}  [getAccessToken, getOpenIdToken, implicitDelegation, signBlob, signJwt]" in lines
    assert f"   └─ {member('target')}  [getOpenIdToken]" in lines
    assert any(line.endswith("for user:a@x.example if 'always'") for line in lines)
    assert lines[-1] == "It works by one request that names the accounts between as delegates."


@pytest.mark.parametrize(
    ("given", "close"),
    [
        ((address("target"), ID_TOKENS, "user:a@x.example", *OVER), "the condition 'old' is false"),
        ((address("target"), "roles/iam.serviceAccountUser", "user:a@x.example"), "the role does not grant"),
        ((address("deploy"), ID_TOKENS, "user:a@x.example"), "it stands on another resource"),
        (("projects/other-project", ID_TOKENS, "user:a@x.example"), "in another project"),
    ],
)  # fmt: skip
def test_what_came_close_is_told(iam: Run, give: Give, given: tuple[str, ...], close: str) -> None:
    """A condition that is over, another role, a binding elsewhere: each is named with its reason."""
    assert iam("project", "create", "other-project").code == 0
    give(*given)
    code, found = why(iam, "alice", address("target"))
    assert (code, found["allowed"]) == (Exit.DENIED, False)
    assert close in found["close"][0]["why"]


@pytest.mark.parametrize(
    ("before", "who", "reason"),
    [
        (("service-account", "disable", address("target")), "alice", "is disabled."),
        (("service-account", "disable", address("builder")), address("builder"), "is disabled."),
        ((), "bob", "Bindings name people by their confirmed address, and this one has none."),
        ((), address("target"), "A service account does not act as itself: it could renew its tokens without end."),
        (
            (),
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/x",
            "The pool",
        ),
    ],
)
def test_what_no_binding_could_help(iam: Run, give: Give, before: tuple[str, ...], who: str, reason: str) -> None:
    """Where no binding would do there is none named as missing, but the reason."""
    give(address("target"), ID_TOKENS, "user:a@x.example")
    assert not before or iam(*before).code == 0
    code, found = why(iam, who, address("target"))
    assert (code, found["missing"]) == (Exit.DENIED, None)
    assert reason in found["reason"]


def test_external_identities(iam: Run, give: Give) -> None:
    """An identity of a pool is asked about by its name, with the groups and attributes that its token would have."""
    assert iam("federation", "pool", "create", "builds", "--project", PROJECT).code == 0
    number = json.loads(iam("project", "show", PROJECT).out)["number"]
    pool = f"iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/builds"
    give(address("target"), ID_TOKENS, f"principalSet://{pool}/attribute.repository/acme/app")
    give(address("deploy"), ID_TOKENS, f"principalSet://{pool}/group/admins")
    who = f"principal://{pool}/subject/repo:acme/app"
    assert why(iam, who, address("target"))[0] == Exit.DENIED
    assert why(iam, who, address("target"), "getOpenIdToken", "--attribute", "repository=acme/app")[0] == Exit.OK
    assert why(iam, who, address("target"), "getOpenIdToken", "--attribute", "repository=acme/ap")[0] == Exit.DENIED
    assert why(iam, who, address("deploy"), "getOpenIdToken", "--group", "admins")[0] == Exit.OK
    wrong = iam("iam", "explain", "--as", who, "--target", "report", "--permission", "invoke", "--attribute", "x")
    assert (wrong.code, wrong.out) == (Exit.USAGE, "")


@capability("access-graph", witness="stdout of the command, read as JSON, and a shortest-path search of its own")
def test_the_graph_is_what_its_edges_say(iam: Run, give: Give) -> None:
    """Who reaches whom in how many hops follows from the edges alone."""
    give(address("builder"), CREATOR, "user:a@x.example")
    give(address("deploy"), CREATOR, member("builder"))
    give(address("target"), CREATOR, member("deploy"))
    give(address("target"), ID_TOKENS, member("builder"))
    give(address("stranger"), ID_TOKENS, member("target"), "--condition", "false", "--condition-title", "never")
    told = json.loads(iam("iam", "graph", "-o", "json").out)
    short = {edge: edge.rpartition(".")[2] for one in told["edges"] for edge in one["permissions"]}
    hops: dict[tuple[str, str], int] = {}
    for one in told["reached"]:
        hops.setdefault((one["source"], one["target"]), one["hops"])
    ways: dict[str, dict[str, bool]] = {}
    for edge in told["edges"]:
        if not edge["why"]:
            leads = any(short[one] != "getOpenIdToken" for one in edge["permissions"])
            known = ways.setdefault(edge["source"], {})
            known[edge["target"]] = known.get(edge["target"], False) or leads
    expected = {}
    for source in ways:
        front, distance = {source}, 0
        while front:
            distance += 1
            reached = {(far, leads) for one in front for far, leads in ways.get(one, {}).items()}
            front = {far for far, leads in reached if leads and (source, far) not in expected and far != source}
            for far, _ in reached:
                if far != source:
                    expected.setdefault((source, far), distance)
    assert hops == expected
    assert hops["user:a@x.example", member("target")] == 2
    assert not any(target == member("stranger") for _, target in hops)
    (never,) = [edge for edge in told["edges"] if edge["condition"] == "never"]
    assert never["why"].startswith("the condition 'never' is false")


def test_the_graph_is_drawn(iam: Run, give: Give) -> None:
    """As a tree every account stands below the one before it; for Graphviz every node and edge has a line."""
    assert iam("iam", "graph", "-o", "table").out == "Nobody can become anybody else.\n"
    give(address("builder"), CREATOR, "user:a@x.example")
    give(address("target"), ID_TOKENS, member("builder"))
    tree = iam("iam", "graph", "-o", "table").out
    assert tree == iam("iam", "graph", "--format", "tree").out
    assert "user:a@x.example\n└─ " + member("builder") in tree
    assert f"   └─ {member('target')}  [getOpenIdToken]  2 hops" in tree
    dot = iam("iam", "graph", "--format", "dot").out
    assert dot.startswith("digraph access {\n")
    assert dot.endswith("}\n")
    edges = re.findall(r'^  "([^"]+)" -> "([^"]+)" \[label="([^"]+)"\];$', dot, re.MULTILINE)
    assert (member("builder"), member("target"), "getOpenIdToken") in edges
    nodes = re.findall(r'^  "([^"]+)" \[shape=(box|ellipse)\];$', dot, re.MULTILINE)
    assert dict(nodes)["user:a@x.example"] == "ellipse"
    assert len(nodes) == 5
    assert iam("iam", "graph", "-o", "value").out.splitlines()[-1].endswith(" 2")
    assert iam("iam", "graph", "--format", "dot", "-o", "json").code == Exit.USAGE


@capability("access-check", witness="stdout of the command, read as JSON")
def test_findings_and_exit_code(iam: Run, give: Give) -> None:
    """Errors make the command fail; warnings and notes do not."""
    clean = iam("iam", "check", "-o", "json")
    assert (clean.code, json.loads(clean.out)) == (Exit.OK, [])
    give("report", "roles/run.invoker", "allUsers")
    noted = iam("iam", "check", "-o", "json")
    assert (noted.code, [one["code"] for one in json.loads(noted.out)]) == (Exit.OK, ["open-service"])
    give(address("target"), CREATOR, member("deploy"))
    give(address("deploy"), CREATOR, member("target"))
    give(f"projects/{PROJECT}", CREATOR, member("builder"))
    failed = iam("iam", "check", "-o", "json")
    found = json.loads(failed.out)
    assert failed.code == Exit.DENIED
    assert [(one["severity"], one["code"]) for one in found] == [
        ("error", "cycle"),
        ("error", "self-impersonation"),
        ("note", "open-service"),
    ]
    assert "of severity error: 2" in failed.err
