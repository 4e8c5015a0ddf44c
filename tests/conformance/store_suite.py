"""What every store does: one suite, run by `tests/server/store` for each engine.

A subject is a class that inherits `StoreSuite` and gives a fixture `url`: the URL of an empty, migrated database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

import msgspec
import pytest

from intaglio import errors, names
from intaglio.protocol.principals import Origin
from intaglio.server.model import (
    accountkeys,
    accounts,
    administrators,
    assertions,
    audit,
    clients,
    connections,
    consents,
    devices,
    duties,
    endings,
    expiry,
    grants,
    groups,
    identities,
    installation,
    invitations,
    organizations,
    outbox,
    policies,
    pools,
    projects,
    pushedrequests,
    rates,
    registrationtokens,
    revokedtokens,
    sealed,
    seals,
    serviceaccounts,
    services,
    sessions,
    signingkeys,
    tenants,
    throttles,
    users,
    vaultkeys,
)
from intaglio.server.model.administrators import Administrator
from intaglio.server.model.invitations import Invitation
from intaglio.server.model.plan import Ask, Conflict, Plan, Row, Store
from intaglio.server.model.rates import Used
from intaglio.server.provider.exchange import refresh_token
from intaglio.server.store import open as opening

T = TypeVar("T")
NOW = 1_800_000_000
TENANT = names.TenantId("7c6ab1a2-0000-4000-8000-000000000001")
USER = names.UserId("7c6ab1a2-0000-4000-8000-000000000002")
CLIENT = names.ClientId("web")
NUMBER = "123456789012345678901"


def unchanged(record: T) -> T:
    """Return a record as it is."""
    return record


def tenant(slug: str = "acme", **changes: Any) -> tenants.Tenant:
    """Return a tenant; another slug gives another identifier."""
    number = TENANT if slug == "acme" else names.TenantId(f"id-{slug}")
    return msgspec.structs.replace(tenants.Tenant(number, slug, "default", "Acme", NOW), **changes)


def client(client_id: str = "web", **changes: Any) -> clients.Client:
    """Return a client of the tenant."""
    return msgspec.structs.replace(clients.Client(TENANT, names.ClientId(client_id), "Web", NOW), **changes)


def user(username: str = "alice", user_id: str = USER, **changes: Any) -> users.User:
    """Return a user of the tenant."""
    return msgspec.structs.replace(users.User(TENANT, names.UserId(user_id), username, NOW, NOW), **changes)


def grant(grant_id: str = "grant-1", **changes: Any) -> grants.Grant:
    """Return a grant."""
    made = grants.Grant(
        grant_id=names.GrantId(grant_id),
        tenant_id=TENANT,
        issuer="https://id.example/acme",
        client_id=CLIENT,
        user_id=USER,
        session_id="session-1",
        scope="openid email",
        auth_time=NOW - 5,
        acr="1",
        amr="pwd otp",
        created_at=NOW,
        expires_at=NOW + 1000,
    )
    return msgspec.structs.replace(made, **changes)


def code(digest: bytes = b"\x00code\xff", **changes: Any) -> grants.Code:
    """Return an authorization code."""
    made = grants.Code(
        digest=digest,
        grant_id=names.GrantId("grant-1"),
        tenant_id=TENANT,
        issuer="https://id.example/acme",
        client_id=CLIENT,
        user_id=USER,
        session_id="session-1",
        redirect_uri="https://app.example/cb",
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        scope="openid",
        nonce="n-0S6_WzA2Mj",
        auth_time=NOW - 5,
        acr="",
        amr="pwd",
        created_at=NOW,
        expires_at=NOW + 60,
    )
    return msgspec.structs.replace(made, **changes)


def access(digest: bytes = b"access", **changes: Any) -> grants.AccessToken:
    """Return an access token."""
    made = grants.AccessToken(digest, names.GrantId("grant-1"), "openid", NOW, NOW + 300)
    return msgspec.structs.replace(made, **changes)


def refresh(digest: bytes = b"refresh", **changes: Any) -> grants.RefreshToken:
    """Return a refresh token."""
    made = grants.RefreshToken(digest, names.GrantId("grant-1"), "openid offline_access", NOW, NOW + 900)
    return msgspec.structs.replace(made, **changes)


def registration_token(digest: bytes = b"initial", **changes: Any) -> registrationtokens.RegistrationToken:
    """Return a token with which clients register themselves."""
    made = registrationtokens.RegistrationToken(digest, TENANT, "token-1", "partner", NOW, NOW + 600, 3)
    return msgspec.structs.replace(made, **changes)


def session(session_id: str = "session-1", digest: bytes = b"cookie", **changes: Any) -> sessions.Session:
    """Return a sign-in session."""
    made = sessions.Session(
        session_id=names.SessionId(session_id),
        digest=digest,
        tenant_id=TENANT,
        issuer="https://id.example/acme",
        user_id=USER,
        auth_time=NOW - 5,
        amr=("pwd", "otp"),
        acr="1",
        created_at=NOW,
        expires_at=NOW + 600,
    )
    return msgspec.structs.replace(made, **changes)


def transaction(digest: bytes = b"login", **changes: Any) -> sessions.Transaction:
    """Return an authorization request that waits."""
    made = sessions.Transaction(
        digest=digest,
        browser=b"browser",
        tenant_id=TENANT,
        issuer="https://id.example/acme",
        dialect="standard",
        client_id="web",
        parameters=(("scope", "openid"), ("scope", "email")),
        created_at=NOW,
        expires_at=NOW + 600,
    )
    return msgspec.structs.replace(made, **changes)


def connection(connection_id: str = "con_1", **changes: Any) -> connections.Connection:
    """Return a connection to another provider."""
    made = connections.Connection(TENANT, connection_id, "elsewhere", NOW, "https://elsewhere.example", "client")
    return msgspec.structs.replace(made, **changes)


def identity(subject: str = "s-1", **changes: Any) -> identities.Identity:
    """Return who the user is at the other provider."""
    made = identities.Identity(TENANT, "https://elsewhere.example", subject, names.UserId(USER), "con_1", NOW, NOW)
    return msgspec.structs.replace(made, **changes)


def upstream(digest: bytes = b"state", **changes: Any) -> identities.UpstreamSignIn:
    """Return a sign-in that goes on at the other provider."""
    made = identities.UpstreamSignIn(
        digest, b"browser", TENANT, "https://id.example/acme", "standard", "con_1", "login", "sealed", NOW, NOW + 600
    )
    return msgspec.structs.replace(made, **changes)


def pushed(digest: bytes = b"reference", **changes: Any) -> pushedrequests.PushedRequest:
    """Return a pushed authorization request."""
    made = pushedrequests.PushedRequest(
        digest, TENANT, "https://id.example/acme", CLIENT, (("scope", "openid"),), NOW, NOW + 60
    )
    return msgspec.structs.replace(made, **changes)


def key(key_id: str = "key-1", **changes: Any) -> signingkeys.SigningKeyRecord:
    """Return a signing key."""
    made = signingkeys.SigningKeyRecord(
        names.RingId("ring"), key_id, "RS256", "sealed", b"\x30\x82\x00\xff", NOW, NOW + 10
    )
    return msgspec.structs.replace(made, **changes)


def account(email: str = "robot@project.example", **changes: Any) -> serviceaccounts.ServiceAccount:
    """Return a service account."""
    made = serviceaccounts.ServiceAccount(TENANT, email, NUMBER, "project", NOW)
    return msgspec.structs.replace(made, **changes)


def project(project_id: str = "project", number: int = 100_000_000_001, **changes: Any) -> projects.Project:
    """Return a project."""
    return msgspec.structs.replace(projects.Project(TENANT, project_id, number, "A project", NOW), **changes)


def account_key(key_id: str = "key-1", **changes: Any) -> accountkeys.AccountKey:
    """Return a key of a service account."""
    made = accountkeys.AccountKey(TENANT, NUMBER, key_id, "RS256", "created", b"\x30\x82\x00\xff", NOW, NOW + 600)
    return msgspec.structs.replace(made, **changes)


def service(name: str = "report", *audiences: str, **changes: Any) -> services.ServiceRecord:
    """Return a target service."""
    made = services.ServiceRecord(TENANT, "project", name, audiences or (f"https://{name}.example",), NOW)
    return msgspec.structs.replace(made, **changes)


def pool(pool_id: str = "ci", **changes: Any) -> pools.Pool:
    """Return a pool of external identities."""
    return msgspec.structs.replace(pools.Pool(TENANT, "project", pool_id, NOW), **changes)


def pool_provider(provider_id: str = "github", **changes: Any) -> pools.PoolProvider:
    """Return a provider of the pool."""
    made = pools.PoolProvider(
        tenant_id=TENANT,
        project_id="project",
        pool_id="ci",
        provider_id=provider_id,
        created_at=NOW,
        issuer="https://token.example",
        allowed_audiences=("https://one.example", "é"),
        attribute_mapping={"google.subject": "assertion.sub"},
        attribute_condition="assertion.owner_id == '1'",
    )
    return msgspec.structs.replace(made, **changes)


def policy(resource: str = "projects/project", etag: str = "etag-1", **changes: Any) -> policies.Policy:
    """Return a policy with a conditional binding."""
    condition = policies.Condition("until", "request.time < timestamp('2030-01-01T00:00:00Z')", "A year.")
    bindings = (policies.Binding("roles/run.invoker", ("user:alice@example.com",), condition),)
    made = policies.Policy(TENANT, resource, bindings, etag, NOW, 3, {"user:alice@example.com": USER})
    return msgspec.structs.replace(made, **changes)


def custom_role(role: str = "projects/project/roles/caller", **changes: Any) -> policies.CustomRole:
    """Return a custom role."""
    made = policies.CustomRole(TENANT, role, "Caller", ("run.routes.invoke",), NOW)
    return msgspec.structs.replace(made, **changes)


def audit_entry(entry_id: str = "01", **changes: Any) -> audit.Entry:
    """Return an entry of the audit log."""
    made = audit.Entry(
        tenant_id=TENANT,
        entry_id=entry_id,
        at=NOW,
        action="id_token",
        principal="serviceAccount:robot@project.example",
        resource="projects/project/serviceAccounts/1",
        outcome="allowed",
        ref="ref-1",
        chain=("principal://pool/subject/a", "serviceAccount:robot@project.example"),
        origin=Origin("https://token.example", "repo:a", "jti-1"),
        detail={"audience": "https://one.example"},
    )
    return msgspec.structs.replace(made, **changes)


def entry(entry_id: str = "entry-1", **changes: Any) -> outbox.Entry:
    """Return something to do."""
    made = outbox.Entry(entry_id, "kind", "target", b"{}", NOW, NOW, NOW + 3600)
    return msgspec.structs.replace(made, **changes)


def device(digest: bytes = b"\x00device\xff", **changes: Any) -> devices.DeviceCode:
    """Return a device's request."""
    made = devices.DeviceCode(
        digest=digest,
        user_code=b"\x00user code\xff",
        grant_id=names.GrantId("grant-9"),
        tenant_id=TENANT,
        issuer="https://id.example/acme",
        client_id=CLIENT,
        scope="openid email",
        origin="2001:db8::1",
        created_at=NOW,
        expires_at=NOW + 600,
        poll_seconds=5,
    )
    return msgspec.structs.replace(made, **changes)


