"""Where an issuer's keys come from: a fixed set, or one that is fetched and kept fresh.

OpenID Connect Core 10.1.1 (rotation), OpenID Connect Discovery 4, RFC 7517 section 5.

One `RemoteKeys` is one issuer's keys: its bounds, its last good keys and its one fetch in flight. Validators that are
to share these share the object; nothing is shared behind their backs, and no two issuers ever share.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from intaglio.clock import Clock
from intaglio.errors import Refused, Unavailable
from intaglio.tokens.jwk import KeySet, read_set
from intaglio.validate import discovery
from intaglio.validate.flight import Flight, Turns
from intaglio.validate.rotation import HARD_LIFETIME, RotatingKeys
from intaglio.wire.flow import Flow, Reply

if TYPE_CHECKING:
    import asyncio

DISCOVERY_LIFETIME = 3600

Run = Callable[[Flow[KeySet]], KeySet]
"""Runs a flow, blocking: a driver's `run`."""
ARun = Callable[[Flow[KeySet]], Awaitable[KeySet]]
"""Runs a flow on an event loop: a driver's `run`."""


class KeySource(Protocol):
    """Gives an issuer's keys; the issuer is asked only where it must be, and by one caller at a time."""

    @property
    def skew(self) -> int | None:
        """By how many seconds the issuer's clock is ahead of ours, negative if behind; None while unknown."""
        ...

    @property
    def configured(self) -> tuple[str, ...]:
        """The URLs that an operator wrote down, which the guard of the calls is to trust."""
        ...

    def ready(self, now: int, kid: str | None) -> KeySet | None:
        """Return keys to check a token with that names `kid` if nobody need be asked or waited for, else None."""
        ...

    def current(self, now: int, kid: str | None) -> Flow[KeySet]:
        """Return keys to check a token with that names `kid`; raises `Unavailable` if there are none."""
        ...

    def obtain(self, now: int, kid: str | None, run: Run) -> KeySet:
        """Return keys, blocking: of many callers one asks, by `run`, and the others wait; raises as `current`."""
        ...

    async def aobtain(self, now: int, kid: str | None, run: ARun) -> KeySet:
        """Return keys as `obtain` does, without blocking the event loop."""
        ...


class FixedKeys:
    """Keys that were handed over once."""

    skew: int | None = None
    configured: tuple[str, ...] = ()

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def ready(self, now: int, kid: str | None) -> KeySet | None:
        """Return the keys."""
        del now, kid
        return self._keys

    def current(self, now: int, kid: str | None) -> Flow[KeySet]:
        """Return the keys; nothing is asked."""
        del now, kid
        yield from ()
        return self._keys

    def obtain(self, now: int, kid: str | None, run: Run) -> KeySet:
        """Return the keys."""
        del now, kid, run
        return self._keys

    async def aobtain(self, now: int, kid: str | None, run: ARun) -> KeySet:
        """Return the keys."""
        del now, kid, run
        return self._keys


class _Found(msgspec.Struct, frozen=True):
    """Where discovery said that the keys are; `doubted` once asking there failed."""

    uri: str
    at: int
    doubted: bool = False


async def _run(run: ARun, flow: Flow[KeySet]) -> KeySet:
    return await run(flow)


