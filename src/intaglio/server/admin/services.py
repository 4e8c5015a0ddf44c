"""Target services: make one, change its audiences, find one, list them page by page, remove one.

RFC 7519 section 4.1.3 (aud): an audience means one service of a tenant and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model import clients, policies, projects, services
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.services import ServiceRecord
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


async def create(
    store: Store,
    actor: Actor,
    tenant_id: TenantId,
    project_id: str,
    name: str,
    audiences: Iterable[str],
    *,
    development_tokens: bool = True,
) -> ServiceRecord:
    """Make a target service and return it.

    Raises `Misconfigured` (`service-name-invalid`, `word-invalid`, `too-many`, `audience-missing`,
    `audience-is-client`, `project-unknown`, `service-exists`).
    """
    made = ServiceRecord(tenant_id, project_id, _name(name), _audiences(audiences), actor.now, development_tokens)
    try:
        await store.write(_create, made, actor)
    except Conflict as exc:
        raise _taken(made) from exc
    return made


async def update(
    store: Store,
    actor: Actor,
    tenant_id: TenantId,
    project_id: str,
    name: str,
    *,
    audiences: Iterable[str] | None = None,
    development_tokens: bool | None = None,
) -> ServiceRecord:
    """Change a service and return it; what is None stays as it is. In force within a second.

    Raises `Misconfigured` as `create` does, and `service-unknown`.
    """
    changes: dict[str, object] = {}
    if audiences is not None:
        changes["audiences"] = _audiences(audiences)
    if development_tokens is not None:
        changes["development_tokens"] = development_tokens
    wanted = (tenant_id, project_id, name)
    try:
        changed = await store.write(_change, wanted, changes, actor)
    except Conflict as exc:
        raise _taken(await show(store, *wanted)) from exc
    if changed is None:
        raise _unknown(project_id, name)
    return changed


async def delete(store: Store, actor: Actor, tenant_id: TenantId, project_id: str, name: str) -> None:
    """Remove a service with its policy: a later one of the same name inherits nothing.

    Raises `Misconfigured` (`service-unknown`).
    """
    if not await store.write(_delete, (tenant_id, project_id, name), actor):
        raise _unknown(project_id, name)


async def show(store: Store, tenant_id: TenantId, project_id: str, name: str) -> ServiceRecord:
    """Find a service by project and name; raises `Misconfigured` (`service-unknown`)."""
    found = await store.read(services.by_name, tenant_id, project_id, name)
    if found is None:
        raise _unknown(project_id, name)
    return found


async def page(
    store: Store, tenant_id: TenantId, project_id: str, *, after: str = "", limit: int = 50
) -> list[ServiceRecord]:
    """List at most `limit` services of a project behind the name `after`."""
    return await store.read(services.page, tenant_id, project_id, after, limit)


def _create(made: ServiceRecord, actor: Actor) -> Plan[None]:
    if (yield from projects.by_id(made.tenant_id, made.project_id)) is None:
        raise fields.refuse(
            "project-unknown",
            "There is no such project.",
            "the identifier of a project",
            made.project_id,
            "List them with: intaglio project list",
        )
    yield from _no_client(made)
    # A policy that outlived an earlier service of this name would speak for this one.
    yield from policies.delete(made.tenant_id, made.resource)
    yield from services.insert(made)
    yield from deeds.note(made.tenant_id, actor, "service.create", made.resource, after=made, **_told(made))


def _change(wanted: tuple[TenantId, str, str], changes: dict[str, object], actor: Actor) -> Plan[ServiceRecord | None]:
    found = yield from services.by_name(*wanted)
    if found is None:
        return None
    changed: ServiceRecord = msgspec.structs.replace(found, **changes)
    yield from _no_client(changed)
    yield from services.replace(changed)
    told = _told(changed)
    yield from deeds.note(found.tenant_id, actor, "service.update", found.resource, before=found, after=changed, **told)
    return changed


def _told(service: ServiceRecord) -> dict[str, str]:
    return {"audiences": " ".join(service.audiences), "development_tokens": str(service.development_tokens).lower()}


def _delete(wanted: tuple[TenantId, str, str], actor: Actor) -> Plan[bool]:
    found = yield from services.by_name(*wanted)
    if found is None:
        return False
    yield from policies.delete(found.tenant_id, found.resource)
    yield from services.delete(*wanted)
    yield from deeds.note(found.tenant_id, actor, "service.delete", found.resource, before=found)
    return True


def _no_client(service: ServiceRecord) -> Plan[None]:
    for audience in service.audiences:
        # SECURITY: every application that signs people in gets tokens for its client_id, and could show them here
        # (test_an_audience_that_is_a_client).
        if (yield from clients.by_id(service.tenant_id, audience)) is not None:
            raise fields.refuse(
                "audience-is-client",
                "The audience is the client_id of an application.",
                "an address, or a name that means this service alone",
                audience,
                "Use the address of the service.",
            )


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        expected = "1 to 63 lower-case letters, digits and hyphens, beginning with a letter"
        raise fields.refuse("service-name-invalid", "The name cannot be used.", expected, name)
    return name


def _audiences(audiences: Iterable[str]) -> tuple[str, ...]:
    found = fields.words("audience", tuple(audiences))
    if not found:
        expected = "at least one audience, such as the address of the service"
        raise fields.refuse("audience-missing", "A service needs an audience.", expected, "none")
    return found


def _taken(service: ServiceRecord) -> Misconfigured:
    return Misconfigured(
        "service-exists",
        "A service with this name or one of these audiences is there already.",
        detail={"expected": "a name and audiences that are free", "received": service.name},
        hint=f"List them with: intaglio service list --project {service.project_id}",
    )


def _unknown(project_id: str, name: str) -> Misconfigured:
    hint = f"List them with: intaglio service list --project {project_id}"
    return fields.refuse("service-unknown", "There is no such service.", "the name of a service", name, hint)
