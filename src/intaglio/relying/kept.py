"""A sign-in that was kept: used and ended with what was written down, without asking the issuer for its metadata.

RFC 6749 section 6 (refresh), RFC 7009 section 2.1 (revocation), OpenID Connect Core 12 and 3.1.3.7.
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.errors import Unavailable
from intaglio.ids import Secret
from intaglio.relying import answers
from intaglio.relying.answers import SignInFailed
from intaglio.wire import params
from intaglio.wire.flow import Call, Flow

_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))


class Kept(msgspec.Struct, frozen=True):
    """Who signed in where, and what that can be used with."""

    issuer: str
    client_id: str
    subject: str
    token_endpoint: str
    refresh_token: Secret
    revocation_endpoint: str = ""

    def __repr__(self) -> str:
        return f"Kept({self.issuer})"


class Renewed(msgspec.Struct, frozen=True):
    """What a refresh brought; `refresh_token` is None where the old one stays good, `id_token` empty if none came."""

    access_token: Secret
    id_token: str
    refresh_token: Secret | None

    def __repr__(self) -> str:
        return "Renewed(…)"


def refresh(kept: Kept) -> Flow[Renewed]:
    """Use the refresh token.

    Raises `SignInFailed` (`token-endpoint-error`, `token-answer-malformed`, `refresh-mismatch`) and `Unavailable`.
    """
    fields = [("grant_type", "refresh_token"), ("refresh_token", kept.refresh_token.reveal())]
    fields.append(("client_id", kept.client_id))
    members = answers.token_answer(
        (yield Call("POST", kept.token_endpoint, _FORM, params.write(fields).encode("ascii")))
    )
    token, successor = members.get("id_token", ""), members.get("refresh_token")
    if token:
        _same(kept, token)
    return Renewed(Secret(members["access_token"]), token, Secret(successor) if successor else None)


def _same(kept: Kept, token: str) -> None:
    """Refuse an ID token that is not of this sign-in.

    OpenID Connect Core 3.1.3.7, 6: it came from the token endpoint itself, over TLS, which may stand for the signature;
    12.2: issuer, subject and audience are those of the sign-in. Whoever the token is for judges it whole.
    """
    try:
        claims = codec.decode_json_object(codec.decode_base64url(token.split(".")[1]))
    except (codec.CodecError, IndexError):
        raise SignInFailed("token-answer-malformed", detail={"rule": "id_token is no JWT"}) from None  # holds the token
    audience = claims.get("aud")
    found = (
        claims.get("iss"),
        claims.get("sub"),
        kept.client_id in (audience if type(audience) is list else [audience]),
    )
    if found != (kept.issuer, kept.subject, True):
        raise SignInFailed(
            "refresh-mismatch",
            "The issuer answered with a token of another sign-in.",
            detail={"expected": f"{kept.subject} at {kept.issuer}", "received": answers.plain(claims.get("sub"))},
        )


def revoke(kept: Kept) -> Flow[None]:
    """Make the refresh token, and all that came of it, useless; raises `Unavailable` if that is not certain."""
    fields = [
        ("token", kept.refresh_token.reveal()),
        ("token_type_hint", "refresh_token"),
        ("client_id", kept.client_id),
    ]
    reply = yield Call("POST", kept.revocation_endpoint, _FORM, params.write(fields).encode("ascii"))
    # A token that is not known any more is as useless as one that was just revoked.
    if reply.status not in (200, 400):
        raise Unavailable("bad-answer", detail={"url": kept.revocation_endpoint, "status": reply.status})
