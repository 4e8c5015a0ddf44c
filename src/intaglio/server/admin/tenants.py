"""Tenants: make one, change its policies, find one, list them page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.dialects import registry
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model import tenants
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.tenants import ClaimSource, Lifetimes, Tenant
from intaglio.server.registry import deeds, fields, settings, versions
from intaglio.server.registry.deeds import Actor

REGISTRATIONS = ("closed", "token", "open")
ENCRYPTIONS = ("", "front_channel", "always")


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant demands and lets happen, as in `Tenant`; None leaves a policy as it is.

    Of `dialects` each setting is changed by itself, None takes one away.
    """

    encrypt_id_tokens: str | None = None
    registration: str | None = None
    sign_up: bool | None = None
    session_management: bool | None = None
    id_token_budget: int | None = None
    self_impersonation: bool | None = None
    assertion_audiences: tuple[str, ...] | None = None
    claim_sources: dict[str, ClaimSource] | None = None
    dialects: dict[str, dict[str, Any]] | None = None
    domains: tuple[str, ...] | None = None


def _policies(wanted: Policies) -> dict[str, Any]:
    """Return the policies that were given, checked.

    Raises `Misconfigured` (`value-unknown`, `budget-invalid`, `word-invalid`, `too-many`).
    """
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    if wanted.encrypt_id_tokens is not None:
        fields.one_of("encrypt_id_tokens", wanted.encrypt_id_tokens, ENCRYPTIONS)
    if wanted.registration is not None:
        fields.one_of("registration", wanted.registration, REGISTRATIONS)
    if wanted.assertion_audiences is not None:
        given["assertion_audiences"] = fields.words("assertion_audience", wanted.assertion_audiences)
    if wanted.domains is not None:
        given["domains"] = fields.few("domains", dict.fromkeys(fields.domain(one) for one in wanted.domains))
    budget = wanted.id_token_budget
    if budget is not None and not 512 <= budget <= 65_536:
        raise fields.refuse("budget-invalid", "The size budget cannot be used.", "512 to 65536 octets", budget)
    return given


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
    policies: Policies | None = None,
    personal: bool = False,
    actor: Actor | None = None,
) -> Tenant:
    """Make a tenant and return it; its UUID never changes. With `actor` the audit log tells of it.

    A `personal` one is for people who belong to no organisation; there is one such, of a fixed UUID.

    Raises `Misconfigured` (`slug-invalid`, `slug-reserved`, `name-invalid`, `host-invalid`, `lifetime-invalid`,
    `value-unknown`, `budget-invalid`, `tenant-exists`).
    """
    tenant = Tenant(
        tenant_id=TenantId(_personal_id() if personal else ids.new_uuid()),
        slug=tenants.check_slug(slug),
        owner=_owner(owner),
        name=fields.display_name("name", name or slug),
        created_at=clock.now(),
        hosts=tuple(dict.fromkeys(fields.host(host) for host in hosts)),
        lifetimes=fields.lifetimes(lifetimes or Lifetimes()),
        grant_lifetimes=fields.grant_lifetimes(grant_lifetimes or {}),
        personal=personal,
    )
    tenant = _changed(tenant, _policies(policies or Policies()))
    try:
        await store.write(_keep, tenant, actor)
    except Conflict as exc:
        raise Misconfigured(
            "tenant-exists",
            "A tenant with this slug or one of these hosts or domains is there already, or the personal one is.",
            detail={"expected": "a slug, hosts and domains that are free", "received": slug},
            hint=f"See it with: intaglio tenant show {slug}",
        ) from exc
    return tenant


def _personal_id() -> str:
    """Return the UUID of the tenant of people who belong to no organisation, as the dialects that know one have it."""
    return next(one.profile.personal_tenant_id for one in registry.DIALECTS.values() if one.profile.personal_tenant_id)


def _keep(tenant: Tenant, actor: Actor | None) -> Plan[None]:
    yield from tenants.insert(tenant)
    if actor is not None:
        detail = {"self_impersonation": "true"} if tenant.self_impersonation else {}
        resource = f"tenants/{tenant.slug}"
        yield from deeds.note(tenant.tenant_id, actor, "tenant.create", resource, after=tenant, **detail)


