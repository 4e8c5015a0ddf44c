"""Rules about the source that imports alone cannot express: from a module's name and text to violations."""

from __future__ import annotations

import ast
import pathlib
import re
from collections.abc import Callable, Iterator

SOURCE = pathlib.Path(__file__).parent.parent.parent / "src"

Rule = Callable[[str, str], list[str]]

WALL_TIME = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "datetime.now", "datetime.utcnow", "datetime.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "date.today", "datetime.date.today",
}  # fmt: skip
RANDOMNESS = {
    "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "secrets.token_bytes", "secrets.token_hex",
    "secrets.token_urlsafe", "secrets.choice", "secrets.randbelow", "secrets.randbits", "secrets.SystemRandom",
}  # fmt: skip
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"}
SOCKETS = {"socket", "smtplib", "ftplib", "imaplib", "poplib", "telnetlib", "xmlrpc.client", "http.client"}
FORBIDDEN_NAMES = (
    "utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager", "handler", "service",
    "processor", "data", "info",
)  # fmt: skip
VENDOR_WORDS = {
    "google": (
        "metadata-flavor",
        "computemetadata",
        "googleapis",
        "gserviceaccount",
        "generateidtoken",
        "x-cloudtasks",
    ),
    "microsoft": (
        "aadsts",
        "microsoftonline",
        "windows.net",
        "graph.microsoft",
        "'oid'",
        "'upn'",
        "'uti'",
        "'aio'",
        "'wids'",
        "idtyp",
        "unique_name",
        "xms_",
        "hasgroups",
        "client_info",
        "suberror",
        "tokenlifetimepolicy",
        "federatedidentitycredentials",
        "x-ms-",
    ),
    "auth0": (
        "/oauth/token",
        "/oauth/revoke",
        "/v2/logout",
        "/api/v2",
        "auth0|",
        "auth0.com",
        "auth0-client",
        "/dbconnections",
        "google-oauth2",
        "'org_id'",
        "jwt_configuration",
        "lifetime_in_seconds",
        "inexistent_",
    ),
    "cloudentity": ("cloudentity.io", "'rat'", "'aid'", "'scp'", "idp_method", "error_hint"),
}
NEUTRAL = (
    "codec", "tokens", "wire", "protocol", "validate", "relying", "net", "dialects.standard", "dialects.dialect",
    "dialects.routes", "dialects.coding", "server.model", "server.store", "server.keyring", "server.credentials",
    "server.access", "server.issue", "server.registry", "server.provider", "server.workload", "server.admin",
    "server.http", "server.web", "server.jobs",
)  # fmt: skip
"""Packages that know no dialect by name."""


def inside(name: str, *packages: str) -> bool:
    """Tell whether a module is one of the packages or modules, or below one."""
    return any(name == f"intaglio.{package}" or name.startswith(f"intaglio.{package}.") for package in packages)


def uses(source: str, names: set[str]) -> Iterator[str]:
    """Find uses of dotted names, however they were imported."""
    tree = ast.parse(source)
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {alias.asname or alias.name.split(".")[0]: _target(alias) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            aliases |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            dotted = ast.unparse(node)
            first, _, rest = dotted.partition(".")
            if first not in aliases:
                continue
            full = f"{aliases[first]}.{rest}" if rest else aliases[first]
            if full in names:
                yield f"line {node.lineno}: {full}"


def _target(alias: ast.alias) -> str:
    return alias.name if alias.asname else alias.name.split(".")[0]


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Find the modules that a source imports, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def wall_time(name: str, source: str) -> list[str]:
    """Wall time is read only in `clock`; everywhere else `now` is handed in."""
    return [] if inside(name, "clock") else list(uses(source, WALL_TIME))


def randomness(name: str, source: str) -> list[str]:
    """The system's randomness is read only in `ids` and `tokens`; the module `random` nowhere."""
    found = [f"line {line}: random" for line, module in imports(source) if module == "random"]
    return found if inside(name, "ids", "tokens") else found + list(uses(source, RANDOMNESS))


def environment(name: str, source: str) -> list[str]:
    """Environment variables are read only in `server.settings`, `acquire.sources` and `cli`."""
    return [] if inside(name, "server.settings", "acquire.sources", "cli") else list(uses(source, ENVIRONMENT))


def sockets(name: str, source: str) -> list[str]:
    """Sockets are opened in `net` (outgoing) and by `server.run`, `server.http` and `server.devmode` (listening)."""
    if inside(name, "net", "server.run", "server.http", "server.devmode", "testing"):
        return []
    return [f"line {line}: {module}" for line, module in imports(source) if module in SOCKETS]


def dataclasses(_: str, source: str) -> list[str]:
    """Records are msgspec structs: a dataclass costs half a millisecond each at import."""
    return [f"line {line}: dataclasses" for line, module in imports(source) if module == "dataclasses"]


def vendor_words(name: str, source: str) -> list[str]:
    """A vendor's words stay in its dialect, the registry, the sources that speak its wire, and the seeds."""
    if inside(name, "dialects.registry", "acquire.sources", "server.devmode"):
        return []
    text = source.replace('"', "'").casefold()
    return [
        f"{vendor}: {word}"
        for vendor, words in VENDOR_WORDS.items()
        if not inside(name, f"dialects.{vendor}")
        for word in words
        if word in text
    ]


def dialect_names(name: str, source: str) -> list[str]:
    """No neutral package decides anything by the name of a vendor's dialect."""
    if not inside(name, *NEUTRAL):
        return []
    return [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in VENDOR_WORDS
    ]


def forbidden_names(name: str, source: str) -> list[str]:
    """No module or class is called after what everything is: utils, helpers, manager, handler …"""
    found = [f"module {name}" for part in name.split(".") if part.rpartition("_")[2] in FORBIDDEN_NAMES]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", node.name)
            if words and words[-1].casefold() in FORBIDDEN_NAMES:
                found.append(f"line {node.lineno}: class {node.name}")
    return found


def future_annotations(_: str, source: str) -> list[str]:
    """Every module that holds code starts with `from __future__ import annotations`."""
    statements = [s for s in ast.parse(source).body if not _is_docstring(s)]
    if not statements:
        return []
    first = statements[0]
    return [] if isinstance(first, ast.ImportFrom) and first.module == "__future__" else ["no annotations import"]


def sign(name: str, source: str) -> list[str]:
    """A package's `__init__` holds its docstring and nothing else; first the sentence that says what it owns."""
    tree = ast.parse(source)
    docstring = ast.get_docstring(tree) or ""
    found = [] if docstring.partition("\n")[0].strip() else ["no docstring"]
    may_export = name == "intaglio" or re.fullmatch(r"intaglio\.dialects\.\w+", name)
    if not may_export and any(not _is_docstring(statement) for statement in tree.body):
        found.append("more than a docstring")
    return found


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


MODULE_RULES: tuple[Rule, ...] = (
    wall_time,
    randomness,
    environment,
    sockets,
    dataclasses,
    vendor_words,
    dialect_names,
    forbidden_names,
    future_annotations,
)


def modules() -> Iterator[tuple[str, pathlib.Path]]:
    """List the project's modules by dotted name; a package is named by its folder."""
    for path in sorted((SOURCE / "intaglio").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
