"""The pages on backups, upgrades and PostgreSQL: every command is run as it stands, on a configured installation."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from tests import live, postgres
from tests.capability import capability

ROOT = pathlib.Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^( *)```sh run\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
WITNESS = "bash and curl"
THERE_AND_BACK = "bash and PostgreSQL"
postgres_server = postgres.postgres_server

_PREPARE = """
openssl rand -base64 32 > master.key
chmod 600 master.key
cat > intaglio.toml <<'END'
[database]
url = "sqlite:///intaglio.db"

[keys]
master_key_file = "master.key"

[standard]
listen = "127.0.0.1:8090"
base_url = "http://localhost:8090"
END
intaglio migrate up -o value
intaglio tenant create acme -o value
intaglio key rotate --tenant acme -o value
"""


def _run(page: str, folder: pathlib.Path, database: str = "") -> subprocess.CompletedProcess[str]:
    blocks = [text for _, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))]
    assert blocks
    script = "\n".join((_PREPARE, *blocks)).replace("8090", str(live.free_ports()))
    if database:
        script = script.replace("postgresql://intaglio@db.example.com/intaglio", f"'{database}'")
    # Nobody stands in front of the server who would have to notice that it stops.
    environment = live.environment() | {"INTAGLIO_SERVER__DRAIN_SECONDS": "0"}
    (folder / "bin").mkdir()
    command = folder / "bin" / "intaglio"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m intaglio "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment["PATH"] = f"{command.parent}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@capability("howto-back-up", witness=WITNESS)
def test_commands_of_the_page_on_backups_run(tmp_path: pathlib.Path) -> None:
    """What was backed up is restored, and a server publishes its keys."""
    ran = _run("docs/howto/back-up.md", tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"issuer"' in ran.stdout
    assert "checked" in ran.stderr


@capability("howto-upgrade", witness=WITNESS)
def test_commands_of_the_page_on_upgrades_run(tmp_path: pathlib.Path) -> None:
    """The plan is told, the database is brought up to date, and the drill shows the tenant."""
    ran = _run("docs/howto/upgrade.md", tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "acme"


@capability("howto-postgresql", witness=THERE_AND_BACK)
def test_commands_of_the_page_on_postgresql_run(tmp_path: pathlib.Path, postgres_server: postgres.Server) -> None:
    """There and back again every table has the same checksum."""
    ran = _run("docs/howto/postgresql.md", tmp_path, postgres_server.create("howto_postgresql"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    sums = re.findall(r"^(\w+ +\d+ +[0-9a-f]{64})$", ran.stdout, re.MULTILINE)
    assert len(sums) > 40
    assert sums[: len(sums) // 2] == sums[len(sums) // 2 :]


@pytest.mark.parametrize("page", ["back-up", "upgrade", "postgresql"])
def test_page_is_found(page: str) -> None:
    """The index leads to the page."""
    assert f"(howto/{page}.md)" in (ROOT / "docs/index.md").read_text(encoding="utf-8")
