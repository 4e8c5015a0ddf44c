"""Acts on tenants."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from intaglio import codec
from intaglio.server.admin import claimsources, tenants
from intaglio.server.admin.acts import act, spans
from intaglio.server.admin.acts.act import PAGE, Act, After, Asked, Limit, Seen, Told
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.admin.acts.spans import Spans
from intaglio.server.admin.tenants import Policies
from intaglio.server.model.assigned import ClaimRule, LifetimePolicy
from intaglio.server.model.tenants import Lifetimes, Tenant
from intaglio.server.registry import versions

OPERATORS = ("owner", "personal", "hosts", "domains")
"""What reaches beyond the tenant itself: names that lead to it could be another's."""


class TenantFields(Asked, frozen=True, kw_only=True):
    """What may be said of a tenant; what is left out stays, or has its usual value in a new one.

    `claim_sources` are as on the command line: by name, each with `claims`, and `jwt` or `endpoint`. Of `dialects` each
    setting is changed by itself, null takes one away.
    """

    hosts: tuple[str, ...] | UnsetType = UNSET
    domains: tuple[str, ...] | UnsetType = UNSET
    lifetimes: Spans | UnsetType = UNSET
    encrypt_id_tokens: str | UnsetType = UNSET
    registration: str | UnsetType = UNSET
    sign_up: bool | UnsetType = UNSET
    session_management: bool | UnsetType = UNSET
    id_token_budget: int | UnsetType = UNSET
    self_impersonation: bool | UnsetType = UNSET
    assertion_audiences: tuple[str, ...] | UnsetType = UNSET
    claim_sources: dict[str, Any] | UnsetType = UNSET
    dialects: dict[str, dict[str, Any]] | UnsetType = UNSET


class TenantCreate(TenantFields, frozen=True, kw_only=True):
    """A new tenant. `slug` names it in addresses and cannot be changed; without `name` that is its name."""

    slug: str
    name: str = ""
    owner: str = "default"
    personal: bool = False
    grant_lifetimes: dict[str, Spans] = msgspec.field(default_factory=dict)


class TenantUpdate(TenantFields, frozen=True, kw_only=True):
    """Changes of a tenant, which is named by slug or UUID."""

    tenant: str
    name: str | UnsetType = UNSET
    etag: Seen = ""


class TenantNamed(Asked, frozen=True, kw_only=True):
    """A tenant by its slug or UUID."""

    tenant: str


class TenantTouched(TenantNamed, frozen=True, kw_only=True):
    """A tenant that something is done to."""

    etag: Seen = ""


class TenantList(Asked, frozen=True, kw_only=True):
    """Tenants by slug, page by page."""

    after: After = ""
    limit: Limit = PAGE


class ClaimSourceTold(Told, frozen=True, kw_only=True):
    """Where claims come from that the tenant does not hold itself, without the tokens that are for it."""

    claims: tuple[str, ...]
    endpoint: str = ""


class TenantTold(Told, frozen=True, kw_only=True):
    """A tenant."""

    tenant_id: str
    slug: str
    owner: str
    name: str
    created_at: int
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    lifetimes: Lifetimes = Lifetimes()
    grant_lifetimes: dict[str, Lifetimes] = msgspec.field(default_factory=dict)
    logo_uri: str = ""
    disabled_at: int | None = None
    development: bool = False
    encrypt_id_tokens: str = ""
    registration: str = "closed"
    sign_up: bool = False
    claim_sources: dict[str, ClaimSourceTold] = msgspec.field(default_factory=dict)
    id_token_budget: int = 0
    session_management: bool = False
    self_impersonation: bool = False
    assertion_audiences: tuple[str, ...] = ()
    personal: bool = False
    claim_rules: tuple[ClaimRule, ...] = ()
    lifetime_policies: dict[str, LifetimePolicy] = msgspec.field(default_factory=dict)
    principal_policies: dict[str, str] = msgspec.field(default_factory=dict)
    dialects: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    etag: str = ""


class TenantsTold(Told, frozen=True, kw_only=True):
    """A page of tenants; `next` is empty on the last one."""

    items: tuple[TenantTold, ...]
    next: str = ""


