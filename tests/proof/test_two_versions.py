"""The version before the newest migration and this one on one database at once, while it is migrated under load."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from intaglio.server.store import open as opening
from intaglio.server.store import queries
from tests.capability import capability
from tests.postgres import Server
from tests.proof import conftest
from tests.proof import ledger as ledgers
from tests.proof.ledger import Ledger
from tests.proof.world import World

ROOT = Path(__file__).parents[2]
MIGRATIONS = "src/intaglio/server/store/sql/migrations"
PEOPLE = 12
WORKERS = 3
KNOWN = ("INTAGLIO_DATABASE__URL", "INTAGLIO_KEYS__MASTER_KEY", "INTAGLIO_STANDARD__")
_FURNISH = """
import base64, sys
from tests.proof.world import World
print(base64.b64encode(World(sys.argv[1], people=int(sys.argv[2])).key).decode())
"""


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, timeout=60).stdout


def _commit_before() -> str:
    """Return the parent of the commit that brought the newest migration."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("the version before is taken from the history, which is not here")
    newest = max(queries.migration_files())[:4]
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{MIGRATIONS}/{newest}_*").split()
    # One that is not committed yet is newer than all of the history.
    commit = f"{added[-1].decode()}^" if added else "HEAD"
    try:
        return _git("rev-parse", "--verify", "--quiet", commit).decode().strip()
    except subprocess.CalledProcessError:
        pytest.skip("the history does not reach back to the version before")


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the version before."""
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=BytesIO(_git("archive", _commit_before(), "src", "tests/proof"))) as archive:
        archive.extractall(folder, filter="data")
    return folder


class Node(World):
    """A node on a database that is furnished already, under the base URL of the first one."""

    def __init__(self, url: str, key: bytes, names: list[str], base: str | None = None) -> None:
        super().__init__(url, people=len(names))
        self.key = key
        self.names = names
        self.base = base or self.base

    async def _furnish(self) -> None:
        """Nothing: it is there."""


class OlderNode(Node):
    """A node that runs the version before."""

    def __init__(self, folder: Path, url: str, people: int) -> None:
        self.folder = folder
        environment = {"PATH": os.environ["PATH"], **self._code()}
        command = [sys.executable, "-c", _FURNISH, url, str(people)]
        furnished = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, timeout=60)
        super().__init__(url, base64.b64decode(furnished.stdout), [f"user{number}" for number in range(people)])

    def _code(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{self.folder / 'src'}:{self.folder}"}

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the server as far as every version knows them, and where its code is."""
        known = {name: value for name, value in super().environment.items() if name.startswith(KNOWN)}
        return known | self._code()

    @property
    def knows_phases(self) -> bool:
        """Whether it accepts a database that was only expanded."""
        return "schema_phases" in (self.folder / "src/intaglio/server/store/sql/migrations.sql").read_text()


async def _together(lives: list[tuple[World, list[str], Ledger]], *also: object) -> None:
    """Let people live at several nodes at once, and nobody meet with a failure."""
    chance = random.Random(7)
    outcomes = await asyncio.gather(
        *(ledgers.live(home, names, ledger, chance, WORKERS) for home, names, ledger in lives), *also
    )
    assert not any(outcomes[: len(lives)]), outcomes


async def _migrate(home: World) -> None:
    """Migrate while people live; there must be something to do."""
    await asyncio.sleep(0.1)
    assert any(one.state == "pending" for one in await opening.status(home.url))
    assert {one.state for one in await opening.prepare(home.url, 1)} == {"applied"}


def _prove(older: Path, url: str) -> None:
    before = OlderNode(older, url, 3 * PEOPLE)
    after = Node(url, before.key, before.names, before.base)
    names = [before.names[start::3] for start in range(3)]
    first, second, third = Ledger(), Ledger(), Ledger()
    try:
        before.start()
        asyncio.run(_together([(before, names[0], first)], _migrate(before)))
        after.start()
        asyncio.run(_together([(before, names[1], second), (after, names[2], third)]))
        for home, ledger in ((after, first), (after, second), (before, third)):
            wrong = asyncio.run(ledgers.look_again(home, ledger))
            assert not wrong, Counter(wrong)
            assert ledger.counts["redemptions"] >= PEOPLE
        assert before.stop() == 0
        if before.knows_phases:
            before.start()
    finally:
        before.kill()
        after.kill()


@pytest.mark.slow
@capability("two-versions", witness="the code of the commit before the newest migration, as a process")
def test_two_versions_on_sqlite(older: Path, tmp_path: Path) -> None:
    """On SQLite both versions work through the migration and side by side; each honours what the other gave."""
    _prove(older, conftest.sqlite_url(tmp_path))


@pytest.mark.slow
@capability("two-versions", witness="the code of the commit before the newest migration, as a process")
def test_two_versions_on_postgresql(older: Path, postgres_server: Server) -> None:
    """On PostgreSQL both versions work through the migration and side by side; each honours what the other gave."""
    _prove(older, postgres_server.create("proof_two_versions"))
