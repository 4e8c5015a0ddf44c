"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

from __future__ import annotations

import msgspec


class LogoutQuery(msgspec.Struct, frozen=True):
    """A request to end the session; empty text is an absent parameter."""

    id_token_hint: str
    client_id: str
    post_logout_redirect_uri: str
    state: str
    problem: str = ""

    def __repr__(self) -> str:
        return f"LogoutQuery({self.client_id})"


class LogoutDone(msgspec.Struct, frozen=True):
    """The session has ended: go to `location`, or show the page that says so."""

    location: str
    client_name: str = ""
    client_uri: str = ""


class LogoutAsk(msgspec.Struct, frozen=True):
    """The person has to confirm; the values come back with the form."""

    user_name: str
    client_name: str
    client_id: str
    post_logout_redirect_uri: str
    state: str
