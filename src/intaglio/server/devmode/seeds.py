"""What development mode seeds: a contract that documentation and tests rely on. Everybody knows these secrets."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.names import ClientId, TenantId, UserId
from intaglio.protocol.device import GRANT
from intaglio.protocol.pages import Account, SeededClient, SeededIdentity
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import applications
from intaglio.server.model import (
    clients,
    installation,
    policies,
    projects,
    resources,
    serviceaccounts,
    services,
    tenants,
    users,
)
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.projects import Project
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.model.services import ServiceRecord
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User

FACT = "development"
TENANT_ID = TenantId("00000000-0000-4000-8000-000000000001")
SUITE_TENANT_ID = TenantId("00000000-0000-4000-8000-000000000002")
"""The tenant of the conformance suite, where it was asked for."""
SLUG = "default"
OWNER = "default"
SCOPE = ("openid", "profile", "email", "phone", "address", "offline_access")
PROJECT = "demo-project"
PROJECT_NUMBER = 100000000001
ACCOUNT = "worker@demo-project.iam.intaglio.test"
ACCOUNT_ID = "100000000000000000001"
TARGET = "target@demo-project.iam.intaglio.test"
TARGET_ID = "100000000000000000002"
SERVICE = "demo-service"
SERVICE_AUDIENCE = "http://localhost:8081/demo-service"
ALICE_ID = "00000000-0000-4000-8000-000000000101"

ALICE: dict[str, Any] = {
    "name": "Alice Elizabeth Adams",
    "given_name": "Alice",
    "family_name": "Adams",
    "middle_name": "Elizabeth",
    "nickname": "Al",
    "preferred_username": "alice",
    "profile": "https://example.com/alice",
    "picture": "https://example.com/alice/picture.png",
    "website": "https://alice.example.com",
    "gender": "female",
    "birthdate": "1990-04-01",
    "zoneinfo": "Europe/Vienna",
    "locale": "en-GB",
    "email": "alice@example.com",
    "email_verified": True,
    "phone_number": "+43 1 5550100",
    "phone_number_verified": True,
    "address": {
        "formatted": "Ring 1\n1010 Wien\nAustria",
        "street_address": "Ring 1",
        "locality": "Wien",
        "postal_code": "1010",
        "country": "Austria",
    },
}
BOB: dict[str, Any] = {
    "name": "Bob Baker",
    "given_name": "Bob",
    "family_name": "Baker",
    "email": "bob@example.com",
    "email_verified": False,
}

ACCOUNTS = (
    Account("alice", "alice-password", f"every profile claim; in the microsoft dialect alice@{applications.DOMAIN}"),
    Account("bob", "bob-password", "a name and an unconfirmed e-mail address"),
)
IDENTITIES = (
    SeededIdentity(ACCOUNT, ACCOUNT_ID, "what the metadata server answers for; it may act as the other one"),
    SeededIdentity(TARGET, TARGET_ID, f"alice may act as it too; it may call {SERVICE_AUDIENCE}"),
)
WEB = ("http://127.0.0.1:9999/cb", "http://localhost:3000/callback")
SPA = ("http://localhost:3000/callback", "http://localhost:5173/callback")
CLI = "intaglio-cli"
CLI_SCOPE = ("openid", "profile", "email", "offline_access", "https://www.googleapis.com/auth/cloud-platform")
LOOPBACK = ("http://127.0.0.1/callback", "http://[::1]/callback")
NATIVE = ("http://127.0.0.1/callback", "http://[::1]/callback", "com.example.app:/callback")
DOMAIN, PERSONAL_ID, CAROL, CAROL_ID = (
    applications.DOMAIN,
    applications.PERSONAL_ID,
    applications.CAROL,
    applications.CAROL_ID,
)
GUIDS, MS_SCOPE, ATTACHED = applications.GUIDS, applications.MS_SCOPE, applications.ATTACHED


def listed(base_url: str) -> tuple[SeededClient, ...]:
    """Return the seeded clients as the start page lists them."""
    demo = (base_url + "/demo/callback",)
    return (
        SeededClient("web", "web-secret", "confidential", WEB, "client_secret_basic or _post; PKCE optional"),
        SeededClient("spa", "", "public", SPA, "PKCE; its origins may call from a page"),
        SeededClient("native", "", "public, native", NATIVE, "PKCE; any loopback port"),
        SeededClient("machine", "machine-secret", "confidential", (), "client_credentials"),
        SeededClient("tv", "", "public, device", (), "the device flow, as on a television; no redirect URI"),
        SeededClient(
            CLI, "", "public, native", LOOPBACK, "intaglio login: PKCE and a loopback port, or the device flow"
        ),
        SeededClient("demo", "", "public", demo, "the demo page"),
        *applications.listed(WEB, SPA),
    )


def _client(client_id: str, name: str, now: int, **members: Any) -> Client:
    usual: dict[str, Any] = {
        "token_endpoint_auth_methods": ("none",),
        "grant_types": ("authorization_code", "refresh_token"),
        "scope": SCOPE,
        "development": True,
    }
    return Client(TENANT_ID, ClientId(client_id), name, now, **(usual | members))


def seeded_clients(base_url: str, secrets: ClientSecrets, now: int) -> tuple[Client, ...]:
    """Return the seeded clients."""
    both = ("client_secret_basic", "client_secret_post")
    demo = base_url + "/demo"
    return (
        _client(
            "web",
            "Example web app",
            now,
            token_endpoint_auth_methods=both,
            secrets=(secrets.keep("web-secret", now),),
            redirect_uris=WEB,
            post_logout_redirect_uris=("http://127.0.0.1:9999/", "http://localhost:3000/"),
            require_pkce=False,
        ),
        _client("spa", "Example single-page app", now, redirect_uris=SPA, post_logout_redirect_uris=SPA),
        _client(
            "native",
            "Example native app",
            now,
            application_type="native",
            redirect_uris=NATIVE,
            post_logout_redirect_uris=NATIVE,
        ),
        _client(
            "machine",
            "Example machine",
            now,
            token_endpoint_auth_methods=both,
            secrets=(secrets.keep("machine-secret", now),),
            grant_types=("client_credentials",),
            response_types=(),
            scope=("reports:read", "reports:write"),
        ),
        _client(
            CLI,
            "Intaglio command line",
            now,
            application_type="native",
            redirect_uris=LOOPBACK,
            grant_types=("authorization_code", "refresh_token", GRANT),
            scope=CLI_SCOPE,
        ),
        _client("tv", "Example television", now, grant_types=(GRANT, "refresh_token"), response_types=()),
        _client(
            "demo",
            "Intaglio demo",
            now,
            redirect_uris=(demo + "/callback",),
            post_logout_redirect_uris=(demo,),
            client_uri=demo,
            initiate_login_uri=demo + "/login",
        ),
    )


async def _users(passwords: Passwords, now: int) -> tuple[User, ...]:
    made = []
    for number, (account, claims) in enumerate(zip(ACCOUNTS, (ALICE, BOB), strict=True), start=1):
        user_id = UserId(f"00000000-0000-4000-8000-00000000010{number}")
        encoded = await passwords.hash(account.password)
        made.append(User(TENANT_ID, user_id, account.username, now, now, encoded, claims, development=True))
    return tuple(made)


def _plant(people: tuple[User, ...], now: int) -> Plan[None]:
    yield from installation.keep_fact(FACT, "1")
    yield from tenants.insert(Tenant(TENANT_ID, SLUG, OWNER, "Default", now, development=True, domains=(DOMAIN,)))
    for user in people:
        yield from users.insert(user)


def _account(email: str, unique_id: str, now: int) -> Plan[None]:
    """Put a service account back as it was seeded; one that somebody made at its address since then stays."""
    if (yield from serviceaccounts.by_email(TENANT_ID, email)) is not None:
        return
    account = ServiceAccount(TENANT_ID, email, unique_id, PROJECT, now)
    # A deleted account keeps its row, and its number with it.
    if not (yield from serviceaccounts.replace(account)):
        yield from serviceaccounts.insert(account)


def _bindings() -> tuple[Policy, ...]:
    worker, target, alice = f"serviceAccount:{ACCOUNT}", f"serviceAccount:{TARGET}", f"user:{ALICE['email']}"
    known = {worker: ACCOUNT_ID, target: TARGET_ID, alice: ALICE_ID}

    def policy(resource: str, members: tuple[str, ...], *roles: str) -> Policy:
        bindings = tuple(Binding(role, members) for role in roles)
        return Policy(TENANT_ID, resource, bindings, "SEEDED00", 0, identities={name: known[name] for name in members})

    creators = ("roles/iam.serviceAccountOpenIdTokenCreator", "roles/iam.serviceAccountTokenCreator")
    return (
        policy(resources.service_account(PROJECT, TARGET_ID), (worker, alice), *creators),
        policy(resources.service(PROJECT, SERVICE), (target, alice), "roles/run.invoker"),
    )


def _machines(now: int) -> Plan[None]:
    if (yield from projects.by_id(TENANT_ID, PROJECT)) is None:
        yield from projects.insert(Project(TENANT_ID, PROJECT, PROJECT_NUMBER, "Demo project", now))
    yield from _account(ACCOUNT, ACCOUNT_ID, now)
    yield from _account(TARGET, TARGET_ID, now)
    named = yield from services.by_name(TENANT_ID, PROJECT, SERVICE)
    meant = yield from services.by_audience(TENANT_ID, SERVICE_AUDIENCE)
    if named is None and meant is None:
        yield from services.insert(ServiceRecord(TENANT_ID, PROJECT, SERVICE, (SERVICE_AUDIENCE,), now))
    for wanted in _bindings():
        # One that somebody wrote since then stays.
        yield from policies.write(msgspec.structs.replace(wanted, changed_at=now), "")


def _renew(wanted: tuple[Client, ...]) -> Plan[None]:
    for client in wanted:
        if not (yield from clients.replace(client)):
            yield from clients.insert(client)


async def plant(store: Store, base_url: str, secrets: ClientSecrets, passwords: Passwords, now: int) -> None:
    """Seed a database once, and put the seeded clients back as they should be at each start."""
    if await store.read(tenants.by_id, TENANT_ID) is None:
        await store.write(_plant, await _users(passwords, now), now)
    await applications.plant(store, TENANT_ID, OWNER, passwords, now)
    await store.write(_machines, now)
    await store.write(
        _renew, (*seeded_clients(base_url, secrets, now), *applications.seeded(_client, WEB, SPA, secrets, now))
    )


class Known(msgspec.Struct, frozen=True):
    """Secrets of development mode that were found in a database."""

    what: tuple[str, ...]


async def known_secrets(store: Store, secrets: ClientSecrets, passwords: Passwords, now: int) -> Known:
    """Return which of the seeds a database holds: the mark, a well-known client secret, password or service account."""
    found = ["the mark of development mode"] if await store.read(installation.fact, FACT) else []
    if await store.read(tenants.by_id, SUITE_TENANT_ID) is not None:
        found.append("the tenant of the conformance suite")
    tenant = await store.read(tenants.by_slug, SLUG)
    if tenant is None:
        return Known(tuple(found))
    for name in ("web", "machine", "ms-web", "ms-daemon"):
        client = await store.read(clients.by_id, tenant.tenant_id, GUIDS.get(name, name))
        if client is not None and secrets.verify(client.secrets, f"{name}-secret", now):
            found.append(f"the secret of the client '{name}'")
    everybody = [(tenant.tenant_id, account) for account in ACCOUNTS]
    for tenant_id, account in (*everybody, (PERSONAL_ID, CAROL)):
        user = await store.read(users.by_name, tenant_id, account.username)
        if user is not None and await passwords.verify(user.password_hash, account.password):
            found.append(f"the password of '{account.username}'")
    for identity in IDENTITIES:
        seeded = await store.read(serviceaccounts.by_unique_id, tenant.tenant_id, identity.unique_id)
        if seeded is not None and seeded.deleted_at is None:
            found.append(f"the service account '{identity.email}'")
    return Known(tuple(found))