def approval(digest: bytes = b"\x00device\xff", **changes: Any) -> devices.Decision:
    """Return a person's approval of a device."""
    made = devices.Decision(digest, "approved", NOW + 9, USER, "session-1", "openid", NOW - 5, "1", "pwd otp")
    return msgspec.structs.replace(made, **changes)


WRAPPED = vaultkeys.WrappedKeys("local:1", 1, "wrapped", "sealed", NOW)
PLACE = sealed.Place(("a", "b", "c"), b"before")
VAULT_WALK: list[tuple[Callable[..., Plan[Any]], tuple[Any, ...], bool]] = [
    (vaultkeys.lock, (), True),
    (vaultkeys.insert, (WRAPPED,), True),
    (vaultkeys.every, (), False),
    (vaultkeys.of, ("local:1",), False),
    (vaultkeys.exchange, (1, msgspec.structs.replace(WRAPPED, version=2)), True),
    (vaultkeys.use, ("local:1", NOW), True),
    (vaultkeys.delete, ("local:1",), True),
    (vaultkeys.delete_every, (), True),
    (sealed.is_anything_sealed, (), False),
    (sealed.signing_keys, (("", ""), 10), False),
    (sealed.exchange_signing_key, (PLACE, b"after"), True),
    (sealed.clients, (("", ""), 10), False),
    (sealed.exchange_client, (PLACE, b"after"), True),
    (sealed.connections, (("", ""), 10), False),
    (sealed.exchange_connection, (PLACE, b"after"), True),
    (sealed.account_keys, (("", "", ""), 10), False),
    (sealed.exchange_account_key, (PLACE, b"after"), True),
]

ADMINISTRATOR = Administrator(TENANT, administrators.user(USER), "viewer", NOW, "")

