"""Logout: what a relying party asks for, what the browser is told, and what a logout token says.

OpenID Connect RP-Initiated Logout 1.0 section 2, Front-Channel Logout 1.0 section 2, Back-Channel Logout 1.0 section
2.4.
"""

from __future__ import annotations

import msgspec


class LogoutQuery(msgspec.Struct, frozen=True):
    """A request to end the session; empty text is an absent parameter.

    `session_hint` is the session as a client knows it (`sid`). With `asks` the person is asked where nothing proves
    that a client of the session sent them; without it the session ends at once, as some dialects have it. `listed_as`
    is the dialect's name for the tenant's list of addresses to which a logout without a client may lead; there, one
    with a client and no address leads to the client's first. `elsewhere` signs out as well at the other provider at
    which the person signed in.
    """

    id_token_hint: str
    client_id: str
    post_logout_redirect_uri: str
    state: str
    problem: str = ""
    session_hint: str = ""
    asks: bool = True
    listed_as: str = ""
    elsewhere: bool = False

    def __repr__(self) -> str:
        return f"LogoutQuery({self.client_id})"


class LogoutDone(msgspec.Struct, frozen=True):
    """The session has ended: go to `location`, or show the page that says so.

    `frames` are the addresses that the browser has to load so that clients forget their own sessions.
    """

    location: str
    client_name: str = ""
    client_uri: str = ""
    frames: tuple[str, ...] = ()


class LogoutAsk(msgspec.Struct, frozen=True):
    """The person has to confirm; the values come back with the form.

    `onward` is another provider's address to which it leads then, empty for none.
    """

    user_name: str
    client_name: str
    client_id: str
    post_logout_redirect_uri: str
    state: str
    onward: str = ""


class LogoutFacts(msgspec.Struct, frozen=True):
    """What a logout token says: whose session ended, to whom it is told, under which name of this message."""

    issuer: str
    audience: str
    subject: str
    session_id: str
    jti: str
    now: int
    lifetime: int
    alg: str
