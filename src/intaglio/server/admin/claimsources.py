"""Claims that another party vouches for, as an operator writes them down (OpenID Connect Core 5.6.2).

{"bureau": {"claims": ["credit_score"], "jwt": {"alice": "eyJ…"}},
 "post": {"claims": ["shipping_address"], "endpoint": "https://post.example/claims", "access_token": "…"}}
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.protocol.scopes import ISSUERS_OWN, NO_CLAIM
from intaglio.server.model.tenants import ClaimSource
from intaglio.server.registry import fields

MAX_SOURCES = 20
MAX_CLAIMS = 50
MAX_JWT = 16 * 1024


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source as it is written."""

    claims: list[str]
    jwt: dict[str, str] = {}
    endpoint: str = ""
    access_token: str = ""


def _refuse(expected: str, received: object) -> Exception:
    return fields.refuse("claim-source-invalid", "The claim sources cannot be used.", expected, received)


def read(text: str) -> dict[str, ClaimSource]:
    """Return the sources of a JSON text by name; an empty object means none.

    Raises `Misconfigured` (`claim-source-invalid`, `scope-invalid`, `uri-invalid`); tokens are never part of the error.
    """
    try:
        members = codec.decode_json_object(text.encode())
        written = msgspec.convert(members, dict[str, _Written])
    except (codec.CodecError, msgspec.ValidationError) as exc:
        raise _refuse("an object of sources with claims, and jwt or endpoint", str(exc)) from None  # may quote a token
    if len(written) > MAX_SOURCES:
        raise _refuse(f"at most {MAX_SOURCES} sources", len(written))
    found = {name: _checked(name, source) for name, source in written.items()}
    names = [claim for source in found.values() for claim in source.claims]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _refuse("each claim in one source", twice[0])
    return found


def _checked(name: str, source: _Written) -> ClaimSource:
    if not 1 <= len(name) <= 80 or not 1 <= len(source.claims) <= MAX_CLAIMS:
        raise _refuse(f"a name of 1 to 80 characters with 1 to {MAX_CLAIMS} claims", name[:80])
    # A claim that no standard scope releases is released by the scope of its own name.
    claims = fields.scopes(source.claims)
    if reserved := [claim for claim in claims if claim in ISSUERS_OWN or claim in NO_CLAIM]:
        raise _refuse("claims that the issuer does not say itself", reserved[0])
    if bool(source.jwt) == bool(source.endpoint) or (source.access_token and not source.endpoint):
        raise _refuse("either jwt by user name, or endpoint with or without access_token", name)
    if any(token.count(".") != 2 or len(token) > MAX_JWT for token in source.jwt.values()):
        raise _refuse("a signed JWT of at most 16 KiB for each user", f"another text in {name}")
    return ClaimSource(claims, source.jwt, fields.https("endpoint", source.endpoint), source.access_token)
