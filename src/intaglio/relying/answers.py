"""How answers of an issuer's endpoints are read, and the error of those that came to nothing.

RFC 6749 sections 5.1 and 5.2; OpenID Connect Core 3.1.3.3.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.errors import ProtocolFault, Unavailable
from intaglio.wire.flow import Reply

MAXIMUM_OCTETS = 256 * 1024


class SignInFailed(ProtocolFault):
    """A sign-in, a refresh or a call came to nothing; the code tells at which step."""

    code = "sign-in-failed"
    public = "Signing in did not succeed."


def plain(value: object) -> str:
    """Return another party's text, bounded and without control characters, for operators."""
    return "".join(character for character in str(value)[:200] if character.isprintable())


def members_of(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of an answer; raises `Unavailable` with code `bad-answer`."""
    if len(reply.body) > MAXIMUM_OCTETS:
        raise Unavailable("bad-answer", detail={"status": reply.status, "rule": "longer than 256 KiB"})
    try:
        return codec.decode_json_object(reply.body)
    except codec.CodecError as fault:
        raise Unavailable("bad-answer", detail={"status": reply.status, "rule": str(fault)}) from fault


def token_answer(reply: Reply) -> dict[str, Any]:
    """Return the members of a token response.

    Raises `SignInFailed` with code `token-endpoint-error` (the issuer's `error` in `detail`) or
    `token-answer-malformed`, and `Unavailable` with code `bad-answer`.
    """
    members = members_of(reply)
    if reply.status != 200:
        told: dict[str, object] = {
            name: plain(members[name]) for name in ("error", "error_description") if name in members
        }
        raise SignInFailed("token-endpoint-error", detail={"status": reply.status, **told})
    kind = members.get("token_type")
    # OpenID Connect Core 3.1.3.3: Bearer, in any case.
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SignInFailed("token-answer-malformed", detail={"rule": "token_type is not Bearer"})
    for name in ("access_token", "refresh_token", "id_token"):
        if name in members and (not isinstance(members[name], str) or not members[name]):
            raise SignInFailed("token-answer-malformed", detail={"rule": f"{name} is not a string"})
    if "access_token" not in members:
        raise SignInFailed("token-answer-malformed", detail={"rule": "access_token is missing"})
    return members
