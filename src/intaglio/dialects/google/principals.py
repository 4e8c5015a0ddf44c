"""How bindings and logs name principals (IAM reference, principal identifiers)."""

from __future__ import annotations

from intaglio.dialects.dialect import Vocabulary
from intaglio.dialects.google import roles
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


VOCABULARY = Vocabulary(
    roles=roles.ROLES,
    permissions=roles.PERMISSIONS,
    members=members,
    display=display,
    token_prefix="ya29.",
)
