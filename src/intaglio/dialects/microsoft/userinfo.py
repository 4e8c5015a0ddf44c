"""Userinfo of both versions: `sub`, the names, the picture and the address, and nothing else.

Microsoft's page "UserInfo endpoint"; OpenID Connect Core 5.3.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import userinfo as standard
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire import message
from intaglio.wire.message import Response

PROFILE = ("name", "family_name", "given_name", "picture")


def claims(answer: UserinfoAnswer) -> dict[str, Any]:
    """Return the claims of userinfo, `sub` first."""
    names = (PROFILE if "profile" in answer.scope else ()) + (("email",) if "email" in answer.scope else ())
    known = answer.person.claims
    return {"sub": answer.subject, **{name: known[name] for name in names if known.get(name) is not None}}


def write(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the claims."""
    if answer.jwt:
        return standard.write_jwt(answer)
    return message.json_response(200, codec.encode_json(claims(answer)))
