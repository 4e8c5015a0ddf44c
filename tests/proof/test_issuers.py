"""Issuers that rotate, drip, hang, fail, lie and lead astray, over real sockets."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import gzip
import json
import ssl
import threading
import time
import tracemalloc

import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock
from intaglio.net import guard, pooled, sync
from intaglio.tokens import certificates, jwk, jws
from intaglio.validate import keysource
from tests.capability import capability

NOW = 1_000_000
WITNESS = "an HTTP server that counts what it is asked"
DOCUMENT = "/.well-known/openid-configuration"
HOP = "~"
KEYS = {kid: jwk.generate("ES256") for kid in ("k0", "k1", "k2", "k3", "k4", "k5")}
CALL_SECONDS = 0.25
"""How long a call may take in these tests."""


class Issuer:
    """An HTTP issuer on a port of its own, on an event loop and a thread of its own; `mode` says how it behaves."""

    def __init__(self, context=None):
        self.kids, self.mode, self.delay, self.asked, self.jwks_uri = ["k0"], "good", 0.0, [], None
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self):
        """Close the port and every connection."""

        async def end():
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.sleep(0.01)
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ")[1].decode()
                self.asked.append(path)
                if self.delay:
                    await asyncio.sleep(self.delay)
                await MODES[self.mode](self, path, writer)
        writer.close()
        self._writers.discard(writer)

    def body(self, path):
        """Return the right document for a path."""
        if path.startswith("/keys"):
            keys = [{**jwk.public_members(KEYS[kid].public()), "kid": kid} for kid in self.kids]
            return {"keys": keys}
        return {"issuer": self.url, "jwks_uri": self.jwks_uri or self.url + "/keys"}

    def count(self, path):
        """Return how often a path was asked for."""
        return self.asked.count(path)


async def send(writer, status, body=b"", *headers):
    """Write an answer with its length."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Cache-Control: max-age=300", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


async def good(issuer, path, writer):
    """Answer rightly."""
    await send(writer, 200, json.dumps(issuer.body(path)).encode())


async def drip(_, __, writer):
    """Send an octet now and then, and never end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def hang(_, __, ___):
    """Say nothing."""
    await asyncio.sleep(3600)


async def endless(_, __, writer):
    """Send a body without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


async def endless_head(_, __, writer):
    """Send headers without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: " + b"x" * 60000 + b"\r\n")
        await writer.drain()


async def no_http(_, __, writer):
    """Speak no HTTP."""
    writer.write(b"\x15\x03\x01\x00\x02\x02\x46 220 hello\r\n\r\n")
    await writer.drain()
    raise OSError


async def hang_up(_, __, writer):
    """Hang up in the middle of the answer."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys":')
    await writer.drain()
    raise OSError


def answering(status, body=b"", *headers):
    """Return a mode that always gives one answer."""

    async def mode(_, __, writer):
        await send(writer, status, body, *headers)

    return mode


def leading(to):
    """Return a mode that redirects; `{}` in the target is the issuer's own URL, `{path}` what was asked."""

    async def mode(issuer, path, writer):
        await send(writer, 302, b"", "Location: " + to.format(issuer.url, path=path))

    return mode


async def detour(issuer, path, writer):
    """Redirect three times, each kind of target once, and then answer rightly."""
    steps = path.count(HOP)
    if steps == 3:
        await good(issuer, path, writer)
        return
    target = (issuer.url + path, path, path)[steps] + HOP
    await send(writer, (301, 307, 308)[steps], b"{}", "Location: " + target)


async def wrong_issuer(issuer, path, writer):
    """Name another issuer, and publish keys of another's."""
    if path.startswith("/keys"):
        await send(writer, 404)
    else:
        await send(writer, 200, json.dumps({**issuer.body(path), "issuer": issuer.url + "/"}).encode())


def _many():
    members = jwk.public_members(KEYS["k0"].public())
    return json.dumps({"keys": [{**members, "kid": str(number)} for number in range(101)]}).encode()


