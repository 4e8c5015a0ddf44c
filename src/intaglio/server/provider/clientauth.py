"""Client authentication at the token, revocation and introspection endpoints.

RFC 6749 sections 2.3 and 3.2.1, OpenID Connect Core 9.
"""

from __future__ import annotations

from intaglio.protocol.exchange import Presented
from intaglio.server.model.clients import Client
from intaglio.server.provider import assertions
from intaglio.server.provider.assertions import refuse
from intaglio.server.provider.scene import House, Scene


async def authenticate(presented: Presented, scene: Scene, house: House) -> Client:
    """Return the client that the request comes from.

    Raises `ClientUnknown` (`invalid_client`) for an unknown or disabled client, a method that it is not registered for,
    a secret that is not its own, and an assertion as `assertions.check` does.
    """
    if presented.faulty:
        raise refuse("one readable client authentication", presented.faulty)
    client = await house.client(scene, presented.client_id)
    if presented.assertion is not None:
        if client is None:
            raise refuse("a registered client_id", presented.client_id[:80] or "no client_id")
        await assertions.check(presented.assertion.reveal(), client, scene, house)
        return client
    methods = client.token_endpoint_auth_methods if client is not None else ()
    secrets = client.secrets if client is not None else ()
    secret = presented.secret.reveal() if presented.secret is not None else ""
    # The comparison runs for unknown clients too, so that the time tells nothing.
    right = house.secrets.verify(secrets, secret, scene.now)
    if client is None:
        raise refuse("a registered client_id", presented.client_id[:80] or "no client_id")
    if presented.method not in methods:
        raise refuse(f"one of {' '.join(methods)}", f"{presented.method} from {client.client_id}")
    if presented.method != "none" and not right:
        raise refuse("the client's secret", f"another secret from {client.client_id}")
    return client
