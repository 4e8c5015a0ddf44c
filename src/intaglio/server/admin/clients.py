"""Clients: register one, change one, give it secrets, find one, list them page by page.

OpenID Connect Dynamic Client Registration 1.0 section 2 for names and meanings; the rules are the registry's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import Misconfigured, Refused
from intaglio.names import TenantId
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.model import clients, tenants
from intaglio.server.model.administrators import SCOPE
from intaglio.server.model.clients import Client, ClientSecret
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.registry import deeds, endings, fields, remote, rules, settings, versions
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.wanted import Wanted, wanted_of
from intaglio.tokens.sharedsecret import MINIMUM_OCTETS, SharedSecret
from intaglio.wire.flow import Driver

SHORTEST_SECRET = 16
"""Characters of a secret that an operator brings along; those made here have 43."""
MOST_SECRETS = 10
LONGEST_SECRET = 3660 * 86_400


class NewClient(Wanted, frozen=True, kw_only=True):
    """What is asked for; empty fields are filled in. A `client_secret` may be brought along by confidential clients."""

    client_secret: ids.Secret | None = None
    secret_expires_at: int | None = None


class Registered(msgspec.Struct, frozen=True):
    """A client with its secret, which is told this once; None for clients that have none, or got none now."""

    client: Client
    client_secret: ids.Secret | None


def check(wanted: NewClient, tenant_id: TenantId, now: int, *, development: bool = False) -> Client:
    """Return the record of a client that was asked for, without secret; raises `Misconfigured` for a field."""
    client = rules.check(wanted, tenant_id, now, development=development)
    if not rules.needs_secret(client) and wanted.client_secret is not None:
        expected, hint = "no secret for a client without use for it", "Leave the secret out, or give another method."
        public = "A public client has no secret." if client.is_public else "This client uses no secret."
        raise fields.refuse("secret-unused", public, expected, "a secret", hint)
    return client


async def create(
    store: Store,
    clock: Clock,
    secrets: ClientSecrets,
    tenant_id: TenantId,
    wanted: NewClient,
    outgoing: Driver | None = None,
    actor: Actor | None = None,
) -> Registered:
    """Register a client and return it with its secret, which cannot be shown again.

    `outgoing` fetches what a sector or a key set by address needs. With `actor` the audit log tells of it. Raises
    `Misconfigured` with the code of the field, or `client-exists`.
    """
    now = clock.now()
    client = check(wanted, tenant_id, now, development=await _is_development(store, tenant_id))
    await _confirm(client, outgoing)
    secret = _secret(wanted, client) if rules.needs_secret(client) else None
    if secret is not None:
        client = msgspec.structs.replace(
            client, secrets=(_kept(secret, client, secrets, now, wanted.secret_expires_at),)
        )
    try:
        kept = await store.write(_insert, client, actor)
    except Conflict as exc:
        raise _exists(client) from exc
    if not kept:
        raise _exists(client)
    return Registered(client, secret)


def _insert(client: Client, actor: Actor | None) -> Plan[bool]:
    if (yield from clients.is_taken(client)):
        return False
    yield from clients.insert(client)
    if actor is not None:
        yield from deeds.note(client.tenant_id, actor, "client.create", f"clients/{client.client_id}", after=client)
    return True


def _exists(client: Client) -> Misconfigured:
    return Misconfigured(
        "client-exists",
        "A client with this client_id is there already.",
        detail={"expected": "a client_id that is free", "received": client.client_id},
        hint="Choose another client_id, or leave it out.",
    )


async def _is_development(store: Store, tenant_id: TenantId) -> bool:
    tenant = await store.read(tenants.by_id, tenant_id)
    return tenant is not None and tenant.development


async def _confirm(client: Client, outgoing: Driver | None) -> None:
    if not remote.is_needed(client):
        return
    if outgoing is None:
        raise fields.refuse("address-silent", "Nothing can be fetched from here.", "a way out", "none")
    await outgoing.run(remote.confirm(client))


def _kept(secret: ids.Secret, client: Client, secrets: ClientSecrets, now: int, expires_at: int | None) -> ClientSecret:
    sealed = rules.needs_sealed_secret(client)
    if sealed:
        _check_key(secret)
    return secrets.keep(secret.reveal(), now, expires_at, sealed=sealed)


def _check_key(secret: ids.Secret) -> None:
    try:
        SharedSecret(secret.reveal())
    except Refused as refusal:
        # RFC 7518 3.2 (length), RFC 8725 2.1: a public key would let everybody sign.
        expected = f"{MINIMUM_OCTETS} characters or more that are no public key, for HS256"
        received = f"{len(secret.reveal())} characters"
        raise fields.refuse("secret-invalid", "The client secret cannot be used.", expected, received) from refusal


def _secret(wanted: NewClient, client: Client) -> ids.Secret:
    if wanted.client_secret is None:
        return ids.Secret(ids.opaque())
    fields.secret(wanted.client_secret.reveal(), shortest=SHORTEST_SECRET)
    return wanted.client_secret


async def update(
    store: Store,
    clock: Clock,
    secrets: ClientSecrets,
    tenant_id: TenantId,
    client_id: str,
    changes: Mapping[str, Any],
    outgoing: Driver | None = None,
    actor: Actor | None = None,
    etag: str = "",
) -> Registered:
    """Change fields of a client, all others staying; by the rules of a new one.

    A client that needs a secret from now on gets one. Of `dialects` each setting is changed by itself, None takes one
    away. `disabled` lets nobody sign in to it, or again; `withdrawn` takes back what an administrator consented to for
    everybody. Of another tenant's application, only what is decided here can be changed. With `actor` the audit log
    tells of it; `etag` is of the version that was seen, empty for any. Raises `Misconfigured` with the code of the
    field, `client-unknown`, `setting-invalid`, `client-changed`, `client-elsewhere`, `record-changed`.
    """
    before = await show(store, tenant_id, client_id)
    versions.check(before, etag)
    now = clock.now()
    changes = dict(changes)
    disabled, withdrawn = changes.pop("disabled", None), bool(changes.pop("withdrawn", False))
    if before.home_tenant_id:
        after = _switched(_decided(before, changes), now, disabled=disabled, withdrawn=withdrawn)
        await _exchange(store, before, after, actor, "client.update", now)
        return Registered(after, None)
    wanted = msgspec.structs.replace(wanted_of(before), **changes)
    if "dialects" in changes:
        wanted = msgspec.structs.replace(wanted, dialects=settings.merge(before.dialects, changes["dialects"]))
    if "grant_types" in changes and "response_types" not in changes:
        wanted = msgspec.structs.replace(wanted, response_types=None)
    client = rules.keep(before, rules.check(wanted, tenant_id, now, development=before.development))
    # SECURITY: whoever registered a client by themselves still has what manages it
    # (test_a_client_that_registered_itself_does_not_administer).
    if SCOPE in client.scope and client.registration_digest:
        expected = f"a client without {SCOPE}, or one that an operator made"
        raise fields.refuse("scope-invalid", "This client registered itself.", expected, SCOPE)
    await _confirm(client, outgoing)
    made = ids.Secret(ids.opaque()) if rules.lacks_secret(client, now) else None
    if made is not None:
        client = msgspec.structs.replace(client, secrets=(*client.secrets, _kept(made, client, secrets, now, None)))
    client = _switched(client, now, disabled=disabled, withdrawn=withdrawn)
    if client.sign_in_audience != before.sign_in_audience and await store.read(clients.is_taken, client):
        raise _exists(client)
    await _exchange(store, before, client, actor, "client.update", now)
    return Registered(client, made)


def _switched(client: Client, now: int, *, disabled: bool | None, withdrawn: bool) -> Client:
    if withdrawn:
        client = msgspec.structs.replace(client, consented_scope=())
    if disabled is None:
        return client
    at = (client.disabled_at or now) if disabled else None
    if at == client.disabled_at:
        return client
    return msgspec.structs.replace(client, disabled_at=at, tokens_from=now)


def _decided(client: Client, changes: Mapping[str, Any]) -> Client:
    """Return the record of another tenant's application with what is decided here; raises `client-elsewhere`."""
    foreign = sorted(set(changes) - {"assignment_required"})
    if foreign:
        expected, hint = "assignment and whether it is disabled", "Change it where it is registered."
        public = "The application is another tenant's."
        raise fields.refuse("client-elsewhere", public, expected, ", ".join(foreign), hint)
    return msgspec.structs.replace(client, **changes)


