"""What an operator sets for a workspace in Cloudentity's own words: its services, each with its scopes.

Cloudentity's page on ID tokens ("Configure Scopes"); its interface for administration (services, scopes); RFC 6749
section 3.3 (scope).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from intaglio.errors import Misconfigured
from intaglio.protocol.scopes import ScopeGroup, ScopeWords

OWN = ("openid", "profile", "email", "address", "phone", "offline_access")
PROFILE = ScopeGroup("profile", "Profile", "Who you are, and how you can be reached.", dict.fromkeys(OWN))
"""The service that every workspace has."""

OPTIONS = {
    "id_token_ttl": "--id-token-lifetime, of a tenant or a client",
    "access_token_ttl": "--access-token-lifetime, of a tenant or a client",
    "refresh_token_ttl": "--refresh-token-lifetime, of a tenant or a client",
    "authorization_code_ttl": "--code-lifetime, of a tenant or a client",
    "cookie_max_age": "--session-lifetime, of a tenant",
    "enforce_id_token_encryption": "--encrypt-id-tokens always, of a tenant",
    "require_pushed_authorization_requests": "--require-par, of a client",
    "enforce_pkce": "--pkce, of a client",
    "response_types": "--response-type, of a client",
    "scopes": "--scope, of a client",
    "trusted": "--consent implicit, of a client",
}
"""Settings of Cloudentity's that every dialect has, by what they are called here."""

MAX_SERVICES = 50
MAX_SCOPES = 100
LONGEST_NAME = 100
LONGEST_TEXT = 400
_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_TAKEN = frozenset({PROFILE.name, "others"})


def read(level: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a workspace as they are kept; raises `Misconfigured` (`setting-invalid`)."""
    if level != "tenant" or set(given) - {"services"}:
        name = min(set(given) - {"services"}, default="services")
        raise _refuse(name, "services, of a tenant", hint=_elsewhere(name))
    services = given.get("services", {})
    if not isinstance(services, Mapping) or len(services) > MAX_SERVICES:
        raise _refuse("services", f"an object of at most {MAX_SERVICES} services by id")
    kept = {_service_id(name): _service(name, value) for name, value in services.items()}
    _each_once(kept)
    return {"services": kept}


def _service_id(name: str) -> str:
    # SECURITY: the id is part of an element's id on the consent page.
    if not _ID.fullmatch(name) or name in _TAKEN:
        taken = ", ".join(sorted(_TAKEN))
        raise _refuse("services", f"ids of lower-case letters, digits, - and _, and none of {taken}", name)
    return name


def _service(name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or set(given) - {"name", "description", "scopes"}:
        raise _refuse(f"services.{name}", "an object with name, description and scopes")
    scopes = given.get("scopes", [])
    if not isinstance(scopes, list) or not 1 <= len(scopes) <= MAX_SCOPES:
        raise _refuse(f"services.{name}.scopes", f"a list of 1 to {MAX_SCOPES} scopes")
    return {
        "name": _text(f"services.{name}.name", given.get("name", name), LONGEST_NAME),
        "description": _text(f"services.{name}.description", given.get("description", ""), LONGEST_TEXT),
        "scopes": [_scope(f"services.{name}.scopes", one) for one in scopes],
    }


def _scope(place: str, given: Any) -> dict[str, Any]:
    told = {"name": given} if isinstance(given, str) else given
    if not isinstance(told, Mapping) or set(told) - {"name", "display_name", "description", "implicit_grant"}:
        raise _refuse(place, "names, or objects with name, display_name, description and implicit_grant")
    name, implicit = told.get("name"), told.get("implicit_grant", False)
    if not isinstance(name, str) or not _SCOPE.fullmatch(name):
        raise _refuse(place, "names of visible ASCII characters, no quotation mark and no backslash")
    if not isinstance(implicit, bool):
        raise _refuse(place, "true or false as implicit_grant")
    return {
        "name": name,
        "display_name": _text(place, told.get("display_name", name), LONGEST_NAME),
        "description": _text(place, told.get("description", ""), LONGEST_TEXT),
        "implicit_grant": implicit,
    }


def _text(place: str, value: Any, longest: int) -> str:
    # SECURITY: letters that are not seen can make a name read as another one on the consent page.
    if not isinstance(value, str) or len(value) > longest or any(unicodedata.category(one) in _HIDDEN for one in value):
        raise _refuse(place, f"text of at most {longest} characters, none of them a control or format character")
    return value.strip()


def _each_once(services: Mapping[str, Mapping[str, Any]]) -> None:
    seen = set(OWN)
    for service in services.values():
        for scope in service["scopes"]:
            if scope["name"] in seen:
                raise _refuse("services", "each scope in one service, and Profile's own in none", scope["name"])
            seen.add(scope["name"])


def _refuse(name: str, expected: str, received: str = "", hint: str = "") -> Misconfigured:
    detail = {"expected": expected, "received": received[:80] or "another value"}
    public = f"The setting cloudentity.{name[:80]} cannot be used."
    return Misconfigured("setting-invalid", public, detail=detail, hint=hint)


def _elsewhere(name: str) -> str:
    return f"This is {OPTIONS[name]} here." if name in OPTIONS else ""


def groups(tenant: Mapping[str, Any]) -> tuple[ScopeGroup, ...]:
    """Return a workspace's services as groups of scopes, Profile first; the settings are those that `read` returned."""
    return (PROFILE, *(_group(name, service) for name, service in tenant.get("services", {}).items()))


def _group(name: str, service: Mapping[str, Any]) -> ScopeGroup:
    scopes = {one["name"]: _words(one, service) for one in service["scopes"]}
    return ScopeGroup(name, service["name"], service["description"], scopes)


def _words(scope: Mapping[str, Any], service: Mapping[str, Any]) -> ScopeWords:
    sentence = scope["description"] or f"A permission of {service['name']}."
    return ScopeWords(scope["display_name"], sentence, asks=not scope["implicit_grant"])
