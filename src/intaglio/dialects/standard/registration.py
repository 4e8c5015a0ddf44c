"""The registration endpoint, and the address of each registration.

RFC 7591 section 3, RFC 7592 section 2, OpenID Connect Dynamic Client Registration 1.0 sections 3 and 4.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol.registration import ClientAnswer, ClientGone, ClientMetadata, ManageQuery, RegisterQuery
from intaglio.wire import message
from intaglio.wire.message import Request, Response

PATH = "/register"
ISSUED = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
"""RFC 7592 2.2: what a replacement must not bring along."""


def _refuse(public: str, received: str, code: str = "invalid_client_metadata") -> ProtocolFault:
    return ProtocolFault(code, public, detail={"expected": "client metadata as a JSON object", "received": received})


def _members(request: Request) -> dict[str, Any]:
    if request.media_type() != "application/json":
        raise _refuse("The body must be application/json.", request.media_type() or "no Content-Type")
    try:
        return codec.decode_json_object(request.body)
    except codec.CodecError as exc:
        raise _refuse("The body is not a JSON object.", str(exc)) from exc


def _metadata(members: dict[str, Any]) -> ClientMetadata:
    try:
        # Unknown members are ignored (RFC 7591 section 2), so that none of ours can be set by its name.
        return msgspec.convert(members, ClientMetadata)
    except msgspec.ValidationError as exc:
        # The text names types and a place, never a value.
        told = str(exc)
        code = "invalid_redirect_uri" if "$.redirect_uris" in told else "invalid_client_metadata"
        raise _refuse("A member has the wrong type: " + told.replace("`", "'"), told, code) from None


def read_register(request: Request, ctx: Context) -> RegisterQuery:
    """Read a registration request (RFC 7591 section 3.1)."""
    token, _ = coding.bearer(request)
    return RegisterQuery(_metadata(_members(request)), token)


def read_manage(request: Request, ctx: Context) -> ManageQuery:
    """Read a request of the registration's own address: GET, PUT or DELETE (RFC 7592 section 2)."""
    token, _ = coding.bearer(request)
    client_id = ctx.words["client_id"]
    if request.method != "PUT":
        return ManageQuery("delete" if request.method == "DELETE" else "read", client_id, token)
    members = _members(request)
    # RFC 7592 2.2: the client_id has to be its own; a secret may only be repeated; the rest is ours to say.
    if members.get("client_id") != client_id:
        raise _refuse("client_id must be that of the registration.", "another client_id", "invalid_request")
    given = next((name for name in ISSUED if name in members), None)
    if given is not None:
        raise _refuse(f"The member '{given}' must not be sent.", given, "invalid_request")
    secret = members.get("client_secret")
    if secret is not None and not isinstance(secret, str):
        raise _refuse("client_secret must be text.", "another type")
    return ManageQuery("replace", client_id, token, _metadata(members), Secret(secret) if secret else None)


def write(answer: ClientAnswer, ctx: Context) -> Response:
    """Write a registration as it is now (RFC 7591 section 3.2.1)."""
    body: dict[str, Any] = {"client_id": answer.client_id, "client_id_issued_at": answer.client_id_issued_at}
    if answer.client_secret is not None:
        body |= {
            "client_secret": answer.client_secret.reveal(),
            "client_secret_expires_at": answer.client_secret_expires_at,
        }
    body |= {
        "registration_access_token": answer.registration_access_token.reveal(),
        "registration_client_uri": answer.registration_client_uri,
    }
    metadata = msgspec.structs.asdict(answer.metadata)
    body |= {name: value for name, value in metadata.items() if value is not None}
    return message.json_response(201 if answer.created else 200, codec.encode_json(body))


def write_managed(answer: ClientAnswer | ClientGone, ctx: Context) -> Response:
    """Write a registration, or that it is gone (RFC 7592 section 2.3)."""
    return Response(204, message.NO_STORE) if isinstance(answer, ClientGone) else write(answer, ctx)
