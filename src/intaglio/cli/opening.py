"""From the options of a command to settings, and to the database that they name."""

from __future__ import annotations

import os
import pathlib
import stat
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from intaglio.errors import Misconfigured

if TYPE_CHECKING:
    from intaglio.clock import Clock
    from intaglio.server.credentials.clientsecrets import ClientSecrets
    from intaglio.server.credentials.passwords import Passwords
    from intaglio.server.keyring.vault import Vault
    from intaglio.server.model.plan import Store
    from intaglio.server.provider.scene import House
    from intaglio.server.settings.records import Settings
    from intaglio.wire.flow import Driver

DEFAULT_FILE = pathlib.Path("intaglio.toml")
DEVELOPMENT = pathlib.Path("var")
SERVER = "INTAGLIO_SERVER"
"""The variable that stands for `--server`."""
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


def read(config: pathlib.Path | None, *, weak_key: bool = False) -> Settings:
    """Return the settings of `--config`, of ./intaglio.toml, or of the environment alone."""
    from intaglio.server.settings import load

    return load.load(config or _found_here(), os.environ, allow_weak_key=weak_key)


def _found_here() -> pathlib.Path | None:
    """Return ./intaglio.toml where there is one; raises `Misconfigured` (`settings-file`) if it may be a stranger's.

    SECURITY: a configuration names libraries that are loaded, and where secrets go. Whoever leaves one in a folder that
    many write to has it read by nobody who does not name it (test_a_strangers_configuration_is_not_taken_up).
    """
    try:
        found = DEFAULT_FILE.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    if found.st_uid in (0, os.geteuid()) and not found.st_mode & stat.S_IWOTH:
        return DEFAULT_FILE
    raise Misconfigured(
        "settings-file",
        "The configuration file in this folder may be somebody else's.",
        detail={"expected": "one of yours or root's, that not everybody may write", "received": str(DEFAULT_FILE)},
        hint=f"If it is the one that you mean, name it: --config {DEFAULT_FILE}",
    )


def read_or_development(config: pathlib.Path | None, *, weak_key: bool = False) -> Settings:
    """Return the settings; where no database is named, those of the development database in ./var.

    `weak_key` lets a master key pass that could be guessed, for whoever changes it. Raises `Misconfigured`
    (`database-missing`) where there is neither.
    """
    settings = read(config, weak_key=weak_key)
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
    if settings.master_key is None and settings.master_token is None and key.is_file():
        flags["keys.master_key"] = key.read_text(encoding="utf-8").strip()
    from intaglio.server.settings import load

    return load.load(config or _found_here(), os.environ, flags)


def administer(config: pathlib.Path | None, work: Callable[[Administration], Awaitable[T]]) -> T:
    """Open the database, do the work, close it, and return what came of it; raises `Misconfigured` (`server-meant`)."""
    import asyncio

    from intaglio.server import compose

    _check_meant()

    async def opened() -> T:
        async with compose.administration(read_or_development(config)) as administration:
            return await work(administration)

    return asyncio.run(opened())


def was_typed(name: str) -> bool:
    """Tell whether an option comes from the command line, and not from the environment."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _check_meant() -> None:
    """Refuse a command that knows no server where one is named by the environment: it would change something else."""
    context = click.get_current_context(silent=True)
    if context is None or "server" in context.params:
        return
    if os.environ.get(SERVER) and not was_typed("config"):
        raise Misconfigured(
            "server-meant",
            "This command works beside a database alone.",
            detail={"expected": f"--config FILE, or no {SERVER}", "received": f"{SERVER}={os.environ[SERVER]}"},
            hint=f"Run it where the database is; or unset {SERVER} if the configured one here is meant.",
        )
