"""What was decided, as the rest of the server reads it."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from intaglio.ids import Secret
from intaglio.server.settings.keys import Origin
from intaglio.server.settings.limits import Limit


class Database(msgspec.Struct, frozen=True):
    """Where data is kept. The address may hold a password, so it does not print."""

    url: str = ""

    def __repr__(self) -> str:
        return "Database(…)"


class Listener(msgspec.Struct, frozen=True):
    """One dialect's door: where it listens, how the world calls it, and whose it is (empty: the path tells)."""

    dialect: str
    host: str
    port: int
    base_url: str
    tenant: str = ""
    backchannel_base_url: str = ""


class Google(msgspec.Struct, frozen=True):
    """What only the google dialect has: its universe, and whether it may pass for Google."""

    universe_domain: str = ""
    allow_google_issuer: bool = False


class TLS(msgspec.Struct, frozen=True):
    """The certificate of every listener."""

    certificate_file: pathlib.Path
    key_file: pathlib.Path


class Operations(msgspec.Struct, frozen=True):
    """Where health and metrics answer."""

    host: str
    port: int


class Log(msgspec.Struct, frozen=True):
    """What is written of requests, and in which form the rest is."""

    requests: bool = True
    format: Literal["json", "text"] = "json"


class Server(msgspec.Struct, frozen=True):
    """How the process behaves."""

    trusted_proxies: tuple[str, ...] = ()
    log_level: str = "info"
    workers: int = 1
    allow_http: bool = False
    drain_seconds: int = 5
    forwarded_header: Literal["x-forwarded", "forwarded"] = "x-forwarded"
    allow_http_backchannel: bool = False


class Outgoing(msgspec.Struct, frozen=True):
    """Where calls may go that clients make the provider run, whom they believe, and their bounds."""

    allow: tuple[str, ...] = ()
    ca_file: pathlib.Path | None = None
    time_limit_seconds: int = 10
    size_limit_octets: int = 262144


class Token(msgspec.Struct, frozen=True):
    """The PKCS#11 token that holds the master key: the library that speaks with it, its label, the key's label."""

    module: pathlib.Path
    token: str
    label: str
    pin: Secret


class Audit(msgspec.Struct, frozen=True):
    """How long the audit log is kept, in days; 0 means for ever."""

    keep_days: int = 365


class Settings(msgspec.Struct, frozen=True):
    """Everything that was configured.

    `origins` tells for each key where its value comes from, `places` the file and line, or the variable.
    """

    database: Database = Database()
    master_key: Secret | None = None
    master_token: Token | None = None
    listeners: tuple[Listener, ...] = ()
    administration: Listener | None = None
    google: Google = Google()
    tls: TLS | None = None
    server: Server = Server()
    operations: Operations | None = None
    log: Log = Log()
    outgoing: Outgoing = Outgoing()
    audit: Audit = Audit()
    limits: Mapping[str, Limit] = {}
    origins: Mapping[str, Origin] = {}
    places: Mapping[str, str] = {}

    @property
    def doors(self) -> tuple[Listener, ...]:
        """The doors of the dialects, and that of administration if it has one of its own."""
        return (*self.listeners, *((self.administration,) if self.administration is not None else ()))

    def listener(self, dialect: str) -> Listener | None:
        """Return the door of a dialect, if it has one."""
        return next((door for door in self.listeners if door.dialect == dialect), None)
