"""The token endpoint's questions, one type a grant, and its answer.

RFC 6749 sections 4.1.3, 4.4.2, 5.1 and 6, OpenID Connect Core 3.1.3.1 and 12.
"""

from __future__ import annotations

import msgspec

from intaglio.ids import Secret
from intaglio.protocol.circumstances import Holder


class Presented(msgspec.Struct, frozen=True):
    """How a client named itself: the method, its id, and its secret where it sent one. `faulty` says what is wrong.

    The method of an `assertion` is `assertion`: its algorithm tells which of the two it is.
    """

    method: str
    client_id: str
    secret: Secret | None = None
    faulty: str = ""
    assertion: Secret | None = None


class CodeExchange(msgspec.Struct, frozen=True):
    """Exchange an authorization code. In each grant, `own` is what only the dialect understands, for its writers."""

    presented: Presented
    code: Secret
    redirect_uri: str
    code_verifier: Secret | None
    own: tuple[tuple[str, str], ...] = ()


class RefreshExchange(msgspec.Struct, frozen=True):
    """Use a refresh token; `scope` narrows what was granted, None keeps it.

    Where it does not narrow (`narrows` is false), it has to be among what was granted, and all of that is kept.
    """

    presented: Presented
    refresh_token: Secret
    scope: tuple[str, ...] | None
    own: tuple[tuple[str, str], ...] = ()
    narrows: bool = True


class ClientCredentialsExchange(msgspec.Struct, frozen=True):
    """Ask for a token in the client's own name; `scope` None asks for all that the client may have.

    `audience` names the API that the token is for.
    """

    presented: Presented
    scope: tuple[str, ...] | None
    audience: str = ""
    own: tuple[tuple[str, str], ...] = ()


class AttachedExchange(msgspec.Struct, frozen=True):
    """Ask for a token of the application that is attached to where one asks; `client_id` names it, empty is that one.

    `own` are parameters that only the dialect understands.
    """

    client_id: str
    scope: tuple[str, ...]
    audience: str = ""
    own: tuple[tuple[str, str], ...] = ()


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the token endpoint gives; empty text is left out. `expires_in` is in seconds, `holder` whom it is about.

    `client_id` is told where the asker did not say who it is.
    """

    access_token: str
    expires_in: int
    scope: tuple[str, ...]
    requested_scope: tuple[str, ...] | None = None
    refresh_token: str = ""
    id_token: str = ""
    holder: Holder | None = None
    client_id: str = ""

    def __repr__(self) -> str:
        return "TokenAnswer(…)"


class RevokeQuery(msgspec.Struct, frozen=True):
    """Revoke a token (RFC 7009 section 2.1)."""

    presented: Presented
    token: Secret


class Revoked(msgspec.Struct, frozen=True):
    """The token is not good any more, or never was (RFC 7009 section 2.2)."""


class IntrospectQuery(msgspec.Struct, frozen=True):
    """Ask about a token (RFC 7662 section 2.1).

    `caller` is the access token by which a program proves itself in place of a client authentication, None if there is
    none; with `wide_scope` that program is told of other applications' tokens too.
    """

    presented: Presented
    token: Secret
    caller: Secret | None = None
    wide_scope: str = ""


class Introspection(msgspec.Struct, frozen=True):
    """What is known of a token (RFC 7662 section 2.2); only `active` is meant when that is False.

    `audience` is the API that the token is for, empty where it was asked for without naming one.
    """

    active: bool
    scope: tuple[str, ...] = ()
    client_id: str = ""
    username: str = ""
    subject: str = ""
    issuer: str = ""
    token_type: str = ""
    issued_at: int = 0
    expires_at: int = 0
    audience: str = ""
