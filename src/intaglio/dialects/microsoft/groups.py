"""Groups, directory roles and application roles, and what stands there when there are too many groups for a token.

Microsoft's pages "ID token claims reference" (`groups`, `hasgroups`, `wids`, `roles`) and "Configure groups optional
claims"; OpenID Connect Core 5.6.2 (distributed claims).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio.dialects.microsoft import account
from intaglio.protocol.facts import Facts, Membership

LIMIT = 200
"""Groups that a token holds; with more of them it says where they are."""
BROWSER_LIMIT = 5
"""Groups that a token holds which goes through a browser; with more of them it only says that there are some."""
KINDS = ("None", "SecurityGroup", "DirectoryRole", "ApplicationGroup", "All")
"""What an application may ask for (`groupMembershipClaims`), one or several with commas."""
SECURITY, ROLE = "security", "directory_role"
SOURCE = "src1"
AS_ROLES, BY_NAME = "emit_as_roles", "cloud_displayname"
PROPERTIES = frozenset(
    {AS_ROLES, BY_NAME, "sam_account_name", "dns_domain_and_sam_account_name", "netbios_domain_and_sam_account_name"}
)
"""Additional properties of the optional claim `groups`. Groups that are not from a network of the organisation's own
have no account name there, and keep their identifier."""


def claims(facts: Facts) -> dict[str, Any]:
    """Return `roles`, `groups`, `wids`, or what stands in place of the groups."""
    properties = _properties(facts.client_settings)
    wanted = asked(facts.client_settings)
    found: dict[str, Any] = {}
    directory = [one.group_id for one in facts.memberships if one.kind == ROLE]
    if directory and wanted & {"DirectoryRole", "All"}:
        found["wids"] = directory
    members = [one for one in facts.memberships if is_told(one, wanted)]
    as_roles = AS_ROLES in (properties or ())
    if facts.roles and not (as_roles and members):
        found["roles"] = list(facts.roles)
    if len(members) > (BROWSER_LIMIT if facts.through_browser else LIMIT):
        return found | _elsewhere(facts)
    if members:
        found["roles" if as_roles else "groups"] = [_shown(one, properties or ()) for one in members]
    return found


def _properties(settings: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the additional properties of the optional claim `groups`, None if the application does not have it."""
    for entry in settings.get("optionalClaims", {}).get("idToken", ()):
        if entry["name"] == "groups":
            return tuple(entry.get("additionalProperties", ()))
    return None


def asked(settings: Mapping[str, Any]) -> frozenset[str]:
    """Return which kinds of groups an application's tokens tell, by its settings."""
    words = {word.strip() for word in str(settings.get("groupMembershipClaims") or "").split(",")} - {"", "None"}
    # The optional claim asks for groups by itself.
    return frozenset(words) if words or _properties(settings) is None else frozenset({"SecurityGroup"})


def is_told(one: Membership, kinds: frozenset[str]) -> bool:
    """Tell whether a group is of the kinds that are asked for; directory roles have a claim of their own."""
    if one.kind != SECURITY:
        return False
    return bool(kinds & {"SecurityGroup", "All"}) or ("ApplicationGroup" in kinds and one.assigned)


def _shown(one: Membership, properties: tuple[str, ...]) -> str:
    return one.name if BY_NAME in properties and one.name else one.group_id


def _elsewhere(facts: Facts) -> dict[str, Any]:
    if facts.through_browser:
        return {"hasgroups": True}
    place = facts.issuer.removesuffix("v2.0").rstrip("/")
    endpoint = f"{place}/users/{account.person(facts).user_id}/getMemberObjects"
    return {"_claim_names": {"groups": SOURCE}, "_claim_sources": {SOURCE: {"endpoint": endpoint}}}