async def _exchange(
    store: Store, before: Client, after: Client, actor: Actor | None, action: str, now: int | None = None
) -> None:
    if not await store.write(_replace, before, after, actor, action, now):
        raise fields.refuse(
            "client-changed", "Somebody else has changed the client.", "it as it was", "another", "Try again."
        )


def _replace(before: Client, after: Client, actor: Actor | None, action: str, now: int | None) -> Plan[bool]:
    if not (yield from clients.exchange(before, after)):
        return False
    if now is not None and after.disabled_at != before.disabled_at:
        # Also when it comes back: nothing of what it had comes with it.
        yield from endings.end_client(after, now)
    if actor is not None:
        resource = f"clients/{after.client_id}"
        yield from deeds.note(after.tenant_id, actor, action, resource, before=before, after=after)
    return True


async def add_secret(
    store: Store,
    clock: Clock,
    secrets: ClientSecrets,
    tenant_id: TenantId,
    client_id: str,
    *,
    given: ids.Secret | None = None,
    lifetime: int | None = None,
    actor: Actor | None = None,
) -> Registered:
    """Give a client one more secret, for `lifetime` seconds; the earlier ones stay.

    With `actor` the audit log tells of it. Raises `Misconfigured` (`client-unknown`, `secret-unused`, `secret-invalid`,
    `lifetime-invalid`, `too-many`, `client-changed`).
    """
    before, now = await show(store, tenant_id, client_id), clock.now()
    if not rules.needs_secret(before):
        raise fields.refuse("secret-unused", "This client uses no secret.", "a method with a secret", "another")
    if lifetime is not None and not 1 <= lifetime <= LONGEST_SECRET:
        expected = f"1 to {LONGEST_SECRET} seconds"
        raise fields.refuse("lifetime-invalid", "The lifetime cannot be used.", expected, lifetime)
    if len(before.secrets) >= MOST_SECRETS:
        raise fields.refuse("too-many", "The client has too many secrets.", f"at most {MOST_SECRETS}", MOST_SECRETS)
    if given is not None:
        fields.secret(given.reveal(), shortest=SHORTEST_SECRET)
    secret = given or ids.Secret(ids.opaque())
    kept = _kept(secret, before, secrets, now, None if lifetime is None else now + lifetime)
    after = msgspec.structs.replace(before, secrets=(*before.secrets, kept))
    await _exchange(store, before, after, actor, "client.secret.create")
    return Registered(after, secret)


