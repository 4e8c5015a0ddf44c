"""What an authorization request must satisfy before anybody is asked anything.

RFC 6749 section 4.1.2.1, RFC 9700 section 2.1, OpenID Connect Core 3.1.2.2, 3.2.2.2 and 3.3.2.2.
"""

from __future__ import annotations

from intaglio.protocol.authorize import RESPONSE_MODES, AuthorizeQuery, Problem
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.server.model.clients import Client
from intaglio.server.provider.authorize import responses
from intaglio.server.provider.scene import House, Scene
from intaglio.wire import url

KNOWN_SCOPES = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})


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


def problem(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    """Return what is wrong with a request whose redirect URI is trusted, or None."""
    return (
        query.problem
        or _response_type(query, client, scene)
        or _response_mode(query, client, scene)
        or _scope(query, client)
        or _pkce(query, client)
        or _front_channel(query, client)
    )


def _response_type(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    if not query.response_type:
        return Problem("invalid_request", "The parameter 'response_type' is missing.")
    wanted, offered = responses.normal(query.response_type), scene.dialect.profile.response_types
    if wanted not in offered:
        received = query.response_type[:80]
        return Problem("unsupported_response_type", "The response type is not supported.", ", ".join(offered), received)
    if wanted not in client.response_types and wanted not in map(responses.normal, client.response_types):
        return Problem(
            "unauthorized_client",
            f"The response type '{wanted}' is not enabled for this application: it has to be in its response_types.",
            ", ".join(client.response_types),
            wanted,
        )
    for grant_type in responses.grant_types(wanted):
        if grant_type not in client.grant_types:
            return Problem(
                "unauthorized_client",
                f"The grant type '{grant_type}' is not enabled for this application: it has to be in its grant_types.",
                grant_type,
                " ".join(client.grant_types),
            )
    return None


def _response_mode(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    asked, offered = query.response_mode, scene.dialect.profile.response_modes
    if asked and asked not in offered:
        return Problem("invalid_request", "The response mode is not supported.", ", ".join(offered), asked[:80])
    mode = responses.mode(query, offered)
    # Multiple Response Type Encoding Practices 1.0 sections 3 and 5: a token must not travel in a query.
    if asked and asked != mode:
        return Problem("invalid_request", "The response mode 'query' is not for tokens.", "fragment, form_post", asked)
    # A mode that only this dialect has is no client's to switch off.
    if mode in RESPONSE_MODES and mode not in client.response_modes:
        return Problem(
            "invalid_request",
            f"The response mode '{mode}' is not enabled for this application: it has to be in its response_modes.",
            ", ".join(client.response_modes),
            mode,
        )
    return None


def _scope(query: AuthorizeQuery, client: Client) -> Problem | None:
    forbidden = [word for word in query.scope if word in KNOWN_SCOPES and word not in client.scope]
    words = responses.words(query.response_type)
    if "offline_access" in forbidden and ("refresh_token" not in client.grant_types or "code" not in words):
        # OpenID Connect Core 11: offline access that cannot be given is left out, not refused.
        forbidden.remove("offline_access")
    if forbidden:
        return Problem(
            "invalid_scope",
            f"The scope '{forbidden[0]}' is not enabled for this application: it has to be in its scope.",
            " ".join(client.scope),
            " ".join(query.scope)[:200],
        )
    if "id_token" in words and "openid" not in query.scope:
        # OpenID Connect Core 3.1.2.1: without openid the request is none of OpenID Connect's.
        received = " ".join(query.scope)[:200]
        return Problem("invalid_scope", "An ID token needs the scope 'openid' in the request.", "openid", received)
    return None


def _pkce(query: AuthorizeQuery, client: Client) -> Problem | None:
    # RFC 9700 2.1.1: public clients must use PKCE; confidential ones where they are registered so.
    if query.code_challenge or not (client.is_public or client.require_pkce):
        return None
    if "code" not in responses.words(query.response_type):
        return None
    return Problem("invalid_request", "This application must send a code_challenge (PKCE, S256).")


def _front_channel(query: AuthorizeQuery, client: Client) -> Problem | None:
    """Return what is wrong with a request for tokens through the browser."""
    words = responses.words(query.response_type)
    if words.isdisjoint(responses.TOKENS):
        return None
    # OpenID Connect Core 3.2.2.1 and 3.3.2.11: the nonce ties the ID token to the request that asked for it.
    if "id_token" in words and not query.nonce:
        return Problem("invalid_request", "The parameter 'nonce' is needed: the ID token comes through the browser.")
    # OpenID Connect Core 3.2.2.1: http is for native programs on their own machine alone.
    if query.redirect_uri.startswith("http:") and client.application_type != "native" and not client.development:
        description = "Tokens through the browser need a redirect_uri with https."
        return Problem("invalid_request", description, "https, or an application_type 'native'", "http")
    return None


def granted_scope(query: AuthorizeQuery, client: Client) -> tuple[str, ...]:
    """Return the scopes that the request may get: those the client is enabled for; unknown ones are ignored."""
    allowed, wanted = set(client.scope), query.scope
    # OpenID Connect Core 11: without a code there is nothing that a refresh token could be given for.
    if "refresh_token" not in client.grant_types or "code" not in responses.words(query.response_type):
        allowed.discard("offline_access")
    elif query.offline:
        # Where a dialect has a parameter of its own for it, the client needs the grant type and no scope.
        allowed.add("offline_access")
        wanted = tuple(dict.fromkeys((*wanted, "offline_access")))
    return tuple(word for word in wanted if word in allowed)
