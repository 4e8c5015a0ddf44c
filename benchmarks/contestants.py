"""Who is measured: Intaglio on either engine, node oidc-provider, and a bare function for comparison.

Each is one process; the load runs in another.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from benchmarks import nodes
from tests import postgres
from tests.proof import browser, wire, world
from tests.proof.browser import Browser
from tests.proof.world import World

HERE = Path(__file__).parent
CONNECTIONS = 16


def drive(job: dict[str, Any]) -> dict[str, Any]:
    """Run the load in a process of its own and return its figures; raises RuntimeError if a flow failed."""
    done = subprocess.run(
        [sys.executable, str(HERE / "driver.py")],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["fault_count"]:
        raise RuntimeError(f"{figures['fault_count']} flows failed: {figures['faults']}")
    return figures


def memory(pid: int, name: str) -> int:
    """Return a figure of /proc/<pid>/status in octets."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


def children(pid: int) -> list[int]:
    """Return the processes that a process began."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a port answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"a server ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("a server does not listen")


class Contestant:
    """A running server, and what the load has to know of it."""

    name = ""
    pid = 0
    port = 0
    authorize = "/authorize"
    token = "/token"

    def __init__(self) -> None:
        self.cookies: list[str] = []

    def job(self, kind: str, seconds: float, warm_up: float = 0.5, **more: Any) -> dict[str, Any]:
        """Return a job for the driver."""
        job = {
            "kind": kind,
            "connections": CONNECTIONS,
            "port": self.port,
            "host": f"127.0.0.1:{self.port}",
            "mark": self.pid,
            "authorize": self.authorize,
            "token": self.token,
            "client_id": world.CLIENT,
            "client_secret": world.SECRET,
            "redirect_uri": world.CALLBACK,
            "cookies": self.cookies,
            "warm_up": warm_up,
            "seconds": seconds,
        }
        return job | more

    def measure(self, seconds: float) -> dict[str, Any]:
        """Return the figures of whole code flows."""
        figures = drive(self.job("flows", seconds))
        figures["processor_ms_per_flow"] = 1000 * figures["processor_seconds"] / max(1, figures["count"])
        return figures

    def password(self) -> None:
        """Sign somebody in with a password, where there are passwords."""

    def peak(self) -> int:
        """Return the largest resident memory of the worker."""
        return memory(self.pid, "VmHWM")

    def stop(self) -> None:
        """End the server."""


class Intaglio(Contestant):
    """`intaglio serve` on a database."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__()
        self.name = name
        self.world = World(url)
        self.world.start()
        self.pid, self.port = self.world.pid, self.world.port
        self.authorize, self.token = self.world.path + "/authorize", self.world.path + "/token"
        self.cookies = asyncio.run(self._sign_in(CONNECTIONS))

    async def _sign_in(self, times: int) -> list[str]:
        cookies = []
        for number in range(times):
            person = await Browser.open(self.port, self.world.path, "openid")
            await person.sign_in(self.world.names[number % len(self.world.names)])
            cookies.append("; ".join(f"{name}={value}" for name, value in person.cookies.items() if "session" in name))
            person.close()
        return cookies

    def password(self) -> None:
        asyncio.run(self._sign_in(1))

    def stop(self) -> None:
        self.world.stop()


class SQLite(Intaglio):
    """Intaglio on a file, synchronous=FULL."""

    name = "Intaglio, SQLite (FULL)"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        super().__init__(self.name, f"sqlite:///{self.folder / 'bench.db'}")

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgreSQL(Intaglio):
    """Intaglio on a PostgreSQL that flushes (fsync on)."""

    def __init__(self) -> None:
        self.database = postgres.Server(fsync=True)
        super().__init__("Intaglio, PostgreSQL", self.database.create("bench"))

    def stop(self) -> None:
        super().stop()
        self.database.remove()


class Peer(Contestant):
    """node oidc-provider with its in-memory adapter."""

    name = "oidc-provider 9 (memory)"
    authorize = "/auth"
    request: ClassVar[dict[str, str]] = {}
    """What its sign-in asks for beyond a code."""
    more: ClassVar[dict[str, str]] = {}
    """More of its settings."""

    def __init__(self) -> None:
        super().__init__()
        folder = nodes.installed("oidc-provider", "server.mjs")
        self.port = world.free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "NODE_ENV": "production",
            "BENCH_CLIENT": world.CLIENT,
            "BENCH_SECRET": world.SECRET,
            "BENCH_CALLBACK": world.CALLBACK,
        } | self.more
        self.process = subprocess.Popen(
            ["node", str(folder / "server.mjs"), str(self.port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self.process.pid
        listening(self.port, self.process)
        self.sign_in()

    def sign_in(self) -> None:
        """Begin a session for each connection."""
        self.cookies = [asyncio.run(self._sign_in()) for _ in range(CONNECTIONS)]

    async def _sign_in(self) -> str:
        jar: dict[str, str] = {}
        target = browser.authorize_target("", "openid", **self.request).replace("/authorize?", "/auth?")
        for _ in range(8):
            cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
            headers = {"host": f"127.0.0.1:{self.port}"} | ({"cookie": cookie} if cookie else {})
            answer = await wire.once(self.port, wire.request("GET", target, headers))
            for name, value in answer.headers:
                if name == "set-cookie":
                    key, _, text = value.split(";", 1)[0].partition("=")
                    jar[key] = text
            if "code=" in answer.header("location"):
                return "; ".join(
                    f"{name}={value}" for name, value in jar.items() if name.startswith("_session") and value
                )
            parts = urlsplit(answer.header("location"))
            target = parts.path + (f"?{parts.query}" if parts.query else "")
        raise RuntimeError("the peer's sign-in did not end")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class Bare(Contestant):
    """A function that answers the same JSON again and again, in a server as shipped."""

    name = "bare function"

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.port = world.free_port()
        self.process = subprocess.Popen([sys.executable, str(HERE / "bare.py"), str(self.port)], stdin=subprocess.PIPE)
        assert self.process.stdin is not None
        self.process.stdin.write(body)
        self.process.stdin.close()
        self.pid = self.process.pid
        listening(self.port, self.process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class Development(Contestant):
    """`intaglio dev --memory`: for the routes that only it serves with seeds (Google's metadata server)."""

    name = "intaglio dev"

    def __init__(self) -> None:
        super().__init__()
        self.port = _five_free_ports()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "intaglio", "dev", "--memory", "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self.process.pid
        listening(self.port, self.process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def _five_free_ports() -> int:
    while True:
        first = world.free_port()
        try:
            for port in range(first, first + 5):
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return first