MODES = {
    "good": good,
    "detour": detour,
    "drip": drip,
    "hang": hang,
    "endless body": endless,
    "endless head": endless_head,
    "no http": no_http,
    "hang up": hang_up,
    "500": answering(500, b'{"keys":[]}'),
    "429": answering(429),
    "204": answering(204),
    "html": answering(200, b"<!doctype html><title>Sign in</title>"),
    "deep": answering(200, b"[" * 200_000),
    "gzip": answering(200, gzip.compress(b" " * 50_000_000, 9)[:200_000], "Content-Encoding: gzip"),
    "empty set": answering(200, b'{"keys":[]}'),
    "101 keys": answering(200, _many()),
    "loop": leading("{}{path}"),
    "ever on": leading("{path}x"),
    "to a metadata address": leading("http://169.254.169.254/latest/"),
    "to a metadata address by https": leading("https://169.254.169.254/latest/"),
    "to a private address": leading("https://10.0.0.1/keys"),
    "to this machine elsewhere": leading("http://127.0.0.1:1/keys"),
    "to this machine by another name": leading("https://localhost/keys"),
    "to a number for this machine": leading("https://2130706433/keys"),
    "to a mapped address": leading("https://[::ffff:169.254.169.254]/keys"),
    "to plain http": leading("http://93.184.216.34/keys"),
    "to a file": leading("file:///etc/passwd"),
    "with userinfo": leading("https://a@93.184.216.34/keys"),
    "wrong issuer": wrong_issuer,
}


@pytest.fixture(autouse=True)
def short_calls(monkeypatch, request):
    """Let a call take a fraction of a second, so that the tests need not wait for ten; not so in patient tests."""
    if "patient" not in request.fixturenames:
        for driver in (sync, pooled):
            monkeypatch.setattr(driver, "Limits", functools.partial(guard.Limits, seconds=CALL_SECONDS))


@pytest.fixture
def patient():
    """Mark a test in which the issuer takes its time and no call is to fail of it."""


@pytest.fixture
def issuer():
    """Return a running issuer."""
    made = Issuer()
    yield made
    made.stop()


@pytest.fixture
def neighbour():
    """Return another server on this machine, which nobody configured."""
    made = Issuer()
    yield made
    made.stop()


@pytest.fixture
def clock():
    """Return a clock that is moved by hand."""
    return FixedClock(NOW)


@pytest.fixture
def validator(issuer, clock):
    """Return a validator of the issuer's tokens."""
    made = intaglio.Validator(issuer=issuer.url, audience="c", clock=clock)
    yield made
    made.close()


def token(issuer, kid="k0", key=None):
    """Return an ID token that lives for years."""
    claims = {"iss": issuer.url, "sub": "u", "aud": "c", "exp": NOW + 10**8, "iat": NOW}
    return jws.sign(KEYS[key or kid], {"kid": kid}, codec.encode_json(claims))


def blocking(validator, text):
    """Validate, blocking; return the subject or the code."""
    try:
        return validator.validate(text).sub
    except intaglio.IntaglioError as fault:
        return fault.code


class OnALoop:
    """Validates on an event loop of its own, on which the connections stay open."""

    def __init__(self):
        self.runner, self.used = asyncio.Runner(), {}

    def __call__(self, validator, text):
        """Validate; return the subject or the code."""
        self.used[id(validator)] = validator
        try:
            return self.runner.run(validator.avalidate(text)).sub
        except intaglio.IntaglioError as fault:
            return fault.code

    def close(self):
        """Close the connections and the loop."""
        for validator in self.used.values():
            self.runner.run(validator.aclose())
        self.runner.close()


@pytest.fixture(params=["sync", "async"])
def outcome(request):
    """Return how a token is validated."""
    if request.param == "sync":
        yield blocking
        return
    made = OnALoop()
    yield made
    made.close()


@capability("remote-keys-one-fetch", witness=WITNESS)
@pytest.mark.usefixtures("patient")
def test_fifty_threads_on_an_empty_cache_cost_one_discovery_and_one_fetch(issuer, validator):
    """Let fifty threads that come at once wait for one fetch, and believe all."""
    issuer.delay, text, gate = 0.05, token(issuer), threading.Barrier(50)

    def work(_):
        gate.wait(5)
        return blocking(validator, text)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert list(pool.map(work, range(50))) == ["u"] * 50
    assert issuer.asked == [DOCUMENT, "/keys"]


@capability("remote-keys-one-fetch", witness=WITNESS)
@pytest.mark.usefixtures("patient")
def test_fifty_tasks_on_an_empty_cache_cost_one_discovery_and_one_fetch(issuer, validator):
    """Let fifty tasks that come at once wait for one fetch, and believe all."""
    issuer.delay = 0.05

    async def work():
        text = token(issuer)
        try:
            return await asyncio.gather(*(validator.avalidate(text) for _ in range(50)))
        finally:
            await validator.aclose()

    assert [claims.sub for claims in asyncio.run(work())] == ["u"] * 50
    assert issuer.asked == [DOCUMENT, "/keys"]


