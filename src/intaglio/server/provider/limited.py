"""What the operator's limits count: whose request it is, by tenant, by address, by client."""

from __future__ import annotations

from intaglio.server.limits.rates import Part
from intaglio.server.provider.scene import House, Scene
from intaglio.wire import addresses


def parts(what: str, scene: Scene, client_id: str = "") -> tuple[Part, ...]:
    """Return the limits that somebody's request falls under: the tenant's, the address's, and a client's if known."""
    tenant = scene.tenant.tenant_id
    known: tuple[Part, ...] = ((f"{what}-by-tenant", (tenant,)), of_address(what, scene))
    return (*known, (f"{what}-by-client", (tenant, client_id))) if client_id else known


def of_address(what: str, scene: Scene) -> Part:
    """Return the limit of the address from which somebody asks."""
    return f"{what}-by-address", (scene.tenant.tenant_id, addresses.customer(scene.peer))


async def count(what: str, scene: Scene, house: House, client_id: str = "") -> None:
    """Count what is rare under the operator's limits; raises `TooMany` (`too_many_requests`)."""
    if what in house.rates:
        await house.rates.spend_at_once(house.store, scene.now, *parts(what, scene, client_id))
