"""Tenants: one population of users, clients and keys, reached in several dialects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model.assigned import ClaimRule, LifetimePolicy
from intaglio.server.model.plan import TRIES, Ask, Conflict, Plan, Row, Value, decode, encode, single

RESERVED_SLUGS = frozenset(
    """_intaglio .well-known adfs admin api assets common consumers console default-tenant demo developer developers
    device docs favicon.ico health healthz inspect intaglio internal login logout me metrics oauth oauth2 oidc
    organizations robots.txt root signin signout static status support system token tokens userinfo www""".split()
)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Lifetimes(msgspec.Struct, frozen=True):
    """Lifetimes in seconds; None leaves the choice to the next level (grant, client, tenant, dialect).

    `code` is that of authorization codes, which belong to no grant but their own.
    """

    id_token: int | None = None
    access_token: int | None = None
    refresh_token: int | None = None
    session: int | None = None
    code: int | None = None


class ClaimSource(msgspec.Struct, frozen=True):
    """Where claims come from that the tenant does not hold itself.

    Aggregated ones travel as `jwt`, a signed text by user name; distributed ones are fetched by the client at
    `endpoint`, with `access_token` if there is one.
    """

    claims: tuple[str, ...]
    jwt: dict[str, str] = {}
    endpoint: str = ""
    access_token: str = ""


class Tenant(msgspec.Struct, frozen=True):
    """A tenant. `slug` names it in paths, `owner` groups tenants, `hosts` are the names that lead to it.

    `encrypt_id_tokens` demands encryption of every client: empty, `front_channel` or `always`. `registration` of
    clients is `closed`, `token` (an initial access token is needed) or `open`; `sign_up` lets people make accounts.
    `claim_sources` are aggregated and distributed claims (OpenID Connect Core 5.6.2) by name of the source.
    `id_token_budget` is the size in octets above which an ID token is warned of. `session_management` lets clients
    watch the session by a frame (OpenID Connect Session Management 1.0). `self_impersonation` lets service accounts
    renew themselves without end, which is refused otherwise. `assertion_audiences` are the only ones that assertions of
    service accounts may have; none means the dialect's own.
    `domains` are its own (lower case). `personal` marks the tenant of people who belong to no organisation.
    `claim_rules` add claims for all of its clients. `lifetime_policies` are by policy id; `principal_policies` name the
    one that counts for a client here, whatever its home. `dialects` are settings that one dialect alone understands.
    What was issued before `tokens_from` is not believed any more where nothing else says that it ended.
    """

    tenant_id: TenantId
    slug: str
    owner: str
    name: str
    created_at: int
    hosts: tuple[str, ...] = ()
    lifetimes: Lifetimes = Lifetimes()
    grant_lifetimes: dict[str, Lifetimes] = {}
    logo_uri: str = ""
    disabled_at: int | None = None
    development: bool = False
    encrypt_id_tokens: str = ""
    registration: str = "closed"
    sign_up: bool = False
    claim_sources: dict[str, ClaimSource] = {}
    id_token_budget: int = 6144
    session_management: bool = False
    self_impersonation: bool = False
    assertion_audiences: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    personal: bool = False
    claim_rules: tuple[ClaimRule, ...] = ()
    lifetime_policies: dict[str, LifetimePolicy] = {}
    principal_policies: dict[str, str] = {}
    dialects: dict[str, dict[str, Any]] = {}
    tokens_from: int = 0


def check_slug(slug: str) -> str:
    """Return the slug; raises `Misconfigured` (`slug-invalid`, `slug-reserved`) for one that cannot be a tenant's."""
    if not _SLUG.fullmatch(slug):
        raise Misconfigured(
            "slug-invalid",
            "A slug has 1 to 63 lower-case letters, digits and hyphens, and starts and ends with a letter or digit.",
            detail={"received": slug[:80]},
        )
    if slug in RESERVED_SLUGS:
        raise Misconfigured("slug-reserved", f"The slug '{slug}' is reserved.", hint="Choose another slug.")
    return slug


