"""The device authorization endpoint and the page for its code (RFC 8628 sections 3.1 to 3.3)."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.protocol.device import DeviceAuthorization, DeviceAuthorized, DeviceVisit
from intaglio.wire import message
from intaglio.wire.message import Request, Response


def read_authorization(request: Request, ctx: Context) -> DeviceAuthorization:
    """Read a device's request (RFC 8628 section 3.1)."""
    form = coding.single(coding.form_params(request))
    return DeviceAuthorization(coding.presented(request, form), coding.optional_scope(form))


def body(answer: DeviceAuthorized) -> dict[str, str | int]:
    """Return the members of the answer (RFC 8628 section 3.2)."""
    return {
        "device_code": answer.device_code.reveal(),
        "user_code": answer.user_code,
        "verification_uri": answer.verification_uri,
        "verification_uri_complete": answer.verification_uri_complete,
        "expires_in": answer.expires_in,
        "interval": answer.interval,
    }


def write_authorized(answer: DeviceAuthorized, ctx: Context) -> Response:
    """Write the codes."""
    return message.json_response(200, codec.encode_json(body(answer)))


def read_visit(request: Request, ctx: Context) -> DeviceVisit:
    """Read a person's visit to the page; a code in the address is only filled in (RFC 8628 section 3.3.1)."""
    return DeviceVisit(coding.query_params(request).get("user_code"))
