"""Projects: what service accounts, target services and pools live in."""

from __future__ import annotations

import re

import msgspec

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, decode, encode, single

_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


class Project(msgspec.Struct, frozen=True):
    """A project of a tenant; `project_id` names it in addresses, `number` (12 digits) in principals and audiences."""

    tenant_id: TenantId
    project_id: str
    number: int
    name: str
    created_at: int


def check_id(project_id: str) -> str:
    """Return the identifier; raises `Misconfigured` (`project-id-invalid`) for one that cannot be a project's."""
    if not _ID.fullmatch(project_id):
        raise Misconfigured(
            "project-id-invalid",
            "A project's identifier has 6 to 30 lower-case letters, digits and hyphens, and starts with a letter.",
            detail={"received": project_id[:80]},
        )
    return project_id


@single
def insert(project: Project) -> Plan[None]:
    """Keep a new project; `Conflict` if its identifier or its number is taken in the tenant."""
    yield Ask(
        "project_insert",
        {
            "tenant_id": project.tenant_id,
            "project_id": project.project_id,
            "number": project.number,
            "record": encode(project),
        },
    )


@single
def by_id(tenant_id: str, project_id: str) -> Plan[Project | None]:
    """Find a project by its identifier."""
    rows = yield Ask("project_by_id", {"tenant_id": tenant_id, "project_id": project_id})
    return decode(rows[0][0], Project) if rows else None


@single
def by_number(tenant_id: str, number: int) -> Plan[Project | None]:
    """Find a project by its number."""
    rows = yield Ask("project_by_number", {"tenant_id": tenant_id, "number": number})
    return decode(rows[0][0], Project) if rows else None


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[Project]]:
    """List at most `limit` projects whose identifier sorts behind `after`, by identifier."""
    rows = yield Ask("project_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], Project) for row in rows]