async def update(
    store: Store,
    name: str,
    policies: Policies,
    *,
    display_name: str | None = None,
    hosts: Sequence[str] | None = None,
    lifetimes: Lifetimes | None = None,
    actor: Actor | None = None,
    etag: str = "",
) -> Tenant:
    """Change a tenant, found by slug or UUID, and return it; in force within a second.

    `hosts` take the place of those before. Of `lifetimes` those are changed that are there, and 0 takes one away.
    With `actor` the audit log tells of it; whether accounts may act as themselves is not changed without. `etag` is of
    the version that was seen, empty for any.

    Raises `Misconfigured` (`tenant-unknown`, `name-invalid`, `value-unknown`, `budget-invalid`, `setting-invalid`,
    `domain-invalid`, `domain-taken`, `host-invalid`, `record-changed`).
    """
    changes = _policies(policies)
    if hosts is not None:
        changes["hosts"] = tuple(dict.fromkeys(fields.host(host) for host in hosts))
    if lifetimes is not None and lifetimes != Lifetimes():
        changes["lifetimes"] = lifetimes
    if display_name is not None:
        changes["name"] = fields.display_name("name", display_name)
    if actor is None and "self_impersonation" in changes:
        raise ValueError("who changes whether accounts may act as themselves?")
    try:
        changed = await store.write(_change, name, changes, actor, etag)
    except Conflict as exc:
        expected = "domains and hosts that no other tenant has"
        raise fields.refuse("domain-taken", "A domain or host is another tenant's.", expected, name) from exc
    if changed is None:
        raise unknown(name)
    return changed


def _change(name: str, changes: Mapping[str, Any], actor: Actor | None, etag: str) -> Plan[Tenant | None]:
    tenant = yield from _by_either(name)
    if tenant is None:
        return None
    versions.check(tenant, etag)
    changed = _changed(tenant, changes)
    if not (yield from tenants.exchange(tenant, changed)):
        hint = "Try again."
        raise fields.refuse("tenant-changed", "Somebody else has changed the tenant.", "it as it was", name, hint)
    if {"domains", "hosts"} & set(changes):
        yield from tenants.rename(changed)
    if actor is not None:
        # Names alone, for a claim source holds tokens of other parties; a switch with what it was set to.
        told = {one: str(value).lower() if isinstance(value, bool) else "changed" for one, value in changes.items()}
        resource = f"tenants/{tenant.slug}"
        yield from deeds.note(tenant.tenant_id, actor, "tenant.update", resource, before=tenant, after=changed, **told)
    return changed


def _changed(tenant: Tenant, changes: Mapping[str, Any]) -> Tenant:
    changed: Tenant = msgspec.structs.replace(tenant, **changes)
    if "lifetimes" in changes:
        spans = {name: one for name, one in msgspec.structs.asdict(changes["lifetimes"]).items() if one is not None}
        merged_spans = msgspec.structs.replace(tenant.lifetimes, **{name: one or None for name, one in spans.items()})
        changed = msgspec.structs.replace(changed, lifetimes=fields.lifetimes(merged_spans))
    if "dialects" not in changes:
        return changed
    merged = settings.merge(tenant.dialects, changes["dialects"])
    return msgspec.structs.replace(changed, dialects=settings.check("tenant", merged))


def _owner(owner: str) -> str:
    """Check the owner label by the rules of slugs, of which `default` and the like are no exception."""
    try:
        return tenants.check_slug(owner)
    except Misconfigured as exc:
        expected = "1 to 63 lower-case letters, digits and hyphens, and no reserved word"
        raise fields.refuse("owner-invalid", "The owner cannot be used.", expected, owner) from exc


async def show(store: Store, name: str) -> Tenant:
    """Find a tenant by slug or UUID; raises `Misconfigured` (`tenant-unknown`)."""
    return await store.read(find, name)


def find(name: str) -> Plan[Tenant]:
    """Find a tenant by slug or UUID, as part of a larger plan; raises `Misconfigured` (`tenant-unknown`)."""
    tenant = yield from _by_either(name)
    if tenant is None:
        raise unknown(name)
    return tenant


def unknown(name: str) -> Misconfigured:
    """Return the refusal of a tenant that is not there."""
    expected, hint = "the slug or UUID of a tenant", "List them with: intaglio tenant list"
    return fields.refuse("tenant-unknown", "There is no such tenant.", expected, name, hint)


def _by_either(name: str) -> Plan[Tenant | None]:
    # SECURITY: a slug that is another tenant's UUID leads to no other (test_a_slug_is_no_other_tenants_uuid).
    return (yield from tenants.by_id(name)) or (yield from tenants.by_slug(name))


async def page(store: Store, *, after: str = "", limit: int = 50) -> list[Tenant]:
    """List at most `limit` tenants behind the slug `after`."""
    return await store.read(tenants.page, after, limit)
