"""`intaglio audit`: what every command leaves in the log, who reads it, and whether it is still whole."""

from __future__ import annotations

import json
import pathlib
import sqlite3
from typing import Any

import pytest

from intaglio import clock as clocks
from intaglio.cli import opening
from intaglio.cli.faults import Exit
from intaglio.cli.opening import Administration
from intaglio.server.jobs.sealing import Sealer
from intaglio.server.model import sealchain
from tests.capability import capability
from tests.cli import nouns
from tests.cli.conftest import Ran, Run

READING = {"list", "show", "sessions"}


def seal(now: int) -> int:
    """Seal what waits, as a server would."""

    async def work(a: Administration) -> int:
        key = a.vault.derive(sealchain.PURPOSE)
        return await Sealer(a.store, clocks.FixedClock(now), key, 0).seal() or 0

    return opening.administer(None, work)


def rows(folder: pathlib.Path, statement: str) -> list[Any]:
    """Ask the database file, as another program, or do something to it."""
    connection = sqlite3.connect(folder / "cli.db")
    with connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found


def told(ran: Ran) -> Any:
    """Return what a command that worked wrote."""
    assert ran.code == Exit.OK, ran.err
    return json.loads(ran.out)


@capability("audit-before-after", witness="sqlite3")
def test_every_command_that_changes_something_is_in_the_log(database: Run, tmp_path: pathlib.Path) -> None:
    """Each noun's verbs leave an entry with who did it; those that read, and those that fail, leave none."""
    count = "SELECT COUNT(*) FROM audit_log"
    silent, noisy = [], []
    for words, code, _, stdin in nouns.STEPS:
        before = rows(tmp_path, count)[0][0]
        assert database(*words, stdin=stdin).code == code, words
        came = rows(tmp_path, count)[0][0] - before
        changes = code == Exit.OK and words[1] not in READING and words[2] not in READING
        if changes and not came:
            silent.append(words)
        if not changes and came:
            noisy.append(words)
    assert (silent, noisy) == ([], [])
    assert {name[0].partition(":")[0] for name in rows(tmp_path, "SELECT DISTINCT principal FROM audit_log")} == {
        "operator"
    }
    text = str(rows(tmp_path, "SELECT * FROM audit_log"))
    assert nouns.SECRET not in text
    assert nouns.PASSWORD not in text
    assert "argon2" not in text


@capability("audit-before-after", witness="JSON on stdout")
def test_an_entry_tells_before_and_after(database: Run) -> None:
    """What was changed is there as it was and as it is; a secret only as having changed."""
    database("tenant", "create", "acme", "--name", "Acme")
    database("tenant", "update", "acme", "--name", "Acme Ltd")
    (entry,) = told(database("audit", "list", "--tenant", "acme", "--action", "tenant.update"))
    assert (entry["before"]["name"], entry["after"]["name"]) == ("Acme", "Acme Ltd")
    assert set(entry["before"]) <= {"name", "updated_at"}
    database("user", "create", "ada", "--tenant", "acme", "--password-file", "-", stdin="correct horse")
    database("user", "password", "ada", "--tenant", "acme", "--password-file", "-", stdin="another one entirely")
    (entry,) = told(database("audit", "list", "--tenant", "acme", "--action", "user.password"))
    assert entry["after"]["password_hash"] == "(redacted)"


@pytest.fixture
def sealed(database: Run, tmp_path: pathlib.Path) -> Run:
    """Return `run` with a log of two tenants under two seals."""
    for slug in ("acme", "shop"):
        assert database("tenant", "create", slug).code == Exit.OK
        assert database("user", "create", "ada", "--tenant", slug, "--no-password").code == Exit.OK
        assert seal(1_800_000_000 + len(slug) * 100) == 2
        rows(tmp_path, "DELETE FROM duties RETURNING 1")
    return database


