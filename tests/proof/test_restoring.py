"""The restore drill: back up under load, destroy, restore; what was acknowledged before the backup is there.

While the server runs, nothing is restored into its database.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import jwt
import pytest

from tests.capability import capability
from tests.postgres import Server
from tests.proof import ledger as ledgers
from tests.proof import wire
from tests.proof.browser import Browser
from tests.proof.ledger import Ledger
from tests.proof.world import CLIENT, World

WORKERS = 6
PEOPLE = 600
WITNESS = "processes of the command line, SIGKILL, PyJWT and raw HTTP"


def _copy(ledger: Ledger) -> Ledger:
    made = Ledger()
    for name, facts in vars(ledger).items():
        setattr(made, name, facts.copy())
    return made


def _between(before: Ledger, after: Ledger) -> Ledger:
    """Return what was so from before the backup began until after it had ended: so it was at the backup's instant."""
    made = _copy(before)
    for name in ("access", "refresh", "open_codes"):
        getattr(made, name).intersection_update(getattr(after, name))
    made.sessions = [session for session in before.sessions if session in after.sessions]
    # What ended is not begun again, so that what was dead before is dead; of codes under way nothing is known.
    made.unknown_codes.clear()
    return made


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "intaglio", *arguments]


def _environment(home: World) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **home.environment}


async def _live_and_back_up(home: World, file: Path) -> tuple[Ledger, str]:
    """Let people live until the server is killed, back up meanwhile; return what the backup has, and an ID token."""
    browser = await Browser.open(home.port, home.path)
    id_token = (await browser.redeem(await browser.sign_in(home.names.pop()))).json()["id_token"]
    browser.close()
    ledger = Ledger()
    living = asyncio.create_task(ledgers.live(home, home.names[1:], ledger, random.Random(3), WORKERS))
    await asyncio.sleep(0.5)
    before = _copy(ledger)
    process = await asyncio.create_subprocess_exec(
        *_command("db", "backup", str(file)), env=_environment(home), stdout=subprocess.DEVNULL
    )
    assert await process.wait() == 0
    refused = await asyncio.create_subprocess_exec(
        *_command("db", "restore", str(file), "--replace", "--yes"), env=_environment(home), stderr=subprocess.PIPE
    )
    assert b"(database-in-use)" in (await refused.communicate())[1]
    after = _copy(ledger)
    await asyncio.sleep(0.1)
    await asyncio.to_thread(home.kill)
    for failure in await living:
        assert isinstance(failure, ledgers.GONE), failure
    assert after.counts["redemptions"] > before.counts["redemptions"] > 0
    return _between(before, after), id_token


async def _verified(home: World, id_token: str) -> dict[str, Any]:
    """Return the claims of an ID token by the keys that the server publishes."""
    discovery = await wire.once(home.port, wire.request("GET", f"{home.path}/.well-known/openid-configuration"))
    address = discovery.json()["jwks_uri"].removeprefix(home.base)
    keys = jwt.PyJWKSet.from_dict((await wire.once(home.port, wire.request("GET", address))).json())
    key = keys[jwt.get_unverified_header(id_token)["kid"]]
    claims: dict[str, Any] = jwt.decode(id_token, key, algorithms=["RS256", "ES256"], audience=CLIENT)
    return claims


async def _signed_in(home: World, name: str) -> int:
    browser = await Browser.open(home.port, home.path)
    answer = await browser.redeem(await browser.sign_in(name))
    browser.close()
    return answer.status


def _drill(home: World, file: Path, destroy: Callable[[], None]) -> tuple[Counter[str], float]:
    """Go through the drill; return what was found again, and how many seconds the restoring took."""
    try:
        home.start()
        ledger, id_token = asyncio.run(_live_and_back_up(home, file))
        destroy()
        began = time.monotonic()
        subprocess.run(
            _command("db", "restore", str(file)),
            env=_environment(home),
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        took = time.monotonic() - began
        home.start()
        wrong = asyncio.run(ledgers.look_again(home, ledger))
        assert not wrong, Counter(wrong)
        assert asyncio.run(_verified(home, id_token))["iss"] == home.issuer
        assert asyncio.run(_signed_in(home, home.names[0])) == 200
    finally:
        home.kill()
    return ledger.acknowledged(), took


def _tell(capsys: pytest.CaptureFixture[str], engine: str, found: Counter[str], took: float) -> None:
    assert min(found[name] for name in ("access", "refresh", "sessions_with_consent", "used_codes")) > 0, found
    with capsys.disabled():
        counts = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
        print(f"\n{engine}: restored in {took:.1f} s, nothing missing; {counts}")  # noqa: T201


@pytest.mark.slow
@capability("restore-drill-sqlite", witness=WITNESS)
def test_restored_on_sqlite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On SQLite what was acknowledged before the backup is there, tokens verify, people sign in."""
    folder = tmp_path / "database"
    folder.mkdir()
    home = World(f"sqlite:///{folder}/proof.db", people=PEOPLE)
    _tell(capsys, "SQLite", *_drill(home, tmp_path / "proof.backup", lambda: shutil.rmtree(folder)))


@pytest.mark.slow
@capability("restore-drill-postgresql", witness=WITNESS)
def test_restored_on_postgresql(postgres_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On PostgreSQL what was acknowledged before the backup is there, tokens verify, people sign in."""
    home = World(postgres_server.create("proof_restoring"), people=PEOPLE)

    async def destroy() -> None:
        connection = await asyncpg.connect(postgres_server.url())
        await connection.execute("DROP DATABASE proof_restoring WITH (FORCE)")
        await connection.close()
        await asyncio.to_thread(postgres_server.create, "proof_restoring")

    _tell(capsys, "PostgreSQL", *_drill(home, tmp_path / "proof.backup", lambda: asyncio.run(destroy())))
