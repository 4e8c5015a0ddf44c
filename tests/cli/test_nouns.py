"""Tenants, clients, users and keys on the database: everything that can be done, and how it ends."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli import nouns
from tests.cli.conftest import Run


@capability("cli-nouns", witness="exit codes, stdout and stderr")
def test_every_command_ends_as_it_should(database: Run) -> None:
    """Each step has its exit code; failures name theirs on stderr and write nothing on stdout; no secret is told."""
    for step in nouns.STEPS:
        ran = database(*step.words, stdin=step.stdin)
        assert ran.code == step.code, (step.words, ran.err)
        assert step.told in ran.err, step.words
        assert bool(ran.out) == (step.code == Exit.OK), step.words
        assert nouns.SECRET not in ran.out + ran.err
        assert nouns.PASSWORD not in ran.out + ran.err


@pytest.fixture
def acme(database: Run) -> Run:
    """Return `run` with a tenant that has a client and two users."""
    database("tenant", "create", "acme")
    database(
        "client", "create", "Web", "--tenant", "acme", "--client-id", "web", "--redirect-uri", "https://a.example/"
    )
    database("user", "create", "ada", "--tenant", "acme", "--no-password")
    database("user", "create", "bob", "--tenant", "acme", "--no-password")
    return database


@pytest.mark.parametrize(
    ("noun", "name", "more"), [("client", "web", ["--tenant", "acme"]), ("user", "ada", ["--tenant", "acme"])]
)
def test_disabled_and_enabled(acme: Run, noun: str, name: str, more: list[str]) -> None:
    """Disabled has its instant, which a second time does not change; enabled has none; the answer is the record."""
    first = json.loads(acme(noun, "disable", name, *more).out)
    assert first["disabled_at"]
    assert first["ended"] == {"sessions": 0, "grants": 0}
    assert json.loads(acme(noun, "disable", name, *more).out)["disabled_at"] == first["disabled_at"]
    assert json.loads(acme(noun, "show", name, *more).out)["disabled_at"] == first["disabled_at"]
    assert json.loads(acme(noun, "enable", name, *more).out)["disabled_at"] is None


def test_a_deleted_tenant_takes_everything_with_it_but_its_log(acme: Run) -> None:
    """Users and clients of a deleted tenant are not found any more; who deleted it stays on record."""
    gone = acme("tenant", "delete", "acme", "--yes")
    assert json.loads(gone.out)["slug"] == "acme"
    assert "Deleted the tenant acme." in gone.err
    for words in (("user", "list"), ("client", "list"), ("key", "list")):
        assert acme(*words, "--tenant", "acme").code == Exit.NOT_FOUND
    assert json.loads(acme("tenant", "list").out) == []


def test_a_switch_beside_other_changes(acme: Run) -> None:
    """`update --disable` changes what else is named as well, and is the same as `disable`."""
    changed = json.loads(acme("user", "update", "ada", "--tenant", "acme", "--disable", "--claim", "name=Ada").out)
    assert changed["disabled_at"]
    assert changed["claims"] == {"name": "Ada"}
    alone = json.loads(acme("client", "update", "web", "--tenant", "acme", "--disable", "--name", "Shop").out)
    assert alone["disabled_at"]
    assert alone["client_name"] == "Shop"
    assert json.loads(acme("client", "update", "web", "--tenant", "acme", "--enable").out)["disabled_at"] is None


def test_each_change_is_in_the_log(acme: Run) -> None:
    """What commands did is in the audit log, under the name of whoever ran them."""
    acme("user", "disable", "ada", "--tenant", "acme")
    acme("user", "delete", "bob", "--tenant", "acme", "--yes")
    acme("client", "delete", "web", "--tenant", "acme", "--yes")
    entries = json.loads(acme("audit", "list", "--tenant", "acme").out)
    actions = [entry["action"] for entry in entries]
    for action in ("user.disable", "user.delete", "client.delete", "client.create", "user.create", "tenant.create"):
        assert action in actions
    assert all(entry["principal"].startswith("operator") for entry in entries)


def test_a_version_that_was_seen(acme: Run) -> None:
    """With the etag that was shown a change is made; with the one of before it is not, and nothing has changed."""
    seen = json.loads(acme("user", "show", "ada", "--tenant", "acme").out)["etag"]
    change = ("user", "update", "ada", "--tenant", "acme", "--claim", "name=Ada", "--disable", "--etag")
    changed = acme(*change, seen)
    assert changed.code == Exit.OK, changed.err
    after = json.loads(acme("user", "show", "ada", "--tenant", "acme").out)
    assert after["disabled_at"]
    for words in (change, ("user", "delete", "ada", "--tenant", "acme", "--yes", "--etag")):
        late = acme(*words, seen)
        assert (late.code, late.out, "record-changed" in late.err) == (Exit.CONFLICT, "", True)
    assert json.loads(acme("user", "show", "ada", "--tenant", "acme").out) == after
    assert acme("user", "delete", "ada", "--tenant", "acme", "--yes", "--etag", after["etag"]).code == Exit.OK


def test_all_that_is_known_of_somebody(acme: Run) -> None:
    """An export is one JSON document, also on a terminal; that it was read is in the log."""
    told = json.loads(acme("user", "export", "ada", "--tenant", "acme").out)
    assert told["user"]["username"] == "ada"
    assert [entry["action"] for entry in told["audit"]] == ["user.create"]
    entries = json.loads(acme("audit", "list", "--tenant", "acme", "--action", "user.export").out)
    assert len(entries) == 1


@capability("cli-key-nouns", witness="exit codes and JSON on stdout")
def test_the_life_of_a_key(acme: Run) -> None:
    """The next key waits a day; it can begin earlier or later; what was disabled can be forgotten, and nothing else."""
    more = ("--tenant", "acme")
    first = json.loads(acme("key", "create", *more).out)
    assert first["state"] == "current"
    waiting = json.loads(acme("key", "create", *more).out)
    assert waiting["state"] == "next"
    assert json.loads(acme("key", "show", waiting["key_id"], *more).out) == waiting
    later = acme("key", "update", waiting["key_id"], "--at", "+10d", *more)
    assert json.loads(later.out)["active_at"] >= waiting["created_at"] + 10 * 86_400
    assert "warning" not in later.err
    sooner = acme("key", "update", waiting["key_id"], "--at", "+1h", *more)
    assert "warning: " in sooner.err
    relieved = json.loads(acme("key", "show", first["key_id"], *more).out)
    assert relieved["retired_at"] == json.loads(sooner.out)["active_at"]
    for words, told in (
        (("update", first["key_id"], "--at", "+1h"), "key-not-waiting"),
        (("update", waiting["key_id"], "--at", "-1h"), "instant-invalid"),
        (("update", waiting["key_id"], "--at", "tomorrow"), "--at expects"),
        (("delete", first["key_id"], "--yes"), "key-published"),
    ):
        ran = acme("key", *words, *more)
        assert (ran.code, ran.out) == (Exit.USAGE, ""), words
        assert told in ran.err
    assert json.loads(acme("key", "disable", first["key_id"], "--yes", *more).out)["state"] == "revoked"
    assert acme("key", "delete", first["key_id"], "--yes", *more).code == Exit.OK
    assert [one["key_id"] for one in json.loads(acme("key", "list", *more).out)] == [waiting["key_id"]]


@pytest.mark.parametrize("words", [("--token-file", "x"), ("--issuer", "https://a.example"), ("--ca-file", "x.pem")])
def test_what_goes_with_a_server_alone(database: Run, words: tuple[str, ...]) -> None:
    """Without `--server` there is nothing that a token could be for."""
    ran = database("tenant", "list", *words)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "--server" in ran.err


def test_a_database_or_a_server(database: Run) -> None:
    """Both at once is a usage error: it is not guessed which was meant."""
    ran = database("tenant", "list", "--config", "x.toml", "--server", "https://id.example.com")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "--config" in ran.err


def test_nothing_is_changed_here_where_a_server_is_meant(acme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With INTAGLIO_SERVER a command that knows no server is refused, and does not work on what is at hand."""
    monkeypatch.setenv("INTAGLIO_SERVER", "http://127.0.0.1:9")
    ran = acme("group", "create", "Writers", "--tenant", "acme")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "server-meant" in ran.err
    assert acme("tenant", "list", "--server", "", "-o", "value").out == "acme\n"
    monkeypatch.delenv("INTAGLIO_SERVER")
    assert json.loads(acme("group", "list", "--tenant", "acme").out) == []
