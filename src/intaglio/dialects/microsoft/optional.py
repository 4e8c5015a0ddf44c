"""Claims that an application gets if it wants them: by its own list, or by name in a request.

Microsoft's pages "Optional claims reference" and "Configure optional claims"; OpenID Connect Core 5.5.

What nothing here can be true of stands in `NEVER`: passwords that expire, devices that are managed, private networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from intaglio.dialects.microsoft import account, authority
from intaglio.protocol.facts import Facts

REGION = "WW"
"""The region of every tenant here."""
NEVER = frozenset("pwd_exp pwd_url fwd vnet ztdid acrs".split())
"""Claims whose condition never holds here."""


class Wanted(msgspec.Struct, frozen=True):
    """One claim of an application's list: `source` is empty, or `user` for an extension of the directory."""

    name: str
    source: str = ""
    properties: tuple[str, ...] = ()


def listed(facts: Facts) -> dict[str, Wanted]:
    """Return the claims that the application has on its list for ID tokens, by name."""
    found: dict[str, Wanted] = {}
    for entry in facts.client_settings.get("optionalClaims", {}).get("idToken", ()):
        name = entry["name"]
        found[name] = Wanted(name, entry.get("source") or "", tuple(entry.get("additionalProperties", ())))
    # SECURITY: the list of another tenant's application is its own word alone; what it tells of people they have agreed
    # to (test_a_foreign_application_lists_nothing_that_nobody_agreed_to).
    return {name: one for name, one in found.items() if not facts.foreign or _scope(one) in ("", *facts.scope)}


def _scope(one: Wanted) -> str:
    return "profile" if one.source == "user" else SCOPES.get(one.name, "")


def wanted(facts: Facts) -> dict[str, Wanted]:
    """Return the claims on the application's list, and those that the request names."""
    return {name: Wanted(name) for name in facts.requested} | listed(facts)


def value(facts: Facts, one: Wanted) -> Any:
    """Return the value of an optional claim, None where its condition does not hold or there is none."""
    if one.source == "user":
        return None
    if one.name == "upn":
        return account.principal_name(facts, one.properties) or None
    make = VALUES.get(one.name)
    return make(facts) if make is not None else None


def extensions(facts: Facts) -> dict[str, Any]:
    """Return the extensions of the directory on the application's list: `extn.` and their name."""
    held = account.attribute(facts, "extensions") or {}
    found = {}
    for one in listed(facts).values():
        # An extension is called extension_<application>_<name>, and its claim by the name alone.
        name = one.name.split("_", 2)[-1] if one.name.startswith("extension_") else one.name
        if one.source == "user" and name in held:
            found[f"extn.{name}"] = held[name]
    return found


def _claim(name: str) -> Callable[[Facts], Any]:
    return lambda facts: account.person(facts).claims.get(name) or None


def _attribute(name: str) -> Callable[[Facts], Any]:
    return lambda facts: account.attribute(facts, name) or None


def _tenant(name: str) -> Callable[[Facts], Any]:
    return lambda facts: facts.tenant_settings.get(name) or None


def _country(facts: Facts) -> str | None:
    return account.attribute(facts, "country") or None


def _language(facts: Facts) -> str | None:
    locale = account.attribute(facts, "preferredLanguage") or account.person(facts).claims.get("locale")
    return str(locale).replace("_", "-").lower() if locale else None


def _confirmed_email(facts: Facts) -> list[str] | None:
    claims = account.person(facts).claims
    return [claims["email"]] if claims.get("email") and claims.get("email_verified") is True else None


def _owner_verified(facts: Facts) -> bool | None:
    """Return whether the address is of one of the tenant's own domains; it says nothing without an address."""
    address = account.email(facts)
    return address.rpartition("@")[2].lower() in facts.tenant_domains if address else None


def _capabilities(facts: Facts) -> list[Any] | None:
    asked = facts.requested.get("xms_cc")
    return list(asked.wanted) or None if asked is not None else None


def _state(facts: Facts) -> list[str] | None:
    return ["inknownntwk"] if account.in_trusted_network(facts) else None


VALUES: dict[str, Callable[[Facts], Any]] = {
    "acct": lambda facts: int(account.is_guest(facts)),
    "auth_time": lambda facts: facts.auth_time or None,
    "ctry": _country,
    "email": lambda facts: account.email(facts) or None,
    "family_name": _claim("family_name"),
    "given_name": _claim("given_name"),
    "in_corp": lambda facts: "true" if account.in_trusted_network(facts) else None,
    "ipaddr": lambda facts: facts.circumstances.peer or None,
    "login_hint": lambda facts: account.person(facts).username,
    "nickname": _claim("nickname"),
    "onprem_sid": _attribute("onPremisesSecurityIdentifier"),
    "preferred_username": account.sign_in_name,
    "sid": lambda facts: authority.session_guid(facts.session_id) if facts.session_id else None,
    "signin_state": _state,
    "tenant_ctry": _tenant("countryLetterCode"),
    "tenant_region_scope": lambda facts: REGION,
    "verified_primary_email": _confirmed_email,
    "verified_secondary_email": _attribute("secondaryAuthoritativeEmails"),
    "xms_cc": _capabilities,
    "xms_edov": _owner_verified,
    "xms_pdl": _attribute("preferredDataLocation"),
    "xms_pl": _language,
    "xms_tpl": _tenant("preferredLanguage"),
}
"""Every optional claim that can be true here, and how it is computed; None leaves it out."""

PROFILE = frozenset("family_name given_name nickname upn preferred_username login_hint".split())
"""Optional claims of v2.0 that need the scope `profile` besides."""
SCOPES = dict.fromkeys((*VALUES, "upn", *NEVER), "") | {
    **dict.fromkeys(PROFILE, "profile"),
    **dict.fromkeys(("onprem_sid", "ctry", "xms_pl", "xms_pdl"), "profile"),
    **dict.fromkeys(("email", "verified_primary_email", "verified_secondary_email", "xms_edov"), "email"),
}
"""The scope without which a request gets no claim by name; those of the sign-in and of the tenant need none."""
