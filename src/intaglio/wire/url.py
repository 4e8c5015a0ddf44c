"""Addresses: parsed, joined, and compared as text.

RFC 3986 (URI), RFC 6749 section 3.1.2, RFC 8252 section 7.3 (loopback redirect URIs of native programs), RFC 9700
section 2.1 (exact comparison).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from intaglio.wire import params

MAX_PORT = 65535
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?(/[^#]*|\?[^#]*)?", re.ASCII)

_HOST_SOURCE = re.compile(r"https?://([A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", re.ASCII)


def without_loopback_port(uri: str) -> str | None:
    """Return an http loopback address without its port, or None if it is no such address."""
    match = _LOOPBACK.fullmatch(uri)
    if match is None:
        return None
    host, port, rest = match.groups()
    if port is not None and int(port[1:]) > MAX_PORT:
        return None
    return f"http://{host}{rest or ''}"


def rooted(uri: str) -> str:
    """Return an http(s) address without path, query and fragment with the path `/`, and any other text as it is."""
    return f"{uri}/" if re.fullmatch(r"https?://[^/?#\s]+", uri) else uri


def redirect_allowed(requested: str, registered: Iterable[str], *, native: bool, rootless: bool = False) -> bool:
    """Tell whether a requested redirect URI is one of the registered ones.

    The texts are compared as they are: no case folding, no normalising, no prefix. The one exception is a native
    program's loopback address, whose port may differ. Where `rootless` is set, an address without a path counts as the
    one with the path `/`, which it is (RFC 3986 section 6.2.3).
    """
    registered = tuple(registered)
    if rootless:
        requested, registered = rooted(requested), tuple(map(rooted, registered))
    # RFC 6749 3.1.2.3, RFC 9700 2.1: simple string comparison (RFC 3986 6.2.1).
    if requested in registered:
        return True
    if not native:
        return False
    # RFC 8252 7.3: any port of a loopback redirect; scheme, host and path stay exact.
    portless = without_loopback_port(requested)
    return portless is not None and any(portless == without_loopback_port(uri) for uri in registered)


def with_query(uri: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return the URI with the fields added to the query it has (RFC 6749 section 4.1.2)."""
    text = params.write(fields)
    if not text:
        return uri
    joint = "" if uri.endswith(("?", "&")) else ("&" if "?" in uri else "?")
    return uri + joint + text


def with_fragment(uri: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return the URI with the fields as its fragment (OAuth 2.0 Multiple Response Types 1.0 section 5)."""
    return uri + "#" + params.write(fields)


def origin(uri: str) -> str:
    """Return scheme, host and port of an http(s) URI as browsers write an origin; empty for any other text."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def form_target(uri: str) -> str:
    """Return the source expression that lets a form lead to the URI (CSP 3 `form-action`): an origin or a scheme."""
    found = origin(uri)
    # A host is put into the policy only if it is one that stands in a policy's text (CSP 3 2.3.1, `host-source`).
    if found and _HOST_SOURCE.fullmatch(found):
        return found
    scheme = uri.split(":", 1)[0]
    return scheme + ":" if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", scheme) else ""


def is_localhost(uri: str) -> bool:
    """Tell whether an address is an http one of `localhost`, by this name."""
    return re.match(r"http://localhost(?:[:/?]|$)", uri) is not None


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    return host in ("localhost", "127.0.0.1", "::1", "[::1]") or host.endswith(".localhost")
