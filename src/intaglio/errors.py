"""The root of every error, and the five families under it.

Each error keeps four things apart: a stable `code`, a `public` text that is safe for whoever asked, operator `detail`
(expected and received; goes to the log and nowhere else) and a `hint` that names the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class IntaglioError(Exception):
    """An error with a stable code; `str()` shows the code and the public text only.

    `detail` is structured text for operators. It must never hold a token, a secret, a password or a key.
    """

    code = "error"
    public = "Something went wrong."
    retryable = False

    def __init__(
        self,
        code: str | None = None,
        public: str | None = None,
        *,
        detail: Mapping[str, object] | None = None,
        hint: str = "",
    ) -> None:
        if code is not None:
            self.code = code
        if public is not None:
            self.public = public
        self.detail: dict[str, object] = dict(detail or {})
        self.hint = hint
        super().__init__(self.code)

    def __str__(self) -> str:
        return f"{self.code}: {self.public}"


class Refused(IntaglioError):
    """A token was not believed. What validates a whole token raises `TokenRefused`, which carries its `report`."""

    report: Any = None

    code = "token-refused"
    public = "The token was refused."


class ProtocolFault(IntaglioError):
    """A request that OAuth 2.0 or OpenID Connect answers with an error; the wire form belongs to the dialect."""

    code = "invalid_request"
    public = "The request is not valid."
    reason = ""
    """Why, as a stable word that a dialect may have a number or a text for; empty where the code says it all."""
    told: Mapping[str, str] = MappingProxyType({})
    """Values of the request that a dialect's text may repeat."""

    def because(self, reason: str, **told: str) -> ProtocolFault:
        """Return this fault with its reason, and with values of the request that the dialect's text may repeat."""
        self.reason = reason
        self.told = told
        return self


class Denied(IntaglioError):
    """A principal may not do what it asked for."""

    code = "denied"
    public = "That is not allowed."


class Unavailable(IntaglioError):
    """Something outside this process failed or did not answer in time."""

    code = "unavailable"
    public = "A part that is needed did not answer."
    retryable = True


class Misconfigured(IntaglioError):
    """The configuration cannot be used; raised at start-up and by administrative commands only."""

    code = "misconfigured"
    public = "The configuration cannot be used."
