"""Look inside a text that may be a token, without believing anything; never raises.

RFC 7515 and RFC 7516 section 7 (serializations), RFC 9068 (at+jwt), OpenID Connect Back-Channel Logout section 2.4.
"""

from __future__ import annotations

import binascii
from typing import Any

import msgspec

from intaglio import codec

MAXIMUM_CHARACTERS = 256 * 1024
MAXIMUM_PARTS = 16
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_QUOTES = (('"', '"'), ("'", "'"), ("`", "`"), ("\u201c", "\u201d"))


class Unverified(msgspec.Struct, frozen=True, kw_only=True):
    """What a text looks like; nothing here was checked, and an attacker may have written all of it.

    `kind` is one of `id-token`, `access-token`, `logout-token`, `jws`, `jwe`, `json-serialization`, `saml`, `opaque`.
    `parts` are the segments as text, `problems` sentences on what is not as the specification has it.
    """

    kind: str
    header: dict[str, Any] | None = None
    payload: dict[str, Any] | None = None
    parts: list[str] = []
    problems: list[str] = []

    def __repr__(self) -> str:
        return f"Unverified({self.kind}, {len(self.parts)} parts, {len(self.problems)} problems)"


def _strip_space(text: str, problems: list[str]) -> str:
    stripped = text.strip()
    if stripped != text:
        problems.append("Whitespace around the token was left out.")
    if any(character.isspace() for character in stripped) and stripped.count(".") in (2, 4):
        stripped = "".join(stripped.split())
        problems.append("Whitespace inside the token was left out; a token has none.")
    return stripped


def _strip(text: str, problems: list[str]) -> str:
    # Wrappings nest (a quoted "Bearer …" from a log), but not without end.
    for _ in range(4):
        before = text = text.strip() if text.strip() == text else _strip_space(text, problems)
        for opening, closing in _QUOTES:
            if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
                text = text[1:-1]
                problems.append("Quotation marks around the token were left out.")
        lowered = text[:32].lower()
        for prefix in ("authorization:", "bearer "):
            if lowered.startswith(prefix):
                text = text[len(prefix) :].lstrip()
                problems.append(f"A leading {prefix.strip().capitalize()!r} was left out; it is not part of the token.")
                break
        if text == before:
            break
    return _strip_space(text, problems)


def _lenient(part: str) -> bytes | None:
    kept = part.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return binascii.a2b_base64(kept.replace("-", "+").replace("_", "/") + "=" * (-len(kept) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _octets(part: str, name: str, problems: list[str]) -> bytes | None:
    try:
        return codec.decode_base64url(part)
    except codec.CodecError as fault:
        octets = _lenient(part)
        if octets is None:
            problems.append(f"The {name} is {fault}.")
        elif part.endswith("="):
            problems.append(
                f"The {name} ends in '=' padding, which a token must not have; it was decoded all the same."
            )
        else:
            problems.append(f"The {name} is {fault}; it was decoded all the same.")
        return octets


def _object(part: str, name: str, problems: list[str]) -> dict[str, Any] | None:
    octets = _octets(part, name, problems)
    if octets is None:
        return None
    try:
        return codec.decode_json_object(octets)
    except codec.CodecError as fault:
        problems.append(f"The {name} is {fault}.")
        return None


def _kind(header: dict[str, Any] | None, payload: dict[str, Any] | None) -> str:
    typ = (header or {}).get("typ")
    typ = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
    payload = payload or {}
    events = payload.get("events")
    # OpenID Connect Back-Channel Logout 2.4: the event makes a logout token, typed or not.
    if typ == "logout+jwt" or (isinstance(events, dict) and LOGOUT_EVENT in events):
        return "logout-token"
    # RFC 9068 2.1.
    if typ == "at+jwt":
        return "access-token"
    return "id-token" if {"iss", "sub", "aud"} <= payload.keys() else "jws"


def _signed(parts: list[str], problems: list[str]) -> Unverified:
    header = _object(parts[0], "header", problems)
    payload = _object(parts[1], "payload", problems)
    if header is None and payload is None:
        return Unverified(kind="opaque", parts=parts, problems=problems)
    alg = (header or {}).get("alg")
    if not isinstance(alg, str):
        problems.append("The header names no algorithm (alg).")
    elif alg.lower() == "none":
        problems.append("The header says that the token is not signed (alg none); nobody may believe it.")
    if not parts[2]:
        problems.append("The signature is empty.")
    else:
        _octets(parts[2], "signature", problems)
    return Unverified(kind=_kind(header, payload), header=header, payload=payload, parts=parts, problems=problems)


def _encrypted(parts: list[str], problems: list[str]) -> Unverified:
    header = _object(parts[0], "header", problems)
    if header is None or "enc" not in header:
        problems.append("Five parts, but the header names no encryption (enc).")
    for part, name in zip(parts[1:], ("encrypted key", "initialization vector", "ciphertext", "tag"), strict=True):
        _octets(part, name, problems)
    return Unverified(kind="jwe", header=header, parts=parts, problems=problems)


def _json(text: str, problems: list[str]) -> Unverified:
    try:
        members = codec.decode_json_object(text.encode("utf-8", "surrogatepass"))
    except codec.CodecError as fault:
        problems.append(f"It looks like JSON, but is {fault}.")
        return Unverified(kind="opaque", problems=problems)
    if not {"signatures", "signature", "ciphertext"} & members.keys():
        problems.append("A JSON object, but no token in JSON serialization.")
        return Unverified(kind="opaque", problems=problems)
    problems.append("JSON serialization; an ID token must be in compact serialization.")
    return Unverified(kind="json-serialization", problems=problems, parts=[text])


def _saml(text: str) -> bool:
    decoded = _lenient(text)
    return any(b"urn:oasis:names:tc:SAML" in octets for octets in (text.encode("utf-8", "replace"), decoded or b""))


def peek(text: str) -> Unverified:
    """Return what `text` looks like; never raises and never believes.

    A leading `Bearer`, quotation marks, whitespace and `=` padding are left out, each with a sentence in `problems`.
    """
    problems: list[str] = []
    if len(text) > MAXIMUM_CHARACTERS:
        return Unverified(kind="opaque", problems=["Longer than 256 KiB; not looked at."])
    stripped = _strip(text, problems)
    if not stripped:
        return Unverified(kind="opaque", problems=[*problems, "There is nothing to look at."])
    if stripped.startswith("{"):
        return _json(stripped, problems)
    if _saml(stripped):
        problems.append("A SAML message, not an OpenID Connect token.")
        return Unverified(kind="saml", problems=problems)
    parts = stripped.split(".", MAXIMUM_PARTS)
    if len(parts) == 3:
        return _signed(parts, problems)
    if len(parts) == 5:
        return _encrypted(parts, problems)
    problems.append("Not a token in compact serialization, which has three parts (signed) or five (encrypted).")
    return Unverified(kind="opaque", parts=parts if len(parts) > 1 else [], problems=problems)
