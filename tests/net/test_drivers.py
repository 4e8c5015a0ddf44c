"""The two drivers run a flow alike: blocking and async."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from intaglio.errors import Misconfigured, Unavailable
from intaglio.net import trust
from intaglio.net.guard import Guard, Limits
from intaglio.net.pooled import PooledDriver
from intaglio.net.sync import SyncDriver
from intaglio.validate import discovery
from intaglio.wire.flow import Call


def blocking(flow, guard, limits):
    """Run a flow, blocking."""
    driver = SyncDriver(guard, limits=limits)
    try:
        return driver.run(flow)
    finally:
        driver.close()


def pooled(flow, guard, limits):
    """Run a flow on an event loop."""

    async def run():
        driver = PooledDriver(guard, limits=limits)
        try:
            return await driver.run(flow)
        finally:
            await driver.aclose()

    return asyncio.run(run())


@pytest.fixture(params=[blocking, pooled], ids=["sync", "pooled"])
def run(request, server):
    """Return the function that runs a flow with the server configured, and a port where nobody answers."""
    return lambda flow, **limits: request.param(flow, Guard((server.url, "http://127.0.0.1:1/")), Limits(**limits))


def one(call):
    """Return the flow of one call."""
    return (yield call)


def test_flow_gets_its_replies(run, server):
    """Send method, headers and body, and return status, headers and body."""

    def two():
        first = yield Call("GET", server.url + "/a?b=c", (("accept", "application/json"),))
        second = yield Call("POST", server.url + "/p", (("content-type", "text/plain"),), b"body")
        return first, second

    first, second = run(two())
    assert (first.status, first.header("x-ANSWER"), first.body, first.url) == (
        200,
        "yes",
        b"hello",
        server.url + "/a?b=c",
    )
    assert second.body == b"body"
    assert [(method, path) for method, path, _ in server.seen] == [("GET", "/a?b=c"), ("POST", "/p")]
    assert "accept-encoding" not in {name.lower() for name in server.seen[0][2]}


def test_redirect_is_not_followed(run, server):
    """Return the redirect itself."""
    assert run(one(Call("GET", server.url + "/redirect"))).status == 302
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("path", "limits", "code"),
    [
        ("/long", {}, "answer-too-long"),
        ("/slow", {"seconds": 0.3}, "unreachable"),
        ("/garbage", {}, "unreachable"),
    ],
)
def test_failed_call_is_unavailable(run, server, path, limits, code):
    """Refuse answers that are too long, too late, or no HTTP."""
    with pytest.raises(Unavailable) as caught:
        run(one(Call("GET", server.url + path)), **limits)
    assert caught.value.code == code


def test_a_dripping_head_does_not_outlast_the_limit(run, server):
    """Give up at the limit though an octet of the head comes every now and then."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        run(one(Call("GET", server.url + "/drip")), seconds=0.5)
    assert caught.value.code == "unreachable"
    assert time.monotonic() - began < 2


def test_failure_is_thrown_into_the_flow(run, server):
    """Let a flow go on after a call that failed."""

    def persistent():
        try:
            yield Call("GET", "http://127.0.0.1:1/")
        except Unavailable as fault:
            reply = yield Call("GET", server.url + "/echo")
            return fault.code, reply.body

    assert run(persistent()) == ("unreachable", b"hello")


def test_d5_47_this_machine_is_refused_unless_configured(server):
    """Refuse to call loopback hosts that were not configured."""
    port = server.url.rpartition(":")[2]
    for drive in (blocking, pooled):
        for url in (f"http://localhost:{port}/", f"https://127.0.0.1:{port}/"):
            with pytest.raises(Unavailable) as caught:
                drive(one(Call("GET", url)), Guard(("https://elsewhere.example",)), Limits())
            assert caught.value.code == "destination-refused"
    assert server.seen == []


@pytest.mark.parametrize("drive", [blocking, pooled])
def test_d5_47_public_name_at_a_private_address_is_refused(drive, server, monkeypatch):
    """Refuse, after resolving once and before connecting, a name of which one address is private."""
    port, asked = int(server.url.rpartition(":")[2]), []

    def resolve(host, *rest, **options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Unavailable) as caught:
        drive(one(Call("GET", f"https://keys.example:{port}/")), Guard(), Limits())
    assert caught.value.code == "destination-refused"
    assert asked == ["keys.example"]


@pytest.mark.parametrize("drive", [blocking, pooled])
def test_d5_47_every_hop_of_a_redirect_is_judged_by_its_address(drive, server, monkeypatch):
    """Refuse a redirect to a public name at a private address, after resolving it once, and connect to nothing."""
    asked, plain = [], socket.getaddrinfo

    def resolve(host, port, *rest, **options):
        asked.append(host)
        if host != "keys.example":
            return plain(host, port, *rest, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Unavailable) as caught:
        drive(discovery.document(server.url + "/away"), Guard((server.url,)), Limits())
    assert caught.value.code == "destination-refused"
    assert [host for host in asked if host != "127.0.0.1"] == ["keys.example"]


def test_redirects_are_followed_by_the_flow(run, server):
    """Follow a relative redirect with a second call."""
    assert run(discovery.document(server.url + "/redirect")).body == b"hello"
    assert [path for _, path, _ in server.seen] == ["/redirect", "/echo"]


def test_task_that_is_cancelled_closes_its_flow(server):
    """Close the flow when the task that runs it is cancelled."""
    closed = []

    def slow():
        try:
            yield Call("GET", server.url + "/slow")
        finally:
            closed.append(True)

    async def run():
        driver = PooledDriver(Guard((server.url,)))
        flow = slow()
        task = asyncio.create_task(driver.run(flow))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait((task,))
        assert closed == [True]
        await driver.aclose()
        return flow

    asyncio.run(run())


def test_host_that_is_an_ipv6_address_is_reached():
    """Call a configured IPv6 loopback address, which must be judged without its brackets."""
    guard = Guard(("http://[::1]:1/",))
    for drive in (blocking, pooled):
        with pytest.raises(Unavailable) as caught:
            drive(one(Call("GET", "http://[::1]:1/")), guard, Limits())
        assert (caught.value.code, caught.value.detail["cause"]) == ("unreachable", "ConnectError")


def test_error_keeps_the_query_out(run):
    """Leave the query, which may hold secrets, out of the error."""
    with pytest.raises(Unavailable) as caught:
        run(one(Call("GET", "http://127.0.0.1:1/?token=s3cret")))
    assert "s3cret" not in f"{caught.value!r} {caught.value.detail}"


def test_file_of_authorities_must_be_readable(tmp_path):
    """Refuse a file that is missing or holds no certificates."""
    (tmp_path / "empty.pem").write_text("")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(Misconfigured) as caught:
            trust.context(str(tmp_path / name))
        assert caught.value.code == "ca-file-unusable"
