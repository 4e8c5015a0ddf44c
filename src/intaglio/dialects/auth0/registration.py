"""Open registration of applications. Auth0's page "Dynamic Client Registration"; RFC 7591 section 3."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.protocol.registration import ClientAnswer
from intaglio.wire import message
from intaglio.wire.message import Response


def write(answer: ClientAnswer, ctx: Context) -> Response:
    """Write a registration: what was registered, the client_id, and the secret where there is one.

    Nothing manages a registration later, so the token for that is not told.
    """
    members = msgspec.structs.asdict(answer.metadata)
    body: dict[str, Any] = {"client_id": answer.client_id}
    if answer.client_secret is not None:
        body["client_secret"] = answer.client_secret.reveal()
    body |= {name: value for name, value in members.items() if value is not None}
    return message.json_response(201, codec.encode_json(body | {"client_secret_expires_at": 0}))
