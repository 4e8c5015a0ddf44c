"""What has led others' outgoing calls astray: rows 47 to 49 of our list of published faults.

The calls are real ones, of what the server hands its flows to, over TLS to a server of the tests' own on loopback;
only the names that they go to are answered for by a resolver that the tests put in the system's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import ipaddress
import json
import pathlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock, SystemClock
from intaglio.errors import Unavailable
from intaglio.net import resolving
from intaglio.net.guard import Guard, Limits
from intaglio.net.pooled import PooledDriver
from intaglio.server import compose
from intaglio.server.compose import Outward
from intaglio.server.settings import load as settings
from intaglio.server.settings.records import Outgoing
from intaglio.tokens import certificates, jwk, jws
from intaglio.validate import discovery, keysource
from intaglio.wire import addresses, places
from intaglio.wire.flow import Call, Flow, Reply
from tests import harness
from tests.capability import capability
from tests.web import markup

pytestmark = capability("security-d5", witness="a TLS server that counts who comes, and a resolver of its own")

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NAME, OTHER = "rp.example", "other.example"
PUBLIC = "93.184.216.34"
KEY = jwk.generate("ES256")


class Outside(http.server.BaseHTTPRequestHandler):
    """Answers by path, and remembers who came with what."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        made = getattr(self, "_" + self.path.strip("/").partition("?")[0].replace("-", "_"), self._hello)
        with contextlib.suppress(OSError):
            made()

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hello(self) -> None:
        self._answer(200, b"hello", ("Set-Cookie", "sid=1; Path=/"))

    def _to_private(self) -> None:
        self._answer(302, b"", ("Location", "https://169.254.169.254/latest"))

    def _to_name_at_private(self) -> None:
        self._answer(307, b"", ("Location", f"https://{OTHER}/keys"))

    def _downgrade(self) -> None:
        self._answer(301, b"", ("Location", f"http://{NAME}/keys"))

    def _downgrade_to_this_machine(self) -> None:
        self._answer(302, b"", ("Location", "http://localhost:6379/"))

    def _round_and_round(self) -> None:
        self._answer(302, b"", ("Location", f"/round-and-round?{len(self.server.seen)}"))  # type: ignore[attr-defined]

    def _huge(self) -> None:
        self._answer(200, b"x" * 300_000)

    def _endless(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.wfile.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")

    def _huge_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(200):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _bomb(self) -> None:
        self._answer(200, b"\x1f\x8b squeezed", ("Content-Encoding", "gzip"))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class World:
    """A server outside, the names that lead to it, and what was asked of the resolver."""

    def __init__(self, server: Any, ca_file: pathlib.Path) -> None:
        self.server = server
        self.port: int = server.server_address[1]
        self.ca_file = ca_file
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    @property
    def seen(self) -> list[tuple[str, dict[str, str]]]:
        """What reached the server."""
        found: list[tuple[str, dict[str, str]]] = self.server.seen
        return found

    def url(self, path: str, name: str = NAME) -> str:
        """Return an address at the server."""
        return f"https://{name}:{self.port}{path}"

    def resolve(self, host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        """Answer in the system's place: each question takes the next of a name's answers, the last one stays."""
        name = host.decode() if isinstance(host, bytes) else host
        self.asked.append(name)
        with contextlib.suppress(ValueError):
            return [_found(str(ipaddress.ip_address(name.strip("[]"))), port)]
        answers = self.names.get(name.rstrip("."))
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [_found(text, port) for text in (answers.pop(0) if len(answers) > 1 else answers[0])]

    def run(self, flow: Flow[Any], *allow: str, **bounds: int) -> Any:
        """Run a flow as the server does, with places that an operator opened."""

        async def once() -> Any:
            outward = Outward(Outgoing(allow, self.ca_file, **({"time_limit_seconds": 3} | bounds)))
            try:
                return await outward.run(flow)
            finally:
                await outward.aclose()

        return asyncio.run(once())

    def refused(self, url: str, *allow: str, **bounds: int) -> str:
        """Return the code with which a call is refused."""
        with pytest.raises(Unavailable) as caught:
            self.run(one(url), *allow, **bounds)
        return caught.value.code


def _found(text: str, port: Any) -> Any:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    where = (text, port, 0, 0) if ":" in text else (text, port)
    return family, socket.SOCK_STREAM, 6, "", where


def one(url: str) -> Flow[Reply]:
    """Return the flow of one call."""
    return (yield Call("GET", url))


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A TLS server whose certificate names `rp.example`."""
    folder = tmp_path_factory.mktemp("outside")
    now = SystemClock().now()
    authority_key, authority = certificates.make_authority(now, only=(NAME, OTHER))
    key, chain = certificates.make_leaf(authority_key, authority, (NAME,), now)
    for name, octets in (("ca.pem", authority), ("key.pem", key), ("chain.pem", chain)):
        (folder / name).write_bytes(octets)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.verify_request = lambda *_: bool(server.connections.append(1)) or True  # type: ignore[attr-defined]
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.ca_file = folder / "ca.pem"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def world(outside: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """The outside, with a resolver that the test answers for."""
    outside.seen, outside.connections = [], []
    made = World(outside, outside.ca_file)
    monkeypatch.setattr(socket, "getaddrinfo", made.resolve)
    return made


SPECIAL = """
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 100.100.100.200 127.0.0.1 127.255.255.254
    169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.0 172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.170 192.0.0.192
    192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.0 192.168.255.255 192.175.48.1 198.18.0.0 198.19.255.255
    198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:169.254.169.254
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1
    2001:20::1 2001:30::1 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1 2002:5db8:d822::1 2620:4f:8000::1 3fff::1
    3fff:fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 ff00::1 ff02::1
    ff0e::1
""".split()


@pytest.mark.parametrize("address", SPECIAL)
def test_d5_47_special_use_addresses(world: World, address: str) -> None:
    """CVE-2026-55671: no name at an address of a special use is called, and neither is the address itself."""
    world.names[NAME] = [[address]]
    assert world.refused(f"https://{NAME}/keys") == "destination-refused"
    literal = f"[{address.partition('%')[0]}]" if ":" in address else address
    assert world.refused(f"https://{literal}/keys") == "destination-refused"
    assert world.asked == [NAME]
    assert world.seen == []


def test_d5_47_the_list_is_the_registries_own() -> None:
    """Every special range of the list is refused from its first to its last address, next to it public ones are not."""
    for network in addresses.SPECIAL:
        for address in (network[0], network[-1]):
            assert not addresses.is_public(address), address
    for text in ("1.1.1.1", "9.255.255.255", "11.0.0.0", "172.32.0.0", PUBLIC, "2606:2800:220:1::1", "2a00::1"):
        read = addresses.read(text)
        assert read is not None
        assert addresses.is_public(read), text


def test_d5_47_one_bad_address_among_good_ones(world: World) -> None:
    """A name with a public and a private address is not called at either."""
    for answer in ([PUBLIC, "10.0.0.1"], ["::1", PUBLIC]):
        world.names[NAME] = [answer]
        assert world.refused(world.url("/keys")) == "destination-refused"
    assert world.seen == []


def test_d5_47_rebinding(world: World) -> None:
    """CVE-2026-27945: a name is resolved once; what it answers to a second question is connected to by nobody."""
    world.names[NAME] = [["127.0.0.1"], ["127.0.0.2"]]
    assert world.run(one(world.url("/hello")), f"{NAME}:{world.port}").body == b"hello"
    assert world.asked == [NAME]
    world.asked.clear()
    # Nobody listens at 127.0.0.2; a second question would lead to where somebody does.
    world.names[NAME] = [["127.0.0.2"], ["127.0.0.1"]]
    assert world.refused(world.url("/hello"), "127.0.0.2") == "unreachable"
    assert world.asked == [NAME]
    assert len(world.seen) == 1


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0x",
        "010.0.0.1",
        "127.0.0.1.",
        "1.2.3.4.5",
        "example.0x7f",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost..",
        "a.localhost",
        "127.0.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:7f00:1]",
        "[fe80::1%25eth0]",
        "[v1.localhost]",
        "[127.0.0.1]",
        "127。0。0。1",
        "①②⑦.⓪.⓪.①",
        "ⓛocalhost",
        "exämple.com",
        "rp.example\u200b",
        "%6c%6f%63alhost",
        "rp.example%00.evil.example",
        "rp.example\\.evil.example",
        "rp_.example..",
        ".rp.example",
        "rp..example",
        "rp.example ",
        "rp.exa\tmple",
        "-" * 64 + ".example",
    ],
)
def test_d5_47_hosts_in_disguise(world: World, host: str) -> None:
    """Numbers in any notation, look-alikes, escapes, dots and blanks: refused before anybody is asked."""
    assert world.refused(f"https://{host}/keys") == "destination-refused"
    assert world.refused(f"https://{host}:8443/keys") == "destination-refused"
    assert world.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://user@rp.example/",
        "https://user:secret@rp.example/",
        "https://@rp.example/",
        "https://rp.example@127.0.0.1/",
        "https://127.0.0.1\\@rp.example/",
        "https://rp.example#@127.0.0.1/",
        "http://rp.example/",
        "HTTP://rp.example/",
        "gopher://rp.example/",
        "file:///etc/passwd",
        "data:application/json,[]",
        "//rp.example/",
        "https:rp.example",
        "https:///rp.example",
        "https://rp.example:0/",
        "https://rp.example:22/",
        "https://rp.example:25/",
        "https://rp.example:80/",
        "https://rp.example:65536/",
        "https://rp.example:-1/",
        "https://rp.example:8443x/",
        "https://rp.example/\r\nHost: x",
        "https://rp.example/ x",
        "",
    ],
)
def test_d5_47_addresses_in_disguise(world: World, url: str) -> None:
    """Userinfo, other schemes, ports of other protocols, line breaks: nothing is called."""
    world.names[NAME] = [["127.0.0.1"]]
    assert world.refused(url) in ("destination-refused", "unreachable")
    assert world.seen == []


def test_d5_47_a_dot_at_the_end_is_the_same_name(world: World) -> None:
    """`rp.example.` is judged as `rp.example`, by the place that was opened and by the address."""
    world.names[NAME] = [["10.0.0.1"]]
    assert world.refused(f"https://{NAME}./keys") == "destination-refused"
    Guard(allow=(NAME,)).check_address(NAME + ".", 443, "10.0.0.1")


@pytest.mark.parametrize("path", ["/to-private", "/to-name-at-private", "/downgrade", "/downgrade-to-this-machine"])
def test_d5_47_redirects(world: World, path: str) -> None:
    """CVE-2020-10770: a redirect is never followed by itself, and a flow's next call is judged like its first."""
    world.names |= {NAME: [["127.0.0.1"]], OTHER: [["169.254.169.254"]]}
    opened = f"{NAME}:{world.port}"
    assert world.run(one(world.url(path)), opened).status in (301, 302, 307)
    with pytest.raises(Unavailable) as caught:
        world.run(discovery.document(world.url(path)), opened, "localhost")
    assert caught.value.code in ("destination-refused", "address-refused")
    assert [seen for seen, _ in world.seen] == [path, path]


def test_d5_47_redirects_end(world: World) -> None:
    """A redirect that leads to the next is followed a few times and no more."""
    world.names[NAME] = [["127.0.0.1"]]
    with pytest.raises(Unavailable):
        world.run(discovery.document(world.url("/round-and-round")), NAME)
    assert len(world.seen) == discovery.MAXIMUM_REDIRECTS + 1


@pytest.mark.parametrize("path", ["/huge", "/endless", "/huge-head"])
def test_d5_47_size(world: World, path: str) -> None:
    """A long body, one without an end, and a head without an end are given up at the limit, not kept."""
    world.names[NAME] = [["127.0.0.1"]]
    begun = time.monotonic()
    assert world.refused(world.url(path), NAME) in ("answer-too-long", "unreachable")
    assert time.monotonic() - begun < 2
    assert world.refused(world.url("/hello"), NAME, size_limit_octets=4) == "answer-too-long"


def test_d5_47_squeezed_bodies_stay_squeezed(world: World) -> None:
    """Nothing is decompressed: a bomb stays as small as it came, and none is asked for."""
    world.names[NAME] = [["127.0.0.1"]]
    assert world.run(one(world.url("/bomb")), NAME).body == b"\x1f\x8b squeezed"
    assert "accept-encoding" not in {name.lower() for name in world.seen[0][1]}


def test_d5_47_a_slow_drip(world: World) -> None:
    """An octet now and then does not keep a call alive beyond its time."""
    world.names[NAME] = [["127.0.0.1"]]
    begun = time.monotonic()
    assert world.refused(world.url("/drip"), NAME, time_limit_seconds=1) == "unreachable"
    assert time.monotonic() - begun < 2


def test_d5_47_one_slow_host_keeps_nobody_waiting(outside: Any) -> None:
    """Calls to a host that never answers wait for each other; a call to another host goes on at once."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    port, other = silent.getsockname()[1], socket.create_server(("127.0.0.1", 0))

    async def run() -> float:
        driver = PooledDriver(Guard(allow=("127.0.0.1",)), limits=Limits(seconds=1), connections=12, per_host=8)
        slow = [asyncio.create_task(driver.run(one(f"http://127.0.0.1:{port}/"))) for _ in range(30)]
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            async with asyncio.timeout(5):
                await driver.run(one(f"http://127.0.0.1:{other.getsockname()[1] + 0}/"))
        taken = time.monotonic() - begun
        accepted = 0
        silent.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                accepted += 1
        await asyncio.gather(*slow, return_exceptions=True)
        await driver.aclose()
        assert accepted == 8
        return taken

    def answer() -> None:
        other.accept()[0].close()

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    assert asyncio.run(run()) < 0.5
    silent.close()
    other.close()


@pytest.mark.parametrize("slow", [12, 40])
def test_d5_47_silent_name_servers(world: World, monkeypatch: pytest.MonkeyPatch, slow: int) -> None:
    """Names that nobody answers for end within the time of a call, and a dozen of them hold up no other name."""
    world.names |= {NAME: [["127.0.0.1"]]}
    gone, told = threading.Event(), world.resolve

    def resolve(host: Any, *rest: Any, **more: Any) -> list[Any]:
        if "silent" in str(host):
            gone.wait(10)
        return told(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def run() -> tuple[float, set[str]]:
        outward = Outward(Outgoing((NAME,), world.ca_file, time_limit_seconds=1))
        waiting = [asyncio.create_task(outward.run(one(f"https://silent-{n}.example/"))) for n in range(slow)]
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        if slow < resolving.AT_A_TIME:
            await outward.run(one(world.url("/hello")))
        taken = time.monotonic() - begun
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert time.monotonic() - begun < 3
        await outward.aclose()
        return taken, {fault.code for fault in ended if isinstance(fault, Unavailable)}

    before = threading.active_count()
    taken, codes = asyncio.run(run())
    assert taken < 0.8
    assert codes == {"unreachable"}
    assert threading.active_count() - before <= resolving.AT_A_TIME
    gone.set()


@capability("outgoing-guard", witness="a TLS server that counts who comes")
def test_d5_47_no_cookie_no_credential_no_proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cookies are not kept, a `.netrc` and the environment's proxies are not looked at."""
    world.names[NAME] = [["127.0.0.1"]]
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")

    def twice() -> Flow[None]:
        yield Call("GET", world.url("/hello"))
        yield Call("GET", world.url("/hello"))

    world.run(twice(), NAME)
    assert len(world.seen) == 2
    for _, headers in world.seen:
        assert {name.lower() for name in headers} <= {"host", "accept", "user-agent"}


@capability("outgoing-guard", witness="a TLS server with a certificate for another name")
def test_d5_47_certificates(world: World) -> None:
    """A certificate for another name, or of an authority that nobody named, is not believed."""
    world.names |= {NAME: [["127.0.0.1"]], OTHER: [["127.0.0.1"]]}
    assert world.refused(world.url("/hello", OTHER), OTHER) == "unreachable"

    async def once() -> None:
        outward = Outward(Outgoing((NAME,)))
        with pytest.raises(Unavailable) as caught:
            await outward.run(one(world.url("/hello")))
        assert caught.value.code == "unreachable"
        await outward.aclose()

    asyncio.run(once())
    assert world.seen == []


@capability("outgoing-allow", witness="a TLS server at a private address")
@pytest.mark.parametrize("allow", [NAME, "{name}:{port}", "127.0.0.0/8", "127.0.0.1", "RP.Example"])
def test_d5_47_what_an_operator_opens(world: World, allow: str) -> None:
    """A host, a host with its port, an address or a network that is written down is called where it is."""
    world.names |= {NAME: [["127.0.0.1"]], OTHER: [["10.9.9.9"]]}
    place = allow.format(name=NAME, port=world.port)
    assert world.run(one(world.url("/hello")), place).status == 200
    assert world.refused(world.url("/hello", OTHER), place) == "destination-refused"


@capability("outgoing-allow", witness="a TLS server at a private address")
@pytest.mark.parametrize("allow", [OTHER, f"{NAME}:1", "10.0.0.0/8", "::1", "[::1]:8443", f"a.{NAME}"])
def test_d5_47_what_an_operator_opens_opens_nothing_else(world: World, allow: str) -> None:
    """Another host, port, network or a name under it stays closed; so does http to anything but this machine."""
    world.names[NAME] = [["127.0.0.1"]]
    assert world.refused(world.url("/hello"), allow) == "destination-refused"
    assert world.refused(f"http://{NAME}:{world.port}/hello", NAME) == "destination-refused"
    assert world.seen == []


@capability("outgoing-allow", witness="the settings that were loaded")
@pytest.mark.parametrize(
    "place",
    ["*", "*.example", "https://rp.example", "rp.example/", "rp.example:0", "rp.example:x", "rp.example:", ":443",
     "10.0.0.1/8", "10.0.0.0/33", "a b", "[::1", "", "exämple.com", "rp.example:65536", "user@rp.example", "-x"],
)  # fmt: skip
def test_d5_47_places_are_written_one_way(tmp_path: pathlib.Path, place: str) -> None:
    """A pattern, a URL, or a network that starts somewhere else is refused at the start, not misread later."""
    with pytest.raises(ValueError):
        places.read(place)
    file = tmp_path / "intaglio.toml"
    file.write_text(f"[outgoing]\nallow = [{json.dumps(place)}]\n", encoding="utf-8")
    with pytest.raises(intaglio.Misconfigured) as caught:
        settings.load(file, {})
    assert "outgoing.allow" in str(caught.value.detail)


@capability("outgoing-allow", witness="the settings that were loaded")
def test_d5_47_bounds_and_authorities_are_checked_at_the_start(tmp_path: pathlib.Path) -> None:
    """Limits beyond reason and a file without certificates are faults of the settings, all told together."""
    (tmp_path / "empty.pem").write_text("nothing")
    told = f'[outgoing]\nca_file = "{tmp_path}/empty.pem"\ntime_limit_seconds = 0\nsize_limit_octets = 99999999\n'
    (tmp_path / "intaglio.toml").write_text(told, encoding="utf-8")
    with pytest.raises(intaglio.Misconfigured) as caught:
        settings.load(tmp_path / "intaglio.toml", {})
    faults = str(caught.value.detail)
    assert all(f"outgoing.{name}" in faults for name in ("ca_file", "time_limit_seconds", "size_limit_octets"))


def test_d5_47_nothing_is_loaded_before_the_first_call() -> None:
    """A server that never calls anybody has no HTTP client and no trust in memory."""
    outward = Outward(Outgoing(("10.0.0.0/8",), pathlib.Path("/nowhere/ca.pem")))
    assert outward._driver is None
    asyncio.run(outward.aclose())


# --- 47 again, from the front door: whatever a client may name


HOSTILE = {
    "a name at this machine": (f"https://{NAME}:PORT/x", ["127.0.0.1"]),
    "a name at both": (f"https://{NAME}:PORT/x", [PUBLIC, "127.0.0.1"]),
    "a name at the metadata address": (f"https://{NAME}/x", ["169.254.169.254"]),
    "this machine": ("https://localhost:PORT/x", []),
    "this machine, plainly": ("http://127.0.0.1:PORT/x", []),
    "a number": ("https://2130706433:PORT/x", []),
    "a mapped address": ("https://[::ffff:127.0.0.1]:PORT/x", []),
    "a port of another protocol": (f"https://{NAME}:25/x", ["127.0.0.1"]),
}
SILENT = f"https://{OTHER}:1/x"


def _assertion(site: harness.Site) -> str:
    now = site.clock.now()
    told = {"iss": "named", "sub": "named", "aud": "http://localhost:8080/default", "iat": now, "exp": now + 60}
    return jws.Signer(KEY, {"typ": "JWT", "kid": "k"}).sign(codec.encode_json(told | {"jti": str(time.time_ns())}))


def _by_jwks_uri(site: harness.Site, uri: str) -> harness.Answer:
    method = {"token_endpoint_auth_methods": ("private_key_jwt",), "grant_types": ("client_credentials",)}
    site.add_client("named", jwks_uri=uri, **method)
    form = {"grant_type": "client_credentials", "client_assertion": _assertion(site)}
    return site.post("~/token", form | {"client_assertion_type": ASSERTION})


def _by_request_uri(site: harness.Site, uri: str) -> harness.Answer:
    site.add_client("named", request_uris=(uri,))
    return harness.App(site, "named").authorize(harness.Browser(site), request_uri=uri)


def _by_encryption(site: harness.Site, uri: str) -> harness.Answer:
    site.add_client("named", "s", jwks_uri=uri, id_token_encrypted_response_alg="RSA-OAEP-256")
    return harness.App(site, "named", "s").callback()


def _by_sector(site: harness.Site, uri: str) -> harness.Answer:
    site.change_tenant(registration="open")
    asked = {"redirect_uris": ["https://rp.example/cb"], "subject_type": "pairwise", "sector_identifier_uri": uri}
    return site.post("~/register", payload=asked)


def _by_registered_keys(site: harness.Site, uri: str) -> harness.Answer:
    site.change_tenant(registration="open")
    asked = {"redirect_uris": ["https://rp.example/cb"], "id_token_encrypted_response_alg": "RSA-OAEP-256"}
    return site.post("~/register", payload=asked | {"jwks_uri": uri})


def _by_logo(site: harness.Site, uri: str) -> harness.Answer:
    site.add_client("named", logo_uri=uri)
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site, "named").authorize(browser))
    assert "/_intaglio/login/" in page.url
    (picture,) = [one.attributes["src"] for one in markup.read(page.body) if one.tag == "img"]
    assert browser.is_own(picture)
    return browser.get(harness.absolute(page.url, picture))


