"""Acts on clients and their secrets."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from intaglio import codec
from intaglio.ids import Secret
from intaglio.server.admin import clients, lifetimes
from intaglio.server.admin.acts import act, spans
from intaglio.server.admin.acts.act import Act, Nothing
from intaglio.server.admin.acts.clientrecords import (
    ClientCreate,
    ClientFields,
    ClientList,
    ClientNamed,
    ClientSecretTold,
    ClientsTold,
    ClientTold,
    ClientUpdate,
    SecretCreate,
    SecretNamed,
)
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.admin.clients import NewClient
from intaglio.server.model.administrators import SCOPE
from intaglio.server.model.clients import Client, ClientSecret
from intaglio.server.model.tenants import Lifetimes, Tenant
from intaglio.server.registry import keysets, rules, versions
from intaglio.server.registry.wanted import Wanted


def told(client: Client, secret: Secret | None = None, owner: Tenant | None = None) -> ClientTold:
    """Return what is told of a client: of its secrets only names and instants, but for the one just made."""
    own = {"secrets", "jwks", "registers_itself", "lifetimes_in_force", "client_secret", "etag"}
    names = set(ClientTold.__struct_fields__) - own
    return ClientTold(
        **{name: getattr(client, name) for name in names},
        secrets=tuple(map(_secret, client.secrets)),
        jwks=codec.decode_json_object(client.jwks.encode()) if client.jwks else {},
        registers_itself=bool(client.registration_digest),
        lifetimes_in_force=msgspec.to_builtins(lifetimes.in_force(client, owner)) if owner is not None else {},
        client_secret=secret,
        etag=versions.of(client),
    )


def _secret(secret: ClientSecret) -> ClientSecretTold:
    return ClientSecretTold(
        secret_id=clients.secret_id(secret),
        created_at=secret.created_at,
        expires_at=secret.expires_at,
        signs=bool(secret.sealed),
    )


async def list_(asked: ClientList, desk: Desk) -> ClientsTold:
    """List clients by client_id. Raises `Misconfigured` (`tenant-unknown`)."""
    owner = await desk.tenant(asked.tenant, "read")
    found = await clients.page(desk.store, owner.tenant_id, after=asked.after, limit=asked.limit + 1)
    found, more = act.cut(found, asked.limit)
    return ClientsTold(items=tuple(map(told, found)), next=found[-1].client_id if more else "")


async def show(asked: ClientNamed, desk: Desk) -> ClientTold:
    """Show a client with the lifetimes in force. Raises `Misconfigured` (`tenant-unknown`, `client-unknown`)."""
    owner = await desk.tenant(asked.tenant, "read")
    return told(await clients.show(desk.store, owner.tenant_id, asked.client_id), owner=owner)


async def create(asked: ClientCreate, desk: Desk) -> ClientTold:
    """Register a client; its secret is told this once. Raises `Misconfigured` with the code of the field."""
    owner = await desk.tenant(asked.tenant, "write")
    if asked.scope is not UNSET and SCOPE in asked.scope:
        desk.demand("own", owner.tenant_id)
    fields = _fields(asked, Lifetimes(), {})
    if asked.response_types is not UNSET and asked.grant_types is UNSET:
        fields["grant_types"] = rules.grants_of(asked.response_types)
    wanted = NewClient(
        client_name=asked.client_name,
        client_id=asked.client_id,
        client_secret=asked.client_secret,
        secret_expires_at=asked.secret_expires_at,
        **fields,
    )
    made = await clients.create(
        desk.store, desk.clock, desk.secrets, owner.tenant_id, wanted, desk.outgoing, actor=desk.actor
    )
    return told(made.client, None if asked.client_secret is not None else made.client_secret)


async def update(asked: ClientUpdate, desk: Desk) -> ClientTold:
    """Change a client. Raises `Misconfigured` with the code of the field, `client-unknown`, `record-changed`."""
    owner = await desk.tenant(asked.tenant, "write")
    before = await clients.show(desk.store, owner.tenant_id, asked.client_id)
    guard(before, desk)
    if asked.scope is not UNSET and SCOPE in asked.scope:
        desk.demand("own", owner.tenant_id)
    changes = _fields(asked, before.lifetimes, before.grant_lifetimes) | act.given(asked, "client_name")
    if asked.withdraw_consent:
        changes["withdrawn"] = True
    made = await clients.update(
        desk.store,
        desk.clock,
        desk.secrets,
        owner.tenant_id,
        asked.client_id,
        changes,
        desk.outgoing,
        actor=desk.actor,
        # SECURITY: what is changed is what was looked at above (test_a_change_that_was_on_its_way_misses_the_scope).
        etag=versions.of(before) if asked.etag in ("", versions.ANY) else asked.etag,
    )
    return told(made.client, made.client_secret)


def guard(client: Client, desk: Desk) -> None:
    """Check that whoever changes a client of administrators may say who administers; raises `Denied`.

    SECURITY: with that scope a program acts for any administrator who signs in to it
    (test_a_manager_gives_no_client_the_scope, test_a_manager_changes_no_client_with_the_scope).
    """
    if SCOPE in client.scope:
        desk.demand("own", client.tenant_id)


def _fields(asked: ClientFields, before: Lifetimes, of_grants: dict[str, Lifetimes]) -> dict[str, Any]:
    """Return the fields that were given, by the names of `Wanted`; lifetimes that are not named stay."""
    found = act.given(asked, *set(Wanted.__struct_fields__) & set(ClientFields.__struct_fields__))
    if asked.lifetimes is not UNSET:
        found["lifetimes"] = spans.merged(before, asked.lifetimes)
    if asked.grant_lifetimes is not UNSET:
        found["grant_lifetimes"] = spans.by_grant(of_grants, asked.grant_lifetimes)
    if asked.jwks is not UNSET:
        found["jwks"] = keysets.of_text(codec.encode_json(asked.jwks).decode()) if asked.jwks else ""
    return found


async def add_secret(asked: SecretCreate, desk: Desk) -> ClientTold:
    """Give a client one more secret, which is told this once.

    Raises `Misconfigured` (`tenant-unknown`, `client-unknown`, `secret-unused`, `secret-invalid`, `too-many`).
    """
    owner = await desk.tenant(asked.tenant, "write")
    guard(await clients.show(desk.store, owner.tenant_id, asked.client_id), desk)
    made = await clients.add_secret(
        desk.store,
        desk.clock,
        desk.secrets,
        owner.tenant_id,
        asked.client_id,
        given=asked.client_secret,
        lifetime=asked.lifetime,
        actor=desk.actor,
    )
    return told(made.client, None if asked.client_secret is not None else made.client_secret)


async def remove_secret(asked: SecretNamed, desk: Desk) -> Nothing:
    """Take a secret away, at once. Raises `Misconfigured` (`tenant-unknown`, `client-unknown`, `secret-unknown`)."""
    owner = await desk.tenant(asked.tenant, "write")
    guard(await clients.show(desk.store, owner.tenant_id, asked.client_id), desk)
    await clients.remove_secret(desk.store, owner.tenant_id, asked.client_id, asked.secret_id, desk.actor)
    return Nothing()


ACTS = (
    Act(
        name="client.list",
        method="GET",
        path="/tenants/{tenant}/clients",
        summary="List clients",
        asked=ClientList,
        told=ClientsTold,
        right="read",
        perform=list_,
    ),
    Act(
        name="client.create",
        method="POST",
        path="/tenants/{tenant}/clients",
        summary="Register a client",
        asked=ClientCreate,
        told=ClientTold,
        right="write",
        perform=create,
        status=201,
        created="/tenants/{tenant}/clients/{client_id}",
    ),
    Act(
        name="client.show",
        method="GET",
        path="/tenants/{tenant}/clients/{client_id}",
        summary="Show a client",
        asked=ClientNamed,
        told=ClientTold,
        right="read",
        perform=show,
    ),
    Act(
        name="client.update",
        method="PATCH",
        path="/tenants/{tenant}/clients/{client_id}",
        summary="Change a client",
        asked=ClientUpdate,
        told=ClientTold,
        right="write",
        perform=update,
    ),
    Act(
        name="client.secret.create",
        method="POST",
        path="/tenants/{tenant}/clients/{client_id}/secrets",
        summary="Give a client one more secret",
        asked=SecretCreate,
        told=ClientTold,
        right="write",
        perform=add_secret,
        status=201,
    ),
    Act(
        name="client.secret.delete",
        method="DELETE",
        path="/tenants/{tenant}/clients/{client_id}/secrets/{secret_id}",
        summary="Take a secret of a client away",
        asked=SecretNamed,
        told=Nothing,
        right="write",
        perform=remove_secret,
        status=204,
    ),
)
