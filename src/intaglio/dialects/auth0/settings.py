"""What an operator sets in Auth0's own words, and what its Management API keeps of a client without a use for it.

Auth0's pages "Applications" and "Tenant Settings".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from intaglio import codec
from intaglio.errors import Misconfigured

MAX_MEMBERS = 16 * 1024
"""Octets of what is kept of one client, as JSON."""
MAX_URLS = 100
ELSEWHERE = {
    "name": "--name",
    "token_endpoint_auth_method": "--auth-method",
    "callbacks": "--redirect-uri",
    "allowed_logout_urls": "--post-logout-redirect-uri",
    "web_origins": "--origin",
    "organization_usage": "--organizations",
    "initiate_login_uri": "--initiate-login-uri",
    "logo_uri": "--logo-uri",
    "require_pushed_authorization_requests": "--require-par",
    "lifetime_in_seconds": "--id-token-lifetime",
}
"""What every dialect has of a client, by the option that sets it."""


def read(level: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a `client` or `tenant` as they are kept; raises `Misconfigured` (`setting-invalid`)."""
    if level == "client":
        return _client(given)
    if level != "tenant":
        raise _refuse(next(iter(given)), f"no setting of a {level}")
    for name in given:
        if name not in TENANT:
            raise _refuse(name, f"one of {', '.join(TENANT)}")
    return {name: TENANT[name](name, value) for name, value in given.items()}


def _client(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name in ELSEWHERE:
            raise _refuse(name, "a setting that only this dialect has", f"It is {ELSEWHERE[name]} here.")
    # Members without a meaning here are told as they came: tools compare what they sent with what they read.
    if len(codec.encode_json(dict(given))) > MAX_MEMBERS:
        raise _refuse("members", f"at most {MAX_MEMBERS} octets")
    return dict(given)


def _urls(name: str, value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or len(found) > MAX_URLS or not all(map(_is_url, found)):
        raise _refuse(name, f"at most {MAX_URLS} addresses with https, or http to localhost")
    return list(dict.fromkeys(found))


def _is_url(value: Any) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or "*" in value or "#" in value:
        return False
    try:
        url = urlsplit(value)
        host = url.hostname or ""
    except ValueError:
        return False
    return "@" not in url.netloc and (
        (url.scheme == "https" and bool(host)) or (url.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"))
    )


TENANT = {
    "allowed_logout_urls": _urls,
}
"""The settings of a tenant, with what reads each."""


def _refuse(name: str, expected: str, hint: str = "") -> Misconfigured:
    public = f"The setting {ascii(name)[1:-1][:60]} cannot be used."
    return Misconfigured("setting-invalid", public, detail={"expected": expected}, hint=hint)
