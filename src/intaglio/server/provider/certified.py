"""A client's registered keys that came as certificates: each counts as long as its certificate says.

RFC 7517 section 4.7 (`x5c`), RFC 5280 section 4.1.2.5 (validity). Who signed a certificate is not looked at: whoever
registered it vouches for it.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import certificates, jwk
from intaglio.tokens.jwk import KeySet, VerificationKey

MAXIMUM_INSTANT = 2**53


class _Dated(msgspec.Struct, frozen=True):
    """A key, and from when and until when it counts; for ever if it came without a certificate."""

    key: VerificationKey
    begins_at: int = 0
    ends_at: int = MAXIMUM_INSTANT


def usable(text: str, now: int) -> KeySet:
    """Return the keys of a registered set that count now."""
    dated, every = _read(text)
    live = tuple(one.key for one in dated if one.begins_at <= now <= one.ends_at)
    return every if len(live) == len(dated) else KeySet(live)


def have_ended(text: str, now: int) -> bool:
    """Tell whether there are keys in a registered set, and the certificates of all of them have ended."""
    dated = _read(text)[0] if text else ()
    return bool(dated) and all(one.ends_at < now for one in dated)


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[tuple[_Dated, ...], KeySet]:
    members = codec.decode_json_object(text.encode())
    every = jwk.read_set(members)
    # The set leaves out what it cannot use; each of the others is found again by its public key.
    spans = {_name(entry): _span(entry) for entry in members["keys"]}
    dated = tuple(_Dated(key, *spans.get(_name(jwk.public_members(key)), ())) for key in every.keys)
    return dated, every


def _name(members: dict[str, Any]) -> str:
    if not isinstance(members.get("kty"), str):
        return ""
    try:
        return jwk.thumbprint(members)
    except Refused:
        return ""


def _span(entry: dict[str, Any]) -> tuple[int, int] | tuple[()]:
    chain = entry.get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return ()
    try:
        return certificates.validity(base64.b64decode("".join(chain[0].split()), validate=True))
    except (Refused, binascii.Error):
        # What is no certificate bounds nothing: the key beside it was registered as it is.
        return ()
