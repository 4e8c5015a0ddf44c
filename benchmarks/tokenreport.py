"""The part of the report on the token core: rates and ratios side by side, floors met or missed, who checks what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import tokens

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]
ABOUT = (
    "In one process (node's jose in its own, behind a pipe), in turns; each cell is operations per second and, in"
    " brackets, the median of the rounds' ratios to the raw primitive."
)


def _cell(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return ""
    return f"{figures['per_second']:.0f} ({figures['ratio']:.2f})"


def _rates(rates: dict[str, Any], table: Table) -> list[str]:
    names: list[str] = []
    for figures in rates.values():
        names += [name for name, one in figures.items() if isinstance(one, dict) and name not in names]
    head = ("", *(name for name in names))
    return table(head, [(work, *(_cell(figures.get(name)) for name in names)) for work, figures in rates.items()])


def _floors(found: dict[str, Any], table: Table) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for name, (floor, aim) in tokens.FLOORS.items():
        ratio = found["rates"][name]["Intaglio"]["ratio"]
        rows.append((name, f"{ratio:.2f} x raw", f"{floor:.2f}", f"{aim:.2f}", _state(ratio, floor, aim)))
    for name, figures in found["rates"].items():
        if name.startswith("validate RS256"):
            times = figures["PyJWT"]["ours_over_this"]
            rows.append((name, f"{times:.2f} x PyJWT", f"{tokens.TIMES_PYJWT:.2f}", "", _state(times, 2.0, 2.0)))
    most, aim = tokens.IMPORT_MS
    for statement, figures in found["imports"].items():
        spent = figures["median_ms"]
        words = _state(-spent, -most, -aim)
        rows.append((f"`{statement}`", f"{spent:.0f} ms", f"under {most}", f"{aim}", words))
    return table(("", "measured", "floor", "aim", ""), rows)


def _state(value: float, floor: float, aim: float) -> str:
    return "short" if value < floor else "aim met" if value >= aim else "floor met"


def lines(found: dict[str, Any], table: Table) -> list[str]:
    """Return the lines of the report."""
    rates = found["rates"]
    parts = (("Minting", "mint"), ("Validating", "validate"), ("Encrypting", "encrypt"), ("Decrypting", "decrypt"))
    told = ["", "## The token core beside the raw primitives and other libraries", "", ABOUT]
    told.append(f"Other programs took {100 * found['others_share']:.0f} % of the machine meanwhile.")
    for title, start in parts:
        told += ["", f"### {title}", ""]
        told += _rates({name: one for name, one in rates.items() if name.startswith(start)}, table)
    told += ["", "### Floors", "", *_floors(found, table), "", "### Who checks what when validating", ""]
    told += [f"- {name} {found['versions'].get(name, '')}: {words}." for name, words in found["checks"].items()]
    told += ["", "### What an import loads", ""]
    for statement, figures in found["imports"].items():
        foreign = ", ".join(figures["foreign"]) or "no web framework, no database driver"
        told.append(
            f"- `{statement}`: median {figures['median_ms']:.0f} ms of {figures['times']} fresh processes, worst"
            f" {figures['worst_ms']:.0f} ms, {figures['modules']} modules; {foreign}."
        )
    if "jose_missing" in found:
        told += ["", f"node's jose did not take part: {found['jose_missing']}."]
    return told
