"""The same commands over `--server`: a production server as a process, an administrator's token, the same outcome."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from intaglio import ids
from intaglio.cli import main
from intaglio.cli.faults import Exit
from intaglio.clock import SystemClock
from intaglio.server import compose
from intaglio.server.admin import administrators, bootstrap, clients
from intaglio.server.admin.administrators import Appointment
from intaglio.server.admin.clients import NewClient
from intaglio.server.model.administrators import SCOPE
from intaglio.server.registry.deeds import Actor
from intaglio.server.settings import load as settings
from tests import live
from tests.capability import capability
from tests.cli import nouns
from tests.cli.conftest import Run
from tests.cli.person import Browser, Terminal
from tests.proof.world import free_port

ROBOT = "a-secret-of-the-robot-for-this-test"
PERSON = "alice"


class Served(NamedTuple):
    """A server with administrators, and the settings that it was started with."""

    base: str
    environment: dict[str, str]

    def token(self) -> str:
        """Return an access token of the machine that administers."""
        form = {"grant_type": "client_credentials", "scope": SCOPE, "client_id": "robot", "client_secret": ROBOT}
        where = f"{self.base}/operators/token"
        with urllib.request.urlopen(where, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
            token: str = json.load(answer)["access_token"]
        return token


async def furnish(environment: dict[str, str]) -> None:
    """Make a database with two administrators: a person and a machine."""
    configured = settings.load(None, environment)
    await compose.migrate_up(configured)
    async with compose.administration(configured) as a:
        actor, clock = Actor("operator", a.clock.now()), SystemClock()
        made = await bootstrap.prepare(a.store, clock, actor)
        secret = ids.Secret(f"{PERSON}-password")
        await bootstrap.welcome(a.store, a.passwords, actor, made.secret.reveal(), PERSON, secret)
        robot = NewClient(
            client_name="Robot",
            client_id="robot",
            client_secret=ids.Secret(ROBOT),
            token_endpoint_auth_methods=("client_secret_post",),
            grant_types=("client_credentials",),
            response_types=(),
            scope=("openid", SCOPE),
        )
        await clients.create(a.store, clock, a.secrets, made.tenant.tenant_id, robot)
        await administrators.add(a.store, actor, Appointment("operators", "client", "robot"), "owner")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A production server as a process."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {
        "INTAGLIO_DATABASE__URL": f"sqlite:///{folder}/served.db",
        "INTAGLIO_KEYS__MASTER_KEY": live.MASTER_KEY,
        "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{port}",
        "INTAGLIO_STANDARD__BASE_URL": base,
        "INTAGLIO_SERVER__DRAIN_SECONDS": "0",
    }
    asyncio.run(furnish(environment))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            live.command("serve"), env={**live.environment(), **environment}, stdout=log, stderr=log, cwd=folder
        )
    try:
        _await(base, process)
        yield Served(base, environment)
    finally:
        process.terminate()
        process.wait(20)


def _await(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(base, timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("the server does not answer")


@pytest.fixture
def remote(run: Run, served: Served, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return `run` with the server and a token named by the environment, and no database anywhere."""
    token = tmp_path / "token"
    token.write_text(served.token() + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in [one for one in os.environ if one.startswith("INTAGLIO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("INTAGLIO_SERVER", served.base)
    monkeypatch.setenv("INTAGLIO_TOKEN_FILE", str(token))
    return run


@capability("cli-server", witness="exit codes, stdout and stderr, once beside the database and once over the network")
def test_both_ways_are_the_same(
    remote: Run, served: Served, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of commands ends the same beside a database of its own and over the network: code, data and words."""
    over_network = [remote(*step.words, stdin=step.stdin) for step in nouns.STEPS]
    monkeypatch.delenv("INTAGLIO_SERVER")
    monkeypatch.delenv("INTAGLIO_TOKEN_FILE")
    beside = {**served.environment, "INTAGLIO_DATABASE__URL": f"sqlite:///{tmp_path}/beside.db"}
    asyncio.run(furnish(beside))
    for name, value in beside.items():
        monkeypatch.setenv(name, value)
    for step, there in zip(nouns.STEPS, over_network, strict=True):
        here = remote(*step.words, stdin=step.stdin)
        assert (there.code, here.code) == (step.code, step.code), (step.words, there.err, here.err)
        assert nouns.settled(there.out).splitlines() == nouns.settled(here.out).splitlines(), step.words
        words = [line for line in there.err.splitlines() if not line.startswith("  ref: ")]
        assert nouns.settled("\n".join(words)) == nouns.settled(here.err.rstrip("\n")), step.words


def test_what_a_token_does_not_open(remote: Run, served: Served) -> None:
    """A token that is none is 5, and nothing is told; stdin brings one as well."""
    refused = remote("tenant", "list", "--token-file", "-", stdin="not-a-token")
    assert (refused.code, refused.out) == (Exit.NOT_AUTHENTICATED, "")
    assert "not-a-token" not in refused.err
    allowed = remote("tenant", "list", "-o", "value", "--token-file", "-", stdin=served.token())
    assert (allowed.code, allowed.out) == (Exit.OK, "operators\n")


def test_a_server_without_the_api(remote: Run, served: Served) -> None:
    """An address where nothing of administration is says so."""
    ran = remote("tenant", "list", "--server", f"{served.base}/operators")
    assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")
    assert "administration-silent" in ran.err


@capability("cli-server-login", witness="a production server as a process, and a browser")
def test_a_person_administers(served: Served, tmp_path: pathlib.Path) -> None:
    """Whoever signed in for administration lists and changes; the refresh token's successor is kept."""
    terminal = Terminal(tmp_path)
    issuer = f"{served.base}/operators"
    without = terminal.run("tenant", "list", "--server", served.base)
    assert (without.code, "intaglio login --issuer" in without.err) == (Exit.NOT_AUTHENTICATED, True)
    done = terminal.login(issuer, "--scope", f"openid {SCOPE}", browser=Browser())
    assert done.code == Exit.OK, done.err
    for _ in range(2):
        listed = terminal.run("tenant", "list", "--server", served.base, "-o", "value")
        assert (listed.code, listed.out) == (Exit.OK, "operators\n"), listed.err
    words = ("tenant", "list", "--server", served.base, "-o", "value")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # Commands at the same time use one refresh token after the other, and none that was used.
        together = [pool.submit(terminal.run, *words) for _ in range(3)]
        assert [one.result().out for one in together] == ["operators\n"] * 3
    made = terminal.run("tenant", "create", "made-by-a-person", "--server", served.base)
    assert made.code == Exit.OK, made.err
    assert terminal.run("tenant", "delete", "made-by-a-person", "--server", served.base, "--yes").code == Exit.OK


@capability("cli-doctor", witness="a production server as a process")
def test_a_server_is_looked_at(run: Run, served: Served) -> None:
    """Nothing is wrong with it but that it is not served over TLS; another name for it is."""
    healthy = run("doctor", "--issuer", f"{served.base}/operators")
    found = {one["check"]: one["outcome"] for one in json.loads(healthy.out)}
    assert healthy.code == Exit.OK, healthy.out
    assert {name for name, outcome in found.items() if outcome != "pass"} == {"scheme"}
    assert {"issuer", "keys", "public", "clock", "host", "forwarded"} <= set(found)
    assert run("doctor", "--issuer", f"{served.base}/operators/").code == Exit.USAGE
    assert run("doctor", "--issuer", f"{served.base}/nobody").code == Exit.USAGE


def test_help_of_every_command_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """The options that lead to a server are told by every command that has them."""
    for noun in ("tenant", "client", "user", "key"):
        assert main.main([noun, "show", "--help"]) == Exit.OK
        assert "--server URL" in capsys.readouterr().out