class RemoteKeys:
    """An issuer's keys by discovery; raises `Unavailable` only while there are no usable keys at all.

    `discovery_uri` is the URL of the document where that is not the issuer's own; the document must name `issuer`
    letter for letter all the same, a placeholder such as `{tenantid}` included. `jwks_uri` skips discovery. `clock`
    tells the instant at which an answer came; without it that is the instant of the question.

    The place of the keys is looked up again after an hour and whenever asking there fails; if the lookup fails, the
    last good place is used for the hard lifetime. May be shared by validators, threads and event loops.
    """

    def __init__(
        self,
        issuer: str,
        *,
        jwks_uri: str | None = None,
        discovery_uri: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Raise `Misconfigured` with code `issuer-unusable` for an address that cannot be asked."""
        # Each address that was written down is looked at now, not when the first token comes.
        discovery.location(issuer, discovery_uri if jwks_uri is None else jwks_uri)
        if discovery_uri is not None:
            discovery.location(issuer, discovery_uri)
        self._issuer, self._discovery_uri, self._fixed_uri = issuer, discovery_uri, jwks_uri
        self._clock = clock
        self._found: _Found | None = None
        self._state = RotatingKeys()
        self._skew: int | None = None
        self._cause: str | None = None
        self._lock = threading.Lock()
        self._turns = Turns()
        self._tasks: set[asyncio.Task[KeySet]] = set()

    @property
    def skew(self) -> int | None:
        """By how many seconds the issuer's clock was ahead of ours at its last answer with a Date; None without one."""
        return self._skew

    @property
    def configured(self) -> tuple[str, ...]:
        """The issuer and the addresses that were given, for the guard of the calls."""
        return tuple(url for url in (self._issuer, self._discovery_uri, self._fixed_uri) if url is not None)

    def ready(self, now: int, kid: str | None) -> KeySet | None:
        """Return keys to check a token with that names `kid` if nobody need be asked or waited for, else None.

        While a fetch is under way, those who know their key go on with the last good keys; who has none, or a kid that
        may just have been published, waits for the fetch that runs anyway.
        """
        if self._turns.underway(now) is None:
            return None if self._state.must_ask(now, kid) else self._state.usable(now)
        keys = self._state.usable(now)
        return keys if keys is not None and (kid is None or keys.named(kid)) else None

    def current(self, now: int, kid: str | None) -> Flow[KeySet]:
        """Return keys to check a token with that names `kid`, asking the issuer where it is time to."""
        with self._lock:
            asking = self._state.must_ask(now, kid)
            if asking:
                self._state.asked(now)
        if asking:
            try:
                yield from self._ask(now)
            except Unavailable as fault:
                self._cause = fault.code
                self._state.asked(self._present(now))
                if self._found is not None:
                    self._found = msgspec.structs.replace(self._found, doubted=True)
                if self._state.usable(now) is None:
                    raise self._unavailable() from fault
        return self._best(now)

    def obtain(self, now: int, kid: str | None, run: Run) -> KeySet:
        """Return keys, blocking: of many callers one asks, by `run`, and the others wait for it, for 10 s at most.

        Raises `Unavailable` with code `keys-unavailable` if there are none, and what `run` raises of its own.
        """
        found = self.ready(now, kid)
        if found is not None:
            return found
        flight, mine = self._turns.board(now)
        if mine:
            try:
                return run(self.current(now, kid))
            finally:
                self._turns.land(flight)
        flight.wait()
        return self._best(now)

    async def aobtain(self, now: int, kid: str | None, run: ARun) -> KeySet:
        """Return keys as `obtain` does, without blocking the event loop; being cancelled stops nobody else's wait."""
        found = self.ready(now, kid)
        if found is not None:
            return found
        import asyncio  # noqa: PLC0415  (30 ms, which programs that block need not pay)

        flight, mine = self._turns.board(now)
        if mine:
            # A task of its own: whoever came first may hang up, and must not cost the others their answer.
            task = asyncio.get_running_loop().create_task(_run(run, self.current(now, kid)))
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._landed(flight, done))
            return await asyncio.shield(task)
        await flight.awaited()
        return self._best(now)

    def _landed(self, flight: Flight, task: asyncio.Task[KeySet]) -> None:
        self._turns.land(flight)
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; if nobody waits any more, that is no fault to log

    def _present(self, now: int) -> int:
        return now if self._clock is None else self._clock.now()

    def _best(self, now: int) -> KeySet:
        keys = self._state.usable(now)
        if keys is None:
            raise self._unavailable()
        return keys

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            "keys-unavailable",
            "The issuer's keys could not be had.",
            detail={"issuer": self._issuer, "cause": self._cause},
            hint="See whether the issuer's discovery document and its keys can be reached from here.",
        )

    def _uri(self, now: int) -> Flow[str]:
        if self._fixed_uri is not None:
            return self._fixed_uri
        found = self._found
        if found is not None and not found.doubted and abs(now - found.at) < DISCOVERY_LIFETIME:
            return found.uri
        try:
            metadata = yield from discovery.fetch(self._issuer, self._discovery_uri)
        except Unavailable as fault:
            # A document that speaks for another issuer is no failure to get over: its place is not to be trusted.
            if found is None or abs(now - found.at) >= HARD_LIFETIME or fault.code == "discovery-mismatch":
                raise
            return found.uri
        self._found = _Found(metadata.jwks_uri, now)
        return metadata.jwks_uri

    def _ask(self, now: int) -> Flow[None]:
        uri = yield from self._uri(now)
        reply = yield from discovery.document(uri)
        self._heard(reply, now)
        try:
            keys = read_set(discovery.members(reply))
        except Refused as refusal:
            raise Unavailable("bad-answer", detail={"url": uri, **refusal.detail}) from refusal
        # An empty set in place of a good one is an accident more often than a farewell; the last good keys stay.
        if not keys.keys:
            raise Unavailable("bad-answer", detail={"url": uri, "rule": "no usable key", "skipped": list(keys.skipped)})
        self._state.received(keys, now, reply.header("cache-control"))
        self._cause = None

    def _heard(self, reply: Reply, now: int) -> None:
        at = discovery.answered_at(reply)
        if at is not None:
            self._skew = at - self._present(now)
