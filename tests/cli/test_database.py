"""`intaglio db` and `intaglio migrate plan` as a process sees them."""

from __future__ import annotations

import json
import pathlib
import sqlite3

import pytest

from intaglio.cli.faults import Exit
from tests import postgres
from tests.capability import capability
from tests.cli.conftest import Run

postgres_server = postgres.postgres_server


def test_backup_is_restored(database: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup tells what it holds, on stdout as data and on stderr in words; restored, it is all there again."""
    assert database("tenant", "create", "acme").code == Exit.OK
    made = database("db", "backup", "acme.backup")
    assert made.code == Exit.OK, made.err
    told = {row["table"]: row for row in json.loads(made.out)}
    assert told["tenants"]["rows"] == 1
    assert len(told["tenants"]["checksum"]) == 64
    assert "checked" in made.err
    checked = database("db", "check", "acme.backup")
    assert (checked.code, checked.out) == (Exit.OK, made.out)
    assert "is whole" in checked.err
    again = database("db", "backup", "acme.backup")
    assert (again.code, again.out) == (Exit.CONFLICT, "")
    monkeypatch.setenv("INTAGLIO_DATABASE__URL", f"sqlite:///{tmp_path}/again.db")
    restored = database("db", "restore", "acme.backup")
    assert (restored.code, json.loads(restored.out)) == (Exit.OK, list(told.values()))
    assert database("tenant", "show", "acme").code == Exit.OK
    refused = database("db", "restore", "acme.backup")
    assert (refused.code, refused.out) == (Exit.CONFLICT, "")
    assert "--replace" in refused.err


def test_replacing_needs_a_yes(database: Run, tmp_path: pathlib.Path) -> None:
    """What is there is replaced only by somebody who says so twice."""
    assert database("db", "backup", "empty.backup").code == Exit.OK
    assert database("tenant", "create", "acme").code == Exit.OK
    refused = database("db", "restore", "empty.backup", "--replace")
    assert (refused.code, refused.out) == (Exit.USAGE, "")
    assert "--yes" in refused.err
    assert database("tenant", "show", "acme").code == Exit.OK
    assert database("db", "restore", "empty.backup", "--replace", "--yes").code == Exit.OK
    assert database("tenant", "show", "acme").code == Exit.NOT_FOUND


@capability("db-copy", witness="exit code and JSON on stdout, PostgreSQL")
def test_database_is_copied_both_ways(database: Run, postgres_server: postgres.Server, tmp_path: pathlib.Path) -> None:
    """To PostgreSQL and back, the counts and checksums are those of the beginning."""
    assert database("tenant", "create", "acme").code == Exit.OK
    url = postgres_server.create("cli_copy")
    there = database("db", "copy", "--to", url)
    assert there.code == Exit.OK, there.err
    back = database("db", "copy", "--from", "-", "--to", f"sqlite:///{tmp_path}/back.db", stdin=url + "\n")
    assert (back.code, back.out) == (Exit.OK, there.out), back.err
    again = database("db", "copy", "--to", url)
    assert (again.code, again.out) == (Exit.CONFLICT, "")
    table = database("db", "copy", "--to", f"sqlite:///{tmp_path}/third.db", "-o", "table")
    assert table.out.splitlines()[0].split() == ["TABLE", "ROWS", "CHECKSUM"]


@pytest.mark.parametrize(
    "arguments",
    [(), ("--from", "sqlite:///a.db", "--to", "sqlite:///a.db"), ("--from", "-", "--to", "-")],
)
def test_one_database_is_not_two(database: Run, arguments: tuple[str, ...]) -> None:
    """Where from and where to are two databases."""
    ran = database("db", "copy", *arguments)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "databases-same" in ran.err


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:canary-p4ssw0rd@host/db",
        "postgresql://user@host/db?password=canary-p4ssw0rd",
        "postgresql://user:@host/db",
        "postgresql://user:canary-p4ssw0rd@[::1/db",
    ],
)
def test_password_on_argv_is_refused(database: Run, url: str) -> None:
    """A URL with a password is not taken from the arguments, and not repeated; stdin is named instead."""
    ran = database("db", "copy", "--to", url)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "password-on-argv" in ran.err
    assert "--to -" in ran.err
    assert "canary" not in ran.err


@capability("cli-migrate-plan", witness="exit code and JSON on stdout")
def test_plan_tells_what_is_pending(database: Run, tmp_path: pathlib.Path) -> None:
    """The plan has the statements of what is pending and changes nothing; when nothing is, it is empty."""
    assert json.loads(database("migrate", "plan").out) == []
    with sqlite3.connect(tmp_path / "cli.db") as connection:
        connection.execute("DELETE FROM schema_migrations WHERE number = 8")
    plan = json.loads(database("migrate", "plan").out)
    assert [(one["number"], one["phase"], one["applied_by"]) for one in plan] == [(8, "expand", "migrate up")]
    assert any(statement.startswith("CREATE TABLE administrators") for statement in plan[0]["statements"])
    assert database("migrate", "plan", "-o", "value").out == "operation\n"
    assert "8       operation  expand" in database("migrate", "plan", "-o", "table").out
    states = {one["number"]: one["state"] for one in json.loads(database("migrate", "status").out)}
    assert states[8] == "pending"
