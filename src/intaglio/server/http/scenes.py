"""The scene of a request: its tenant, dialect and issuer, and what its browser keeps for them."""

from __future__ import annotations

from intaglio.server.http import cookies
from intaglio.server.http.tenancy import Listener, site_of
from intaglio.server.model.tenants import Tenant
from intaglio.server.provider.scene import Scene
from intaglio.wire.message import Request


def scene_of(listener: Listener, tenant: Tenant, request: Request, now: int, ref: str, variant: str = "") -> Scene:
    """Return the scene of a request: its tenant, dialect and issuer, and what its cookies hold."""
    dialect = listener.dialect
    assert dialect is not None
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
    )
