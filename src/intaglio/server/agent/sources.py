"""Where the tokens come from: the server, asked with an account's key or as an external identity."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from intaglio.clock import Clock
from intaglio.dialects.google import upstream
from intaglio.dialects.google.upstream import Given
from intaglio.errors import Denied
from intaglio.server.agent.files import Watched
from intaglio.server.agent.proofs import AccountKey
from intaglio.wire.flow import Flow

T = TypeVar("T")

LEFT = 300
"""Seconds that have to be left of the token by which accounts are impersonated."""


class Driver(Protocol):
    """Runs the calls to the server."""

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; raises `Unavailable`."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Source(Protocol):
    """Gives tokens of accounts."""

    async def id_token(self, account: str, audience: str) -> str:
        """Return a fresh ID token; raises `Denied`, `Unavailable`, `Misconfigured`."""
        ...

    async def access_token(self, account: str, scopes: tuple[str, ...]) -> Given:
        """Return a fresh access token; raises `Denied`, `Unavailable`, `Misconfigured`."""
        ...


class ByKey:
    """Asks with the account's own key, for that account alone."""

    def __init__(self, base: str, key: Watched[AccountKey], driver: Driver, clock: Clock) -> None:
        self._base = base
        self._key = key
        self._driver = driver
        self._clock = clock

    async def id_token(self, account: str, audience: str) -> str:
        """Return a fresh ID token, whose authorized party is the account's number, as a cloud's metadata server has it.

        An assertion with `target_audience` would get one whose authorized party is the e-mail address.
        """
        bearer = self._own(account).bearer(self._base, self._clock.now())
        return (await self._driver.run(upstream.id_token(self._base, bearer, account, audience))).text

    async def access_token(self, account: str, scopes: tuple[str, ...]) -> Given:
        """Return a fresh access token."""
        text = self._own(account).assertion(self._base, self._clock.now(), scopes)
        return await self._driver.run(upstream.grant(self._base, text))

    def _own(self, account: str) -> AccountKey:
        key = self._key.get()
        if key.email != account:
            detail: dict[str, object] = {"expected": account, "received": key.email}
            raise Denied("account-mismatched", "The key is another account's.", detail=detail)
        return key


class ByExchange:
    """Exchanges another issuer's token, or a proof by certificate, and impersonates the account with what it gets."""

    def __init__(self, base: str, provider: str, subject: Callable[[], str], driver: Driver, clock: Clock) -> None:
        self._base = base
        self._provider = provider
        self._subject = subject
        self._driver = driver
        self._clock = clock
        self._bearer = ""
        self._good_until = 0
        self._turn = asyncio.Lock()

    async def id_token(self, account: str, audience: str) -> str:
        """Return a fresh ID token."""

        def ask(bearer: str) -> Flow[Given]:
            return upstream.id_token(self._base, bearer, account, audience)

        return (await self._impersonated(ask)).text

    async def access_token(self, account: str, scopes: tuple[str, ...]) -> Given:
        """Return a fresh access token."""

        def ask(bearer: str) -> Flow[Given]:
            return upstream.access_token(self._base, bearer, account, scopes, self._clock.now())

        return await self._impersonated(ask)

    async def _impersonated(self, ask: Callable[[str], Flow[Given]]) -> Given:
        used = await self._federated("")
        try:
            return await self._driver.run(ask(used))
        except Denied as fault:
            if fault.code != "upstream-unauthenticated":
                raise
        # What was kept is good no more: the server was restored, or it was withdrawn.
        return await self._driver.run(ask(await self._federated(used)))

    async def _federated(self, worn: str) -> str:
        """Return the external identity's access token, another one than `worn`; many that wait share one call."""
        async with self._turn:
            now = self._clock.now()
            if self._bearer in ("", worn) or self._good_until - now <= LEFT:
                given = await self._driver.run(upstream.exchange(self._base, self._provider, self._subject()))
                # A subject token that is nearly over gives a token that is, and that is used up rather than none.
                self._bearer, self._good_until = given.text, now + max(given.lifetime, LEFT + 5)
            return self._bearer
