"""What `disable`, `enable` and `delete` do in every command that has them, and what they tell."""

from __future__ import annotations

from typing import Any

import click

from intaglio.cli import asking, faults, opening, output, place
from intaglio.cli.place import Place, Record

VALUES = {"tenant": "tenant_id", "client": "client_id", "user": "user_id"}
LABELS = {"tenant": "slug", "client": "client_id", "user": "username"}
FIELDS = {"tenant": "tenant", "client": "client_id", "user": "user"}
LOST = {
    "tenant": "Its users, clients, keys, sessions and tokens are gone for good",
    "client": "Its secrets, grants and tokens are gone for good",
    "user": "The account, its sessions, consents and tokens are gone for good",
}
DONE = {"disable": "Disabled", "enable": "Enabled", "delete": "Deleted", "sign_out": "Signed out"}


def leave(at: Place, noun: str, what: str, **named: Any) -> Record:
    """Perform `noun.what`, tell what ended, and return the record as it is now or was."""
    told = place.perform(at, f"{noun}.{what}", **named)
    record: Record = told[noun]
    ended = [
        f"{count} {kind if count > 1 else kind.removesuffix('s')}" for kind, count in told["ended"].items() if count
    ]
    rest = f": {' and '.join(ended)} ended" if ended else ""
    faults.say(f"{DONE[what]} the {noun} {faults.plain(record[LABELS[noun]])}{rest}.")
    return record | {"ended": told["ended"]}


def change(at: Place, noun: str, fields: Record, *, disabled: bool | None, etag: str, **named: Any) -> Record:
    """Change what is given, then disable or enable if that was asked for as well; return the record as it is now."""
    if fields or disabled is None:
        changed = place.perform(at, f"{noun}.update", etag=etag, **named, **fields)
        faults.say(f"Changed the {noun} {faults.plain(changed[LABELS[noun]])}.")
        if disabled is None:
            return changed
        # What comes second is about the version that was just made.
        etag = changed["etag"]
    return leave(at, noun, "disable" if disabled else "enable", etag=etag, **named)


def add(group: click.Group, noun: str) -> None:
    """Add `disable`, `enable` and `delete` to the group of a noun."""
    for what in ("disable", "enable", "delete"):
        group.add_command(_command(noun, what))


def _command(noun: str, what: str) -> click.Command:
    argument = {"tenant": "tenant", "client": "client_id", "user": "username"}[noun]

    def callback(at: Place, form: str | None, *, yes: bool = True, **named: str) -> None:
        name = named.pop(argument)
        if what == "delete":
            asking.name_again(f"Delete the {noun} {name}{at.words}? {LOST[noun]}.", name, yes=yes)
        record = leave(at, noun, what, **named, **{FIELDS[noun]: name})
        output.write_one(record, form, value=VALUES[noun])

    callback.__doc__ = HELP[noun, what]
    decorated: Any = place.etag_option(output.option(place.options(callback)))
    if noun != "tenant":
        decorated = opening.tenant_option(decorated)
    if what == "delete":
        decorated = asking.option(decorated)
    made: click.Command = click.command(what)(click.argument(argument)(decorated))
    return made


HELP = {
    ("tenant", "disable"): """Switch off the tenant with this slug or UUID, at once and everywhere.

    Nobody finds it any more: sessions, grants and tokens of its people and programs end, and stay ended.
    """,
    ("tenant", "enable"): """Switch on again the tenant with this slug or UUID; what was ended stays ended.""",
    ("tenant", "delete"): """Remove the tenant with this slug or UUID for good, with all that is in it.

    Its audit log stays. On a terminal its name has to be typed again; elsewhere --yes is needed.
    """,
    ("client", "disable"): """Let nobody sign in to a client, and end all that it has, at once and everywhere.""",
    ("client", "enable"): """Let a client go on; what was ended stays ended.""",
    ("client", "delete"): """Remove a client for good, with all that it has.

    On a terminal its client_id has to be typed again; elsewhere --yes is needed.
    """,
    ("user", "disable"): """Let the user with this name or UUID sign in no more, and end all that they have.""",
    ("user", "enable"): """Let the user with this name or UUID sign in again; what was ended stays ended.""",
    ("user", "delete"): """Remove the user with this name or UUID for good, with all that they have.

    On a terminal the name has to be typed again; elsewhere --yes is needed.
    """,
}
