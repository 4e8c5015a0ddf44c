"""Tenants: make one, find one, list them page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.admin import fields
from intaglio.server.admin import lifetimes as effective
from intaglio.server.model import tenants
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.tenants import Lifetimes, Tenant


async def create(
    store: Store,
    clock: Clock,
    *,
    slug: str,
    name: str = "",
    owner: str = "default",
    hosts: Sequence[str] = (),
    lifetimes: Lifetimes | None = None,
    grant_lifetimes: Mapping[str, Lifetimes] | None = None,
) -> Tenant:
    """Make a tenant and return it; its UUID never changes.

    Raises `Misconfigured` (`slug-invalid`, `slug-reserved`, `name-invalid`, `host-invalid`, `lifetime-invalid`,
    `tenant-exists`).
    """
    tenant = Tenant(
        tenant_id=TenantId(ids.new_uuid()),
        slug=tenants.check_slug(slug),
        owner=_owner(owner),
        name=fields.display_name("name", name or slug),
        created_at=clock.now(),
        hosts=tuple(dict.fromkeys(fields.host(host) for host in hosts)),
        lifetimes=fields.lifetimes(lifetimes or Lifetimes()),
        grant_lifetimes=effective.of_grants(grant_lifetimes or {}),
    )
    try:
        await store.write(tenants.insert, tenant)
    except Conflict as exc:
        raise Misconfigured(
            "tenant-exists",
            "A tenant with this slug or one of these hosts is there already.",
            detail={"expected": "a slug and hosts that are free", "received": slug},
            hint=f"See it with: intaglio tenant show {slug}",
        ) from exc
    return tenant


def _owner(owner: str) -> str:
    """Check the owner label by the rules of slugs, of which `default` and the like are no exception."""
    try:
        return tenants.check_slug(owner)
    except Misconfigured as exc:
        expected = "1 to 63 lower-case letters, digits and hyphens, and no reserved word"
        raise fields.refuse("owner-invalid", "The owner cannot be used.", expected, owner) from exc


async def show(store: Store, name: str) -> Tenant:
    """Find a tenant by slug or UUID; raises `Misconfigured` (`tenant-unknown`)."""
    tenant = await store.read(_by_either, name)
    if tenant is None:
        raise fields.refuse(
            "tenant-unknown",
            "There is no such tenant.",
            "the slug or UUID of a tenant",
            name,
            "List them with: intaglio tenant list",
        )
    return tenant


def _by_either(name: str) -> Plan[Tenant | None]:
    return (yield from tenants.by_slug(name)) or (yield from tenants.by_id(name))


async def page(store: Store, *, after: str = "", limit: int = 50) -> list[Tenant]:
    """List at most `limit` tenants behind the slug `after`."""
    return await store.read(tenants.page, after, limit)
