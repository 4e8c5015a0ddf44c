"""Which groups somebody is in, asked by the client that signed them in and whose tokens could not hold all of them."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.ids import Secret
from intaglio.protocol.facts import Membership


class MembershipsQuery(msgspec.Struct, frozen=True):
    """Ask for the groups of the person whom an access token is of; None if no token was sent."""

    access_token: Secret | None
    user_id: str
    problem: str = ""


class MembershipsAnswer(msgspec.Struct, frozen=True):
    """The groups, and the client's settings in the dialect's words, which say what of them it is told."""

    memberships: tuple[Membership, ...]
    client_settings: dict[str, Any]
