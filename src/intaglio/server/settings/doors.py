"""The listeners: where each dialect answers, and how the world calls it."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from intaglio.dialects.google import hosts
from intaglio.server.settings import faults as faults_
from intaglio.server.settings import keys
from intaglio.server.settings.faults import Fault
from intaglio.server.settings.keys import Origin
from intaglio.server.settings.records import Listener, Operations, Server


def listener(
    dialect: str, values: dict[str, Any], origins: dict[str, Origin], server: Server, faults: list[Fault]
) -> Listener | None:
    """Return a dialect's listener, or None if nothing of it was configured or something of it is wrong."""
    names = [key.dotted for key in keys.KEYS if key.section == dialect]
    if all(origins.get(name, "default") == "default" for name in names):
        return None
    before = len(faults)
    if dialect == "google":
        _universe(values, faults)
    for name in (f"{dialect}.listen", f"{dialect}.base_url"):
        if values.get(name) is None and not any(fault.key == name for fault in faults):
            faults.append(faults_.missing(name))
    host, port = _read_listen(f"{dialect}.listen", values.get(f"{dialect}.listen"), faults)
    may_use_http = server.allow_http and is_loopback(host)
    base_url = _read_base_url(
        f"{dialect}.base_url", values.get(f"{dialect}.base_url"), faults, may_use_http=may_use_http
    )
    inside = _read_base_url(
        f"{dialect}.backchannel_base_url",
        values.get(f"{dialect}.backchannel_base_url"),
        faults,
        may_use_http=server.allow_http_backchannel,
    )
    if len(faults) > before:
        return None
    return Listener(dialect, host, port, base_url, values.get(f"{dialect}.tenant") or "", inside)


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


def operations(values: dict[str, Any], listeners: tuple[Listener, ...], faults: list[Fault]) -> Operations | None:
    """Return where health and metrics answer, which is no dialect's port; None if they do not."""
    name = "operations.listen"
    host, port = _read_listen(name, values.get(name), faults)
    shared = [door.dialect for door in listeners if door.port == port]
    faults += [Fault(name, "a port of its own", f"the port of {dialect}.listen") for dialect in shared]
    return Operations(host, port) if port else None


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
        # It may hold a password all the same.
        faults.append(Fault(name, "an address such as https://id.example.com", "something else"))
        return ""
    if url.username is not None or url.password is not None:
        faults.append(Fault(name, "an address without user name and password", "one with them"))
    elif url.scheme not in {"http", "https"} or not host or url.query or url.fragment or "?" in text or "#" in text:
        faults.append(Fault(name, "scheme, host and path only, such as https://id.example.com", text[:80]))
    # RFC 8414 section 2: the issuer is an https URL; what stays on this machine is the one exception.
    elif url.scheme == "http" and not is_loopback(host) and not may_use_http:
        hint = "put TLS in front; server.allow_http helps only where the listener is on loopback"
        if name.endswith(".backchannel_base_url"):
            hint = "put TLS in front, or set server.allow_http_backchannel if that network is yours alone"
        faults.append(Fault(name, "https, or a loopback host", text[:80], hint))
    elif url.scheme != url.scheme.lower() or text != text.strip() or text.split("/")[2] != text.split("/")[2].lower():
        faults.append(Fault(name, "a host in lower case and no blanks", text[:80]))
    return text.rstrip("/")


def refuse_twice(listeners: tuple[Listener, ...], faults: list[Fault]) -> None:
    """Refuse two dialects at one port or one public address."""
    ports: dict[int, str] = {}
    addresses: dict[str, str] = {}
    for door in listeners:
        # A request's dialect is told by the port that it came in on, so two hosts cannot share one.
        first = ports.setdefault(door.port, door.dialect)
        if first != door.dialect:
            faults.append(Fault(f"{door.dialect}.listen", "a port of its own", f"the port of {first}.listen"))
    names = [(f"{door.dialect}.base_url", door.base_url) for door in listeners]
    names += [(f"{door.dialect}.backchannel_base_url", door.backchannel_base_url) for door in listeners]
    for name, address in names:
        first = addresses.setdefault(address, name) if address else name
        if first != name:
            faults.append(Fault(name, "one of its own", f"the same as {first}"))
