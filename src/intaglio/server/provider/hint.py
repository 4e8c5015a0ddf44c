"""Reading an `id_token_hint`: a token of our own, perhaps expired, that says whom a request is about.

OpenID Connect Core 3.1.2.1, OpenID Connect RP-Initiated Logout 1.0 section 2 (expired hints are accepted).
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.errors import IntaglioError
from intaglio.server.provider.scene import House, Scene
from intaglio.tokens import jwe, jws

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
ENCRYPTED_DOTS = 4
NAME = "id_token_hint"
PURPOSE = "id-token-hint"
SEALED = "sealed~"
"""How a hint begins that waits in the database; no token begins so."""


class Hint(msgspec.Struct, frozen=True):
    """Whom a hint names: subject, client and session (empty if the token says none)."""

    subject: str
    client_id: str
    session_id: str


def at_rest(parameters: tuple[tuple[str, str], ...], house: House) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a request that is kept, without the token that came as its hint for all to read."""
    vault = house.vault
    if vault is None or not any(name == NAME and value for name, value in parameters):
        return parameters
    return tuple(
        (name, SEALED + vault.seal(value.encode("utf-8", "surrogatepass"), PURPOSE))
        if name == NAME and value and not value.startswith(SEALED)
        else (name, value)
        for name, value in parameters
    )


def _opened(text: str, scene: Scene, house: House) -> str | bytes:
    """Return the signed token; OpenID Connect Core 3.1.2.1: a client may have encrypted it to us again."""
    if text.startswith(SEALED) and house.vault is not None:
        # SECURITY: what somebody sends in this form does not open: what is sealed for this stays in the database
        # (test_a_hint_that_waits_counts_and_nobody_sends_one).
        text = house.vault.open(text.removeprefix(SEALED), PURPOSE).decode("utf-8", "surrogatepass")
    if text.count(".") != ENCRYPTED_DOTS:
        return text
    return jwe.decrypt(text, house.keyring.inbox.opening(scene.ring_id, scene.now), algorithms=jwe.PUBLIC).plaintext


async def read(text: str, scene: Scene, house: House) -> Hint | None:
    """Return what the hint says, or None unless it is an ID token that this issuer signed. Its age does not matter."""
    if not text:
        return None
    records = await house.keyring.keys(scene.ring_id)
    names = {r.key_id: str(scene.dialect.kid(house.keyring.public(r))) for r in records}
    keys = await house.keyring.verification(scene.ring_id, names)
    try:
        verified = jws.verify(_opened(text, scene, house), keys, algorithms=ALGORITHMS)
        payload = codec.decode_json_object(verified.payload)
    except (IntaglioError, codec.CodecError):
        return None
    subject, audience, session = payload.get("sub"), payload.get("aud"), payload.get("sid", "")
    # SECURITY: logout tokens and signed UserInfo are our own as well, with issuer, audience and subject, and are no ID
    # tokens (test_other_tokens_of_ours_are_no_hints).
    if "events" in payload or not isinstance(payload.get("exp"), int):
        return None
    if payload.get("iss") != scene.issuer or not isinstance(subject, str) or not isinstance(audience, str):
        return None
    return Hint(subject, audience, session if isinstance(session, str) else "")
