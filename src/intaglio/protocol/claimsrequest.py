"""The `claims` parameter: single claims that a request wants, and how much (OpenID Connect Core 5.5)."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from intaglio import codec

MAX_OCTETS = 8 * 1024
"""Octets of the whole parameter; an authorization request keeps it until its code is redeemed, and longer."""
MAX_CLAIMS = 100
MAX_NAME = 200
MAX_VALUES = 50
PLACES = ("id_token", "userinfo")


class ClaimRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One claim that is wanted: whether it is essential, and the value or values that it should have, if any."""

    essential: bool = False
    value: Any = None
    values: tuple[Any, ...] = ()

    @property
    def wanted(self) -> tuple[Any, ...]:
        """The values that are asked for, by either member; empty where any value will do."""
        return (self.value,) if self.value is not None else self.values


class ClaimsRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The claims that a request wants in the ID token and from UserInfo, by name."""

    id_token: dict[str, ClaimRequest] = {}
    userinfo: dict[str, ClaimRequest] = {}


class ClaimsError(ValueError):
    """The parameter cannot be read; the message names the rule, never the text."""


def _refuse(rule: str) -> NoReturn:
    raise ClaimsError(rule)


def _one(members: Any) -> ClaimRequest:
    if members is None:
        return ClaimRequest()
    if not isinstance(members, dict):
        _refuse("a claim is asked for with null or an object")
    essential, values = members.get("essential", False), members.get("values", [])
    if not isinstance(essential, bool):
        _refuse("essential is true or false")
    if not isinstance(values, list) or len(values) > MAX_VALUES or ("values" in members and not values):
        _refuse(f"values is a list of 1 to {MAX_VALUES}")
    # SECURITY: a demand for a value must never be read as a demand for any value: null is none (test_what_is_refused).
    if None in values or members.get("value", "") is None:
        _refuse("a value is not null")
    if "value" in members and values:
        _refuse("value and values do not go together")
    return ClaimRequest(essential, members.get("value"), tuple(values))


def _wanted(members: Any) -> dict[str, ClaimRequest]:
    if not isinstance(members, dict):
        _refuse("id_token and userinfo are objects")
    if len(members) > MAX_CLAIMS:
        _refuse(f"at most {MAX_CLAIMS} claims")
    if any(not name or len(name) > MAX_NAME for name in members):
        _refuse(f"a claim's name has 1 to {MAX_NAME} characters")
    return {name: _one(wanted) for name, wanted in members.items()}


def read(text: str) -> ClaimsRequest:
    """Return what the parameter asks for; empty text asks for nothing.

    Members beside `id_token` and `userinfo`, and beside `essential`, `value` and `values`, are ignored, and claims that
    nobody knows are kept. Raises `ClaimsError` for anything that is not such an object, and for one that is too large.
    """
    if not text:
        return ClaimsRequest()
    try:
        octets = text.encode("utf-8")
        if len(octets) > MAX_OCTETS:
            _refuse(f"at most {MAX_OCTETS} octets")
        members = codec.decode_json_object(octets)
    except UnicodeEncodeError:
        raise ClaimsError("not UTF-8") from None  # the cause would quote the text
    except codec.CodecError as exc:
        raise ClaimsError(str(exc)) from exc
    return ClaimsRequest(*(_wanted(members.get(place, {})) for place in PLACES))


NOTHING = ClaimsRequest()


def encode(wanted: ClaimsRequest) -> str:
    """Return the text that goes with a code and a grant, in the parameter's own form; empty if nothing is wanted."""
    if not (wanted.id_token or wanted.userinfo):
        return ""
    return msgspec.json.encode(wanted).decode()


def decode(text: str) -> ClaimsRequest:
    """Return what `encode` made a text of."""
    return msgspec.json.decode(text, type=ClaimsRequest) if text else NOTHING
