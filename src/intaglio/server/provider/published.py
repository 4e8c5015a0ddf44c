"""What is public: the provider's metadata and keys."""

from __future__ import annotations

from intaglio.protocol.discovery import DiscoveryAnswer, DiscoveryQuery, KeysAnswer, KeysQuery, Known
from intaglio.server.keyring import lifecycle
from intaglio.server.provider import consent
from intaglio.server.provider.scene import House, Scene


async def discovery(query: DiscoveryQuery, scene: Scene, house: House) -> DiscoveryAnswer:
    """Return the facts for the metadata document."""
    tenant = scene.tenant
    return DiscoveryAnswer(
        scene.issuer,
        scene.base,
        scene.dialect.profile.signing_algs,
        sign_up=tenant.sign_up,
        registration=tenant.registration != "closed",
        session_management=tenant.session_management,
        scopes=tuple(word for group in consent.groups_of(scene.dialect, tenant) for word in group.scopes),
        inside=scene.inside if scene.from_inside else "",
    )


async def keys(query: KeysQuery, scene: Scene, house: House) -> KeysAnswer:
    """Return the published keys that the dialect can show."""
    published, max_age = await house.keyring.published(scene.ring_id, scene.dialect.profile.signing_algs[0])
    keys = tuple(key for key in published if scene.dialect.publishes(key))
    records = await house.keyring.keys(scene.ring_id)
    now = [lifecycle.current(records, alg, scene.now) for alg in {key.alg for key in keys}]
    signing = frozenset(key.key_id for key in now if key is not None)
    return KeysAnswer(keys, max_age, query.form, (house.keyring.inbox.published(scene.ring_id, scene.now),), signing)


async def known(query: Known, scene: Scene, house: House) -> Known:
    """Return the question: its dialect has the answer."""
    return query
