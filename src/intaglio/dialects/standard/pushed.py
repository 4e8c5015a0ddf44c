"""The endpoint for pushed authorization requests (RFC 9126 sections 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import Callable

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.faults import invalid_request
from intaglio.protocol.pushed import Pushed, PushQuery
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

PATH = "/par"
PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""Parameters by which the client proves itself; they are no part of the request that it pushes."""


def reader(query: Callable[[Params], AuthorizeQuery]) -> Callable[[Request, Context], PushQuery]:
    """Return the reader of pushed requests of a dialect whose authorization requests `query` reads."""

    def read(request: Request, ctx: Context) -> PushQuery:
        form = coding.single(coding.form_params(request))
        if form.get("request_uri"):
            # RFC 9126 2.1: a reference must not be pushed.
            raise invalid_request("The parameter 'request_uri' cannot be pushed.", received="request_uri").because(
                "request-object-invalid"
            )
        presented = coding.presented(request, form)
        # RFC 9126 2.1: who authenticates by a header need not repeat its name in the request.
        wanted = {"client_id": presented.client_id} | dict(form.items())
        return PushQuery(presented, query(Params((k, v) for k, v in wanted.items() if k not in PROOFS)))

    return read


def write(answer: Pushed, ctx: Context) -> Response:
    """Write the reference (RFC 9126 section 2.2: 201)."""
    body = {"request_uri": answer.request_uri, "expires_in": answer.expires_in}
    return message.json_response(201, codec.encode_json(body))


def members(base: str) -> dict[str, str | bool]:
    """Return what the metadata says of pushed requests (RFC 9126 section 5)."""
    return {
        "pushed_authorization_request_endpoint": base + PATH,
        "require_pushed_authorization_requests": False,
    }
