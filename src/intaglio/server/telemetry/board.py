"""Numbers that several processes of one server keep side by side in memory, and any of them reads together.

Each process writes its own part: names once, then numbers in place, 8 octets at a time at their natural boundary, so
that a reader in another process sees a number whole. A part outlives its process: who follows on the same place counts
on.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, MutableSequence
from typing import NamedTuple, cast

import msgspec

NAMES_OCTETS = 256 * 1024
CELLS = 32 * 1024
_HEADER = 64
_PART = _HEADER + NAMES_OCTETS + CELLS * 8
_USED = struct.Struct("=Q")
_PID = struct.Struct("=q")
OVERFLOW = 0
"""The cells that take what finds no place any more: nothing is refused, and nobody reads them."""
OVERFLOW_CELLS = 64


class Series(msgspec.Struct, frozen=True):
    """Numbers under one name: the meter, the values of its labels, and how many cells it has."""

    meter: str
    labels: tuple[str, ...]
    width: int


class Told(NamedTuple):
    """One part's numbers of one name."""

    place: int
    series: Series
    cells: tuple[float, ...]


class Board:
    """The memory of all places. It is made before processes are forked; each then takes its own."""

    def __init__(self, places: int = 1) -> None:
        self._places = places
        # Anonymous and shared: what a forked process writes is seen by all, and nothing is left behind in a file.
        self._memory = mmap.mmap(-1, _PART * places)
        self._view = memoryview(self._memory)

    def __repr__(self) -> str:
        return f"Board({self._places})"

    def take(self, place: int) -> Part:
        """Return the part of a place, for the process that has it now."""
        begin = place * _PART
        _PID.pack_into(self._view, begin + 8, os.getpid())
        return Part(self._view[begin : begin + _PART])

    def processes(self) -> list[tuple[int, int]]:
        """Return the places that were taken, with the number of the process that took each last."""
        found = [(place, _PID.unpack_from(self._view, place * _PART + 8)[0]) for place in range(self._places)]
        return [(place, pid) for place, pid in found if pid]

    def read(self) -> Iterator[Told]:
        """Return everything that is on the board."""
        for place in range(self._places):
            part = self._view[place * _PART : (place + 1) * _PART]
            cells = _cells(part)
            at = OVERFLOW_CELLS
            for series in _names(part):
                yield Told(place, series, tuple(cells[at : at + series.width]))
                at += series.width


class Part:
    """One process's numbers. `cells` are written by that process alone, from one thread."""

    def __init__(self, part: memoryview) -> None:
        self._part = part
        self.cells = _cells(part)
        self._next = OVERFLOW_CELLS
        self._known: dict[tuple[str, tuple[str, ...]], int] = {}
        for series in _names(part):
            self._known[series.meter, series.labels] = self._next
            self._next += series.width

    def place_of(self, meter: str, labels: tuple[str, ...], width: int = 1) -> int:
        """Return the first cell of a name; it gets one where it has none. A full board gives one that nobody reads."""
        found = self._known.get((meter, labels))
        return self._make(meter, labels, width) if found is None else found

    def _make(self, meter: str, labels: tuple[str, ...], width: int) -> int:
        line = msgspec.json.encode(Series(meter, labels, width)) + b"\n"
        used: int = _USED.unpack_from(self._part, 0)[0]
        if used + len(line) > NAMES_OCTETS or self._next + width > CELLS:
            return OVERFLOW
        self._part[_HEADER + used : _HEADER + used + len(line)] = line
        # The name counts from here on: a reader never sees half of one.
        _USED.pack_into(self._part, 0, used + len(line))
        at, self._next = self._next, self._next + width
        self._known[meter, labels] = at
        return at


def _cells(part: memoryview) -> MutableSequence[float]:
    return cast("MutableSequence[float]", part[_HEADER + NAMES_OCTETS :].cast("d"))


def _names(part: memoryview) -> list[Series]:
    used: int = _USED.unpack_from(part, 0)[0]
    text = bytes(part[_HEADER : _HEADER + used])
    return [msgspec.json.decode(line, type=Series) for line in text.splitlines()]
