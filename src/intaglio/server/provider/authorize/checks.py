"""What an authorization request must satisfy before anybody is asked anything.

RFC 6749 section 4.1.2.1, RFC 9700 section 2.1, OpenID Connect Core 3.1.2.2, 3.2.2.2 and 3.3.2.2.
"""

from __future__ import annotations

from intaglio.protocol.authorize import RESPONSE_MODES, WEB_MESSAGE, AuthorizeQuery, Problem
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
        ).because(await house.absence(scene, query.client_id), client_id=query.client_id[:80])
    # RFC 9700 2.1: exact string matching, but for the port of a native program's loopback address.
    relaxed = scene.dialect.profile.relaxed_redirects
    native = client.application_type == "native" or (relaxed and url.is_localhost(query.redirect_uri))
    known = client.redirect_uris
    if not query.redirect_uri or not url.redirect_allowed(query.redirect_uri, known, native=native, rootless=relaxed):
        raise UnsafeToRedirect(
            "invalid_request",
            "The redirect_uri is not one that is registered for this application.",
            detail={
                "expected": "\n".join(client.redirect_uris) or "a registered redirect_uri",
                "received": query.redirect_uri[:500] or "none, or more than one",
            },
        ).because(
            "redirect-unregistered" if query.redirect_uri else "redirect-missing",
            redirect_uri=query.redirect_uri[:500],
            client_id=client.client_id,
        )
    return client


def problem(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    """Return what is wrong with a request whose redirect URI is trusted, or None."""
    if query.for_everybody:
        return query.problem
    return (
        query.problem
        or _response_type(query, client, scene)
        or _response_mode(query, client, scene)
        or _scope(query, client, scene)
        or _audience(query, client, scene)
        or _pkce(query, client)
        or _front_channel(query, client)
    )


def _response_type(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    if not query.response_type:
        told = {"name": "response_type"}
        description = "The parameter 'response_type' is missing."
        return Problem("invalid_request", description, reason="parameter-missing", told=told)
    wanted, offered = responses.normal(query.response_type), scene.dialect.profile.response_types
    if wanted not in offered:
        received = query.response_type[:80]
        return Problem(
            "unsupported_response_type",
            "The response type is not supported.",
            ", ".join(offered),
            received,
            "response-type-unsupported",
            {"response_type": received},
        )
    if wanted not in client.response_types and wanted not in map(responses.normal, client.response_types):
        return Problem(
            "unauthorized_client",
            f"The response type '{wanted}' is not enabled for this application: it has to be in its response_types.",
            ", ".join(client.response_types),
            wanted,
            "response-type-disabled",
            {"response_type": wanted},
        )
    for grant_type in responses.grant_types(wanted):
        if grant_type not in client.grant_types:
            return Problem(
                "unauthorized_client",
                f"The grant type '{grant_type}' is not enabled for this application: it has to be in its grant_types.",
                grant_type,
                " ".join(client.grant_types),
                "response-type-disabled",
                {"response_type": wanted},
            )
    return None


def _response_mode(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    asked, offered = query.response_mode, scene.dialect.profile.response_modes
    if asked and asked not in offered:
        description, received = "The response mode is not supported.", asked[:80]
        return Problem("invalid_request", description, ", ".join(offered), received, "response-mode-forbidden")
    mode = responses.mode(query, offered)
    # Multiple Response Type Encoding Practices 1.0 sections 3 and 5: a token must not travel in a query.
    if asked and asked != mode:
        description = "The response mode 'query' is not for tokens."
        return Problem("invalid_request", description, "fragment, form_post", asked, "response-mode-forbidden")
    # SECURITY: a message reaches every script of the redirect URI's origin, as a fragment does: who takes none gets no
    # message, but at origins that the client lists (test_a_message_is_no_way_around_a_mode_that_is_switched_off).
    listed = mode == WEB_MESSAGE and url.origin(query.redirect_uri) in client.allowed_origins
    if not listed and (mode if mode in RESPONSE_MODES else "fragment") not in client.response_modes:
        return Problem(
            "invalid_request",
            f"The response mode '{mode}' is not enabled for this application: it has to be in its response_modes.",
            ", ".join(client.response_modes),
            mode,
            "response-mode-forbidden",
        )
    return None


def _scope(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    strict = scene.dialect.profile.refuses_scopes
    forbidden = [word for word in query.scope if (strict or word in KNOWN_SCOPES) and word not in client.scope]
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
            "scope-unknown",
            {"scope": forbidden[0]},
        )
    if "id_token" in words and "openid" not in query.scope:
        # OpenID Connect Core 3.1.2.1: without openid the request is none of OpenID Connect's.
        description, received = "An ID token needs the scope 'openid' in the request.", " ".join(query.scope)[:200]
        return Problem("invalid_scope", description, "openid", received, "openid-missing")
    return None


def _audience(query: AuthorizeQuery, client: Client, scene: Scene) -> Problem | None:
    # RFC 8707 2: a token is for the API that the request names; which one, the client does not choose freely.
    named = query.audience[:200]
    if not named or not scene.dialect.profile.names_audiences or query.audience in client.audiences:
        return None
    description = "The audience is not one of this application's APIs: it has to be in its audiences."
    expected = ", ".join(client.audiences)
    return Problem("invalid_target", description, expected, named, "audience-not-granted", {"audience": named})


def _pkce(query: AuthorizeQuery, client: Client) -> Problem | None:
    # RFC 9700 2.1.1: public clients must use PKCE; confidential ones where they are registered so.
    if query.code_challenge or not (client.is_public or client.require_pkce):
        return None
    if "code" not in responses.words(query.response_type):
        return None
    description = "This application must send a code_challenge (PKCE, S256)."
    return Problem("invalid_request", description, reason="challenge-missing")


def _front_channel(query: AuthorizeQuery, client: Client) -> Problem | None:
    """Return what is wrong with a request for tokens through the browser."""
    words = responses.words(query.response_type)
    if words.isdisjoint(responses.TOKENS):
        return None
    # OpenID Connect Core 3.2.2.1 and 3.3.2.11: the nonce ties the ID token to the request that asked for it.
    if "id_token" in words and not query.nonce:
        description = "The parameter 'nonce' is needed: the ID token comes through the browser."
        return Problem("invalid_request", description, reason="nonce-missing")
    # OpenID Connect Core 3.2.2.1: http is for native programs on their own machine alone.
    if query.redirect_uri.startswith("http:") and client.application_type != "native" and not client.development:
        description = "Tokens through the browser need a redirect_uri with https."
        expected = "https, or an application_type 'native'"
        return Problem("invalid_request", description, expected, "http", "redirect-unregistered")
    return None


def granted_scope(query: AuthorizeQuery, client: Client) -> tuple[str, ...]:
    """Return the scopes that the request may get: those the client is enabled for; unknown ones are ignored."""
    if query.for_everybody and not query.scope:
        return client.scope
    allowed, wanted = set(client.scope), tuple(dict.fromkeys((*query.scope, *query.implied)))
    # OpenID Connect Core 11: without a code there is nothing that a refresh token could be given for.
    if "refresh_token" not in client.grant_types or "code" not in responses.words(query.response_type):
        allowed.discard("offline_access")
    elif query.offline:
        # Where a dialect has a parameter of its own for it, the client needs the grant type and no scope.
        allowed.add("offline_access")
        wanted = tuple(dict.fromkeys((*wanted, "offline_access")))
    return tuple(word for word in wanted if word in allowed)
