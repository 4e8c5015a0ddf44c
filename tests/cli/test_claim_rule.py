"""`intaglio claim-rule`: rules are added, listed, tried and removed, for a tenant and for a client."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

pytestmark = capability("claim-rule-cli", witness="exit code and JSON on stdout")
GREETING = "https://app.example.com/greeting"


@pytest.fixture
def prepared(database: Run) -> Run:
    """Return `run` with a tenant, a client and a user in the database."""
    assert database("tenant", "create", "default").code == Exit.OK
    words = ("--redirect-uri", "https://app.example.com/cb", "--scope", "openid profile email", "--no-pkce")
    assert database("client", "create", "Web", "--client-id", "web", *words).code == Exit.OK
    words = ("--claim", "name=Ada", "--claim", "given_name=Ada", "--no-password")
    assert database("user", "create", "ada", *words).code == Exit.OK
    return database


def _names(run: Run, *words: str) -> list[list[str]]:
    return [[one["name"], one["level"]] for one in json.loads(run("claim-rule", "list", *words).out)]


def test_rules_come_and_go(prepared: Run) -> None:
    """Each level by itself; the audit log tells of both."""
    added = prepared("claim-rule", "add", GREETING, "--template", "Hello {user.claims.given_name}")
    assert added.code == Exit.OK
    assert json.loads(added.out)["tokens"] == ["id_token", "userinfo"]
    words = ("--expression", "user.groups", "--client", "web", "--name", "Groups", "--token", "id_token")
    assert prepared("claim-rule", "add", "groups", *words).code == Exit.OK
    assert _names(prepared) == [[GREETING, "tenant"]]
    assert _names(prepared, "--client", "web") == [[GREETING, "tenant"], ["Groups", "client"]]
    assert prepared("claim-rule", "remove", GREETING).code == Exit.OK
    assert _names(prepared, "--client", "web") == [["Groups", "client"]]
    again = prepared("claim-rule", "remove", GREETING)
    assert (again.code, "claim-rule-unknown" in again.err) == (Exit.NOT_FOUND, True)
    actions = [one["action"] for one in json.loads(prepared("audit", "list").out)]
    assert sorted(one for one in actions if one.startswith("claimRule")) == [
        "claimRule.add",
        "claimRule.add",
        "claimRule.remove",
    ]


def test_an_update_of_the_client_keeps_its_rules(prepared: Run) -> None:
    """Rules are no field that an update asks for."""
    prepared("claim-rule", "add", "x", "--template", "y", "--client", "web")
    assert prepared("client", "update", "web", "--name", "Other").code == Exit.OK
    assert _names(prepared, "--client", "web") == [["x", "client"]]


@capability("claim-rule-reserved", witness="exit code and stderr")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("sub", "--template", "x"), Exit.USAGE, "claim-reserved"),
        (("_claim_sources", "--template", "x"), Exit.USAGE, "claim-reserved"),
        (("a b", "--template", "x"), Exit.USAGE, "claim-invalid"),
        (("x",), Exit.USAGE, "claim-rule-invalid"),
        (("x", "--template", "y", "--expression", "1"), Exit.USAGE, "claim-rule-invalid"),
        (("x", "--template", "{user}"), Exit.USAGE, "template-invalid"),
        (("x", "--expression", "nobody.knows"), Exit.USAGE, "expression-invalid"),
        (("x", "--template", "y", "--condition", "("), Exit.USAGE, "expression-invalid"),
        (("x", "--template", "y", "--if-scope", 'a"b'), Exit.USAGE, "scope-invalid"),
        (("x", "--template", "y", "--name", "a\u202eb"), Exit.USAGE, "name-invalid"),
        (("x", "--template", "y", "--client", "nobody"), Exit.NOT_FOUND, "client-unknown"),
        (("x", "--template", "y", "--tenant", "nobody"), Exit.NOT_FOUND, "tenant-unknown"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(prepared: Run, words: tuple[str, ...], code: int, told: str) -> None:
    """With the code of what is wrong, and nothing is kept."""
    ran = prepared("claim-rule", "add", *words)
    assert (ran.code, ran.out, f"({told})" in ran.err) == (code, "", True), ran.err
    assert _names(prepared) == []


def test_a_name_comes_once(prepared: Run) -> None:
    """Two rules for one claim have names of their own."""
    assert prepared("claim-rule", "add", "x", "--template", "y").code == Exit.OK
    assert prepared("claim-rule", "add", "x", "--template", "z").code == Exit.CONFLICT
    assert prepared("claim-rule", "add", "x", "--template", "z", "--name", "two").code == Exit.OK


def test_where_it_will_not_be_is_told(prepared: Run) -> None:
    """A name that a dialect keeps for itself, and a standard claim's scope."""
    assert "dialect auth0" in prepared("claim-rule", "add", "org_id", "--template", "y").err
    assert "scope email" in prepared("claim-rule", "add", "email", "--template", "y@example.com").err
    assert "warning" not in prepared("claim-rule", "add", GREETING, "--template", "y").err


def test_rules_are_tried(prepared: Run) -> None:
    """Kept ones and one that is not: the claims, whose they are, and why the others make none."""
    prepared("claim-rule", "add", GREETING, "--template", "Hello {user.claims.given_name}")
    prepared("claim-rule", "add", "org_id", "--template", "x", "--client", "web")
    words = ("claim-rule", "test", "--client", "web", "--user", "ada")
    told = json.loads(prepared(*words, "--dialect", "auth0").out)
    assert told == {
        "claims": {GREETING: "Hello Ada"},
        "rules": {GREETING: f"{GREETING} of the tenant"},
        "left_out": {"org_id of the client": "the dialect keeps this name for itself"},
    }
    told = json.loads(prepared(*words, "--dialect", "microsoft", "--for", "userinfo").out)
    assert (told["claims"], GREETING + " of the tenant" in told["left_out"]) == ({}, True)
    assert json.loads(prepared(*words, "--for", "userinfo").out)["claims"][GREETING] == "Hello Ada"
    extra = ("--claim", "via", "--expression", "connection.name + organization.name")
    told = json.loads(prepared(*words, *extra, "--connection", "google", "--organization", "acme").out)
    assert told["claims"]["via"] == "googleacme"
    assert _names(prepared, "--client", "web") == [[GREETING, "tenant"], ["org_id", "client"]]
    assert prepared(*words, "--template", "x").code == Exit.USAGE
    assert prepared(*words, "--claim", "x").code == Exit.USAGE


@capability("claim-rule-preview", witness="exit code and stdout")
def test_the_preview_names_the_rule(prepared: Run) -> None:
    """Its name is the reason and the origin of the claim; what makes none is told with its reason."""
    prepared("claim-rule", "add", GREETING, "--template", "Hello {user.claims.given_name}", "--name", "Greeting")
    prepared(
        "claim-rule", "add", "x", "--template", "y", "--if-scope", "email", "--client", "web", "--name", "Mail only"
    )
    words = ("token", "preview", "--client", "web", "--user", "ada", "--base-url", "https://id.example.com")
    (token,) = json.loads(prepared(*words).out)["id_tokens"]
    assert token["claims"][GREETING] == "Hello Ada"
    assert token["reasons"][GREETING] == {
        "rules": ["claim rule Greeting of the tenant"],
        "origins": ["claim rule Greeting of the tenant"],
    }
    assert token["left_out"] == {"Mail only of the client": "it takes one of the scopes email"}
    table = prepared(*words, "-o", "table").out
    assert "left out  claim rule Mail only of the client: it takes one of the scopes email" in table