# Every plan once, in an order in which each finds what it needs; (plan, arguments, whether it changes something).
WALK: list[tuple[Callable[..., Plan[Any]], tuple[Any, ...], bool]] = [
    (installation.keep_fact, ("development", "yes"), True),
    (installation.fact, ("development",), False),
    (installation.begin_fact, ("begun", "once"), True),
    (installation.exchange_fact, ("begun", "once", "twice"), True),
    *VAULT_WALK,
    (tenants.insert, (tenant(hosts=("a.example",), domains=("first.example",)),), True),
    (tenants.rename, (tenant(hosts=("a.example",), domains=("acme.example",)),), True),
    (tenants.by_domain, ("acme.example",), False),
    (tenants.by_slug, ("acme",), False),
    (tenants.by_host, ("a.example",), False),
    (tenants.by_id, (TENANT,), False),
    (tenants.page, ("", 10), False),
    (tenants.replace, (tenant(sign_up=True),), True),
    (clients.insert, (client(),), True),
    (clients.replace, (client(client_name="Other"),), True),
    (clients.own, (TENANT, "", 0, 10), False),
    (clients.by_id, (TENANT, "web"), False),
    (clients.page, (TENANT, "", 10), False),
    (clients.anywhere, ("web",), False),
    (clients.is_taken, (client(),), False),
    (users.insert, (user(),), True),
    (users.replace, (user(password_hash="$argon2id$"),), True),
    (users.exchange, (user(password_hash="$argon2id$"), user(password_hash="$argon2id$")), True),
    (users.by_id, (TENANT, USER), False),
    (users.by_name, (TENANT, "alice"), False),
    (users.by_confirmed_email, (TENANT, "alice@example.com"), False),
    (users.has_email, (TENANT, "alice@example.com"), False),
    (users.page, (TENANT, "", 10), False),
    (connections.insert, (connection(),), True),
    (connections.replace, (connection(display_name="Elsewhere"),), True),
    (connections.of_tenant, (TENANT,), False),
    (identities.insert, (identity(),), True),
    (identities.replace, (identity(seen_at=NOW + 5),), True),
    (identities.by_subject, (TENANT, "https://elsewhere.example", "s-1"), False),
    (identities.of_user, (TENANT, USER), False),
    (identities.begin, (upstream(),), True),
    (identities.take, (b"state", NOW), True),
    (pushedrequests.insert, (pushed(),), True),
    (pushedrequests.by_digest, (b"reference", NOW), False),
    (pushedrequests.use, (b"reference", NOW), True),
    (groups.insert, (groups.Group(TENANT, "group-1", "Staff", NOW),), True),
    (groups.page, (TENANT, "", 10), False),
    (groups.by_id, (TENANT, "group-1"), False),
    (groups.named, (TENANT, ("group-1",)), False),
    (organizations.insert, (organizations.Organization(TENANT, "org_1", "shop", NOW),), True),
    (organizations.by_id, (TENANT, "org_1"), False),
    (organizations.by_name, (TENANT, "shop"), False),
    (organizations.page, (TENANT, "", 10), False),
    (organizations.add_member, (TENANT, "org_1", USER), True),
    (organizations.of_user, (TENANT, USER, 10), False),
    (organizations.has_member, (TENANT, "org_1", USER), False),
    (organizations.members, (TENANT, "org_1", "", 10), False),
    (organizations.remove_member, (TENANT, "org_1", USER), True),
    (organizations.delete, (TENANT, "org_1"), True),
    (groups.delete, (TENANT, "group-1"), True),
    (identities.delete, (TENANT, "https://elsewhere.example", "s-1"), True),
    (connections.delete, (TENANT, "con_1"), True),
    (projects.insert, (project(),), True),
    (projects.by_id, (TENANT, "project"), False),
    (projects.by_number, (TENANT, 100_000_000_001), False),
    (projects.page, (TENANT, "", 10), False),
    (serviceaccounts.insert, (account(),), True),
    (serviceaccounts.replace, (account(display_name="Robot"),), True),
    (serviceaccounts.exchange, (account(display_name="Robot"), account(display_name="Robot")), True),
    (serviceaccounts.by_email, (TENANT, "robot@project.example"), False),
    (serviceaccounts.by_unique_id, (TENANT, NUMBER), False),
    (serviceaccounts.page, (TENANT, "project", "", 10), False),
    (accountkeys.insert, (account_key(),), True),
    (accountkeys.replace, (account_key(disabled_at=NOW),), True),
    (accountkeys.of_account, (TENANT, NUMBER), False),
    (accountkeys.delete, (TENANT, NUMBER, "key-1"), True),
    (services.insert, (service(),), True),
    (services.replace, (service("report", "https://a.example", "https://b.example"),), True),
    (services.by_name, (TENANT, "project", "report"), False),
    (services.by_audience, (TENANT, "https://b.example"), False),
    (services.page, (TENANT, "project", "", 10), False),
    (services.delete, (TENANT, "project", "report"), True),
    (pools.insert, (pool(),), True),
    (pools.replace, (pool(disabled_at=NOW),), True),
    (pools.by_id, (TENANT, "project", "ci"), False),
    (pools.page, (TENANT, "project", "", 10), False),
    (pools.insert_provider, (pool_provider(),), True),
    (pools.replace_provider, (pool_provider(disabled_at=NOW),), True),
    (pools.provider_by_id, (TENANT, "project", "ci", "github"), False),
    (pools.provider_page, (TENANT, "project", "ci", "", 10), False),
    (policies.write, (policy(), ""), True),
    (policies.write, (policy(etag="etag-2"), "etag-1"), True),
    (policies.of_resource, (TENANT, "projects/project"), False),
    (policies.page, (TENANT, "", 10), False),
    (policies.delete, (TENANT, "projects/project"), True),
    (policies.insert_role, (custom_role(),), True),
    (policies.replace_role, (custom_role(title="Other"),), True),
    (policies.roles_of, (TENANT,), False),
    (policies.delete_role, (TENANT, "projects/project/roles/caller"), True),
    (audit.insert, ((audit_entry(), audit_entry("02")),), True),
    (audit.page, (TENANT, audit.LAST, 10), False),
    (audit.page, (TENANT, audit.LAST, 10, "", "user:a"), False),
    (audit.page, (TENANT, audit.LAST, 10, "", "", "users/a"), False),
    (audit.forward, (TENANT, "", audit.LAST, 10), False),
    (audit.tenants, (), False),
    (seals.waiting, (), False),
    (seals.seal, (b"key", "one", 10, NOW, 10), True),
    (seals.stretch, (None, 10), False),
    (seals.strays, (10,), False),
    (seals.prune, (b"key", NOW + 1, 10), True),
    (audit.insert_one, (audit_entry("03"),), True),
    (revokedtokens.revoke, (b"sealed", NOW + 60), True),
    (revokedtokens.is_revoked, (b"sealed",), False),
    (consents.granted, (TENANT, USER, "web"), False),
    (consents.remember, (TENANT, USER, "web", frozenset({"openid"}), NOW), True),
    (signingkeys.lock_ring, ("ring",), True),
    (signingkeys.insert, (key(gone_at=NOW - 1),), True),
    (signingkeys.of_ring, ("ring",), False),
    (signingkeys.set_instants, (key(retired_at=NOW, gone_at=NOW),), True),
    (signingkeys.rings, ("", 10), False),
    (sessions.insert, (session(),), True),
    (sessions.with_user, (b"cookie", "https://id.example/acme", NOW), False),
    (sessions.renew, (session(digest=b"renewed"),), True),
    (sessions.by_id, ("session-1", NOW), False),
    (sessions.transaction_insert, (transaction(),), True),
    (sessions.transaction_replace, (transaction(authenticated_at=NOW),), True),
    (sessions.transaction_by_digest, (b"login", NOW), False),
    (sessions.transaction_take, (b"login", NOW), True),
    (grants.grant_insert, (grant(),), True),
    (grants.grant_by_id, ("grant-1",), False),
    (devices.insert, (device(),), True),
    (devices.by_digest, (b"\x00device\xff",), False),
    (devices.by_user_code, (b"\x00user code\xff", NOW), False),
    (devices.poll, (b"\x00device\xff", NOW), True),
    (devices.decide, (approval(),), True),
    (devices.use, (b"\x00device\xff", NOW), True),
    (grants.code_insert, (code(),), True),
    (grants.code_by_digest, (b"\x00code\xff",), False),
    (grants.code_use, (b"\x00code\xff", NOW), True),
    (grants.access_insert, (access(),), True),
    (grants.access_issue, (access(digest=b"issued"), audit_entry("04")), True),
    (grants.grant_issue, (grant(), access(digest=b"kept"), audit_entry("05")), True),
    (grants.access_with_grant, (b"access", NOW), False),
    (grants.access_end, (b"access", NOW), True),
    (grants.refresh_insert, (refresh(),), True),
    (grants.refresh_with_grant, (b"refresh",), False),
    (grants.refresh_use_first, (b"refresh", NOW), True),
    (grants.refresh_use, (b"refresh", NOW), True),
    (grants.grant_keep, (grant(),), True),
    (sessions.hold, ("session-1", NOW), True),
    (grants.grant_revoke, ("grant-1", NOW), True),
    (sessions.note_client, ("session-1", "web"), True),
    (sessions.granted_clients, ("session-1",), False),
    (accounts.sessions_of, (TENANT, USER, NOW), False),
    (accounts.uses_of, (TENANT, USER, NOW), False),
    (accounts.agreements_of, (TENANT, USER), False),
    (accounts.kept_sessions, (TENANT, USER), False),
    (accounts.kept_grants, (TENANT, USER), False),
    (accounts.withdraw, (TENANT, USER, "web", NOW), True),
    (accounts.end_session, ("session-1", TENANT, "another", NOW), True),
    (sessions.end, ("session-1", NOW), True),
    (accounts.end_all, (TENANT, USER, "session-1", NOW), True),
    (outbox.insert, (entry(),), True),
    (outbox.is_due, (NOW,), False),
    (outbox.oldest, (NOW,), False),
    (outbox.claim, ("holder", NOW, NOW + 60, 4, 10), True),
    (outbox.again, (entry(lease="holder"), NOW, NOW), True),
    (outbox.finish, ("entry-1", "holder"), True),
    (clients.exchange, (client(client_name="Other"), client(client_name="Changed")), True),
    (clients.delete, (TENANT, "web"), True),
    (assertions.use, (b"assertion", NOW + 60), True),
    (registrationtokens.insert, (registration_token(),), True),
    (registrationtokens.is_live, (b"initial", TENANT, NOW), False),
    (registrationtokens.use, (b"initial", TENANT, NOW), True),
    (registrationtokens.page, (TENANT, "", 10), False),
    (registrationtokens.delete, (TENANT, "token-1"), True),
    (throttles.count, (b"key", NOW, NOW - 60), True),
    (throttles.failures, (b"key", NOW - 60), False),
    (throttles.forgive, (b"key",), True),
    (throttles.forget, (b"key",), True),
    *((expiry.sweep, (query, NOW, 100), True) for query in expiry.QUERIES),
    # Here it all ends: what is new stands above.
    (tenants.exchange, (tenant(sign_up=True), tenant(name="Other")), True),
    (tenants.revise, (TENANT, unchanged), True),
    (users.revise, (TENANT, USER, unchanged), True),
    (clients.revise, (TENANT, "web", unchanged), True),
    (duties.take, ("sweep", "one", NOW, 60), True),
    (duties.lay_down, ("sweep", "one"), True),
    (rates.add, ([Used(b"k" * 32, NOW, 2, NOW + 60)],), True),
    (administrators.put, (ADMINISTRATOR,), True),
    (administrators.of, (TENANT, ADMINISTRATOR.principal), False),
    (administrators.living_in, (TENANT,), False),
    (administrators.page, ("", "", "", 10), False),
    (administrators.is_there, (), False),
    (administrators.remove, (TENANT, ADMINISTRATOR.principal, "elsewhere"), True),
    (administrators.forget_scope, ("elsewhere",), True),
    (administrators.forget, (TENANT, ADMINISTRATOR.principal), True),
    (invitations.insert, (Invitation(b"i" * 32, TENANT, "owner", NOW, NOW + 60),), True),
    (invitations.find, (b"i" * 32, NOW), False),
    (invitations.use, (b"i" * 32, NOW), True),
    (signingkeys.delete, ("ring", "unknown"), True),
    (endings.told_grants, (TENANT, USER, NOW), False),
    (endings.told_sessions, (TENANT, USER, NOW), False),
    (endings.grants_of_user, (TENANT, USER, NOW), True),
    (endings.grants_of_client, (TENANT, "web", NOW), True),
    (endings.grants_of_tenant, (TENANT, NOW), True),
    (endings.under_way, (TENANT, NOW), True),
    (endings.requests_of_client, (TENANT, "web", NOW), True),
    (endings.requests_of_tenant, (TENANT, NOW), True),
    (endings.live_sessions, (TENANT, ("", ""), NOW, 10), False),
    (endings.sessions_at, (TENANT, "op", ("", ""), NOW, 10), False),
    (endings.grants_at, (TENANT, "op", NOW), True),
    (endings.all_sessions, (TENANT, NOW), True),
    (endings.waiting_notices, ("target",), True),
    (endings.traces_of_client, (TENANT, "web"), True),
    (endings.elsewhere, ("web", ""), False),
    (endings.delete_user, (TENANT, USER), True),
    (endings.delete_users, (TENANT, 10), True),
    (endings.delete_clients, (TENANT, 10), True),
    (endings.delete_ring, ("ring",), True),
    (endings.delete_tenant, (TENANT,), True),
]


