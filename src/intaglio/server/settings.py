"""What the operator decides before the server starts: one TOML file, the environment over it, flags over both.

One table (`KEYS`) names every setting with its type, default and help; the reference page is made from it. Unknown
keys are refused with a suggestion, and all faults are reported together.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import pathlib
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from intaglio.dialects.google import hosts
from intaglio.errors import Misconfigured
from intaglio.ids import Secret
from intaglio.wire import places

PREFIX = "INTAGLIO_"
LOG_LEVELS = ("debug", "info", "warning", "error")
Kind = Literal["text", "secret", "path", "flag", "number", "list"]
Origin = Literal["default", "file", "environment", "flag"]


class Key(msgspec.Struct, frozen=True):
    """One setting: where it stands, what it is, and what it means. A default of None leaves it unset."""

    section: str
    name: str
    kind: Kind
    default: str | int | bool | tuple[str, ...] | None
    help: str

    @property
    def dotted(self) -> str:
        """The key as it is written in messages: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{PREFIX}{self.section}__{self.name}".upper()


KEYS: tuple[Key, ...] = (
    Key("database", "url", "text", None, "Where data is kept: `sqlite:///path/to/file.db` or `postgresql://…`."),
    Key("keys", "master_key", "secret", None, "32 octets as base64, under which private keys are sealed."),
    Key("standard", "listen", "text", None, "`host:port` where the standard dialect answers."),
    Key("standard", "base_url", "text", None, "Public address; issuers are `{base_url}/{slug}`."),
    Key("google", "listen", "text", None, "`host:port` where the google dialect answers."),
    Key(
        "google",
        "universe_domain",
        "text",
        None,
        "The universe: the issuer is `https://accounts.{domain}`, and the APIs answer at names under the domain.",
    ),
    Key("google", "base_url", "text", None, "Public address, which is the issuer; needless with a universe_domain."),
    Key("google", "tenant", "text", "default", "Slug of the tenant behind it."),
    Key(
        "google",
        "allow_google_issuer",
        "flag",
        default=False,
        help="Allow Google's own issuer as ours: for tests in a network of their own, and for nothing else.",
    ),
    Key("microsoft", "listen", "text", None, "`host:port` where the microsoft dialect answers."),
    Key("microsoft", "base_url", "text", None, "Public address; issuers are `{base_url}/{tenant's UUID}/v2.0`."),
    Key("auth0", "listen", "text", None, "`host:port` where the auth0 dialect answers."),
    Key("auth0", "base_url", "text", None, "Public address; the issuer is `{base_url}/`."),
    Key("auth0", "tenant", "text", "default", "Slug of the tenant there; other tenants answer at hosts of their own."),
    Key("cloudentity", "listen", "text", None, "`host:port` where the cloudentity dialect answers."),
    Key("cloudentity", "base_url", "text", None, "Public address; issuers are `{base_url}/{owner}/{slug}`."),
    Key("tls", "certificate_file", "path", None, "PEM certificate chain for every listener."),
    Key("tls", "key_file", "path", None, "PEM private key of the certificate."),
    Key("server", "trusted_proxies", "list", (), "Addresses or networks whose `Forwarded` headers are believed."),
    Key("server", "log_level", "text", "info", "One of debug, info, warning, error."),
    Key("server", "workers", "number", 1, "Worker processes; only 1 for now."),
    Key(
        "server",
        "allow_http",
        "flag",
        default=False,
        help="Allow an http base_url whose host is not loopback, where the listener is (a name in a hosts file).",
    ),
    Key(
        "outgoing",
        "allow",
        "list",
        (),
        "Hosts (`host`, `host:port`), addresses and networks that may be called although they are not public; a host"
        " without a port is open at every port, and http is for this machine only.",
    ),
    Key("outgoing", "ca_file", "path", None, "PEM certificates of authorities that are believed besides the system's."),
    Key("outgoing", "time_limit_seconds", "number", 10, "How long one outgoing call may take, from 1 to 60."),
    Key("outgoing", "size_limit_octets", "number", 262144, "How long the body of an answer may be, at most 4194304."),
)


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