def _by_back_channel(site: harness.Site, uri: str) -> harness.Answer:
    site.add_client("named", "s", backchannel_logout_uri=uri)
    browser, app = harness.Browser(site), harness.App(site, "named", "s")
    token = app.tokens(browser)["id_token"]
    page = browser.get("~/logout?" + urlencode({"id_token_hint": token}))
    site.run(compose.engine(site.house).drain())
    return page


NAMED = {
    "jwks_uri": _by_jwks_uri,
    "jwks_uri of encryption": _by_encryption,
    "jwks_uri at registration": _by_registered_keys,
    "request_uri": _by_request_uri,
    "sector_identifier_uri": _by_sector,
    "logo_uri": _by_logo,
    "backchannel_logout_uri": _by_back_channel,
}


def _told(site_answer: harness.Answer) -> tuple[int, str, str]:
    """Return what a stranger learns from an answer: all but references, names and random words."""
    text = site_answer.text if not site_answer.location else site_answer.params.get("error_description", "")
    plain = re.sub(r"ref_[0-9a-f]+|[A-Za-z0-9_-]{22,}|https?://[^\s\"<]*", "", text)
    return site_answer.status, site_answer.error, plain


@capability("outgoing-guard", witness="a TLS server that counts who comes")
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("named", NAMED)
def test_d5_47_what_a_client_names(world: World, named: str, hostile: str) -> None:
    """CVE-2026-4874: nothing that a client names leads into this machine, and the answer is that of a silent host."""
    uri, answers = HOSTILE[hostile]
    world.names |= {NAME: [answers or [PUBLIC]], OTHER: [["127.0.0.1"]]}
    learned = []
    for target, allow in ((uri.replace("PORT", str(world.port)), ()), (SILENT, (f"{OTHER}:1",))):
        with harness.site() as site:
            outward = Outward(Outgoing(allow, world.ca_file, time_limit_seconds=2))
            site.house.outgoing = outward
            learned.append(_told(NAMED[named](site, target)))
            site.run(outward.aclose())
    assert world.server.connections == []
    assert learned[0] == learned[1]


