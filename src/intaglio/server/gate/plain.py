"""Mode plain: ID tokens of any issuer for any audience, their claims in headers of one's choice.

OpenID Connect Core 3.1.3.7, RFC 6750 sections 2.1 and 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from intaglio.errors import Refused as TokenFault
from intaglio.server.gate import credential, outcome
from intaglio.server.gate.asked import Asked
from intaglio.server.gate.believing import Believer
from intaglio.server.gate.outcome import Outcome, Passed, Refused
from intaglio.tokens.claims import IDToken
from intaglio.wire.message import Response

AUTHORIZATION = "authorization"
_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
MAX_VALUE = 4096


class PlainMode:
    """Lets through who shows an ID token of the issuer for the audience, with the claims that are demanded."""

    cookies: tuple[str, ...] = ()

    def __init__(
        self,
        believer: Believer,
        audiences: tuple[str, ...],
        claims: Mapping[str, str],
        require: Mapping[str, Any],
        *,
        pass_token: bool,
    ) -> None:
        self._believer = believer
        self._audiences = audiences
        self._claims = dict(claims)
        self._require = dict(require)
        self._pass_token = pass_token
        self._owned = frozenset(name.lower() for name in claims.values())

    def owns(self, name: str) -> bool:
        """Tell whether a header is one that a claim is written to, or the token's."""
        return name == AUTHORIZATION or name in self._owned

    async def decide(self, asked: Asked, now: int) -> Outcome:
        """Return whether the request may pass; raises `Unavailable`."""
        carried = credential.find(asked, (AUTHORIZATION,))
        if carried is None:
            return Refused(_challenge("Bearer"), "token-missing")
        invalid = _challenge('Bearer error="invalid_token"')
        if carried.token is None:
            return Refused(invalid, "token-unreadable")
        try:
            token = await self._believer.token(carried.token, self._audiences, now)
        except TokenFault as fault:
            return Refused(invalid, fault.code)
        who = f"{token.iss} {token.sub}"
        for name, wanted in self._require.items():
            if not holds(token.claims.get(name), wanted):
                sentence = "The token does not say what this service demands."
                return Refused(outcome.page(403, "Forbidden", sentence), "claim-demanded", who)
        return Passed(self._told(asked, token), who)

    async def page(self, asked: Asked, body: bytes, now: int) -> Response | None:
        """Answer None: this mode has no pages."""
        return None

    def _told(self, asked: Asked, token: IDToken) -> tuple[tuple[str, str], ...]:
        kept = asked.one(AUTHORIZATION) if self._pass_token else ""
        told = tuple((header.lower(), as_header(token.claims.get(claim))) for claim, header in self._claims.items())
        return ((AUTHORIZATION, kept), *told)


def holds(value: object, wanted: object) -> bool:
    """Tell whether a claim is what is demanded: the same, or a list that has it. True is not 1."""
    if isinstance(value, list):
        return any(holds(one, wanted) for one in value)
    return type(value) is type(wanted) and value == wanted


def as_header(value: object) -> str:
    """Return a claim as a header's text: visible ASCII, anything else percent-encoded as UTF-8; empty if absent."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    # A claim too long for a header would be cut somewhere behind the gate, and read as another.
    return quote(text, safe=_SAFE, errors="replace").strip() if len(text) <= MAX_VALUE else ""


def _challenge(value: str) -> Response:
    sentence = "The request needs an ID token for this service."
    return outcome.page(401, "Unauthorized", sentence, (("www-authenticate", value),))
