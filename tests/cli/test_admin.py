"""`intaglio admin`: the link of the first administrator, and who else administers."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.cli.conftest import Run

BASE = ("--base-url", "https://id.example.com/")


def test_bootstrap_prints_a_link_and_what_comes_next(database: Run) -> None:
    """The link is data, alone with -o value; words say how to sign in afterwards. Again, it is another."""
    first = database("admin", "bootstrap", *BASE)
    assert first.code == Exit.OK, first.err
    told = json.loads(first.out)
    assert told["link"].startswith("https://id.example.com/_intaglio/admin/welcome/")
    assert (told["issuer"], told["client_id"]) == ("https://id.example.com/operators", "intaglio-cli")
    assert "intaglio login --issuer https://id.example.com/operators --client-id intaglio-cli" in first.err
    assert told["link"].rpartition("/")[2] not in first.err
    again = database("admin", "bootstrap", *BASE, "-o", "value")
    assert again.out.strip() != told["link"]
    assert json.loads(database("admin", "list").out) == []


def test_bootstrap_knows_the_configured_address(database: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link leads to where administration answers, the issuer is the standard dialect's."""
    assert (refused := database("admin", "bootstrap")).code == Exit.USAGE
    assert "base-url-missing" in refused.err
    monkeypatch.setenv("INTAGLIO_STANDARD__LISTEN", "127.0.0.1:8080")
    monkeypatch.setenv("INTAGLIO_STANDARD__BASE_URL", "https://id.example.com")
    assert json.loads(database("admin", "bootstrap").out)["link"].startswith("https://id.example.com/")
    monkeypatch.setenv("INTAGLIO_ADMIN__LISTEN", "127.0.0.1:8070")
    monkeypatch.setenv("INTAGLIO_ADMIN__BASE_URL", "https://admin.internal.example")
    told = json.loads(database("admin", "bootstrap").out)
    assert told["link"].startswith("https://admin.internal.example/_intaglio/admin/welcome/")
    assert told["issuer"] == "https://id.example.com/operators"


def test_administration_needs_an_address_and_a_port_of_its_own(database: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it, or a dialect's port, is refused by name."""
    monkeypatch.setenv("INTAGLIO_STANDARD__LISTEN", "127.0.0.1:8080")
    monkeypatch.setenv("INTAGLIO_STANDARD__BASE_URL", "https://id.example.com")
    monkeypatch.setenv("INTAGLIO_ADMIN__LISTEN", "127.0.0.1:8080")
    half = database("config", "check")
    assert half.code == Exit.USAGE
    assert "admin.base_url" in half.err
    monkeypatch.setenv("INTAGLIO_ADMIN__BASE_URL", "https://id.example.com")
    both = database("config", "check")
    assert "admin.listen" in both.err
    assert "admin.base_url" in both.err


def test_operators_move_in_with_nobody(database: Run) -> None:
    """A tenant with people in it is not made one of operators."""
    database("tenant", "create", "acme", "-q")
    database("user", "create", "ada", "--tenant", "acme", "--no-password", "-q")
    ran = database("admin", "bootstrap", *BASE, "--tenant", "acme")
    assert ran.code != Exit.OK
    assert "tenant-occupied" in ran.err
    assert database("admin", "bootstrap", *BASE, "--tenant", "staff").code == Exit.OK


def test_administrators_are_added_changed_and_removed(database: Run) -> None:
    """A user by name, a program by client_id; one role a scope; the last owner stays."""
    database("tenant", "create", "acme", "-q")
    database("user", "create", "ada", "--tenant", "acme", "--no-password", "-q")
    robot = ("client", "create", "Robot", "--tenant", "acme", "--client-id", "robot", "--grant-type")
    assert database(*robot, "client_credentials", "--scope", "intaglio.admin").code == Exit.OK
    ada = ("--tenant", "acme", "--user", "ada")
    assert database("admin", "add", *ada, "--role", "viewer").code == Exit.OK
    assert database("admin", "add", *ada, "--role", "owner").code == Exit.OK
    assert (
        database("admin", "add", "--tenant", "acme", "--client", "robot", "--role", "manager", "--scope", "acme").code
        == 0
    )
    listed = json.loads(database("admin", "list").out)
    assert [(one["kind"], one["role"], bool(one["scope"])) for one in listed] == [
        ("client", "manager", True),
        ("user", "owner", False),
    ]
    refused = database("admin", "remove", *ada, "--yes")
    assert (refused.code, "last-owner" in refused.err) == (Exit.CONFLICT, True)
    assert database("admin", "remove", "--tenant", "acme", "--client", "robot", "--scope", "acme", "--yes").code == 0
    gone = database("admin", "remove", "--tenant", "acme", "--client", "robot", "--scope", "acme", "--yes")
    assert (gone.code, "administrator-unknown" in gone.err) == (Exit.NOT_FOUND, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--tenant", "acme", "--role", "viewer"),
        ("--tenant", "acme", "--user", "a", "--client", "b", "--role", "viewer"),
        ("--tenant", "acme", "--user", "a", "--role", "king"),
        ("--user", "a", "--role", "viewer"),
    ],
)
def test_who_is_meant_has_to_be_said(database: Run, words: tuple[str, ...]) -> None:
    """Exactly one of user and client, a tenant, and a role that there is."""
    assert database("admin", "add", *words).code == Exit.USAGE


def test_removing_asks(database: Run) -> None:
    """Without a terminal and without --yes nobody is dismissed."""
    ran = database("admin", "remove", "--tenant", "acme", "--user", "ada")
    assert "confirmation-missing" in ran.err
