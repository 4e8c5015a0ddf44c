"""Calls to the outside as data, and the generator that makes them: written once, driven blocking, async or by hand."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")


class Call(msgspec.Struct, frozen=True):
    """An HTTP request that a flow wants made; bodies and headers may hold secrets and are not printed."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Call({self.method} {self.url.partition('?')[0]})"


class Reply(msgspec.Struct, frozen=True):
    """What came back; `url` is where it came from."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    url: str = ""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, its name compared without case; None if it is absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} octets)"


Flow: TypeAlias = Generator[Call, Reply, T]
"""A generator that yields `Call`, receives `Reply` and returns a `T`; it opens nothing itself.

A driver throws `Unavailable` into it when a call fails.
"""


class Driver(Protocol):
    """Runs flows on an event loop, behind the guard (`net`)."""

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; raises `Unavailable`."""
        ...
