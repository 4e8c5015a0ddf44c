"""Look inside a text that may be a token, without believing anything; never raises.

RFC 7515 and RFC 7516 section 7 (serializations), RFC 9068 (at+jwt), OpenID Connect Back-Channel Logout section 2.4.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio import codec

MAXIMUM_CHARACTERS = 256 * 1024
MAXIMUM_PARTS = 16
MAXIMUM_WRAPPINGS = 6
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SAML = "urn:oasis:names:tc:SAML"
JSON_MEMBERS = ("signatures", "signature", "ciphertext")
QUOTES = (('"', '"'), ("'", "'"), ("`", "`"), ("\u201c", "\u201d"))
PREFIXES = (("authorization:", "Authorization:"), ("bearer ", "Bearer"))
"""What may stand before a token, in lower case, and how it is called."""
PARTS = ("header", "payload", "signature", "encrypted key", "initialization vector", "ciphertext", "tag")
"""The names of a signed token's three parts, and of what follows an encrypted token's header."""
PROBLEMS = {
    "long": "Longer than 256 KiB; not looked at.",
    "nothing": "There is nothing to look at.",
    "around": "Whitespace around the token was left out.",
    "inside": "Whitespace inside the token was left out; a token has none.",
    "quotes": "Quotation marks around the token were left out.",
    "prefix": "A leading '{prefix}' was left out; it is not part of the token.",
    "address": "The token was taken out of the address or form (id_token) that held it.",
    "escapes": "URL encoding (%2E and the like) was undone; a token has none.",
    "part": "The {part} is {fault}.",
    "padded": "The {part} ends in '=' padding, which a token must not have; it was decoded all the same.",
    "loose": "The {part} is {fault}; it was decoded all the same.",
    "no_alg": "The header names no algorithm (alg).",
    "alg_none": "The header says that the token is not signed (alg none); nobody may believe it.",
    "unsigned": "The signature is empty.",
    "no_enc": "Five parts, but the header names no encryption (enc).",
    "like_json": "It looks like JSON, but is {fault}.",
    "no_token": "A JSON object, but no token in JSON serialization.",
    "json": "JSON serialization; an ID token must be in compact serialization.",
    "saml": "A SAML message, not an OpenID Connect token.",
    "no_compact": "Not a token in compact serialization, which has three parts (signed) or five (encrypted).",
}
"""What `problems` may say."""
_PARAMETER = re.compile(r"(?:^|[?#&])(?:id_token|id_token_hint)=([^&#]*)")
_ESCAPE = re.compile(r"%([0-7][0-9A-Fa-f])")


class Unverified(msgspec.Struct, frozen=True, kw_only=True):
    """What a text looks like; nothing here was checked, and an attacker may have written all of it.

    `kind` is one of `id-token`, `access-token`, `logout-token`, `jws`, `jwe`, `json-serialization`, `saml`, `opaque`.
    `parts` are the segments as text, `problems` sentences on what is not as the specification has it, and `text` is the
    token without what stood around it.
    """

    kind: str
    header: dict[str, Any] | None = None
    payload: dict[str, Any] | None = None
    parts: list[str] = []
    problems: list[str] = []
    text: str = ""

    def __repr__(self) -> str:
        return f"Unverified({self.kind}, {len(self.parts)} parts, {len(self.problems)} problems)"


# --- what stands around a token


def _without_space(text: str, problems: list[str]) -> str:
    stripped = text.strip()
    if stripped != text:
        problems.append(PROBLEMS["around"])
    if any(character.isspace() for character in stripped) and stripped.count(".") in (2, 4):
        stripped = "".join(stripped.split())
        problems.append(PROBLEMS["inside"])
    return stripped


def _out_of_address(text: str, problems: list[str]) -> str:
    # OpenID Connect Core 3.2.2.5 (fragment), RP-Initiated Logout 1.0 section 2 (id_token_hint).
    found = _PARAMETER.search(text)
    if found is None:
        return text
    problems.append(PROBLEMS["address"])
    return found[1]


def _without_escapes(text: str, problems: list[str]) -> str:
    decoded = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    if decoded != text and PROBLEMS["escapes"] not in problems:
        problems.append(PROBLEMS["escapes"])
    return decoded


def _without_quotes(text: str, problems: list[str]) -> str:
    for opening, closing in QUOTES:
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            text = text[1:-1]
            problems.append(PROBLEMS["quotes"])
    return text


def _without_prefix(text: str, problems: list[str]) -> str:
    lowered = text[:32].lower()
    for prefix, name in PREFIXES:
        if lowered.startswith(prefix):
            problems.append(PROBLEMS["prefix"].format(prefix=name))
            return text[len(prefix) :].lstrip()
    return text


def _strip(text: str, problems: list[str]) -> str:
    # Wrappings nest (a quoted "Bearer …" from a log), but not without end.
    for _ in range(MAXIMUM_WRAPPINGS):
        if text.strip() != text:
            text = text.strip()
            problems.append(PROBLEMS["around"])
        before = text
        text = _without_prefix(_without_quotes(text, problems), problems)
        if not text.startswith("{"):
            text = _without_escapes(_out_of_address(text, problems), problems)
        if text == before:
            break
    return _without_space(text, problems)


# --- what it looks like


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
        says = "part" if octets is None else "padded" if part.endswith("=") else "loose"
        problems.append(PROBLEMS[says].format(part=name, fault=fault))
        return octets


def _object(part: str, name: str, problems: list[str]) -> dict[str, Any] | None:
    octets = _octets(part, name, problems)
    if octets is None:
        return None
    try:
        return codec.decode_json_object(octets)
    except codec.CodecError as fault:
        problems.append(PROBLEMS["part"].format(part=name, fault=fault))
        return None


def kind(header: Mapping[str, Any] | None, payload: Mapping[str, Any] | None) -> str:
    """Return what a signed token says it is: `id-token`, `access-token`, `logout-token` or `jws`."""
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
    header = _object(parts[0], PARTS[0], problems)
    payload = _object(parts[1], PARTS[1], problems)
    if header is None and payload is None:
        return Unverified(kind="opaque", parts=parts, problems=problems)
    alg = (header or {}).get("alg")
    if not isinstance(alg, str):
        problems.append(PROBLEMS["no_alg"])
    elif alg.lower() == "none":
        problems.append(PROBLEMS["alg_none"])
    if not parts[2]:
        problems.append(PROBLEMS["unsigned"])
    else:
        _octets(parts[2], PARTS[2], problems)
    return Unverified(kind=kind(header, payload), header=header, payload=payload, parts=parts, problems=problems)


def _encrypted(parts: list[str], problems: list[str]) -> Unverified:
    header = _object(parts[0], PARTS[0], problems)
    if header is None or "enc" not in header:
        problems.append(PROBLEMS["no_enc"])
    for part, name in zip(parts[1:], PARTS[3:], strict=True):
        _octets(part, name, problems)
    return Unverified(kind="jwe", header=header, parts=parts, problems=problems)


def _json(text: str, problems: list[str]) -> Unverified:
    try:
        members = codec.decode_json_object(text.encode("utf-8", "surrogatepass"))
    except codec.CodecError as fault:
        problems.append(PROBLEMS["like_json"].format(fault=fault))
        return Unverified(kind="opaque", problems=problems)
    if members.keys().isdisjoint(JSON_MEMBERS):
        problems.append(PROBLEMS["no_token"])
        return Unverified(kind="opaque", problems=problems)
    problems.append(PROBLEMS["json"])
    return Unverified(kind="json-serialization", problems=problems, parts=[text])


def _saml(text: str) -> bool:
    decoded = _lenient("".join(text.split()))
    return any(SAML.encode() in octets for octets in (text.encode("utf-8", "replace"), decoded or b""))


def _look(text: str, problems: list[str]) -> Unverified:
    if not text:
        return Unverified(kind="opaque", problems=[*problems, PROBLEMS["nothing"]])
    if text.startswith("{"):
        return _json(text, problems)
    if _saml(text):
        return Unverified(kind="saml", problems=[*problems, PROBLEMS["saml"]])
    parts = text.split(".", MAXIMUM_PARTS)
    if len(parts) == 3:
        return _signed(parts, problems)
    if len(parts) == 5:
        return _encrypted(parts, problems)
    problems.append(PROBLEMS["no_compact"])
    return Unverified(kind="opaque", parts=parts if len(parts) > 1 else [], problems=problems)


def peek(text: str) -> Unverified:
    """Return what `text` looks like; never raises and never believes.

    Left out, each with a sentence in `problems`: whitespace, quotation marks, a leading `Bearer`, `=` padding, URL
    encoding, and the address or form that holds the token as `id_token` or `id_token_hint`.
    """
    if len(text) > MAXIMUM_CHARACTERS:
        return Unverified(kind="opaque", problems=[PROBLEMS["long"]])
    problems: list[str] = []
    stripped = _strip(text, problems)
    return msgspec.structs.replace(_look(stripped, problems), text=stripped)
