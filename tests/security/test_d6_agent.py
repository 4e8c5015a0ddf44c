"""Rows 35 and 54 once more: the server beside a workload, where what permits something has changed or is doubtful."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import pytest

from intaglio import clock as clocks
from intaglio.dialects.coding import Context
from intaglio.dialects.google import metadata
from intaglio.dialects.google.upstream import Given
from intaglio.errors import Misconfigured, ProtocolFault, Unavailable
from intaglio.net.guard import Guard
from intaglio.net.pooled import PooledDriver
from intaglio.server.agent import accounts, peers, serving
from intaglio.server.agent.accounts import ByUser
from intaglio.server.agent.desk import Desk
from intaglio.server.agent.files import Watched
from intaglio.server.http import connections, listening
from intaglio.server.http import serving as http_serving
from intaglio.wire.message import Request
from tests.capability import capability

NOW = 1_800_000_000
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: 0100007F:C350 0100007F:1FF5 01 00000000:00000000 00:00000000 00000000 {uid:>5}        0 12345 1 0\n"
PEER, OWN = ("127.0.0.1", 0xC350), ("127.0.0.1", 0x1FF5)


@capability("agent-accounts", witness="the file system")
@pytest.mark.parametrize("damage", ["gone", "bad"])
def test_d6_35_a_list_that_is_gone_lists_nobody(tmp_path: pathlib.Path, damage: str) -> None:
    """A list of accounts that cannot be read is in force for a minute, lest it is half written, and no longer."""
    path, clock = tmp_path / "accounts.toml", clocks.FixedClock(NOW)
    path.write_text('[users]\n4711 = "a@p.iam.x"\n', encoding="utf-8")
    driver = PooledDriver(Guard(("http://127.0.0.1:1",)))
    key = tmp_path / "token"
    key.write_text("a.b.c", encoding="utf-8")
    wanted = serving.Wanted("http://127.0.0.1:1", kubernetes_token=key, provider="//p", accounts_file=path)
    app, _, _ = serving.assemble(wanted, driver, clock)
    listed = app._accounts
    assert isinstance(listed, ByUser)
    assert listed._listed.get() == {4711: "a@p.iam.x"}
    path.unlink() if damage == "gone" else path.write_text("[users", encoding="utf-8")
    for _ in range(2):
        assert listed._listed.get() == {4711: "a@p.iam.x"}
        clock.advance(59)
    clock.advance(1)
    with pytest.raises(Misconfigured):
        listed._listed.get()
    path.write_text('[users]\n4712 = "a@p.iam.x"\n', encoding="utf-8")
    assert listed._listed.get() == {4712: "a@p.iam.x"}


def test_d6_35_patience_begins_anew(tmp_path: pathlib.Path) -> None:
    """A file that was good in between is given its minute again; one without a bound is kept for ever."""
    path, clock = tmp_path / "file", clocks.FixedClock(NOW)
    path.write_text("good", encoding="utf-8")
    bounded, kept = (Watched((path,), bytes.decode, clock, patience) for patience in (60, None))
    for _ in range(3):
        path.write_text("good", encoding="utf-8")
        assert (bounded.get(), kept.get()) == ("good", "good")
        path.unlink()
        assert (bounded.get(), kept.get()) == ("good", "good")
        clock.advance(59)
        assert (bounded.get(), kept.get()) == ("good", "good")
    clock.advance(1)
    assert kept.get() == "good"
    with pytest.raises(Misconfigured):
        bounded.get()


@capability("agent-accounts", witness="the kernel's tables, as it writes them")
def test_d6_54_whoever_has_no_number_here_is_nobody(tmp_path: pathlib.Path) -> None:
    """In a user namespace every stranger is shown as 65534: whoever that is listed as would share with all of them."""
    for uid, expected in ((1000, 1000), (65534, None), (65535, 65535)):
        (tmp_path / "tcp").write_text(HEAD + ROW.format(uid=uid), encoding="ascii")
        assert peers.user_of(PEER, OWN, tmp_path) == expected
    for name in ("65534", "065534", "nobody"):
        with pytest.raises(Misconfigured) as caught:
            accounts.read(f'[users]\n{name} = "a@p.iam.x"\n'.encode())
        assert caught.value.code == "accounts-unusable"


@capability("metadata-refusals", witness="requests with two headers of one name")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("metadata-flavor", ("Google", "Google")),
        ("metadata-flavor", ("x", "Google")),
        ("host", ("evil.example", "localhost:8081")),
        ("host", ("localhost:8081", "localhost:8081")),
    ],
)
def test_d6_54_a_header_that_decides_comes_once(name: str, values: tuple[str, ...]) -> None:
    """Of two, whoever stands between may have checked the other one."""
    usual = {"metadata-flavor": "Google", "host": "localhost:8081"}
    others = tuple(pair for pair in usual.items() if pair[0] != name)
    base = "http://localhost:8081"
    ctx = Context(now=NOW, ref="ref", issuer=base, base=base, words={"account": "default"})

    def asked(given: tuple[str, ...]) -> Request:
        return Request("GET", "/", "", (*others, *((name, value) for value in given)))

    with pytest.raises(ProtocolFault) as caught:
        metadata.read_token(asked(values), ctx)
    assert caught.value.code == "access_denied"
    assert metadata.read_token(asked(values[-1:]), ctx).account == "default"


@capability("metadata-refusals", witness="requests as pages and proxies send them")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "localhost/evil.example"),
        ("host", "localhost?evil.example"),
        ("host", "local\thost"),
        ("host", "localhost:8081 "),
        ("host", "localhost:x"),
        ("host", "user@localhost"),
        ("via", "1.1 squid"),
        ("x-real-ip", "203.0.113.9"),
        ("x-forwarded-host", "evil.example"),
    ],
)
def test_d6_54_a_doubtful_host_and_other_signs_of_a_proxy(name: str, value: str) -> None:
    """A Host that is read in two ways is not our own; and a proxy has more ways to say that it is one."""
    base = "http://localhost:8081"
    ctx = Context(now=NOW, ref="ref", issuer=base, base=base, words={"account": "default"})
    usual = {"metadata-flavor": "Google", "host": "localhost:8081"}
    with pytest.raises(ProtocolFault) as caught:
        metadata.read_token(Request("GET", "/", "", tuple((usual | {name: value}).items())), ctx)
    assert caught.value.code == "access_denied"
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:8181", "[::1]:80", "[fe80::1%25eth0]:80", "metadata"):
        asked = Request("GET", "/", "", tuple((usual | {"host": host}).items()))
        assert metadata.read_token(asked, ctx).account == "default"


async def test_d6_54_a_field_behind_the_body_is_no_header() -> None:
    """What comes behind a body shows nothing: neither the flavor nor anything else that decides (RFC 9110 6.5.1)."""
    seen: list[list[bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        seen.append([name for name, _ in scope["headers"]])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    door = listening.bind("127.0.0.1", 0)
    server = http_serving.Server(connections.config(app, grace=1), lambda: None)
    serving_ = asyncio.create_task(server.serve(sockets=[door]))
    reader, writer = await asyncio.open_connection(*door.getsockname())
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head + b"0\r\nMetadata-Flavor: Google\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")
    writer.close()
    server.should_exit = True
    await serving_
    assert seen == [[b"host", b"transfer-encoding"]]


class Moody:
    """Stands for a server that fails for one account and answers for the others."""

    async def id_token(self, account: str, audience: str) -> str:
        """Return a token, or raise."""
        if account == "a@p.iam.x":
            raise Unavailable("upstream-failed")
        return f"{account}/{audience}"

    async def access_token(self, account: str, scopes: tuple[str, ...]) -> Given:
        """Return a token, or raise."""
        return Given(await self.id_token(account, ""), 3600)


@capability("agent-failing", witness="a clock, and a server that is not there")
async def test_d6_54_one_user_cannot_silence_the_others() -> None:
    """What goes wrong for one account is a pause for that account: another user's requests are none the worse."""
    desk = Desk(Moody(), clocks.FixedClock(NOW))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.id_token("a@p.iam.x", "x" * 2000)
        assert await desk.id_token("b@p.iam.x", "y") == "b@p.iam.x/y"
        assert (await desk.access_token("b@p.iam.x", ())).text == "b@p.iam.x/"
    with pytest.raises(Unavailable) as caught:
        await desk.id_token("a@p.iam.x", "x")
    assert caught.value.code == "upstream-silent"
