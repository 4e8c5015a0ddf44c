"""Request objects by reference: which addresses a client may name, and how one is fetched.

OpenID Connect Core 6.2, RFC 9101 sections 5.2 and 10.4, OpenID Connect Registration 1.0 section 2 (`request_uris`).
"""

from __future__ import annotations

import hashlib
import hmac

from intaglio import codec
from intaglio.errors import ProtocolFault, Unavailable
from intaglio.server.model.clients import Client
from intaglio.server.provider.scene import House
from intaglio.wire.flow import Call, Flow

MAX_URI = 512
MAX_OCTETS = 32 * 1024
_ACCEPT = (("accept", "application/oauth-authz-req+jwt, application/jwt"),)
_OK = 200


def _refused(rule: str, received: str = "") -> ProtocolFault:
    # SECURITY: one text for an address that is refused, silent or wrong, so that nobody maps a network by it
    # (test_every_way_to_fail_to_fetch_looks_alike); the log knows which.
    return ProtocolFault(
        "invalid_request_uri",
        "The request_uri is not registered for this application, or what it leads to could not be used.",
        detail={"expected": rule, "received": received[:200]},
    )


def _flow(uri: str) -> Flow[bytes]:
    reply = yield Call("GET", uri, _ACCEPT)
    # RFC 9101 10.4: a redirect would lead to where nobody registered.
    if reply.status != _OK:
        raise _refused("an answer 200", str(reply.status))
    return reply.body


def _registered(uri: str, client: Client) -> str:
    """Return the SHA-256 that the contents must have by the address, empty if it does not say.

    The comparison is of texts. A fragment that was registered belongs to the name; one that the request adds to a
    registered address is the base64url SHA-256 of what is there (Core 6.2).
    """
    if uri in client.request_uris:
        return ""
    place, _, fragment = uri.partition("#")
    if not fragment or place not in client.request_uris:
        raise _refused("a registered request_uri", uri)
    return fragment


async def fetched(uri: str, client: Client, house: House) -> str:
    """Return the request object at an address that the client registered.

    Raises `ProtocolFault`: `invalid_request_uri` for any other address and whatever fails, `request_uri_not_supported`
    where nothing may be called from here.
    """
    if house.outgoing is None:
        raise ProtocolFault("request_uri_not_supported", "The parameter 'request_uri' is not supported.")
    # Core 6.2: 512 ASCII characters.
    if len(uri) > MAX_URI or not uri.isascii():
        raise _refused(f"at most {MAX_URI} ASCII characters", f"{len(uri)} characters")
    digest = _registered(uri, client)
    try:
        body = await house.outgoing.run(_flow(uri.partition("#")[0]))
    except Unavailable as fault:
        raise _refused("an answer", fault.code) from fault
    if len(body) > MAX_OCTETS:
        raise _refused(f"at most {MAX_OCTETS} octets", f"{len(body)} octets")
    found = codec.encode_base64url(hashlib.sha256(body).digest())
    if digest and not hmac.compare_digest(found.encode(), digest.encode()):
        raise _refused("contents with the SHA-256 of the fragment", found)
    try:
        return body.decode("ascii").strip()
    except UnicodeDecodeError:
        raise _refused("a request object", "octets outside ASCII") from None  # the cause would quote them