def recording(plan: Callable[..., Plan[T]], seen: list[Ask]) -> Callable[..., Plan[T]]:
    """Return the plan, noting what it asks."""

    def run(*args: Any) -> Generator[Ask, list[Row], T]:
        inner = plan(*args)
        try:
            ask = next(inner)
            while True:
                seen.append(ask)
                try:
                    rows = yield ask
                except Conflict as conflict:
                    ask = inner.throw(conflict)
                else:
                    ask = inner.send(rows)
        except StopIteration as stop:
            value: T = stop.value
            return value

    run.__dict__.update(plan.__dict__)
    return run


def insert_then_raise(made: tenants.Tenant) -> Plan[None]:
    """Keep a tenant, then fail."""
    yield from tenants.insert(made)
    raise LookupError("after the question")


def insert_or_find(made: tenants.Tenant) -> Plan[str]:
    """Keep a tenant; on a conflict, go on asking in the same transaction and keep a fact."""
    try:
        yield from tenants.insert(made)
    except Conflict:
        found = yield from tenants.by_slug(made.slug)
        yield from installation.keep_fact("met", "conflict")
        return found.name if found else "nothing"
    return "kept"


def insert_ignoring(made: tenants.Tenant) -> Plan[str]:
    """Keep a fact and a tenant; a conflict is the last thing that happens."""
    yield from installation.keep_fact("before", "kept")
    try:
        yield from tenants.insert(made)
    except Conflict:
        return "conflict"
    return "kept"


def read_and_write() -> Plan[None]:
    """Try to write."""
    yield from installation.keep_fact("a", "b")
    yield from installation.fact("a")


def unknown() -> Plan[None]:
    """Ask for what does not exist."""
    yield Ask("drop_everything")


def two_facts() -> Plan[tuple[str | None, str | None]]:
    """Read two facts on one view."""
    first = yield from installation.fact("left")
    second = yield from installation.fact("right")
    return first, second


def set_both(value: str) -> Plan[None]:
    """Write two facts in one transaction."""
    yield from installation.keep_fact("left", value)
    yield from installation.keep_fact("right", value)


def increment() -> Plan[None]:
    """Count in a row that everybody wants, after taking a lock for it."""
    yield from signingkeys.lock_ring("counter")
    before = yield from installation.fact("counter")
    yield from installation.keep_fact("counter", str(int(before or "0") + 1))


