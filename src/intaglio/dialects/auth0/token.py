"""The endpoints of programs: tokens, revocation, devices. Forms, and JSON in which null counts as absent.

Auth0's pages "Get Token", "Revoke Refresh Token" and "Device Authorization Flow" (Authentication API); RFC 6749,
RFC 7009, RFC 8628.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.dialects import coding
from intaglio.dialects.auth0 import authorize
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import oauth
from intaglio.ids import Secret
from intaglio.protocol.device import DeviceAuthorization
from intaglio.protocol.exchange import ClientCredentialsExchange, RevokeQuery
from intaglio.wire.message import Request
from intaglio.wire.params import Params


def read(request: Request, ctx: Context) -> Any:
    """Read a token request."""
    body = _body(request)
    query = oauth.token_query(request, body)
    if isinstance(query, ClientCredentialsExchange):
        return msgspec.structs.replace(query, audience=authorize.audience(body.get("audience")))
    return query


def _body(request: Request) -> Params:
    # VENDOR: the Python SDK posts JSON with null members, the others post forms.
    is_json = request.media_type() == "application/json"
    return coding.single(coding.json_params(request) if is_json else coding.form_params(request))


def read_revoke(request: Request, ctx: Context) -> RevokeQuery:
    """Read a revocation request."""
    body = _body(request)
    return RevokeQuery(coding.presented(request, body), Secret(coding.demanded(body, "token")))


def read_device(request: Request, ctx: Context) -> DeviceAuthorization:
    """Read a device's request."""
    body = _body(request)
    return DeviceAuthorization(coding.presented(request, body), coding.optional_scope(body))
