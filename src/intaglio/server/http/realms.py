"""Addresses that name no tenant: from what was asked, or from the browser, to the scene of one.

SECURITY: the browser keeps a cookie that names the tenant in which it is signed in, and nothing else: who is signed in
there is what that tenant's own session says (test_the_tenant_cookie_opens_nothing).
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.faults import NotFound
from intaglio.protocol.logout import LogoutQuery
from intaglio.server.http import cookies, scenes
from intaglio.server.http.tenancy import Listener, Tenancy
from intaglio.server.provider import realm, session
from intaglio.server.provider.scene import House, Scene
from intaglio.wire.message import Headers, Request


class Hosts(Protocol):
    """What finds scenes: who answers, and the tenants there are; one a process."""

    house: House
    tenants: Tenancy


async def settle(query: Any, request: Request, listener: Listener, scene: Scene, hall: Hosts) -> Scene:
    """Return the scene of the tenant that a request at an open address is for; the open one if that is not known.

    Raises `invalid_request` as `realm.tenant_of` does.
    """
    tenant_id = await realm.tenant_of(query, scene, hall.house)
    if not tenant_id and isinstance(query, AuthorizeQuery):
        tenant_id = await _of_sign_in(query, request, listener, scene, hall)
    elif not tenant_id and isinstance(query, LogoutQuery):
        tenant_id = await signed_in(request, listener, scene, hall)
    return await within(tenant_id, request, listener, scene, hall) if tenant_id else scene


async def within(tenant_id: str, request: Request, listener: Listener, scene: Scene, hall: Hosts) -> Scene:
    """Return the scene of a tenant in the place of an open one; raises `NotFound`."""
    tenant = await hall.tenants.by_id(tenant_id, scene.now)
    found = scenes.scene_of(listener, tenant, request, scene.now, scene.ref, scene.variant)
    return msgspec.structs.replace(found, device=scene.device, opened_from=scene.issuer)


async def reopened(
    word: str, variant: str, request: Request, listener: Listener, ref: str, hall: Hosts, now: int
) -> Scene:
    """Return the open scene of a word again, as a page that waits for its person has it."""
    assert listener.dialect is not None
    addressed = listener.dialect.locate(f"/{word}/")
    if addressed.by != "open":
        raise NotFound(detail={"expected": "a word for several tenants", "received": word[:80]})
    tenant = await hall.tenants.of(listener, addressed, request, now)
    return scenes.scene_of(listener, tenant, request, now, ref, variant)


async def _of_sign_in(query: AuthorizeQuery, request: Request, listener: Listener, scene: Scene, hall: Hosts) -> str:
    for text in (query.domain_hint, query.login_hint if "@" in query.login_hint else ""):
        found = await realm.named(text, scene, hall.house) if text else None
        if found is not None:
            return found.tenant_id
    # Whoever is to choose an account is asked for it, whoever is signed in.
    return "" if "select_account" in query.prompt else await signed_in(request, listener, scene, hall)


async def signed_in(request: Request, listener: Listener, scene: Scene, hall: Hosts) -> str:
    """Return the id of the tenant in which this browser is signed in, of those that the address is for, or nothing."""
    name = cookies.name("tenant", listener.base_url, secure=listener.secure)
    kept = cookies.read(request, name) if request.header("cookie") is not None else ""
    tenant = await realm.named(kept, scene, hall.house) if kept else None
    if tenant is None:
        return ""
    there = await within(tenant.tenant_id, request, listener, scene, hall)
    return tenant.tenant_id if await session.present(there, hall.house) is not None else ""


def remember(scene: Scene, lifetime: int, *, secure: bool) -> Headers:
    """Return the Set-Cookie header that names the tenant of a session which begins; 0 seconds forget it."""
    if not scene.dialect.profile.shares_ring:
        return ()
    name = cookies.name("tenant", scene.authority, secure=secure)
    return (cookies.write(name, str(scene.tenant.tenant_id) if lifetime else "", max_age=lifetime, secure=secure),)
