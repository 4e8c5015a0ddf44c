"""Nodes of one installation behind the nginx of the recipe, and people who sign in all the while."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from intaglio.clock import SystemClock
from intaglio.server.devmode import localca
from tests import live
from tests.proof import wire, world
from tests.proof.browser import Browser
from tests.proof.wire import Answer, Connection
from tests.proof.world import World

RECIPE = Path(__file__).parent.parent.parent / "deploy" / "nginx" / "intaglio.conf"
DRAIN_SECONDS = 2
KEPT_SECONDS = 1
FRAME = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {recipe}
}}
"""


def adapted(recipe: str, *, https: int, http: int, nodes: list[int], pair: tuple[Path, Path]) -> str:
    """Return the recipe with the addresses and files of this run; everything else stays."""
    changes = (
        (r"10\.0\.0\.11:8080", f"127.0.0.1:{nodes[0]}"),
        (r"10\.0\.0\.12:8080", f"127.0.0.1:{nodes[1]}"),
        (r"listen 443 ", f"listen 127.0.0.1:{https} "),
        (r"listen 80 ", f"listen 127.0.0.1:{http} "),
        (r"https://id\.example\.com\$", f"https://localhost:{https}$"),
        (r"server_name id\.example\.com", "server_name localhost"),
        (r"/etc/nginx/tls/id\.example\.com\.pem", str(pair[0])),
        (r"/etc/nginx/tls/id\.example\.com\.key", str(pair[1])),
        (r"keepalive_timeout 4s", f"keepalive_timeout {KEPT_SECONDS}s"),
    )
    for pattern, real in changes:
        recipe, count = re.subn(pattern, real, recipe)
        assert count, pattern
    return recipe


class Node:
    """A process that serves the installation at a port of its own."""

    def __init__(self, home: World, **more: str) -> None:
        self.port = world.free_port()
        self.more = {"standard__listen": f"127.0.0.1:{self.port}", "server__trusted_proxies": "127.0.0.1", **more}
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, log: Path) -> None:
        """Start it and wait until it says that it is ready."""
        settings = self.home.environment | {f"INTAGLIO_{name}".upper(): value for name, value in self.more.items()}
        seen = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                live.command("serve"), stdout=output, stderr=output, env=live.environment(**settings)
            )
        deadline = time.monotonic() + 20
        while b"ready: " not in log.read_bytes()[seen:]:
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    def end(self, *, kill: bool = False) -> int:
        """Stop or kill it, and return the exit code."""
        assert self.process is not None
        self.process.kill() if kill else self.process.terminate()
        return self.process.wait(20)


class Front(Connection):
    """A connection by TLS to the public name. Where an answer says that it was the last one, the next has a new one."""

    port: int
    context: ssl.SSLContext
    is_over = False

    @classmethod
    async def at(cls, port: int, context: ssl.SSLContext) -> Front:
        """Connect; the certificate has to be the public name's."""
        opened = cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost"))
        opened.port, opened.context = port, context
        return opened

    async def ask(self, octets: bytes) -> Answer:
        """Ask under the public name."""
        if self.is_over:
            self.close()
            fresh = await Front.at(self.port, self.context)
            self.reader, self.writer, self.is_over = fresh.reader, fresh.writer, False
        answer = await super().ask(octets.replace(b"host: 127.0.0.1\r\n", b"host: localhost:%d\r\n" % self.port, 1))
        self.is_over = answer.header("connection") == "close"
        return answer

    def close(self) -> None:
        """Hang up, without the farewell of TLS: nobody waits for its answer."""
        self.writer.transport.abort()


class Site:
    """Everything that runs: the nodes, nginx, and where the world finds them."""

    def __init__(self, home: World, nodes: list[Node], https: int, http: int, authority: Path, folder: Path) -> None:
        self.home, self.nodes, self.https, self.http, self.folder = home, nodes, https, http, folder
        self.authority = authority
        self.context = ssl.create_default_context(cafile=str(authority))

    def log(self, number: int) -> Path:
        """Return where a node's words are kept."""
        return self.folder / f"node-{number}.log"

    async def person(self) -> Browser:
        """Return a browser in front of nginx."""
        return Browser(await Front.at(self.https, self.context), self.home.path)


