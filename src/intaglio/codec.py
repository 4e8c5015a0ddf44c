"""Strict base64url and JSON: one text for one value, bounded, no duplicates.

RFC 7515 section 2 (base64url without padding), RFC 8259 (JSON), RFC 7519 section 4 (no duplicate claim names).
"""

from __future__ import annotations

import binascii
import json
from typing import Any

import msgspec

MAX_DEPTH = 64
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Every octet outside the alphabet becomes one that no decoder of the standard alphabet accepts, `+` and `/` too.
_TO_STANDARD = bytes(
    octet if octet in _ALPHABET and octet not in b"-_" else {ord("-"): ord("+"), ord("_"): ord("/")}.get(octet, 0xFF)
    for octet in range(256)
)
# What a text may end in, and what completes it, by its length modulo 4; the unused bits of the last character are zero.
_LAST = (frozenset(_ALPHABET), frozenset[int](), frozenset(_ALPHABET[::16]), frozenset(_ALPHABET[::4]))
_ENDINGS = (b'"', b"", b'=="', b'="')
_read_octets = msgspec.json.Decoder(bytes).decode
FAULTS = {
    "ascii": "not base64url: a character outside ASCII",
    "alphabet": "not base64url: a character outside the alphabet",
    "padding": ", '='",
    "length": "not base64url: impossible length",
    "bits": "not base64url: unused bits are not zero",
    "json": "not JSON",
    "depth": "JSON nested too deeply",
    "duplicate": "JSON with a duplicate member",
    "object": "JSON, but not an object",
}
"""The rules that a text may break, in the words of a `CodecError`."""


class CodecError(ValueError):
    """The text is not in the one form that is accepted; the message names the rule, never the text."""


def encode_base64url(octets: bytes) -> str:
    """Return base64url text without padding."""
    # Two replacements are a third faster than one translation: both octets are rare in what is encoded here.
    text = binascii.b2a_base64(octets, newline=False).rstrip(b"=")
    return text.replace(b"+", b"-").replace(b"/", b"_").decode("ascii")


def decode_base64url(text: str | bytes) -> bytes:
    """Return the octets of canonical base64url text.

    Raises `CodecError` for any character outside the alphabet, padding, an impossible length, and for text whose
    unused bits are not zero, so that no two texts decode to the same octets.
    """
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise CodecError(FAULTS["ascii"]) from None  # the cause would quote the text
    tail = len(raw) & 3
    try:
        if raw and raw[-1] in _LAST[tail]:
            # The JSON decoder's own reading of base64 is the fastest strict one there is.
            return _read_octets(b'"' + raw.translate(_TO_STANDARD) + _ENDINGS[tail])
    except msgspec.DecodeError:
        raise CodecError(_fault(raw)) from None  # the cause says less
    if raw:
        raise CodecError(_fault(raw))
    return b""


def _fault(raw: bytes) -> str:
    if raw.translate(None, _ALPHABET):
        return FAULTS["alphabet"] + (FAULTS["padding"] if b"=" in raw else "")
    return FAULTS["length" if len(raw) & 3 == 1 else "bits"]


_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def encode_json(value: object) -> bytes:
    """Return compact JSON in UTF-8."""
    return _encoder.encode(value)


def _refuse_depth(value: object) -> None:
    level: list[dict[str, Any] | list[Any]] = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise CodecError(FAULTS["depth"])


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise CodecError(FAULTS["duplicate"])
    return members


def decode_json(octets: bytes) -> Any:
    """Return the value of JSON text in UTF-8.

    Raises `CodecError` for anything that is not JSON, duplicate members, NaN or infinities, lone surrogates and
    more than 64 levels of nesting.
    """
    try:
        value = _decoder.decode(octets)
        if octets.count(b"[") + octets.count(b"{") > MAX_DEPTH:
            _refuse_depth(value)
        # Equal octets prove that no member was dropped; only otherwise is the slower reading needed.
        if (value.__class__ is dict or value.__class__ is list) and _encoder.encode(value) != octets:
            json.loads(octets, object_pairs_hook=_refuse_duplicates)
    except CodecError:
        raise
    except RecursionError:
        raise CodecError(FAULTS["depth"]) from None  # the traceback would be thousands of frames long
    except (msgspec.DecodeError, ValueError):
        raise CodecError(FAULTS["json"]) from None  # the cause may quote the text
    return value


def decode_json_object(octets: bytes) -> dict[str, Any]:
    """Return the members of a JSON object; raises `CodecError` as `decode_json` does, and for any other value."""
    value = decode_json(octets)
    if value.__class__ is not dict:
        raise CodecError(FAULTS["object"])
    members: dict[str, Any] = value
    return members
