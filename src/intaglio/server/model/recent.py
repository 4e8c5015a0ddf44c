"""What was read a moment ago: a small memory that never answers with anything from an earlier second."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by key, good for the second in which they were read, so that a change is seen within a second.

    Bounded: at `limit` entries it forgets everything, which costs one reading each.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._entries: dict[Hashable, tuple[int, T]] = {}
        self._limit = limit

    def get(self, key: Hashable, now: int) -> T | None:
        """Return what was kept in this same second."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] == now else None

    def keep(self, key: Hashable, value: T, now: int) -> T:
        """Keep a value for the rest of this second, and return it."""
        if len(self._entries) >= self._limit:
            self._entries.clear()
        self._entries[key] = (now, value)
        return value

    def forget(self) -> None:
        """Forget everything."""
        self._entries.clear()
