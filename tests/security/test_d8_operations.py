"""Running it under attack: settings that tell secrets, proxies, limits, sockets, backups, and what stands in front."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import socket
import sqlite3

import pytest

from intaglio import errors
from intaglio.cli import faults
from intaglio.cli import opening as cli
from intaglio.errors import Misconfigured
from intaglio.server.limits.rates import Rate, Rates, TooMany
from intaglio.server.model.plan import Store
from intaglio.server.registry import personclaims
from intaglio.server.run import serve, supervisor
from intaglio.server.settings import load, secretfiles
from intaglio.server.store import open as opening
from intaglio.server.store.recovery import backup
from tests import live

ROOT = pathlib.Path(__file__).parents[2]
NOW = 1_800_000_000
CANARY = "canary-0123456789"
REST = '[standard]\nlisten = "127.0.0.1:8080"\nbase_url = "https://id.example.com"\n'


def refused(folder: pathlib.Path, text: str, mode: int = 0o600) -> str:
    """Return what is told of a configuration file that is refused."""
    path = folder / "intaglio.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(Misconfigured) as caught:
        load.load(path, {})
    return repr(caught.value.detail) + str(caught.value)


# --- settings


@pytest.mark.parametrize(
    "text",
    [
        f'[database]\nurl = "postgresql://host/db?user=me&password={CANARY}"\n',
        f'database = {{ url = "postgresql://me:{CANARY}@host/db" }}\n',
        f'"keys"."master_key" = "{live.MASTER_KEY}"\n',
        f'["ke\\u0079s"]\nmaster_key = "{live.MASTER_KEY}"\n',
    ],
    ids=["a password in the query", "an inline table", "dotted and quoted", "a header with escapes"],
)
def test_no_way_of_writing_a_secret_keeps_its_file_open(tmp_path: pathlib.Path, text: str) -> None:
    """A configuration that others can read is refused with a secret in it, however that is written down."""
    told = refused(tmp_path, text, mode=0o644)
    assert "a file that only its owner can read" in told
    assert CANARY not in told


@pytest.mark.parametrize("address", [f"https://me:{CANARY}@host:99999", f"https://me:{CANARY}@[host"])
def test_an_address_that_cannot_be_read_is_not_told(tmp_path: pathlib.Path, address: str) -> None:
    """An address with a password in it is not quoted, also where nothing can be made of it."""
    assert CANARY not in refused(tmp_path, REST.replace("https://id.example.com", address))


def test_the_file_that_was_looked_at_is_the_one_that_is_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that takes another's place between the look and the reading is looked at as well."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("good")
    good.chmod(0o600)
    bad.write_text("bad")
    bad.chmod(0o644)
    path = tmp_path / "key"
    path.symlink_to(good)
    real = pathlib.Path.stat

    def swaps(self: pathlib.Path, **more: bool) -> os.stat_result:
        found = real(self, **more)
        if self == path:
            path.unlink()
            path.symlink_to(bad)
        return found

    monkeypatch.setattr(pathlib.Path, "stat", swaps)
    assert secretfiles.read(path) == "good"


@pytest.mark.parametrize("way", ["everybody may write it", "another's"])
def test_a_strangers_configuration_is_not_taken_up(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """What lies in the folder of a command is its configuration only if nobody else can have put it there."""
    path = tmp_path / "intaglio.toml"
    path.write_text(f'[keys]\npkcs11_module = "{tmp_path}/evil.so"\n', encoding="utf-8")
    path.chmod(0o666 if way == "everybody may write it" else 0o644)
    if way == "another's":
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        os.chown(path, 12345, 12345)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misconfigured) as caught:
        cli.read(None)
    assert caught.value.code == "settings-file"
    path.write_text(REST, encoding="utf-8")
    assert cli.read(path).listeners


# --- sockets


def test_a_socket_at_another_address_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured for this machine alone is not answered at a socket of the same port that all may reach."""
    with socket.create_server(("0.0.0.0", 0)) as opened:  # noqa: S104 - what the test is about
        port = opened.getsockname()[1]
        path = tmp_path / "intaglio.toml"
        path.write_text(REST.replace("8080", str(port)))
        monkeypatch.setattr("intaglio.server.run.systemd.FIRST", os.dup(opened.fileno()))
        told = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
        with pytest.raises(Misconfigured) as caught:
            serve.doors(load.load(path, {}), told)
    assert caught.value.code == "socket-unusable"
    assert f"port {port} at 0." in str(caught.value.detail["received"])


