"""Tokens of the machine that a program runs on: read by their parameters, written in texts.

Microsoft's page "How to use managed identities to acquire an access token"; the address of the metadata service.

SECURITY: whoever reaches the address gets the token, so a page in a browser and a confused proxy must not be able to
ask (test_s9_12_neither_pages_nor_proxies_ask).
"""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import authority
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol import faults
from intaglio.protocol.exchange import AttachedExchange, TokenAnswer
from intaglio.wire import message
from intaglio.wire.message import Request, Response

PATH = "/metadata/identity/oauth2/token"
HEADER = "bad_request_102"
"""What a request without its header is told."""
BACK = 300
"""Seconds by which a token is good before it was asked for."""
HOSTS = frozenset({"localhost"})
JUDGED = ("host", "metadata")
OTHER_NAMES = ("object_id", "principal_id", "msi_res_id", "mi_res_id")
"""How an identity is named otherwise than by its client_id; none is known here by these."""
MAX_RESOURCE = 600


def _checked(request: Request, ctx: Context) -> None:
    # SECURITY: of two fields of one name, who stands between may have looked at the other one.
    if any(len(request.header_values(name)) > 1 for name in JUDGED):
        raise ProtocolFault(HEADER, "A header that decides came twice.")
    # VENDOR: the value is in lower case.
    if request.header("metadata") != "true":
        raise ProtocolFault(HEADER, "Required metadata header not specified")
    if not coding.PASSED_ON.isdisjoint(name for name, _ in request.headers):
        raise ProtocolFault(HEADER, "Requests through a proxy or from a browser are refused.")
    # SECURITY: a page whose name was bound anew to this address would be of one origin with us; its Host is its own.
    if not coding.is_own_host(request.header("host") or "", ctx.base, HOSTS):
        raise ProtocolFault(HEADER, "This server is not reached by that name.")


def read(request: Request, ctx: Context) -> AttachedExchange:
    """Read a request for a token; raises `invalid_request`, and `not_found` behind a tenant's word."""
    if authority.locate(request.path).tenant is not None:
        raise faults.NotFound
    _checked(request, ctx)
    found = coding.single(coding.query_params(request))
    if not found.get("api-version"):
        raise faults.invalid_request("The parameter 'api-version' is missing.", expected="api-version")
    resource = coding.demanded(found, "resource")
    if len(resource) > MAX_RESOURCE:
        raise faults.invalid_request("The parameter 'resource' is too long.")
    if any(found.get(name) for name in OTHER_NAMES):
        raise faults.invalid_request("Identity not found", expected="client_id", received="another name")
    scope = resource if resource.endswith("/.default") else resource.rstrip("/") + "/.default"
    return AttachedExchange(found.get("client_id").lower(), (scope,), resource, (("resource", resource),))


def write(answer: TokenAnswer, ctx: Context) -> Response:
    """Write the token; each number is a text here."""
    body = {
        "access_token": answer.access_token,
        "client_id": answer.client_id,
        "expires_in": str(answer.expires_in),
        "ext_expires_in": str(answer.expires_in),
        "expires_on": str(ctx.now + answer.expires_in),
        "not_before": str(ctx.now - BACK),
        "resource": dict(ctx.asked.own)["resource"],
        "token_type": "Bearer",
    }
    return message.json_response(200, codec.encode_json(body))


def write_fault(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault; an API that the application has nothing at is an invalid resource."""
    error = "invalid_resource" if fault.code == "invalid_scope" else fault.code
    told = {"error": error, "error_description": fault.public, "ref": ctx.ref}
    return message.json_response(standard.status(fault), codec.encode_json(told))