@capability("remote-keys-survives", witness=WITNESS)
@capability("remote-keys-last-good", witness=WITNESS)
@pytest.mark.usefixtures("patient")
def test_rotation_under_load_loses_no_token(issuer, validator, clock):
    """Believe every token of a key that was just published, in many threads; refuse those of a removed one."""
    issuer.delay = 0.01
    assert blocking(validator, token(issuer)) == "u"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for before, after in (("k0", "k1"), ("k1", "k2"), ("k2", "k3"), ("k3", "k4"), ("k4", "k5")):
            issuer.kids = [before, after]
            clock.advance(30)
            texts = [token(issuer, kid) for kid in (before, after) * 20]
            assert list(pool.map(functools.partial(blocking, validator), texts)) == ["u"] * 40
    assert issuer.count("/keys") == 6
    clock.advance(300)
    issuer.kids = ["k5"]
    assert blocking(validator, token(issuer, "k5")) == "u"
    assert blocking(validator, token(issuer, "k4")) == "key-unknown"


@pytest.mark.usefixtures("patient")
def test_slow_refresh_keeps_only_its_own_caller_waiting(issuer, validator, clock):
    """Answer from the last good keys at once while one caller refreshes keys that are old."""
    text = token(issuer)
    assert blocking(validator, text) == "u"
    clock.advance(301)
    issuer.delay = 0.25
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(blocking, validator, text)
        while issuer.count("/keys") < 2:
            time.sleep(0.002)
        assert [blocking(validator, text) for _ in range(20)] == ["u"] * 20
        assert not first.done()
        assert first.result(5) == "u"
    assert issuer.asked == [DOCUMENT, "/keys", "/keys"]


@capability("remote-keys-cooldown", witness=WITNESS)
@pytest.mark.usefixtures("patient")
def test_thousand_invented_kids_in_a_minute_cost_a_few_fetches(issuer, validator, clock):
    """Refuse a thousand tokens with invented kids for one fetch in thirty seconds; believe good ones between."""
    text = token(issuer)
    assert blocking(validator, text) == "u"
    _, payload, signature = text.split(".")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for second in range(60):
            clock.advance(1)
            invented = [
                f"{codec.encode_base64url(codec.encode_json({'alg': 'ES256', 'kid': f'{second}-{each}'}))}"
                f".{payload}.{signature}"
                for each in range(17)
            ]
            assert set(pool.map(functools.partial(blocking, validator), invented)) == {"key-unknown"}
            assert blocking(validator, text) == "u"
    assert issuer.count("/keys") == 3
    assert issuer.count(DOCUMENT) == 1


FAULTS = [mode for mode in MODES if mode not in ("good", "detour")]


@capability("remote-keys-lifetimes", witness=WITNESS)
@capability("remote-keys-last-good", witness=WITNESS)
@capability("remote-keys-survives", witness=WITNESS)
@capability("remote-keys-caps", witness=WITNESS)
@pytest.mark.parametrize("mode", FAULTS)
def test_faulty_issuer_is_outlived_and_recovers(issuer, validator, clock, outcome, mode):
    """Believe nothing at first; then go on with the last good keys for a day, and no longer; then recover."""
    text = token(issuer)
    issuer.mode = mode
    began = time.monotonic()
    assert {outcome(validator, text) for _ in range(5)} == {"keys-unavailable"}
    assert len(issuer.asked) <= 4
    issuer.mode, issuer.asked = "good", []
    clock.advance(5)
    assert outcome(validator, text) == "u"
    issuer.mode = mode
    clock.advance(301)
    assert outcome(validator, text) == "u"
    asked = len(issuer.asked)
    assert asked > 2
    assert outcome(validator, text) == "u"
    assert outcome(validator, token(issuer, "k1")) == "key-unknown"
    assert len(issuer.asked) == asked
    clock.advance(86_400)
    assert outcome(validator, text) == "keys-unavailable"
    asked = len(issuer.asked)
    assert outcome(validator, text) == "keys-unavailable"
    assert len(issuer.asked) == asked
    assert time.monotonic() - began < 10 * CALL_SECONDS
    issuer.mode, issuer.kids = "good", ["k1"]
    clock.advance(5)
    assert outcome(validator, token(issuer, "k1")) == "u"
    assert outcome(validator, text) == "key-unknown"


@capability("remote-keys-caps", witness=WITNESS)
def test_redirects_are_followed_for_both_documents(issuer, validator, outcome):
    """Believe tokens of an issuer whose documents are behind three redirects each."""
    issuer.mode = "detour"
    assert outcome(validator, token(issuer)) == "u"
    assert [path.count(HOP) for path in issuer.asked] == [0, 1, 2, 3, 0, 1, 2, 3]


