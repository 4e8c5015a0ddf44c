"""ServiceRecord services: what ID tokens of workloads are for."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model import resources
from intaglio.server.model.plan import Ask, Plan, Row, Value, decode, encode, single


class ServiceRecord(msgspec.Struct, frozen=True):
    """A service of a project. Each of its `audiences` means this service and no other of the tenant.

    `development_tokens` lets people in with the token that their command line got for itself.
    """

    tenant_id: TenantId
    project_id: str
    name: str
    audiences: tuple[str, ...]
    created_at: int
    development_tokens: bool = True

    @property
    def resource(self) -> str:
        """Its name as policies have it."""
        return resources.service(self.project_id, self.name)


def _one(rows: list[Row]) -> ServiceRecord | None:
    return decode(rows[0][0], ServiceRecord) if rows else None


def _audiences(service: ServiceRecord) -> Plan[None]:
    key: dict[str, Value] = {"tenant_id": service.tenant_id, "project_id": service.project_id, "name": service.name}
    yield Ask("service_audiences_delete", key)
    for audience in service.audiences:
        yield Ask("service_audience_insert", {**key, "audience": audience})


def _values(service: ServiceRecord) -> dict[str, Value]:
    return {
        "tenant_id": service.tenant_id,
        "project_id": service.project_id,
        "name": service.name,
        "record": encode(service),
    }


def insert(service: ServiceRecord) -> Plan[None]:
    """Keep a new service; `Conflict` if its name or one of its audiences is taken."""
    yield Ask("service_insert", _values(service))
    yield from _audiences(service)


def replace(service: ServiceRecord) -> Plan[bool]:
    """Replace a service with its audiences; False if there is none of that name, `Conflict` for a taken audience."""
    if not (yield Ask("service_replace", _values(service))):
        return False
    yield from _audiences(service)
    return True


@single
def delete(tenant_id: str, project_id: str, name: str) -> Plan[bool]:
    """Remove a service; False if there is none of that name."""
    return bool((yield Ask("service_delete", {"tenant_id": tenant_id, "project_id": project_id, "name": name})))


@single
def by_name(tenant_id: str, project_id: str, name: str) -> Plan[ServiceRecord | None]:
    """Find a service by project and name."""
    values = {"tenant_id": tenant_id, "project_id": project_id, "name": name}
    return _one((yield Ask("service_by_name", values)))


@single
def by_audience(tenant_id: str, audience: str) -> Plan[ServiceRecord | None]:
    """Find the service that an audience means."""
    return _one((yield Ask("service_by_audience", {"tenant_id": tenant_id, "audience": audience})))


@single
def page(tenant_id: str, project_id: str, after: str, limit: int) -> Plan[list[ServiceRecord]]:
    """List at most `limit` services of a project whose name sorts behind `after`, by name."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "project_id": project_id, "after": after, "limit": limit}
    rows = yield Ask("service_page", values)
    return [decode(row[0], ServiceRecord) for row in rows]
