"""Pushed authorization requests, as the authorization endpoint finds them again.

RFC 9126 sections 2.2 (the reference), 4 (the authorization request), 6 (clients that have to push) and 7.3 (one use).

SECURITY: a reference is 256 random bits, bound to client, tenant and issuer, good for a minute and for one use; of the
browser's request nothing counts but who it is of (test_nothing_beside_a_reference_counts).
"""

from __future__ import annotations

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.authorize import AuthorizeQuery, Problem
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.protocol.pushed import PREFIX
from intaglio.server.model import pushedrequests
from intaglio.server.model.clients import Client
from intaglio.server.provider.scene import House, Scene
from intaglio.wire.params import Params


def is_reference(query: AuthorizeQuery) -> bool:
    """Tell whether an authorization request refers to a pushed one."""
    return query.request_uri.startswith(PREFIX)


async def taken(query: AuthorizeQuery, scene: Scene, house: House) -> AuthorizeQuery:
    """Return the pushed request that a request refers to, and use it up.

    Raises `UnsafeToRedirect` (`invalid_request_uri`) for a reference that is unknown, expired, used, or another
    client's, and for parameters around it that cannot be read: where the answer would go is not known then.
    """
    if query.problem is not None:
        raise UnsafeToRedirect(query.problem.error, query.problem.description).because(query.problem.reason)
    digest = ids.digest(query.request_uri.removeprefix(PREFIX))
    found = await house.store.read(pushedrequests.by_digest, digest, scene.now)
    if found is None or (found.tenant_id, found.issuer, found.client_id) != (
        scene.tenant.tenant_id,
        scene.issuer,
        query.client_id,
    ):
        # RFC 9126 2.2: bound to the client; another one that guessed or found it does not use it up either.
        raise _unknown("a reference that is unknown, has expired, or is another client's")
    # RFC 9126 7.3: once; of two browsers that bring it one goes on.
    if not await house.store.write(pushedrequests.use, digest, scene.now):
        raise _unknown("a reference that was used before")
    return scene.dialect.read_authorize(Params(found.parameters))


def _unknown(received: str) -> ProtocolFault:
    return UnsafeToRedirect(
        "invalid_request_uri",
        "The request_uri is unknown, has expired or was used before.",
        hint="Go back to the application and start again.",
        detail={"expected": "the request_uri of a pushed request of this client", "received": received},
    ).because("pushed-unknown")


def demanded(client: Client) -> Problem | None:
    """Return what is wrong with a request that was not pushed, None where it need not have been."""
    if not client.require_pushed_authorization_requests:
        return None
    description = "This application must push its authorization requests first."
    return Problem("invalid_request", description, "a request_uri of a pushed request", reason="pushed-required")
