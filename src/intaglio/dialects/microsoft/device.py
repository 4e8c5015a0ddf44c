"""The device code endpoint (Microsoft's page "Device code flow", RFC 8628 sections 3.1 and 3.2)."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import authority
from intaglio.dialects.standard import device
from intaglio.protocol.device import DeviceAuthorization, DeviceAuthorized
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def read(request: Request, ctx: Context) -> DeviceAuthorization:
    """Read a device's request; v1.0 takes it by GET as well, needs no scope, and gives access that lasts."""
    found = coding.query_params(request) if request.method == "GET" else coding.form_params(request)
    found, is_v1 = coding.single(found), ctx.variant == authority.V1
    if request.method == "GET":
        # RFC 6749 2.3.1: what proves a client does not belong into an address.
        found = Params((name, value) for name, value in found.items() if name not in CREDENTIALS)
    scope = coding.optional_scope(found)
    if is_v1:
        scope = tuple(dict.fromkeys((*(scope or ()), "openid", "profile")))
    return DeviceAuthorization(coding.presented(request, found), scope, offline=is_v1)


def write(answer: DeviceAuthorized, ctx: Context) -> Response:
    """Write the codes, with the sentence that SDKs show; there is no address that holds the code."""
    body = device.body(answer)
    del body["verification_uri_complete"]
    # VENDOR: SDKs demand the sentence and print it as it is.
    body["message"] = (
        f"To sign in, use a web browser to open the page {answer.verification_uri} and enter the code"
        f" {answer.user_code} to authenticate."
    )
    return message.json_response(200, codec.encode_json(body))
