"""The front door of the library: a validator that fetches its issuer's keys itself, blocking or async.

OpenID Connect Core 3.1.3.7, OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import msgspec

from intaglio.clock import Clock, SystemClock
from intaglio.errors import Unavailable
from intaglio.net.guard import Guard
from intaglio.tokens import jws
from intaglio.tokens.claims import IDToken
from intaglio.tokens.jwk import KeySet
from intaglio.tokens.raw import RawToken
from intaglio.validate import discovery, keysource, policy, validator
from intaglio.validate.policy import Expectation
from intaglio.validate.verdict import Verdict

if TYPE_CHECKING:
    from intaglio.net.sync import SyncDriver


class _Pooled:
    """What belongs to one event loop: connections, and the lock that keeps one fetch in flight."""

    def __init__(self, guard: Guard, ca_file: str | None) -> None:
        from intaglio.net.pooled import PooledDriver  # noqa: PLC0415  (loads the HTTP client)

        self.loop = asyncio.get_running_loop()
        self.driver = PooledDriver(guard, ca_file=ca_file)
        self.lock = asyncio.Lock()


def _text(token: object) -> str | bytes:
    if isinstance(token, RawToken):
        return token.reveal()
    # Whatever else a program passes by mistake is no token and is told so, rather than a traceback.
    return token if isinstance(token, (str, bytes)) else ""


class Validator:
    """Believes ID tokens of one issuer for one audience, or refuses them; may be shared between threads.

    The issuer's keys are found by discovery, kept, and asked for again when they are old or a new one appears.
    `keys` gives them instead, and nothing is fetched. `ca_file` adds certificate authorities to the machine's.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | tuple[str, ...],
        leeway: int = policy.DEFAULT_LEEWAY,
        algorithms: tuple[str, ...] = policy.ALL_ALGORITHMS,
        also: tuple[str, ...] = (),
        ca_file: str | None = None,
        keys: KeySet | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Raise `Misconfigured` with `expectation-unusable` or `issuer-unusable` for what cannot work."""
        self._expectation = Expectation(issuer, audience, leeway=leeway, algorithms=algorithms, also=also)
        discovery.location(issuer)
        self._keys: keysource.KeySource = keysource.RemoteKeys(issuer) if keys is None else keysource.FixedKeys(keys)
        self._clock = clock or SystemClock()
        self._guard, self._ca_file = Guard((issuer,)), ca_file
        self._lock = threading.Lock()
        self._blocking: SyncDriver | None = None
        self._pooled: _Pooled | None = None

    def validate(
        self,
        token: str | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        max_age: int | None = None,
    ) -> IDToken:
        """Return the claims of a token that every check believes.

        Raises `TokenRefused` with the code of the first failure and the report in `.verdict`, `Unavailable` with
        code `keys-unavailable` if the issuer's keys cannot be had.
        """
        text, expectation, now = _text(token), self._for(nonce, access_token, max_age), self._clock.now()
        return validator.validate(text, expectation, self._current(text, now), now)

    def explain(
        self,
        token: str | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        max_age: int | None = None,
    ) -> Verdict:
        """Return the report on a token, every check with what was expected and received; raises for no token."""
        text, expectation, now = _text(token), self._for(nonce, access_token, max_age), self._clock.now()
        try:
            keys = self._current(text, now)
        except Unavailable:
            keys = None
        return validator.check(text, expectation, keys, now)

    async def avalidate(
        self,
        token: str | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        max_age: int | None = None,
    ) -> IDToken:
        """Return what `validate` returns, without blocking the event loop; raises as it does."""
        text, expectation, now = _text(token), self._for(nonce, access_token, max_age), self._clock.now()
        return validator.validate(text, expectation, await self._acurrent(text, now), now)

    async def aexplain(
        self,
        token: str | RawToken,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        max_age: int | None = None,
    ) -> Verdict:
        """Return what `explain` returns, without blocking the event loop."""
        text, expectation, now = _text(token), self._for(nonce, access_token, max_age), self._clock.now()
        try:
            keys = await self._acurrent(text, now)
        except Unavailable:
            keys = None
        return validator.check(text, expectation, keys, now)

    def close(self) -> None:
        """Close kept connections; the validator may be used again afterwards."""
        blocking, self._blocking = self._blocking, None
        if blocking is not None:
            blocking.close()

    async def aclose(self) -> None:
        """Close pooled connections; the validator may be used again afterwards, on another event loop too."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None and pooled.loop is asyncio.get_running_loop():
            await pooled.driver.aclose()

    def _for(self, nonce: str | None, access_token: str | None, max_age: int | None) -> Expectation:
        if nonce is None and access_token is None and max_age is None:
            return self._expectation
        return msgspec.structs.replace(self._expectation, nonce=nonce, access_token=access_token, max_age=max_age)

    def _current(self, text: str | bytes, now: int) -> KeySet:
        kid = jws.peek_kid(text)
        ready = self._keys.ready(now, kid)
        if ready is not None:
            return ready
        # Only who needs an answer waits: while one asks, others go on with the last good keys.
        with self._lock:
            if self._blocking is None:
                from intaglio.net.sync import SyncDriver  # noqa: PLC0415  (loads the HTTP client)

                self._blocking = SyncDriver(self._guard, ca_file=self._ca_file)
            return self._blocking.run(self._keys.current(now, kid))

    async def _acurrent(self, text: str | bytes, now: int) -> KeySet:
        kid = jws.peek_kid(text)
        ready = self._keys.ready(now, kid)
        if ready is not None:
            return ready
        if self._pooled is None or self._pooled.loop is not asyncio.get_running_loop():
            self._pooled = _Pooled(self._guard, self._ca_file)
        async with self._pooled.lock:
            return await self._pooled.driver.run(self._keys.current(now, kid))
