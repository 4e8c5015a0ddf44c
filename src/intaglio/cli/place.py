"""Where a command does its work: on the configured database, or with `--server` on an issuer's administration API.

Either way the same act is performed, and the same record comes of it.
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
import msgspec

from intaglio.cli import faults, opening, output, secretinput
from intaglio.errors import Misconfigured
from intaglio.ids import Secret

if TYPE_CHECKING:
    from intaglio.cli.credentials import Account
    from intaglio.server.admin.acts.act import Act

F = TypeVar("F", bound=Callable[..., Any])
Record = dict[str, Any]
TOKEN_FILE = "INTAGLIO_TOKEN_FILE"
BEARER = "intaglio.bearer"
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)


class Place(msgspec.Struct, frozen=True):
    """A database by its configuration, or a server with what proves who asks."""

    config: pathlib.Path | None = None
    server: str = ""
    token_file: str = ""
    issuer: str = ""
    ca_file: str = ""

    @property
    def words(self) -> str:
        """Where that is, for a question before something final."""
        return f" at {self.server}" if self.server else ""


_OPTIONS = (
    click.option(
        "--server",
        envvar=opening.SERVER,
        default="",
        metavar="URL",
        help="Work on this issuer's administration API, as an administrator, in place of the database.",
    ),
    click.option(
        "--token-file",
        envvar=TOKEN_FILE,
        default="",
        metavar="FILE",
        help="With --server: file with an access token, - for stdin; without it a sign-in there is used.",
    ),
    click.option(
        "--issuer", default="", metavar="URL", help="With --server: whose sign-in to use, if the API is elsewhere."
    ),
    click.option(
        "--ca-file",
        default="",
        type=click.Path(dir_okay=False),
        help="With --server: PEM certificates of authorities to believe as well.",
    ),
)


def options(function: F) -> F:
    """Add `--config`, `--server` and what goes with it to a command, which is handed it as `at`."""

    @functools.wraps(function)
    def gathered(
        config: pathlib.Path | None, server: str, token_file: str, issuer: str, ca_file: str, **given: Any
    ) -> Any:
        if token_file == "-" and any(value == "-" for name, value in given.items() if name.endswith("_file")):
            raise click.UsageError("Only one thing can come from stdin: name a file for the others.")
        return function(at=_place(config, server, token_file, issuer, ca_file), **given)

    decorated: Any = opening.config_option(gathered)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return cast(F, decorated)


def etag_option(function: F) -> F:
    """Add `--etag` to a command that changes something."""
    return click.option(
        "--etag", default="", help="Only if it is still this version, by its `etag`: else somebody has changed it."
    )(function)


def _place(config: pathlib.Path | None, server: str, token_file: str, issuer: str, ca_file: str) -> Place:
    if server:
        if opening.was_typed("config"):
            raise click.UsageError("Either --config, for a database, or --server.")
        return Place(None, server.rstrip("/"), token_file, issuer, ca_file)
    if opening.was_typed("token_file") or issuer or ca_file:
        raise click.UsageError("--token-file, --issuer and --ca-file go with --server.")
    return Place(config)


def write_page(told: Record, form: str | None, columns: Sequence[str], value: str) -> None:
    """Write a page of records, and where the next one begins."""
    output.write_list(told["items"], form, columns=columns, value=value)
    if told["next"]:
        faults.say(f"There is more: --after {faults.plain(told['next'])}")


def perform(at: Place, name: str, /, **given: Any) -> Record:
    """Perform an act and return what it tells, as it stands in JSON.

    Raises what the act raises; with a server `NotAuthenticated`, `Denied` and `Unavailable` as well.
    """
    from intaglio.server.admin.acts import table

    act = table.BY_NAME[name]
    if at.server:
        from intaglio.cli import remote

        return remote.perform(at.server, _bearer(at), act, given, at.ca_file)
    return _on_database(at.config, act, given)


def _on_database(config: pathlib.Path | None, act: Act, fields: Record) -> Record:
    from intaglio.cli import acting
    from intaglio.server.admin.acts import coding
    from intaglio.server.admin.acts.desk import Desk
    from intaglio.server.registry.deeds import Actor

    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in fields.items()}
    try:
        asked = coding.convert(plain, act.asked)
    except msgspec.ValidationError as exc:
        detail = {"expected": str(exc)}
        raise Misconfigured("request-invalid", "The request cannot be read.", detail=detail) from None  # holds secrets

    async def work(office: opening.Administration) -> Any:
        return await act.perform(asked, Desk(office, Actor(acting.operator(), office.clock.now())))

    told: Record = coding.builtins(opening.administer(config, work))
    return told


def _bearer(at: Place) -> Secret:
    """Return the access token to work with; raises `NotAuthenticated`, `Misconfigured`, `Unavailable`."""
    # One command may perform several acts: stdin is read once, and a refresh token used once.
    kept = click.get_current_context().meta
    if BEARER not in kept:
        kept[BEARER] = _of_file(at.token_file) if at.token_file else _of_sign_in(at)
    bearer: Secret = kept[BEARER]
    return bearer


def _of_file(file: str) -> Secret:
    text = secretinput.read_text(file).strip()
    # RFC 6750 2.1: nothing else can stand in a header, and a line break would begin another one.
    if not _TOKEN.fullmatch(text):
        detail = {"expected": "an access token and nothing else", "received": "another text" if text else "nothing"}
        raise Misconfigured("token-invalid", "The file holds no access token.", detail=detail)
    return Secret(text)


def _of_sign_in(at: Place) -> Secret:
    from intaglio.cli import renewing

    return renewing.renew(_account(at), at.ca_file).access_token


def _account(at: Place) -> Account:
    """Return the sign-in for a server: one at its own origin, or at the issuer that was named."""
    from intaglio.cli import credentials
    from intaglio.cli.faults import NotAuthenticated
    from intaglio.server.model.administrators import SCOPE
    from intaglio.wire import url

    # SECURITY: a token goes to whoever gave it and to nobody else, unless the person says so by --issuer
    # (test_a_sign_in_elsewhere_is_not_shown_to_a_server).
    known = [
        one
        for one in credentials.read().accounts
        if (one.issuer == at.issuer if at.issuer else url.origin(one.issuer) == url.origin(at.server))
    ]
    for one in known:
        if SCOPE in one.scope.split():
            return one
    received = ", ".join(f"{one.label} at {one.issuer}, without it" for one in known) or "nobody is signed in there"
    raise NotAuthenticated(
        detail={"expected": f"a sign-in at {at.issuer or at.server} with {SCOPE}", "received": received},
        hint=f"intaglio login --issuer {at.issuer or at.server + '/operators'} --scope 'openid {SCOPE}'",
    )
