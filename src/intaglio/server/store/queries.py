"""SQL in named files: read once, checked, and put into the form that each engine takes.

A query begins with `-- name: <name>` (or `-- name: <name> [sqlite]` and `-- name: <name> [postgresql]`) and a line that
describes it. Values are written `:name`. A variant for SQLite may have several statements, where PostgreSQL has one
that does as much and spares a round trip: its rows are those of the first, and where that returns rows (`RETURNING`)
the others run only if there are any.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Literal

import msgspec

Engine = Literal["sqlite", "postgresql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")

_HEAD = re.compile(r"^-- name: ([a-z][a-z0-9_]*)(?: \[(sqlite|postgresql)\])?$")
# What may hold a colon or a semicolon without meaning one: literals, quoted names, comments and casts.
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|::|:([a-z_][a-z0-9_]*)|;", re.DOTALL)


class Query(msgspec.Struct, frozen=True):
    """One query in the form of one engine. `parameters` are its values' names, in the order of their first use.

    `more` are statements that follow in the same transaction; if `gives`, only behind rows of the first.
    """

    name: str
    description: str
    text: str
    parameters: tuple[str, ...]
    writes: bool
    more: tuple[str, ...] = ()
    gives: bool = False


class _Source(msgspec.Struct, frozen=True):
    name: str
    engine: str
    description: str
    text: str
    more: tuple[str, ...] = ()


def _sources(text: str, file: str) -> Iterator[_Source]:
    head: tuple[str, str] | None = None
    lines: list[str] = []
    for line in [*text.splitlines(), "-- name: end"]:
        found = _HEAD.match(line)
        if line.startswith("-- name") and found is None:
            raise ValueError(f"{file}: not a query's head: {line}")
        if found is None:
            lines.append(line)
            continue
        if head is not None:
            yield _source(head, lines, file)
        head, lines = (found[1], found[2] or ""), []


def _source(head: tuple[str, str], lines: list[str], file: str) -> _Source:
    description = " ".join(line[3:] for line in lines if line.startswith("-- "))
    body = "\n".join(line for line in lines if not line.startswith("--")).strip()
    texts = statements(body)
    if not description or not body.endswith(";") or not texts or (len(texts) > 1 and head[1] != "sqlite"):
        raise ValueError(f"{file}: query {head[0]} needs a description and one statement that ends with a semicolon")
    return _Source(head[0], head[1], description, texts[0], tuple(texts[1:]))


def statements(text: str) -> list[str]:
    """Split SQL at its semicolons, which may also stand in literals and comments; comments are dropped."""
    found: list[str] = []
    piece = ""
    at = 0
    for token in _TOKEN.finditer(text):
        piece += text[at : token.start()]
        at = token.end()
        if token[0] == ";":
            found.append(piece.strip())
            piece = ""
        elif not token[0].startswith(("--", "/*")):
            piece += token[0]
    found.append((piece + text[at:]).strip())
    return [one for one in found if one]


def translate(text: str, engine: Engine) -> tuple[str, tuple[str, ...]]:
    """Return SQL with the engine's marks for values (`:a` for SQLite, `$1` for PostgreSQL), and the values' names."""
    names: list[str] = []

    def mark(token: re.Match[str]) -> str:
        name = token[1]
        if name is None:
            return token[0]
        if name not in names:
            names.append(name)
        return token[0] if engine == "sqlite" else f"${names.index(name) + 1}"

    return _TOKEN.sub(mark, text), tuple(names)


def parse(files: Mapping[str, str], engine: Engine) -> dict[str, Query]:
    """Return the queries of some files for one engine.

    Raises ValueError for a name that comes twice or lacks a variant, and for variants that take different values.
    """
    variants: dict[str, dict[str, _Source]] = {}
    for file, text in files.items():
        for source in _sources(text, file):
            by_engine = variants.setdefault(source.name, {})
            if source.engine in by_engine or "" in by_engine or (by_engine and not source.engine):
                raise ValueError(f"{file}: query {source.name} is there already")
            by_engine[source.engine] = source
    return {name: _query(name, by_engine, engine) for name, by_engine in variants.items()}


def _query(name: str, variants: Mapping[str, _Source], engine: Engine) -> Query:
    if "" not in variants and set(variants) != set(ENGINES):
        raise ValueError(f"query {name} lacks the variant of an engine")
    if len({frozenset(_values(source)) for source in variants.values()}) != 1:
        raise ValueError(f"the variants of query {name} take different values")
    source = variants[""] if "" in variants else variants[engine]
    text, _ = translate(source.text, engine)
    more = tuple(translate(one, engine)[0] for one in source.more)
    writes, gives = not text.upper().startswith("SELECT"), "\nRETURNING " in text.upper()
    return Query(name, source.description, text, _values(source), writes, more, gives)


def _values(source: _Source) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for text in (source.text, *source.more) for name in translate(text, "sqlite")[1]))


def _folder(name: str) -> dict[str, str]:
    folder = resources.files("intaglio.server.store").joinpath("sql", name)
    return {
        entry.name: entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    }


@functools.cache
def load(engine: Engine) -> Mapping[str, Query]:
    """Return every query that plans may ask, by name."""
    return parse(_folder("queries"), engine)


@functools.cache
def load_migrating(engine: Engine) -> Mapping[str, Query]:
    """Return the queries about migrations themselves, by name."""
    text = resources.files("intaglio.server.store").joinpath("sql", "migrations.sql").read_text("utf-8")
    return parse({"migrations.sql": text}, engine)


def migration_files() -> dict[str, str]:
    """Return the texts of the migrations by file name, in order."""
    return _folder("migrations")
