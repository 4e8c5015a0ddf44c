"""The profile of whoever an access token was given for. Auth0's page "Get User Info"; OpenID Connect Core 5.3."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects.auth0 import claims
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import userinfo
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire import message
from intaglio.wire.message import Response


def write(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the profile."""
    if answer.jwt:
        return userinfo.write_jwt(answer)
    return message.json_response(200, codec.encode_json(claims.userinfo(answer)))