@pytest.mark.parametrize("named", ["jwks_uri", "request_uri", "sector_identifier_uri", "logo_uri"])
def test_d5_47_what_a_client_names_is_called_where_it_may_be(world: World, named: str) -> None:
    """The same addresses are called once the operator has opened the place: the tests above could fail."""
    world.names[NAME] = [["127.0.0.1"]]
    with harness.site() as site:
        site.house.outgoing = outward = Outward(Outgoing((NAME,), world.ca_file, time_limit_seconds=2))
        NAMED[named](site, world.url("/hello"))
        site.run(outward.aclose())
    assert len(world.server.connections) == 1


# --- 48: nobody is asked because a token says so


NOW = 1_700_000_000


def _token(header: dict[str, Any], **claims: Any) -> str:
    signer = jws.Signer(KEY, {"typ": "JWT", **header})
    told = {"iss": "https://op.example", "sub": "u", "aud": "c", "iat": NOW - 5, "exp": NOW + 600} | claims
    return signer.sign(codec.encode_json(told))


@pytest.mark.parametrize(
    "token",
    [
        _token({"kid": "k"}, iss="https://evil.example"),
        _token({"kid": "k"}, iss="https://op.example.evil.example"),
        _token({"kid": "k"}, iss="https://op.example@evil.example"),
        _token({"kid": "k"}, iss="https://op.example/../evil.example"),
        _token({"kid": "https://evil.example/keys"}),
        _token({"kid": "k", "jku": "https://evil.example/keys"}),
        _token({"kid": "k", "x5u": "https://evil.example/certificate"}),
        _token({"kid": "k", "jwk": jwk.public_members(KEY.public())}),
    ],
)
def test_d5_48_a_token_names_nobody_to_ask(world: World, token: str) -> None:
    """CVE-2026-22772: whatever an unverified token names as issuer or key address, only the configured one is asked."""
    checking = intaglio.Validator(issuer="https://op.example", audience="c", clock=FixedClock(NOW))
    with pytest.raises((intaglio.TokenRefused, Unavailable)):
        checking.validate(token)
    assert set(world.asked) <= {"op.example"}


