"""What is known of the groups that somebody is in, looked up for the clients whose tokens tell of them."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.protocol import bearers
from intaglio.protocol.facts import Facts, Membership
from intaglio.protocol.faults import BearerFault, Forbidden
from intaglio.protocol.memberships import MembershipsAnswer, MembershipsQuery
from intaglio.server.model import grants, groups
from intaglio.server.model.clients import Client
from intaglio.server.model.users import User
from intaglio.server.provider.scene import House, Scene

MAX_GROUPS = 1000
"""Groups of one person that are looked up; no token holds so many."""


async def added(facts: Facts, user: User, client: Client, house: House) -> Facts:
    """Return the facts with the person's groups, where the client has settings that may speak of them."""
    if not user.groups or not facts.client_settings:
        return facts
    return msgspec.structs.replace(facts, memberships=await _of(user, client, house))


async def _of(user: User, client: Client, house: House) -> tuple[Membership, ...]:
    found = await house.store.read(groups.named, user.tenant_id, user.groups[:MAX_GROUPS])
    assigned = {holder for holders in client.roles.values() for holder in holders}
    return tuple(Membership(one.group_id, one.name, one.kind, one.group_id in assigned) for one in found)


async def memberships(query: MembershipsQuery, scene: Scene, house: House) -> MembershipsAnswer:
    """Return the groups of the person whom an access token is of; the dialect tells of them what the client may know.

    Raises `BearerFault` as userinfo does, and `Forbidden` for anybody else's groups.
    """
    if query.problem:
        raise BearerFault("invalid_request", "The access token came in a way that cannot be read.")
    if query.access_token is None:
        raise BearerFault("", "An access token is needed.")
    text = query.access_token.reveal()
    held = await house.store.read(grants.access_with_grant, ids.digest(text), scene.now)
    # Whatever version of the endpoints gave it: the issuer begins with the authority's address.
    here = held is not None and held[1].tenant_id == scene.tenant.tenant_id
    if held is None or not here or not held[1].issuer.startswith(scene.authority + "/"):
        raise bearers.refused(text, "a live access token of this tenant", "another text")
    grant = held[1]
    client, user = await house.client(scene, grant.client_id), await house.user(scene, grant.user_id)
    if client is None or user is None:
        raise bearers.refused(text, "a token of somebody who is there", "a token of somebody who is disabled or gone")
    if user.user_id != query.user_id:
        raise Forbidden(detail={"expected": "the token's own person", "received": query.user_id})
    return MembershipsAnswer(await _of(user, client, house), client.dialects.get(scene.dialect.name, {}))
