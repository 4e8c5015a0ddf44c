"""One issuer's keys for many callers at once: one fetch in flight, whoever comes first and whatever becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time

import pytest

from intaglio.clock import FixedClock
from intaglio.errors import Misconfigured, Unavailable
from intaglio.tokens import jwk
from intaglio.validate import flight, keysource
from intaglio.wire.flow import Reply

ISSUER = "https://issuer.example/t"
JWKS = "https://issuer.example/keys"
START = 1_000_000
MEMBERS = jwk.public_members(jwk.generate("ES256").public())


class Issuer:
    """Answers calls when its gate is open; `asked` lists them, `now_asking` tells that one is waiting at the gate."""

    def __init__(self, *kids):
        self.kids, self.asked, self.status, self.headers = kids, [], 200, ()
        self.gate, self.now_asking = threading.Event(), threading.Event()
        self.gate.set()

    def answer(self, call):
        """Return the answer to a call."""
        document = {"issuer": ISSUER, "jwks_uri": JWKS}
        if call.url == JWKS:
            document = {"keys": [{**MEMBERS, "kid": kid} for kid in self.kids]}
        return Reply(self.status, self.headers, json.dumps(document).encode(), call.url)

    def run(self, flow):
        """Run a flow, blocking."""
        try:
            call = next(flow)
            while True:
                self.asked.append(call.url)
                self.now_asking.set()
                assert self.gate.wait(5)
                call = flow.send(self.answer(call))
        except StopIteration as end:
            return end.value

    async def arun(self, flow):
        """Run a flow on the event loop."""
        try:
            call = next(flow)
            while True:
                self.asked.append(call.url)
                self.now_asking.set()
                while not self.gate.is_set():  # noqa: ASYNC110  (a thread opens it)
                    await asyncio.sleep(0.005)
                call = flow.send(self.answer(call))
        except StopIteration as end:
            return end.value


def unasked(flow):
    """Run a flow that must ask nothing."""
    try:
        call = next(flow)
    except StopIteration as end:
        return end.value
    raise AssertionError(call)


@pytest.fixture
def issuer():
    """Return an issuer with one key."""
    return Issuer("a")


@pytest.fixture
def source():
    """Return the issuer's keys, not fetched yet."""
    return keysource.RemoteKeys(ISSUER)


def started(work, *arguments):
    """Run something in a thread; return the thread and the list that its outcome will be in."""
    outcome = []

    def run():
        try:
            outcome.append(work(*arguments))
        except Unavailable as fault:
            outcome.append(fault.code)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def joined(*running):
    """Wait for threads and return their outcomes."""
    for thread, _ in running:
        thread.join(5)
        assert not thread.is_alive()
    return [outcome[0] if isinstance(outcome[0], str) else outcome[0].kids() for _, outcome in running]


def test_threads_wait_for_one_fetch(issuer, source):
    """Let fifty threads on an empty source cost one discovery and one fetch of keys."""
    issuer.gate.clear()
    running = [started(source.obtain, START, "a", issuer.run) for _ in range(50)]
    assert issuer.now_asking.wait(5)
    issuer.gate.set()
    assert joined(*running) == [("a",)] * 50
    assert issuer.asked == [ISSUER + "/.well-known/openid-configuration", JWKS]


def test_failure_is_shared_by_those_who_wait(issuer, source):
    """Let all who wait for a fetch that fails be told so, at the cost of one call."""
    issuer.status = 500
    issuer.gate.clear()
    running = [started(source.obtain, START, "a", issuer.run) for _ in range(20)]
    assert issuer.now_asking.wait(5)
    issuer.gate.set()
    assert joined(*running) == ["keys-unavailable"] * 20
    assert len(issuer.asked) == 1


def test_known_kid_is_answered_at_once_while_others_ask(issuer, source):
    """Go on with the last good keys during a refresh; a kid that is new waits for the refresh and is found."""
    source.obtain(START, "a", issuer.run)
    issuer.kids = ("a", "b")
    issuer.gate.clear()
    issuer.now_asking.clear()
    first = started(source.obtain, START + 300, "a", issuer.run)
    assert issuer.now_asking.wait(5)
    assert source.ready(START + 300, "a").kids() == ("a",)
    assert source.ready(START + 300, None).kids() == ("a",)
    assert source.obtain(START + 300, "a", None).kids() == ("a",)
    assert source.ready(START + 300, "b") is None
    second = started(source.obtain, START + 300, "b", None)
    issuer.gate.set()
    assert joined(first, second) == [("a", "b")] * 2
    assert issuer.asked[2:] == [JWKS]


