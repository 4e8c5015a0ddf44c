"""Records of acts as JSON: secrets are text on the wire, and print themselves nowhere else."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from intaglio.ids import Secret

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Return a value as it goes over the wire; NotImplementedError for one that cannot."""
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError


def secret(kind: type, value: Any) -> Any:
    """Return the secret of a text; TypeError for anything else."""
    if kind is not Secret:
        raise NotImplementedError
    if not isinstance(value, str):
        raise TypeError("expected text")
    return Secret(value)


def schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema of what only these records have."""
    if kind is not Secret:
        raise NotImplementedError
    return {"type": "string", "format": "password"}


def encode(record: msgspec.Struct) -> bytes:
    """Return a record as JSON, with what is secret in it."""
    return msgspec.json.encode(record, enc_hook=plain)


def builtins(record: msgspec.Struct) -> Any:
    """Return a record as what JSON is made of, with what is secret in it."""
    return msgspec.to_builtins(record, enc_hook=plain)


def decode(octets: bytes, kind: type[T]) -> T:
    """Return the record of a JSON text; raises `msgspec.ValidationError`, `msgspec.DecodeError`."""
    return msgspec.json.decode(octets, type=kind, dec_hook=secret)


def convert(members: dict[str, Any], kind: type[T], *, strict: bool = True) -> T:
    """Return the record of members; where it is not `strict`, text stands for numbers and flags as well."""
    return msgspec.convert(members, kind, dec_hook=secret, strict=strict)
