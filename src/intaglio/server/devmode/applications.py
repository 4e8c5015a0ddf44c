"""What development mode seeds for Microsoft's dialect: a domain, personal accounts, applications with GUIDs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from intaglio.dialects.microsoft import authority
from intaglio.names import TenantId, UserId
from intaglio.protocol.device import GRANT
from intaglio.protocol.pages import Account, SeededClient
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.model import tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User

DOMAIN = "dev.intaglio.test"
"""The default tenant's own domain: `alice@dev.intaglio.test` is one of its people."""
SLUG = "personal"
PERSONAL_ID = TenantId(authority.PERSONAL)
CAROL_ID = "00000000-0000-0000-0000-000000000301"
CAROL = Account("carol", "carol-password", "a personal account, of no organisation: Microsoft's consumers")
CAROL_CLAIMS: dict[str, Any] = {
    "name": "Carol Clark",
    "given_name": "Carol",
    "family_name": "Clark",
    "email": "carol@example.net",
    "email_verified": True,
}
GUIDS = {
    name: f"00000000-0000-4000-8000-0000000002{number:02}"
    for number, name in enumerate(("ms-web", "ms-spa", "ms-native", "ms-daemon"), start=1)
}
"""The identifiers of applications as Microsoft's dialect has them, by name."""
ATTACHED = GUIDS["ms-daemon"]
"""The application that is attached to this machine."""
MS_SCOPE = ("openid", "profile", "email", "offline_access", "User.Read")
MS_DAEMON_SCOPE = f"api://{GUIDS['ms-daemon']}/.default"
MS_NATIVE = ("http://localhost", "http://127.0.0.1/callback")


def listed(web: tuple[str, ...], spa: tuple[str, ...]) -> tuple[SeededClient, ...]:
    """Return the seeded applications as the start page lists them."""
    return (
        SeededClient(GUIDS["ms-web"], "ms-web-secret", "confidential", web, "ms-web: for people of any tenant"),
        SeededClient(GUIDS["ms-spa"], "", "public", spa, "ms-spa: a page that gets tokens by PKCE"),
        SeededClient(GUIDS["ms-native"], "", "public, native", MS_NATIVE, "ms-native: any loopback port, device code"),
        SeededClient(GUIDS["ms-daemon"], "ms-daemon-secret", "confidential", (), "ms-daemon: client_credentials"),
    )


def seeded(
    client: Callable[..., Client], web: tuple[str, ...], spa: tuple[str, ...], secrets: ClientSecrets, now: int
) -> tuple[Client, ...]:
    """Return the seeded applications, made with `client`: the first three are for people of any tenant."""
    both = ("client_secret_post", "client_secret_basic")
    usual: dict[str, Any] = {"scope": MS_SCOPE, "sign_in_audience": "everyone"}
    implicit = {"implicitGrantSettings": {"enableIdTokenIssuance": True, "enableAccessTokenIssuance": True}}
    return (
        client(
            GUIDS["ms-web"],
            "Example work app",
            now,
            token_endpoint_auth_methods=both,
            secrets=(secrets.keep("ms-web-secret", now),),
            redirect_uris=web,
            post_logout_redirect_uris=("http://127.0.0.1:9999/", "http://localhost:3000/"),
            require_pkce=False,
            dialects={"microsoft": {"web": implicit}},
            **usual,
        ),
        client(
            GUIDS["ms-spa"],
            "Example work page",
            now,
            redirect_uris=spa,
            post_logout_redirect_uris=spa,
            dialects={"microsoft": {"spa": {"redirectUris": list(spa)}}},
            **usual,
        ),
        client(
            GUIDS["ms-native"],
            "Example work native app",
            now,
            application_type="native",
            redirect_uris=MS_NATIVE,
            grant_types=("authorization_code", "refresh_token", GRANT),
            **usual,
        ),
        client(
            GUIDS["ms-daemon"],
            "Example work daemon",
            now,
            token_endpoint_auth_methods=both,
            secrets=(secrets.keep("ms-daemon-secret", now),),
            grant_types=("client_credentials",),
            response_types=(),
            scope=(MS_DAEMON_SCOPE,),
        ),
    )


async def plant(store: Store, tenant_id: TenantId, owner: str, passwords: Passwords, now: int) -> None:
    """Give the default tenant its domain, and keep personal accounts, unless they or their names are there."""
    await store.write(_domain, tenant_id)
    if await store.read(tenants.by_id, PERSONAL_ID) is None and await store.read(tenants.by_slug, SLUG) is None:
        encoded = await passwords.hash(CAROL.password)
        carol = User(PERSONAL_ID, UserId(CAROL_ID), CAROL.username, now, now, encoded, CAROL_CLAIMS, development=True)
        await store.write(_personal, carol, owner, now)


def _personal(carol: User, owner: str, now: int) -> Plan[None]:
    about: dict[str, Any] = {"development": True, "personal": True}
    yield from tenants.insert(Tenant(carol.tenant_id, SLUG, owner, "Personal accounts", now, **about))
    yield from users.insert(carol)


def _domain(tenant_id: TenantId) -> Plan[None]:
    tenant = yield from tenants.by_id(tenant_id)
    if tenant is not None and not tenant.domains and (yield from tenants.by_domain(DOMAIN)) is None:
        yield from tenants.rename(msgspec.structs.replace(tenant, domains=(DOMAIN,)))