@capability("audit-verify", witness="sqlite3")
def test_a_broken_log_is_found(sealed: Run, tmp_path: pathlib.Path) -> None:
    """Whole, it says so and names its head; changed by another program, it ends with 1, the seal and what to do."""
    whole = sealed("audit", "verify", "-o", "json")
    verdict = told(whole)
    assert (verdict["whole"], verdict["seals"], verdict["entries"], verdict["unsealed"]) == (True, 2, 4, 0)
    assert "Whole: 4 entries under 2 seals" in whole.err
    assert sealed("audit", "verify", "--after", verdict["head"]).code == Exit.OK
    rows(
        tmp_path,
        "UPDATE audit_log SET principal = 'operator:eve' WHERE seal = 1 AND action = 'user.create' RETURNING 1",
    )
    broken = sealed("audit", "verify", "-o", "json")
    assert broken.code == Exit.UNEXPECTED
    assert json.loads(broken.out)["faults"] == [
        {"kind": "changed", "seal": 1, "words": "Entries of it, or the seal before it, were changed."}
    ]
    assert "audit-log-broken" in broken.err
    assert "Seal 1:" in broken.err
    assert sealed("audit", "verify", "--after", verdict["head"]).code == Exit.OK
    rows(tmp_path, "DELETE FROM audit_log RETURNING 1")
    rows(tmp_path, "DELETE FROM audit_seals RETURNING 1")
    gone = sealed("audit", "verify", "-o", "value")
    assert (gone.code, gone.out.strip()) == (Exit.UNEXPECTED, "0:" + "00" * 32)
    assert sealed("audit", "verify", "--after", verdict["head"]).code == Exit.UNEXPECTED
    assert sealed("audit", "verify", "--after", "nonsense").code == Exit.USAGE


@capability("audit-export", witness="NDJSON on stdout")
def test_the_log_is_exported_line_by_line(sealed: Run, tmp_path: pathlib.Path) -> None:
    """One entry a line; of all tenants, also those that are gone and the installation itself, or of one."""
    rows(tmp_path, "UPDATE audit_log SET tenant_id = '' WHERE action = 'user.create' AND seal = 2 RETURNING 1")
    assert sealed("tenant", "delete", "shop", "--yes").code == Exit.OK
    ran = sealed("audit", "export")
    entries = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.err.strip() == f"Entries: {len(entries)}."
    assert {(one["tenant_id"] == "", one["action"]) for one in entries} >= {
        (True, "user.create"),
        (False, "tenant.delete"),
    }
    assert len({one["entry_id"] for one in entries}) == len(entries)
    only = sealed("audit", "export", "--tenant", "acme", "--action", "user.create").out.splitlines()
    assert [json.loads(line)["resource"].partition("/")[0] for line in only] == ["users"]
    assert sealed("audit", "export", "--since", "+1h").out == ""
    assert len(sealed("audit", "export", "--until", "+1h").out.splitlines()) == len(entries)
    assert sealed("audit", "export", "--since", "yesterday").code == Exit.USAGE
    assert sealed("audit", "export", "--tenant", "nobody").code == Exit.NOT_FOUND
    (entry,) = told(sealed("audit", "list", "--tenant", "-"))
    assert entry["action"] == "user.create"


@capability("audit-export", witness="JSON on stdout")
def test_the_log_is_found_by_reference_and_time(sealed: Run, tmp_path: pathlib.Path) -> None:
    """Of one request, from an instant on, before an instant."""
    rows(tmp_path, "UPDATE audit_log SET ref = 'ref_1' WHERE action = 'user.create' RETURNING 1")
    (entry,) = told(sealed("audit", "list", "--tenant", "acme", "--ref", "ref_1"))
    assert (entry["action"], entry["ref"]) == ("user.create", "ref_1")
    assert len(told(sealed("audit", "list", "--tenant", "acme", "--since", "-1h"))) == 2
    assert told(sealed("audit", "list", "--tenant", "acme", "--until", "-1h")) == []
    assert "--until expects" in sealed("audit", "list", "--until", "then").err


def test_no_entry_drives_the_terminal_of_who_reads_it(database: Run, tmp_path: pathlib.Path) -> None:
    """What somebody had written into the log is escaped where a terminal would obey it; other letters stay."""
    name = "user:\u009b31mé\u202e\x7f"
    insert = "INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, ref, record)"
    rows(tmp_path, f"{insert} VALUES ('', 'x', 1, 'test', '{name}', '', '', '', CAST('{{}}' AS BLOB))")
    ran = database("audit", "export", "--action", "test")
    assert ran.code == Exit.OK
    assert ran.out.rstrip("\n").isprintable()
    assert "é" in ran.out
    assert told(ran)["principal"] == name
