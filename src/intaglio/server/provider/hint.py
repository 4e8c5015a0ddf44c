"""Reading an `id_token_hint`: a token of our own, perhaps expired, that says whom a request is about.

OpenID Connect Core 3.1.2.1, OpenID Connect RP-Initiated Logout 1.0 section 2 (expired hints are accepted).
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.errors import IntaglioError
from intaglio.server.provider.scene import House, Scene
from intaglio.tokens import jws

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


class Hint(msgspec.Struct, frozen=True):
    """Whom a hint names: subject, client and session (empty if the token says none)."""

    subject: str
    client_id: str
    session_id: str


async def read(text: str, scene: Scene, house: House) -> Hint | None:
    """Return what the hint says, or None unless it is an ID token that this issuer signed. Its age does not matter."""
    if not text:
        return None
    records = await house.keyring.keys(scene.ring_id)
    names = {r.key_id: str(scene.dialect.kid(house.keyring.public(r))) for r in records}
    keys = await house.keyring.verification(scene.ring_id, names)
    try:
        verified = jws.verify(text, keys, algorithms=ALGORITHMS)
        payload = codec.decode_json_object(verified.payload)
    except (IntaglioError, codec.CodecError):
        return None
    subject, audience, session = payload.get("sub"), payload.get("aud"), payload.get("sid", "")
    if payload.get("iss") != scene.issuer or not isinstance(subject, str) or not isinstance(audience, str):
        return None
    return Hint(subject, audience, session if isinstance(session, str) else "")
