"""How long the database takes, as the server sees it: waiting for its turn included."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from intaglio.server.model.plan import Plan, Store
from intaglio.server.telemetry.meters import Meters

T = TypeVar("T")


class MeteredStore:
    """A store whose plans are timed; what it does is what the one behind it does."""

    def __init__(self, store: Store, meters: Meters) -> None:
        self._store = store
        self._has_read = meters.span("intaglio_db_seconds", "read")
        self._has_written = meters.span("intaglio_db_seconds", "write")

    def __repr__(self) -> str:
        return "MeteredStore(…)"

    async def read(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan that changes nothing."""
        begun = perf_counter()
        try:
            return await self._store.read(plan, *args)
        finally:
            self._has_read(perf_counter() - begun)

    async def write(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan as one transaction."""
        begun = perf_counter()
        try:
            return await self._store.write(plan, *args)
        finally:
            self._has_written(perf_counter() - begun)

    async def close(self) -> None:
        """Let go of the database."""
        await self._store.close()
