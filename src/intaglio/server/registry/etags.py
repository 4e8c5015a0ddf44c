"""Marks of a policy's version: sixteen letters and digits, which are base64 of twelve octets as well."""

from __future__ import annotations

import string

from intaglio import ids

NONE = "ACAB"
"""The mark of a policy that nobody ever wrote."""


def new() -> str:
    """Return a mark that no version had before."""
    return ids.letters(string.ascii_letters + string.digits, 16)
