"""The authorization endpoint: what Auth0's requests say besides the standard's, and how an answer reaches a page.

Auth0's page "Authorization Code Flow" (Authentication API); OAuth 2.0 Web Message Response Mode
(draft-sakimura-oauth-wmrm).
"""

from __future__ import annotations

import msgspec

from intaglio.dialects import coding
from intaglio.dialects.auth0 import errors
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import authorize
from intaglio.protocol.authorize import WEB_MESSAGE, AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.protocol.claimsrequest import ClaimRequest, ClaimsRequest
from intaglio.protocol.pages import FormPostPage, WebMessagePage
from intaglio.protocol.scopes import SCOPE_CLAIMS, SCOPE_OF
from intaglio.wire import url
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

OWN = ("audience", "organization")
"""Parameters that are read besides the standard's; the rest (telemetry, hints for its own pages) is ignored."""
MAX_OWN = 512


def read(request: Request, ctx: Context) -> AuthorizeQuery:
    """Read an authorization request by GET or by POST."""
    return query(coding.form_params(request) if request.method == "POST" else coding.query_params(request))


def query(found: Params) -> AuthorizeQuery:
    """Return the query of the request's parameters."""
    standard = authorize.query(found)
    own = tuple((name, found.get(name)) for name in OWN if found.get(name))
    too_long = Problem("invalid_request", f"A parameter may have {MAX_OWN} characters.")
    return msgspec.structs.replace(
        standard,
        parameters=(*standard.parameters, *own),
        problem=standard.problem or (too_long if any(len(value) > MAX_OWN for _, value in own) else None),
        claims=_with_scopes(standard),
        audience=audience(found.get("audience")),
        organization=found.get("organization"),
    )


def _with_scopes(query: AuthorizeQuery) -> ClaimsRequest:
    """Return the claims that are wanted by name; a scope that is called like one claim wants that one, and no more."""
    named = {word: ClaimRequest() for word in query.scope if word in SCOPE_OF and word not in SCOPE_CLAIMS}
    if not named:
        return query.claims
    return ClaimsRequest(named | query.claims.id_token, named | query.claims.userinfo)


def audience(named: str) -> str:
    """Return the API that an access token is for, empty for the profile's endpoint, which every one is for."""
    return "" if named.endswith("/userinfo") else named


def write(answer: AuthorizeAnswer, ctx: Context) -> Response | FormPostPage | WebMessagePage:
    """Send the fields to the client, errors in the words that the SDKs know."""
    answer = msgspec.structs.replace(answer, fields=errors.told(answer))
    if answer.response_mode != WEB_MESSAGE:
        return authorize.write(answer, ctx)
    target = url.origin(answer.redirect_uri)
    if target:
        return WebMessagePage(target, answer.fields)
    # A native program's own scheme has no page that could be told; a fragment holds whatever there is.
    return authorize.write(msgspec.structs.replace(answer, response_mode="fragment"), ctx)
