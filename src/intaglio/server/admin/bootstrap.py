"""The first administrator: a tenant for operators, the client with which they sign in, and a link that works once."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.names import TenantId, UserId
from intaglio.protocol.administration import WELCOME
from intaglio.server.admin import clients as known_clients
from intaglio.server.admin import users as known_users
from intaglio.server.admin.clients import NewClient
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.model import administrators, clients, invitations, tenants, users
from intaglio.server.model.administrators import SCOPE, Administrator
from intaglio.server.model.clients import Client
from intaglio.server.model.invitations import Invitation
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

TENANT = "operators"
CLIENT = "intaglio-cli"
LIFETIME = 3600
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Bootstrapped(msgspec.Struct, frozen=True):
    """Where operators live, with what they sign in, and the secret of the link that makes one of them."""

    tenant: Tenant
    client: Client
    secret: ids.Secret
    expires_at: int

    @property
    def path(self) -> str:
        """Where the link leads, with its secret."""
        return WELCOME + self.secret.reveal()


async def prepare(store: Store, clock: Clock, actor: Actor, slug: str = TENANT) -> Bootstrapped:
    """Make what operators need as far as it is not there, and a link with which one of them makes an account.

    Links of before open nothing any more. Raises `Misconfigured` (`slug-invalid`, `slug-reserved`, `tenant-occupied`,
    `client-exists`).
    """
    wanted = Tenant(TenantId(ids.new_uuid()), tenants.check_slug(slug), "default", "Operators", clock.now())
    secret = ids.Secret(ids.opaque())
    return await store.write(_prepare, wanted, secret, actor, clock.now())


def _prepare(wanted: Tenant, secret: ids.Secret, actor: Actor, now: int) -> Plan[Bootstrapped]:
    tenant = yield from tenants.by_slug(wanted.slug)
    if tenant is None:
        tenant = wanted
        yield from tenants.insert(tenant)
        yield from deeds.note(tenant.tenant_id, actor, "tenant.create", f"tenants/{tenant.slug}", after=tenant)
    else:
        yield from _check_home(tenant)
    client = yield from _client(tenant, actor, now)
    invitation = Invitation(ids.digest(secret.reveal()), tenant.tenant_id, "owner", now, now + LIFETIME)
    yield from invitations.insert(invitation)
    yield from deeds.note(tenant.tenant_id, actor, "administrator.invite", f"tenants/{tenant.slug}", role="owner")
    return Bootstrapped(tenant, client, secret, invitation.expires_at)


def _check_home(tenant: Tenant) -> Plan[None]:
    """Check that a tenant which is there already is one of operators, or empty.

    SECURITY: whoever administers a tenant has everybody in it in hand, so operators move in with nobody, nor with the
    people of somebody who owns that tenant alone (test_operators_move_in_with_nobody,
    test_operators_do_not_move_in_with_somebodys_people).
    """
    expected, hint = "a tenant of administrators of everything, or an empty one", "Name another with --tenant."
    if tenant.disabled_at is not None:
        enable = f"Enable it: intaglio tenant enable {tenant.slug}"
        raise fields.refuse("tenant-occupied", "The tenant is disabled.", "one that is not", tenant.slug, enable)
    if any(not one.scope for one in (yield from administrators.living_in(tenant.tenant_id))):
        return
    strangers = [one for one in (yield from clients.page(tenant.tenant_id, "", 2)) if one.client_id != CLIENT]
    if strangers or (yield from users.page(tenant.tenant_id, "", 1)):
        public = "Others live in this tenant already."
        raise fields.refuse("tenant-occupied", public, expected, tenant.slug, hint)


def _client(tenant: Tenant, actor: Actor, now: int) -> Plan[Client]:
    client = yield from clients.by_id(tenant.tenant_id, CLIENT)
    if client is not None:
        if not _is_ours(client):
            hint = "Remove it, or name another tenant with --tenant."
            expected = f"one that is enabled, has the scope {SCOPE}, and no other ways than ours"
            raise fields.refuse("client-exists", f"The client {CLIENT} is another.", expected, "another", hint)
        return client
    client = known_clients.check(_wanted(), tenant.tenant_id, now)
    yield from clients.insert(client)
    yield from deeds.note(tenant.tenant_id, actor, "client.create", f"clients/{CLIENT}", after=client)
    return client


def _is_ours(client: Client) -> bool:
    """Tell whether a client that is there already brings tokens to nobody but a program on the person's machine.

    SECURITY: whoever owns one tenant may make such a client there, with addresses of theirs
    (test_nobody_prepares_the_client_of_operators).
    """
    ours = known_clients.check(_wanted(), client.tenant_id, client.created_at)
    alike = ("application_type", "token_endpoint_auth_methods", "consent", "sign_in_audience", "request_uris")
    within = ("redirect_uris", "grant_types", "response_types")
    return (
        SCOPE in client.scope
        and client.disabled_at is None
        and not client.registration_digest
        and not client.home_tenant_id
        and all(getattr(client, name) == getattr(ours, name) for name in alike)
        and all(set(getattr(client, name)) <= set(getattr(ours, name)) for name in within)
    )


def _wanted() -> NewClient:
    return NewClient(
        client_name="Intaglio command line",
        client_id=CLIENT,
        application_type="native",
        token_endpoint_auth_methods=("none",),
        # RFC 8252 7.3: the port is whichever is free.
        redirect_uris=("http://127.0.0.1/callback", "http://[::1]/callback"),
        grant_types=("authorization_code", "refresh_token", DEVICE),
        response_types=("code",),
        scope=("openid", "profile", "email", "offline_access", SCOPE),
    )


# --- the link


async def is_open(store: Store, clock: Clock, secret: str) -> Tenant | None:
    """Return the tenant in which a link makes an account, None if it is unknown, used or too old."""
    found = await store.read(invitations.find, ids.digest(secret), clock.now())
    return None if found is None else await store.read(tenants.by_id, found.tenant_id)


async def welcome(
    store: Store, passwords: Passwords, actor: Actor, secret: str, username: str, password: ids.Secret
) -> User:
    """Make the account of a link: its person is an administrator from now on, and the link is used up.

    Raises `Misconfigured` (`username-invalid`, `password-invalid`, `user-exists`, `link-unknown`, `tenant-occupied`,
    `client-exists`); in all but the fourth the link stays good.
    """
    found = await store.read(invitations.find, ids.digest(secret), actor.now)
    if found is None:
        raise unknown()
    name = known_users.check_username(username)
    encoded = await passwords.hash(fields.password(password.reveal()))
    user = User(found.tenant_id, UserId(ids.new_uuid()), name, actor.now, actor.now, encoded)
    try:
        return await store.write(_welcome, found, user, actor)
    except Conflict as exc:
        raise known_users.exists(name) from exc


def _welcome(found: Invitation, user: User, actor: Actor) -> Plan[User]:
    used = yield from invitations.use(found.digest, actor.now)
    tenant = yield from tenants.by_id(found.tenant_id)
    if used is None or tenant is None:
        raise unknown()
    # SECURITY: looked at again, for the link may have waited for an hour
    # (test_nobody_prepares_the_client_of_operators).
    yield from _check_home(tenant)
    yield from _client(tenant, actor, actor.now)
    yield from users.insert(user)
    one = Administrator(user.tenant_id, administrators.user(user.user_id), used.role, actor.now, used.scope)
    yield from administrators.put(one)
    own = msgspec.structs.replace(actor, principal=one.principal)
    yield from deeds.note(user.tenant_id, own, "user.create", f"users/{user.user_id}", after=user)
    yield from deeds.note(user.tenant_id, own, "administrator.add", f"administrators/{one.principal}", after=one)
    return user


def unknown() -> Misconfigured:
    """Return the refusal of a link that opens nothing."""
    hint = "Get another with: intaglio admin bootstrap"
    return fields.refuse(
        "link-unknown", "This link was used, or is too old.", "a link of the last hour", "another", hint
    )
