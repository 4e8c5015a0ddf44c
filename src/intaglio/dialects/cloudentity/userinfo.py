"""The writer of UserInfo (OpenID Connect Core 5.3.2)."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects.cloudentity import claims
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import userinfo
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire import message
from intaglio.wire.message import Response


def write(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the claims as JSON, or the JWT that they are in."""
    if answer.jwt:
        return userinfo.write_jwt(answer)
    return message.json_response(200, codec.encode_json(claims.userinfo(answer)))
