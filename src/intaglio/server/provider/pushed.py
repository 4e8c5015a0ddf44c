"""The endpoint for pushed authorization requests: each is checked as if it came by the browser, and kept for a minute.

RFC 9126 sections 2 (the endpoint) and 7 (what may go wrong).

    client ─▶ push ─▶ checked as the authorization endpoint would ─▶ a reference ─▶ browser ─▶ taken, once
"""

from __future__ import annotations

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.pushed import PREFIX, Pushed, PushQuery
from intaglio.server.model import pushedrequests
from intaglio.server.model.clients import Client
from intaglio.server.model.pushedrequests import PushedRequest
from intaglio.server.provider import clientauth, hint
from intaglio.server.provider.authorize import checks, demands, request_object
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import throttle

LIFETIME = 60
"""Seconds for which a pushed request waits for its browser."""

# Whoever is nobody in particular can push as well; what they push is kept for a minute.
STARTS = throttle.Allowance("pushed-request", from_address=300, altogether=30_000)


async def push(query: PushQuery, scene: Scene, house: House) -> Pushed:
    """Keep a request that the authorization endpoint would take, and return where it is.

    Raises `invalid_client`, and whatever the authorization endpoint would say (RFC 9126 section 2.3);
    `too_many_requests`.
    """
    client = await clientauth.authenticate(query.presented, scene, house)
    wanted = await request_object.resolve(query.wanted, scene, house)
    if wanted.client_id != client.client_id:
        # RFC 9126 2.1, 3: the request is of the client that pushes it, and of no other.
        detail = {"expected": client.client_id, "received": wanted.client_id[:80]}
        raise ProtocolFault("invalid_request", "The client_id is not that of the client.", detail=detail)
    await checks.client_of(wanted, scene, house)
    wrong = checks.problem(wanted, client, scene) or demands.problem(wanted, scene)
    if wrong is not None:
        detail = {"expected": wrong.expected, "received": wrong.received}
        raise ProtocolFault(wrong.error, wrong.description, detail=detail).because(wrong.reason, **wrong.told)
    if client.is_public:
        await throttle.spend(STARTS, scene, house)
    return Pushed(PREFIX + await _kept(wanted, client, scene, house), LIFETIME)


async def _kept(wanted: AuthorizeQuery, client: Client, scene: Scene, house: House) -> str:
    """Keep the request and return the random part of its reference."""
    name = ids.opaque()
    request = PushedRequest(
        digest=ids.digest(name),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        client_id=client.client_id,
        parameters=hint.at_rest(wanted.parameters, house),
        created_at=scene.now,
        expires_at=scene.now + LIFETIME,
    )
    await house.store.write(pushedrequests.insert, request)
    return name
