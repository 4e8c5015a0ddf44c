"""The names of the hosts: a universe is a domain, and each part of the dialect has a host of its own under it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

OWN = "googleapis.com"
"""The universe of Google itself, and what a server without a domain of its own calls its universe."""

GOOGLE_BASE = "https://accounts.google.com"
"""The issuer of Google itself: the one whose host is not under its universe."""

APIS = ("iam", "iamcredentials", "oauth2", "openidconnect", "sts", "www", "cloudresourcemanager")
"""The hosts beside `accounts` that a universe's name server and certificate have to know."""

_PREFIX = "accounts."


_DOMAIN = re.compile(r"(?=.{4,200}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def base(domain: str) -> str:
    """Return the base address of a universe domain, which is its issuer; raises ValueError for text that is none."""
    if not _DOMAIN.fullmatch(domain):
        raise ValueError("not a domain in lower case")
    return GOOGLE_BASE if domain == OWN else f"https://{_PREFIX}{domain}"


def is_google(base: str) -> bool:
    """Tell whether a base address is Google's own issuer, whatever port is written behind it."""
    return (urlsplit(base).hostname or "").rstrip(".") == urlsplit(GOOGLE_BASE).hostname


def universe(base: str) -> str:
    """Return the universe domain of a base address: what stands behind `accounts.`, else Google's own name."""
    host = urlsplit(base).hostname or ""
    if base == GOOGLE_BASE or not host.startswith(_PREFIX):
        return OWN
    return host.removeprefix(_PREFIX)


def api(base: str, name: str) -> str:
    """Return the address at which the part `name` answers: a host of the universe, or the base address itself.

    A base address that does not begin with `accounts.` (in development: a port of this machine) serves all of them.
    """
    parts = urlsplit(base)
    if not (parts.hostname or "").startswith(_PREFIX):
        return base
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{name}.{universe(base)}{port}"


def sibling(url: str, name: str) -> str:
    """Return the address at which the part `name` answers beside the part that `url` belongs to."""
    parts = urlsplit(url)
    first, _, rest = (parts.hostname or "").partition(".")
    if not rest or first not in (*APIS, "accounts"):
        return f"{parts.scheme}://{parts.netloc}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{name}.{rest}{port}"


def addresses(base: str) -> tuple[str, ...]:
    """Return the addresses of every part beside a base address, and the base address itself."""
    return tuple(dict.fromkeys((base, *(api(base, name) for name in APIS))))


def names(base: str) -> tuple[str, ...]:
    """Return every host name under which a base address is served, its own first."""
    host = urlsplit(base).hostname or ""
    if not host.startswith(_PREFIX):
        return (host,)
    return (host, *(f"{name}.{universe(base)}" for name in APIS))