def secret_id(secret: ClientSecret) -> str:
    """Return what names a secret to operators: the beginning of its keyed hash, which tells nothing about it."""
    return secret.digest.hex()[:12]


async def remove_secret(
    store: Store, tenant_id: TenantId, client_id: str, name: str, actor: Actor | None = None
) -> Client:
    """Take a secret away, at once. With `actor` the audit log tells of it.

    Raises `Misconfigured` (`client-unknown`, `secret-unknown`, `client-changed`).
    """
    before = await show(store, tenant_id, client_id)
    left = tuple(one for one in before.secrets if secret_id(one) != name)
    if len(left) == len(before.secrets):
        hint = "List them with: intaglio client secret list"
        raise fields.refuse("secret-unknown", "The client has no such secret.", "the id of a secret", name, hint)
    after = msgspec.structs.replace(before, secrets=left)
    await _exchange(store, before, after, actor, "client.secret.delete")
    return after


async def show(store: Store, tenant_id: TenantId, client_id: str) -> Client:
    """Find a client by its client_id; raises `Misconfigured` (`client-unknown`)."""
    return await store.read(find, tenant_id, client_id)


def find(tenant_id: TenantId, client_id: str) -> Plan[Client]:
    """Find a client, as part of a larger plan; raises `Misconfigured` (`client-unknown`)."""
    client = yield from clients.by_id(tenant_id, client_id)
    if client is None:
        raise unknown(client_id)
    return client


def unknown(client_id: str) -> Misconfigured:
    """Return the error for a client that is not there."""
    return fields.refuse(
        "client-unknown",
        "There is no such client in this tenant.",
        "the client_id of a client",
        client_id,
        "List them with: intaglio client list",
    )


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[Client]:
    """List at most `limit` clients behind the client_id `after`."""
    return await store.read(clients.page, tenant_id, after, limit)