@contextlib.contextmanager
def site(database: str, folder: Path) -> Iterator[Site]:
    """Run two nodes on a database, and nginx as in the recipe before them."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed here")
    authority, chain, key = localca.prepare(folder, SystemClock())
    https, http = world.free_port(), world.free_port()
    home = World(database, standard__base_url=f"https://localhost:{https}", server__drain_seconds=str(DRAIN_SECONDS))
    nodes = [Node(home), Node(home)]
    text = adapted(RECIPE.read_text(), https=https, http=http, nodes=[node.port for node in nodes], pair=(chain, key))
    (folder / "nginx.conf").write_text(FRAME.format(folder=folder, recipe=text))
    made = Site(home, nodes, https, http, authority, folder)
    with contextlib.ExitStack() as stack:
        for number, node in enumerate(nodes):
            node.start(made.log(number))
            stack.callback(node.end, kill=True)
        words = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        subprocess.run([*words, "-t", "-q"], check=True, timeout=20)
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        _wait_for(https)
        yield made


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            asyncio.run(asyncio.wait_for(_touch(port), 1))
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


async def _touch(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()


class Load:
    """People who sign in again and again, and what became of it."""

    def __init__(self) -> None:
        self.running = True
        self.flows = self.signed_in = 0
        self.failed: list[str] = []
        self.tokens: list[str] = []

    async def one(self, at: Site, name: str) -> None:
        """Sign in once with a password, then get code after code with the session, and redeem each."""
        person = await at.person()
        await person.sign_in(name)
        self.signed_in += 1
        while self.running:
            try:
                await self._flow(person)
            except (OSError, asyncio.IncompleteReadError, TimeoutError, KeyError, AssertionError) as error:
                self.failed.append(repr(error)[:300])
                person = await self._again(at, person)
            if self.flows % 50 == 0:
                person = await self._again(at, person)
            await asyncio.sleep(0.01)
        person.close()

    async def reach(self, flows: int) -> None:
        """Wait until so many codes were redeemed in all."""
        async with asyncio.timeout(10):
            while self.flows < flows:  # noqa: ASYNC110 - told by what is counted anyway
                await asyncio.sleep(0.02)

    async def _flow(self, person: Browser) -> None:
        code = (await person.authorize())["code"]
        answer = await person.redeem(code)
        assert answer.status == 200, (answer.status, answer.body[:200])
        self.tokens.append(answer.json()["access_token"])
        self.flows += 1

    async def _again(self, at: Site, person: Browser) -> Browser:
        """Return the same browser on a new connection."""
        person.close()
        made = await at.person()
        made.cookies = person.cookies
        return made


@contextlib.asynccontextmanager
async def load(at: Site, people: int) -> AsyncIterator[Load]:
    """Let people sign in meanwhile."""
    made = Load()
    names = at.home.names
    tasks = [asyncio.create_task(made.one(at, names[number % len(names)])) for number in range(people)]
    while made.signed_in < people:
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in tasks), [task.exception() for task in tasks if task.done()]
    try:
        yield made
    finally:
        made.running = False
        await asyncio.gather(*tasks)
        await asyncio.sleep(0.05)


async def known(at: Site, tokens: list[str]) -> set[int]:
    """Return the statuses with which access tokens are answered."""
    person = await at.person()
    found = {(await person.userinfo(token)).status for token in tokens}
    person.close()
    await asyncio.sleep(0.05)
    return found


def forwarded(at: Site, **headers: str) -> Answer:
    """Return the answer to a request for discovery with headers of a stranger's choice."""

    async def ask() -> Answer:
        front = await Front.at(at.https, at.context)
        answer = await front.ask(wire.request("GET", f"{at.home.path}/.well-known/openid-configuration", headers))
        front.close()
        await asyncio.sleep(0.05)
        return answer

    return asyncio.run(ask())
