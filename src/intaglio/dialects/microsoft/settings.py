"""What an operator sets of applications, tenants and users in this dialect's own words, read and checked.

Microsoft's pages "Application manifest" (`optionalClaims`, `groupMembershipClaims`, `web.implicitGrantSettings`,
`spa`), "Federated identity credentials", and the attributes of users that optional claims tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, NoReturn

from intaglio.dialects.microsoft import groups, optional
from intaglio.errors import Misconfigured
from intaglio.wire import url

MAX_CREDENTIALS = 20
MAX_TEXT = 600
MAX_ENTRIES = 100
AUDIENCE = "api://AzureADTokenExchange"
"""The usual audience of assertions that other issuers make."""
UPN_PROPERTIES = frozenset(
    {"include_externally_authenticated_upn", "include_externally_authenticated_upn_without_hash"}
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,120}")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{2,119}")


def read(level: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a `client`, `tenant` or `user` as they are kept.

    Raises `Misconfigured` (`setting-invalid`) for a name that is not known there, and a value that cannot be used.
    """
    known = LEVELS[level]
    unknown = [name for name in settings if name not in known]
    if unknown:
        _refuse(unknown[0], f"one of {', '.join(known)}", "another name")
    return {name: known[name](name, value) for name, value in settings.items()}


def _refuse(name: str, expected: str, received: str) -> NoReturn:
    raise Misconfigured(
        "setting-invalid",
        f"The setting '{name[:80]}' cannot be used.",
        detail={"expected": expected, "received": received[:200]},
    )


def _text(name: str, value: Any, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        _refuse(name, f"text of 1 to {longest} characters", str(value))
    return value


def _matching(form: re.Pattern[str], expected: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            _refuse(name, expected, str(value))
        return value

    return check


def _list(name: str, value: Any, most: int = MAX_ENTRIES) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        _refuse(name, f"a list of at most {most}", str(value))
    return value


def _texts(name: str, value: Any) -> list[str]:
    return [_text(name, one) for one in _list(name, value)]


def _members(name: str, value: Any, known: Mapping[str, Callable[[str, Any], Any]]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - set(known):
        _refuse(name, f"an object with {', '.join(known)}", str(value))
    return {member: known[member](f"{name}.{member}", held) for member, held in value.items() if held is not None}


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        _refuse(name, "true or false", str(value))
    return value


def _networks(name: str, value: Any) -> list[str]:
    try:
        return [str(ip_network(one)) for one in _texts(name, value)]
    except ValueError:
        _refuse(name, "networks such as 192.0.2.0/24", str(value))


def _extensions(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_ENTRIES or not all(map(_NAME.fullmatch, value)):
        _refuse(name, f"an object with at most {MAX_ENTRIES} names", str(value))
    return {one: _text(name, held) for one, held in value.items()}


def _group_claims(name: str, value: Any) -> str:
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else [""]
    if not set(words) <= set(groups.KINDS) or ("None" in words and len(words) > 1):
        _refuse(name, f"of {', '.join(groups.KINDS)}", str(value))
    return ", ".join(words)


def _optional_claims(name: str, value: Any) -> dict[str, Any]:
    # What other tokens would hold is kept out: access tokens have no claims here.
    return _members(name, value, {"idToken": lambda path, held: [_entry(path, one) for one in _list(path, held)]})


def _entry(name: str, value: Any) -> dict[str, Any]:
    found = _members(
        name,
        value,
        {"name": _text, "source": _source, "essential": _switch, "additionalProperties": _texts},
    )
    claim, properties = found.get("name", ""), set(found.get("additionalProperties", ()))
    if found.get("source") == "user":
        return found if _NAME.fullmatch(claim) else _refuse(name, "the name of an extension", claim)
    if claim not in {*optional.VALUES, *optional.NEVER, "upn", "groups"}:
        _refuse(name, "an optional claim of ID tokens", claim)
    allowed = UPN_PROPERTIES if claim == "upn" else groups.PROPERTIES if claim == "groups" else frozenset()
    if properties - allowed:
        _refuse(name, f"for {claim} of: {', '.join(sorted(allowed)) or 'no properties'}", ", ".join(sorted(properties)))
    return found


def _source(name: str, value: Any) -> str:
    return "user" if value == "user" else _refuse(name, "null or user", str(value))


def _credentials(name: str, value: Any) -> list[dict[str, Any]]:
    found = [_credential(name, one) for one in _list(name, value, MAX_CREDENTIALS)]
    pairs = [(one["issuer"], one["subject"]) for one in found]
    if len(set(pairs)) < len(pairs) or len({one["name"] for one in found}) < len(found):
        _refuse(name, "names, and issuers with subjects, that are there once", "one twice")
    return found


def _credential(name: str, value: Any) -> dict[str, Any]:
    members = {
        "name": _matching(_CREDENTIAL_NAME, "3 to 120 letters, digits, hyphens and underscores"),
        "issuer": _issuer,
        "subject": _text,
        "audiences": _audiences,
        "description": _text,
    }
    found = {"audiences": [AUDIENCE]} | _members(name, value, members)
    missing = [member for member in ("name", "issuer", "subject") if member not in found]
    if missing:
        _refuse(name, f"a credential with {missing[0]}", "none")
    return found


def _issuer(name: str, value: Any) -> str:
    text = _text(name, value)
    # Keys are fetched from there: what signs for an application must come over a connection that nobody changes.
    if not text.startswith("https://") or not url.origin(text):
        _refuse(name, "an https address", text)
    return text


def _audiences(name: str, value: Any) -> list[str]:
    found = _texts(name, value)
    return found if len(found) == 1 else _refuse(name, "exactly one audience", str(value))


def _web(name: str, value: Any) -> dict[str, Any]:
    switches = {"enableIdTokenIssuance": _switch, "enableAccessTokenIssuance": _switch}
    return _members(name, value, {"implicitGrantSettings": lambda path, held: _members(path, held, switches)})


def _spa(name: str, value: Any) -> dict[str, Any]:
    return _members(name, value, {"redirectUris": _texts})


_language = _matching(_LANGUAGE, "a language such as de-DE")
_country = _matching(_COUNTRY, "two capital letters")

LEVELS: dict[str, dict[str, Callable[[str, Any], Any]]] = {
    "client": {
        "optionalClaims": _optional_claims,
        "groupMembershipClaims": _group_claims,
        "federatedIdentityCredentials": _credentials,
        "web": _web,
        "spa": _spa,
    },
    "tenant": {
        "countryLetterCode": _country,
        "preferredLanguage": _language,
        "trustedNetworks": _networks,
    },
    "user": {
        "onPremisesSecurityIdentifier": _text,
        "country": _country,
        "preferredLanguage": _language,
        "preferredDataLocation": _text,
        "secondaryAuthoritativeEmails": _texts,
        "extensions": _extensions,
    },
}
"""What can be set, by level and name."""
