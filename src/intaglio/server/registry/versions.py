"""Which version of a record somebody has seen: a mark that changes with it (RFC 9110 section 8.8.3, entity tags)."""

from __future__ import annotations

import base64

import msgspec

from intaglio import ids
from intaglio.server.model.plan import encode
from intaglio.server.registry import fields

ANY = "*"
"""Stands for whatever version there is (RFC 9110 section 13.1.1)."""


def of(record: msgspec.Struct) -> str:
    """Return the mark of a record as it is: 24 letters that tell nothing about it."""
    return base64.urlsafe_b64encode(ids.digest(encode(record).decode())[:18]).decode()


def check(record: msgspec.Struct, seen: str) -> None:
    """Check that a record is still the one that was seen; `seen` empty or `*` means whichever there is.

    Raises `Misconfigured` (`record-changed`).
    """
    # RFC 9110 13.1.1: nobody overwrites what somebody else has changed meanwhile.
    if seen not in ("", ANY) and seen != of(record):
        hint = "Read it again, and decide anew."
        raise fields.refuse("record-changed", "Somebody else has changed it.", "it as it is now", "another", hint)
