"""A workload asks where it runs: for its ID token, its access token, and about the machine."""

from __future__ import annotations

from typing import Literal

import msgspec

Form = Literal["", "text", "json"]


class IdentityQuery(msgspec.Struct, frozen=True):
    """Ask for an ID token of a service account (`default` or an e-mail address) for one audience.

    `format` is `standard` or `full`, which describes the machine too; `licenses` adds its licences to that.
    """

    account: str
    audience: str
    format: str = "standard"
    licenses: bool = False


class Minted(msgspec.Struct, frozen=True):
    """An ID token, bare."""

    id_token: str

    def __repr__(self) -> str:
        return "Minted(…)"


class TokenQuery(msgspec.Struct, frozen=True):
    """Ask for an access token of a service account; without `scopes` it has all that the account has here."""

    account: str
    scopes: tuple[str, ...] = ()


class TokenAnswer(msgspec.Struct, frozen=True):
    """An access token and the seconds that are left of it."""

    access_token: str
    expires_in: int

    def __repr__(self) -> str:
        return f"TokenAnswer(…, {self.expires_in})"


class Answered(msgspec.Struct, frozen=True):
    """A short text that is known without asking anybody: a directory, a ping, a fixed value."""

    text: str
    content_type: str = "application/text"


class TreeQuery(msgspec.Struct, frozen=True):
    """Ask for a value or a directory of the tree that describes the machine.

    `path` are its names from the root; `directory` tells that it ended in a slash, `address` where it is asked, with
    the slash. With `wait` the answer comes when the value is no longer the one of `last_etag` (empty: the present
    one), or after `wait_seconds` (None: as long as the server bears it).
    """

    path: tuple[str, ...]
    address: str
    directory: bool = False
    recursive: bool = False
    form: Form = ""
    wait: bool = False
    last_etag: str = ""
    wait_seconds: int | None = None


class TreeAnswer(msgspec.Struct, frozen=True):
    """A value or a directory, written as text or JSON; `moved` is where a directory is found instead."""

    text: str
    form: Form = "text"
    etag: str = ""
    moved: str = ""
