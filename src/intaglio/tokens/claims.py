"""The claims of an ID token, with strict types.

OpenID Connect Core 1.0 section 2 (ID token), RFC 7519 sections 2 (NumericDate) and 4.1, Session Management `sid`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeAlias

import msgspec

from intaglio.errors import Refused

MAXIMUM_INSTANT = 2**53
MAXIMUM_SUBJECT = 255
MAXIMUM_AUDIENCES = 100
REQUIRED = ("iss", "sub", "aud", "exp", "iat")


class IDToken(msgspec.Struct, frozen=True, gc=False):
    """An ID token that was believed; instants are whole seconds, `claims` holds every claim as it was sent."""

    iss: str
    sub: str
    aud: tuple[str, ...]
    exp: int
    iat: int
    auth_time: int | None = None
    nbf: int | None = None
    nonce: str | None = None
    acr: str | None = None
    amr: tuple[str, ...] | None = None
    azp: str | None = None
    at_hash: str | None = None
    c_hash: str | None = None
    s_hash: str | None = None
    sid: str | None = None
    jti: str | None = None
    claims: dict[str, Any] = {}


_Text: TypeAlias = str | msgspec.UnsetType
_Instant: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=MAXIMUM_INSTANT)]


class _Usual(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The shape that nearly every token has, judged by msgspec in half a microsecond."""

    iss: Annotated[str, msgspec.Meta(min_length=1)]
    sub: Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_SUBJECT)]
    aud: Annotated[str, msgspec.Meta(min_length=1)]
    exp: _Instant
    iat: _Instant
    auth_time: _Instant | msgspec.UnsetType = msgspec.UNSET
    nbf: _Instant | msgspec.UnsetType = msgspec.UNSET
    amr: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    nonce: _Text = msgspec.UNSET
    acr: _Text = msgspec.UNSET
    azp: _Text = msgspec.UNSET
    at_hash: _Text = msgspec.UNSET
    c_hash: _Text = msgspec.UNSET
    s_hash: _Text = msgspec.UNSET
    sid: _Text = msgspec.UNSET
    jti: _Text = msgspec.UNSET


def _refuse(claim: str, rule: str, code: str = "claim-malformed") -> NoReturn:
    raise Refused(code, detail={"claim": claim, "rule": rule})


def instant(payload: Mapping[str, Any], name: str) -> int | None:
    """Return a NumericDate in whole seconds (fractions are cut off), or None if the claim is absent.

    Raises `Refused` with code `claim-malformed` for anything but a finite number from 0 up to 2**53.
    """
    value = payload.get(name)
    if value.__class__ is int:
        # RFC 7519 2: a number of seconds; one beyond 2**53 is not exact in JSON and far past any calendar.
        if 0 <= value < MAXIMUM_INSTANT:
            return value
    elif value is None and name not in payload:
        return None
    # Comparisons with NaN and the infinities are false here; bool is not float.
    elif value.__class__ is float and 0 <= value < MAXIMUM_INSTANT:
        return int(value)
    _refuse(name, "a number of seconds since 1970, not negative, below 2**53")


def text(payload: Mapping[str, Any], name: str) -> str | None:
    """Return a string claim, or None if it is absent; raises `Refused` with code `claim-malformed`."""
    value = payload.get(name)
    if value.__class__ is str:
        return value
    if value is None and name not in payload:
        return None
    _refuse(name, "a string")


def subject(payload: Mapping[str, Any]) -> str:
    """Return `sub`; raises `Refused` with `claim-missing`, or `claim-malformed` unless 1 to 255 visible ASCII."""
    value = text(payload, "sub")
    if value is None:
        _refuse("sub", "must be there", "claim-missing")
    # OpenID Connect Core 2: at most 255 ASCII characters. Control characters have forged log lines and SQL.
    if not value or len(value) > MAXIMUM_SUBJECT or not value.isascii() or not value.isprintable():
        _refuse("sub", "1 to 255 ASCII characters, none of them a control character")
    return value


def audiences(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `aud` as a tuple; raises `Refused` with `claim-missing`, or `claim-malformed` for wrong shapes."""
    value = payload.get("aud")
    if value.__class__ is str and value:
        return (value,)
    if value is None and "aud" not in payload:
        _refuse("aud", "must be there", "claim-missing")
    # RFC 7519 4.1.3: a string or an array of strings; an empty one would name nobody.
    listed = value if value.__class__ is list and len(value) <= MAXIMUM_AUDIENCES else []
    if listed and all(entry.__class__ is str and entry for entry in listed) and len(set(listed)) == len(listed):
        return tuple(listed)
    _refuse("aud", "a string, or a list of different strings, not empty")


def methods(payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return `amr`, or None if it is absent; raises `Refused` with code `claim-malformed` for another shape."""
    value = payload.get("amr")
    if value is None and "amr" not in payload:
        return None
    # OpenID Connect Core 2: a JSON array of strings.
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        _refuse("amr", "a list of strings")
    return tuple(value)


def _required_instant(payload: Mapping[str, Any], name: str) -> int:
    value = instant(payload, name)
    if value is None:
        _refuse(name, "must be there", "claim-missing")
    return value


def usual(payload: Mapping[str, Any]) -> IDToken | None:
    """Return the claims of a token of the usual shape, typed: one audience, whole seconds, no null.

    None for any other, right or wrong, which `read` looks at claim by claim.
    """
    try:
        seen = msgspec.convert(payload, _Usual)
    except msgspec.ValidationError:
        return None
    if not (seen.sub.isascii() and seen.sub.isprintable()):
        return None
    get, amr = payload.get, seen.amr
    # By position: by name it takes six times as long, and this is the hottest path there is.
    return IDToken(
        seen.iss,
        seen.sub,
        (seen.aud,),
        seen.exp,
        seen.iat,
        get("auth_time"),
        get("nbf"),
        get("nonce"),
        get("acr"),
        None if amr is msgspec.UNSET else amr,
        get("azp"),
        get("at_hash"),
        get("c_hash"),
        get("s_hash"),
        get("sid"),
        get("jti"),
        payload if payload.__class__ is dict else dict(payload),
    )


def read(payload: Mapping[str, Any]) -> IDToken:
    """Return the claims, typed; nothing is believed by that, only read.

    Raises `Refused` with `claim-missing` for one of iss, sub, aud, exp, iat and `claim-malformed` for a wrong type.
    """
    # Claim by claim it says which one is wrong, and knows lists of audiences and fractions of seconds.
    return usual(payload) or _read_each(payload)


def _read_each(payload: Mapping[str, Any]) -> IDToken:
    iss = text(payload, "iss")
    if not iss:
        _refuse("iss", "must be there", "claim-missing")
    return IDToken(
        iss=iss,
        sub=subject(payload),
        aud=audiences(payload),
        exp=_required_instant(payload, "exp"),
        iat=_required_instant(payload, "iat"),
        auth_time=instant(payload, "auth_time"),
        nbf=instant(payload, "nbf"),
        nonce=text(payload, "nonce"),
        acr=text(payload, "acr"),
        amr=methods(payload),
        azp=text(payload, "azp"),
        at_hash=text(payload, "at_hash"),
        c_hash=text(payload, "c_hash"),
        s_hash=text(payload, "s_hash"),
        sid=text(payload, "sid"),
        jti=text(payload, "jti"),
        claims=dict(payload),
    )
