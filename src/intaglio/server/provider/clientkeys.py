"""A client's own keys: the key set that it registered, or the one at its `jwks_uri`, fetched and kept fresh.

OpenID Connect Registration 1.0 section 2 (`jwks`, `jwks_uri`), OpenID Connect Core 10.1.1 and 10.2.1 (rotation).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from intaglio.errors import Refused, Unavailable
from intaglio.server.model.clients import Client
from intaglio.server.provider import certified
from intaglio.server.provider.keyplaces import Held, KeyPlace
from intaglio.server.provider.scene import House
from intaglio.server.registry import remote
from intaglio.tokens import jws
from intaglio.tokens.jwk import KeySet
from intaglio.tokens.sharedsecret import SharedSecret
from intaglio.validate import rotation

WAIT_SECONDS = 10.0
NO_KEYS = KeySet(())


async def of(client: Client, house: House, now: int, *, kid: str | None = None, doubted: bool = False) -> KeySet:
    """Return the keys that check the client's signatures, none for a client without a key set.

    `kid` is the key that is needed: a set at an address is fetched again if it lacks it, at most every 30 s, and so it
    is if `doubted`. Raises `Unavailable` (`keys-unavailable`) if nothing could be fetched.
    """
    if client.jwks_uri:
        return (await _held(client.jwks_uri, house, now, kid, doubted=doubted)).keys
    return certified.usable(client.jwks, now) if client.jwks else NO_KEYS


async def verified(text: str, client: Client, house: House, now: int, *, algorithms: Collection[str]) -> jws.Verified:
    """Return what a JWS holds that one of the client's keys signed.

    A key that is not known, or was replaced under its name, is asked for once more. Raises `Refused` as `jws.verify`
    does, and `Unavailable` (`keys-unavailable`) if the keys could not be had.
    """
    kid = jws.peek_kid(text)
    try:
        return jws.verify(text, await of(client, house, now, kid=kid), algorithms=algorithms)
    except Refused as refusal:
        if not client.jwks_uri or refusal.code not in ("key-unknown", "signature-invalid"):
            raise
    return jws.verify(text, await of(client, house, now, kid=kid, doubted=True), algorithms=algorithms)


def keyed(text: str, client: Client, house: House, now: int) -> jws.Verified:
    """Return what a JWS holds that HS256 and a live secret of the client made; only secrets kept for that count.

    Raises `Refused` with code `signature-invalid` (OpenID Connect Core 10.1).
    """
    for secret in house.secrets.sealed(client.secrets, now):
        try:
            return jws.verify_with_secret(text, SharedSecret(secret.reveal()))
        except Refused:
            continue  # one of several: a new secret may be on its way to the client
    raise Refused("signature-invalid", detail={"rule": "a secret of the client that is kept for it"})


async def document(client: Client, house: House, now: int) -> str:
    """Return the client's key set as JSON text, empty if it has none: for what is encrypted to it.

    Raises `Unavailable` (`keys-unavailable`) if it could not be fetched.
    """
    if client.jwks_uri:
        return (await _held(client.jwks_uri, house, now, None, doubted=False)).text
    return client.jwks


async def _held(uri: str, house: House, now: int, kid: str | None, *, doubted: bool) -> Held:
    place = house.key_places.of(uri)
    due = place.is_due(now, kid, doubted=doubted)
    if due and place.fetch is None:
        place.asked(now)
        # A task of its own: whoever came first may hang up, and must not cost the others their answer.
        place.fetch = asyncio.create_task(_fetch(place, uri, house, now))
        place.fetch.add_done_callback(lambda task: _landed(place, task))
    held = place.usable(now)
    if place.fetch is not None and (due or held is None or (kid is not None and not held.keys.named(kid))):
        await asyncio.wait({place.fetch}, timeout=WAIT_SECONDS)
        held = place.usable(now)
    if held is None:
        raise Unavailable("keys-unavailable", detail={"url": uri.partition("?")[0]})
    return held


def _landed(place: KeyPlace, task: asyncio.Task[None]) -> None:
    place.fetch = None
    if not task.cancelled():
        task.exception()  # whoever waited finds no new keys; the fault itself was a failed call


async def _fetch(place: KeyPlace, uri: str, house: House, now: int) -> None:
    if house.outgoing is None:
        raise Unavailable("destination-refused", "No call may leave here.")
    found = await house.outgoing.run(remote.key_set(uri))
    place.received(Held(found.text, found.keys, now, rotation.lifetime_of(found.cache_control)))
