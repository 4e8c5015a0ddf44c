"""What an operator writes down about a gate: where it listens, which services it protects, and how.

TOML: one table `gate`, one `[[service]]` for each service, whose `mode` says what else is in it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from intaglio.errors import Misconfigured
from intaglio.wire import url as urls
from intaglio.wire.addresses import Address, Network

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_RESERVED = ("host", "content-length", "transfer-encoding", "connection", "cookie", "authorization")
MAX_SESSION = 12 * 3600
CLAIMS = {"sub": "X-Auth-Subject", "email": "X-Auth-Email"}
"""The headers of mode plain where none are written down."""


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the gate listens, and whom it believes. Spans are in seconds.

    `listen` is the door for requests that it passes on, and for its own pages; `forward_auth` the one for questions of
    other proxies, which are answered to `trusted_proxies` alone. `ca_file` holds authorities of upstreams and issuers.
    """

    listen: str = ""
    forward_auth: str = ""
    trusted_proxies: tuple[str, ...] = ()
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    connect_seconds: float = 5.0
    idle_seconds: float = 60.0


class Ward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="mode"):
    """A service behind the gate. `url` is how the world calls it, `upstream` where it is passed on to."""

    name: str
    url: str = ""
    upstream: str = ""

    @property
    def host(self) -> str:
        """The host (with port, where it is not the scheme's own) by which the world calls it; empty for any."""
        return urlsplit(urls.origin(self.url)).netloc if self.url else ""


class Run(Ward, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="run"):
    """Mode run, for the target service `service` of `project`; `development_client` is the command line's client id."""

    project: str
    service: str = ""
    development_client: str = "intaglio-cli"


class Iap(Ward, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="iap"):
    """Mode iap. People sign in as the client `client_id`, at the issuer of the dialect `sign_in`."""

    project: str
    service: str = ""
    client_id: str
    client_secret_file: str = ""
    sign_in: str = "google"
    assertion_audience: str = ""
    assertion_issuer: str = ""
    session_seconds: int = 3600


class Endpoints(Ward, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="endpoints"):
    """Mode endpoints: `openapi` is the file that describes the API."""

    openapi: str


class Plain(Ward, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="plain"):
    """Mode plain. `claims` maps claims to headers, `require` claims to values that they must have."""

    issuer: str
    audience: tuple[str, ...]
    dialect: str = "standard"
    jwks_uri: str = ""
    discovery_uri: str = ""
    algorithms: tuple[str, ...] = ()
    claims: dict[str, str] = msgspec.field(default_factory=lambda: dict(CLAIMS))
    require: dict[str, Any] = {}
    pass_token: bool = False


AnyWard = Run | Iap | Endpoints | Plain


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that was written down."""

    gate: Gate = Gate()
    service: tuple[AnyWard, ...] = ()

    @property
    def is_part_of_installation(self) -> bool:
        """Whether a mode needs the installation's database and keys."""
        return any(isinstance(ward, Run | Iap) for ward in self.service)


def refuse(where: str, expected: str, received: object = "") -> Misconfigured:
    """Return the error for something that cannot be used."""
    return Misconfigured(
        "gate-invalid",
        "The gate's configuration cannot be used.",
        detail={"where": where, "expected": expected, "received": str(received)[:200]},
        hint="See docs/howto/gate.md.",
    )


def read(document: Mapping[str, Any]) -> Config:
    """Return the configuration in a document; raises `Misconfigured` (`gate-invalid`)."""
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as fault:
        raise refuse("the file", "the keys and types of the reference", fault) from fault
    _check_gate(config.gate)
    if not config.service:
        raise refuse("service", "at least one [[service]]", "none")
    for ward in config.service:
        _check_ward(ward)
    _check_together(config)
    return config


