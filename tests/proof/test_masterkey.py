"""The master key is changed under load: two processes on one database, each request of which must succeed.

The database is one of the version that knew one key alone, which is the harder case: its first key is the master key.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intaglio.clock import SystemClock
from intaglio.server import compose
from intaglio.server.keyring import unlocking
from intaglio.server.keyring.masterkeys import LocalKey
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation
from intaglio.server.settings import load
from tests.capability import capability
from tests.proof import wire
from tests.proof import world as worlds
from tests.proof.browser import Browser
from tests.proof.world import World


class OfBefore(World):
    """An installation whose master key is its only key."""

    async def _furnish(self) -> None:
        configured = load.load(None, self.environment)
        await compose.migrate_up(configured)
        store = await compose.open_store(self.url, SystemClock(), create=False)
        proof = Vault(self.key).seal(unlocking.PROOF_TEXT, unlocking.PROOF)
        await store.write(installation.keep_fact, unlocking.PROOF, proof)
        await store.close()
        await super()._furnish()


class Pair:
    """Two servers of one installation, what each has for a master key, and the load on those that are up."""

    def __init__(self, folder: Path) -> None:
        self.first = OfBefore(f"sqlite:///{folder / 'proof.db'}")
        self.second = copy.copy(self.first)
        self.second.port = worlds.free_port()
        self.second.more = {
            "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{self.second.port}",
            "INTAGLIO_STANDARD__BASE_URL": self.first.base,
        }
        self.old, self.new = self.first.key, os.urandom(32)
        self.folder = folder
        self.up: list[World] = []
        self.done = 0
        self.wrong: list[str] = []
        self.ends = False

    def command(self, *arguments: str, key: bytes) -> subprocess.CompletedProcess[str]:
        """Run a command with a master key."""
        environment = self.first.environment | {"INTAGLIO_KEYS__MASTER_KEY": base64.b64encode(key).decode()}
        return subprocess.run(
            [sys.executable, "-m", "intaglio", "masterkey", *arguments],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    async def load(self, name: str) -> None:
        """Sign in on one server; then refresh, ask who it is and fetch the keys, each time on another that is up."""
        person = await Browser.open(self.first.port, self.first.path)
        tokens = (await person.redeem(await person.sign_in(name))).json()
        person.close()
        while not self.ends:
            home = self.up[self.done % len(self.up)]
            one = await Browser.open(home.port, home.path)
            answers = [await one.refresh(tokens["refresh_token"])]
            tokens = answers[0].json() if answers[0].status == 200 else tokens
            answers.append(await one.userinfo(tokens["access_token"]))
            answers.append(await one.connection.ask(wire.request("GET", f"{home.path}/jwks")))
            one.close()
            self.wrong += [f"{answer.status} {answer.body[:200]!r}" for answer in answers if answer.status != 200]
            self.done += len(answers)
            await asyncio.sleep(0.01)

    async def restart(self, home: World) -> None:
        """Start a server again with the new master key, while the other one answers."""
        self.up.remove(home)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(home.stop)
        home.key = self.new
        await asyncio.to_thread(_start, home)
        self.up.append(home)


def _start(home: World) -> None:
    # A loop of its own: this runs on a thread.
    home.start()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two servers of one installation, running."""
    made = Pair(tmp_path)
    try:
        for home in (made.first, made.second):
            home.start()
            made.up.append(home)
        yield made
    finally:
        for home in (made.first, made.second):
            home.kill()


def _told(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def _story(pair: Pair, file: Path) -> dict[str, object]:
    users = [asyncio.create_task(pair.load(name)) for name in pair.first.names[:2]]

    async def run(*arguments: str, key: bytes) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(pair.command, *arguments, key=key)

    _told(await run("rotate", "--new-key-file", str(file), key=pair.old))
    await pair.restart(pair.second)
    await pair.restart(pair.first)
    refused = await run("retire", "--yes", key=pair.new)
    assert "master-key-in-use" in refused.stderr
    _told(await run("retire", "--yes", "--force", key=pair.new))
    resealed = _told(await run("reseal", "--close-now", key=pair.new))
    before = pair.done
    await asyncio.sleep(1.5)
    assert pair.done > before
    pair.ends = True
    await asyncio.gather(*users)
    return resealed


@capability("masterkey-rotate", witness="two servers' own clients; sqlite3")
@capability("masterkey-reseal", witness="sqlite3")
def test_no_request_fails_while_the_master_key_changes(pair: Pair, tmp_path: Path) -> None:
    """Rotate, start each again, retire, reseal, close: everybody is answered, and the old key is dead."""
    file = tmp_path / "new.key"
    file.write_text(base64.b64encode(pair.new).decode())
    file.chmod(0o600)
    began = time.monotonic()
    resealed = asyncio.run(_story(pair, file))
    assert pair.wrong == []
    assert pair.done > 50
    assert time.monotonic() - began < 60
    with sqlite3.connect(f"file:{tmp_path / 'proof.db'}?mode=ro", uri=True) as connection:
        texts = [row[0] for row in connection.execute("SELECT sealed_private FROM signing_keys")]
        texts += [row[0] for row in connection.execute("SELECT value FROM installation_facts WHERE name LIKE '%proof'")]
        wrapped = [row[0] for row in connection.execute("SELECT wrapped_by FROM vault_keys")]
    connection.close()
    heads = [json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "==")) for text in texts]
    assert len(heads) >= 2
    assert {head.get("kid") for head in heads} == {resealed["key_id"]}
    assert wrapped == [LocalKey(pair.new).name]
    shown = _told(pair.command("show", key=pair.new))
    assert [key["state"] for key in shown["keys"]] == ["closed", "sealing"]  # type: ignore[index, attr-defined]
    pair.first.stop()
    pair.first.key = pair.old
    with pytest.raises(RuntimeError, match="ended"):
        pair.first.start(tmp_path / "log")
    assert "master-key-wrong" in (tmp_path / "log").read_text()