# --- 49: what was fetched stays with whom it was fetched for


MEMBERS = jwk.public_members(KEY.public())


def _drive(flow: Flow[Any], answers: Callable[[str], Reply]) -> tuple[list[str], Any]:
    asked: list[str] = []
    try:
        call = next(flow)
        while True:
            asked.append(call.url)
            call = flow.send(answers(call.url))
    except StopIteration as end:
        return asked, end.value


def _issuer(name: str, *kids: str) -> Callable[[str], Reply]:
    def answer(url: str) -> Reply:
        keys = {"keys": [{**MEMBERS, "kid": kid} for kid in kids]}
        told = {"issuer": name, "jwks_uri": "https://op.example/keys"}
        return Reply(200, (), json.dumps(keys if url.endswith("/keys") else told).encode(), url)

    return answer


def test_d5_49_keys_stay_with_the_exact_issuer() -> None:
    """Issuers that differ by a slash or a path share no keys, though the address of their keys is one."""
    names = ("https://op.example", "https://op.example/", "https://op.example/a")
    sources = {name: keysource.RemoteKeys(name) for name in names}
    for number, (name, source) in enumerate(sources.items()):
        _drive(source.current(NOW, None), _issuer(name, f"k{number}"))
    held = {name: source.ready(NOW, f"k{number}") for number, (name, source) in enumerate(sources.items())}
    assert [keys.kids() for keys in held.values() if keys is not None] == [("k0",), ("k1",), ("k2",)]


