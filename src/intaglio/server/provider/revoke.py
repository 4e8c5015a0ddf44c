"""Revocation (RFC 7009): a refresh token ends its family, an access token ends alone."""

from __future__ import annotations

from intaglio import ids
from intaglio.protocol.exchange import Revoked, RevokeQuery
from intaglio.server.model import audit, grants
from intaglio.server.model.audit import Entry
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import Grant
from intaglio.server.model.plan import Plan
from intaglio.server.provider import clientauth
from intaglio.server.provider.scene import House, Scene


def _revoke(digest: bytes, client: Client, scene: Scene) -> Plan[None]:
    tenant_id, client_id, now = scene.tenant.tenant_id, client.client_id, scene.now
    access = yield from grants.access_with_grant(digest, now)
    if access is not None and (access[1].tenant_id, access[1].client_id) == (tenant_id, client_id):
        yield from grants.access_end(digest, now)
        yield from audit.insert_one(_entry("access_token", access[1], scene))
        return
    refresh = yield from grants.refresh_with_grant(digest)
    if refresh is not None and (refresh[1].tenant_id, refresh[1].client_id) == (tenant_id, client_id):
        yield from grants.grant_revoke(refresh[1].grant_id, now)
        yield from audit.insert_one(_entry("refresh_token", refresh[1], scene))


def _entry(kind: str, family: Grant, scene: Scene) -> Entry:
    return Entry(
        family.tenant_id,
        ids.ordered(scene.now),
        scene.now,
        "token.revoke",
        f"client:{family.client_id}",
        f"users/{family.user_id}" if family.user_id else f"clients/{family.client_id}",
        "allowed",
        scene.ref,
        detail={"token": kind, "grant_id": family.grant_id, "dialect": scene.dialect.name},
        peer=scene.peer,
    )


async def revoke(query: RevokeQuery, scene: Scene, house: House) -> Revoked:
    """Revoke a token of the client; another's token, or no token at all, changes nothing and is answered alike."""
    client = await clientauth.authenticate(query.presented, scene, house)
    digest = ids.digest(query.token.reveal())
    await house.store.write(_revoke, digest, client, scene)
    return Revoked()
