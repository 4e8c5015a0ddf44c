"""`intaglio db`: back the database up, restore it, copy it to another one."""

from __future__ import annotations

import asyncio
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from urllib import parse

import click

from intaglio.cli import asking, faults, manners, opening, output, secretinput
from intaglio.errors import Misconfigured

COLUMNS = ("table", "rows", "checksum")
_EVERY_SECONDS = 0.2


class Counted(Protocol):
    """What is in a table."""

    @property
    def table(self) -> str:
        """Its name."""
        ...

    @property
    def rows(self) -> int:
        """How many rows it has."""
        ...

    @property
    def checksum(self) -> str:
        """The same for the same rows, on either engine."""
        ...


@click.group("db")
def command() -> None:
    """Back the database up, restore it, copy it to another one."""


def shown(tables: Sequence[Counted]) -> list[dict[str, Any]]:
    """Return what is in the tables as it is written."""
    return [{name: getattr(table, name) for name in COLUMNS} for table in tables]


class Progress:
    """Tells on stderr how far it is: one line that changes on a terminal, elsewhere a line where a large table ends."""

    def __init__(self) -> None:
        self._moves = sys.stderr.isatty() and not manners.is_quiet()
        self._told_at = 0.0
        self._width = 0

    def __call__(self, what: str, table: str, rows: int, total: int) -> None:
        """Take in how far it is."""
        now = time.monotonic()
        if self._moves:
            if now - self._told_at >= _EVERY_SECONDS:
                self._told_at = now
                self._line(f"{what} {table}: {rows:,} of {total:,}")
        elif rows >= total >= 10_000:
            faults.say(f"{what} {table}: {total:,} done")

    def _line(self, words: str) -> None:
        click.echo("\r" + words.ljust(self._width), file=sys.stderr, nl=False)
        self._width = len(words)

    def end(self) -> None:
        """Clear the line."""
        if self._width:
            self._line("")
            click.echo("\r", file=sys.stderr, nl=False)


@contextmanager
def _progress() -> Iterator[Progress]:
    progress = Progress()
    try:
        yield progress
    finally:
        progress.end()


@command.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path))
@opening.config_option
@output.option
def backup(file: pathlib.Path, config: pathlib.Path | None, form: str | None) -> None:
    """Write the database as it is at one instant into FILE, which must not exist; servers go on meanwhile.

    The file is complete by itself, readable by its owner alone, and checked before it appears. It holds everything but
    the master key, without which it is of little use: keep that apart.
    """
    from intaglio.server import compose

    with _progress() as tell:
        made = asyncio.run(compose.back_up(opening.read_or_development(config), file, tell))
    output.write_list(shown(made.tables), form, columns=COLUMNS, value="table")
    faults.say(f"Wrote {file}: {sum(table.rows for table in made.tables):,} rows, checked.")


@command.command("check")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=pathlib.Path))
@output.option
def check(file: pathlib.Path, form: str | None) -> None:
    """Read the backup FILE and see that it holds what it held when it was made; nothing else is touched."""
    from intaglio.server import compose

    with _progress() as tell:
        manifest = asyncio.run(compose.check_backup(file, tell))
    output.write_list(shown(manifest.tables), form, columns=COLUMNS, value="table")
    faults.say(f"{file} is whole: {manifest.engine}, taken at {output.instant(manifest.taken_at)}.")


@command.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=pathlib.Path))
@click.option("--replace", is_flag=True, help="Remove everything that the database holds.")
@asking.option
@opening.config_option
@output.option
def restore(file: pathlib.Path, replace: bool, yes: bool, config: pathlib.Path | None, form: str | None) -> None:
    """Write the backup FILE into the configured database, of either engine, that is empty and that nobody uses.

    The backup is checked first, and what arrived before it counts; if anything fails, the database is as it was.
    """
    from intaglio.server import compose

    settings = opening.read_or_development(config)
    if replace:
        asking.sure("Everything in the database will be replaced. Go on?", yes=yes)
    with _progress() as tell:
        manifest, states = asyncio.run(compose.restore(settings, file, tell, replace=replace))
    output.write_list(shown(manifest.tables), form, columns=COLUMNS, value="table")
    faults.say(f"Restored {file}, taken at {output.instant(manifest.taken_at)}: it is as it was then.")
    if any(state.state == "pending" for state in states):
        faults.say("The backup is of a version before this one: run `intaglio migrate up`.")


@command.command("copy")
@click.option(
    "--from", "source", default="", help="URL of the database to read, - for stdin; without it the configured one."
)
@click.option(
    "--to", "target", default="", help="URL of the database to write, - for stdin; without it the configured one."
)
@click.option("--replace", is_flag=True, help="Remove everything that the database to be written holds.")
@asking.option
@opening.config_option
@output.option
def copy(source: str, target: str, replace: bool, yes: bool, config: pathlib.Path | None, form: str | None) -> None:
    """Copy all of a database into an empty one of either engine, and compare the two before it counts.

    Stop what writes to the first one if the second is to take its place. A URL with a password is read from stdin, or
    the password from PGPASSWORD or a file named by PGPASSFILE: everybody on the machine sees arguments.
    """
    from intaglio.server import compose

    urls = (
        [_url(url, option, config) for url, option in ((source, "--from"), (target, "--to"))]
        if source or target
        else []
    )
    if not urls or source == target:
        raise Misconfigured(
            "databases-same",
            "That is one database, not two.",
            detail={"expected": "--from, --to, or both, and not the same", "received": "the same for both"},
            hint="intaglio db copy --to postgresql://user@host/database",
        )
    if replace:
        asking.sure("Everything in the database that is written to will be replaced. Go on?", yes=yes)
    with _progress() as tell:
        tables = asyncio.run(compose.copy_database(urls[0], urls[1], tell, replace=replace))
    output.write_list(shown(tables), form, columns=COLUMNS, value="table")
    faults.say(f"Copied {sum(table.rows for table in tables):,} rows; both databases hold the same.")


def _url(given: str, option: str, config: pathlib.Path | None) -> str:
    if not given:
        return opening.read_or_development(config).database.url
    if given == "-":
        return secretinput.read_text("-").strip()
    if _has_password(given):
        raise Misconfigured(
            "password-on-argv",
            "A password in an argument is seen by everybody on the machine; take it for known, and change it.",
            detail={
                "expected": f"{option} - with the URL on stdin, or PGPASSWORD",
                "received": "a URL with a password",
            },
            hint=f"intaglio db copy … {option} - < file-with-the-url",
        )
    return given


def _has_password(url: str) -> bool:
    try:
        parts = parse.urlsplit(url)
        return parts.password is not None or "password" in dict(parse.parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return "@" in url
