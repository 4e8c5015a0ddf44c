"""From the options of a command to settings, and to the database that they name."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.server import settings as settings_
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.keyring.vault import Vault
from intaglio.server.model.plan import Store
from intaglio.server.settings import Settings
from intaglio.wire.flow import Driver

if TYPE_CHECKING:
    from intaglio.server.provider.scene import House

DEFAULT_FILE = pathlib.Path("intaglio.toml")
DEVELOPMENT = pathlib.Path("var")
LOOPBACK = ("localhost", "127.0.0.0/8", "::1/128")

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Administration(Protocol):
    """What commands that change or show records are handed."""

    @property
    def store(self) -> Store:
        """The database."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def vault(self) -> Vault:
        """What seals private keys."""
        ...

    @property
    def secrets(self) -> ClientSecrets:
        """What hashes client secrets."""
        ...

    @property
    def passwords(self) -> Passwords:
        """What hashes passwords."""
        ...

    @property
    def outgoing(self) -> Driver:
        """What fetches."""
        ...

    @property
    def house(self) -> House:
        """What the provider's functions work with."""
        ...


def config_option(function: F) -> F:
    """Add `--config` to a command."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=pathlib.Path),
        envvar="INTAGLIO_CONFIG",
        help="Configuration file; without it ./intaglio.toml where there is one.",
    )(function)


def tenant_option(function: F) -> F:
    """Add `--tenant` to a command."""
    return click.option("--tenant", default="default", show_default=True, help="Slug or UUID of the tenant.")(function)


def page_options(function: F) -> F:
    """Add `--after` and `--limit` to a command that lists."""
    function = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Page size.")(
        function
    )
    return click.option("--after", default="", help="Begin behind this one.")(function)


def read(config: pathlib.Path | None) -> Settings:
    """Return the settings of `--config`, of ./intaglio.toml, or of the environment alone."""
    return settings_.load(config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None), os.environ)


def read_or_development(config: pathlib.Path | None) -> Settings:
    """Return the settings; where no database is named, those of the development database in ./var.

    Raises `Misconfigured` (`database-missing`) where there is neither.
    """
    settings = read(config)
    if settings.database.url:
        return settings
    database, key = DEVELOPMENT / "intaglio.db", DEVELOPMENT / "master.key"
    if not database.is_file():
        raise Misconfigured(
            "database-missing",
            "There is no database to work on.",
            detail={"expected": f"database.url in the settings, or {database}", "received": "neither"},
            hint="Start `intaglio dev` once, or name a configuration with --config.",
        )
    flags: dict[str, Any] = {"database.url": f"sqlite:///{database}"}
    if not settings.outgoing.allow:
        # What `intaglio dev` may call as well: other programs of this machine.
        flags["outgoing.allow"] = list(LOOPBACK)
    authority = DEVELOPMENT / "tls" / "ca.pem"
    if settings.outgoing.ca_file is None and authority.is_file():
        flags["outgoing.ca_file"] = authority
    if settings.master_key is None and key.is_file():
        flags["keys.master_key"] = key.read_text(encoding="utf-8").strip()
    file = config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    return settings_.load(file, os.environ, flags)


def administer(config: pathlib.Path | None, work: Callable[[Administration], Awaitable[T]]) -> T:
    """Open the database, do the work, close it, and return what came of it."""
    from intaglio.server import compose

    async def opened() -> T:
        async with compose.administration(read_or_development(config)) as administration:
            return await work(administration)

    return asyncio.run(opened())
