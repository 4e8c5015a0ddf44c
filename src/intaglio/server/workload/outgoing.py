"""What runs calls that leave this process."""

from __future__ import annotations

from typing import Protocol, TypeVar

from intaglio.wire.flow import Flow

T = TypeVar("T")


class Outgoing(Protocol):
    """Runs flows of calls that leave this process, behind the guard (`net`)."""

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; raises `Unavailable`."""
        ...
