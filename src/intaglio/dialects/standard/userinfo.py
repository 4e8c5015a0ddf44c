"""The UserInfo endpoint (OpenID Connect Core 5.3)."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import claims
from intaglio.protocol.userinfo import UserinfoAnswer, UserinfoQuery
from intaglio.wire import message
from intaglio.wire.message import NO_STORE, Request, Response


def read(request: Request, ctx: Context) -> UserinfoQuery:
    """Read a UserInfo request: the token in the header, or in a posted form (RFC 6750 section 2.2)."""
    is_form = request.method == "POST" and request.media_type() == "application/x-www-form-urlencoded"
    token, problem = coding.bearer(request, coding.single(coding.form_params(request)) if is_form else None)
    return UserinfoQuery(token, problem)


def write(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the claims as JSON, or the JWT that they are in (Core 5.3.2)."""
    return write_jwt(answer) if answer.jwt else message.json_response(200, codec.encode_json(claims.userinfo(answer)))


def write_jwt(answer: UserinfoAnswer) -> Response:
    """Write the signed or encrypted claims (Core 5.3.2: `application/jwt`)."""
    return Response(200, (("content-type", "application/jwt"), *NO_STORE), answer.jwt.encode("ascii"))
