r"""Decide which addresses from a page record may become a link, a form target or an image.

URL Standard (WHATWG) sections 4.1 and 4.4: browsers strip tabs and newlines and read `\` as `/`, so any address that
holds one is refused instead of being understood differently here and there.
"""

from __future__ import annotations

import re
import urllib.parse

from intaglio.wire import url

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\\"<>`]")
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")


def is_web(value: str) -> bool:
    """Tell whether the address is absolute http or https with a host: what a name from outside may link to."""
    # RFC 3986 3.1: any other scheme (javascript:, data:, vbscript:) would run as this origin or leave the web.
    if _UNSAFE.search(value) or not value.lower().startswith(("http://", "https://")):
        return False
    try:
        return bool(urllib.parse.urlsplit(value).hostname)
    except ValueError:
        return False


def is_outward(value: str) -> bool:
    """Tell whether a client's own page may be linked: https, or http on this machine."""
    host = urllib.parse.urlsplit(value).hostname if is_web(value) else None
    return host is not None and (value.lower().startswith("https:") or url.is_loopback_host(host))


def is_path(value: str) -> bool:
    """Tell whether the address is an absolute path on this origin."""
    # RFC 3986 4.2: `//host` is a network-path reference and leaves the origin.
    return value.startswith("/") and not value.startswith("//") and not _UNSAFE.search(value)


def is_address(value: str) -> bool:
    """Tell whether the address may be followed or posted to: a path on this origin, or http or https."""
    return is_path(value) or is_web(value)


def is_logo(value: str) -> bool:
    """Tell whether a logo may be shown: the policy of the pages allows images of this origin and `data:` only."""
    return is_path(value) or _DATA_IMAGE.fullmatch(value) is not None