class StoreSuite:
    """The suite; `url` is a fixture of the subject."""

    @staticmethod
    def run(url: str, case: Callable[[Store], Awaitable[T]]) -> T:
        """Run a case on an open store, within a minute."""

        async def go() -> T:
            store = await opening.open_store(url)
            try:
                return await asyncio.wait_for(case(store), 60)
            finally:
                await store.close()

        return asyncio.run(go())

    def test_every_plan_runs(self, url: str) -> None:
        """Each plan's questions are understood by the engine, with exactly the values that the query takes."""

        async def case(store: Store) -> list[Any]:
            return [await (store.write if writes else store.read)(plan, *args) for plan, args, writes in WALK]

        found = self.run(url, case)
        assert [one for (plan, _, writes), one in zip(WALK, found, strict=True) if not writes].count(None) == 0

    def test_tenant_comes_back_as_it_was_kept(self, url: str) -> None:
        """A tenant is found by slug, host and identifier, equal to what was kept."""
        made = tenant(hosts=("a.example", "b.example:8443"), logo_uri="https://a.example/é.png", disabled_at=NOW)

        async def case(store: Store) -> None:
            await store.write(tenants.insert, made)
            assert await store.read(tenants.by_slug, "acme") == made
            assert await store.read(tenants.by_host, "b.example:8443") == made
            assert await store.read(tenants.by_id, TENANT) == made
            assert await store.read(tenants.by_slug, "ACME") is None
            assert await store.read(tenants.by_host, "c.example") is None

        self.run(url, case)

    def test_pages_are_in_byte_order(self, url: str) -> None:
        """Pages follow one another without gap or overlap, ordered by bytes on every engine."""
        slugs = ["a", "a-b", "ab", "b", "z9", "zz"]

        async def case(store: Store) -> list[str]:
            for slug in reversed(slugs):
                await store.write(tenants.insert, tenant(slug))
            found: list[str] = []
            while page := await store.read(tenants.page, found[-1] if found else "", 4):
                found += [one.slug for one in page]
            return found

        assert self.run(url, case) == slugs

    def test_user_pages_sort_capitals_and_accents_by_bytes(self, url: str) -> None:
        """Sign-in names are ordered by their UTF-8 bytes."""

        async def case(store: Store) -> list[str]:
            await store.write(tenants.insert, tenant())
            for number, name in enumerate(["é", "z", "a b", "a", "a-b", "😀"]):
                await store.write(users.insert, user(name, f"u{number}"))
            return [one.username for one in await store.read(users.page, TENANT, "", 10)]

        assert self.run(url, case) == ["a", "a b", "a-b", "z", "é", "😀"]

    def test_clients_and_users_and_accounts_are_kept_and_replaced(self, url: str) -> None:
        """Records come back as kept; replace tells whether there was one."""
        secret = clients.ClientSecret(bytes(range(256)), NOW)

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            assert not await store.write(clients.replace, client())
            await store.write(clients.insert, client())
            changed = client(secrets=(secret,), redirect_uris=("https://a.example/cb",), require_pkce=False)
            assert await store.write(clients.replace, changed)
            assert await store.read(clients.by_id, TENANT, "web") == changed
            assert await store.read(clients.by_id, "other", "web") is None
            assert not await store.write(users.replace, user())
            await store.write(users.insert, user("  Alice "))
            assert await store.write(users.replace, user("  Alice ", claims={"address": {"country": "XK"}, "n": [1]}))
            found = await store.read(users.by_name, TENANT, "ALICE")
            assert found is not None
            assert found.claims == {"address": {"country": "XK"}, "n": [1]}
            assert await store.read(users.by_id, TENANT, USER) == found
            await store.write(projects.insert, project())
            await store.write(serviceaccounts.insert, account())
            assert await store.read(serviceaccounts.by_email, TENANT, "robot@project.example") == account()

        self.run(url, case)

    def test_what_must_be_unique_conflicts(self, url: str) -> None:
        """Each unique name taken twice is a `Conflict`, and nothing of the second plan is kept."""
        twice: list[tuple[Callable[..., Plan[Any]], Any, Any]] = [
            (tenants.insert, tenant("one"), tenant("two", tenant_id=names.TenantId("id-one"))),
            (tenants.insert, tenant("three"), tenant("three", tenant_id=names.TenantId("other"))),
            (tenants.insert, tenant("four", hosts=("h",)), tenant("five", hosts=("g", "h"))),
            (clients.insert, client(), client(client_name="Second")),
            (users.insert, user(), user("bob")),
            (users.insert, user("carol", "u2"), user("CAROL ", "u3")),
            (serviceaccounts.insert, account(), account(unique_id="2")),
            (signingkeys.insert, key(), key(alg="ES256")),
            (sessions.insert, session(), session(digest=b"other")),
            (sessions.insert, session("s2", b"d2"), session("s3", b"d2")),
            (sessions.transaction_insert, transaction(), transaction(client_id="x")),
            (grants.grant_insert, grant(), grant(user_id="x")),
            (grants.code_insert, code(), code(nonce="x")),
            (devices.insert, device(), device(user_code=b"another")),
            (devices.insert, device(b"d2", user_code=b"u2"), device(b"d3", user_code=b"u2")),
        ]

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            await store.write(projects.insert, project())
            for plan, first, second in twice:
                await store.write(plan, first)
                with pytest.raises(Conflict) as met:
                    await store.write(plan, second)
                assert str(met.value) == ""
            assert await store.read(tenants.by_slug, "five") is None
            assert await store.read(tenants.by_host, "g") is None

        self.run(url, case)

    def test_tenant_is_replaced(self, url: str) -> None:
        """A changed tenant comes back as it was changed; there is nothing to replace where none is."""

        async def case(store: Store) -> None:
            assert not await store.write(tenants.replace, tenant())
            await store.write(tenants.insert, tenant())
            assert await store.write(tenants.replace, tenant(sign_up=True, registration="open"))
            assert await store.read(tenants.by_slug, "acme") == tenant(sign_up=True, registration="open")

        self.run(url, case)

    def test_device_comes_back_as_it_was_kept(self, url: str) -> None:
        """A device's request is found by either code, and by the user code only until it is decided or expires."""

        async def case(store: Store) -> None:
            await store.write(devices.insert, device())
            assert await store.read(devices.by_digest, b"\x00device\xff") == device()
            assert await store.read(devices.by_user_code, b"\x00user code\xff", NOW + 599) == device()
            assert await store.read(devices.by_user_code, b"\x00user code\xff", NOW + 600) is None
            assert await store.read(devices.by_user_code, b"\x00device\xff", NOW) is None
            assert await store.write(devices.decide, approval())
            assert await store.read(devices.by_user_code, b"\x00user code\xff", NOW) is None
            found = await store.read(devices.by_digest, b"\x00device\xff")
            assert found == device(
                decision="approved", user_id=USER, session_id="session-1", granted="openid", auth_time=NOW - 5,
                acr="1", amr="pwd otp",
            )  # fmt: skip

        self.run(url, case)

    def test_device_is_decided_once_and_in_time(self, url: str) -> None:
        """The first of many decisions wins, and none comes after the end."""

        async def case(store: Store) -> None:
            await store.write(devices.insert, device())
            await store.write(devices.insert, device(b"late", user_code=b"late"))
            assert not await store.write(devices.decide, approval(b"late", now=NOW + 600))
            assert not await store.write(devices.decide, approval(b"unknown"))
            tries = [approval(), *[approval(decision="denied") for _ in range(15)]]
            won = await asyncio.gather(*[store.write(devices.decide, one) for one in tries])
            assert won.count(True) == 1

        self.run(url, case)

    def test_device_is_used_once(self, url: str) -> None:
        """One of many uses of an approved request wins; an undecided, denied or expired one is used by nobody."""

        async def case(store: Store) -> None:
            for name in (b"open", b"denied", b"late", b"good"):
                await store.write(devices.insert, device(name, user_code=name))
            await store.write(devices.decide, approval(b"denied", decision="denied"))
            await store.write(devices.decide, approval(b"late"))
            await store.write(devices.decide, approval(b"good"))
            assert await store.write(devices.use, b"open", NOW) is None
            assert await store.write(devices.use, b"denied", NOW) is None
            assert await store.write(devices.use, b"late", NOW + 600) is None
            won = await asyncio.gather(*[store.write(devices.use, b"good", NOW + 10) for _ in range(20)])
            (used,) = [one for one in won if one is not None]
            assert (used.used_at, used.granted, used.amr) == (NOW + 10, "openid", "pwd otp")

        self.run(url, case)

    def test_device_of_an_ended_session_is_not_used(self, url: str) -> None:
        """Signing out ends what was approved in the session and not fetched yet."""

        async def case(store: Store) -> None:
            await store.write(sessions.insert, session())
            await store.write(devices.insert, device())
            await store.write(devices.decide, approval())
            await store.write(sessions.end, "session-1", NOW + 10)
            assert await store.write(devices.use, b"\x00device\xff", NOW + 11) is None

        self.run(url, case)

    def test_early_polls_make_the_interval_longer(self, url: str) -> None:
        """RFC 8628 3.5: five seconds for each early poll; a second is let go; of two at once one is early."""

        async def case(store: Store) -> None:
            await store.write(devices.insert, device())

            async def polled(now: int) -> int:
                return await store.write(devices.poll, b"\x00device\xff", now)

            assert [await polled(NOW + at) for at in (0, 4, 8, 11, 20, 29)] == [5, 5, 5, 10, 10, 10]
            assert sorted(await asyncio.gather(*[polled(NOW + 60) for _ in range(4)])) == [10, 15, 20, 25]
            assert await store.write(devices.poll, b"unknown", NOW) == 0

        self.run(url, case)

    def test_row_without_its_tenant_is_refused(self, url: str) -> None:
        """A client of a tenant that does not exist is refused, and not as a conflict; no value is in the error."""

        async def case(store: Store) -> None:
            with pytest.raises(errors.IntaglioError) as met:
                await store.write(clients.insert, client("secret-name"))
            assert met.value.code == "storage-refused"
            assert "secret-name" not in f"{met.value} {met.value.detail} {met.value.__cause__}"

        self.run(url, case)

    def test_conflict_can_be_caught_inside_the_plan(self, url: str) -> None:
        """A plan that catches a conflict goes on in the same transaction, and what it writes then is kept."""

        async def case(store: Store) -> None:
            assert await store.write(insert_or_find, tenant()) == "kept"
            other = tenant(tenant_id=names.TenantId("other"), name="Second")
            assert await store.write(insert_or_find, other) == "Acme"
            assert await store.read(installation.fact, "met") == "conflict"

        self.run(url, case)

    def test_conflict_at_the_end_keeps_what_came_before(self, url: str) -> None:
        """A plan that catches a conflict and returns has its other rows kept."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            assert await store.write(insert_ignoring, tenant()) == "conflict"
            assert await store.read(installation.fact, "before") == "kept"

        self.run(url, case)

    def test_plan_that_raises_keeps_nothing(self, url: str) -> None:
        """The plan's own exception reaches the caller, and its rows are gone; its neighbours' are not."""

        async def case(store: Store) -> None:
            results = await asyncio.gather(
                *(store.write(tenants.insert, tenant(f"good{n}")) for n in range(10)),
                *(store.write(insert_then_raise, tenant(f"bad{n}", hosts=(f"h{n}",))) for n in range(10)),
                return_exceptions=True,
            )
            assert results[:10] == [None] * 10
            assert [type(one) for one in results[10:]] == [LookupError] * 10
            slugs = [one.slug for one in await store.read(tenants.page, "", 100)]
            assert slugs == [f"good{n}" for n in range(10)]

        self.run(url, case)

    def test_reading_cannot_write(self, url: str) -> None:
        """A plan that writes is refused by `read`."""

        async def case(store: Store) -> None:
            for plan, args in ((read_and_write, ()), (installation.keep_fact, ("a", "b"))):
                with pytest.raises(errors.IntaglioError) as met:
                    await store.read(plan, *args)
                assert met.value.code == "storage-read-writes"
            assert await store.read(installation.fact, "a") is None

        self.run(url, case)

    def test_unknown_question_is_refused(self, url: str) -> None:
        """A question without a query is the program's fault and changes nothing."""

        async def case(store: Store) -> None:
            for run in (store.read, store.write):
                with pytest.raises(errors.IntaglioError) as met:
                    await run(unknown)
                assert met.value.code == "storage-unknown-query"

        self.run(url, case)

    def test_closed_store_answers_nothing(self, url: str) -> None:
        """After close, reading and writing are `Unavailable`; closing again does nothing."""

        async def case(store: Store) -> None:
            await store.close()
            await store.close()
            for run, plan, args in ((store.read, installation.fact, ("a",)), (store.write, increment, ())):
                with pytest.raises(errors.Unavailable) as met:
                    await run(plan, *args)
                assert met.value.code == "storage-unavailable"

        self.run(url, case)

    def test_code_dies_with_its_session(self, url: str) -> None:
        """A code whose session has ended is not used up and gives nothing."""

        async def case(store: Store) -> None:
            await store.write(sessions.insert, session())
            await store.write(grants.code_insert, code())
            await store.write(sessions.end, "session-1", NOW)
            assert await store.write(grants.code_use, code().digest, NOW) is None
            assert await store.read(grants.code_by_digest, code().digest) == code()

        self.run(url, case)

    def test_code_lives_until_its_instant(self, url: str) -> None:
        """A code works before `expires_at`, not at it; the refused attempt leaves it unused."""

        async def case(store: Store) -> None:
            await store.write(grants.code_insert, code())
            assert await store.write(grants.code_use, code().digest, NOW + 60) is None
            assert await store.read(grants.code_by_digest, code().digest) == code()
            assert await store.write(grants.code_use, code().digest, NOW + 59) == code(used_at=NOW + 59)
            assert await store.write(grants.code_use, code().digest, NOW + 59) is None
            assert await store.read(grants.code_by_digest, code().digest) == code(used_at=NOW + 59)
            assert await store.write(grants.code_use, b"unknown", NOW) is None

        self.run(url, case)

    def test_access_token_is_good_only_with_a_live_grant(self, url: str) -> None:
        """An access token is found until it or its grant expires, or either is revoked."""

        async def case(store: Store) -> None:
            await store.write(grants.grant_insert, grant(expires_at=NOW + 200))
            await store.write(grants.access_insert, access())
            await store.write(grants.access_insert, access(scope="another"))
            await store.write(grants.access_insert, access(b"orphan", grant_id=names.GrantId("gone")))
            found = await store.read(grants.access_with_grant, b"access", NOW + 199)
            assert found == (access(), grant(expires_at=NOW + 200))
            assert await store.read(grants.access_with_grant, b"access", NOW + 200) is None
            assert await store.read(grants.access_with_grant, b"orphan", NOW) is None
            await store.write(grants.access_insert, access(b"second", expires_at=NOW + 10))
            assert await store.read(grants.access_with_grant, b"second", NOW + 9) is not None
            assert await store.read(grants.access_with_grant, b"second", NOW + 10) is None
            await store.write(grants.access_end, b"second", NOW)
            assert await store.read(grants.access_with_grant, b"second", NOW) is None
            await store.write(grants.grant_revoke, "grant-1", NOW + 1)
            await store.write(grants.grant_revoke, "grant-1", NOW + 2)
            assert await store.read(grants.access_with_grant, b"access", NOW) is None
            revoked = await store.read(grants.grant_by_id, "grant-1")
            assert revoked is not None
            assert revoked.revoked_at == NOW + 1

        self.run(url, case)

    def test_grant_is_kept_once_and_as_long_as_needed(self, url: str) -> None:
        """A grant that is there lives on to the later of two ends, is otherwise as it was, and stays revoked."""

        async def case(store: Store) -> None:
            assert await store.write(grants.grant_keep, grant())
            assert await store.read(grants.grant_by_id, "grant-1") == grant()
            assert await store.write(grants.grant_keep, grant(scope="another", expires_at=NOW + 5))
            assert await store.read(grants.grant_by_id, "grant-1") == grant()
            assert await store.write(grants.grant_keep, grant(expires_at=NOW + 5000, claims="{}"))
            assert await store.read(grants.grant_by_id, "grant-1") == grant(expires_at=NOW + 5000)
            await store.write(grants.grant_revoke, "grant-1", NOW)
            assert not await store.write(grants.grant_keep, grant(expires_at=NOW + 9000))
            revoked = grant(expires_at=NOW + 5000, revoked_at=NOW)
            assert await store.read(grants.grant_by_id, "grant-1") == revoked

        self.run(url, case)

    def test_only_a_live_session_is_held(self, url: str) -> None:
        """A session that ended, ran out or never was gives nothing to hold on to."""

        async def case(store: Store) -> None:
            await store.write(sessions.insert, session())
            assert await store.write(sessions.hold, "session-1", NOW)
            assert not await store.write(sessions.hold, "session-2", NOW)
            assert not await store.write(sessions.hold, "session-1", session().expires_at)
            await store.write(sessions.end, "session-1", NOW)
            assert not await store.write(sessions.hold, "session-1", NOW)

        self.run(url, case)

    def test_no_grant_outlives_the_session_it_came_of(self, url: str) -> None:
        """A sign-out at the same instant comes before the grant, which then is not kept, or finds it and revokes it."""

        async def case(store: Store) -> None:
            for number in range(40):
                name = f"session-{number}"
                await store.write(sessions.insert, session(name, name.encode()))
                made = grant(f"grant-{number}", session_id=name, scope="openid")
                giving = asyncio.create_task(store.write(give_in_session, made))
                await asyncio.sleep(0.0002 * (number % 20))
                await store.write(sessions.end, name, NOW)
                left = await store.read(grants.grant_by_id, made.grant_id) if await giving else None
                assert left is None or left.revoked_at == NOW

        self.run(url, case)

    def test_refresh_token_is_found_in_any_state(self, url: str) -> None:
        """A refresh token comes with its grant though both are over; a first use keeps its instant."""

        async def case(store: Store) -> None:
            await store.write(grants.grant_insert, grant(expires_at=NOW - 1))
            await store.write(grants.refresh_insert, refresh(expires_at=NOW - 1))
            await store.write(grants.refresh_insert, refresh(scope="another"))
            assert await store.write(grants.refresh_use, b"refresh", NOW) == NOW
            assert await store.write(grants.refresh_use, b"refresh", NOW + 7) == NOW
            await store.write(grants.grant_revoke, "grant-1", NOW)
            assert await store.read(grants.refresh_with_grant, b"refresh") == (
                refresh(expires_at=NOW - 1, used_at=NOW),
                grant(expires_at=NOW - 1, revoked_at=NOW),
            )
            assert await store.read(grants.refresh_with_grant, b"unknown") is None

        self.run(url, case)

    def test_session_ends_with_its_online_grants(self, url: str) -> None:
        """Ending a session revokes its grants save those for offline access, matched as a whole word and by case."""
        scopes = ["openid", "openid offline_access", "offline_access", "OFFLINE_ACCESS", "offlinexaccess openid", ""]

        async def case(store: Store) -> list[str]:
            await store.write(sessions.insert, session())
            for number, scope in enumerate(scopes):
                await store.write(grants.grant_insert, grant(f"g{number}", scope=scope))
            await store.write(grants.grant_insert, grant("elsewhere", session_id="session-2"))
            await store.write(grants.grant_insert, grant("machine", session_id=""))
            await store.write(tenants.insert, tenant())
            await store.write(users.insert, user())
            found = await store.read(sessions.with_user, b"cookie", "https://id.example/acme", NOW + 599)
            assert found == (session(), user())
            assert await store.read(sessions.with_user, b"cookie", "https://id.example/acme", NOW + 600) is None
            assert await store.read(sessions.by_id, "session-1", NOW) == session()
            assert await store.read(sessions.by_id, "session-1", NOW + 600) is None
            assert await store.read(sessions.with_user, b"cookie", "https://id.example/other", NOW) is None
            await store.write(sessions.renew, session(digest=b"renewed", auth_time=NOW))
            assert await store.read(sessions.with_user, b"cookie", "https://id.example/acme", NOW) is None
            renewed = await store.read(sessions.with_user, b"renewed", "https://id.example/acme", NOW)
            assert renewed == (session(digest=b"renewed", auth_time=NOW), user())
            await store.write(sessions.end, "session-1", NOW)
            await store.write(sessions.renew, session(digest=b"late"))
            await store.write(sessions.end, "", NOW)
            for digest in (b"cookie", b"renewed", b"late"):
                assert await store.read(sessions.with_user, digest, "https://id.example/acme", NOW) is None
            assert await store.read(sessions.by_id, "session-1", NOW) is None
            living = []
            for name in [f"g{number}" for number in range(len(scopes))] + ["elsewhere", "machine"]:
                one = await store.read(grants.grant_by_id, name)
                if one is not None and one.revoked_at is None:
                    living.append(name)
            return living

        assert self.run(url, case) == ["g1", "g2", "elsewhere", "machine"]

    def test_waiting_request_is_taken_once(self, url: str) -> None:
        """One of many who take a waiting request has it; an expired one nobody has."""

        async def case(store: Store) -> None:
            await store.write(sessions.transaction_insert, transaction())
            changed = transaction(authenticated_at=NOW + 3)
            await store.write(sessions.transaction_replace, changed)
            assert await store.read(sessions.transaction_by_digest, b"login", NOW) == changed
            assert await store.read(sessions.transaction_by_digest, b"login", NOW + 600) is None
            assert not await store.write(sessions.transaction_take, b"login", NOW + 600)
            taken = await asyncio.gather(*(store.write(sessions.transaction_take, b"login", NOW) for _ in range(20)))
            assert sorted(taken) == [False] * 19 + [True]

        self.run(url, case)

    def test_an_assertion_is_used_once(self, url: str) -> None:
        """Of fifty uses at once one wins; another assertion is another one; what has expired is swept."""

        async def case(store: Store) -> None:
            used = await asyncio.gather(*(store.write(assertions.use, b"one", NOW + 60) for _ in range(50)))
            assert sorted(used) == [False] * 49 + [True]
            assert await store.write(assertions.use, b"two", NOW + 60)
            assert not await store.write(assertions.use, b"two", NOW + 90)
            assert await store.write(expiry.sweep, "expired_assertions_delete", NOW + 60, 10) == 2
            assert await store.write(assertions.use, b"one", NOW + 60)

        self.run(url, case)

    def test_a_registration_token_is_counted_down(self, url: str) -> None:
        """Of ten uses at once as many win as it has; it is its tenant's alone, and good until it expires."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            await store.write(tenants.insert, tenant("other"))
            await store.write(registrationtokens.insert, registration_token())
            assert not await store.write(registrationtokens.use, b"initial", "id-other", NOW)
            assert not await store.write(registrationtokens.use, b"initial", TENANT, NOW + 600)
            assert not await store.read(registrationtokens.is_live, b"initial", TENANT, NOW + 600)
            assert await store.read(registrationtokens.is_live, b"initial", TENANT, NOW)
            used = await asyncio.gather(
                *(store.write(registrationtokens.use, b"initial", TENANT, NOW) for _ in range(10))
            )
            assert sorted(used) == [False] * 7 + [True] * 3
            assert not await store.read(registrationtokens.is_live, b"initial", TENANT, NOW)
            [left] = await store.read(registrationtokens.page, TENANT, "", 10)
            assert left == registration_token(uses_left=0)
            assert not await store.write(registrationtokens.delete, "id-other", "token-1")
            assert await store.write(registrationtokens.delete, TENANT, "token-1")
            assert await store.read(registrationtokens.page, TENANT, "", 10) == []

        self.run(url, case)

    def test_a_client_is_exchanged_for_what_was_read(self, url: str) -> None:
        """Who changes a client that somebody else has changed meanwhile changes nothing; a deleted one is gone."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            await store.write(clients.insert, client())
            at_once = (store.write(clients.exchange, client(), client(client_name=f"{n}")) for n in range(10))
            assert sorted(await asyncio.gather(*at_once)) == [False] * 9 + [True]
            current = await store.read(clients.by_id, TENANT, "web")
            assert current is not None
            assert await store.write(clients.exchange, current, client(client_name="First"))
            assert not await store.write(clients.exchange, client(), client(client_name="Second"))
            found = await store.read(clients.by_id, TENANT, "web")
            assert found is not None
            assert found.client_name == "First"
            assert not await store.write(clients.delete, "id-other", "web")
            assert await store.write(clients.delete, TENANT, "web")
            assert await store.read(clients.by_id, TENANT, "web") is None
            assert not await store.write(clients.exchange, found, client())

        self.run(url, case)

    def test_keys_of_a_ring(self, url: str) -> None:
        """A ring's keys come oldest first with their instants as last written; rings are listed in order."""

        async def case(store: Store) -> None:
            await store.write(signingkeys.insert, key("b", created_at=NOW + 1))
            await store.write(signingkeys.insert, key("c"))
            await store.write(signingkeys.insert, key("a", ring_id=names.RingId("other")))
            changed = key("c", active_at=NOW, retired_at=NOW + 1, gone_at=NOW + 2, revoked_at=NOW + 3)
            await store.write(signingkeys.set_instants, changed)
            assert await store.read(signingkeys.of_ring, "ring") == [changed, key("b", created_at=NOW + 1)]
            assert await store.read(signingkeys.of_ring, "none") == []
            assert await store.read(signingkeys.rings, "", 10) == ["other", "ring"]
            assert await store.read(signingkeys.rings, "other", 10) == ["ring"]

        self.run(url, case)

    def test_consent_only_grows(self, url: str) -> None:
        """Granted scopes are joined with earlier ones, also when two grants are given at once."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            await store.write(users.insert, user())
            await store.write(clients.insert, client())
            assert await store.read(consents.granted, TENANT, USER, "web") == frozenset()
            await store.write(consents.remember, TENANT, USER, "web", frozenset(), NOW)
            assert await store.read(consents.granted, TENANT, USER, "web") == frozenset()
            words = [f"scope{number}" for number in range(20)]
            await asyncio.gather(
                *(store.write(consents.remember, TENANT, USER, "web", frozenset({word}), NOW) for word in words)
            )
            assert await store.read(consents.granted, TENANT, USER, "web") == frozenset(words)

        self.run(url, case)

    def test_failures_are_counted_in_windows(self, url: str) -> None:
        """A window counts until it is as old as it is long, then a new one begins; a sweep leaves live ones."""

        async def case(store: Store) -> None:
            counted = await asyncio.gather(*(store.write(throttles.count, b"k", NOW, NOW - 60) for _ in range(20)))
            assert sorted(counted) == list(range(1, 21))
            assert await store.read(throttles.failures, b"k", NOW - 1) == 20
            assert await store.read(throttles.failures, b"k", NOW) == 0
            assert await store.write(expiry.sweep, "expired_throttles_delete", NOW + 59, 10) == 0
            assert await store.write(throttles.count, b"k", NOW + 59, NOW - 1) == 21
            assert await store.write(throttles.count, b"k", NOW + 60, NOW) == 1
            assert await store.write(expiry.sweep, "expired_throttles_delete", NOW + 119, 10) == 0
            assert await store.write(expiry.sweep, "expired_throttles_delete", NOW + 120, 10) == 1
            await store.write(throttles.count, b"k", NOW, NOW - 60)
            before = await store.read(throttles.failures, b"k", NOW - 60)
            await store.write(throttles.forgive, b"k")
            await store.write(throttles.forgive, b"unknown")
            assert await store.read(throttles.failures, b"k", NOW - 60) == before - 1
            await store.write(throttles.forget, b"k")
            assert await store.read(throttles.failures, b"k", NOW - 60) == 0

        self.run(url, case)

    def test_sweep_removes_what_is_over_in_small_batches(self, url: str) -> None:
        """At most `limit` rows go at a time, only those whose time is over."""

        async def case(store: Store) -> None:
            for number in range(7):
                await store.write(grants.code_insert, code(bytes([number]), expires_at=NOW + number))
            await store.write(signingkeys.insert, key("kept"))
            await store.write(signingkeys.insert, key("gone", gone_at=NOW))
            assert await store.write(expiry.sweep, "expired_codes_delete", NOW + 4, 3) == 3
            assert await store.write(expiry.sweep, "expired_codes_delete", NOW + 4, 3) == 2
            assert await store.write(expiry.sweep, "expired_codes_delete", NOW + 4, 3) == 0
            assert await store.read(grants.code_by_digest, b"\x05") is not None
            assert await store.write(expiry.sweep, "gone_keys_delete", NOW, 9) == 1
            assert [one.key_id for one in await store.read(signingkeys.of_ring, "ring")] == ["kept"]

        self.run(url, case)

    @pytest.mark.parametrize(
        "text",
        ["'; DROP TABLE tenants; --", '"', "\\", "%_", ":name $1 ?", "é́\u202e😀", "\x01\x7f\r\n", "a" * 1_000_000],
        ids=["quote", "double quote", "backslash", "wildcards", "marks", "unicode", "control", "megabyte"],
    )
    def test_hostile_text_comes_back_unchanged(self, url: str, text: str) -> None:
        """Text of any content and size is kept as it is, in a column and inside a record."""

        async def case(store: Store) -> None:
            await store.write(installation.keep_fact, "name", text)
            assert await store.read(installation.fact, "name") == text
            await store.write(tenants.insert, tenant(name=text))
            found = await store.read(tenants.by_slug, "acme")
            assert found is not None
            assert found.name == text

        self.run(url, case)

    @pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800", "a\udfff"], ids=["nul", "only nul", "high", "low"])
    def test_text_that_cannot_be_kept(self, url: str, text: str) -> None:
        """U+0000 and unpaired surrogates are refused when written and match nothing when read, on every engine."""

        async def case(store: Store) -> None:
            with pytest.raises(errors.ProtocolFault) as met:
                await store.write(installation.keep_fact, "name", text)
            assert met.value.code == "invalid_request"
            assert await store.read(installation.fact, "name") is None
            assert await store.read(installation.fact, text) is None
            assert await store.read(tenants.page, text, 10) == []

        self.run(url, case)

    def test_long_name_is_kept_or_refused_cleanly(self, url: str) -> None:
        """A megabyte where an index is: kept, or refused as the requester's fault; looking it up is no error."""
        name = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(350_000))

        async def case(store: Store) -> None:
            writing = store.write(installation.keep_fact, name, "value")
            (refused,) = await asyncio.gather(writing, return_exceptions=True)
            assert refused is None or getattr(refused, "code", "") == "invalid_request"
            assert await store.read(installation.fact, name) == (None if refused else "value")

        self.run(url, case)

    def test_number_too_large_is_refused(self, url: str) -> None:
        """An instant beyond 64 bits is refused and the store works on."""

        async def case(store: Store) -> None:
            with pytest.raises(errors.IntaglioError) as met:
                await store.write(grants.access_insert, access(expires_at=2**63))
            assert met.value.code == "storage-refused"
            await store.write(grants.access_insert, access(expires_at=2**63 - 1))

        self.run(url, case)

    def test_fifty_uses_of_a_code_have_one_winner(self, url: str) -> None:
        """Of 50 parallel uses of a code one gets it, several times over."""

        async def case(store: Store) -> None:
            for number in range(5):
                digest = bytes([number])
                await store.write(grants.code_insert, code(digest))
                got = await asyncio.gather(*(store.write(grants.code_use, digest, NOW) for _ in range(50)))
                assert sum(one is not None for one in got) == 1

        self.run(url, case)

    def test_fifty_uses_of_a_refresh_token_see_one_instant(self, url: str) -> None:
        """All of 50 parallel uses learn the same instant of first use."""

        async def case(store: Store) -> None:
            await store.write(grants.refresh_insert, refresh())
            got = await asyncio.gather(*(store.write(grants.refresh_use, b"refresh", NOW + n) for n in range(50)))
            assert len(set(got)) == 1

        self.run(url, case)

    def test_of_uses_without_a_grace_one_is_good(self, url: str) -> None:
        """Of ten parallel uses of a rotating refresh token in one second one gets tokens; the others end the family."""

        async def case(store: Store) -> None:
            for number in range(5):
                family, digest = f"family-{number}", bytes([7, number])
                held = refresh(digest=digest, grant_id=family)
                await store.write(grants.grant_insert, grant(grant_id=family))
                await store.write(grants.refresh_insert, held)
                uses = (
                    refresh_token.Use(
                        token=digest,
                        tenant_id=TENANT,
                        issuer=grant().issuer,
                        client_id=grant().client_id,
                        scope=None,
                        access=bytes([8, number]),
                        successor=bytes([9, number]),
                        grace=0,
                        access_lifetime=60,
                        now=NOW,
                    )
                    for _ in range(10)
                )
                got = await asyncio.gather(*(store.write(refresh_token.refresh, use) for use in uses))
                assert sum(isinstance(one, refresh_token.Used) for one in got) == 1, got
                found = await store.read(grants.grant_by_id, family)
                assert found is not None
                assert found.revoked_at == NOW

        self.run(url, case)

    def test_reading_sees_one_view(self, url: str) -> None:
        """A plan of several questions sees no half of another plan."""

        async def case(store: Store) -> None:
            await store.write(set_both, "0")
            stop = False

            async def write() -> None:
                number = 0
                while not stop:
                    number += 1
                    await store.write(set_both, str(number))
                    await asyncio.sleep(0)

            writers = [asyncio.create_task(write()) for _ in range(4)]
            for _ in range(300):
                left, right = await store.read(two_facts)
                assert left == right
                await asyncio.sleep(0)
            stop = True
            await asyncio.gather(*writers)

        self.run(url, case)

    def test_lock_serializes(self, url: str) -> None:
        """Plans that take a ring before they read lose no update of one another."""

        async def case(store: Store) -> str | None:
            await asyncio.gather(*(store.write(increment) for _ in range(40)))
            return await store.read(installation.fact, "counter")

        assert self.run(url, case) == "40"

    def test_plan_is_pure(self, url: str) -> None:
        """A plan asks the same questions each time it is run with the same answers: a store may run it again."""

        async def case(store: Store) -> None:
            for plan, args, writes in WALK:
                runs: list[list[Ask]] = [[], []]
                for seen in runs:
                    generator = recording(plan, seen)(*args)
                    next(generator)
                    generator.close()
                assert runs[0] == runs[1]
                await (store.write if writes else store.read)(plan, *args)

        self.run(url, case)

    def test_cancelled_waiter_does_not_hurt_the_others(self, url: str) -> None:
        """Half of the callers give up at various moments; the other half is served, and the store works on."""

        async def case(store: Store) -> None:
            tasks = [asyncio.create_task(store.write(set_and_count, f"f{n}")) for n in range(60)]
            for number, task in enumerate(tasks):
                await asyncio.sleep(0 if number % 3 else 0.001)
                if number % 2:
                    task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert results[::2] == ["kept"] * 30
            for number in range(0, 60, 2):
                assert await store.read(installation.fact, f"f{number}") == "kept"
            assert await store.write(set_and_count, "after") == "kept"

        self.run(url, case)

    def test_close_finishes_what_was_handed_over(self, url: str) -> None:
        """Writes that were handed over before close are kept and acknowledged."""

        async def go() -> list[Any]:
            store = await opening.open_store(url)
            tasks = [asyncio.create_task(store.write(set_and_count, f"f{n}")) for n in range(20)]
            await asyncio.sleep(0)
            await store.close()
            return await asyncio.gather(*tasks, return_exceptions=True)

        results = asyncio.run(go())
        kept = [one for one in results if one == "kept"]
        assert len(kept) + sum(isinstance(one, errors.Unavailable) for one in results) == 20
        assert kept

    def test_administrators_are_kept_by_scope_and_go_with_their_tenant(self, url: str) -> None:
        """One role a scope; pages in order; with somebody, a scope or their tenant the rows go."""

        def one(principal: str, scope: str = "", role: administrators.Role = "viewer") -> Administrator:
            return Administrator(TENANT, principal, role, NOW, scope)

        async def case(store: Store) -> None:
            await store.write(tenants.insert, tenant())
            assert not await store.read(administrators.is_there)
            every = [one("client:a"), one("user:a"), one("user:a", "t1"), one("user:b", "t1")]
            for kept in reversed(every):
                await store.write(administrators.put, kept)
            await store.write(administrators.put, one("user:a", "t1", "owner"))
            every[2] = one("user:a", "t1", "owner")
            assert await store.read(administrators.of, TENANT, "user:a") == every[1:3]
            assert await store.read(administrators.living_in, TENANT) == every
            assert await store.read(administrators.page, "", "", "", 3) == every[:3]
            assert await store.read(administrators.page, TENANT, "user:a", "", 9) == every[2:]
            assert await store.write(administrators.remove, TENANT, "user:a", "t1")
            assert not await store.write(administrators.remove, TENANT, "user:a", "t1")
            await store.write(administrators.forget_scope, "t1")
            assert await store.read(administrators.living_in, TENANT) == every[:2]
            assert await store.write(administrators.forget, TENANT, "user:a")
            assert await store.read(administrators.is_there)

        self.run(url, case)

    def test_of_uses_of_an_invitation_one_is_good(self, url: str) -> None:
        """Whoever comes first, in time; and a new one takes the place of all others."""

        def invitation(number: int) -> Invitation:
            return Invitation(bytes([number] * 32), TENANT, "owner", NOW, NOW + 60)

        async def case(store: Store) -> None:
            for number in (1, 2):
                await store.write(invitations.insert, invitation(number))
            assert await store.read(invitations.find, invitation(1).digest, NOW) is None
            assert await store.read(invitations.find, invitation(2).digest, NOW + 60) is None
            assert await store.write(invitations.use, invitation(2).digest, NOW + 60) is None
            uses = (store.write(invitations.use, invitation(2).digest, NOW) for _ in range(10))
            assert [one for one in await asyncio.gather(*uses) if one is not None] == [invitation(2)]

        self.run(url, case)

    def test_time_is_bounded(self, url: str) -> None:
        """A thousand reads and two hundred writes, sixteen at a time, take seconds at the very most."""

        async def case(store: Store) -> float:
            begun = time.monotonic()
            await store.write(tenants.insert, tenant())
            for _ in range(1000):
                await store.read(tenants.by_slug, "acme")
            for start in range(0, 200, 16):
                await asyncio.gather(
                    *(
                        store.write(grants.access_insert, access(start.to_bytes(2, "big") + bytes([n])))
                        for n in range(16)
                    )
                )
            return time.monotonic() - begun

        assert self.run(url, case) < 20


def give_in_session(made: grants.Grant) -> Plan[bool]:
    """Keep a grant while its session is live, slowly."""
    if not (yield from sessions.hold(made.session_id, NOW)):
        return False
    for _ in range(5):
        yield from installation.fact("left")
    yield from grants.grant_insert(made)
    return True


def set_and_count(name: str) -> Plan[str]:
    """Keep a fact in a plan of several questions and return what is then there."""
    yield from installation.keep_fact(name, "kept")
    found = yield from installation.fact(name)
    return found or ""
