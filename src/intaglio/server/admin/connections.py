"""Connections: make one, change one, find one, list them, remove one, and try whether its provider answers."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import ids
from intaglio.dialects import believing
from intaglio.errors import Misconfigured
from intaglio.relying.party import RelyingParty
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import clients, connections
from intaglio.server.model.connections import Connection
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import connectionrules, deeds, endings, fields
from intaglio.server.registry.connectionrules import Wanted
from intaglio.server.registry.deeds import Actor
from intaglio.wire.flow import Driver

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint")


async def create(store: Store, vault: Vault, actor: Actor, tenant: Tenant, name: str, wanted: Wanted) -> Connection:
    """Make a connection and return it; the audit log tells of it.

    Raises `Misconfigured` with the codes of `connectionrules`, `connection-incomplete`, `connection-exists`,
    `client-unknown` and `domain-taken`.
    """
    if not wanted.issuer or not wanted.client_id:
        raise Misconfigured(
            "connection-incomplete",
            "A connection needs an issuer and the client_id that we have there.",
            detail={"expected": "issuer and client_id", "received": "one of them, or neither"},
        )
    made = Connection(
        tenant_id=tenant.tenant_id,
        connection_id="con_" + ids.opaque(12),
        name=connectionrules.check_name(name),
        created_at=actor.now,
        issuer=wanted.issuer,
        client_id=wanted.client_id,
    )
    made = _changed(made, wanted, vault, actor.now)
    try:
        await store.write(_keep, made, actor)
    except Conflict as exc:
        raise Misconfigured(
            "connection-exists",
            "A connection of this name is there already.",
            detail={"expected": "a name that is free", "received": name},
            hint=f"See it with: intaglio connection show {name}",
        ) from exc
    return made


def _changed(connection: Connection, wanted: Wanted, vault: Vault, now: int) -> Connection:
    changes: dict[str, Any] = wanted.plain()
    if wanted.client_secret is not None:
        empty = not wanted.client_secret.reveal()
        octets = b"" if empty else connectionrules.check_secret(wanted.client_secret)
        changes["sealed_secret"] = "" if empty else vault.seal(octets, connectionrules.SECRET)
    if wanted.jwks is not None:
        empty = not wanted.jwks.reveal()
        octets = b"" if empty else connectionrules.check_keys(wanted.jwks)
        changes["sealed_jwks"] = "" if empty else vault.seal(octets, connectionrules.KEYS)
    if wanted.disabled is not None:
        changes["disabled_at"] = (connection.disabled_at or now) if wanted.disabled else None
    return connectionrules.check(msgspec.structs.replace(connection, **changes))


def _keep(made: Connection, actor: Actor) -> Plan[None]:
    others = yield from connections.of_tenant(made.tenant_id)
    if len(others) >= connectionrules.MOST:
        expected = f"at most {connectionrules.MOST} connections"
        raise fields.refuse("too-many", "The tenant has too many connections.", expected, len(others))
    yield from _check_others(made, others)
    yield from connections.insert(made)
    told = {"issuer": made.issuer, **_loose(made)}
    yield from deeds.note(made.tenant_id, actor, "connection.create", f"connections/{made.name}", after=made, **told)


def _loose(connection: Connection) -> dict[str, str]:
    """Return what the audit log has to tell, for it lets strangers become somebody."""
    names = ("trusts_email", "link_by_email", "creates_users")
    return {name: str(getattr(connection, name)).lower() for name in names}


def _check_others(made: Connection, others: list[Connection]) -> Plan[None]:
    # SECURITY: a domain leads to one provider; which of two it were would be chance.
    taken = {domain: one.name for one in others if one.name != made.name for domain in one.domains}
    for domain in made.domains:
        if domain in taken:
            expected = f"a domain that is not one of {taken[domain]}'s"
            raise fields.refuse("domain-taken", "The domain leads to another connection.", expected, domain)
    for client_id in made.clients:
        if (yield from clients.by_id(made.tenant_id, client_id)) is None:
            hint = "List them with: intaglio client list"
            raise fields.refuse(
                "client-unknown",
                "There is no such client in this tenant.",
                "the client_id of a client",
                client_id,
                hint,
            )


async def update(store: Store, vault: Vault, actor: Actor, tenant: Tenant, name: str, wanted: Wanted) -> Connection:
    """Change a connection and return it; in force within a second. The audit log tells of it.

    One that is disabled takes along what its people have: sessions, and grants for offline access too. Raises
    `Misconfigured` as `create`, `connection-unknown` and `connection-changed`.
    """
    before = await show(store, tenant, name)
    if wanted.issuer not in (None, before.issuer):
        # Who somebody is there would be somebody else's word from now on.
        raise fields.refuse(
            "issuer-fixed",
            "A connection keeps its issuer.",
            before.issuer,
            wanted.issuer,
            "Make another connection, and disable this one.",
        )
    after = _changed(before, wanted, vault, actor.now)
    await store.write(_exchange, before, after, _told(wanted), actor)
    if after.disabled_at != before.disabled_at:
        await _end(store, after, actor.now)
    return after


async def _end(store: Store, connection: Connection, now: int) -> None:
    """End what people have who signed in at a connection, a few sessions at a time."""
    behind, count = ("", ""), 1
    while count:
        count, behind = await store.write(endings.end_some_at, connection, behind, now)


def _told(wanted: Wanted) -> dict[str, str]:
    """Return what was changed: switches with what they were set to, secrets by name alone."""
    given = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    return {
        name: str(value).lower() if isinstance(value, bool) else "changed"
        for name, value in given.items()
        if value is not None
    }


def _exchange(before: Connection, after: Connection, told: dict[str, str], actor: Actor) -> Plan[None]:
    others = yield from connections.of_tenant(after.tenant_id)
    yield from _check_others(after, others)
    # Nobody who changes something else opens what another has just closed.
    if next((one for one in others if one.connection_id == after.connection_id), before) != before:
        public = "Somebody else has changed the connection."
        raise fields.refuse("connection-changed", public, "it as it was", "another", "Try again.")
    if not (yield from connections.replace(after)):
        raise _unknown(after.name)
    resource = f"connections/{after.name}"
    yield from deeds.note(after.tenant_id, actor, "connection.update", resource, before=before, after=after, **told)


async def delete(store: Store, actor: Actor, tenant: Tenant, name: str) -> Connection:
    """Remove a connection, with what its people have; who they are there stays known.

    Raises `Misconfigured` (`connection-unknown`).
    """
    found = await show(store, tenant, name)
    # Twice: if it is broken off, nothing is left for a connection that is made under the same name.
    await _end(store, found, actor.now)
    await store.write(_remove, found, actor)
    await _end(store, found, actor.now)
    return found


def _remove(found: Connection, actor: Actor) -> Plan[None]:
    if not (yield from connections.delete(found.tenant_id, found.connection_id)):
        raise _unknown(found.name)
    yield from deeds.note(found.tenant_id, actor, "connection.delete", f"connections/{found.name}", before=found)


async def show(store: Store, tenant: Tenant, name: str) -> Connection:
    """Find a connection by its name or identifier; raises `Misconfigured` (`connection-unknown`)."""
    every = await listing(store, tenant)
    found = next((one for one in every if name in (one.name, one.connection_id)), None)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> Misconfigured:
    public, hint = "There is no such connection in this tenant.", "List them with: intaglio connection list"
    return fields.refuse("connection-unknown", public, "the name of a connection", ascii(name), hint)


async def listing(store: Store, tenant: Tenant) -> list[Connection]:
    """Return a tenant's connections, by name."""
    return await store.read(connections.of_tenant, tenant.tenant_id)


