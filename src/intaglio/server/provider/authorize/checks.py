"""What an authorization request must satisfy before anybody is asked anything.

RFC 6749 section 4.1.2.1, RFC 9700 section 2.1, OpenID Connect Core 3.1.2.2.
"""

from __future__ import annotations

from intaglio.protocol.authorize import AuthorizeQuery, Problem
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.server.model.clients import Client
from intaglio.server.provider.scene import House, Scene
from intaglio.wire import url

KNOWN_SCOPES = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})
RESPONSE_MODES = ("query", "form_post")


async def client_of(query: AuthorizeQuery, scene: Scene, house: House) -> Client:
    """Return the client once its redirect URI can be trusted.

    Raises `UnsafeToRedirect` (`invalid_request`): until then nothing may be sent to the address in the request.
    """
    client = await house.client(scene, query.client_id)
    if client is None:
        raise UnsafeToRedirect(
            "invalid_request",
            "No application is registered here under this client_id.",
            detail={"expected": "a registered client_id", "received": query.client_id[:80] or "none, or more than one"},
        )
    # RFC 9700 2.1: exact string matching, but for the port of a native program's loopback address.
    native = client.application_type == "native"
    if not query.redirect_uri or not url.redirect_allowed(query.redirect_uri, client.redirect_uris, native=native):
        raise UnsafeToRedirect(
            "invalid_request",
            "The redirect_uri is not one that is registered for this application.",
            detail={
                "expected": "\n".join(client.redirect_uris) or "a registered redirect_uri",
                "received": query.redirect_uri[:500] or "none, or more than one",
            },
        )
    return client


def problem(query: AuthorizeQuery, client: Client) -> Problem | None:
    """Return what is wrong with a request whose redirect URI is trusted, or None."""
    return query.problem or _response(query, client) or _scope(query, client) or _pkce(query, client)


def _response(query: AuthorizeQuery, client: Client) -> Problem | None:
    if not query.response_type:
        return Problem("invalid_request", "The parameter 'response_type' is missing.")
    if query.response_type not in client.response_types:
        allowed = ", ".join(client.response_types)
        return Problem(
            "unsupported_response_type", "The response type is not supported.", allowed, query.response_type[:80]
        )
    if query.response_mode and query.response_mode not in RESPONSE_MODES:
        return Problem("invalid_request", "The response mode is not supported.", "query or form_post")
    return None


def _scope(query: AuthorizeQuery, client: Client) -> Problem | None:
    forbidden = [word for word in query.scope if word in KNOWN_SCOPES and word not in client.scope]
    if "offline_access" in forbidden and "refresh_token" not in client.grant_types:
        # OpenID Connect Core 11: offline access that cannot be given is left out, not refused.
        forbidden.remove("offline_access")
    if forbidden:
        return Problem(
            "invalid_scope",
            f"The scope '{forbidden[0]}' is not enabled for this application.",
            " ".join(client.scope),
            " ".join(query.scope)[:200],
        )
    return None


def _pkce(query: AuthorizeQuery, client: Client) -> Problem | None:
    # RFC 9700 2.1.1: public clients must use PKCE; confidential ones where they are registered so.
    if (client.is_public or client.require_pkce) and not query.code_challenge:
        return Problem("invalid_request", "This application must send a code_challenge (PKCE, S256).")
    return None


def granted_scope(query: AuthorizeQuery, client: Client) -> tuple[str, ...]:
    """Return the scopes that the request may get: those the client is enabled for; unknown ones are ignored."""
    allowed = set(client.scope)
    if "refresh_token" not in client.grant_types:
        allowed.discard("offline_access")
    return tuple(word for word in query.scope if word in allowed)
