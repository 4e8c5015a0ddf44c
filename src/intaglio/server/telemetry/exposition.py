"""What is on the board, in the form that Prometheus reads.

Prometheus text-based exposition format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intaglio.server.telemetry.board import Board
from intaglio.server.telemetry.meters import METERS, SECONDS, WIDTH, Meter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Samples = Mapping[str, Mapping[tuple[str, ...], float]]
"""Numbers that are not on the board: by meter, by the values of its labels."""


def write(board: Board, more: Samples) -> bytes:
    """Return every meter that has a number; those of several processes are added up."""
    found: dict[str, dict[tuple[str, ...], list[float]]] = {}
    for told in board.read():
        series = found.setdefault(told.series.meter, {})
        sums = series.setdefault(told.series.labels, [0.0] * told.series.width)
        for at, value in enumerate(told.cells):
            sums[at] += value
    for name, samples in more.items():
        found.setdefault(name, {}).update({labels: [value] for labels, value in samples.items()})
    lines: list[str] = []
    for name, meter in METERS.items():
        if name in found:
            lines.append(f"# HELP {name} {meter.help}")
            lines.append(f"# TYPE {name} {meter.kind}")
            for labels, cells in sorted(found[name].items()):
                lines += _histogram(meter, labels, cells) if meter.kind == "histogram" else [_one(meter, labels, cells)]
    return ("\n".join(lines) + "\n").encode()


def _one(meter: Meter, labels: tuple[str, ...], cells: list[float]) -> str:
    return f"{meter.name}{_labels(zip(meter.labels, labels, strict=True))} {_number(cells[0])}"


def _histogram(meter: Meter, labels: tuple[str, ...], cells: list[float]) -> list[str]:
    pairs, total = tuple(zip(meter.labels, labels, strict=True)), 0.0
    lines = []
    for bound, count in zip((*SECONDS, "+Inf"), cells[: WIDTH - 1], strict=True):
        total += count
        lines.append(f"{meter.name}_bucket{_labels((*pairs, ('le', str(bound))))} {_number(total)}")
    lines.append(f"{meter.name}_sum{_labels(pairs)} {_number(cells[WIDTH - 1])}")
    lines.append(f"{meter.name}_count{_labels(pairs)} {_number(total)}")
    return lines


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
