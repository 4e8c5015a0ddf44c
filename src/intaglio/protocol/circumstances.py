"""How somebody signed in: what codes, grants and sessions remember of it besides time, class and methods.

It is kept as JSON text beside them, empty where there is nothing to tell.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Circumstances(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sign-in and the request it was for; empty text is absent.

    `idp` is the issuer that vouched for the person where it was another provider's, `idp_subject` whom it called them,
    `connection` the name of the connection and `told` what its ID token said; an address is among it only if it is
    taken for confirmed here. `dialect` names the rules by which that token was believed. `peer` is the address that
    they signed in from, `requested_at` the instant of the authorization request. `organization` is the id of the
    organization for which they signed in, `organization_name` its name; `audience` the API that the access token is
    for.
    """

    idp: str = ""
    idp_subject: str = ""
    connection: str = ""
    told: dict[str, Any] = {}
    peer: str = ""
    requested_at: int = 0
    organization: str = ""
    organization_name: str = ""
    audience: str = ""
    dialect: str = ""

    def __repr__(self) -> str:
        return "Circumstances(…)"


NONE = Circumstances()
_DECODER = msgspec.json.Decoder(Circumstances)


class Holder(msgspec.Struct, frozen=True):
    """Who an answer is about, for the dialect that writes it."""

    user_id: str
    username: str
    tenant_id: str
    session_id: str
    circumstances: Circumstances = NONE

    def __repr__(self) -> str:
        return f"Holder({self.user_id})"


def encode(circumstances: Circumstances) -> str:
    """Return the stored text, empty where there is nothing to tell."""
    return "" if circumstances == NONE else msgspec.json.encode(circumstances).decode()


def decode(text: str) -> Circumstances:
    """Return the circumstances of a stored text."""
    return _DECODER.decode(text) if text else NONE
