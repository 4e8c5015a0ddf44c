"""From a listener and a path to a dialect and a tenant.

The listener names the dialect and the base address; the dialect says which words of the path name a tenant; a tenant
that is fixed to the listener, or the Host that belongs to one, is taken where the path names none.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from intaglio.dialects.dialect import Addressed, Dialect, Site
from intaglio.names import Issuer, TenantId
from intaglio.protocol.faults import NotFound
from intaglio.server.model import tenants
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.tenants import Tenant
from intaglio.wire import url
from intaglio.wire.message import Request

MAX_WORD = 255
NAME = "Intaglio"
"""Whose pages those are that are shown before the tenant is known."""
_PLANS = {"slug": tenants.by_slug, "id": tenants.by_id, "domain": tenants.by_domain}


class Listener(msgspec.Struct, frozen=True):
    """One door: the dialect it speaks (None: planned), its base address, and the tenant and account fixed to it.

    `account` is whose tokens are given without asking who asks: a service account, or an application by its client_id.
    `backchannel_base_url` is a second address, by which programs inside a network call what is theirs.
    """

    dialect: Dialect | None
    name: str
    base_url: str
    tenant: str = ""
    account: str = ""
    backchannel_base_url: str = ""

    @property
    def secure(self) -> bool:
        """Whether the issuer's addresses are https."""
        return self.base_url.startswith("https:")

    @property
    def origin(self) -> str:
        """The base address as browsers write an origin."""
        return url.origin(self.base_url)

    @property
    def on_loopback(self) -> bool:
        """Whether the issuer's host is this machine; its other ports are other programs'."""
        return url.is_loopback_host(urlsplit(self.base_url).hostname or "")


class Tenancy:
    """Finds tenants, remembering them for the rest of the second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent: Recent[Tenant] = Recent()

    async def by_slug(self, slug: str, now: int) -> Tenant:
        """Return the tenant of a slug; raises `NotFound`."""
        return await self._find(tenants.by_slug, slug, now)

    async def by_id(self, tenant_id: str, now: int) -> Tenant:
        """Return the tenant of a UUID; raises `NotFound`."""
        return await self._find(tenants.by_id, tenant_id, now)

    async def door(self, listener: Listener, request: Request, now: int) -> Listener:
        """Return the door that a request came to: where hosts name tenants, that of the host's tenant.

        SECURITY: a Host counts only where a tenant has it for its own, so nobody makes an issuer of any other name
        (test_a_host_that_is_nobodys_makes_no_issuer).
        """
        if listener.dialect is None or not listener.dialect.profile.tenant_hosts:
            return listener
        host = (request.header("host") or "").lower()
        scheme, _, own = listener.base_url.partition("://")
        if host in ("", own) or came_from_inside(listener, request):
            return listener
        try:
            tenant = await self._find(tenants.by_host, host, now)
        except NotFound:
            return listener
        return msgspec.structs.replace(
            listener, base_url=f"{scheme}://{host}", tenant=tenant.slug, backchannel_base_url=""
        )

    async def of(self, listener: Listener, addressed: Addressed, request: Request, now: int) -> Tenant:
        """Return the tenant that a request is for; raises `NotFound`.

        An open one has no id: whose it is is decided later, by who signs in or by what is presented.
        """
        word = addressed.tenant
        if addressed.by == "open":
            return Tenant(TenantId(""), word or "", "", NAME, 0, personal=addressed.personal)
        if word is not None:
            tenant = await self._find(_PLANS[addressed.by], word, now)
            if addressed.owner is not None and tenant.owner != addressed.owner:
                raise NotFound(detail={"expected": f"a tenant of {addressed.owner[:80]}", "received": word[:80]})
            return tenant
        if listener.tenant:
            return await self.by_slug(listener.tenant, now)
        return await self._find(tenants.by_host, (request.header("host") or "").lower(), now)

    async def _find(self, plan: object, word: str, now: int) -> Tenant:
        key = (plan, word)
        tenant = self._recent.get(key, now)
        if tenant is None:
            # A word that cannot be any tenant's never reaches the database.
            plausible = bool(word) and len(word) <= MAX_WORD and word.isascii() and word.isprintable()
            tenant = await self._store.read(plan, word) if plausible else None  # type: ignore[arg-type]
            if tenant is None or tenant.disabled_at is not None:
                detail = {"expected": "the name of a tenant", "received": word[:80]}
                raise NotFound(detail=detail).because("tenant-unknown", tenant=word[:80])
            self._recent.keep(key, tenant, now)
        return tenant


def came_from_inside(listener: Listener, request: Request) -> bool:
    """Tell whether a request came by the listener's second name.

    SECURITY: the Host chooses between two addresses that the operator configured, and makes no third one
    (test_a_host_makes_no_address).
    """
    inside = listener.backchannel_base_url
    return bool(inside) and (request.header("host") or "").lower() == inside.split("/", 3)[2]


def within(site: Site, listener: Listener) -> Site:
    """Return where an issuer is by the listener's second name."""
    return msgspec.structs.replace(site, base_url=listener.backchannel_base_url)


def issuer_of(listener: Listener, tenant: Tenant) -> Issuer:
    """Return the issuer that a listener is for a tenant."""
    assert listener.dialect is not None
    return listener.dialect.issuer(site_of(listener, tenant))


def site_of(listener: Listener, tenant: Tenant, variant: str = "") -> Site:
    """Return where an issuer of a tenant is."""
    return Site(listener.base_url, tenant.slug, tenant.tenant_id, tenant.owner, variant)
