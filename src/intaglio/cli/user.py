"""`intaglio user`: list, show, create, update, disable, enable and delete users."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from intaglio.cli import dialect_settings, faults, leaving, opening, output, place, secretinput
from intaglio.cli.place import Place, Record
from intaglio.errors import Misconfigured
from intaglio.ids import Secret
from intaglio.server.registry import personclaims

if TYPE_CHECKING:
    from intaglio.server.model.users import User

COLUMNS = ("username", "user_id", "created_at", "disabled_at")


SESSIONS = ("device", "issuer", "auth_time", "expires_at", "session_id")


@click.group("user")
def command() -> None:
    """List, show, create, update, disable and delete users; their sessions."""


leaving.add(command, "user")


def shown(user: User) -> Record:
    """Return a user as it is written: whether there is a password, never its hash."""
    from intaglio.server.admin.acts import coding, users

    told: Record = coding.builtins(users.told(user))
    return told


@command.command("list")
@opening.tenant_option
@opening.page_options
@place.options
@output.option
def list_(at: Place, tenant: str, after: str, limit: int, form: str | None) -> None:
    """List the users of a tenant by name, page by page."""
    told = place.perform(at, "user.list", tenant=tenant, after=after, limit=limit)
    place.write_page(told, form, COLUMNS, "username")


@command.command("show")
@click.argument("username")
@opening.tenant_option
@place.options
@output.option
def show(at: Place, username: str, tenant: str, form: str | None) -> None:
    """Show the user with this name or UUID."""
    output.write_one(place.perform(at, "user.show", tenant=tenant, user=username), form, value="user_id")


@command.command("create")
@click.argument("username")
@click.option("--password-file", help="File with the password, - for stdin; without it a terminal is asked.")
@click.option("--no-password", is_flag=True, help="Nobody can sign in with a password.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", help="Claim about the user; may be given again."
)
@opening.tenant_option
@place.options
@output.option
def create(
    at: Place,
    username: str,
    password_file: str | None,
    claims: tuple[str, ...],
    tenant: str,
    form: str | None,
    *,
    no_password: bool,
) -> None:
    """Create a user of a tenant.

    Claims are those of OpenID Connect: --claim name='Ada Lovelace' --claim email_verified=true. The password is never
    taken from the command line.
    """
    read = _claims(claims)
    password = _password(password_file, none=no_password)
    made = place.perform(at, "user.create", tenant=tenant, username=username, password=password, claims=read)
    faults.say(f"Created the user {faults.plain(made['username'])}.")
    output.write_one(made, form, value="user_id")


@command.command("update")
@click.argument("username")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", help="Claim about the user, none with an empty value."
)
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="What the person noted, JSON or text.")
@click.option("--app-metadata", multiple=True, metavar="NAME=VALUE", help="What applications noted, JSON or text.")
@click.option("--disable/--enable", "disabled", default=None, help="Whether the person can sign in no more.")
@dialect_settings.option
@opening.tenant_option
@place.etag_option
@place.options
@output.option
def update(
    at: Place,
    username: str,
    claims: tuple[str, ...],
    metadata: tuple[str, ...],
    app_metadata: tuple[str, ...],
    dialects: dict[str, dict[str, Any]] | None,
    tenant: str,
    form: str | None,
    *,
    disabled: bool | None,
    etag: str,
) -> None:
    """Change the user with this name or UUID; what is not given stays as it is.

    An empty value takes a claim or a note away.
    """
    fields = {
        "claims": _claims(claims, may_be_empty=True),
        "metadata": dialect_settings.values("--metadata", metadata),
        "app_metadata": dialect_settings.values("--app-metadata", app_metadata),
        "dialects": dialects or {},
    }
    named = {"tenant": tenant, "user": username}
    given = {name: value for name, value in fields.items() if value}
    output.write_one(leaving.change(at, "user", given, disabled=disabled, etag=etag, **named), form, value="user_id")


@command.command("password")
@click.argument("username")
@click.option("--password-file", help="File with the password, - for stdin; without it a terminal is asked.")
@click.option("--no-password", is_flag=True, help="Nobody can sign in with a password.")
@opening.tenant_option
@place.etag_option
@place.options
@output.option
def password(
    at: Place, username: str, password_file: str | None, tenant: str, form: str | None, *, etag: str, no_password: bool
) -> None:
    """Give the user with this name or UUID another password, and end what the old one opened."""
    given = _password(password_file, none=no_password)
    changed = place.perform(at, "user.password", tenant=tenant, user=username, password=given, etag=etag)
    faults.say(f"Changed the user {faults.plain(changed['username'])}.")
    output.write_one(changed, form, value="user_id")


@command.command("sign-out")
@click.argument("username")
@click.option("--applications", is_flag=True, help="End as well what applications may do while the person is away.")
@opening.tenant_option
@place.etag_option
@place.options
@output.option
def sign_out(at: Place, username: str, tenant: str, form: str | None, *, etag: str, applications: bool) -> None:
    """Sign the user with this name or UUID out everywhere, and tell their applications."""
    named = {"tenant": tenant, "user": username}
    record = leaving.leave(at, "user", "sign_out", etag=etag, applications=applications, **named)
    output.write_one(record, form, value="user_id")


@command.command("sessions")
@click.argument("username")
@opening.tenant_option
@place.options
@output.option
def sessions(at: Place, username: str, tenant: str, form: str | None) -> None:
    """List where the user with this name or UUID is signed in, the latest sign-in first."""
    told = place.perform(at, "user.sessions", tenant=tenant, user=username)
    output.write_list(told["items"], form, columns=SESSIONS, value="session_id")


@command.command("export")
@click.argument("username")
@opening.tenant_option
@place.options
@output.option
def export(at: Place, username: str, tenant: str, form: str | None) -> None:
    """Write all that is known of the user with this name or UUID; the audit log tells that it was read."""
    output.write_one(place.perform(at, "user.export", tenant=tenant, user=username), form or "json", value="user")


def _password(file: str | None, *, none: bool) -> Secret | None:
    if none and file is not None:
        raise click.UsageError("Either --password-file or --no-password.")
    return None if none else secretinput.read_secret("Password", file, option="--password-file")


def _claims(texts: tuple[str, ...], *, may_be_empty: bool = False) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"--claim expects NAME=VALUE, received {text[:80]!r}.")
        claims[name] = None if may_be_empty and not value else _value(name, value)
    return claims


def _value(name: str, text: str) -> Any:
    """Read a claim's value: flags and the address are JSON, the rest is text as it stands."""
    if name not in personclaims.FLAG_CLAIMS and name != "address":
        return text
    try:
        return json.loads(text)
    except ValueError as exc:
        flag = name in personclaims.FLAG_CLAIMS
        raise Misconfigured(
            "claim-invalid",
            f"The claim {name} cannot be used.",
            detail={"expected": "JSON", "received": "something else"},
            hint=f"--claim {name}=true" if flag else '--claim address=\'{"country": "CH"}\'',
        ) from exc
