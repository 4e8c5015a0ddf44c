"""A workload asks for its ID token."""

from __future__ import annotations

import msgspec


class IdentityQuery(msgspec.Struct, frozen=True):
    """Ask for an ID token of a service account (`default` or an e-mail address) for one audience."""

    account: str
    audience: str
    format: str = "standard"


class Minted(msgspec.Struct, frozen=True):
    """An ID token, bare."""

    id_token: str

    def __repr__(self) -> str:
        return "Minted(…)"


class Answered(msgspec.Struct, frozen=True):
    """A short text that is known without asking anybody: a directory, a ping, a fixed value."""

    text: str
    content_type: str = "application/text"


class AccountQuery(msgspec.Struct, frozen=True):
    """Ask what is known of the service account that is attached here."""

    account: str
    field: str = ""
    recursive: bool = False


class AccountAnswer(msgspec.Struct, frozen=True):
    """The attached service account; `field` is what was asked for, empty for the whole directory."""

    email: str
    unique_id: str
    project_id: str
    field: str
    recursive: bool
