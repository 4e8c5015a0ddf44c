"""Pools of external identities, and the providers whose tokens let somebody into a pool."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model import resources
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class Pool(msgspec.Struct, frozen=True):
    """A pool of a project. A deleted one keeps its name for a while, so that nobody inherits what it was granted."""

    tenant_id: TenantId
    project_id: str
    pool_id: str
    created_at: int
    display_name: str = ""
    description: str = ""
    disabled_at: int | None = None
    deleted_at: int | None = None

    @property
    def resource(self) -> str:
        """Its name as policies have it."""
        return resources.pool(self.project_id, self.pool_id)

    @property
    def is_usable(self) -> bool:
        """Whether anybody gets in."""
        return self.disabled_at is None and self.deleted_at is None


class PoolProvider(msgspec.Struct, frozen=True):
    """Whose tokens are taken, for which audiences, and what of them is believed to be whom.

    `issuer` is the exact `iss`. Keys come from `jwks` (JSON text) where there is one, else by discovery (at
    `discovery_uri` where it is not the issuer's own). `trust_anchors` (PEM) make it a provider of client certificates
    instead. `attribute_mapping` and `attribute_condition` are CEL. `max_age` bounds a token's age in seconds; empty
    `allowed_audiences` mean the provider's own name.
    """

    tenant_id: TenantId
    project_id: str
    pool_id: str
    provider_id: str
    created_at: int
    issuer: str = ""
    jwks: str = ""
    discovery_uri: str = ""
    trust_anchors: str = ""
    allowed_audiences: tuple[str, ...] = ()
    attribute_mapping: dict[str, str] = {}
    attribute_condition: str = ""
    max_age: int = 86400
    display_name: str = ""
    description: str = ""
    disabled_at: int | None = None
    deleted_at: int | None = None

    @property
    def is_usable(self) -> bool:
        """Whether its tokens are taken."""
        return self.disabled_at is None and self.deleted_at is None


def _pool_key(one: Pool | PoolProvider) -> dict[str, Value]:
    return {"tenant_id": one.tenant_id, "project_id": one.project_id, "pool_id": one.pool_id}


@single
def insert(pool: Pool) -> Plan[None]:
    """Keep a new pool; `Conflict` if the project has one of that name, deleted ones included."""
    yield Ask("pool_insert", {**_pool_key(pool), "record": encode(pool)})


@single
def replace(pool: Pool) -> Plan[bool]:
    """Replace a pool's record; False if there is none of that name."""
    return bool((yield Ask("pool_replace", {**_pool_key(pool), "record": encode(pool)})))


@single
def by_id(tenant_id: str, project_id: str, pool_id: str) -> Plan[Pool | None]:
    """Find a pool, deleted or not."""
    rows = yield Ask("pool_by_id", {"tenant_id": tenant_id, "project_id": project_id, "pool_id": pool_id})
    return decode(rows[0][0], Pool) if rows else None


@single
def page(tenant_id: str, project_id: str, after: str, limit: int) -> Plan[list[Pool]]:
    """List at most `limit` pools of a project whose name sorts behind `after`, deleted ones too, by name."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "project_id": project_id, "after": after, "limit": limit}
    rows = yield Ask("pool_page", values)
    return [decode(row[0], Pool) for row in rows]


@single
def insert_provider(provider: PoolProvider) -> Plan[None]:
    """Keep a new provider; `Conflict` if the pool has one of that name, deleted ones included."""
    values: dict[str, Value] = {**_pool_key(provider), "provider_id": provider.provider_id, "record": encode(provider)}
    yield Ask("pool_provider_insert", values)


@single
def replace_provider(provider: PoolProvider) -> Plan[bool]:
    """Replace a provider's record; False if there is none of that name."""
    values: dict[str, Value] = {**_pool_key(provider), "provider_id": provider.provider_id, "record": encode(provider)}
    return bool((yield Ask("pool_provider_replace", values)))


@single
def provider_by_id(
    tenant_id: str, project_id: str, pool_id: str, provider_id: str
) -> Plan[tuple[PoolProvider, Pool] | None]:
    """Find a provider with its pool, deleted or not."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "project_id": project_id,
        "pool_id": pool_id,
        "provider_id": provider_id,
    }
    rows = yield Ask("pool_provider_by_id", values)
    return (decode(rows[0][0], PoolProvider), decode(rows[0][1], Pool)) if rows else None


@single
def provider_page(tenant_id: str, project_id: str, pool_id: str, after: str, limit: int) -> Plan[list[PoolProvider]]:
    """List at most `limit` providers of a pool whose name sorts behind `after`, deleted ones too, by name."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "project_id": project_id,
        "pool_id": pool_id,
        "after": after,
        "limit": limit,
    }
    rows = yield Ask("pool_provider_page", values)
    return [decode(row[0], PoolProvider) for row in rows]