# --- limits


@pytest.mark.parametrize("ahead", [200, 365 * 86400])
def test_a_clock_that_was_ahead_keeps_nobody_out(tmp_path: pathlib.Path, ahead: int) -> None:
    """What was counted under a clock that was far ahead, here or at another node, is no window of today's."""
    url = f"sqlite:///{tmp_path}/rates.db"
    asyncio.run(opening.prepare(url, NOW))

    async def go() -> None:
        store = await opening.open_store(url)
        try:
            await count(store)
        finally:
            await store.close()

    async def count(store: Store) -> None:
        part = ("tokens-by-client", ("tenant", "web"))
        stepped, honest, fresh = (Rates({part[0]: Rate(4, 60)}, b"k" * 32) for _ in range(3))
        for _ in range(4):
            await stepped.spend_at_once(store, NOW + ahead, part)
        for one in (honest, stepped):
            one.spend(NOW, part)
            await one.exchange(store, NOW)
            one.spend(NOW, part)
            await one.exchange(store, NOW)
        # The two of each are four by now, and that is told to everybody.
        with pytest.raises(TooMany):
            await fresh.spend_at_once(store, NOW, part)

    asyncio.run(go())


# --- backups


@pytest.mark.parametrize("record", ["7", "x'00'", "'[]'", "NULL"])
def test_a_manifest_of_another_type_is_refused(tmp_path: pathlib.Path, record: str) -> None:
    """A file whose manifest is no text is no backup, and is refused in words."""
    with sqlite3.connect(tmp_path / "backup.db") as connection:
        connection.execute("CREATE TABLE backup_manifest (record)")
        connection.execute(f"INSERT INTO backup_manifest VALUES ({record})")  # noqa: S608 - values of this test
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(backup.check(tmp_path / "backup.db", lambda *_: None))
    assert met.value.code == "backup-unusable"


# --- the index of addresses


@pytest.mark.parametrize(
    "address", ["a\0@example.com", "a@example.com\0evil", "a\x7f@example.com", "a@exam\x9bple.com"]
)
def test_an_address_has_no_control_characters(address: str) -> None:
    """What one engine's index would take for another address than the other's does is no address of a person."""
    with pytest.raises(Misconfigured) as caught:
        personclaims.check("email", address)
    assert caught.value.code == "claim-invalid"
    assert personclaims.check("email", "ä.b+c@exämple.com")


# --- what stands in front and around


def test_the_recipe_writes_no_addresses_into_a_log() -> None:
    """What nginx logs by itself has the query of every request: codes, tokens of hints, and links that work once."""
    recipe = (ROOT / "deploy" / "nginx" / "intaglio.conf").read_text(encoding="utf-8")
    servers = re.split(r"^server \{", recipe, flags=re.MULTILINE)[1:]
    assert len(servers) == 3
    for one in servers:
        assert "access_log off;" in one or "ssl_reject_handshake on;" in one


def test_who_was_refused_does_not_hurry() -> None:
    """A worker that is refused its settings, as a changed PIN, is tried again in minutes, another in seconds."""
    assert supervisor.pause(2, 1) >= 600
    assert [supervisor.pause(-9, lives) for lives in (0, 1, 2, 50, 5000)] == [0.0, 0.2, 0.4, 30.0, 30.0]
    # What is refused ends with this code.
    assert faults.code_of(Misconfigured("token-unusable", "")) == supervisor.REFUSED


def test_a_wrong_pin_is_not_tried_again() -> None:
    """A service whose settings were refused (exit code 2) is not begun anew: a few wrong PINs lock a token."""
    for unit in (ROOT / "deploy" / "systemd").glob("*.service"):
        assert "RestartPreventExitStatus=2" in unit.read_text(encoding="utf-8")