def test_empty_source_is_not_ready_while_others_ask(issuer, source):
    """Make those who have no keys wait, those past the hard lifetime too."""
    source.obtain(START, "a", issuer.run)
    issuer.gate.clear()
    issuer.now_asking.clear()
    first = started(source.obtain, START + 86_400, "a", issuer.run)
    assert issuer.now_asking.wait(5)
    assert source.ready(START + 86_400, "a") is None
    issuer.gate.set()
    assert joined(first) == [("a",)]


def test_nobody_waits_longer_than_the_bound(issuer, source, monkeypatch):
    """Give up waiting for another's fetch at the bound, with the last good keys or none."""
    monkeypatch.setattr(flight, "WAIT_SECONDS", 0.1)
    issuer.gate.clear()
    first = started(source.obtain, START, "a", issuer.run)
    assert issuer.now_asking.wait(5)
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        source.obtain(START, "a", None)
    assert caught.value.code == "keys-unavailable"

    async def waiting():
        await source.aobtain(START, "a", None)

    with pytest.raises(Unavailable):
        asyncio.run(waiting())
    assert time.monotonic() - began < 2
    issuer.gate.set()
    assert joined(first) == [("a",)]


def test_tasks_and_threads_wait_for_each_other(issuer, source):
    """Let tasks of an event loop wait for a thread's fetch, and a thread for a task's."""
    issuer.gate.clear()
    first = started(source.obtain, START, "a", issuer.run)
    assert issuer.now_asking.wait(5)

    async def tasks():
        waiting = [asyncio.create_task(source.aobtain(START, "a", None)) for _ in range(20)]
        await asyncio.sleep(0.02)
        issuer.gate.set()
        return [keys.kids() for keys in await asyncio.gather(*waiting)]

    assert asyncio.run(tasks()) == [("a",)] * 20
    assert joined(first) == [("a",)]

    async def task():
        issuer.gate.clear()
        issuer.now_asking.clear()
        mine = asyncio.create_task(source.aobtain(START + 40, "b", issuer.arun))
        await asyncio.sleep(0.02)
        issuer.kids = ("a", "b")
        thread = started(source.obtain, START + 40, "b", None)
        await asyncio.sleep(0.02)
        issuer.gate.set()
        await mine
        return await asyncio.to_thread(joined, thread)

    assert asyncio.run(task()) == [("a", "b")]
    assert len(issuer.asked) == 3


def test_first_caller_who_hangs_up_costs_nobody_else(issuer, source):
    """Let the fetch go on when the task that began it is cancelled, and serve those who wait for it."""

    async def tasks():
        issuer.gate.clear()
        first = asyncio.create_task(source.aobtain(START, "a", issuer.arun))
        await asyncio.sleep(0.02)
        second, third = (asyncio.create_task(source.aobtain(START, "a", None)) for _ in range(2))
        await asyncio.sleep(0.02)
        first.cancel()
        second.cancel()
        await asyncio.sleep(0.02)
        issuer.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        return (await third).kids()

    assert asyncio.run(tasks()) == ("a",)
    assert len(issuer.asked) == 2


def test_event_loop_that_ends_half_way_blocks_nobody(issuer, source):
    """Let others ask once the event loop that was asking is gone, ended in order or merely dropped."""

    async def begin():
        issuer.gate.clear()
        waiting = asyncio.create_task(source.aobtain(START, "a", issuer.arun))
        await asyncio.sleep(0.02)
        return waiting

    waiting = asyncio.run(begin())
    assert waiting.cancelled()
    issuer.gate.set()
    assert source.obtain(START + 5, "a", issuer.run).kids() == ("a",)

    dropped = keysource.RemoteKeys(ISSUER)
    loop = asyncio.new_event_loop()
    issuer.gate.clear()
    task = loop.create_task(dropped.aobtain(START, "a", issuer.arun))
    loop.run_until_complete(asyncio.sleep(0.02))
    issuer.gate.set()
    assert dropped.obtain(START + 90, "a", issuer.run).kids() == ("a",)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, *asyncio.all_tasks(loop), return_exceptions=True))
    loop.close()


def test_blocking_call_on_the_asking_event_loop_does_not_wait_for_itself(issuer, source):
    """Answer a blocking call on the thread that is asking at once, with what there is."""

    async def both():
        issuer.gate.clear()
        waiting = asyncio.create_task(source.aobtain(START, "a", issuer.arun))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            source.obtain(START, "a", None)
        lasted = time.monotonic() - began
        issuer.gate.set()
        await waiting
        return lasted

    assert asyncio.run(both()) < 1


