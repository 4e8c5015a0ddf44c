"""The authorization and token endpoints: readers and writers.

RFC 6749, RFC 7636, RFC 7009, RFC 7662, RFC 9207, OpenID Connect Core 3.1.
"""

from __future__ import annotations

import re
from typing import Any

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol import pkce
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.protocol.exchange import (
    ClientCredentialsExchange,
    CodeExchange,
    Introspection,
    IntrospectQuery,
    RefreshExchange,
    Revoked,
    RevokeQuery,
    TokenAnswer,
)
from intaglio.protocol.pages import FormPostPage
from intaglio.wire import message, url
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
"""OpenID Connect Core 3.1.2.6: parameters that are refused, with the error that says so."""

PARAMETERS = frozenset(
    "client_id redirect_uri response_type response_mode scope state nonce code_challenge code_challenge_method prompt"
    " max_age login_hint id_token_hint acr_values".split()
)
"""The parameters of an authorization request that are read; others are ignored (RFC 6749 section 3.1)."""

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
MAX_STATE = 2048
MAX_WORD = 512
MAX_HINT = 320
MAX_REQUEST = 16 * 1024
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,200}")
_MAX_AGE = re.compile(r"[0-9]{1,9}")


def read_authorize(request: Request, ctx: Context) -> AuthorizeQuery:
    """Read an authorization request by GET or by POST (OpenID Connect Core 3.1.2.1)."""
    return authorize_query(coding.form_params(request) if request.method == "POST" else coding.query_params(request))


def authorize_query(found: Params) -> AuthorizeQuery:
    """Return the query of the request's parameters.

    What is wrong goes into `problem`, since only the provider can tell whether redirecting is safe.
    """
    max_age = found.get("max_age")
    scope = tuple(word for word in coding.scope_words(found.get("scope")) if word)
    return AuthorizeQuery(
        client_id=found.get("client_id"),
        redirect_uri=found.get("redirect_uri"),
        response_type=found.get("response_type"),
        response_mode=found.get("response_mode"),
        scope=scope,
        state=found.get("state"),
        nonce=found.get("nonce"),
        code_challenge=found.get("code_challenge"),
        code_challenge_method=found.get("code_challenge_method"),
        prompt=tuple(found.get("prompt").split()),
        max_age=int(max_age) if _MAX_AGE.fullmatch(max_age) else None,
        login_hint=found.get("login_hint")[:MAX_HINT],
        id_token_hint=found.get("id_token_hint"),
        acr_values=tuple(found.get("acr_values").split()),
        # Only what is read is kept for after the sign-in: nobody fills the database with parameters of their own.
        parameters=tuple(
            (name, value[:MAX_HINT] if name == "login_hint" else value)
            for name, value in found.items()
            if name in PARAMETERS
        ),
        offline="offline_access" in scope,
        problem=_problem(found, scope),
    )


def _problem(found: Params, scope: tuple[str, ...]) -> Problem | None:
    prompt = set(found.get("prompt").split())
    if found.duplicates:
        return Problem("invalid_request", f"The parameter {coding.shown(found.duplicates[0])} came more than once.")
    for name, error in UNSUPPORTED.items():
        if found.get(name):
            return Problem(error, f"The parameter '{name}' is not supported.")
    if not all(_SCOPE.fullmatch(word) for word in scope):
        return Problem("invalid_scope", "A scope holds characters that are not allowed.")
    if found.get("max_age") and not _MAX_AGE.fullmatch(found.get("max_age")):
        return Problem("invalid_request", "max_age must be a whole number of seconds.")
    # OpenID Connect Core 3.1.2.1: none cannot stand beside another value.
    if prompt - PROMPTS or ("none" in prompt and len(prompt) > 1):
        return Problem("invalid_request", "prompt must be 'none' alone, or login, consent, select_account.")
    return _length_problem(found) or _challenge_problem(found)


def _length_problem(found: Params) -> Problem | None:
    if sum(len(name) + len(value) for name, value in found.items()) > MAX_REQUEST:
        return Problem("invalid_request", f"The parameters may have {MAX_REQUEST} characters together.")
    if any(len(found.get(name)) > MAX_WORD for name in ("prompt", "acr_values", "response_mode")):
        return Problem("invalid_request", f"A parameter may have {MAX_WORD} characters.")
    if max(len(found.get("state")), len(found.get("nonce"))) > MAX_STATE:
        return Problem("invalid_request", f"state and nonce may have {MAX_STATE} characters.")
    return None


