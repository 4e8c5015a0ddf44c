"""Identifiers and opaque secrets: with `tokens`, the only reader of the system's randomness."""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
import uuid


class Secret:
    """A secret text that does not print itself; `reveal()` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]


def new_uuid() -> str:
    """Return a random UUID in canonical text form (RFC 9562, version 4)."""
    return str(uuid.uuid4())


def short_uuid() -> str:
    """Return a UUID of 64 random bits behind zeros, the form in which people of no organisation are numbered."""
    digits = secrets.token_hex(8)
    return f"00000000-0000-0000-{digits[:4]}-{digits[4:]}"


def opaque(octets: int = 32) -> str:
    """Return `octets` random octets as base64url text without padding (43 characters for 32 octets)."""
    return secrets.token_urlsafe(octets)


def random_octets(octets: int) -> bytes:
    """Return random octets, as for a key."""
    return secrets.token_bytes(octets)


def letters(alphabet: str, length: int) -> str:
    """Return `length` letters drawn from an alphabet, each as likely as any other: a code that people can type."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def digits(length: int) -> str:
    """Return `length` decimal digits at random, of which the first is not zero."""
    return str(1 + secrets.randbelow(9)) + "".join(secrets.choice("0123456789") for _ in range(length - 1))


def ordered(now: int) -> str:
    """Return an identifier that sorts by the instant `now` (epoch seconds): 10 and 16 hex digits."""
    return f"{now:010x}{next(_ORDER) & 0xFFFFFFFF:08x}{secrets.token_hex(4)}"


_ORDER = itertools.count()


class _References:
    """How this process's references begin, and their number."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self.beginning = secrets.token_hex(4)
        self.number = itertools.count(int.from_bytes(secrets.token_bytes(2)))


_REFERENCES = _References()
# A worker is a copy of the process that it was forked from, and must not count on where that one was.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_REFERENCES.begin_anew)


def reference() -> str:
    """Return the reference that ties a refused request to its log line: `ref_` and 14 hex digits or more.

    It need not be secret, only this request's own: a beginning that is the process's, and a number.
    """
    return f"ref_{_REFERENCES.beginning}{next(_REFERENCES.number):06x}"


def digest(text: str) -> bytes:
    """Return the SHA-256 of an opaque secret; what is stored in its place (32 octets).

    An unkeyed hash is enough because what is hashed holds 256 random bits.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
