"""Whose request it is where the address names no tenant: the tenant of what is presented, or of who signs in.

An authority of many tenants has addresses for all of them. A code, a token or a device code says by itself where it
was issued; a sign-in belongs to the tenant in which this browser is signed in, else to the one that a hint or the
person's own user name leads to (OpenID Connect Core 3.1.2.1, `login_hint`).

SECURITY: the tenant decides nothing but where the usual checks take place: each of them is made there as if its own
address had been asked (test_a_code_of_another_tenant_is_checked_there). A user name is looked at for its domain alone,
so the page tells nobody which people there are (test_the_realm_page_tells_nothing_of_people).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from intaglio import codec, ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.device import DeviceExchange
from intaglio.protocol.exchange import ClientCredentialsExchange, CodeExchange, RefreshExchange
from intaglio.protocol.logout import LogoutQuery
from intaglio.protocol.userinfo import UserinfoQuery
from intaglio.server.model import devices, grants, tenants
from intaglio.server.model.tenants import Tenant
from intaglio.server.provider.scene import House, Scene

MAX_HINT = 320
MAX_TOKEN = 16 * 1024


async def tenant_of(query: Any, scene: Scene, house: House) -> str:
    """Return the id of the tenant to which what is presented belongs, empty if that is not known.

    Raises `invalid_request` for a request in a client's own name, which nothing can lead to a tenant.
    """
    find = _BY_WHAT.get(type(query))
    return await find(query, scene, house) if find is not None else ""


async def _of_code(query: CodeExchange, scene: Scene, house: House) -> str:
    code = await house.store.read(grants.code_by_digest, ids.digest(query.code.reveal()))
    return code.tenant_id if code is not None else ""


async def _of_refresh_token(query: RefreshExchange, scene: Scene, house: House) -> str:
    found = await house.store.read(grants.refresh_with_grant, ids.digest(query.refresh_token.reveal()))
    return found[1].tenant_id if found is not None else ""


async def _of_device(query: DeviceExchange, scene: Scene, house: House) -> str:
    found = await house.store.read(devices.by_digest, ids.digest(query.device_code.reveal()))
    return found.tenant_id if found is not None else ""


async def _of_access_token(query: UserinfoQuery, scene: Scene, house: House) -> str:
    if query.access_token is None:
        return ""
    held = await house.store.read(grants.access_with_grant, ids.digest(query.access_token.reveal()), scene.now)
    return held[1].tenant_id if held is not None else ""


async def _of_nobody(query: ClientCredentialsExchange, scene: Scene, house: House) -> str:
    fault = ProtocolFault(
        "invalid_request",
        "This grant type needs the address of one tenant.",
        detail={"expected": "an address that names a tenant", "received": scene.tenant.slug},
    )
    raise fault.because("grant-needs-tenant", grant_type="client_credentials")


async def _of_hint(query: LogoutQuery | AuthorizeQuery, scene: Scene, house: House) -> str:
    """Return the tenant of an ID token that is presented as a hint; whether it is good is looked at there."""
    text = query.id_token_hint
    if text.count(".") != 2 or len(text) > MAX_TOKEN:
        return ""
    try:
        issuer = codec.decode_json_object(codec.decode_base64url(text.split(".")[1])).get("iss")
    except codec.CodecError:
        return ""
    if not isinstance(issuer, str) or not issuer.startswith(scene.authority + "/"):
        return ""
    addressed = scene.dialect.locate(urlsplit(issuer).path)
    return addressed.tenant or "" if addressed.by == "id" else ""


_BY_WHAT: dict[type, Callable[[Any, Scene, House], Awaitable[str]]] = {
    CodeExchange: _of_code,
    RefreshExchange: _of_refresh_token,
    DeviceExchange: _of_device,
    UserinfoQuery: _of_access_token,
    ClientCredentialsExchange: _of_nobody,
    LogoutQuery: _of_hint,
    AuthorizeQuery: _of_hint,
}


async def named(text: str, scene: Scene, house: House) -> Tenant | None:
    """Return the tenant to which a domain, or a user name with one, leads; the dialect's own words lead there too.

    None if it is nobody's, or one whose people do not sign in at this address.
    """
    domain = text.strip()[:MAX_HINT].rpartition("@")[2].lower()
    if not domain or not domain.isascii() or not domain.isprintable():
        return None
    addressed = scene.dialect.locate(f"/{domain}/")
    plan = {"id": tenants.by_id, "domain": tenants.by_domain}.get(addressed.by)
    if plan is None or addressed.tenant is None or "/" in domain:
        return None
    return _welcome(await house.store.read(plan, addressed.tenant), scene)


async def personal(scene: Scene, house: House) -> Tenant | None:
    """Return the tenant of people who belong to no organisation, None where they do not sign in."""
    return _welcome(await house.store.read(tenants.by_id, scene.dialect.profile.personal_tenant_id), scene)


def _welcome(tenant: Tenant | None, scene: Scene) -> Tenant | None:
    if tenant is None or tenant.disabled_at is not None or (tenant.personal and not scene.tenant.personal):
        return None
    return tenant


async def of_person(username: str, scene: Scene, house: House) -> Tenant | None:
    """Return the tenant in which a person signs in: the one whose domain their user name has, else the personal one."""
    found = await named(username, scene, house) if "@" in username else None
    return found if found is not None else await personal(scene, house)
