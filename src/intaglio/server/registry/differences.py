"""What a record was before and after a change, as the audit log tells it: what differs, and never a secret.

A secret is known by its member's name, at any depth; of one that changed both sides are there, as `(redacted)`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

REDACTED = "(redacted)"

# What holds a secret, its hash or its sealed form, in our records and in what applications note about people.
_SECRET = re.compile(
    r"secret|passw|hash|digest|sealed|private|seed|jwt|cookie|credential|api_?key|pin$|(?:^|_)tokens?$", re.IGNORECASE
)
_PLAIN = frozenset({"encrypt_id_token", "id_token", "tokens"})
"""Names that look like a secret's and are none: a policy, and the kinds of token that a claim rule is for."""
_BULKY = frozenset({"jwks", "trust_anchors"})
# RFC 7518 6.2.2, 6.3.2 and 6.4: the members of a JWK that are private.
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def between(before: object, after: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs between two records, as it was and as it is; None stands for a record that is not there.

    Records are structs, whose members that have their default are left out where the other side is None, or mappings.
    """
    was, became = _differing(_members(before, alone=after is None), _members(after, alone=before is None))
    return _told(was), _told(became)


def _members(record: object, *, alone: bool) -> dict[str, Any]:
    if record is None:
        return {}
    if not isinstance(record, msgspec.Struct):
        return dict(msgspec.to_builtins(record))
    fields = msgspec.structs.fields(record)
    values = {field.name: _shown(field.name, getattr(record, field.name)) for field in fields}
    if alone:
        values = {field.name: values[field.name] for field in fields if values[field.name] != _default(field)}
    return dict(msgspec.to_builtins(values))


def _shown(name: str, value: Any) -> Any:
    """Return a member's value; of keys and certificates a digest says which they are."""
    octets = value.encode() if name in _BULKY and isinstance(value, str) else value
    return f"sha256:{hashlib.sha256(octets).hexdigest()}" if isinstance(octets, bytes) and octets else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _differing(was: dict[str, Any], became: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    for name in {**was, **became}:
        one, other = was.get(name, msgspec.UNSET), became.get(name, msgspec.UNSET)
        if one == other and type(one) is type(other):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            one, other = _differing(one, other)
        if one is not msgspec.UNSET:
            left[name] = one
        if other is not msgspec.UNSET:
            right[name] = other
    return left, right


def _told(members: dict[str, Any]) -> dict[str, Any]:
    private = _PRIVATE if "kty" in members else frozenset()
    return {
        name: _without_texts(value) if name in private or _is_secret(name) else _inside(value)
        for name, value in members.items()
    }


def _is_secret(name: str) -> bool:
    return name not in _PLAIN and _SECRET.search(name) is not None


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return _told(value)
    return [_inside(one) for one in value] if isinstance(value, (list, tuple)) else value


def _without_texts(value: Any) -> Any:
    """Return a secret's value without what is secret in it; instants and flags beside it stay."""
    if isinstance(value, dict):
        return {name: _without_texts(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_texts(one) for one in value]
    return REDACTED if isinstance(value, str) and value else value
