"""Projects: what may be one."""

from __future__ import annotations

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model import projects
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.projects import Project
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

DIGITS = 12
"""Digits of a project's number."""


def new(tenant_id: TenantId, project_id: str, number: int, name: str, now: int) -> Project:
    """Return a project, not yet kept; raises `Misconfigured` (`project-id-invalid`, `name-invalid`, `number-invalid`).

    A number of another installation may be given, so that names which hold it stay as they are.
    """
    if not 1 <= number < 10**18:
        raise fields.refuse("number-invalid", "The project's number cannot be used.", "1 to 18 digits", number)
    checked = projects.check_id(project_id)
    return Project(tenant_id, checked, number, fields.display_name("name", name or project_id), now)


def create(actor: Actor, project: Project) -> Plan[Project]:
    """Keep a new project; raises `Misconfigured` (`project-exists`)."""
    try:
        yield from projects.insert(project)
    except Conflict as exc:
        raise Misconfigured(
            "project-exists",
            "A project of this identifier or number is there already.",
            detail={"expected": "an identifier and a number that are free", "received": project.project_id},
            hint="List them with: intaglio project list",
        ) from exc
    resource = f"projects/{project.project_id}"
    number = str(project.number)
    yield from deeds.note(project.tenant_id, actor, "project.create", resource, after=project, number=number)
    return project


def find(tenant_id: TenantId, name: str) -> Plan[Project]:
    """Find a project by identifier or number; raises `Misconfigured` (`project-unknown`)."""
    found = yield from projects.by_id(tenant_id, name)
    if found is None and name.isdecimal() and len(name) <= 18:
        found = yield from projects.by_number(tenant_id, int(name))
    if found is None:
        raise fields.refuse(
            "project-unknown",
            "There is no such project.",
            "the identifier or number of a project",
            name,
            "List them with: intaglio project list",
        )
    return found
