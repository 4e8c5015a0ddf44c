"""What an issuer says about itself: where its document is, and whether that document may be believed.

OpenID Connect Discovery 1.0 sections 4.1, 4.2 and 4.3; RFC 8414 section 3.3.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from intaglio import codec
from intaglio.errors import Misconfigured, Unavailable
from intaglio.wire.flow import Call, Flow, Reply

WELL_KNOWN = "/.well-known/openid-configuration"
MAXIMUM_OCTETS = 256 * 1024


class Metadata(msgspec.Struct, frozen=True):
    """A discovery document that names the issuer that was asked; `members` holds all of it."""

    issuer: str
    jwks_uri: str
    members: dict[str, Any]

    def url(self, name: str) -> str | None:
        """Return a member that is text, or None."""
        value = self.members.get(name)
        return value if isinstance(value, str) and value else None


def location(issuer: str) -> str:
    """Return the URL of an issuer's discovery document; raises `Misconfigured` with code `issuer-unusable`."""
    parts = urlsplit(issuer)
    # OpenID Connect Discovery 4.1 and Core 2: scheme, host, path; no query, no fragment; and no userinfo.
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise Misconfigured("issuer-unusable", "The issuer is not a URL that can be asked.", detail={"issuer": issuer})
    if "?" in issuer or "#" in issuer or not issuer.isprintable() or " " in issuer:
        raise Misconfigured("issuer-unusable", "The issuer has a query or a fragment.", detail={"issuer": issuer})
    return issuer.removesuffix("/") + WELL_KNOWN


def members(reply: Reply) -> dict[str, Any]:
    """Return the JSON object in a reply; raises `Unavailable` with code `bad-answer`."""
    detail: dict[str, object] = {"url": reply.url, "status": reply.status}
    if reply.status != 200:
        raise Unavailable("bad-answer", detail=detail, hint="The address must answer 200 with JSON; no redirects.")
    if len(reply.body) > MAXIMUM_OCTETS:
        raise Unavailable("bad-answer", detail={**detail, "rule": "longer than 256 KiB"})
    try:
        return codec.decode_json_object(reply.body)
    except codec.CodecError as fault:
        raise Unavailable("bad-answer", detail={**detail, "rule": str(fault)}) from fault


def read(document: dict[str, Any], issuer: str) -> Metadata:
    """Return the document of `issuer`; raises `Unavailable` with `discovery-mismatch` or `bad-answer`."""
    # OpenID Connect Discovery 4.3: exactly the issuer that was asked; else one issuer could speak for another.
    if document.get("issuer") != issuer:
        raise Unavailable(
            "discovery-mismatch",
            "The issuer's document names another issuer.",
            detail={"expected": issuer, "received": str(document.get("issuer"))[:200]},
            hint="Configure the issuer letter for letter as its document has it.",
        )
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not jwks_uri:
        raise Unavailable("bad-answer", detail={"rule": "jwks_uri is missing", "issuer": issuer})
    return Metadata(issuer, jwks_uri, document)


def get(url: str) -> Call:
    """Return the call that fetches a JSON document."""
    return Call("GET", url, (("accept", "application/json"),))


def fetch(issuer: str) -> Flow[Metadata]:
    """Fetch and judge an issuer's document; raises `Unavailable` and `Misconfigured` as `read` and `location` do."""
    reply = yield get(location(issuer))
    return read(members(reply), issuer)
