"""A whole development server over https in this process, and talks with other people's clients about it.

Its addresses are those of `intaglio dev --tls` on free ports, its records and its clock are in the test's hand. A
client is a process that is told steps line by line and answers each with a line: one start serves many assertions.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import pytest

from intaglio.clock import SystemClock
from intaglio.server import compose
from intaglio.server.compose import Outward
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import localca, seeds
from intaglio.server.devmode.demo import Demo
from intaglio.server.devmode.front import DevelopmentFront, start_page
from intaglio.server.http import connections, serving
from intaglio.server.http.app import App
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import tenants
from intaglio.server.run import dev
from intaglio.server.settings.records import Outgoing
from tests import harness, live
from tests.sdk import namespace, official

T = TypeVar("T")
HERE = pathlib.Path(__file__).parent
PATIENCE = 30
"""Seconds that a step of a client may take."""


class MovedClock:
    """The machine's clock, put forward by as much as a test wants."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        """Return the instant."""
        return int(time.time()) + self.ahead

    def advance(self, seconds: int) -> None:
        """Put the clock forward."""
        self.ahead += seconds


class DevAuthority(namespace.Authority):
    """The authority that development mode makes, with the variables by which clients are told of it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.ca, self.chain, self.key = localca.prepare(folder, SystemClock())
        self.store = folder / "ca.p12"


class Secure(harness.Site):
    """A server over https with everything that development mode seeds; see `harness.Site` for changing its records."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.authority = DevAuthority(folder)
        self.ca = str(self.authority.ca)
        self.port = live.free_ports()
        self.listeners = dev.development_listeners(self.port, "https")
        self.base = self.listeners[0].base_url
        # The protocol is the one that `serve` has, the loop any.
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self.loop.run_forever, name="secure")
        self._thread.start()
        try:
            self.run(self._begin())
            assert self._ready.wait(10)
        except BaseException:
            self._end()
            raise

    def __repr__(self) -> str:
        return "Secure()"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something of the server on its own thread, to its end."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    async def _begin(self) -> None:
        self.clock = MovedClock()  # type: ignore[assignment]
        self.vault = Vault(harness.MASTER_KEY)
        self.passwords = Passwords(memory_kib=8, passes=1)
        self.store = await compose.open_store("sqlite:///:memory:", self.clock, create=True)
        self._outward = Outward(Outgoing(allow=dev.LOOPBACK, ca_file=self.authority.ca))
        self.hall = compose.assemble(
            self.store, self.vault, self.clock, self.passwords, development=True, outward=self._outward
        )
        self.hall.pages = harness._renderer()
        self.house = self.hall.house
        await seeds.plant(self.store, self.base, self.house.secrets, self.passwords, self.clock.now())
        await self.house.keyring.published(compose.ring_of(seeds.TENANT_ID))
        demo = Demo(self.base, lambda: compose.outgoing(self.base, self.ca), self.clock)
        front = DevelopmentFront(start_page("0", self.listeners, ()), self.listeners, demo)
        self.app = App(self.hall, {self.port + i: one for i, one in enumerate(self.listeners)}, front)
        tls = (str(self.authority.chain), str(self.authority.key))
        # Nothing is under way when a test ends but connections that clients keep open.
        configured = connections.config(self.app, tls=tls, grace=0)
        self._server = serving.Server(configured, self._ready.set, self.hall.waiting.end)
        sockets = [one for offset in range(len(live.NAMES)) for one in dev.both_families(self.port + offset)]
        self._serving = asyncio.ensure_future(self._server.serve(sockets=sockets))
        self._engine = asyncio.ensure_future(compose.engine(self.house).forever())

    async def _stop(self) -> None:
        self._server.should_exit = True
        await self._serving
        self._engine.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._engine
        self.passwords.close()
        self.house.mint.close()
        self.hall.works.signatures.close()
        await self._outward.aclose()
        await self.store.close()

    def _end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        # A connection over TLS waits for the other side's farewell, which a client that keeps it open never sends.
        for transport in list(getattr(self.loop, "_transports", {}).values()):
            transport.abort()
        self.loop.run_until_complete(asyncio.sleep(0.01))
        self.loop.close()

    def close(self) -> None:
        """Stop everything."""
        try:
            self.run(self._stop())
        finally:
            self._end()

    def change_tenant(self, **changes: Any) -> None:
        """Change the default tenant's record."""
        self.write(tenants.replace, msgspec.structs.replace(self.read(tenants.by_id, seeds.TENANT_ID), **changes))
        self.settle()

    # --- where it is, and what a client has to be told

    def at(self, name: str) -> str:
        """Return the base address of a dialect."""
        return f"https://localhost:{self.port + live.NAMES.index(name)}"

    def place(self, name: str) -> str:
        """Return host and port of a dialect."""
        return self.at(name).removeprefix("https://")

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a client: nobody's settings, an empty home, the authority."""
        kept = {name: value for name, value in live.environment().items() if not name.startswith(PERSONAL)}
        told = kept | self.authority.environment
        store = told.get("JAVA_STORE", "")
        trusted = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"
        return told | {"HOME": str(self.folder), "JDK_JAVA_OPTIONS": trusted} | more

    def talk(self, words: Sequence[str], **more: str) -> contextlib.AbstractContextManager[Talk]:
        """Start a client that is told steps; `more` are variables of its environment."""
        return Talk(words, self.environment(**more))


