"""Introspection (RFC 7662): what a token is good for, told to authenticated clients of the tenant."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol import bearers, circumstances
from intaglio.protocol.exchange import Introspection, IntrospectQuery
from intaglio.server.model import grants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import Grant
from intaglio.server.model.plan import Plan
from intaglio.server.provider import clientauth
from intaglio.server.provider.scene import House, Scene


class _Known(Grant, frozen=True):
    """A live token with its grant."""

    token_scope: str = ""
    token_type: str = ""
    token_created_at: int = 0
    token_expires_at: int = 0
    username: str = ""


def _known(digest: bytes, now: int) -> Plan[_Known | None]:
    access = yield from grants.access_with_grant(digest, now)
    held = access or (yield from grants.refresh_with_grant(digest))
    if held is None:
        return None
    token, grant = held
    username = ""
    if grant.user_id:
        user = yield from users.by_id(grant.tenant_id, grant.user_id)
        if user is None or user.disabled_at is not None:
            return None
        username = user.username
    return _Known(
        **{name: getattr(grant, name) for name in Grant.__struct_fields__},
        token_scope=token.scope,
        token_type="Bearer" if access else "refresh_token",
        token_created_at=token.created_at,
        token_expires_at=min(token.expires_at, grant.expires_at) if not access else token.expires_at,
        username=username,
    )


def _used(digest: bytes) -> Plan[bool]:
    found = yield from grants.refresh_with_grant(digest)
    return found is not None and found[0].used_at is not None


class _Asker(msgspec.Struct, frozen=True):
    """Which client asks, and whether it is told of other clients' tokens, and of refresh tokens."""

    client: Client
    of_others: bool = True
    of_refresh: bool = True


async def _asker(query: IntrospectQuery, scene: Scene, house: House) -> _Asker:
    if query.caller is not None:
        return await _by_token(query.caller, query.wide_scope, scene, house)
    client = await clientauth.authenticate(query.presented, scene, house)
    if client.is_public:
        raise ProtocolFault("unauthorized_client", "A public application cannot introspect tokens.")
    return _Asker(client)


async def _by_token(caller: Secret, wide_scope: str, scene: Scene, house: House) -> _Asker:
    """Return who asks with an access token of its own, got for itself alone (RFC 7662 section 2.1, RFC 6749 4.4).

    SECURITY: such a token reaches resource servers, which must not learn by it what only its client may know: refresh
    tokens, and without the wide scope what other clients hold (test_a_token_of_its_own_tells_of_its_own).
    """
    held = await house.store.read(grants.access_with_grant, ids.digest(caller.reveal()), scene.now)
    here = held is not None and (held[1].tenant_id, held[1].issuer) == (scene.tenant.tenant_id, scene.issuer)
    if held is None or not here or held[1].user_id:
        raise bearers.refused(caller.reveal(), "a live access token that an application got for itself", "another text")
    client = await house.client(scene, held[1].client_id)
    if client is None or client.is_public:
        raise bearers.refused(caller.reveal(), "a token of a confidential application", held[1].client_id)
    return _Asker(client, of_others=wide_scope in held[0].scope.split(), of_refresh=False)


async def introspect(query: IntrospectQuery, scene: Scene, house: House) -> Introspection:
    """Tell what is known of a token. Raises `invalid_client`, and `unauthorized_client` for a public client.

    An access token is told to any confidential client of the tenant, as resource servers need; a refresh token only to
    the client that holds it. Everything else is inactive, without a reason (RFC 7662 section 2.2). Who asks with an
    access token is told less, see `_by_token`; raises `BearerFault` for one that is not good.
    """
    asker = await _asker(query, scene, house)
    client = asker.client
    digest = ids.digest(query.token.reveal())
    known = await house.store.read(_known, digest, scene.now)
    if known is None or (known.tenant_id, known.issuer) != (scene.tenant.tenant_id, scene.issuer):
        return Introspection(active=False)
    if known.client_id != client.client_id and not asker.of_others:
        return Introspection(active=False)
    if known.token_type == "refresh_token" and (
        known.client_id != client.client_id or not asker.of_refresh or await house.store.read(_used, digest)
    ):
        return Introspection(active=False)
    if known.revoked_at is not None or scene.now >= known.token_expires_at:
        return Introspection(active=False)
    holder = await house.client(scene, known.client_id)
    if holder is None:
        return Introspection(active=False)
    return Introspection(
        active=True,
        scope=tuple(known.token_scope.split()),
        client_id=known.client_id,
        # Who the person is by name is told to the client that they signed in to, not to every resource server.
        username=known.username if known.client_id == client.client_id else "",
        # The person is who they are to the client that holds the token, whoever asks.
        subject=house.subjects.of(scene.dialect, holder, known.user_id) if known.user_id else known.client_id,
        issuer=known.issuer,
        audience=circumstances.decode(known.circumstances).audience,
        token_type=known.token_type,
        issued_at=known.token_created_at,
        expires_at=known.token_expires_at,
    )
