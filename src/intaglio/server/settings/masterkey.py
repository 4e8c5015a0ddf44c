"""Whether a master key could be guessed, told before anything is sealed under it.

NIST SP 800-133r2 section 4: a key is the output of a generator of random bits. A sample of 32 octets proves nothing,
but what people type, repeat or copy from a page is recognised: a generator makes nothing like it within a lifetime.
"""

from __future__ import annotations

import itertools
import re

from intaglio import codec

OCTETS = 32
DISTINCT = 20
"""Different octets of 32 at least. Of random keys fewer than one in 10^9 has less."""
HINT = "make one with: openssl rand -base64 32"
SEEN = frozenset(
    bytes.fromhex(known)
    for known in (
        # The octets 0 to 31, and SHA-256 of "", "test", "password" and "secret": keys of examples everywhere.
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    )
)


def weakness(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a master key in its text form, and what to do; None if nothing is. Never quotes it."""
    octets = _octets(text)
    if octets is None:
        return "text that is not base64", HINT
    if len(octets) != OCTETS:
        # Hexadecimal digits are base64 as well, of the wrong length.
        is_hex = re.fullmatch(r"[0-9A-Fa-f]{64}", text.strip()) is not None
        return f"{len(octets)} octets", "write it as base64, not as hexadecimal digits" if is_hex else HINT
    found = _pattern(octets)
    return None if found is None else (found, HINT)


def _octets(text: str) -> bytes | None:
    canonical = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return codec.decode_base64url(canonical)
    except codec.CodecError:
        return None


def _pattern(octets: bytes) -> str | None:
    if octets in SEEN:
        return "a key of an example, which everybody has"
    if len(set(octets)) == 1:
        return "one octet, repeated"
    if _repeats(octets):
        return "a short piece, repeated"
    if len({(after - before) % 256 for before, after in itertools.pairwise(octets)}) == 1:
        return "octets that count up or down"
    if all(0x20 <= octet < 0x7F or octet in b"\t\r\n" for octet in octets):
        return "text that somebody typed, in base64"
    if len(set(octets)) < DISTINCT:
        return "octets that are too much alike"
    return None


def _repeats(octets: bytes) -> bool:
    return any(octets == (octets[:length] * OCTETS)[:OCTETS] for length in range(1, OCTETS // 2 + 1))
