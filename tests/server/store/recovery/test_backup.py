"""Backups: one private file, whole, checked, and the same database when it comes back."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from intaglio import errors
from intaglio.server.store import mounts
from intaglio.server.store import open as opening
from intaglio.server.store.recovery import backup, transfer
from intaglio.server.store.recovery.manifest import Manifest
from tests import postgres
from tests.capability import capability
from tests.conformance import store_suite
from tests.server.store.recovery import filling

postgres_server = postgres.postgres_server
_numbers = itertools.count()
NOW = store_suite.NOW


WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
for line in sys.stdin:
    connection.execute("INSERT INTO installation_facts VALUES (?, 'x')", ("new " + line.strip(),))
    print("written", flush=True)
"""


def quiet(*_: object) -> None:
    """Tell nobody how far it is."""


def back_up(url: str, file: Path) -> Manifest:
    """Back a database up."""
    return asyncio.run(backup.back_up(url, file, NOW, quiet))


def restore(file: Path, url: str, *, replace: bool = False) -> Manifest:
    """Restore a backup."""
    return asyncio.run(backup.restore(file, url, NOW, quiet, replace=replace))[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        server: postgres.Server = request.getfixturevalue("postgres_server")
        yield server.create(f"backup{next(_numbers)}")


@pytest.fixture(scope="module")
def sqlite_full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with rows in every table."""
    file = tmp_path_factory.mktemp("full") / "full.db"
    asyncio.run(opening.prepare(f"sqlite:///{file}", NOW))
    filling.fill(file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def full(request: pytest.FixtureRequest, sqlite_full: str) -> str:
    """Return the URL of a database of each engine with rows in every table."""
    if request.param == "sqlite":
        return sqlite_full
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.create(f"backup{next(_numbers)}")
    asyncio.run(transfer.copy(sqlite_full, url, NOW, quiet))
    return url


@capability("db-backup", witness="Python's sqlite3, apart from our code")
def test_backup_is_one_private_sound_file(full: str, tmp_path: Path) -> None:
    """A backup is a file of its own, for its owner alone, that SQLite finds sound and that tells what it holds."""
    (tmp_path / "new").mkdir()
    made = back_up(full, tmp_path / "new" / "backup.db")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["backup.db"]
    assert (tmp_path / "new" / "backup.db").stat().st_mode & 0o777 == 0o600
    assert {one.rows for one in made.tables} == {filling.ROWS}
    assert made.engine == ("sqlite" if full.startswith("sqlite") else "postgresql")
    with sqlite3.connect(f"file:{tmp_path}/new/backup.db?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (filling.ROWS,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert asyncio.run(backup.check(tmp_path / "new" / "backup.db", quiet)) == made


@capability("db-restore", witness="counts and checksums of either engine")
def test_what_was_restored_is_what_was_backed_up(full: str, empty: str, tmp_path: Path) -> None:
    """From either engine into either engine: the same counts and checksums as a copy without a backup finds."""
    made = back_up(full, tmp_path / "backup.db")
    assert restore(tmp_path / "backup.db", empty) == made
    again = asyncio.run(transfer.copy(empty, f"sqlite:///{tmp_path}/again.db", NOW, quiet))
    assert tuple(again) == made.tables
    assert {one.state for one in asyncio.run(opening.status(empty))} == {"applied"}


def test_full_database_is_refused(sqlite_full: str, empty: str, tmp_path: Path) -> None:
    """Nothing is restored over what is there, unless it may be replaced."""
    made = back_up(sqlite_full, tmp_path / "backup.db")
    asyncio.run(opening.prepare(empty, NOW))
    store_suite.StoreSuite.run(empty, lambda store: store.write(store_suite.increment))
    with pytest.raises(errors.Misconfigured) as met:
        restore(tmp_path / "backup.db", empty)
    assert met.value.code == "rows-exist"
    assert store_suite.StoreSuite.run(empty, lambda store: store.read(store_suite.two_facts)) is not None
    assert restore(tmp_path / "backup.db", empty, replace=True) == made


def test_backup_is_not_restored_into_itself(sqlite_full: str, tmp_path: Path) -> None:
    """A backup that is named as the database too is left as it is, by whichever name."""
    made = back_up(sqlite_full, tmp_path / "backup.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "backup.db")
    with pytest.raises(errors.Misconfigured) as met:
        restore(tmp_path / "backup.db", f"sqlite:///{tmp_path}/link.db", replace=True)
    assert met.value.code == "databases-same"
    assert asyncio.run(backup.check(tmp_path / "backup.db", quiet)) == made


def test_existing_file_is_left_alone(sqlite_full: str, tmp_path: Path) -> None:
    """A backup never takes the place of a file, not even of one that is made while it is under way."""
    file = tmp_path / "backup.db"
    file.write_text("precious")
    with pytest.raises(errors.Misconfigured) as met:
        back_up(sqlite_full, file)
    assert met.value.code == "backup-exists"
    file.unlink()

    def make(*_: object) -> None:
        file.write_text("precious")

    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(backup.back_up(sqlite_full, file, NOW, make))
    assert met.value.code == "backup-exists"
    assert file.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["backup.db"]


def test_failed_backup_leaves_nothing(sqlite_full: str, tmp_path: Path) -> None:
    """A backup that fails half-way leaves neither a file nor a folder."""

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(errors.Unavailable):
        asyncio.run(backup.back_up(sqlite_full, tmp_path / "backup.db", NOW, fail))
    with pytest.raises(errors.Misconfigured) as met:
        back_up(sqlite_full, tmp_path / "none" / "backup.db")
    assert met.value.code == "backup-unusable"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM users WHERE user_id = 'Z'", "backup-damaged"),
        ("UPDATE users SET record = x'00' WHERE user_id = 'Z'", "backup-damaged"),
        ("INSERT INTO installation_facts VALUES ('more', '')", "backup-damaged"),
        ("UPDATE backup_manifest SET record = '{}'", "backup-unusable"),
        ("UPDATE backup_manifest SET record = replace(record, '\"users\"', '\"losers\"')", "backup-damaged"),
        ("DROP TABLE backup_manifest", "backup-unusable"),
        ("DROP TABLE users", "backup-unusable"),
        ("UPDATE schema_migrations SET checksum = 'x' WHERE number = 1", "migration-changed"),
    ],
)
def test_changed_backup_is_refused(sqlite_full: str, tmp_path: Path, statement: str, code: str) -> None:
    """A backup in which something was changed, or a file that is none, is refused before the database is touched."""
    back_up(sqlite_full, tmp_path / "backup.db")
    with sqlite3.connect(tmp_path / "backup.db") as connection:
        connection.execute(statement)
    with pytest.raises(errors.Misconfigured) as met:
        restore(tmp_path / "backup.db", f"sqlite:///{tmp_path}/target.db")
    assert met.value.code == code
    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is no backup is refused, and so is a file that is cut off."""
    (tmp_path / "backup.db").write_bytes(content)
    with pytest.raises(errors.Misconfigured) as met:
        restore(tmp_path / "backup.db", f"sqlite:///{tmp_path}/target.db")
    assert met.value.code == "backup-unusable"


def test_cut_backup_is_refused(sqlite_full: str, tmp_path: Path) -> None:
    """A backup of which the end is missing, as after a broken transfer, is refused."""
    back_up(sqlite_full, tmp_path / "backup.db")
    octets = (tmp_path / "backup.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(octets[: len(octets) * 2 // 3])
    with pytest.raises(errors.Misconfigured) as met:
        restore(tmp_path / "cut.db", f"sqlite:///{tmp_path}/target.db")
    assert met.value.code in {"backup-unusable", "backup-damaged"}
    assert not (tmp_path / "target.db").exists()


@capability("db-network", witness="mountinfo(5) of an NFS share")
def test_network_file_system_is_refused(sqlite_full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup is neither written to nor read from a network file system."""
    back_up(sqlite_full, tmp_path / "backup.db")
    info = tmp_path / "mountinfo"
    info.write_text(f"1 1 0:1 / {tmp_path} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", info)
    with pytest.raises(errors.Misconfigured) as met:
        back_up(sqlite_full, tmp_path / "other.db")
    assert met.value.code == "storage-on-network"
    with pytest.raises(errors.Misconfigured) as met:
        restore(tmp_path / "backup.db", sqlite_full)
    assert met.value.code == "storage-on-network"


def test_writers_go_on_while_pages_are_copied(tmp_path: Path) -> None:
    """A row that is written while pages are copied is not in the backup, does not wait for it, and breaks nothing."""
    url = f"sqlite:///{tmp_path}/store.db"
    asyncio.run(opening.prepare(url, NOW))
    filling.fill(tmp_path / "store.db", 2000)
    written: list[bytes] = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "store.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None

        def tell(what: str, *_: object) -> None:
            # Another process: in this one, closing the file would take SQLite's locks away.
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdin.write(f"{what} {len(written)}\n".encode())
            writer.stdin.flush()
            written.append(writer.stdout.readline())

        guard = threading.Timer(30, writer.kill)
        guard.start()
        made = asyncio.run(backup.back_up(url, tmp_path / "backup.db", NOW, tell))
        guard.cancel()
        writer.stdin.close()
    assert len(written) > 10
    assert set(written) == {b"written\n"}
    facts = next(one for one in made.tables if one.table == "installation_facts")
    assert facts.rows == 2000
    assert restore(tmp_path / "backup.db", f"sqlite:///{tmp_path}/again.db") == made
