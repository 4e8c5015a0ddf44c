"""The scene of a request: its tenant, dialect and issuer, and what its browser keeps for them."""

from __future__ import annotations

from intaglio.server.http import cookies
from intaglio.server.http.tenancy import Listener, came_from_inside, site_of, within
from intaglio.server.model.tenants import Tenant
from intaglio.server.provider.scene import Scene
from intaglio.wire.message import Request


def scene_of(listener: Listener, tenant: Tenant, request: Request, now: int, ref: str, variant: str = "") -> Scene:
    """Return the scene of a request: its tenant, dialect and issuer, and what its cookies hold."""
    dialect = listener.dialect
    assert dialect is not None
    if request.noted is not None:
        request.noted.tenant = tenant.slug
    site = site_of(listener, tenant, variant)
    issuer = dialect.issuer(site)
    kept = dialect.issuer(site_of(listener, tenant)) if variant else issuer
    has_cookies = request.header("cookie") is not None
    secure = listener.secure
    return Scene(
        tenant=tenant,
        dialect=dialect,
        issuer=issuer,
        base=dialect.endpoints(site),
        now=now,
        ref=ref,
        peer=request.peer,
        authority=listener.base_url,
        session_secret=cookies.read(request, cookies.name("session", kept, secure=secure)) if has_cookies else "",
        browser_secret=cookies.read(request, cookies.name("browser", kept, secure=secure)) if has_cookies else "",
        variant=variant,
        kept_under=kept,
        attached=listener.account,
        noted=request.noted,
        inside=dialect.endpoints(within(site, listener)) if listener.backchannel_base_url else "",
        from_inside=came_from_inside(listener, request),
    )
