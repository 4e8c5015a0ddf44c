"""Proof Key for Code Exchange, S256 only (RFC 7636)."""

from __future__ import annotations

import hashlib
import hmac
import re

from intaglio import codec

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}", re.ASCII)
_CHALLENGE = re.compile(r"[A-Za-z0-9_\-]{43}", re.ASCII)


def is_challenge(text: str) -> bool:
    """Tell whether the text can be an S256 challenge: 43 characters of base64url (RFC 7636 section 4.2)."""
    return _CHALLENGE.fullmatch(text) is not None


def is_verifier(text: str) -> bool:
    """Tell whether the text can be a verifier: 43 to 128 unreserved characters (RFC 7636 section 4.1)."""
    return _VERIFIER.fullmatch(text) is not None


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return codec.encode_base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def answers(verifier: str, expected: str) -> bool:
    """Tell whether the verifier answers the challenge (RFC 7636 section 4.6); a malformed verifier does not."""
    return is_verifier(verifier) and hmac.compare_digest(challenge(verifier), expected)
