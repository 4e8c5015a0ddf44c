"""Client authentication at the token, revocation and introspection endpoints.

RFC 6749 sections 2.3 and 3.2.1, OpenID Connect Core 9.
"""

from __future__ import annotations

from intaglio.protocol.exchange import Presented
from intaglio.protocol.faults import ClientUnknown
from intaglio.server.model.clients import Client
from intaglio.server.provider import assertions, federated
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
            raise await _nobody(presented.client_id, scene, house)
        text = presented.assertion.reveal()
        believe = federated.check if federated.is_anothers(text, client, scene) else assertions.check
        await believe(text, client, scene, house)
        return client
    methods = client.token_endpoint_auth_methods if client is not None else ()
    secrets = client.secrets if client is not None else ()
    secret = presented.secret.reveal() if presented.secret is not None else ""
    # The comparison runs for unknown clients too, so that the time tells nothing.
    right = house.secrets.verify(secrets, secret, scene.now)
    if client is None:
        raise await _nobody(presented.client_id, scene, house)
    if presented.method not in methods:
        reason = _unfit(presented, client)
        raise refuse(f"one of {' '.join(methods)}", f"{presented.method} from {client.client_id}", reason, client)
    if presented.method != "none" and not right:
        reason = "secret-expired" if _has_ended(client, scene.now) else "secret-wrong"
        raise refuse("the client's secret", f"another secret from {client.client_id}", reason, client)
    return client


async def _nobody(client_id: str, scene: Scene, house: House) -> ClientUnknown:
    """Return the fault for a client_id under which no client may act."""
    received = client_id[:80] or "no client_id"
    reason = await house.absence(scene, client_id)
    fault = refuse("a registered client_id", received, reason)
    fault.told = {"client_id": client_id[:80]}
    return fault


def _unfit(presented: Presented, client: Client) -> str:
    if client.is_public:
        return "secret-unwanted"
    return "secret-missing" if presented.method == "none" else "method-not-allowed"


def _has_ended(client: Client, now: int) -> bool:
    """Tell whether the client has secrets and all of them have expired; whether the one sent was right is not told."""
    ends = [secret.expires_at for secret in client.secrets]
    return bool(ends) and all(end is not None and end <= now for end in ends)