def told(tenant: Tenant) -> TenantTold:
    """Return what is told of a tenant."""
    names = set(TenantTold.__struct_fields__) - {"claim_sources", "etag"}
    # SECURITY: tokens of other parties are told nobody (test_claim_sources_are_told_without_their_tokens).
    sources = {
        name: ClaimSourceTold(claims=one.claims, endpoint=one.endpoint) for name, one in tenant.claim_sources.items()
    }
    return TenantTold(
        **{name: getattr(tenant, name) for name in names}, claim_sources=sources, etag=versions.of(tenant)
    )


async def list_(asked: TenantList, desk: Desk) -> TenantsTold:
    """List tenants, of those within reach."""
    if desk.may("read"):
        found, more = act.cut(await tenants.page(desk.store, after=asked.after, limit=asked.limit + 1), asked.limit)
    else:
        reached = [await tenants.show(desk.store, one.scope) for one in desk.rights or ()]
        every = sorted({one.slug: one for one in reached if one.slug > asked.after}.items())
        found, more = act.cut([one for _, one in every], asked.limit)
    return TenantsTold(items=tuple(map(told, found)), next=found[-1].slug if more else "")


async def show(asked: TenantNamed, desk: Desk) -> TenantTold:
    """Show a tenant. Raises `Misconfigured` (`tenant-unknown`)."""
    return told(await desk.tenant(asked.tenant, "read"))


async def create(asked: TenantCreate, desk: Desk) -> TenantTold:
    """Make a tenant. Raises `Misconfigured` with the code of the field, `tenant-exists`."""
    desk.demand("write")
    made = await tenants.create(
        desk.store,
        desk.clock,
        slug=asked.slug,
        name=asked.name,
        owner=asked.owner,
        hosts=() if asked.hosts is UNSET else asked.hosts,
        lifetimes=Lifetimes() if asked.lifetimes is UNSET else spans.merged(Lifetimes(), asked.lifetimes),
        grant_lifetimes=spans.by_grant({}, asked.grant_lifetimes),
        policies=_policies(asked),
        personal=asked.personal,
        actor=desk.actor,
    )
    return told(made)


async def update(asked: TenantUpdate, desk: Desk) -> TenantTold:
    """Change a tenant. Raises `Misconfigured` with the code of the field, `tenant-unknown`, `record-changed`."""
    owner = await desk.tenant(asked.tenant, "write")
    # SECURITY: who administers one tenant takes no name that leads to another (test_names_are_given_by_who_has_all).
    if act.given(asked, *set(OPERATORS) & set(TenantUpdate.__struct_fields__)):
        desk.demand("write")
    changed = await tenants.update(
        desk.store,
        owner.tenant_id,
        _policies(asked),
        display_name=act.or_none(asked.name),
        hosts=act.or_none(asked.hosts),
        lifetimes=None if asked.lifetimes is UNSET else spans.lifetimes(asked.lifetimes),
        actor=desk.actor,
        etag=asked.etag,
    )
    return told(changed)


def _policies(asked: TenantFields) -> Policies:
    given = act.given(asked, *Policies.__struct_fields__)
    if "claim_sources" in given:
        given["claim_sources"] = claimsources.read(codec.encode_json(given["claim_sources"]).decode())
    return Policies(**given)


ACTS = (
    Act(
        name="tenant.list",
        method="GET",
        path="/tenants",
        summary="List tenants",
        asked=TenantList,
        told=TenantsTold,
        right="read",
        perform=list_,
    ),
    Act(
        name="tenant.create",
        method="POST",
        path="/tenants",
        summary="Make a tenant",
        asked=TenantCreate,
        told=TenantTold,
        right="write",
        perform=create,
        status=201,
        created="/tenants/{tenant_id}",
    ),
    Act(
        name="tenant.show",
        method="GET",
        path="/tenants/{tenant}",
        summary="Show a tenant",
        asked=TenantNamed,
        told=TenantTold,
        right="read",
        perform=show,
    ),
    Act(
        name="tenant.update",
        method="PATCH",
        path="/tenants/{tenant}",
        summary="Change a tenant",
        asked=TenantUpdate,
        told=TenantTold,
        right="write",
        perform=update,
    ),
)
