"""A production server as a process of its own, on a database with a tenant, a client and many users.

The users share a password (and its hash, so that making them costs nothing).
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from intaglio import ids
from intaglio.clock import SystemClock
from intaglio.names import UserId
from intaglio.server import compose
from intaglio.server.admin import clients, tenants
from intaglio.server.admin.clients import NewClient
from intaglio.server.model import users
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.settings import load as settings
from tests.proof import wire

SLUG = "proof"
CLIENT = "shop"
SECRET = "a-secret-of-the-shop-for-proofs"
PASSWORD = "a password for everybody"
CALLBACK = "http://127.0.0.1:9999/cb"
SCOPE = ("openid", "profile", "offline_access")
START_SECONDS = 20.0


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _insert(people: list[User]) -> Plan[None]:
    for user in people:
        yield from users.insert(user)


class World:
    """One installation: its database, and the process that serves it."""

    def __init__(self, url: str, *, people: int = 4, **more: str) -> None:
        self.url = url
        self.more = {f"INTAGLIO_{name}".upper(): value for name, value in more.items()}
        self.port = free_port()
        self.key = secrets.token_bytes(32)
        self.base = f"http://127.0.0.1:{self.port}"
        self.path = f"/{SLUG}"
        self.issuer = self.base + self.path
        self.process: subprocess.Popen[bytes] | None = None
        self.names = [f"user{number}" for number in range(people)]
        asyncio.run(self._furnish())

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the server."""
        return {
            "INTAGLIO_DATABASE__URL": self.url,
            "INTAGLIO_KEYS__MASTER_KEY": base64.b64encode(self.key).decode(),
            "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{self.port}",
            "INTAGLIO_STANDARD__BASE_URL": self.base,
            # Nothing stands in front that would have to notice.
            "INTAGLIO_SERVER__DRAIN_SECONDS": "0",
            **self.more,
            # All of the load comes from one address.
            "INTAGLIO_LIMITS__WAITING_BY_ADDRESS": "off",
        }

    async def _furnish(self) -> None:
        configured = settings.load(None, self.environment)
        await compose.migrate_up(configured)
        async with compose.administration(configured) as a:
            clock = SystemClock()
            tenant = await tenants.create(a.store, clock, slug=SLUG)
            wanted = NewClient(
                client_name="Shop",
                client_id=CLIENT,
                client_secret=ids.Secret(SECRET),
                redirect_uris=(CALLBACK,),
                grant_types=("authorization_code", "refresh_token"),
                scope=SCOPE,
            )
            await clients.create(a.store, clock, a.secrets, tenant.tenant_id, wanted)
            encoded, now = await a.passwords.hash(PASSWORD), clock.now()
            made = [
                User(tenant.tenant_id, UserId(ids.new_uuid()), name, now, now, encoded, {"name": name})
                for name in self.names
            ]
            await a.store.write(_insert, made)

    @property
    def pid(self) -> int:
        """The process identifier of the server."""
        assert self.process is not None
        return self.process.pid

    def start(self, log: Path | None = None) -> None:
        """Start the server and wait until it listens."""
        output = log.open("ab") if log is not None else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [sys.executable, "-m", "intaglio", "serve"],
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **self.environment},
            stdout=output,
            stderr=output,
        )
        if log is not None:
            output.close()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            try:
                # The socket listens before the server is ready to be stopped; an answer shows that it is.
                asyncio.run(wire.once(self.port, wire.request("GET", "/")))
            except (OSError, asyncio.IncompleteReadError):
                time.sleep(0.02)
            else:
                return
        raise TimeoutError("the server does not answer")

    def kill(self) -> None:
        """End the server at once (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the server to end (SIGTERM) and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(10)
        self.process = None
        return code

    def resident(self) -> int:
        """Return the server's resident memory in octets."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """Return the largest resident memory that the server ever had, in octets."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    def processor_seconds(self) -> float:
        """Return the processor time that the server has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