class Google(msgspec.Struct, frozen=True):
    """What only the google dialect has: its universe, and whether it may pass for Google."""

    universe_domain: str = ""
    allow_google_issuer: bool = False


class TLS(msgspec.Struct, frozen=True):
    """The certificate of every listener."""

    certificate_file: pathlib.Path
    key_file: pathlib.Path


class Server(msgspec.Struct, frozen=True):
    """How the process behaves."""

    trusted_proxies: tuple[str, ...] = ()
    log_level: str = "info"
    workers: int = 1
    allow_http: bool = False


class Outgoing(msgspec.Struct, frozen=True):
    """Where calls may go that clients make the provider run, whom they believe, and their bounds."""

    allow: tuple[str, ...] = ()
    ca_file: pathlib.Path | None = None
    time_limit_seconds: int = 10
    size_limit_octets: int = 262144


class Settings(msgspec.Struct, frozen=True):
    """Everything that was configured. `origins` tells for each key where its value comes from."""

    database: Database = Database()
    master_key: Secret | None = None
    listeners: tuple[Listener, ...] = ()
    google: Google = Google()
    tls: TLS | None = None
    server: Server = Server()
    outgoing: Outgoing = Outgoing()
    origins: Mapping[str, Origin] = {}

    def listener(self, dialect: str) -> Listener | None:
        """Return the door of a dialect, if it has one."""
        return next((door for door in self.listeners if door.dialect == dialect), None)


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong: which key, what was expected, what was received (never a secret), what to do."""

    key: str
    expected: str
    received: str
    hint: str = ""

    def __str__(self) -> str:
        tail = f"; {self.hint}" if self.hint else ""
        return f"{self.key}: expected {self.expected}, received {self.received}{tail}"


BY_NAME: dict[str, Key] = {key.dotted: key for key in KEYS}
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(key.section for key in KEYS))
DIALECTS: tuple[str, ...] = ("standard", "google", "microsoft", "auth0", "cloudentity")

Raw = dict[str, tuple[Any, Origin]]


def load(
    file: pathlib.Path | None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings: defaults, then the file, then the environment, then flags (`section.name` to value).

    Raises `Misconfigured` (`settings-invalid`) with every fault; `settings-file` if the file cannot be read.
    """
    faults: list[Fault] = []
    raw: Raw = {key.dotted: (key.default, "default") for key in KEYS if key.default is not None}
    if file is not None:
        raw |= _from_file(file, faults)
    raw |= _from_environment(os.environ if environment is None else environment, faults)
    raw |= {name: (value, "flag") for name, value in (flags or {}).items() if value is not None}
    values = {name: _convert(BY_NAME[name], value, faults) for name, (value, _) in raw.items()}
    settings = _compile(values, {name: origin for name, (_, origin) in raw.items()}, faults)
    _refuse(faults)
    return settings


def require_serving(settings: Settings) -> None:
    """Refuse settings with which nothing can be served: no database, no master key, no dialect.

    Raises `Misconfigured` (`settings-invalid`) with every fault.
    """
    faults = _without_store(settings)
    if not settings.listeners:
        faults.append(
            Fault("standard", "at least one dialect with listen and base_url", "none", _set("standard.listen"))
        )
    _refuse(faults)


def require_working(settings: Settings) -> None:
    """Refuse settings with which no outbox can be worked through: no database, no master key.

    Raises `Misconfigured` (`settings-invalid`) with every fault.
    """
    _refuse(_without_store(settings))


def _without_store(settings: Settings) -> list[Fault]:
    absent = {"database.url": not settings.database.url, "keys.master_key": settings.master_key is None}
    return [_missing(name) for name, is_absent in absent.items() if is_absent]


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Misconfigured(
            "settings-invalid",
            "The settings cannot be used.",
            detail={"faults": tuple(str(fault) for fault in faults)},
            hint="Correct them and run: intaglio config check",
        )


def _missing(name: str) -> Fault:
    return Fault(name, "a value", "nothing", _set(name))


def _set(name: str) -> str:
    return f"set it in the file or as {BY_NAME[name].variable}"


