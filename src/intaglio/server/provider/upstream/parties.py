"""A connection as what we are at the other provider: one of its clients.

OpenID Connect Core 3.1.3.7, RFC 9700 section 4.4 (mix-up), OpenID Connect Core 10.2 (encryption).
"""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import believing
from intaglio.ids import Secret
from intaglio.names import RingId
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider
from intaglio.server.model.connections import Connection
from intaglio.server.provider.scene import House, Scene
from intaglio.server.registry import connectionrules
from intaglio.tokens import encryptionkeys
from intaglio.tokens.encryptionkeys import DecryptionKeys
from intaglio.validate import policy


def party(connection: Connection, scene: Scene, house: House) -> RelyingParty:
    """Return the client; raises `Misconfigured` (`master-key-wrong`, `issuer-unusable`)."""
    rules = believing.rules(connection.rules)
    return RelyingParty(
        issuer=connection.issuer,
        client_id=connection.client_id,
        redirect_uri=scene.authority + connectionrules.callback_path(scene.tenant.slug, connection.name),
        client_secret=_secret(connection, house),
        scope=" ".join(connection.scope),
        algorithms=rules.algorithms or policy.ALL_ALGORITHMS,
        leeway=rules.leeway,
        rules=rules,
        decryption=_keys(connection, scene, house),
        discovery_uri=believing.discovery_uri(connection.issuer, rules),
    )


def redirect_uri(connection: Connection, provider: Provider, scene: Scene) -> str:
    """Return where the provider sends people back: where the dialect has one address for all, if it says who it is.

    SECURITY: RFC 9700 4.4.2: where an address is shared, only the name in the answer tells one provider's from
    another's (test_a_shared_address_is_for_those_who_say_who_they_are).
    """
    shared = scene.dialect.profile.upstream_callback
    promises = provider.metadata.members.get("authorization_response_iss_parameter_supported") is True
    path = shared if promises else ""
    return scene.authority + (path or connectionrules.callback_path(scene.tenant.slug, connection.name))


def _secret(connection: Connection, house: House) -> Secret | None:
    if not connection.sealed_secret:
        return None
    assert house.vault is not None
    return Secret(house.vault.open(connection.sealed_secret, connectionrules.SECRET).decode())


def _keys(connection: Connection, scene: Scene, house: House) -> DecryptionKeys:
    """Return what opens its ID tokens: keys that it was given, and those that the tenant itself publishes."""
    own = house.keyring.inbox.opening(RingId(scene.tenant.tenant_id), scene.now)
    if not connection.sealed_jwks:
        return own
    assert house.vault is not None
    given = encryptionkeys.read_private_set(
        codec.decode_json_object(house.vault.open(connection.sealed_jwks, connectionrules.KEYS))
    )
    return DecryptionKeys((*given.keys, *own.keys))
