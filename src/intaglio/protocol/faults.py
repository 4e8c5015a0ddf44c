"""Protocol faults: the standard error codes with what goes with them.

RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1, OpenID Connect Core 3.1.2.6.
"""

from __future__ import annotations

from intaglio.errors import ProtocolFault


class UnsafeToRedirect(ProtocolFault):
    """A fault of an authorization request that must be shown on a page: the redirect URI cannot be trusted."""


class ClientUnknown(ProtocolFault):
    """Client authentication failed. `scheme` is the Authorization scheme that was tried, or empty."""

    code = "invalid_client"
    public = "Client authentication failed."
    scheme = ""


class BearerFault(ProtocolFault):
    """A bearer token was missing or not good (RFC 6750 section 3.1); `code` is empty when none was presented."""

    code = "invalid_token"
    public = "The access token is missing, expired or revoked."
    scope = ""


class TokenKindFault(BearerFault):
    """What was presented as an access token is a token of another kind, such as an ID token."""

    public = "That is not an access token."


class Forbidden(ProtocolFault):
    """A caller that is known may not do what it asked for; `permission` is what it lacks, empty where that is not told.

    Whether what it asked about exists is not told either.
    """

    code = "access_denied"
    public = "That is not allowed."
    permission = ""


class NotFound(ProtocolFault):
    """Nothing answers there: an unknown tenant or path."""

    code = "not_found"
    public = "There is nothing at this address."


class MethodNotAllowed(ProtocolFault):
    """The path exists, but not with this method; `allowed` lists those it has."""

    code = "method_not_allowed"
    public = "This address does not answer that method."
    allowed: tuple[str, ...] = ()


def invalid_request(
    public: str, *, expected: str = "", received: str = "", reason: str = "", **told: str
) -> ProtocolFault:
    """Return the fault `invalid_request` with what was expected and received for the log, and why."""
    fault = ProtocolFault("invalid_request", public, detail={"expected": expected, "received": received})
    return fault.because(reason, **told)


def invalid_grant(expected: str, received: str, reason: str = "") -> ProtocolFault:
    """Return the fault `invalid_grant`: one public text for every cause, the truth in the detail."""
    return ProtocolFault(
        "invalid_grant",
        "The code or token is unknown, expired, revoked or was issued to another client.",
        detail={"expected": expected, "received": received},
    ).because(reason)