def _from_file(file: pathlib.Path, faults: list[Fault]) -> Raw:
    try:
        with file.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as exc:
        raise Misconfigured(
            "settings-file",
            "The configuration file cannot be read.",
            detail={"expected": "a readable file", "received": f"{file}: {exc.strerror}"},
            hint="Name another with --config, or leave it out.",
        ) from exc
    except ValueError:
        raise Misconfigured(
            "settings-file",
            "The configuration file is not TOML.",
            detail={"expected": "TOML in UTF-8", "received": str(file)},
            hint="See the example in docs/howto/serve.md.",
        ) from None  # the cause may quote a line with a secret
    raw: Raw = {}
    for section, table in document.items():
        if section not in SECTIONS:
            faults.append(Fault(section, "a known section", "an unknown one", _suggest(section, SECTIONS)))
        elif not isinstance(table, dict):
            faults.append(Fault(section, "a table", "a single value", f"write [{section}]"))
        else:
            raw |= _from_table(section, table, faults, file.parent)
    return raw


def _from_table(section: str, table: dict[str, Any], faults: list[Fault], folder: pathlib.Path) -> Raw:
    raw: Raw = {}
    names = [key.name for key in KEYS if key.section == section]
    for name, value in table.items():
        bare = name.removesuffix("_file")
        if name in names:
            raw[f"{section}.{name}"] = (value, "file")
        elif bare in names and BY_NAME[f"{section}.{bare}"].kind in {"secret", "text"}:
            raw |= _from_secret_file(f"{section}.{bare}", folder / str(value), "file", faults)
        else:
            faults.append(Fault(f"{section}.{name}", "a known key", "an unknown one", _suggest(name, names)))
    return raw


def _from_environment(environment: Mapping[str, str], faults: list[Fault]) -> Raw:
    raw: Raw = {}
    variables = {key.variable: key.dotted for key in KEYS}
    for variable, value in sorted(environment.items()):
        if not _is_meant_for_us(variable):
            continue
        bare = variable.removesuffix("_FILE")
        if variable in variables:
            if f"{variable}_FILE" in environment:
                faults.append(Fault(variable, f"either {variable} or {variable}_FILE", "both", "unset one"))
            raw[variables[variable]] = (value, "environment")
        elif bare in variables:
            raw |= _from_secret_file(variables[bare], pathlib.Path(value), "environment", faults)
        else:
            faults.append(Fault(variable, "a known setting", "an unknown one", _suggest(variable, tuple(variables))))
    return raw


def _is_meant_for_us(variable: str) -> bool:
    """Tell whether a variable is a setting, or one misspelt: a single underscore behind the section is common."""
    sections = tuple(f"{PREFIX}{section}_".upper() for section in SECTIONS)
    return variable.startswith(PREFIX) and ("__" in variable or variable.startswith(sections))


def _from_secret_file(name: str, path: pathlib.Path, origin: Origin, faults: list[Fault]) -> Raw:
    try:
        return {name: (path.read_text(encoding="utf-8").rstrip("\r\n"), origin)}
    except OSError as exc:
        faults.append(Fault(f"{name}_file", "a readable file", f"{path}: {exc.strerror}"))
    except UnicodeDecodeError:
        faults.append(Fault(f"{name}_file", "text in UTF-8", f"{path}: something else"))
    return {}


