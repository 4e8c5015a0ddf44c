"""Clients that programs administer over the network: by the registry's rules, with an entry of the audit log for each.

RFC 6750 section 3.1 (bearer tokens), RFC 8707 section 2 (a token for another API opens nothing here).
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import ids
from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol import bearers, circumstances
from intaglio.protocol.clientadmin import (
    Caller,
    ClientAct,
    ClientCreate,
    ClientFields,
    ClientRemoved,
    ClientsList,
    ClientsTold,
    ClientTold,
)
from intaglio.protocol.faults import BearerFault, NotFound
from intaglio.server.issue import gather
from intaglio.server.model import clients, grants
from intaglio.server.model.administrators import SCOPE as ADMINISTRATION
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.provider.scene import House, Scene
from intaglio.server.registry import deeds, endings, fields, remote, rules, settings
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.wanted import Wanted, wanted_of

DIRECT = frozenset(ClientFields.__struct_fields__) & frozenset(Wanted.__struct_fields__)
"""The names that mean the same on the wire and in a record."""
SCOPE = ("openid", "profile", "email", "phone", "address")
OFFLINE = "offline_access"
BOTH = ("code id_token", "code token", "code id_token token")
FARTHEST = 1_000_000
"""Clients that a page may skip."""


async def _admitted(caller: Caller, scene: Scene, house: House) -> Actor:
    """Return who acts: a client in its own name, with a token for this API.

    Raises `BearerFault`: without a token (no code is told), `invalid_request`, `invalid_token`, `insufficient_scope`;
    `TokenKindFault` for an ID token; then what was wrong with the request besides.
    """
    if caller.problem:
        raise BearerFault("invalid_request", "The access token came in a way that cannot be read.")
    if caller.access_token is None:
        raise BearerFault("", "An access token is needed.")
    text = caller.access_token.reveal()
    found = await house.store.read(grants.access_with_grant, ids.digest(text), scene.now)
    if found is None:
        raise bearers.refused(text, "a live access token of this issuer", "another text")
    token, grant = found
    here = (grant.tenant_id, grant.issuer) == (scene.tenant.tenant_id, scene.issuer)
    client = await house.client(scene, grant.client_id) if here else None
    # SECURITY: a person's token is never for administration, whatever scope it has, and neither is one for another API
    # (test_a_token_for_something_else_opens_nothing).
    named = circumstances.decode(grant.circumstances).audience
    if client is None or grant.user_id or named != caller.audience:
        raise bearers.refused(text, f"a client's own access token for {caller.audience}", "one for something else")
    if not set(caller.scope) & set(token.scope.split()):
        fault = BearerFault("insufficient_scope", f"Insufficient scope, expected any of: {', '.join(caller.scope)}")
        fault.scope = " ".join(caller.scope)
        raise fault
    if caller.fault is not None:
        raise caller.fault
    return Actor(f"client:{client.client_id}", scene.now, scene.ref, peer=scene.peer)


async def listing(query: ClientsList, scene: Scene, house: House) -> ClientsTold:
    """List clients. Raises `BearerFault`."""
    await _admitted(query.caller, scene, house)
    skip = min(query.skip, FARTHEST)
    found, total = await house.store.read(clients.own, scene.tenant.tenant_id, query.after, skip, query.limit)
    return ClientsTold(tuple(_told(client, scene) for client in found), total)


async def create(query: ClientCreate, scene: Scene, house: House) -> ClientTold:
    """Register a client. Raises `BearerFault`, `invalid_client_metadata`."""
    actor = await _admitted(query.caller, scene, house)
    grant_types = query.fields.grant_types or ("authorization_code",)
    first = Wanted(client_name="", grant_types=grant_types, scope=SCOPE, require_pkce=False)
    checked = _checked(first, query.fields, ids.new_uuid().replace("-", ""), scene)
    client, secret = _with_secret(checked, scene, house)
    await _confirmed(client, house)
    try:
        await house.store.write(_insert, client, actor)
    except Conflict as exc:
        raise _refused("conflict", "The client was made meanwhile.", "another client_id", "one that is taken") from exc
    return msgspec.structs.replace(_told(client, scene), client_secret=secret, created=True)


async def act(query: ClientAct, scene: Scene, house: House) -> ClientTold | ClientRemoved:
    """Show a client, change or remove it. Raises `BearerFault`, `NotFound`, `invalid_client_metadata`, `conflict`."""
    actor = await _admitted(query.caller, scene, house)
    before = await house.store.read(clients.by_id, scene.tenant.tenant_id, query.client_id[:255])
    # SECURITY: what this tenant decided about another's application is the operator's, and nobody takes it back by
    # removing the record (test_nobody_administers_an_application_of_another_tenant); and with which client operators
    # sign in is theirs as well (test_no_program_changes_the_client_of_administrators).
    foreign = before is not None and (bool(before.home_tenant_id) or ADMINISTRATION in before.scope)
    if query.act == "remove":
        if not foreign:
            await house.store.write(_remove, scene.tenant.tenant_id, query.client_id[:255], actor)
            house.forget_clients()
        return ClientRemoved()
    if before is None or foreign:
        raise NotFound(detail={"received": query.client_id[:80]}).because("client-unknown", client_id=query.client_id)
    if query.act == "show":
        return _told(before, scene)
    if query.act == "new_secret":
        client, secret = _with_secret(msgspec.structs.replace(before, secrets=()), scene, house)
    else:
        checked = _checked(wanted_of(before), query.fields, before.client_id, scene, before)
        client, secret = rules.keep(before, checked), None
        if rules.lacks_secret(client, scene.now) and not rules.lacks_secret(before, scene.now):
            # SECURITY: with a secret one is the application: who may change it may not therefore have one, and one that
            # was let expire does not come back (test_whoever_updates_an_application_gets_no_secret_of_it).
            await _admitted(msgspec.structs.replace(query.caller, scope=query.caller.secrets), scene, house)
            client, secret = _with_secret(client, scene, house)
        await _confirmed(client, house)
    if not await house.store.write(_exchange, before, client, actor, query):
        raise _refused("conflict", "The client was changed meanwhile.", "it as it was", "another")
    house.forget_clients()
    return msgspec.structs.replace(_told(client, scene), client_secret=secret)


# --- what is kept


def _insert(client: Client, actor: Actor) -> Plan[None]:
    yield from clients.insert(client)
    yield from deeds.note(client.tenant_id, actor, "client.create", f"clients/{client.client_id}", after=client)


def _exchange(before: Client, after: Client, actor: Actor, query: ClientAct) -> Plan[bool]:
    if not (yield from clients.exchange(before, after)):
        return False
    changed = [name for name in Client.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    action = "client.secret" if query.act == "new_secret" else "client.update"
    told = dict.fromkeys(changed, "changed")
    resource = f"clients/{after.client_id}"
    yield from deeds.note(after.tenant_id, actor, action, resource, before=before, after=after, **told)
    return True


def _remove(tenant_id: str, client_id: str, actor: Actor) -> Plan[None]:
    client = yield from clients.by_id(tenant_id, client_id)
    if client is not None and (yield from endings.delete_client(client, actor.now)) is not None:
        yield from deeds.note(client.tenant_id, actor, "client.delete", f"clients/{client_id}", before=client)


# --- fields and records


def _checked(first: Wanted, given: ClientFields, client_id: str, scene: Scene, before: Client | None = None) -> Client:
    changes: dict[str, Any] = {name: value for name in DIRECT if (value := getattr(given, name)) is not None}
    if given.token_endpoint_auth_method is not None:
        changes["token_endpoint_auth_methods"] = (given.token_endpoint_auth_method,)
    spans = {"id_token": given.id_token_lifetime, "refresh_token": given.refresh_token_lifetime}
    named = {name: seconds for name, seconds in spans.items() if seconds is not None}
    changes["lifetimes"] = msgspec.structs.replace(first.lifetimes, **named)
    if given.grant_types is not None or before is None:
        changes |= _by_grants(first, given.grant_types or first.grant_types)
    if given.own:
        held = {scene.dialect.name: given.own}
        changes["dialects"] = settings.merge(first.dialects, held)
    development = scene.tenant.development
    try:
        wanted = msgspec.structs.replace(first, client_id=client_id, **changes)
        return rules.check(wanted, scene.tenant.tenant_id, scene.now, development=development, incomplete=True)
    except Misconfigured as error:
        expected, received = str(error.detail.get("expected", "")), str(error.detail.get("received", ""))
        public = f"{error.public} Expected: {expected}." if expected else error.public
        raise _refused("invalid_client_metadata", public, expected, received) from error


def _by_grants(first: Wanted, grant_types: tuple[str, ...]) -> dict[str, Any]:
    """Return what follows from grant types: the response types, and whether access may last."""
    code, implicit = "authorization_code" in grant_types, "implicit" in grant_types
    usual = ("code",) * code + ("id_token", "id_token token") * implicit
    lasting = (OFFLINE,) if "refresh_token" in grant_types else ()
    return {
        "response_types": usual + BOTH * (code and implicit),
        "scope": (*(word for word in first.scope if word != OFFLINE), *lasting),
    }


async def _confirmed(client: Client, house: House) -> None:
    if not remote.is_needed(client):
        return
    try:
        if house.outgoing is None:
            raise fields.refuse("address-silent", "Nothing can be fetched from here.", "a way out", "none")
        await house.outgoing.run(remote.confirm(client))
    except Misconfigured as error:
        raise _refused("invalid_client_metadata", error.public, str(error.detail.get("expected", "")), "") from error


def _with_secret(client: Client, scene: Scene, house: House) -> tuple[Client, Secret | None]:
    """Return the client with a secret if it needs one and has none, and that secret."""
    if not rules.lacks_secret(client, scene.now):
        return client, None
    secret = Secret(ids.opaque(48))
    kept = house.secrets.keep(secret.reveal(), scene.now, sealed=rules.needs_sealed_secret(client))
    return msgspec.structs.replace(client, secrets=(*client.secrets, kept)), secret


def _refused(code: str, public: str, expected: str, received: str) -> ProtocolFault:
    return ProtocolFault(code, public, detail={"expected": expected, "received": received[:200]})


def _told(client: Client, scene: Scene) -> ClientTold:
    profile = scene.dialect.profile
    found = {name: getattr(client, name) for name in DIRECT}
    told = ClientFields(
        **found
        | {
            "token_endpoint_auth_method": client.token_endpoint_auth_methods[0],
            "id_token_signed_response_alg": gather.algorithm(client, profile),
            "id_token_lifetime": gather.lifetime("id_token", client, scene.tenant, profile).seconds,
            "refresh_token_lifetime": gather.lifetime("refresh_token", client, scene.tenant, profile).seconds,
            "refresh_policy": "rotate" if client.is_public else client.refresh_policy or profile.refresh_policy,
            "refresh_grace": profile.refresh_grace if client.refresh_grace is None else client.refresh_grace,
            "own": client.dialects.get(scene.dialect.name, {}),
        }
    )
    return ClientTold(client.client_id, scene.tenant.slug, told)
