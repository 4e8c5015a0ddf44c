"""Clients register themselves where their tenant lets them, and manage what they registered.

RFC 7591 section 3, RFC 7592 section 2, OpenID Connect Dynamic Client Registration 1.0 sections 3 to 5. The rules are
those of the registry, for operators and clients alike; only what a client may give itself is narrower.
"""

from __future__ import annotations

import hmac

import msgspec

from intaglio import codec, ids
from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol import bearers
from intaglio.protocol.faults import BearerFault, NotFound
from intaglio.protocol.registration import ClientAnswer, ClientGone, ClientMetadata, ManageQuery, RegisterQuery
from intaglio.server.issue import gather
from intaglio.server.model import clients, registrationtokens
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.provider import limited
from intaglio.server.provider.scene import House, Scene
from intaglio.server.registry import deeds, endings, fields, remote, rules
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.wanted import OPERATORS_OWN, Wanted

MANAGING = "ig_rat_"
"""What a registration access token begins with."""
SCOPES = ("openid", "profile", "email", "phone", "address", "offline_access")
"""What a client may give itself: what people are asked about, and no scope of somebody's API."""
DIRECT = frozenset(ClientMetadata.__struct_fields__) & frozenset(Wanted.__struct_fields__)
"""The names that mean the same on the wire and in a record."""


def _refused_token(token: Secret, received: str) -> BearerFault:
    return bearers.refused(token.reveal(), "the token for this registration", received)


def _insert(client: Client, token: bytes | None, actor: Actor) -> Plan[bool]:
    if token is not None and not (yield from registrationtokens.use(token, client.tenant_id, actor.now)):
        return False
    yield from clients.insert(client)
    yield from deeds.note(client.tenant_id, actor, "client.register", f"clients/{client.client_id}", after=client)
    return True


def _exchange(before: Client, after: Client, actor: Actor) -> Plan[bool]:
    if not (yield from clients.exchange(before, after)):
        return False
    resource = f"clients/{after.client_id}"
    yield from deeds.note(after.tenant_id, actor, "client.update", resource, before=before, after=after)
    return True


def _actor(client: Client, scene: Scene) -> Actor:
    return Actor(f"client:{client.client_id}", scene.now, scene.ref, peer=scene.peer)


async def register(query: RegisterQuery, scene: Scene, house: House) -> ClientAnswer:
    """Register a client and tell it its secret and the token that manages it, both this once.

    Raises `NotFound` where the tenant's registration is closed, `BearerFault` (`invalid_token`) without a good
    initial access token where one is needed, `invalid_redirect_uri`, `invalid_client_metadata`.
    """
    digest = await _admitted(query.access_token, scene, house)
    await limited.count("registrations", scene, house)
    client = await _checked(query.metadata, ids.new_uuid(), scene, house)
    token, secret = Secret(MANAGING + ids.opaque()), None
    if rules.needs_secret(client):
        secret = Secret(ids.opaque())
        client = _with_secret(client, secret, scene, house)
    client = msgspec.structs.replace(client, registration_digest=ids.digest(token.reveal()))
    if not await house.store.write(_insert, client, digest, _actor(client, scene)):
        raise _refused_token(query.access_token or Secret(""), "a token that was used up meanwhile")
    await _publish_key(client, scene, house)
    return msgspec.structs.replace(_answer(client, token, scene), client_secret=secret, created=True)


async def _admitted(token: Secret | None, scene: Scene, house: House) -> bytes | None:
    """Return the hash of the initial access token that has to be used, None where none is needed."""
    if scene.tenant.registration == "open":
        return None
    if scene.tenant.registration != "token":
        raise NotFound(detail={"expected": "a tenant whose registration is open", "received": scene.tenant.slug})
    if token is None:
        raise BearerFault("", "An initial access token is needed.")
    digest = ids.digest(token.reveal())
    # Before anything is fetched: a stranger must not make this server call anywhere.
    if not await house.store.read(registrationtokens.is_live, digest, scene.tenant.tenant_id, scene.now):
        raise _refused_token(token, "an unknown token, or one that has expired or is used up")
    return digest


async def manage(query: ManageQuery, scene: Scene, house: House) -> ClientAnswer | ClientGone:
    """Read, replace or delete a registration. Raises `BearerFault` (`invalid_token`), and what `register` raises.

    Clients that an operator made have no such token, and are not to be found here. What a deleted client was given ends
    with it.
    """
    client = await _own(query, scene, house)
    assert query.access_token is not None
    if query.action == "read":
        return _answer(client, query.access_token, scene)
    if query.action == "delete":
        await house.store.write(_remove, client, _actor(client, scene))
        house.forget_clients()
        return ClientGone()
    return await _replaced(client, query, scene, house)


def _remove(client: Client, actor: Actor) -> Plan[None]:
    if (yield from endings.delete_client(client, actor.now)) is not None:
        told = f"clients/{client.client_id}"
        yield from deeds.note(client.tenant_id, actor, "client.delete", told, before=client)


async def _own(query: ManageQuery, scene: Scene, house: House) -> Client:
    if query.access_token is None:
        raise BearerFault("", "A registration access token is needed.")
    client = await house.store.read(clients.by_id, scene.tenant.tenant_id, query.client_id[:255])
    digest = client.registration_digest if client is not None else b""
    # RFC 7592 2.1: one answer for a wrong token and for a client that is not there, and in the same time.
    right = hmac.compare_digest(digest or bytes(32), ids.digest(query.access_token.reveal()))
    if client is None or not digest or not right or client.disabled_at is not None:
        raise _refused_token(query.access_token, "another token, or no registration of this id")
    return client