def _suggest(word: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"


def _convert(key: Key, value: Any, faults: list[Fault]) -> Any:
    """Return the value in the key's type; text stands for every type in the environment."""
    converted = CONVERTERS[key.kind](value)
    if converted is None and value is not None:
        # A value of the wrong type may still be a secret, so only its type is told.
        faults.append(Fault(key.dotted, EXPECTED[key.kind], f"a {type(value).__name__}"))
    return converted


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _secret(value: Any) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None


def _path(value: Any) -> pathlib.Path | None:
    return pathlib.Path(value) if isinstance(value, str | pathlib.Path) and str(value) else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(value) if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return None


CONVERTERS: dict[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "secret": _secret,
    "path": _path,
    "flag": _flag,
    "number": _number,
    "list": _list,
}
EXPECTED: dict[Kind, str] = {
    "text": "text that is not empty",
    "secret": "text that is not empty",
    "path": "the path of a file",
    "flag": "true or false",
    "number": "a whole number",
    "list": "a list of texts (with commas between them in the environment)",
}


def _compile(values: dict[str, Any], origins: dict[str, Origin], faults: list[Fault]) -> Settings:
    server = _server(values, faults)
    doors = (_listener(dialect, values, origins, server, faults) for dialect in DIALECTS)
    listeners = tuple(door for door in doors if door is not None)
    _refuse_twice(listeners, faults)
    _check_database(values.get("database.url"), faults)
    return Settings(
        database=Database(values.get("database.url") or ""),
        master_key=values.get("keys.master_key"),
        listeners=listeners,
        google=Google(values.get("google.universe_domain") or "", values.get("google.allow_google_issuer") or False),
        tls=_tls(values, faults),
        server=server,
        outgoing=_outgoing(values, faults),
        origins=origins,
    )


def _server(values: dict[str, Any], faults: list[Fault]) -> Server:
    level = values.get("server.log_level") or "info"
    if level not in LOG_LEVELS:
        faults.append(Fault("server.log_level", f"one of {', '.join(LOG_LEVELS)}", level, _suggest(level, LOG_LEVELS)))
    workers = values.get("server.workers")
    if workers not in {1, None}:
        faults.append(Fault("server.workers", "1", str(workers), "several workers come in a later release"))
    proxies = values.get("server.trusted_proxies") or ()
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            faults.append(Fault("server.trusted_proxies", "an address or a network such as 10.0.0.0/8", proxy))
    return Server(proxies, level, 1, values.get("server.allow_http") or False)


def _outgoing(values: dict[str, Any], faults: list[Fault]) -> Outgoing:
    allow: tuple[str, ...] = values.get("outgoing.allow") or ()
    for place in allow:
        try:
            places.read(place)
        except ValueError:
            faults.append(Fault("outgoing.allow", "host, host:port, an address or a network as 10.0.0.0/8", place[:80]))
    ca_file = values.get("outgoing.ca_file")
    if ca_file is not None and not _holds_certificates(ca_file):
        faults.append(Fault("outgoing.ca_file", "a readable file of PEM certificates", str(ca_file)))
    seconds = _bounded("outgoing.time_limit_seconds", values, faults, 60)
    octets = _bounded("outgoing.size_limit_octets", values, faults, 4 * 1024 * 1024)
    return Outgoing(allow, ca_file, seconds, octets)


def _holds_certificates(path: pathlib.Path) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in path.read_bytes()
    except OSError:
        return False


def _bounded(name: str, values: dict[str, Any], faults: list[Fault], most: int) -> int:
    value: int = values.get(name) or 0
    if not 0 < value <= most and not any(fault.key == name for fault in faults):
        faults.append(Fault(name, f"a number from 1 to {most}", str(value)))
    return value


def _check_database(url: str | None, faults: list[Fault]) -> None:
    if url is not None and not url.startswith(("sqlite:", "postgresql:", "postgres:")):
        # The address may hold a password: only its scheme is told.
        scheme = url.partition(":")[0][:20] if "://" in url else "no scheme"
        faults.append(Fault("database.url", "an address that begins with sqlite: or postgresql:", scheme))


def _tls(values: dict[str, Any], faults: list[Fault]) -> TLS | None:
    certificate, key = values.get("tls.certificate_file"), values.get("tls.key_file")
    if (certificate is None) != (key is None):
        lacking = "tls.key_file" if key is None else "tls.certificate_file"
        faults.append(Fault(lacking, "both certificate_file and key_file, or neither", "one of them", _set(lacking)))
    if certificate is None or key is None:
        return None
    for name, path in (("tls.certificate_file", certificate), ("tls.key_file", key)):
        if not path.is_file():
            faults.append(Fault(name, "a readable file", f"{path}: not there"))
    return TLS(certificate, key)


def _listener(
    dialect: str, values: dict[str, Any], origins: dict[str, Origin], server: Server, faults: list[Fault]
) -> Listener | None:
    names = [key.dotted for key in KEYS if key.section == dialect]
    if all(origins.get(name, "default") == "default" for name in names):
        return None
    before = len(faults)
    if dialect == "google":
        _universe(values, faults)
    for name in (f"{dialect}.listen", f"{dialect}.base_url"):
        if values.get(name) is None and not any(fault.key == name for fault in faults):
            faults.append(_missing(name))
    host, port = _read_listen(f"{dialect}.listen", values.get(f"{dialect}.listen"), faults)
    may_use_http = server.allow_http and is_loopback(host)
    base_url = _read_base_url(
        f"{dialect}.base_url", values.get(f"{dialect}.base_url"), faults, may_use_http=may_use_http
    )
    if len(faults) > before:
        return None
    return Listener(dialect, host, port, base_url, values.get(f"{dialect}.tenant") or "")


def _universe(values: dict[str, Any], faults: list[Fault]) -> None:
    """Put the base address of the universe into `values`, and refuse Google's own unless it was allowed."""
    domain, written = values.get("google.universe_domain"), values.get("google.base_url")
    if domain is not None:
        try:
            values["google.base_url"] = hosts.base(domain)
        except ValueError:
            faults.append(
                Fault("google.universe_domain", "a domain in lower case, such as id.example.com", domain[:80])
            )
            values.setdefault("google.base_url", "https://accounts.invalid")
            return
        if written is not None and written.rstrip("/") != values["google.base_url"]:
            faults.append(Fault("google.base_url", f"nothing, or {values['google.base_url']}", written[:80]))
    # SECURITY: tokens that claim to be Google's are believed by whoever trusts our keys; nobody gets there by a slip
    # (test_googles_own_issuer_needs_a_word).
    if hosts.is_google(values.get("google.base_url") or "") and not values.get("google.allow_google_issuer"):
        hint = "set google.allow_google_issuer only in a network of tests that reaches nobody else"
        faults.append(Fault("google.base_url", "an issuer of your own", "Google's issuer", hint))


def _read_listen(name: str, text: str | None, faults: list[Fault]) -> tuple[str, int]:
    if text is None:
        return "", 0
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    if not bare or not 0 < number < 65536 or (":" in bare and bare == host):
        faults.append(Fault(name, "host:port, such as 127.0.0.1:8080 or [::1]:8080", text[:80]))
        return "", 0
    return bare, number


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address leads to this machine only (RFC 6761 6.3, RFC 8252 8.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_base_url(name: str, text: str | None, faults: list[Fault], *, may_use_http: bool) -> str:
    """Check a public address. An issuer has no query and no fragment (OpenID Connect Discovery 1.0 section 3)."""
    if text is None:
        return ""
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        faults.append(Fault(name, "an address such as https://id.example.com", text[:80]))
        return ""
    if url.username is not None or url.password is not None:
        faults.append(Fault(name, "an address without user name and password", "one with them"))
    elif url.scheme not in {"http", "https"} or not host or url.query or url.fragment or "?" in text or "#" in text:
        faults.append(Fault(name, "scheme, host and path only, such as https://id.example.com", text[:80]))
    # RFC 8414 section 2: the issuer is an https URL; what stays on this machine is the one exception.
    elif url.scheme == "http" and not is_loopback(host) and not may_use_http:
        hint = "put TLS in front; server.allow_http helps only where the listener is on loopback"
        faults.append(Fault(name, "https, or a loopback host", text[:80], hint))
    elif url.scheme != url.scheme.lower() or text != text.strip() or text.split("/")[2] != text.split("/")[2].lower():
        faults.append(Fault(name, "a host in lower case and no blanks", text[:80]))
    return text.rstrip("/")


def _refuse_twice(listeners: tuple[Listener, ...], faults: list[Fault]) -> None:
    ports: dict[int, str] = {}
    addresses: dict[str, str] = {}
    for door in listeners:
        # A request's dialect is told by the port that it came in on, so two hosts cannot share one.
        first = ports.setdefault(door.port, door.dialect)
        if first != door.dialect:
            faults.append(Fault(f"{door.dialect}.listen", "a port of its own", f"the port of {first}.listen"))
        first = addresses.setdefault(door.base_url, door.dialect)
        if first != door.dialect:
            faults.append(Fault(f"{door.dialect}.base_url", "one of its own", f"the same as {first}.base_url"))
