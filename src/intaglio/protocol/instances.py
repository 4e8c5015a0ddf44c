"""A machine that a workload runs on, as far as the workload may ask about it, and the tree in which it is told.

A dialect turns an `Instance` into a tree of plain mappings; what is no mapping, text or number is one of the records
here, which say how a value looks as text and as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

ETAG_DIGITS = 16
"""Hex digits of the tag that tells one state of a value from another."""


class Attached(msgspec.Struct, frozen=True):
    """A service account that is attached to a machine, with the scopes that its access tokens may have."""

    email: str
    unique_id: str
    scopes: tuple[str, ...] = ()


class Instance(msgspec.Struct, frozen=True):
    """What is known of a machine. `profile` names the platform, `base` is the issuer's address.

    `zone` and `machine_type` are short names; `created_at` is in epoch seconds; a `project_number` of 0 is not known.
    The first of `accounts` is the one that is used where none is named.
    """

    profile: str
    base: str
    project_id: str
    project_number: int = 0
    instance_id: int = 0
    name: str = ""
    zone: str = ""
    machine_type: str = ""
    created_at: int = 0
    tags: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    attributes: Mapping[str, str] = {}
    project_attributes: Mapping[str, str] = {}
    accounts: tuple[Attached, ...] = ()

    @property
    def hostname(self) -> str:
        """The full name of the machine within its project."""
        return f"{self.name}.c.{self.project_id}.internal"


class Lines(msgspec.Struct, frozen=True):
    """Several texts: one a line, or an array."""

    values: tuple[str, ...]


class Packed(msgspec.Struct, frozen=True):
    """Several texts that are an array of JSON even where text is asked for."""

    values: tuple[str, ...]


class Asked(msgspec.Struct, frozen=True):
    """Stands for what is made when it is asked for: it is listed, and has no value."""


class Named(msgspec.Struct, frozen=True):
    """A directory whose names are somebody's own: they are never spelled otherwise."""

    members: Mapping[str, Node]


Leaf: TypeAlias = str | int | Lines | Packed | Asked
Node: TypeAlias = "Leaf | Named | Mapping[str, Node] | Sequence[Mapping[str, Node]]"
"""A value, or a directory: by name, by somebody's own name, or by number."""
