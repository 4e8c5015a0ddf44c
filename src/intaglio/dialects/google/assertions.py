"""The token endpoint's grant for service accounts: a JWT that the account signed, for an ID token or an access token.

RFC 7523 section 2.1; Google's page "Using OAuth 2.0 for Server to Server Applications".
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.ids import Secret
from intaglio.protocol import faults
from intaglio.protocol.impersonation import AssertionAnswer, AssertionExchange
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def read(form: Params, request: Request, ctx: Context) -> AssertionExchange:
    """Read the exchange of an assertion in a form; raises `invalid_request` if there is none or it is too long."""
    text = form.get("assertion")
    if not text or len(text) > coding.MAX_ASSERTION:
        received = f"{len(text)} characters"
        raise faults.invalid_request(
            "Bad Request", expected=f"1 to {coding.MAX_ASSERTION} characters", received=received
        )
    return AssertionExchange(Secret(text))


def write(answer: AssertionAnswer, ctx: Context) -> Response:
    """Write the token that was asked for, and nothing else."""
    body: dict[str, Any] = {"id_token": answer.id_token}
    if not answer.id_token:
        body = {"access_token": answer.access_token, "expires_in": answer.expires_in, "token_type": "Bearer"}
        body["scope"] = " ".join(answer.scope)
    return message.json_response(200, codec.encode_json(body))