async def _replaced(before: Client, query: ManageQuery, scene: Scene, house: House) -> ClientAnswer:
    assert query.access_token is not None
    given = query.client_secret
    if given is not None and not house.secrets.verify(before.secrets, given.reveal(), scene.now):
        # RFC 7592 2.2: a client does not choose its secret.
        raise _fault("invalid_client_metadata", "client_secret is not that of the client.", "its own", "another")
    checked = await _checked(query.metadata, before.client_id, scene, house)
    operators = {name: getattr(before, name) for name in OPERATORS_OWN}
    client, secret = rules.keep(before, msgspec.structs.replace(checked, **operators)), None
    if rules.lacks_secret(client, scene.now):
        secret = Secret(ids.opaque())
        client = _with_secret(client, secret, scene, house)
    if not await house.store.write(_exchange, before, client, _actor(before, scene)):
        raise _fault("invalid_request", "The registration was changed meanwhile. Read it again.", "", "")
    house.forget_clients()
    await _publish_key(client, scene, house)
    return msgspec.structs.replace(_answer(client, query.access_token, scene), client_secret=secret)


async def _publish_key(client: Client, scene: Scene, house: House) -> None:
    """Make the keys that will sign for the client, if the ring has none: who fetches the keys now has them already."""
    for alg in {gather.algorithm(client, scene.dialect.profile), client.userinfo_signed_response_alg} - {""}:
        await house.keyring.signing(scene.ring_id, alg)


def _with_secret(client: Client, secret: Secret, scene: Scene, house: House) -> Client:
    sealed = rules.needs_sealed_secret(client)
    kept = house.secrets.keep(secret.reveal(), scene.now, sealed=sealed)
    return msgspec.structs.replace(client, secrets=(*client.secrets, kept))


# --- metadata and records


async def _checked(metadata: ClientMetadata, client_id: str, scene: Scene, house: House) -> Client:
    tenant = scene.tenant
    try:
        wanted = _wanted(metadata, client_id, scene)
        client = rules.check(wanted, tenant.tenant_id, scene.now, development=tenant.development)
        if remote.is_needed(client):
            if house.outgoing is None:
                raise fields.refuse("address-silent", "Nothing can be fetched from here.", "a way out", "none")
            await house.outgoing.run(remote.confirm(client))
    except Misconfigured as error:
        code = "invalid_redirect_uri" if error.code.startswith("redirect-uri") else "invalid_client_metadata"
        expected, received = str(error.detail.get("expected", "")), str(error.detail.get("received", ""))
        public = f"{error.public} Expected: {expected}." if expected else error.public
        raise _fault(code, public, expected, received) from error
    return client


def _fault(code: str, public: str, expected: str, received: str) -> ProtocolFault:
    return ProtocolFault(code, public, detail={"expected": expected, "received": received[:200]})


def _wanted(metadata: ClientMetadata, client_id: str, scene: Scene) -> Wanted:
    direct = {name: value for name in DIRECT if (value := getattr(metadata, name)) is not None}
    # OpenID Connect Registration 2: what is left out has its default; code, and the grant types that go with it.
    grants = metadata.grant_types
    if metadata.response_types is None and (grants is None or "authorization_code" in grants):
        direct["response_types"] = ("code",)
    elif metadata.response_types is None:
        direct["response_types"] = ()
    if grants is None:
        ordered = tuple(" ".join(sorted(value.split(" "))) for value in direct["response_types"][: fields.MAX_VALUES])
        grants = rules.grants_of(ordered) or ("authorization_code",)
    method = metadata.token_endpoint_auth_method
    return Wanted(
        **direct
        | {
            "client_id": client_id,
            "client_name": metadata.client_name or client_id,
            "grant_types": grants,
            "scope": _scope(metadata, grants),
            "jwks": codec.encode_json(metadata.jwks).decode() if metadata.jwks is not None else "",
            "token_endpoint_auth_methods": (method or "client_secret_basic",),
            # OpenID Connect knows no PKCE, and its clients send a nonce; public ones need it all the same.
            "require_pkce": method == "none",
        }
    )


def _scope(metadata: ClientMetadata, grants: tuple[str, ...]) -> tuple[str, ...]:
    if metadata.scope is not None:
        return fields.all_of("scope", metadata.scope.split(), SCOPES)
    return SCOPES if "refresh_token" in grants else SCOPES[:-1]


def _answer(client: Client, token: Secret, scene: Scene) -> ClientAnswer:
    values = {name: getattr(client, name) for name in DIRECT}
    values |= {
        "scope": " ".join(client.scope),
        "jwks": codec.decode_json_object(client.jwks.encode()) if client.jwks else None,
        "token_endpoint_auth_method": client.token_endpoint_auth_methods[0],
        # RFC 7591 3.2.1: what is in force, whether it was asked for or not.
        "id_token_signed_response_alg": gather.algorithm(client, scene.dialect.profile),
    }
    kept = {name: value for name, value in values.items() if value not in ("", ()) or name == "redirect_uris"}
    return ClientAnswer(
        client_id=client.client_id,
        client_id_issued_at=client.created_at,
        metadata=ClientMetadata(**kept),
        registration_client_uri=f"{scene.base}{scene.dialect.profile.registration_path}/{client.client_id}",
        registration_access_token=token,
    )
