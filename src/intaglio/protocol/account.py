"""What a person sees of their own sign-ins and applications."""

from __future__ import annotations

import msgspec


class AccountPageQuery(msgspec.Struct, frozen=True):
    """Ask for the page `sessions and apps`."""


class AccountSignIn(msgspec.Struct, frozen=True):
    """Nobody is signed in: `browser` is the secret that ties the login form to this browser.

    `connections` are other providers at which they may sign in: names, and what people call them.
    """

    browser: str
    lifetime: int
    connections: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "AccountSignIn(…)"


class SeenSession(msgspec.Struct, frozen=True):
    """A live session: which browser, since when, and the names of the applications in it."""

    session_id: str
    device: str
    auth_time: int
    apps: tuple[str, ...]
    own: bool


class SeenApp(msgspec.Struct, frozen=True):
    """An application that may do something for the person; `offline` if it may while they are away."""

    client_id: str
    name: str
    client_uri: str
    scope: tuple[str, ...]
    since: int
    offline: bool


class AccountView(msgspec.Struct, frozen=True):
    """Everything on the page."""

    user_id: str
    user_name: str
    sessions: tuple[SeenSession, ...]
    apps: tuple[SeenApp, ...]