def _challenge_problem(found: Params) -> Problem | None:
    challenge, method = found.get("code_challenge"), found.get("code_challenge_method")
    if not challenge and not method:
        return None
    # RFC 7636 4.2, RFC 9700 2.1.1: only S256; a missing method would mean plain.
    if method != "S256":
        return Problem(
            "invalid_request", "code_challenge_method must be S256.", "S256", method[:20] or "none, which means plain"
        )
    if not pkce.is_challenge(challenge):
        return Problem("invalid_request", "code_challenge must be 43 characters of base64url.")
    return None


def write_authorize(answer: AuthorizeAnswer, ctx: Context) -> Response | FormPostPage:
    """Send the fields to the client: by query, or by a form that the browser posts."""
    if answer.response_mode == "form_post":
        target = url.form_target(answer.redirect_uri)
        return FormPostPage(answer.redirect_uri, answer.fields, (target,) if target else ())
    return message.redirect(url.with_query(answer.redirect_uri, answer.fields))


def read_token(request: Request, ctx: Context) -> Any:
    """Read a token request in a form body."""
    return token_query(request, coding.single(coding.form_params(request)))


def token_query(request: Request, body: Params) -> CodeExchange | RefreshExchange | ClientCredentialsExchange:
    """Return the query of a token request; raises `unsupported_grant_type`, `invalid_request`."""
    who = coding.presented(request, body)
    grant = coding.demanded(body, "grant_type")
    if grant == "authorization_code":
        verifier = body.get("code_verifier")
        code = Secret(coding.demanded(body, "code"))
        return CodeExchange(who, code, body.get("redirect_uri"), Secret(verifier) if verifier else None)
    if grant == "refresh_token":
        return RefreshExchange(who, Secret(coding.demanded(body, "refresh_token")), coding.optional_scope(body))
    if grant == "client_credentials":
        return ClientCredentialsExchange(who, coding.optional_scope(body))
    raise ProtocolFault(
        "unsupported_grant_type",
        "The grant type is not supported.",
        detail={"expected": "authorization_code, refresh_token or client_credentials", "received": grant[:80]},
    )


def token_body(answer: TokenAnswer) -> dict[str, Any]:
    """Return the members of a token response (RFC 6749 section 5.1)."""
    body: dict[str, Any] = {
        "access_token": answer.access_token,
        "token_type": "Bearer",
        "expires_in": answer.expires_in,
        "scope": " ".join(answer.scope),
        "refresh_token": answer.refresh_token,
        "id_token": answer.id_token,
    }
    return {name: value for name, value in body.items() if value != ""}


def write_token(answer: TokenAnswer, ctx: Context) -> Response:
    """Write the tokens."""
    return message.json_response(200, codec.encode_json(token_body(answer)))


def read_revoke(request: Request, ctx: Context) -> RevokeQuery:
    """Read a revocation request (RFC 7009 section 2.1)."""
    body = coding.single(coding.form_params(request))
    return RevokeQuery(coding.presented(request, body), Secret(coding.demanded(body, "token")))


def write_revoked(answer: Revoked, ctx: Context) -> Response:
    """Say that the token is not good any more; the same for a token that never was (RFC 7009 section 2.2)."""
    return Response(200, message.NO_STORE)


def read_introspect(request: Request, ctx: Context) -> IntrospectQuery:
    """Read an introspection request (RFC 7662 section 2.1)."""
    body = coding.single(coding.form_params(request))
    return IntrospectQuery(coding.presented(request, body), Secret(coding.demanded(body, "token")))


def write_introspection(answer: Introspection, ctx: Context) -> Response:
    """Write what is known of the token (RFC 7662 section 2.2)."""
    # RFC 7662 2.2: `active` is always there; nothing else is told of a token that is not.
    body: dict[str, Any] = {"active": answer.active}
    if answer.active:
        known = {
            "scope": " ".join(answer.scope),
            "client_id": answer.client_id,
            "username": answer.username,
            "sub": answer.subject,
            "iss": answer.issuer,
            "token_type": answer.token_type,
            "iat": answer.issued_at,
            "exp": answer.expires_at,
        }
        body |= {name: value for name, value in known.items() if value not in ("", 0)}
    return message.json_response(200, codec.encode_json(body))
