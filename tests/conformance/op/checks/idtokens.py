"""What must be true of signed tokens: ID tokens and logout tokens.

OpenID Connect Core 2, 3.1.3.7, 3.2.2, 3.3.2, 12.2, 16.14; RFC 7515; Back-Channel Logout 1.0 sections 2.4 and 2.6.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jwe, jwk, jws
from joserfc.errors import JoseError, SecurityWarning

from intaglio import codec
from tests.conformance.op.checks import claimtypes
from tests.conformance.op.checks.findings import Finding, fail, warn

LEEWAY = 300
SIGNING = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
ENCRYPTING = ["RSA-OAEP-256", "A256GCM"]
_COMPACT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){2,4}")


class Expected(msgspec.Struct, frozen=True):
    """What an ID token must agree with; None for `nonce` is any, empty is none at all."""

    issuer: str
    client_id: str
    keys: Mapping[str, Any]
    now: int
    nonce: str | None = None
    alg: str = ""
    access_token: str = ""
    code: str = ""
    state: str = ""
    needs_at_hash: bool = False
    needs_c_hash: bool = False
    needs_auth_time: bool = False
    decrypt_with: Any = None
    acr: tuple[str, ...] = ()


class Read(msgspec.Struct, frozen=True):
    """An ID token that was read: its header and claims, empty if it could not be."""

    header: dict[str, Any]
    claims: dict[str, Any]


def id_token(text: Any, expected: Expected) -> tuple[Read, list[Finding]]:
    """Check an ID token (Core 2, 3.1.3.7, 3.2.2.9 to 3.3.2.12)."""
    read, found = opened(text, expected)
    if not read.claims:
        return read, found
    claims = read.claims
    found += _addressed(claims, expected) + _instants(claims, expected) + _subject(claims)
    found += half_hash("at_hash", claims, read.header, expected.access_token, needed=expected.needs_at_hash)
    found += half_hash("c_hash", claims, read.header, expected.code, needed=expected.needs_c_hash)
    found += half_hash("s_hash", claims, read.header, expected.state, needed=False)
    found += claimtypes.standard_claims(claims)
    if "acr" in claims and not (isinstance(claims["acr"], str) and claims["acr"]):
        found.append(fail("acr-type"))
    if expected.acr and claims.get("acr") not in expected.acr:
        found.append(warn("acr-not-matched", claims.get("acr")))
    return read, found


def opened(text: Any, expected: Expected) -> tuple[Read, list[Finding]]:
    """Return what a signed token says, opened if it is encrypted, with what is wrong about both envelopes."""
    nothing = Read({}, {})
    if not isinstance(text, str) or not _COMPACT.fullmatch(text):
        return nothing, [fail("id-token-syntax", type(text).__name__)]
    text, found = _decrypted(text, expected.decrypt_with)
    if not text:
        return nothing, found
    try:
        header = codec.decode_json_object(codec.decode_base64url(text.split(".")[0]))
        claims = codec.decode_json_object(codec.decode_base64url(text.split(".")[1]))
    except codec.CodecError as fault:
        return nothing, [fail("id-token-json", fault)]
    found += signature(text, header, expected.keys)
    if expected.alg and header.get("alg") != expected.alg:
        found.append(fail("id-token-alg", header.get("alg")))
    if not header.get("kid"):
        found.append(fail("id-token-kid"))
    return Read(header, claims), found


def _decrypted(text: str, key: Any) -> tuple[str, list[Finding]]:
    """Return the signed token inside an encrypted one, empty if there is none; a signed one as it is (Core 16.14)."""
    if text.count(".") != 4:
        return text, [fail("id-token-in-clear")] if key is not None else []
    if key is None:
        return "", [fail("id-token-encrypted")]
    try:
        opened = jwe.decrypt_compact(text, key, algorithms=ENCRYPTING)
        inner = (opened.plaintext or b"").decode()
    except (JoseError, ValueError) as fault:
        return "", [fail("id-token-decryption", fault)]
    if inner.count(".") != 2:
        return "", [fail("id-token-not-nested")]
    return inner, [] if opened.protected.get("kid") else [warn("id-token-encryption-kid")]


def signature(text: str, header: Mapping[str, Any], published: Mapping[str, Any]) -> list[Finding]:
    """Check a compact signature against the published keys alone (RFC 7515 5.2)."""
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in SIGNING:
        return [fail("signature-alg", alg)]
    listed = [one for one in published.get("keys", ()) if kid is None or one.get("kid") == kid]
    fitting = [one for one in listed if one.get("alg", alg) == alg and one.get("use", "sig") == "sig"]
    if not fitting:
        return [fail("signature-key-unknown", kid)]
    if header.get("x5t#S256") and any(one.get("x5t#S256") != header["x5t#S256"] for one in fitting):
        return [fail("signature-x5t")]
    for one in fitting:
        try:
            bare = {name: value for name, value in one.items() if not name.startswith("x5")}
            with warnings.catch_warnings():
                # joserfc would rather see Ed25519 than EdDSA; both are in use.
                warnings.simplefilter("ignore", SecurityWarning)
                jws.deserialize_compact(text, jwk.import_key(bare), algorithms=[str(alg)])
        except (JoseError, ValueError):
            continue
        return []
    return [fail("signature-invalid")]


def _addressed(claims: Mapping[str, Any], expected: Expected) -> list[Finding]:
    found = []
    if claims.get("iss") != expected.issuer:
        found.append(fail("iss", claims.get("iss")))
    audience = claims.get("aud")
    if audience != expected.client_id and not (isinstance(audience, list) and expected.client_id in audience):
        found.append(fail("aud", audience))
    # Stricter than asked: an audience that nobody mentioned has no place in the token.
    if isinstance(audience, list) and set(map(str, audience)) != {expected.client_id}:
        found.append(warn("aud-more", audience))
    if "azp" in claims and claims["azp"] != expected.client_id:
        found.append(warn("azp", claims["azp"]))
    if expected.nonce is not None and claims.get("nonce", "") != expected.nonce:
        found.append(fail("nonce", claims.get("nonce")))
    if expected.nonce == "" and "nonce" in claims:
        found.append(fail("nonce-unasked"))
    return found


def _instants(claims: Mapping[str, Any], expected: Expected) -> list[Finding]:
    found, now = [], expected.now
    if not claimtypes.is_number(claims.get("exp")) or not now - LEEWAY < claims["exp"] < now + 50 * 365 * 86400:
        found.append(fail("exp", claims.get("exp")))
    if not claimtypes.is_number(claims.get("iat")) or abs(claims["iat"] - now) > LEEWAY:
        found.append(fail("iat", claims.get("iat")))
    if "auth_time" not in claims:
        found += [fail("auth-time-missing")] if expected.needs_auth_time else []
    elif not claimtypes.is_number(claims["auth_time"]) or not now - 365 * 86400 < claims["auth_time"] <= now + LEEWAY:
        found.append(fail("auth-time", claims["auth_time"]))
    return found


def _subject(claims: Mapping[str, Any]) -> list[Finding]:
    sub = claims.get("sub")
    good = isinstance(sub, str) and re.fullmatch(r"[\x20-\x7E]{1,255}", sub)
    return [] if good else [fail("sub", sub)]


def half_hash(
    name: str, claims: Mapping[str, Any], header: Mapping[str, Any], value: str, *, needed: bool
) -> list[Finding]:
    """Check at_hash, c_hash or s_hash (Core 3.1.3.6, 3.3.2.11)."""
    if name not in claims:
        return [fail(f"{name}-missing")] if needed else []
    if value and claims[name] != _half(str(header.get("alg")), value):
        return [fail(name, claims[name])]
    return []


def _half(alg: str, value: str) -> str:
    digest = hashlib.new({"256": "sha256", "384": "sha384"}.get(alg[-3:], "sha512"), value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def same_sign_in(first: Mapping[str, Any], second: Mapping[str, Any], *, needs_auth_time: bool) -> list[Finding]:
    """Check that two ID tokens tell of one sign-in (Core 3.1.2.1, prompt and max_age)."""
    found = [fail("sub-changed")] if first.get("sub") != second.get("sub") else []
    if first.get("auth_time") != second.get("auth_time"):
        found.append(fail("auth-time-changed", f"{first.get('auth_time')} then {second.get('auth_time')}"))
    if needs_auth_time and "auth_time" not in second:
        found.append(fail("auth-time-missing"))
    return found


def refreshed(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Finding]:
    """Compare an ID token of a refresh with the first one (Core 12.2)."""
    found = [fail("refresh-" + name) for name in ("iss", "sub", "auth_time") if first.get(name) != second.get(name)]
    if first.get("iat") == second.get("iat"):
        found.append(fail("refresh-iat"))
    if type(first.get("aud")) is not type(second.get("aud")) or first.get("aud") != second.get("aud"):
        found.append(fail("refresh-aud"))
    if first.get("azp") != second.get("azp"):
        found.append(fail("refresh-azp"))
    if second.get("nonce") not in (None, first.get("nonce")):
        found.append(fail("refresh-nonce"))
    return found


LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_token(text: str, expected: Expected, signed_in: Mapping[str, Any]) -> list[Finding]:
    """Check a logout token (Back-Channel Logout 2.4 and 2.6)."""
    read, found = opened(text, expected)
    claims = read.claims
    if not claims:
        return found
    found += _addressed(claims, expected)
    if not claimtypes.is_number(claims.get("iat")) or not expected.now - 86400 < claims["iat"] <= expected.now + LEEWAY:
        found.append(fail("logout-iat", claims.get("iat")))
    if not claimtypes.is_number(claims.get("exp")) or claims["exp"] <= expected.now:
        found.append(fail("logout-exp", claims.get("exp")))
    if not claims.get("jti"):
        found.append(fail("logout-jti"))
    if claims.get("events") != {LOGOUT_EVENT: {}}:
        found.append(fail("logout-events", json.dumps(claims.get("events"))))
    if "nonce" in claims:
        found.append(fail("logout-nonce"))
    if not {"sub", "sid"} & set(claims):
        found.append(fail("logout-subject"))
    return found + [
        fail(f"logout-{name}") for name in ("sub", "sid") if name in claims and claims[name] != signed_in.get(name)
    ]
