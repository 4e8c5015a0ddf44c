"""Plans: a transaction as a generator, and the `Store` that runs it.

A plan yields `Ask` (the name of a query and its values) and receives the rows. No await happens inside, so a
transaction never spans one; a store may run a plan again from its start, so a plan has no effect but its questions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

Value = str | int | bytes | None
Row = Sequence[Any]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])


class Ask(msgspec.Struct, frozen=True):
    """One named query with its values. The rows of a query that returns none are an empty list."""

    name: str
    values: Mapping[str, Value] = {}


Plan = Generator[Ask, list[Row], T_co]


class Conflict(Exception):
    """A row that must be unique is there already. Raised inside the plan, at its `yield`; carries no values."""


def single(plan: F) -> F:
    """Mark a plan that asks exactly one question, so that a store may run it without BEGIN and COMMIT around it.

    Such a plan must not raise after an answer that wrote: by then the row is kept. Called by `yield from` inside
    another plan it is part of that plan's transaction like any question.
    """
    plan.__dict__["single"] = True
    return plan


class Store(Protocol):
    """Runs plans against one database; both engines pass one suite of tests."""

    async def read(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan that changes nothing, on one consistent view of the database."""
        ...

    async def write(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan as one transaction; when this returns, what it wrote survives a power cut.

        If the plan raises, nothing of it is kept.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the database."""
        ...


TRIES = 16
"""How often a record is read again that somebody else changes at the same instant."""


def encode(value: object) -> bytes:
    """Return the stored form of a nested record (JSON)."""
    return msgspec.json.encode(value)


def decode(octets: Any, kind: type[T]) -> T:
    """Return the record of a stored form; octets may come as bytes or memoryview."""
    return msgspec.json.decode(octets, type=kind)