class Tried(msgspec.Struct, frozen=True):
    """What a provider answered: its issuer and endpoints, the kids of its keys, and what it says it does."""

    issuer: str
    endpoints: dict[str, str]
    keys: tuple[str, ...]
    signing: tuple[str, ...]
    takes_pkce: bool
    tells_issuer: bool


async def try_out(connection: Connection, outgoing: Driver) -> Tried:
    """Fetch a provider's document and keys, as a sign-in would.

    Raises `Unavailable` and `Refused` as discovery does, `Misconfigured` (`issuer-unusable`).
    """
    using = believing.rules(connection.rules)
    where = believing.discovery_uri(connection.issuer, using)
    party = RelyingParty(
        issuer=connection.issuer, client_id=connection.client_id, redirect_uri="", rules=using, discovery_uri=where
    )
    found = await outgoing.run(party.discover())
    members = found.metadata.members
    endpoints = {name: found.metadata.url(name) or "" for name in ENDPOINTS}
    return Tried(
        issuer=found.issuer,
        endpoints={name: url for name, url in endpoints.items() if url},
        keys=found.keys.kids(),
        signing=_texts(members.get("id_token_signing_alg_values_supported")),
        takes_pkce="S256" in _texts(members.get("code_challenge_methods_supported")),
        tells_issuer=members.get("authorization_response_iss_parameter_supported") is True,
    )


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(one[:80] for one in listed if isinstance(one, str) and one.isprintable())[:20]
