"""The authorization request and its answers.

RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1, RFC 7636 section 4.3, RFC 9207, OAuth 2.0 Multiple Response Type
Encoding Practices 1.0, OAuth 2.0 Form Post Response Mode 1.0.
"""

from __future__ import annotations

import msgspec

from intaglio.errors import ProtocolFault
from intaglio.protocol.circumstances import Holder
from intaglio.protocol.claimsrequest import ClaimsRequest

RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
"""OpenID Connect Core 3: the response types there are; the words of each are in the order of the alphabet."""

RESPONSE_MODES = ("query", "fragment", "form_post")
WEB_MESSAGE = "web_message"
"""The mode in which a page tells the one that framed or opened it (draft-sakimura-oauth-wmrm); not every dialect's."""

ACR_VALUES = ("1",)
"""The authentication context classes of sign-ins here (OpenID Connect Core 2, `acr`). `1` is one factor: a password."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with an authorization request; whether it may be told by redirect is decided later.

    `reason` is a stable word that a dialect may have a number for, `told` values that its text may repeat.
    """

    error: str
    description: str
    expected: str = ""
    received: str = ""
    reason: str = ""
    told: dict[str, str] = {}


def problem_of(fault: ProtocolFault) -> Problem:
    """Return a fault as the problem that it is of an authorization request."""
    expected, received = (str(fault.detail.get(name, "")) for name in ("expected", "received"))
    return Problem(fault.code, fault.public, expected, received, fault.reason, dict(fault.told))


class AuthorizeQuery(msgspec.Struct, frozen=True):
    """An authorization request as one dialect read it. Empty text is an absent parameter.

    `parameters` are the request's own, kept to read it again after the sign-in; `max_age` is seconds or None. `offline`
    asks for offline access by another parameter than the scope, as some dialects do; `include_granted` for what was
    granted to the client before, besides. `connection`, `domain_hint` and `organization` say where the person signs in
    and for whom, `audience` names an API. `own` are parameters that only the dialect understands, for its writers.
    `implied` are scopes that are asked for without being named, as far as the client may have them.
    `organization_name` is what the organization is called, once it is known. `for_everybody` asks an administrator to
    consent for all of the tenant, and gives neither code nor token.
    """

    client_id: str
    redirect_uri: str
    response_type: str
    response_mode: str
    scope: tuple[str, ...]
    state: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    prompt: tuple[str, ...]
    max_age: int | None
    login_hint: str
    id_token_hint: str
    acr_values: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    offline: bool = False
    include_granted: bool = False
    problem: Problem | None = None
    claims: ClaimsRequest = ClaimsRequest()
    display: str = ""
    ui_locales: tuple[str, ...] = ()
    claims_locales: tuple[str, ...] = ()
    request: str = ""
    request_uri: str = ""
    connection: str = ""
    domain_hint: str = ""
    organization: str = ""
    audience: str = ""
    own: tuple[tuple[str, str], ...] = ()
    organization_name: str = ""
    implied: tuple[str, ...] = ()
    for_everybody: bool = False

    def __repr__(self) -> str:
        return f"AuthorizeQuery({self.client_id})"


class SessionBegins(msgspec.Struct, frozen=True):
    """A session that the browser is to remember; `secret` goes into its cookie."""

    secret: str
    expires_at: int

    def __repr__(self) -> str:
        return "SessionBegins(…)"


class SessionEnds(msgspec.Struct, frozen=True):
    """The browser is to forget its session."""


class BrowserState(msgspec.Struct, frozen=True):
    """What a browser keeps for session management, readable by the issuer's own frame, until an instant."""

    value: str
    expires_at: int


class AuthorizeAnswer(msgspec.Struct, frozen=True):
    """The fields that go to the client by its redirect URI: code and tokens, or a standard error with its `problem`.

    `response_mode` is one of those that the dialect has: never `query` for tokens. `holder` is who signed in.
    """

    redirect_uri: str
    response_mode: str
    fields: tuple[tuple[str, str], ...]
    problem: Problem | None = None
    session: SessionBegins | SessionEnds | None = None
    browser_state: BrowserState | None = None
    holder: Holder | None = None

    def __repr__(self) -> str:
        return f"AuthorizeAnswer({self.redirect_uri})"


class SignInNeeded(msgspec.Struct, frozen=True):
    """The person has to act: `transaction` names the waiting request, `browser` is the secret for its cookie.

    `connection` is the name of the other provider at which they sign in, empty where they may choose.
    """

    transaction: str
    browser: str
    step: str
    lifetime: int
    connection: str = ""

    def __repr__(self) -> str:
        return f"SignInNeeded({self.step})"
