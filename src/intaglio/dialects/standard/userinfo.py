"""The UserInfo endpoint (OpenID Connect Core 5.3)."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import claims
from intaglio.protocol.userinfo import UserinfoAnswer, UserinfoQuery
from intaglio.wire import message
from intaglio.wire.message import Request, Response


def read(request: Request, ctx: Context) -> UserinfoQuery:
    """Read a UserInfo request: the token in the header, or in a posted form (RFC 6750 section 2.2)."""
    is_form = request.method == "POST" and request.media_type() == "application/x-www-form-urlencoded"
    token, problem = coding.bearer(request, coding.single(coding.form_params(request)) if is_form else None)
    return UserinfoQuery(token, problem)


def write(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the claims of the scopes, `sub` first."""
    body = {
        "sub": claims.subject(answer.person.user_id),
        **claims.person_claims(answer.person, answer.scope),
    }
    return message.json_response(200, codec.encode_json(body))
