"""Data on stdout: a table on a terminal, JSON elsewhere, or what `-o` says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

FORMATS = ("table", "json", "yaml", "value")
Record = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


def option(function: F) -> F:
    """Add `-o/--output` to a command."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(FORMATS),
        help="How to write the data; without it a table on a terminal, else json.",
    )(function)


def chosen(form: str | None) -> str:
    """Return the format that was asked for, or the one that fits where stdout leads."""
    return form or ("table" if sys.stdout.isatty() else "json")


def write_list(records: Sequence[Record], form: str | None, *, columns: Sequence[str], value: str) -> None:
    """Write records: one row each, an array, or one `value` a line."""
    form = chosen(form)
    if form == "table":
        click.echo(table(records, columns))
    elif form == "value":
        for record in records:
            click.echo(plain(record[value]))
    else:
        _write_document([dict(record) for record in records], form)


def write_one(record: Record, form: str | None, *, value: str) -> None:
    """Write one record: one row a member, an object, or its `value`."""
    form = chosen(form)
    if form == "table":
        rows = [{"field": name, "value": _shown(name, content)} for name, content in record.items()]
        click.echo(table(rows, ("field", "value")))
    elif form == "value":
        click.echo(plain(record[value]))
    else:
        _write_document(dict(record), form)


def _write_document(document: Any, form: str) -> None:
    click.echo(_json(document) if form == "json" else yaml(document).rstrip("\n"))


def _json(document: Any) -> str:
    """Return a document as JSON with the letters of every language, and nothing that a terminal would obey."""
    return _harmless(json.dumps(document, indent=2, ensure_ascii=False))


def line(document: Any) -> str:
    """Return the same in one line, of which many make NDJSON."""
    return _harmless(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _harmless(text: str) -> str:
    # SECURITY: what people are called is theirs to say, and JSON itself escapes only what is below a blank
    # (test_what_people_call_themselves_drives_no_terminal, test_no_entry_drives_the_terminal_of_who_reads_it).
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text)


def plain(value: Any) -> str:
    """Return a value as it is best passed on: text bare, the rest as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def table(records: Sequence[Record], columns: Sequence[str]) -> str:
    """Return columns of text with a heading; control characters are escaped, so that data cannot drive a terminal."""
    rows = [[column.upper() for column in columns]]
    rows += [[_cell(name, record.get(name)) for name in columns] for record in records]
    widths = [max(len(row[number]) for row in rows) for number in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _shown(name: str, value: Any) -> Any:
    """Return an instant in words, and anything else as it is."""
    return instant(value) if name.endswith("_at") and isinstance(value, int) else value


def _cell(name: str, value: Any) -> str:
    value = _shown(name, value)
    if value is None or value in ("", [], (), {}):
        return "-"
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        value = " ".join(value)
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in plain(value))


def instant(seconds: int) -> str:
    """Return epoch seconds as a date and time in UTC (RFC 3339), or as the number where there is none."""
    import datetime as dt

    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def yaml(value: Any, indent: int = 0) -> str:
    """Return JSON-like data as YAML 1.2 in block style; every text that is not a plain word is quoted."""
    pad = "  " * indent
    if isinstance(value, Mapping) and value:
        return "".join(f"{pad}{_scalar(str(name))}:{_member(content, indent)}" for name, content in value.items())
    if isinstance(value, list | tuple) and value:
        return "".join(f"{pad}-{_member(content, indent)}" for content in value)
    return f"{pad}{_scalar(value)}\n"


def _member(value: Any, indent: int) -> str:
    if isinstance(value, Mapping | list | tuple) and value:
        return "\n" + yaml(value, indent + 1)
    return f" {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    if (
        isinstance(value, str)
        and value.isascii()
        and value.replace("_", "").isalpha()
        and value.casefold() not in _WORDS
    ):
        return value
    return f'"{"".join(map(_escaped, value))}"' if isinstance(value, str) else json.dumps(value)


def _escaped(letter: str) -> str:
    """Return a letter as it stands in a double-quoted scalar (YAML 1.2 section 5.7); JSON would write surrogates."""
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf", "none"}
"""Words that some YAML reader takes for something else than text."""
