"""The load: whole code flows over keep-alive connections, written against the event loop's transports.

A flow is GET authorize with a session cookie (consent is remembered) and POST token with client_secret_basic and PKCE
S256; it counts only if the token response holds an id_token, and for `code id_token` the first answer too. A plain
request counts only if status and text of its answer are those the job names. Runs as a process of its own: reads a job
(JSON) from stdin, writes the figures (JSON) to stdout.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop

PAIRS = 256
_CODE = re.compile(rb"[?&#]code=([^&\r\n]+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Load:
    """What all connections share: the requests' parts, the clock, the figures."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.running = True
        self.counting = False
        self.flows = 0
        self.flow_times: list[float] = []
        self.request_times: list[float] = []
        self.faults: list[str] = []
        self.pairs = [self._pair() for _ in range(PAIRS)]
        self.next = 0
        self.response_type = job.get("response_type", "code")
        self.front = b"id_token=eyJ" if "id_token" in self.response_type.split() else b""

    @staticmethod
    def _pair() -> tuple[str, str]:
        verifier = secrets.token_urlsafe(32)
        return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

    def requests(self, cookie: str) -> list[tuple[bytes, bytes, bytes]]:
        """Return for each pair the authorization request, the token request's head and its form, each to be ended."""
        job = self.job
        basic = base64.b64encode(f"{job['client_id']}:{job['client_secret']}".encode()).decode()
        made = []
        for verifier, challenge in self.pairs:
            query = urlencode(
                {
                    "client_id": job["client_id"],
                    "redirect_uri": job["redirect_uri"],
                    "response_type": self.response_type,
                    "scope": "openid",
                    "state": secrets.token_urlsafe(12),
                    "nonce": secrets.token_urlsafe(12),
                    "code_challenge": challenge,
                    "code_challenge_method": "S256",
                }
            )
            authorize = f"GET {job['authorize']}?{query} HTTP/1.1\r\nhost: {job['host']}\r\ncookie: {cookie}\r\n\r\n"
            form = urlencode(
                {"grant_type": "authorization_code", "redirect_uri": job["redirect_uri"], "code_verifier": verifier}
            )
            token = (
                f"POST {job['token']} HTTP/1.1\r\nhost: {job['host']}\r\nauthorization: Basic {basic}\r\n"
                f"content-type: application/x-www-form-urlencoded\r\ncontent-length: "
            )
            made.append((authorize.encode(), token.encode(), form.encode() + b"&code="))
        return made


class Flow(asyncio.Protocol):
    """One connection: authorize, token, again."""

    def __init__(self, load: Load, cookie: str, done: asyncio.Future[None]) -> None:
        self.load = load
        self.done = done
        self.pairs = load.requests(cookie)
        self.turn = secrets.randbelow(PAIRS)
        self.buffer = b""
        self.head = self.form = b""
        self.at_token = False
        self.began = self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._begin()

    def _begin(self) -> None:
        self.turn = (self.turn + 1) % PAIRS
        authorize, self.head, self.form = self.pairs[self.turn]
        self.at_token = False
        self.began = self.sent = time.perf_counter()
        self.transport.write(authorize)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self.buffer, 0, end + 2)
        length = int(found[1]) if found else 0
        if len(self.buffer) < end + 4 + length:
            return
        head, body = self.buffer[: end + 4], self.buffer[end + 4 : end + 4 + length]
        self.buffer = b""
        self._answered(head, body)

    def _answered(self, head: bytes, body: bytes) -> None:
        now = time.perf_counter()
        load = self.load
        if load.counting:
            load.request_times.append(now - self.sent)
        if not self.at_token:
            code = _CODE.search(head)
            if code is None or self.load.front not in head:
                return self._fault(head, body)
            form = self.form + code[1]
            self.at_token, self.sent = True, now
            self.transport.write(b"%b%d\r\n\r\n%b" % (self.head, len(form), form))
            return None
        if b'"id_token":"' not in body or b'"access_token":"' not in body:
            return self._fault(head, body)
        if load.counting:
            load.flows += 1
            load.flow_times.append(now - self.began)
        if load.running:
            self._begin()
        else:
            self._end()
        return None

    def _fault(self, head: bytes, body: bytes) -> None:
        self.load.faults.append((head[:300] + body[:300]).decode("latin-1"))
        self._end()

    def _end(self) -> None:
        self.transport.close()
        if not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.load.faults.append("the connection was closed")
            self.done.set_result(None)


class Plain(Flow):
    """One connection that sends the same request again and again."""

    def __init__(self, load: Load, octets: bytes, done: asyncio.Future[None]) -> None:
        self.octets = octets
        self.load, self.done, self.pairs = load, done, []
        self.status = b"HTTP/1.1 %d " % load.job.get("status", 200)
        self.text = load.job.get("text", "").encode()
        self.buffer = b""
        self.began = self.sent = 0.0

    def _begin(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.octets)

    def _answered(self, head: bytes, body: bytes) -> None:
        if not head.startswith(self.status) or self.text not in body:
            return self._fault(head, body)
        load = self.load
        if load.counting:
            load.flows += 1
            load.flow_times.append(time.perf_counter() - self.began)
        if load.running:
            self._begin()
        else:
            self._end()
        return None


