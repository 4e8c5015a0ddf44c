"""What a relying party holds: the provider it found, the sign-in it began, and what came of it."""

from __future__ import annotations

import msgspec

from intaglio.ids import Secret
from intaglio.tokens.claims import IDToken
from intaglio.tokens.jwk import KeySet
from intaglio.tokens.raw import RawToken
from intaglio.validate.discovery import Metadata
from intaglio.validate.report import ValidationReport


class Provider(msgspec.Struct, frozen=True):
    """An issuer's document and keys, as they were when it was asked."""

    metadata: Metadata
    keys: KeySet

    @property
    def issuer(self) -> str:
        """The issuer's identifier."""
        return self.metadata.issuer


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered between sending a person away and their return; bound to their browser by the caller."""

    state: str
    nonce: str
    code_verifier: str
    max_age: int | None = None

    def __repr__(self) -> str:
        return "Transaction(…)"


class DeviceStarted(msgspec.Struct, frozen=True, kw_only=True):
    """What a device shows its person, and what it polls with; spans are in seconds (RFC 8628 section 3.2)."""

    device_code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int

    def __repr__(self) -> str:
        return "DeviceStarted(…)"


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a sign-in or a refresh, and the report on the ID token.

    `report` and `raw` are None after a refresh that brought no ID token; `token` is then the previous one.
    """

    token: IDToken
    report: ValidationReport | None
    raw: RawToken | None
    access_token: Secret
    refresh_token: Secret | None = None
    expires_in: int | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        return "SignedIn(…)"
