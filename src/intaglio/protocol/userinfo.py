"""The UserInfo request (OpenID Connect Core 5.3)."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.ids import Secret
from intaglio.names import Subject
from intaglio.protocol.circumstances import NONE, Circumstances
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Person


class UserinfoQuery(msgspec.Struct, frozen=True):
    """Ask for the claims of an access token's user; None if no token was sent."""

    access_token: Secret | None
    problem: str = ""


class UserinfoAnswer(msgspec.Struct, frozen=True):
    """The person, and what of it the access token's client is told; the dialect chooses the claims.

    `requested` are claims that the authorization request wanted by name (OpenID Connect Core 5.5). `jwt` is the answer
    where the client has it signed or encrypted; empty, it is JSON. `custom` are claims that rules made.
    `tenant_slug` and `owner` are the tenant's, `circumstances` those of the sign-in.
    """

    person: Person
    scope: tuple[str, ...]
    client_id: str
    subject: Subject
    requested: dict[str, ClaimRequest] = {}
    jwt: str = ""
    custom: dict[str, Any] = {}
    tenant_slug: str = ""
    owner: str = ""
    circumstances: Circumstances = NONE

    def __repr__(self) -> str:
        return f"UserinfoAnswer({self.client_id})"