def _record(rows: list[Row]) -> Tenant | None:
    return decode(rows[0][0], Tenant) if rows else None


def insert(tenant: Tenant) -> Plan[None]:
    """Keep a new tenant; `Conflict` if its id, slug or a host is taken."""
    yield Ask(
        "tenant_insert",
        {
            "tenant_id": tenant.tenant_id,
            "slug": tenant.slug,
            "owner": tenant.owner,
            "created_at": tenant.created_at,
            "record": encode(tenant),
        },
    )
    for host in tenant.hosts:
        yield Ask("tenant_host_insert", {"host": host, "tenant_id": tenant.tenant_id})
    for domain in tenant.domains:
        yield Ask("tenant_domain_insert", {"domain": domain, "tenant_id": tenant.tenant_id})


def rename(tenant: Tenant) -> Plan[bool]:
    """Replace a tenant's record with its hosts and domains; False if there is none, `Conflict` if one is taken."""
    if not (yield from replace(tenant)):
        return False
    yield Ask("tenant_hosts_delete", {"tenant_id": tenant.tenant_id})
    yield Ask("tenant_domains_delete", {"tenant_id": tenant.tenant_id})
    for host in tenant.hosts:
        yield Ask("tenant_host_insert", {"host": host, "tenant_id": tenant.tenant_id})
    for domain in tenant.domains:
        yield Ask("tenant_domain_insert", {"domain": domain, "tenant_id": tenant.tenant_id})
    return True


@single
def replace(tenant: Tenant) -> Plan[bool]:
    """Replace a tenant's record (not its slug, owner, hosts and domains); False if there is none."""
    return bool((yield Ask("tenant_replace", {"tenant_id": tenant.tenant_id, "record": encode(tenant)})))


def exchange(before: Tenant, after: Tenant) -> Plan[bool]:
    """Replace a tenant's record unless it is another one by now than `before`; False if it is, or is gone."""
    rows = yield Ask("tenant_by_id", {"tenant_id": before.tenant_id})
    if not rows or decode(rows[0][0], Tenant) != before:
        return False
    # Compared as it is stored, once more and by the statement itself: another transaction may have come between.
    values: dict[str, Value] = {"tenant_id": before.tenant_id, "record": encode(after), "before": bytes(rows[0][0])}
    return bool((yield Ask("tenant_exchange", values)))


@single
def by_slug(slug: str) -> Plan[Tenant | None]:
    """Find a tenant by its slug."""
    return _record((yield Ask("tenant_by_slug", {"slug": slug})))


@single
def by_host(host: str) -> Plan[Tenant | None]:
    """Find a tenant by one of its hosts (lower case, with port where it is not the scheme's own)."""
    return _record((yield Ask("tenant_by_host", {"host": host})))


@single
def by_domain(domain: str) -> Plan[Tenant | None]:
    """Find the tenant to which a domain belongs (lower case)."""
    return _record((yield Ask("tenant_by_domain", {"domain": domain})))


@single
def by_id(tenant_id: str) -> Plan[Tenant | None]:
    """Find a tenant by its UUID."""
    return _record((yield Ask("tenant_by_id", {"tenant_id": tenant_id})))


def revise(tenant_id: str, change: Callable[[Tenant], Tenant]) -> Plan[Tenant | None]:
    """Change a tenant's record as it is at the moment, and return it; None if there is none.

    SECURITY: what somebody else writes in that very moment is not overruled by what was read before: a tenant who is
    disabled stays so; in the suite of the stores nine come at once. Raises `Conflict` where others never stop writing.
    """
    for _ in range(TRIES):
        before = yield from by_id(tenant_id)
        if before is None:
            return None
        after = change(before)
        if (yield from exchange(before, after)):
            return after
    raise Conflict


@single
def page(after: str, limit: int) -> Plan[list[Tenant]]:
    """List at most `limit` tenants whose slug sorts behind `after`, by slug."""
    rows = yield Ask("tenant_page", {"after": after, "limit": limit})
    return [decode(row[0], Tenant) for row in rows]