@pytest.mark.parametrize("named", ["https://op.example/", "https://OP.example", "https://evil.example", ""])
def test_d5_49_a_document_of_somebody_else_is_not_kept(named: str) -> None:
    """A document that does not name, letter for letter, the issuer that was asked leads to no keys."""
    source = keysource.RemoteKeys("https://op.example")
    with pytest.raises(Unavailable) as caught:
        _drive(source.current(NOW, None), _issuer(named, "k"))
    assert caught.value.code == "keys-unavailable"
    assert source.ready(NOW, "k") is None


def test_d5_49_removed_keys_drop_out() -> None:
    """A key that the issuer no longer publishes is gone with the next set."""
    source = keysource.RemoteKeys("https://op.example")
    _drive(source.current(NOW, None), _issuer("https://op.example", "old"))
    _, keys = _drive(source.current(NOW + 400, "new"), _issuer("https://op.example", "new"))
    assert keys.kids() == ("new",)


def test_d5_49_unknown_keys_are_not_asked_for_without_end() -> None:
    """A hundred tokens with made-up key names lead to a call or two, not to a hundred."""
    source = keysource.RemoteKeys("https://op.example")
    asked: list[str] = []
    for number in range(100):
        with contextlib.suppress(Unavailable):
            asked += _drive(
                source.current(NOW + number // 50, f"made-up-{number}"), _issuer("https://op.example", "k")
            )[0]
    assert len(asked) <= 4


def test_d5_the_server_calls_nobody_by_itself(world: World) -> None:
    """A whole sign-in with what development mode seeds asks no name and calls nobody."""
    with harness.site() as site:
        told = harness.App(site).tokens()
    assert msgspec.json.decode(codec.decode_base64url(told["id_token"].split(".")[1]))["aud"] == "web"
    assert world.asked == []
