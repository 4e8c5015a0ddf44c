"""To whom an ID token or UserInfo of a client is encrypted here, or why it cannot be given.

OpenID Connect Registration 1.0 section 2, OpenID Connect Core 10.2 and 16.14, FAPI 1.0 Advanced section 5.2.2.1 (what
goes through a browser is encrypted).

SECURITY: nothing is sent in clear that was to be encrypted: whoever cannot have a recipient where one is registered or
demanded gets an error (test_never_in_clear).
"""

from __future__ import annotations

from intaglio.errors import ProtocolFault, Refused, Unavailable
from intaglio.protocol.authorize import Problem, problem_of
from intaglio.server.issue import recipients
from intaglio.server.issue.recipients import Recipient
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.server.provider import clientkeys
from intaglio.server.provider.scene import House, Scene

NOT_REGISTERED = "ID tokens for this application have to be encrypted, and it has registered no way to do that."
NO_KEY = "What this application gets has to be encrypted, and none of its keys can be used for that."


def concerns(client: Client, tenant: Tenant) -> bool:
    """Tell whether ID tokens of the client are, or have to be, encrypted."""
    return bool(client.id_token_encrypted_response_alg or client.encrypt_id_token or tenant.encrypt_id_tokens)


async def of_id_token(client: Client, scene: Scene, house: House, *, front_channel: bool) -> Recipient | None:
    """Return to whom the client's ID token is encrypted, None if it goes in clear.

    Raises `ProtocolFault` (`invalid_request`) where encryption is demanded and not registered, or no registered key is
    usable; `Unavailable` where the client's key set cannot be fetched.
    """
    alg = client.id_token_encrypted_response_alg
    if alg:
        return await _chosen(client, alg, client.id_token_encrypted_response_enc, house, scene.now)
    if recipients.is_demanded(client, scene.tenant, front_channel=front_channel):
        expected = "id_token_encrypted_response_alg, with a key set that has a key for it"
        raise ProtocolFault(
            "invalid_request", NOT_REGISTERED, detail={"expected": expected, "received": _demand(client, scene.tenant)}
        ).because("encryption-impossible")
    return None


async def of_userinfo(client: Client, scene: Scene, house: House) -> Recipient | None:
    """Return to whom the client's UserInfo is encrypted, None if it is not; raises as `of_id_token` does."""
    alg = client.userinfo_encrypted_response_alg
    return await _chosen(client, alg, client.userinfo_encrypted_response_enc, house, scene.now) if alg else None


async def of_logout_token(client: Client, house: House, now: int) -> Recipient | None:
    """Return to whom a logout token is encrypted: as the client's ID tokens are (Back-Channel Logout 1.0 section 2.4).

    Raises as `of_id_token` does.
    """
    alg = client.id_token_encrypted_response_alg
    return await _chosen(client, alg, client.id_token_encrypted_response_enc, house, now) if alg else None


async def refusal(client: Client, scene: Scene, house: House, *, front_channel: bool) -> Problem | None:
    """Return why a request cannot be given the ID token that it wants: to be told before anybody signs in."""
    if not concerns(client, scene.tenant):
        return None
    try:
        await of_id_token(client, scene, house, front_channel=front_channel)
    except ProtocolFault as fault:
        return problem_of(fault)
    except Unavailable as fault:
        public = "The keys of this application cannot be fetched."
        return Problem("temporarily_unavailable", public, "the key set at its jwks_uri", str(fault.detail)[:300])
    return None


async def _chosen(client: Client, alg: str, enc: str, house: House, now: int) -> Recipient:
    document = await clientkeys.document(client, house, now)
    try:
        return recipients.choose(document or '{"keys":[]}', alg, enc)
    except Refused as refused:
        detail = {"expected": f"a key for {alg}", "received": f"{refused.code}: {refused.detail}"[:300]}
        fault = ProtocolFault("invalid_request", NO_KEY, detail=detail)
        raise fault.because("encryption-impossible") from refused


def _demand(client: Client, tenant: Tenant) -> str:
    demands = {"client": client.encrypt_id_token, "tenant": tenant.encrypt_id_tokens}
    told = ", ".join(f"{whose} demands it: {level}" for whose, level in demands.items() if level)
    return f"no encryption registered; {told}"