def test_driver_that_fails_is_heard_and_blocks_nobody(issuer, source):
    """Pass on what the driver itself raises, and let the next caller ask."""

    def broken(flow):
        del flow
        raise Misconfigured("ca-file-unusable")

    async def abroken(flow):
        broken(flow)

    with pytest.raises(Misconfigured):
        source.obtain(START, "a", broken)
    with pytest.raises(Misconfigured):
        asyncio.run(source.aobtain(START, "a", abroken))
    assert source.obtain(START, "a", issuer.run).kids() == ("a",)


def test_failure_counts_from_its_end(issuer):
    """Leave an issuer that hung alone for five seconds after it failed, not after it was asked."""
    clock = FixedClock(START)
    source = keysource.RemoteKeys(ISSUER, clock=clock)
    flow = source.current(START, "a")
    next(flow)
    clock.advance(10)
    with pytest.raises(Unavailable):
        flow.throw(Unavailable("unreachable"))
    for at in (START + 10, START + 14):
        with pytest.raises(Unavailable) as caught:
            source.obtain(at, "a", unasked)
        assert caught.value.detail["cause"] == "unreachable"
    assert source.obtain(START + 15, "a", issuer.run).kids() == ("a",)


@pytest.mark.parametrize(
    ("headers", "skew"),
    [
        ((("Date", "Mon, 12 Jan 1970 13:46:54 GMT"),), 14),
        ((("Date", "Mon, 12 Jan 1970 13:46:00 GMT"),), -40),
        ((("Date", "Mon, 12 Jan 1970 13:46:00 GMT"), ("Age", "40")), 0),
        ((("Date", "yesterday"),), None),
        ((), None),
    ],
)
def test_clock_of_the_issuer_is_compared_with_ours(issuer, headers, skew):
    """Tell by how much the issuer's clock is ahead of ours when its answer came; nothing of a Date that is garbage."""
    source = keysource.RemoteKeys(ISSUER, clock=FixedClock(START))
    assert source.skew is None
    issuer.headers = headers
    source.obtain(START - 3, "a", issuer.run)
    assert source.skew == skew
    issuer.headers = (("Date", "rubbish"),)
    source.obtain(START + 600, "a", issuer.run)
    assert source.skew == skew


def test_fixed_keys_are_had_without_a_driver():
    """Return the keys that were handed over, blocking and not, and know no clock but ours."""
    keys = jwk.read_set({"keys": [MEMBERS]})
    fixed = keysource.FixedKeys(keys)
    assert fixed.obtain(START, "x", None) is keys
    assert asyncio.run(fixed.aobtain(START, "x", None)) is keys
    assert (fixed.skew, fixed.configured) == (None, ())


def test_addresses_that_were_written_down_are_told_and_looked_at():
    """List the configured addresses for the guard, and refuse those that cannot be asked when they are given."""
    template = "https://issuer.example/{tenantid}/v2.0"
    made = keysource.RemoteKeys(template, discovery_uri="https://a.example/d", jwks_uri="https://b.example/k")
    assert made.configured == (template, "https://a.example/d", "https://b.example/k")
    assert keysource.RemoteKeys(ISSUER).configured == (ISSUER,)
    for wrong in ({"discovery_uri": "x"}, {"jwks_uri": "x"}, {"discovery_uri": "x", "jwks_uri": JWKS}):
        with pytest.raises(Misconfigured):
            keysource.RemoteKeys(ISSUER, **wrong)
    with pytest.raises(Misconfigured):
        keysource.RemoteKeys("x")


def test_place_of_the_keys_outlives_a_discovery_that_fails(issuer, source):
    """Ask where the keys were last when the document cannot be had, but not once it speaks for another issuer."""
    source.obtain(START, "a", issuer.run)
    document = ISSUER + "/.well-known/openid-configuration"

    def drive(now, *answers):
        asked, flow = [], source.current(now, "a")
        with contextlib.suppress(StopIteration, Unavailable):
            call = next(flow)
            for answer in answers:
                asked.append(call.url)
                call = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
            asked.append(f"and {call.url}")
        return asked

    keys = Reply(200, (), json.dumps({"keys": [MEMBERS | {"kid": "a"}]}).encode())
    other = Reply(200, (), json.dumps({"issuer": ISSUER + "/", "jwks_uri": JWKS}).encode())
    assert drive(START + 300, Unavailable("unreachable")) == [JWKS]
    assert drive(START + 600, Unavailable("unreachable"), keys) == [document, JWKS]
    assert drive(START + 900, other) == [document]
    assert drive(START + 3600, Reply(404), keys) == [document, JWKS]
    assert drive(START + 90_000, Reply(404)) == [document]
