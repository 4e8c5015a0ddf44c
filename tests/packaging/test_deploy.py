"""What stands under deploy/: linters of each kind, what the files promise to one another, and a confined server."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from ruamel.yaml import YAML

from intaglio.server.settings import load
from intaglio.server.settings.records import Settings
from tests import live
from tests.capability import capability
from tests.proof.browser import Browser
from tests.proof.world import World, free_port

ROOT = pathlib.Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
UNITS = ("intaglio.service", "intaglio-work.service")
CALLS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
HIGHEST_EXPOSURE = 15
"""Tenths, as `systemd-analyze security --threshold` counts; 100 is the worst."""


def need(program: str) -> str:
    """Return the path of a program, beside this Python or on the path; without it skip."""
    found = shutil.which(program, path=f"{pathlib.Path(sys.executable).parent}:/usr/sbin:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def run(*words: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it said."""
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)


def container_file() -> list[list[str]]:
    """Return the instructions of the container file, each as its words."""
    text = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [line.split() for line in lines if line]


@capability("container-file", witness="hadolint")
def test_the_container_file_is_sound() -> None:
    """The linter finds nothing; the image is not root's by number, has a health check, and holds what there is."""
    linted = run(need("hadolint"), DEPLOY / "container" / "Containerfile")
    assert linted.returncode == 0, linted.stdout + linted.stderr
    found = container_file()
    last = {words[0]: words for words in found}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"][1])
    assert last["HEALTHCHECK"][-3:] == ["CMD", '["intaglio",', '"healthcheck"]']
    assert last["ENTRYPOINT"][1] == '["intaglio"]'
    assert "ADD" not in last
    copied = [word for words in found if words[0] == "COPY" and "--from=build" not in words for word in words[1:-1]]
    kept = (DEPLOY / "container" / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in kept, name
    assert kept[1] == "*", "what is not named does not get in"


def compose(name: str) -> dict[str, Any]:
    """Return a compose file with its merges made."""
    told: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose" / name)
    return told


@capability("compose-files", witness="the schema of the Compose specification")
@pytest.mark.parametrize("name", ["sqlite.yaml", "nodes.yaml"])
def test_compose_files_are_sound(name: str) -> None:
    """The schema holds; every service of ours is read-only and without rights, and waits for the migrations."""
    checked = run(need("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose" / name)
    assert checked.returncode == 0, checked.stdout
    told = compose(name)
    ours = {key: service for key, service in told["services"].items() if service["image"] == "intaglio"}
    assert {"migrate", "work"} < set(ours)
    for key, service in ours.items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "master_key" in service["secrets"]
        if key != "migrate":
            assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        for volume in service["volumes"]:
            if volume.startswith("./"):
                assert (DEPLOY / "compose" / volume.partition(":")[0]).is_file(), volume
    used = {word for service in told["services"].values() for word in service.get("secrets", ())}
    assert set(told["secrets"]) == used


def settings(name: str, folder: pathlib.Path) -> Settings:
    """Return the settings of a compose file, with secrets that were made for this."""
    text = (DEPLOY / "compose" / name).read_text(encoding="utf-8").replace("/run/secrets", str(folder))
    secrets = {"master_key": live_key(), "database_url": "postgresql://intaglio:secret@postgres/intaglio"}
    for key, value in secrets.items():
        (folder / key).write_text(value, encoding="ascii")
        (folder / key).chmod(0o600)
    (folder / name).write_text(text, encoding="utf-8")
    return load.load(folder / name, {})


@pytest.mark.parametrize("page", ["nginx.md", "deploy.md"])
def test_settings_on_the_pages_are_accepted(page: str, tmp_path: pathlib.Path) -> None:
    """What the how-tos write into the configuration is accepted, and agrees with the recipe and the units."""
    text = (ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for name, value in (("database_url", "postgresql://x/y"), ("master.key", live_key())):
        (tmp_path / name).write_text(value, encoding="ascii")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "intaglio.toml").write_text(block.replace("/etc/intaglio", str(tmp_path)), encoding="utf-8")
    key = {"INTAGLIO_KEYS__MASTER_KEY_FILE": str(tmp_path / "master.key")} if "master_key_file" not in block else {}
    found = load.load(tmp_path / "intaglio.toml", key)
    load.require_serving(found)
    listens = f"{found.listeners[0].host}:{found.listeners[0].port}"
    other = DEPLOY / ("nginx/intaglio.conf" if page == "nginx.md" else "systemd/intaglio.socket")
    assert listens in other.read_text(encoding="utf-8")


def live_key() -> str:
    """Return a master key."""
    return subprocess.run(
        ["openssl", "rand", "-base64", "32"], capture_output=True, text=True, check=True, timeout=20
    ).stdout


@capability("compose-files", witness="the settings and the nginx recipe beside them")
def test_addresses_of_the_compose_files_fit(tmp_path: pathlib.Path) -> None:
    """The settings are accepted; nodes, proxy and health check are where the other files say that they are."""
    nodes, one = settings("nodes.toml", tmp_path), settings("sqlite.toml", tmp_path)
    for found in (nodes, one):
        load.require_serving(found)
        assert found.operations is not None
        assert found.operations.host == "127.0.0.1"
    services = compose("nodes.yaml")["services"]
    recipe = (DEPLOY / "nginx" / "intaglio.conf").read_text(encoding="utf-8")
    upstream = re.findall(r"^ +server (\S+):(\d+) ", recipe, re.MULTILINE)
    placed = [services[name]["networks"]["inside"]["ipv4_address"] for name in ("node-1", "node-2")]
    assert upstream == [(address, str(nodes.listeners[0].port)) for address in placed]
    assert nodes.server.trusted_proxies == (services["nginx"]["networks"]["inside"]["ipv4_address"],)
    assert nodes.listeners[0].base_url == "https://" + re.findall(r"server_name (\S+);", recipe)[0]
    single = compose("sqlite.yaml")
    assert one.server.trusted_proxies == (single["networks"]["inside"]["ipam"]["config"][0]["gateway"],)
    assert single["services"]["serve"]["ports"] == [f"127.0.0.1:{one.listeners[0].port}:{one.listeners[0].port}"]
    kept = int(re.findall(r"keepalive_timeout (\d+)s", recipe)[0])
    assert kept < nodes.server.drain_seconds, "idle connections of the proxy end before a node that drains does"


@capability("systemd-units", witness="systemd-analyze")
def test_units_are_sound(tmp_path: pathlib.Path) -> None:
    """systemd understands the units, and finds little that they could still do."""
    analyze = need("systemd-analyze")
    for file in (DEPLOY / "systemd").glob("*.s*"):
        # It looks whether the program is there.
        text = file.read_text(encoding="utf-8").replace("/opt/intaglio/bin/intaglio", sys.executable)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    verified = run(analyze, "verify", "--man=no", *(tmp_path / name for name in (*UNITS, "intaglio.socket")))
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    for name in UNITS:
        judged = run(analyze, "security", "--offline=yes", f"--threshold={HIGHEST_EXPOSURE}", tmp_path / name)
        assert judged.returncode == 0, judged.stdout[-300:]
    users = run(need("systemd-sysusers"), "--dry-run", DEPLOY / "systemd" / "sysusers.conf")
    assert users.returncode == 0, users.stderr


def allowed(unit: pathlib.Path) -> list[int]:
    """Return the numbers of the system calls that a unit allows."""
    analyze, names = need("systemd-analyze"), set[str]()

    def members(group: str) -> set[str]:
        found = set()
        for line in run(analyze, "syscall-filter", "--no-pager", group).stdout.splitlines()[1:]:
            word = line.strip()
            if word and not word.startswith("#"):
                found |= members(word) if word.startswith("@") else {word}
        return found

    for line in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        groups = [members(group) for group in line.lstrip("~").split()]
        names = names.difference(*groups) if line.startswith("~") else names.union(*groups)
    names |= members("@default")
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", CALLS.read_text(encoding="ascii")))
    return sorted(int(numbers[name]) for name in names if name in numbers)


@pytest.fixture
def confined(tmp_path: pathlib.Path) -> Iterator[tuple[World, subprocess.Popen[bytes], pathlib.Path]]:
    """A server with two workers for which everything but its folder is read-only, without rights, filtered."""
    if not CALLS.is_file() or os.geteuid() != 0:
        pytest.skip("needs root and the numbers of the system calls")
    folder = tmp_path / "data"
    folder.mkdir()
    operations = free_port()
    home = World(f"sqlite:///{folder / 'proof.db'}", server__workers="2", operations__listen=f"127.0.0.1:{operations}")
    inside = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift &&'
        ' exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"'
    )
    tried = run(need("unshare"), "--mount", "--propagation", "private", "bash", "-c", inside, "-", folder, "true")
    if tried.returncode != 0:
        pytest.skip(f"this machine lets nobody take rights away: {tried.stderr.strip()}")
    script = pathlib.Path(__file__).with_name("confined.py")
    numbers = ",".join(map(str, allowed(DEPLOY / "systemd" / "intaglio.service")))
    words = [sys.executable, str(script), numbers, *live.command("serve")]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "bash", "-c", inside, "-", str(folder), *words],
            env=live.environment(**home.environment, PYTHONDONTWRITEBYTECODE="1"),
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    deadline = time.monotonic() + 20
    while b"ready: " not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    yield home, process, log
    if process.poll() is None:
        process.kill()
        process.wait(10)


@capability("systemd-units", witness="the kernel: seccomp, read-only mounts, no capabilities")
@capability("container-file", witness="the kernel: read-only mounts, no capabilities")
def test_a_confined_server_works(confined: tuple[World, subprocess.Popen[bytes], pathlib.Path]) -> None:
    """With nothing but the system calls of the unit, no rights and one writable folder everything works."""
    home, process, log = confined

    async def story() -> int:
        person = await Browser.open(home.port, home.path)
        answer = await person.redeem(await person.sign_in(home.names[0]))
        status = (await person.userinfo(answer.json()["access_token"])).status
        person.close()
        return status

    assert asyncio.run(story()) == 200
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    metrics = home.more["INTAGLIO_OPERATIONS__LISTEN"]
    assert requests.get(f"http://{metrics}/healthz/ready", timeout=10).status_code == 200
    told = live.environment(**home.environment)
    asked = subprocess.run(live.command("healthcheck"), env=told, capture_output=True, timeout=20, check=False)
    assert asked.returncode == 0, asked.stderr
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert "Operation not permitted" not in log.read_text()