PERSONAL = (*namespace.PERSONAL, "AZURE_", "MSI_", "IDENTITY_", "IMDS_", "AUTH0_", "ACP_")


class Refusal(Exception):
    """A client's own failure of a step: what it called it."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(json.dumps(told))
        self.told = told


class Talk(contextlib.AbstractContextManager["Talk"]):
    """A client in a process of its own: it is told `{"do": STEP, …}` and answers `{…}`, or `{"failed": …}`."""

    def __init__(self, words: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            list(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def begin(self, do: str, **parameters: Any) -> None:
        """Tell a step and do not wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do} | parameters) + "\n")
        self._process.stdin.flush()

    def heard(self) -> dict[str, Any]:
        """Return the next answer; raises `Refusal` for a failure."""
        # A step that hangs must not hang the tests: the process ends, and with it the line that is waited for.
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        line = self._line()
        timer.cancel()
        told: dict[str, Any] = json.loads(line)
        if "failed" in told:
            raise Refusal(told)
        return told

    def _line(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return line
        raise AssertionError(self._process.communicate(timeout=5)[1][-3000:] or "it ended")

    def say(self, do: str, **parameters: Any) -> dict[str, Any]:
        """Tell a step and return its answer; raises `Refusal` for a failure."""
        self.begin(do, **parameters)
        return self.heard()

    def refused(self, do: str, **parameters: Any) -> dict[str, Any]:
        """Tell a step that has to fail, and return what the client calls it."""
        with pytest.raises(Refusal) as caught:
            self.say(do, **parameters)
        return caught.value.told

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=5)


class Application(contextlib.AbstractContextManager["Application"]):
    """A page's own server over https, with the site's authority: files by path, whatever the query says.

    A page in a frame of the site's own scheme and host is sent the session's cookies; one over http would not be.
    """

    def __init__(self, site: Secure, files: Mapping[str, tuple[str, bytes]]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = files.get(urlsplit(self.path).path, ("", b""))
                self.send_response(200 if kind else 404)
                self.send_header("content-type", kind or "text/plain")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(site.authority.chain, site.authority.key)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A handshake that a browser gives up must not hold up the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.origin = f"https://localhost:{self._server.server_address[1]}"
        serve = functools.partial(self._server.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve, name="application")
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def python(script: str) -> list[str]:
    """Return the command line of a driver under `tests/sdk/python`."""
    return [sys.executable, str(HERE / "python" / script)]


def node(script: str) -> list[str]:
    """Return the command line of a driver under `tests/sdk/node`; skips without Node."""
    return [live.need_node(), str(HERE / "node" / script)]


def go(name: str) -> list[str]:
    """Return the command line of a driver of `tests/sdk/go`; skips where it is not built."""
    binary = HERE / "go" / "build" / name
    if not binary.is_file():
        official.absent(f"the Go client '{name}' is not built (make sdk-go)")
    return [str(binary)]


def java(name: str) -> list[str]:
    """Return the command line of a driver of `tests/sdk/java`; skips where it is not built."""
    built = official.JAVA
    if not (built / "classes" / f"{name}.class").is_file() or shutil.which("java") is None:
        official.absent(f"the Java client '{name}' is not built (make sdk-java)")
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{built}/classes:{built}/lib/*", name]


@contextlib.contextmanager
def served(folder: pathlib.Path) -> Iterator[Secure]:
    """Serve while the block lasts; then hold the log against what may never be in one."""
    with harness.logged() as log:
        site = Secure(folder)
        try:
            yield site
        finally:
            site.close()
    assert log.traces == []
    told = "\n".join(log.lines)
    assert [secret for secret in live.SECRETS if secret in told] == []
    assert "eyJ" not in told, "a token in the log"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """A server over https, shared by a module's tests."""
    with served(tmp_path_factory.mktemp("secure")) as site:
        yield site
