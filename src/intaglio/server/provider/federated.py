"""Clients for which another issuer vouches: its token about an agreed subject stands in for the client's assertion.

RFC 7521 section 4.2, RFC 7523 section 3, OpenID Connect Discovery 1.0 (its keys), RFC 8725 (best current practice).

SECURITY: issuer, subject and audience are compared letter for letter, and before any key is fetched, so that nobody is
asked for the sake of a token that nobody agreed to (test_nobody_is_asked_for_a_stranger). Such a token is used again
until it ends, as machines do that find theirs in a file: it is not kept that it was used.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.errors import Misconfigured, Refused, Unavailable
from intaglio.protocol.faults import ClientUnknown
from intaglio.protocol.trusted import TrustedIssuer
from intaglio.server.model.clients import Client
from intaglio.server.provider.scene import House, Scene
from intaglio.tokens import claims, jws
from intaglio.tokens.jwk import KeySet
from intaglio.wire import url

TYPES = frozenset({"jwt"})
LEEWAY = 30
SHOWN = 120


def trusted(client: Client, scene: Scene) -> tuple[TrustedIssuer, ...]:
    """Return who vouches for the client where the dialect knows that."""
    settings, read = client.dialects.get(scene.dialect.name), scene.dialect.trusted_issuers
    return read(settings) if settings and read is not None else ()


def is_anothers(text: str, client: Client, scene: Scene) -> bool:
    """Tell whether an assertion claims to be another issuer's, where the dialect has such; believed in nothing."""
    if scene.dialect.trusted_issuers is None:
        return False
    try:
        payload = codec.decode_json_object(jws.read(text).payload)
    except (Refused, codec.CodecError):
        return False
    return payload.get("iss") != client.client_id and payload.get("sub") != client.client_id


async def check(text: str, client: Client, scene: Scene, house: House) -> None:
    """Believe that an assertion is another issuer's about this client.

    Raises `ClientUnknown` (`invalid_client`) for everybody whom nobody agreed to, and for a token that is not good.
    """
    try:
        parts = jws.read(text)
        payload = codec.decode_json_object(parts.payload)
        agreed = _agreed(payload, client, scene)
        kind = parts.header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise _refuse("a JWT", "another typ", "assertion-invalid", client)
        jws.allow(parts.header, agreed.algorithms)
        _check_times(payload, client, scene.now)
        keys = await _keys(agreed, parts.header.get("kid"), scene.now, house)
        jws.verify(text, keys, algorithms=agreed.algorithms)
    except (Refused, codec.CodecError, Unavailable, Misconfigured) as fault:
        code = getattr(fault, "code", "payload")
        raise _refuse("a token of an issuer that vouches", code, "assertion-invalid", client) from fault


def _agreed(payload: dict[str, Any], client: Client, scene: Scene) -> TrustedIssuer:
    issuer, subject, audiences = payload.get("iss"), payload.get("sub"), claims.audiences(payload)
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise _refuse("iss and sub as text", "none", "assertion-invalid", client)
    # SECURITY: what this server signs for people and workloads proves no client (test_own_tokens_vouch_for_nobody).
    if url.origin(issuer) == url.origin(scene.authority):
        raise _refuse("another issuer's token", "an own one", "assertion-self-issued", client)
    left = [one for one in trusted(client, scene) if one.issuer == issuer]
    if not left:
        raise _unknown("issuer", issuer, client)
    left = [one for one in left if one.subject == subject]
    if not left:
        raise _unknown("subject", subject, client)
    # RFC 7523 3: for this very audience and nobody else.
    found = next((one for one in left if audiences == (one.audience,)), None)
    if found is None:
        raise _unknown("audience", " ".join(audiences), client)
    return found


def _unknown(what: str, value: str, client: Client) -> ClientUnknown:
    reasons = {
        "issuer": "assertion-unknown-issuer",
        "subject": "assertion-unknown-subject",
        "audience": "assertion-unknown-audience",
    }
    fault = _refuse(f"an agreed {what}", value[:SHOWN], reasons[what], client)
    fault.told = {"client_id": client.client_id, "what": what, "value": value[:SHOWN]}
    return fault


def _check_times(payload: dict[str, Any], client: Client, now: int) -> None:
    expires_at = claims.instant(payload, "exp")
    if expires_at is None or expires_at <= now - LEEWAY:
        raise _refuse(f"exp after {now}", str(expires_at), "assertion-expired", client)
    for name in ("nbf", "iat"):
        instant = claims.instant(payload, name)
        if instant is not None and instant > now + LEEWAY:
            raise _refuse(f"{name} up to {now}", str(instant), "assertion-expired", client)


async def _keys(agreed: TrustedIssuer, kid: str | None, now: int, house: House) -> KeySet:
    source = house.issuer_keys.of(agreed.issuer)
    found = source.ready(now, kid)
    if found is not None:
        return found
    if house.outgoing is None:
        raise Unavailable("destination-refused", "No call may leave here.")
    return await source.aobtain(now, kid, house.outgoing.run)


def _refuse(expected: str, received: str, reason: str, client: Client) -> ClientUnknown:
    fault = ClientUnknown(detail={"expected": expected, "received": f"{received} for {client.client_id}"})
    fault.because(reason, client_id=client.client_id)
    return fault
