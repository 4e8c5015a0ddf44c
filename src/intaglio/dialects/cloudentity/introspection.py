"""Introspection (RFC 7662), asked with an access token as well, and answered with the tenant and the workspace."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import oauth
from intaglio.ids import Secret
from intaglio.protocol.exchange import Introspection, IntrospectQuery, Presented
from intaglio.protocol.faults import BearerFault
from intaglio.wire import message
from intaglio.wire.message import Request, Response

SCOPE = "introspect_tokens"
"""With it a program is told of every application's tokens, and without it of its own."""


def read(request: Request, ctx: Context) -> IntrospectQuery:
    """Read an introspection request; the caller proves itself as a client, or by an access token of its own."""
    # VENDOR: Cloudentity's library for Go sends the token that its own credentials got (RFC 7662 2.1 allows it).
    if (request.header("authorization") or "")[:7].lower() != "bearer ":
        return oauth.read_introspect(request, ctx)
    body = coding.single(coding.form_params(request))
    caller, problem = coding.bearer(request)
    if problem or body.get("client_secret") or body.get("client_assertion"):
        raise BearerFault("invalid_request", "The access token came in a way that cannot be read.")
    return IntrospectQuery(Presented("none", ""), Secret(coding.demanded(body, "token")), caller, SCOPE)


def write(answer: Introspection, ctx: Context) -> Response:
    """Write what is known of the token."""
    body = oauth.introspection_body(answer)
    if answer.active:
        # The issuer ends with both names.
        tenant, workspace = ctx.issuer.split("/")[-2:]
        body |= {
            "aud": [answer.client_id],
            "nbf": answer.issued_at,
            "tenant_id": tenant,
            "server_id": workspace,
        }
    return message.json_response(200, codec.encode_json(body))
