"""Rates: so many in a window of time, by tenant, by client, by address.

Every process counts by itself and tells the others through the database about once a second, so that asking costs no
reading: with several processes a limit may be passed by what they let through in that second. The fields of answers are
those of draft-ietf-httpapi-ratelimit-headers-10 (RateLimit-Policy, RateLimit) and RFC 9110 10.2.3 (Retry-After).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from intaglio.errors import IntaglioError
from intaglio.server.model import rates
from intaglio.server.model.plan import Store

Fields = tuple[tuple[str, str], ...]
Part = tuple[str, tuple[str, ...]]
"""The name of a limit, and whose part of it."""
MOST = 200_000
"""Counters that one process keeps; beyond them it begins anew with what the database says."""


class Rate(msgspec.Struct, frozen=True):
    """At most `count` in each window of `seconds`."""

    count: int
    seconds: int


class TooMany(IntaglioError):
    """More was asked for than the operator lets anybody have. `fields` tell when to come back."""

    code = "too_many_requests"
    public = "Too many requests. Try again later."
    fields: Fields = ()


class _Counter:
    """What was used up in one window: by all as they last told, and by this process since, some of it being told."""

    __slots__ = ("mine", "shared", "telling", "window_at")

    def __init__(self, window_at: int) -> None:
        self.window_at = window_at
        self.shared = 0
        self.telling = 0
        self.mine = 0

    @property
    def used(self) -> int:
        return self.shared + self.telling + self.mine


class Rates:
    """The limits of an installation as one process sees them. `key` keeps addresses out of the database.

    `limits` are by name, which says what is counted and by whom: `tokens-by-client`.
    """

    def __init__(self, limits: Mapping[str, Rate], key: bytes) -> None:
        self._limits = dict(limits)
        self._counted = frozenset(name.partition("-by-")[0] for name in limits)
        self._key = key
        self._counters: dict[bytes, _Counter] = {}
        self._names: dict[bytes, str] = {}

    def __repr__(self) -> str:
        return "Rates(…)"

    def __contains__(self, what: str) -> bool:
        """Tell whether anything of this kind is limited: `tokens` for `tokens-by-client`."""
        return what in self._counted

    @property
    def is_open(self) -> bool:
        """Whether nothing is limited."""
        return not self._limits

    def spend(self, now: int, *parts: Part) -> None:
        """Count one of each part; raises `TooMany` if one of them has none left, and then counts nothing.

        SECURITY: what is refused is not counted, so nobody is kept out for longer by asking again
        (test_asking_in_vain_costs_nothing).
        """
        for _, _, counter in self._open(now, parts):
            counter.mine += 1

    async def spend_at_once(self, store: Store, now: int, *parts: Part) -> None:
        """The same, told to all others before it returns: for what is rare and worth a transaction.

        Raises `TooMany`, also where the others had used the rest meanwhile, and what the store raises.
        """
        opened = self._open(now, parts)
        for _, _, counter in opened:
            counter.mine += 1
        if opened:
            await self.exchange(store, now)
        for name, limit, counter in opened:
            if counter.used > limit.count:
                raise self._refusal(name, limit, counter, now)

    def _open(self, now: int, parts: tuple[Part, ...]) -> list[tuple[str, Rate, _Counter]]:
        """Return the parts that are limited with their counters; raises `TooMany` if one of them is used up."""
        opened = []
        for name, whose in parts:
            limit = self._limits.get(name)
            if limit is None:
                continue
            counter = self._counter(name, limit, whose, now)
            if counter.used >= limit.count:
                raise self._refusal(name, limit, counter, now)
            opened.append((name, limit, counter))
        return opened

    def fields(self, name: str, whose: tuple[str, ...], now: int) -> Fields:
        """Return the fields that tell what is left; none where nothing is limited."""
        limit = self._limits.get(name)
        return () if limit is None else _told(name, limit, self._counter(name, limit, whose, now), now)

    def _counter(self, name: str, limit: Rate, whose: tuple[str, ...], now: int) -> _Counter:
        key = hmac.digest(self._key, "\0".join((name, *whose)).encode("utf-8", "surrogatepass"), hashlib.sha256)
        window_at = now - now % limit.seconds
        counter = self._counters.get(key)
        # NOTE: a clock that steps back by a little must not open a new one; but a window that is farther ahead than the
        # next one is of a clock that was wrong, and keeps nobody out until it comes
        # (test_a_clock_that_was_ahead_keeps_nobody_out).
        if counter is None or not window_at <= counter.window_at <= window_at + limit.seconds:
            if len(self._counters) >= MOST:
                self._counters.clear()
                self._names.clear()
            counter = self._counters[key] = _Counter(window_at)
            self._names[key] = name
        return counter

    @staticmethod
    def _refusal(name: str, limit: Rate, counter: _Counter, now: int) -> TooMany:
        refusal = TooMany(detail={"expected": f"at most {limit.count} in {limit.seconds} s", "limit": name})
        again = max(1, counter.window_at + limit.seconds - now)
        refusal.fields = (*_told(name, limit, counter, now), ("retry-after", str(again)))
        return refusal

    async def exchange(self, store: Store, now: int) -> int:
        """Tell the others what was used here and learn what they used; return how many counters were told.

        Raises what the store raises; what could not be told is told the next time.
        """
        over = [key for key, one in self._counters.items() if self._ends_at(key, one) <= now]
        for key in over:
            del self._counters[key], self._names[key]
        told = [(key, one, one.mine) for key, one in self._counters.items() if one.mine]
        if not told:
            return 0
        for _, one, mine in told:
            one.mine -= mine
            one.telling += mine
        used = [rates.Used(key, one.window_at, mine, self._ends_at(key, one)) for key, one, mine in told]
        totals: list[int] = []
        try:
            totals = await store.write(rates.add, used)
        finally:
            for _, one, mine in told:
                one.telling -= mine
                one.mine += 0 if totals else mine
        for (_, one, _), total in zip(told, totals, strict=True):
            one.shared = max(one.shared, total)
        return len(told)

    def _ends_at(self, key: bytes, counter: _Counter) -> int:
        return counter.window_at + self._limits[self._names[key]].seconds


def _told(name: str, limit: Rate, counter: _Counter, now: int) -> Fields:
    left = max(0, limit.count - counter.used)
    again = max(0, counter.window_at + limit.seconds - now)
    return (
        ("ratelimit-policy", f'"{name}";q={limit.count};w={limit.seconds}'),
        ("ratelimit", f'"{name}";r={left};t={again}'),
    )