def _check_gate(gate: Gate) -> None:
    if not gate.listen and not gate.forward_auth:
        raise refuse("gate.listen, gate.forward_auth", "at least one of them", "neither")
    for name in ("listen", "forward_auth"):
        if getattr(gate, name):
            place(getattr(gate, name), f"gate.{name}")
    if gate.listen and gate.listen.rpartition(":")[2] == gate.forward_auth.rpartition(":")[2]:
        raise refuse("gate.forward_auth", "another port than gate.listen: the port tells the doors apart", gate.listen)
    Trusted(gate.trusted_proxies)
    if gate.forward_auth and not gate.trusted_proxies:
        raise refuse("gate.trusted_proxies", "the addresses of the proxies that may ask", "none")
    if bool(gate.certificate_file) != bool(gate.key_file):
        raise refuse("gate.certificate_file, gate.key_file", "both or neither", "one")
    if not 0 < gate.connect_seconds <= 60 or not 0 < gate.idle_seconds <= 3600:
        raise refuse("gate.connect_seconds, gate.idle_seconds", "up to 60 s, up to 3600 s", gate.idle_seconds)


def _check_ward(ward: AnyWard) -> None:
    where = f"service {ward.name!r}"
    if not _NAME.fullmatch(ward.name):
        raise refuse(f"{where}: name", "lower-case letters, digits and hyphens", ward.name)
    if ward.url and urls.origin(ward.url) != ward.url.rstrip("/"):
        raise refuse(f"{where}: url", "https://host, perhaps with a port, and no path", ward.url)
    if isinstance(ward, Iap):
        _check_iap(ward, where)
    if isinstance(ward, Plain):
        _check_plain(ward, where)


def _check_iap(ward: Iap, where: str) -> None:
    if not ward.url:
        raise refuse(f"{where}: url", "the address of the service, to come back to after signing in", "none")
    host = urlsplit(ward.url).hostname or ""
    # RFC 6265bis 4.1.2.5: without TLS the session would travel for everybody to read.
    if ward.url.startswith("http:") and not urls.is_loopback_host(host):
        raise refuse(f"{where}: url", "https, or http on this machine", ward.url)
    if not 60 <= ward.session_seconds <= MAX_SESSION:
        raise refuse(f"{where}: session_seconds", f"60 to {MAX_SESSION}", ward.session_seconds)


def _check_plain(ward: Plain, where: str) -> None:
    if not ward.audience:
        raise refuse(f"{where}: audience", "at least one audience: a token for anybody is nobody's", "none")
    for header in ward.claims.values():
        if not _HEADER.fullmatch(header) or header.lower() in _RESERVED:
            raise refuse(f"{where}: claims", "names of headers in letters, digits and hyphens", header)


def _check_together(config: Config) -> None:
    names = [ward.name for ward in config.service]
    if len(set(names)) < len(names):
        raise refuse("service.name", "each name once", ", ".join(names))
    passed_on = [ward for ward in config.service if ward.upstream]
    if passed_on and not config.gate.listen:
        raise refuse("gate.listen", "an address to listen on, for a service with an upstream", "none")
    if not passed_on and not config.gate.forward_auth:
        raise refuse("service.upstream", "an upstream, or gate.forward_auth for other proxies", "neither")
    hosts = [ward.host for ward in config.service if ward.upstream or ward.host]
    # RFC 9110 7.4: a request for one service must not be answered as another's.
    if len(passed_on) > 1 and "" in [ward.host for ward in passed_on]:
        raise refuse("service.url", "the address of each service, where there are several", "none")
    if len(set(hosts)) < len(hosts):
        raise refuse("service.url", "each host once", ", ".join(hosts))


def place(text: str, where: str) -> tuple[str, int]:
    """Return host and port of `host:port`; raises `Misconfigured` (`gate-invalid`)."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port[:6]) <= urls.MAX_PORT:
        raise refuse(where, "host:port", text)
    return host.strip("[]"), int(port)


class Trusted:
    """The proxies whose words count."""

    def __init__(self, listed: tuple[str, ...]) -> None:
        """Raise `Misconfigured` (`gate-invalid`) for text that is neither an address nor a network."""
        try:
            self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in listed)
        except ValueError as fault:
            raise refuse("gate.trusted_proxies", "addresses and networks", ", ".join(listed)) from fault

    def __contains__(self, peer: object) -> bool:
        address = _address(str(peer))
        return address is not None and any(
            address in network for network in self._networks if network.version == address.version
        )


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
