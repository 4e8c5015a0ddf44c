"""Finding the resource that somebody names: by its whole name, an address, a number, an audience or a bare name."""

from __future__ import annotations

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model import pools, projects, resources, serviceaccounts, services
from intaglio.server.model.plan import Plan
from intaglio.server.registry import fields

_PAGE = 1000


def find(tenant_id: TenantId, name: str) -> Plan[str]:
    """Return the resource that is meant; raises `Misconfigured` (`resource-unknown`, `resource-ambiguous`)."""
    found = yield from _find(tenant_id, name)
    if not found:
        raise _unknown(name)
    return found


def _find(tenant_id: TenantId, name: str) -> Plan[str]:
    if name.startswith("projects/"):
        return (yield from _whole(tenant_id, name.split("/")))
    if "://" in name:
        meant = yield from services.by_audience(tenant_id, name)
        return meant.resource if meant is not None else ""
    if "@" in name or (name.isdecimal() and len(name) > 18):
        return (yield from _account(tenant_id, name))
    return (yield from _bare(tenant_id, name))


def _unknown(name: str) -> Misconfigured:
    return fields.refuse(
        "resource-unknown",
        "There is no such resource.",
        "projects/P, projects/P/serviceAccounts/A, projects/P/services/S, projects/P/pools/N, or the address of a "
        "service account, or the name or an audience of a service",
        ascii(name),
    )


def _project(tenant_id: TenantId, name: str) -> Plan[str]:
    found = yield from projects.by_id(tenant_id, name)
    if found is None and name.isdecimal() and len(name) <= 18:
        found = yield from projects.by_number(tenant_id, int(name))
    return found.project_id if found is not None else ""


def _account(tenant_id: TenantId, name: str, project_id: str = "-") -> Plan[str]:
    found = yield from serviceaccounts.by_email(tenant_id, name)
    if found is None:
        found = yield from serviceaccounts.by_unique_id(tenant_id, name)
    if found is None or found.deleted_at is not None or project_id not in ("-", found.project_id):
        return ""
    return found.resource


def _whole(tenant_id: TenantId, words: list[str]) -> Plan[str]:
    if len(words) == 4 and words[2] == "serviceAccounts" and words[1] == "-":
        return (yield from _account(tenant_id, words[3]))
    project_id = yield from _project(tenant_id, words[1])
    if not project_id or len(words) not in (2, 4):
        return ""
    if len(words) == 2:
        return resources.project(project_id)
    kind, name = words[2:]
    if kind == "serviceAccounts":
        return (yield from _account(tenant_id, name, project_id))
    if kind == "services":
        service = yield from services.by_name(tenant_id, project_id, name)
        return service.resource if service is not None else ""
    pool = (yield from pools.by_id(tenant_id, project_id, name)) if kind == "pools" else None
    return pool.resource if pool is not None and pool.deleted_at is None else ""


def _bare(tenant_id: TenantId, name: str) -> Plan[str]:
    """Return the one service of a name, else the project of it."""
    found = []
    for project in (yield from projects.page(tenant_id, "", _PAGE)):
        service = yield from services.by_name(tenant_id, project.project_id, name)
        found += [service.resource] if service is not None else []
    if len(found) > 1:
        raise fields.refuse("resource-ambiguous", "Several services have this name.", " or ".join(found), name)
    if found:
        return found[0]
    project_id = yield from _project(tenant_id, name)
    return resources.project(project_id) if project_id else ""