class Paced(Plain):
    """One connection that sends at instants fixed beforehand; an answer's time counts from the instant, sent or not."""

    def __init__(self, load: Load, octets: bytes, done: asyncio.Future[None], number: int) -> None:
        super().__init__(load, octets, done)
        self.loop = asyncio.get_running_loop()
        self.every = load.job["connections"] / load.job["rate"]
        self.due = self.loop.time() + self.every * (1 + number / load.job["connections"])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.loop.call_at(self.due, self._send)

    def _begin(self) -> None:
        self.due += self.every
        if self.due <= self.loop.time():
            self._send()
        else:
            self.loop.call_at(self.due, self._send)

    def _send(self) -> None:
        # The loop's clock and this one are the same on every system that this runs on.
        self.began = self.due
        self.transport.write(self.octets)


class Redeem(Flow):
    """One connection that redeems codes which were fetched before; ends when there are none left."""

    def __init__(self, load: Load, cookie: str, done: asyncio.Future[None], codes: int) -> None:
        super().__init__(load, cookie, done)
        self.wanted = codes
        self.codes: list[tuple[bytes, bytes, bytes]] = []
        self.fetching = True

    def _begin(self) -> None:
        if self.fetching:
            return super()._begin()
        if not self.codes:
            return self._end()
        head, form, code = self.codes.pop()
        self.began = time.perf_counter()
        body = form + code
        self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        return None

    def _answered(self, head: bytes, body: bytes) -> None:
        if self.fetching:
            code = _CODE.search(head)
            if code is None:
                return self._fault(head, body)
            self.codes.append((self.head, self.form, code[1]))
            if len(self.codes) < self.wanted:
                return super()._begin()
            self.fetching = False
            self.load.ready.release()
            return None
        if b'"id_token":"' not in body:
            return self._fault(head, body)
        self.load.flows += 1
        self.load.flow_times.append(time.perf_counter() - self.began)
        return self._begin()


def figures(load: Load, seconds: float) -> dict[str, Any]:
    """Return what was measured; times in milliseconds."""
    return {
        "count": load.flows,
        "seconds": seconds,
        "per_second": load.flows / seconds,
        "p50_ms": percentile(load.flow_times, 0.50),
        "p99_ms": percentile(load.flow_times, 0.99),
        "request_p50_ms": percentile(load.request_times, 0.50),
        "request_p99_ms": percentile(load.request_times, 0.99),
        "faults": load.faults[:3],
        "fault_count": len(load.faults),
    }


def percentile(times: list[float], share: float) -> float:
    """Return a percentile in milliseconds."""
    return 1000 * sorted(times)[min(len(times) - 1, int(share * len(times)))] if times else 0.0


async def _timed(load: Load, done: list[asyncio.Future[None]]) -> dict[str, Any]:
    await asyncio.sleep(load.job["warm_up"])
    load.counting, began = True, time.perf_counter()
    mark = load.job.get("mark")
    before, others = processor_seconds(mark), other_seconds(mark)
    await asyncio.sleep(load.job["seconds"])
    load.counting, load.running = False, False
    seconds, after = time.perf_counter() - began, processor_seconds(mark)
    share = (other_seconds(mark) - others) / seconds / (os.cpu_count() or 1)
    await asyncio.wait(done, timeout=10)
    return figures(load, seconds) | {"processor_seconds": after - before, "others_share": max(0.0, share)}


def processor_seconds(pid: int | None) -> float:
    """Return the processor time that a process and its workers have used."""
    if not pid:
        return 0.0
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_own_seconds(one) for one in (str(pid), *workers))


def _own_seconds(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def other_seconds(pid: int | None) -> float:
    """Return the processor time that everything but the server and this driver has used."""
    fields = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / 100 - processor_seconds(pid) - time.process_time()


async def main(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job: `flows`, `plain`, `paced` or `redeem`."""
    loop = asyncio.get_running_loop()
    load = Load(job)
    done = [loop.create_future() for _ in range(job["connections"])]
    if job["kind"] == "paced":
        octets = job["request"].encode()
        for number, one in enumerate(done):
            await loop.create_connection(
                lambda one=one, number=number: Paced(load, octets, one, number), "127.0.0.1", job["port"]
            )
        return await _timed(load, done)
    if job["kind"] == "plain":
        octets = job["request"].encode()
        for one in done:
            await loop.create_connection(lambda one=one: Plain(load, octets, one), "127.0.0.1", job["port"])
        return await _timed(load, done)
    cookies = job["cookies"]
    if job["kind"] == "flows":
        for number, one in enumerate(done):
            cookie = cookies[number % len(cookies)]
            await loop.create_connection(
                lambda one=one, cookie=cookie: Flow(load, cookie, one), "127.0.0.1", job["port"]
            )
        return await _timed(load, done)
    load.ready = asyncio.Semaphore(0)
    made = []
    for number, one in enumerate(done):
        flow = Redeem(load, cookies[number % len(cookies)], one, job["codes"])
        await loop.create_connection(lambda flow=flow: flow, "127.0.0.1", job["port"])
        made.append(flow)
    for _ in done:
        await asyncio.wait_for(load.ready.acquire(), 30)
    before, began = processor_seconds(job.get("mark")), time.perf_counter()
    for flow in made:
        flow._begin()
    await asyncio.wait(done, timeout=60)
    seconds = time.perf_counter() - began
    return figures(load, seconds) | {"processor_seconds": processor_seconds(job.get("mark")) - before}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    used = time.process_time()
    outcome = uvloop.run(main(given))
    outcome["driver_processor_seconds"] = time.process_time() - used
    json.dump(outcome, sys.stdout)
