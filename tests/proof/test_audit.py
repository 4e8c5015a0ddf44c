"""Two workers seal their log while they work; killed, it has an entry for all that they acknowledged."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path

import pytest

from intaglio import ids
from intaglio.server import compose
from intaglio.server.admin import auditlog
from intaglio.server.admin.auditlog import Verdict
from intaglio.server.model import sealchain
from intaglio.server.settings import load as settings
from tests.capability import capability
from tests.proof.browser import Browser
from tests.proof.world import World

pytestmark = pytest.mark.alone
SOON = 8.0


async def verified(home: World) -> Verdict:
    """Check the log as a command does, beside the server."""
    async with compose.administration(settings.load(None, home.environment)) as a:
        return await auditlog.verify(a.store, a.vault.derive(sealchain.PURPOSE))


async def people(home: World, some: range) -> list[tuple[str, str]]:
    """Let people sign in and redeem codes; return person and access token of each answer."""

    async def one(number: int) -> tuple[str, str]:
        person = await Browser.open(home.port, home.path)
        answer = await person.redeem(await person.sign_in(home.names[number]))
        person.close()
        return home.names[number], answer.json()["access_token"]

    return list(await asyncio.gather(*(one(number) for number in some)))


@capability("audit-sealing", witness="two worker processes and SIGKILL")
@capability("audit-issuance", witness="sqlite3 behind a killed process")
def test_a_killed_servers_log_is_whole_and_complete(tmp_path: Path) -> None:
    """Within seconds every entry is sealed, by one of two workers; a kill takes neither entries nor seals along."""
    file = tmp_path / "proof.db"
    home = World(f"sqlite:///{file}", people=16, server__workers="2")
    home.start()
    told = asyncio.run(people(home, range(8)))
    deadline = time.monotonic() + SOON
    while (verdict := asyncio.run(verified(home))).unsealed:
        assert time.monotonic() < deadline, verdict
        time.sleep(0.2)
    assert verdict.whole, verdict.faults
    assert verdict.entries >= 3 * 8
    told += asyncio.run(people(home, range(8, 16)))
    home.kill()
    after = asyncio.run(verified(home))
    assert after.whole, after.faults
    connection = sqlite3.connect(file)
    found = connection.execute("SELECT record, resource FROM audit_log WHERE action = 'token.issue'").fetchall()
    grants = dict(connection.execute("SELECT digest, grant_id FROM access_tokens").fetchall())
    connection.close()
    entries = {json.loads(record)["detail"]["grant_id"] for record, _ in found}
    assert {grants[ids.digest(token)] for _, token in told} <= entries
    assert after.entries + after.unsealed >= verdict.entries + 3 * 8
