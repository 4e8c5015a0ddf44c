"""Who somebody is in a tenant: a member, a guest whom another provider vouched for, or one without an organisation.

Microsoft's pages "ID token claims reference" and "Optional claims reference"; the names of guests (`#EXT#`).
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from intaglio.protocol.facts import Facts, Person

PERSONAL_PREFIX = "00000000-0000-0000-"
"""What begins the object id of somebody who belongs to no organisation."""
_NAMES = ("preferred_username", "unique_name", "upn", "email")


def person(facts: Facts) -> Person:
    """Return the person that the token is about."""
    assert facts.person is not None
    return facts.person


def is_personal(user_id: str) -> bool:
    """Tell whether a user belongs to no organisation, by the form of the UUID."""
    return user_id.startswith(PERSONAL_PREFIX)


def is_guest(facts: Facts) -> bool:
    """Tell whether another provider vouched for the person."""
    return bool(facts.circumstances.idp)


def provider(facts: Facts) -> str:
    """Return who vouched for a guest, in the form without a version, empty for a member."""
    # VENDOR: `idp` is v1.0's form of the issuer in tokens of both versions.
    return facts.circumstances.idp.removesuffix("v2.0") if is_guest(facts) else ""


def email(facts: Facts) -> str:
    """Return the person's address, of a guest the one that their provider told; empty if there is none."""
    claims, told = person(facts).claims, facts.circumstances.told
    if not is_guest(facts):
        return str(claims.get("email") or "")
    # SECURITY: nothing in a token says whether an address is confirmed; a guest's that is not is not told, for
    # applications take it for the person (test_a_guest_has_no_address_that_nobody_confirmed).
    known = claims.get("email") if claims.get("email_verified") is True else ""
    return str(told.get("email") or known or "")


def sign_in_name(facts: Facts) -> str:
    """Return the name to show for signing in: with the tenant's own domain, of a guest the one that they have at home.

    Without any domain it is the user name as it is.
    """
    name, told = person(facts).username, facts.circumstances.told
    if is_guest(facts):
        # SECURITY: what a provider says unasked is nobody's name in the tenant's own domains: its members bear those
        # (test_a_guest_does_not_bear_a_members_name). A confirmed address there is another matter.
        words = (told.get(key) for key in _NAMES)
        found = [one for one in words if isinstance(one, str) and one and not _is_own(one, facts)]
        return found[0] if found else email(facts) or name
    domain = next(iter(facts.tenant_domains), "")
    return name if "@" in name or not domain else f"{name}@{domain}"


def _is_own(name: str, facts: Facts) -> bool:
    return name.rpartition("@")[2].strip().rstrip(".").lower() in facts.tenant_domains


def principal_name(facts: Facts, properties: tuple[str, ...] = ()) -> str:
    """Return the user principal name; a guest has one only where an additional property asks for it."""
    if not is_guest(facts):
        return sign_in_name(facts)
    if not any(one.startswith("include_externally_authenticated_upn") for one in properties):
        return ""
    mark = "_" if "include_externally_authenticated_upn_without_hash" in properties else "#"
    domain = next(iter(facts.tenant_domains), facts.tenant_slug)
    return f"{sign_in_name(facts).replace('@', '_')}{mark}EXT{mark}@{domain}"


def in_trusted_network(facts: Facts) -> bool:
    """Tell whether the person signed in from one of the networks that the tenant trusts."""
    try:
        peer = ip_address(facts.circumstances.peer)
    except ValueError:
        return False
    return any(peer in ip_network(one) for one in facts.tenant_settings.get("trustedNetworks", ()))


def attribute(facts: Facts, name: str) -> Any:
    """Return an attribute of the person that this dialect alone knows, None if there is none."""
    return person(facts).settings.get(name)
