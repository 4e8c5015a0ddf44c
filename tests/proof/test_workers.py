"""Two workers on one SQLite file, behind a socket that somebody else keeps: killed, renewed, restarted, told of."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intaglio.clock import SystemClock
from intaglio.server.devmode import localca
from tests import live
from tests.capability import capability
from tests.proof import nodes, wire
from tests.proof.nodes import Site
from tests.proof.world import World, free_port

pytestmark = pytest.mark.alone
PEOPLE = 8
KERNEL = "sockets, processes and signals of the kernel"


class Service:
    """`intaglio serve` as a service manager starts it: a socket that it opened, and one on which it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        authority, self.chain, self.key = localca.prepare(folder, SystemClock())
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(str(folder / "notify"))
        self.told.settimeout(10)
        home = World(
            f"sqlite:///{folder / 'proof.db'}",
            standard__listen=f"127.0.0.1:{self.port}",
            standard__base_url=f"https://localhost:{self.port}",
            tls__certificate_file=str(self.chain),
            tls__key_file=str(self.key),
            server__workers="2",
            server__drain_seconds="1",
            operations__listen=f"127.0.0.1:{(operations := free_port())}",
        )
        self.operations = operations
        self.site = Site(home, [], self.port, 0, authority, folder)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is ready when it says so."""
        passed = self.door.fileno()
        words = f'exec {passed}<&{passed} 3<&{passed}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        more = {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "300000"}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                ["bash", "-c", words, "bash", *live.command("serve")],
                env=live.environment(**self.site.home.environment, **more),
                pass_fds=(passed,),
                stdout=output,
                stderr=output,
            )
        self.hear(b"READY=1")

    def hear(self, word: bytes) -> None:
        """Wait until the service says a word."""
        while self.told.recv(64) != word:
            pass

    @property
    def pid(self) -> int:
        """The process that the manager knows."""
        assert self.process is not None
        return self.process.pid

    def workers(self) -> set[int]:
        """Return the processes under it."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return {int(word) for word in listed.split()}

    def stop(self) -> int:
        """Ask it to end, and return the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def health(self, what: str) -> tuple[int, bytes]:
        """Return what a balancer is told."""
        answer = asyncio.run(wire.once(self.operations, wire.request("GET", f"/healthz/{what}")))
        return answer.status, answer.body.strip()

    def restart(self) -> None:
        """Stop it, which a balancer is told at once, and start it again."""
        assert self.process is not None
        assert self.health("ready") == (200, b"ready")
        self.process.terminate()
        self.hear(b"STOPPING=1")
        time.sleep(0.3)
        assert self.health("ready") == (503, b"stopping")
        assert self.health("live")[0] == 200
        assert self.process.wait(20) == 0
        self.start()

    def serial(self) -> int:
        """Return the serial number of the certificate that a new connection is shown."""
        with (
            socket.create_connection(("127.0.0.1", self.port), 5) as plain,
            self.site.context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            shown = secured.getpeercert()
            assert shown is not None
            return int(str(shown["serialNumber"]), 16)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, running."""
    made = Service(tmp_path_factory.mktemp("workers"))
    made.start()
    yield made
    assert made.stop() == 0
    made.door.close()
    made.told.close()


@capability("workers-sqlite", witness=KERNEL)
@capability("systemd-notify", witness="a socket of the kernel")
def test_two_workers_share_the_load(service: Service) -> None:
    """Both workers answer, under references of their own, and the manager hears that they live."""

    async def story() -> nodes.Load:
        async with nodes.load(service.site, PEOPLE) as load:
            await asyncio.sleep(0.5)
        return load

    load = asyncio.run(story())
    assert load.failed == []
    assert len(service.workers()) == 2
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    refs = [line["ref"] for line in lines if line.get("event") == "request"]
    assert len(refs) == len(set(refs)) > 100
    by_worker = [sum(ref.startswith(begin) for ref in refs) for begin in {ref[:12] for ref in refs}]
    assert len(by_worker) == 2
    assert min(by_worker) > 0.05 * sum(by_worker)
    service.hear(b"WATCHDOG=1")


@capability("workers", witness=KERNEL)
def test_a_worker_that_is_killed_is_replaced(service: Service) -> None:
    """A killed worker takes what it was answering with it; another follows, and all that was acknowledged is there."""
    before = service.workers()

    async def story() -> nodes.Load:
        async with nodes.load(service.site, PEOPLE) as load:
            os.kill(min(before), signal.SIGKILL)
            await asyncio.sleep(1.2)
        return load

    load = asyncio.run(story())
    assert len(load.failed) <= PEOPLE
    after = service.workers()
    assert len(after) == 2
    assert len(after & before) == 1
    assert asyncio.run(nodes.known(service.site, load.tokens[:: len(load.tokens) // 20])) == {200}


@capability("certificate-renewal", witness="TLS of the system's OpenSSL")
def test_a_renewed_certificate_is_shown(service: Service) -> None:
    """SIGHUP has every worker read the certificate again; one that does not fit its key changes nothing."""
    first, workers = service.serial(), service.workers()
    kept = service.key.read_bytes()
    localca.prepare(service.folder, SystemClock())
    os.kill(service.pid, signal.SIGHUP)
    deadline = time.monotonic() + 5
    while {service.serial() for _ in range(8)} != {renewed := service.serial()} or renewed == first:
        assert time.monotonic() < deadline
    service.key.write_bytes(kept)
    os.kill(service.pid, signal.SIGHUP)
    while service.log.read_text().count("the certificate stays as it was") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert {service.serial() for _ in range(4)} == {renewed}
    assert service.workers() == workers
    localca.prepare(service.folder, SystemClock())


@capability("systemd-sockets", witness=KERNEL)
@capability("drain", witness=KERNEL)
def test_a_restart_refuses_nobody(service: Service) -> None:
    """With a socket that lasts, the only node is restarted while people sign in, and every request is answered."""

    async def story() -> nodes.Load:
        async with nodes.load(service.site, PEOPLE) as load:
            await asyncio.to_thread(service.restart)
            await load.reach(load.flows + 5 * PEOPLE)
        return load

    load = asyncio.run(story())
    assert load.failed == []


def test_a_socket_for_nothing_is_refused(service: Service) -> None:
    """A socket that no address is configured for keeps the service from starting."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        words = f'exec 3<&{other.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        done = subprocess.run(
            ["bash", "-c", words, "bash", *live.command("serve")],
            env=live.environment(**service.site.home.environment),
            pass_fds=(other.fileno(),),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 2
    assert "socket-unusable" in done.stderr or "port-taken" in done.stderr
