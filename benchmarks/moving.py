"""Move a database with many users: to PostgreSQL and back, into a backup and out of it; seconds and peak memory.

    python -m benchmarks.moving --users 100000

The checksums of every step have to be those of the first, or it ends with an error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from intaglio import ids
from intaglio.clock import SystemClock
from intaglio.names import UserId
from intaglio.server import compose
from intaglio.server.admin import tenants
from intaglio.server.model import users
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from tests import postgres

BATCH = 1000


class Step(NamedTuple):
    """What a command took, and what it said of the tables."""

    name: str
    seconds: float
    peak_mib: float
    tables: list[dict[str, Any]]


def _insert(people: list[User]) -> Plan[None]:
    for user in people:
        yield from users.insert(user)


async def plant(url: str, count: int) -> None:
    """Make a tenant with users who share a password's hash."""
    clock = SystemClock()
    store = await compose.open_store(url, clock, create=True)
    tenant = await tenants.create(store, clock, slug="many")
    hashed, now = "$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 22 + "$" + "B" * 43, clock.now()
    for start in range(0, count, BATCH):
        names = [f"user{number:07}" for number in range(start, min(start + BATCH, count))]
        claims = [{"name": f"Person {name}", "email": f"{name}@example.com", "email_verified": True} for name in names]
        made = [
            User(tenant.tenant_id, UserId(ids.new_uuid()), name, now, now, hashed, told)
            for name, told in zip(names, claims, strict=True)
        ]
        await store.write(_insert, made)
    await store.close()


# The kernel's own figure of a child counts what its parent had when it began.
_WRAPPED = """
import re, sys
from intaglio.cli import main
code = main.main(sys.argv[2:])
with open("/proc/self/status") as status, open(sys.argv[1], "w") as told:
    told.write(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])
sys.exit(code)
"""


def run(name: str, url: str, *arguments: str) -> Step:
    """Run a command to its end and return what it took."""
    environment = {"PATH": os.environ["PATH"], "INTAGLIO_DATABASE__URL": url}
    with tempfile.NamedTemporaryFile() as peak:
        began = time.monotonic()
        command = [sys.executable, "-c", _WRAPPED, peak.name, "db", *arguments, "-o", "json", "-q"]
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
        seconds = time.monotonic() - began
        if ended.returncode:
            raise SystemExit(f"{name}: exit code {ended.returncode}")
        return Step(name, seconds, int(peak.read()) / 1024, json.loads(ended.stdout))


def measure(folder: Path, target: str, count: int) -> list[Step]:
    """Plant, then go there and back again, by copies and by backups."""
    first = f"sqlite:///{folder}/first.db"
    asyncio.run(plant(first, count))
    return [
        run("db copy, SQLite to PostgreSQL", first, "copy", "--to", target),
        run("db copy, PostgreSQL to SQLite", target, "copy", "--to", f"sqlite:///{folder}/second.db"),
        run("db backup from SQLite", first, "backup", f"{folder}/first.backup"),
        run("db backup from PostgreSQL", target, "backup", f"{folder}/second.backup"),
        run("db restore into SQLite", f"sqlite:///{folder}/third.db", "restore", f"{folder}/second.backup"),
        run("db restore into PostgreSQL", target, "restore", f"{folder}/first.backup", "--replace", "--yes"),
    ]


def main() -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--users", type=int, default=100_000)
    chosen = options.parse_args()
    server = postgres.Server(fsync=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            steps = measure(Path(folder), server.create("moving"), chosen.users)
    finally:
        server.remove()
    for step in steps:
        if step.tables != steps[0].tables:
            raise SystemExit(f"{step.name}: other counts or checksums than at the first step")
        print(f"{step.name:<32} {step.seconds:6.1f} s {step.peak_mib:6.0f} MiB")
    rows = sum(table["rows"] for table in steps[0].tables)
    print(f"{rows:,} rows, {chosen.users:,} users, equal checksums at every step")


if __name__ == "__main__":
    main()
