"""The token endpoint and those that take tokens: readers and writers.

RFC 6749, RFC 7636, RFC 7009, RFC 7662, OpenID Connect Core 3.1.3.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol import device
from intaglio.protocol.device import DeviceExchange
from intaglio.protocol.exchange import (
    ClientCredentialsExchange,
    CodeExchange,
    Introspection,
    IntrospectQuery,
    RefreshExchange,
    Revoked,
    RevokeQuery,
    TokenAnswer,
)
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params


def read_token(request: Request, ctx: Context) -> Any:
    """Read a token request in a form body."""
    return token_query(request, coding.single(coding.form_params(request)))


def token_query(
    request: Request, body: Params
) -> CodeExchange | RefreshExchange | ClientCredentialsExchange | DeviceExchange:
    """Return the query of a token request; raises `unsupported_grant_type`, `invalid_request`."""
    who = coding.presented(request, body)
    grant = coding.demanded(body, "grant_type")
    if grant == "authorization_code":
        verifier = body.get("code_verifier")
        code = Secret(coding.demanded(body, "code"))
        return CodeExchange(who, code, body.get("redirect_uri"), Secret(verifier) if verifier else None)
    if grant == "refresh_token":
        return RefreshExchange(who, Secret(coding.demanded(body, "refresh_token")), coding.optional_scope(body))
    if grant == "client_credentials":
        return ClientCredentialsExchange(who, coding.optional_scope(body))
    if grant == device.GRANT:
        return DeviceExchange(who, Secret(coding.demanded(body, "device_code")))
    expected = "authorization_code, refresh_token, client_credentials or device_code"
    raise ProtocolFault(
        "unsupported_grant_type",
        "The grant type is not supported.",
        detail={"expected": expected, "received": grant[:80]},
    ).because("grant-unsupported", grant_type=grant[:80])


def token_body(answer: TokenAnswer) -> dict[str, Any]:
    """Return the members of a token response (RFC 6749 section 5.1)."""
    body: dict[str, Any] = {
        "access_token": answer.access_token,
        "token_type": "Bearer",
        "expires_in": answer.expires_in,
        "scope": " ".join(answer.scope),
        "refresh_token": answer.refresh_token,
        "id_token": answer.id_token,
    }
    return {name: value for name, value in body.items() if value != ""}


def write_token(answer: TokenAnswer, ctx: Context) -> Response:
    """Write the tokens."""
    return message.json_response(200, codec.encode_json(token_body(answer)))


def read_revoke(request: Request, ctx: Context) -> RevokeQuery:
    """Read a revocation request (RFC 7009 section 2.1)."""
    body = coding.single(coding.form_params(request))
    return RevokeQuery(coding.presented(request, body), Secret(coding.demanded(body, "token")))


def write_revoked(answer: Revoked, ctx: Context) -> Response:
    """Say that the token is not good any more; the same for a token that never was (RFC 7009 section 2.2)."""
    return Response(200, message.NO_STORE)


def read_introspect(request: Request, ctx: Context) -> IntrospectQuery:
    """Read an introspection request (RFC 7662 section 2.1)."""
    body = coding.single(coding.form_params(request))
    return IntrospectQuery(coding.presented(request, body), Secret(coding.demanded(body, "token")))


def introspection_body(answer: Introspection) -> dict[str, Any]:
    """Return the members of an answer to introspection (RFC 7662 section 2.2)."""
    # RFC 7662 2.2: `active` is always there; nothing else is told of a token that is not.
    body: dict[str, Any] = {"active": answer.active}
    if answer.active:
        known = {
            "scope": " ".join(answer.scope),
            "client_id": answer.client_id,
            "username": answer.username,
            "sub": answer.subject,
            "iss": answer.issuer,
            "aud": answer.audience,
            "token_type": answer.token_type,
            "iat": answer.issued_at,
            "exp": answer.expires_at,
        }
        body |= {name: value for name, value in known.items() if value not in ("", 0)}
    return body


def write_introspection(answer: Introspection, ctx: Context) -> Response:
    """Write what is known of the token (RFC 7662 section 2.2)."""
    return message.json_response(200, codec.encode_json(introspection_body(answer)))
