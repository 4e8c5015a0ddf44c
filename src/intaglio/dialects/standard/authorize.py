"""The authorization endpoint: the reader of its requests and the writer of its answers.

RFC 6749 section 4.1, RFC 7636 section 4.3, RFC 9101, RFC 9207, OpenID Connect Core 3.1, 5.5 and 6, Initiating User
Registration via OpenID Connect 1.0.
"""

from __future__ import annotations

import re

from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.protocol import claimsrequest, pkce, requestobject
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.protocol.claimsrequest import ClaimsRequest
from intaglio.protocol.pages import FormPostPage
from intaglio.wire import message, url
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

UNSUPPORTED = {"registration": "registration_not_supported"}
"""OpenID Connect Core 3.1.2.6: parameters that are refused, with the error that says so."""

PROMPTS = frozenset({"none", "login", "consent", "select_account", "create"})
DISPLAYS = frozenset({"page", "popup", "touch", "wap"})
MAX_STATE = 2048
MAX_WORD = 512
WORDS = ("prompt", "acr_values", "response_mode", "ui_locales", "claims_locales", "connection", "domain_hint")
MAX_HINT = 320
PLACES = ("connection", "domain_hint")
"""Parameters beside the standard's that every dialect reads: at which other provider the person signs in."""
MAX_REQUEST = 16 * 1024
MAX_OBJECT = 32 * 1024
"""Characters of a request object, beside the parameters around it."""
MAX_LOCALES = 20
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,200}")
_MAX_AGE = re.compile(r"[0-9]{1,9}")
_LOCALE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}")


def read(request: Request, ctx: Context) -> AuthorizeQuery:
    """Read an authorization request by GET or by POST (OpenID Connect Core 3.1.2.1)."""
    return query(coding.form_params(request) if request.method == "POST" else coding.query_params(request))


def query(found: Params) -> AuthorizeQuery:
    """Return the query of the request's parameters.

    What is wrong goes into `problem`, since only the provider can tell whether redirecting is safe. Of a request with a
    request object the parameters are looked at once the object's own are among them: read again, without the object.
    """
    max_age = found.get("max_age")
    scope = tuple(word for word in coding.scope_words(found.get("scope")) if word)
    claims, unreadable = _claims(found)
    by_object = any(found.get(name) for name in requestobject.FORBIDDEN)
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
            if name in requestobject.PARAMETERS or name in PLACES
        ),
        problem=_object_problem(found) if by_object else _problem(found, scope) or unreadable,
        claims=claims,
        display=found.get("display"),
        ui_locales=_locales(found.get("ui_locales")),
        claims_locales=_locales(found.get("claims_locales")),
        request=found.get("request"),
        request_uri=found.get("request_uri"),
        connection=found.get("connection"),
        domain_hint=found.get("domain_hint")[:MAX_HINT],
    )


def _claims(found: Params) -> tuple[ClaimsRequest, Problem | None]:
    if not found.get("claims"):
        return ClaimsRequest(), None
    try:
        return claimsrequest.read(found.get("claims")), None
    except claimsrequest.ClaimsError as exc:
        description = f"The parameter 'claims' cannot be read: {exc}."
        return ClaimsRequest(), Problem("invalid_request", description, "OpenID Connect Core 5.5", str(exc))


def _locales(text: str) -> tuple[str, ...]:
    # OpenID Connect Core 3.1.2.1: locales that are not there are no error, so that what is no tag at all is left out.
    return tuple(tag for tag in text.split() if _LOCALE.fullmatch(tag))[:MAX_LOCALES]


def _repeated(found: Params) -> Problem | None:
    if found.duplicates:
        description = f"The parameter {coding.shown(found.duplicates[0])} came more than once."
        return Problem("invalid_request", description, reason="parameter-repeated")
    for name, error in UNSUPPORTED.items():
        if found.get(name):
            return Problem(error, f"The parameter '{name}' is not supported.")
    return None


def _object_problem(found: Params) -> Problem | None:
    """Return what is wrong with a request that hands over a request object, whatever is in the object."""
    if found.get("request") and found.get("request_uri"):
        # RFC 9101 5: which of them would count is not ours to choose.
        return Problem("invalid_request", "The parameters 'request' and 'request_uri' do not go together.")
    if len(found.get("request")) > MAX_OBJECT:
        return Problem("invalid_request_object", f"A request object may have {MAX_OBJECT} characters.")
    around = sum(len(name) + len(value) for name, value in found.items() if name != "request")
    if around > MAX_REQUEST:
        return Problem("invalid_request", f"The parameters may have {MAX_REQUEST} characters together.")
    return _repeated(found)


def _problem(found: Params, scope: tuple[str, ...]) -> Problem | None:
    return (
        _repeated(found)
        or _word_problem(found, scope)
        or _prompt_problem(found)
        or _length_problem(found)
        or _challenge_problem(found)
    )


def _word_problem(found: Params, scope: tuple[str, ...]) -> Problem | None:
    if not all(_SCOPE.fullmatch(word) for word in scope):
        return Problem("invalid_scope", "A scope holds characters that are not allowed.")
    if found.get("max_age") and not _MAX_AGE.fullmatch(found.get("max_age")):
        return Problem("invalid_request", "max_age must be a whole number of seconds.")
    if found.get("display") and found.get("display") not in DISPLAYS:
        return Problem("invalid_request", "display must be page, popup, touch or wap.", "page, popup, touch, wap")
    return None


def _prompt_problem(found: Params) -> Problem | None:
    prompt = set(found.get("prompt").split())
    # OpenID Connect Core 3.1.2.1: none cannot stand beside another value.
    if prompt - PROMPTS or ("none" in prompt and len(prompt) > 1):
        return Problem("invalid_request", "prompt must be 'none' alone, or login, consent, select_account, create.")
    return None


def _length_problem(found: Params) -> Problem | None:
    if sum(len(name) + len(value) for name, value in found.items()) > MAX_REQUEST:
        return Problem("invalid_request", f"The parameters may have {MAX_REQUEST} characters together.")
    if any(len(found.get(name)) > MAX_WORD for name in WORDS):
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
        received = method[:20] or "none, which means plain"
        description = "code_challenge_method must be S256."
        return Problem("invalid_request", description, "S256", received, "challenge-malformed")
    if not pkce.is_challenge(challenge):
        description = "code_challenge must be 43 characters of base64url."
        return Problem("invalid_request", description, reason="challenge-malformed")
    return None


def write(answer: AuthorizeAnswer, ctx: Context) -> Response | FormPostPage:
    """Send the fields to the client: by query or fragment of its address, or by a form that the browser posts."""
    if answer.response_mode == "form_post":
        target = url.form_target(answer.redirect_uri)
        return FormPostPage(answer.redirect_uri, answer.fields, (target,) if target else ())
    if answer.response_mode == "fragment":
        return message.redirect(url.with_fragment(answer.redirect_uri, answer.fields))
    return message.redirect(url.with_query(answer.redirect_uri, answer.fields))