@capability("remote-keys-guard", witness=WITNESS)
def test_neighbour_on_another_port_is_never_called(issuer, neighbour, validator, outcome):
    """Refuse keys, and redirects, at another port of a configured host, which is another program."""
    MODES["to the neighbour"] = leading(neighbour.url + "{path}")
    issuer.mode = "to the neighbour"
    assert outcome(validator, token(issuer)) == "keys-unavailable"
    other = Issuer()
    try:
        other.jwks_uri = neighbour.url + "/keys"
        made = intaglio.Validator(issuer=other.url, audience="c", clock=FixedClock(NOW))
        assert outcome(made, token(other)) == "keys-unavailable"
        made.close()
    finally:
        other.stop()
        del MODES["to the neighbour"]
    assert (other.asked, neighbour.asked) == ([DOCUMENT], [])


@capability("remote-keys-guard", witness=WITNESS)
def test_tls_is_not_left_for_http(tmp_path, outcome):
    """Refuse redirects and keys over http where the issuer is https, at the same host and port too."""
    now = int(time.time())
    key, authority = certificates.make_authority(now)
    leaf_key, chain = certificates.make_leaf(key, authority, ["127.0.0.1"], now)
    for name, octets in (("ca.pem", authority), ("key.pem", leaf_key), ("chain.pem", chain)):
        (tmp_path / name).write_bytes(octets)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    issuer = Issuer(context)
    plain = issuer.url.replace("https", "http")
    MODES["down"] = leading(plain + "{path}")
    try:
        for mode, jwks_uri, expected in (("down", None, False), ("good", plain + "/keys", False), ("good", None, True)):
            issuer.mode, issuer.jwks_uri, issuer.asked = mode, jwks_uri, []
            made = intaglio.Validator(
                issuer=issuer.url, audience="c", clock=FixedClock(NOW), ca_file=str(tmp_path / "ca.pem")
            )
            assert outcome(made, token(issuer)) == ("u" if expected else "keys-unavailable")
            assert issuer.asked == ([DOCUMENT, "/keys"] if expected else [DOCUMENT])
            made.close()
    finally:
        issuer.stop()
        del MODES["down"]


@capability("remote-keys-caps", witness=WITNESS)
@pytest.mark.parametrize("mode", ["endless body", "endless head", "deep", "gzip"])
def test_endless_answers_take_bounded_memory(issuer, validator, mode):
    """Stop reading an answer at its bound."""
    assert blocking(validator, token(issuer)) == "u"
    validator.close()
    fresh = intaglio.Validator(issuer=issuer.url, audience="c", clock=FixedClock(NOW))
    issuer.mode = mode
    tracemalloc.start()
    try:
        assert blocking(fresh, token(issuer)) == "keys-unavailable"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        fresh.close()
    assert peak < 8 * 2**20


def test_two_issuers_share_nothing(issuer, neighbour, clock):
    """Refuse a token of one issuer that is signed by a key of another, though both use one kid."""
    neighbour.kids = ["k1"]
    one, other = (intaglio.Validator(issuer=each.url, audience="c", clock=clock) for each in (issuer, neighbour))
    assert blocking(one, token(issuer, "k0")) == "u"
    assert blocking(other, token(neighbour, "k1")) == "u"
    assert blocking(other, token(neighbour, "k0")) == "key-unknown"
    assert blocking(one, token(issuer, "k0", key="k1")) == "signature-invalid"
    one.close()
    other.close()


@capability("remote-keys-one-fetch", witness=WITNESS)
@capability("remote-keys-cooldown", witness=WITNESS)
@pytest.mark.usefixtures("patient")
def test_validators_that_share_their_keys_share_one_fetch(issuer, clock):
    """Let validators for several audiences share one source: one fetch for all, in threads and on an event loop."""
    issuer.delay = 0.05
    source = keysource.RemoteKeys(issuer.url, clock=clock)
    made = [intaglio.Validator(issuer=issuer.url, audience="c", keys=source, clock=clock) for _ in range(4)]
    text = token(issuer)

    async def tasks():
        found = await asyncio.gather(*(each.avalidate(text) for each in made * 5))
        for each in made:
            await each.aclose()
        return [claims.sub for claims in found]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(blocking, each, text) for each in made * 2]
        assert asyncio.run(tasks()) == ["u"] * 20
        assert [each.result(5) for each in running] == ["u"] * 8
    assert issuer.asked == [DOCUMENT, "/keys"]
    clock.advance(30)
    for each in made * 3:
        assert blocking(each, token(issuer, "k1")) == "key-unknown"
    assert issuer.asked == [DOCUMENT, "/keys", "/keys"]
    for each in made:
        each.close()
