"""Revocation (RFC 7009): a refresh token ends its family, an access token ends alone."""

from __future__ import annotations

from intaglio import ids
from intaglio.protocol.exchange import Revoked, RevokeQuery
from intaglio.server.model import grants
from intaglio.server.model.plan import Plan
from intaglio.server.provider import clientauth
from intaglio.server.provider.scene import House, Scene


def _revoke(digest: bytes, tenant_id: str, client_id: str, now: int) -> Plan[None]:
    access = yield from grants.access_with_grant(digest, now)
    if access is not None and (access[1].tenant_id, access[1].client_id) == (tenant_id, client_id):
        yield from grants.access_end(digest, now)
        return
    refresh = yield from grants.refresh_with_grant(digest)
    if refresh is not None and (refresh[1].tenant_id, refresh[1].client_id) == (tenant_id, client_id):
        yield from grants.grant_revoke(refresh[1].grant_id, now)


async def revoke(query: RevokeQuery, scene: Scene, house: House) -> Revoked:
    """Revoke a token of the client; another's token, or no token at all, changes nothing and is answered alike."""
    client = await clientauth.authenticate(query.presented, scene, house)
    digest = ids.digest(query.token.reveal())
    await house.store.write(_revoke, digest, scene.tenant.tenant_id, client.client_id, scene.now)
    return Revoked()
