"""Worlds for the official clients: an issuer behind Google's names, one behind names of its own, one in development."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import json
import pathlib
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from intaglio import clock
from intaglio.server import compose
from intaglio.server.model import signingkeys
from tests import live
from tests.sdk import installation, namespace, official
from tests.sdk.installation import Installation

RELAY = pathlib.Path(__file__).parent / "relay.py"
SITE = 9000
"""The port at which a program in the namespace gives out a subject token."""
OWN = "id.example.com"
"""The universe of the second world."""


class World:
    """A running issuer in its namespace, the clients that ask it, and the command line that changes it."""

    provider = installation.AUDIENCE

    def __init__(self, inside: namespace.Namespace, issuer: Installation, log: pathlib.Path) -> None:
        self.inside = inside
        self.issuer = issuer.issuer
        self.cli, self.number, self.foreign = issuer.cli, issuer.number, issuer.foreign
        names = ("worker", "target", "middle", "faraway", "lonely")
        self.worker, self.target, self.middle, self.faraway, self.lonely = map(issuer.address, names)
        self.settings = issuer.settings
        self.clients = official.Clients(inside)
        self._log = log

    @property
    def log(self) -> str:
        """All that the issuer has said."""
        return self._log.read_text(encoding="utf-8")

    def file(self, name: str, content: str | Mapping[str, Any]) -> pathlib.Path:
        """Put a file into the clients' home."""
        path = self.inside.home / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def let_a_day_pass_for_the_keys(self) -> None:
        """Put every instant of the signing keys a day back, so that the published next key signs."""

        async def put_back() -> None:
            store = await compose.open_store(self.settings[installation.DATABASE], clock.SystemClock(), create=False)
            for ring in await store.read(signingkeys.rings, "", 10):
                for key in await store.read(signingkeys.of_ring, ring):
                    told = ("active_at", "retired_at", "gone_at")
                    earlier = {name: at - 86400 for name in told if (at := getattr(key, name)) is not None}
                    await store.write(signingkeys.set_instants, msgspec.structs.replace(key, **earlier))
            await store.close()

        # A thread has no event loop yet; a browser's may be in this one.
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, put_back()).result(20)

    @functools.cached_property
    def key_file(self) -> pathlib.Path:
        """The key file of the account `worker`, as the command line wrote it."""
        path = self.inside.folder / "worker.json"
        self.cli("service-account", "key", "create", self.worker, "--output-file", str(path))
        return path


def _await(log: pathlib.Path, process: subprocess.Popen[bytes], ready: str) -> None:
    deadline = time.monotonic() + 15
    while ready not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"it did not start:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.02)


@contextlib.contextmanager
def running(inside: namespace.Namespace, words: list[str], ready: str, **env: str) -> Iterator[pathlib.Path]:
    """Run a program inside while the block lasts, from when it says that it is ready; its log has to be clean."""
    log = inside.folder / f"{secrets.token_hex(4)}.log"
    with inside.background(words, log, PYTHONPATH=installation.python_path(), **env) as process:
        _await(log, process, ready)
        yield log
    told = log.read_text(encoding="utf-8")
    assert "Traceback" not in told, told[-3000:]
    assert "eyJ" not in told, "a token in the log"


@contextlib.contextmanager
def _world(folder: pathlib.Path, universe: str) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(namespace.opened(folder, universe))
        issuer = Installation(inside, universe)
        issuer.fill()
        log = stack.enter_context(running(inside, live.command("serve"), "ready:", **issuer.settings))
        made = World(inside, issuer, log)
        agent = ["--server", issuer.issuer, "--listen", f"{namespace.METADATA}:80", "--key-file", str(made.key_file)]
        agent += ["--ca-file", str(inside.authority.ca), "--project-number", str(installation.NUMBER)]
        stack.enter_context(running(inside, live.command("metadata", "serve", *agent), "ready:"))
        site = inside.folder / "site"
        site.mkdir()
        words = [sys.executable, "-u", "-m", "http.server", str(SITE), "--bind", "127.0.0.1", "--directory", str(site)]
        stack.enter_context(running(inside, words, "Serving HTTP"))
        yield made


@pytest.fixture(scope="package")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """`intaglio serve` and an agent beside the workload, behind Google's names; one for all tests."""
    with _world(tmp_path_factory.mktemp("google"), namespace.GOOGLE) as made:
        yield made


@pytest.fixture(scope="package")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same in a universe of its own, as anybody has it who does not pass for Google."""
    with _world(tmp_path_factory.mktemp("own"), OWN) as made:
        yield made


@pytest.fixture(scope="package")
def developing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[official.Clients]:
    """`intaglio dev`, whose metadata server describes a machine, in a namespace where it is found without a setting."""
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(namespace.opened(tmp_path_factory.mktemp("developing")))
        words = live.command("dev", "--memory", "--port", "8080", "--directory", str(inside.folder / "var"))
        stack.enter_context(running(inside, words, live.READY))
        carried = [namespace.METADATA, "80", "127.0.0.1", "8081"]
        stack.enter_context(running(inside, [sys.executable, str(RELAY), *carried], "ready:"))
        yield official.Clients(inside)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, unverified."""
    return live.claims(token)
