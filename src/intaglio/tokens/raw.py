"""A token's text that nobody has looked at, which will not print itself."""

from __future__ import annotations

import hashlib

from intaglio import codec


class RawToken:
    """An untrusted token text; `reveal()` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def fingerprint(self) -> str:
        """Return 16 characters that tell tokens apart in a log and from which no token can be made."""
        return codec.encode_base64url(hashlib.sha256(self._text.encode("utf-8", "surrogatepass")).digest()[:12])

    def __repr__(self) -> str:
        return f"RawToken({self.fingerprint()})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawToken) and self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __reduce__(self) -> str:
        raise TypeError("a token is not pickled; call reveal()")
