"""How bindings and logs name principals (IAM reference, principal identifiers)."""

from __future__ import annotations

import re

from intaglio.dialects.dialect import Member, Vocabulary
from intaglio.dialects.google import calling, instances, keyfiles, naming, roles
from intaglio.protocol.principals import Principal

HOST = "iam.googleapis.com"
"""Stands in every name of a pool, whatever the universe."""

EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


def pool(principal: Principal) -> str:
    """Return the name of an external identity's pool as principals and audiences hold it."""
    return f"{HOST}/projects/{principal.project_number}/locations/global/workloadIdentityPools/{principal.pool_id}"


def display(principal: Principal) -> str:
    """Return the name by which logs and explanations call a principal."""
    if principal.kind == "user":
        return f"user:{principal.email or principal.id}"
    if principal.kind == "service_account":
        return f"serviceAccount:{principal.email}"
    return f"principal://{pool(principal)}/subject/{principal.id}"


def members(principal: Principal) -> frozenset[str]:
    """Return every member that means the principal."""
    if principal.kind == "user":
        if not principal.email:
            return EVERYBODY
        return EVERYBODY | {f"user:{principal.email}", "domain:" + principal.email.rpartition("@")[2]}
    if principal.kind == "service_account":
        return EVERYBODY | {f"serviceAccount:{principal.email}"}
    of = f"principalSet://{pool(principal)}"
    groups = {f"{of}/group/{name}" for name in principal.groups}
    attributes = {f"{of}/attribute.{name}/{value}" for name, value in principal.attributes.items()}
    return EVERYBODY | groups | attributes | {display(principal), f"{of}/*"}


def provider_names(project_number: int, pool_id: str, provider_id: str) -> tuple[str, ...]:
    """Return the names of a provider, which tokens for it have as their audience: with and without a scheme."""
    name = (
        f"//{HOST}/projects/{project_number}/locations/global/workloadIdentityPools/{pool_id}/providers/{provider_id}"
    )
    return name, "https:" + name


_ADDRESS = r"[^\s@:?*]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_USER = re.compile(rf"user:((?i:{_ADDRESS}))")
_ACCOUNT = re.compile(rf"serviceAccount:({_ADDRESS})")
_DELETED = re.compile(rf"deleted:serviceAccount:({_ADDRESS})\?uid=([0-9]{{1,25}})")
_DOMAIN = re.compile(r"domain:([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)")
_POOL = rf"{re.escape(HOST)}/projects/([0-9]{{1,18}})/locations/global/workloadIdentityPools/([a-z0-9-]{{4,32}})"
_ONE = re.compile(rf"principal://{_POOL}/subject/([^\s*]{{1,255}})")
# SECURITY: a star stands alone at the end, for the whole pool; nothing is ever matched by parts, so that no wildcard
# spans a slash (test_d6_50_no_wildcard_in_a_member).
_SET = re.compile(rf"principalSet://{_POOL}/(\*|group/[^\s*]{{1,255}}|attribute\.[a-z0-9_]{{1,100}}/[^\s*]{{1,255}})")
MAX_MEMBER = 1024


def _external(member: str) -> Member | None:
    one, several = _ONE.fullmatch(member), _SET.fullmatch(member)
    found = one or several
    if found is None:
        return None
    whole = several is not None and several[3] == "*"
    subject = one[3] if one is not None else ""
    return Member("external", subject, project_number=int(found[1]), pool_id=found[2], whole_pool=whole)


def read_member(member: str) -> Member | None:
    """Return what a binding's member means; None for nothing well-formed or a kind that is not known here."""
    if member in EVERYBODY:
        return Member("everybody", member)
    # SECURITY: a name with control or direction characters reads as another one
    # (test_a_member_that_reads_as_another_is_none).
    if len(member) > MAX_MEMBER or not member.isprintable():
        return None
    if found := _USER.fullmatch(member):
        return Member("user", found[1])
    if found := _ACCOUNT.fullmatch(member):
        return Member("service_account", found[1])
    if found := _DELETED.fullmatch(member):
        return Member("deleted", found[1], found[2])
    if found := _DOMAIN.fullmatch(member):
        return Member("domain", found[1])
    return _external(member)


def deleted(principal: Principal) -> str:
    """Return the member that names a service account which is gone."""
    return f"deleted:serviceAccount:{principal.email}?uid={principal.id}"


VOCABULARY = Vocabulary(
    roles=roles.ROLES,
    permissions=roles.PERMISSIONS,
    members=members,
    display=display,
    token_prefix="ya29.",
    read_member=read_member,
    deleted=deleted,
    address=keyfiles.address,
    key_file=keyfiles.write,
    role_name=roles.custom,
    provider_names=provider_names,
    namespace="google",
    tree=instances.tree,
    attached_scopes=instances.SCOPES,
    platform="gce",
    calling=calling.CALLING,
    kind=naming.kind,
)
