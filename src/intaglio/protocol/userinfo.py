"""The UserInfo request (OpenID Connect Core 5.3)."""

from __future__ import annotations

import msgspec

from intaglio.ids import Secret
from intaglio.protocol.facts import Person


class UserinfoQuery(msgspec.Struct, frozen=True):
    """Ask for the claims of an access token's user; None if no token was sent."""

    access_token: Secret | None
    problem: str = ""


class UserinfoAnswer(msgspec.Struct, frozen=True):
    """The person and the scopes of the access token; the dialect chooses the claims."""

    person: Person
    scope: tuple[str, ...]
    client_id: str
