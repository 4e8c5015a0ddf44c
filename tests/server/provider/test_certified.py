"""Registered keys that came as certificates, among keys that did not and entries that are nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from intaglio.server.provider import certified
from intaglio.tokens import certificates, jwk

KEYS = [jwk.generate("ES256") for _ in range(3)]


def entry(key: jwk.SigningKey, **members: Any) -> dict[str, Any]:
    """Return a key as it is registered."""
    return {**jwk.public_members(key.public()), **members}


def chain(key: jwk.SigningKey, begins: int, lives: int) -> list[str]:
    """Return a certificate as `x5c` has it."""
    der = certificates.self_signed(key, common_name="app", not_before=begins, lifetime=lives)
    return [base64.b64encode(der).decode()]


def text(*entries: Any) -> str:
    """Return a key set."""
    return json.dumps({"keys": list(entries)})


def test_keys_count_as_long_as_their_certificates() -> None:
    """Each by itself; a key without a certificate counts always."""
    found = text(
        entry(KEYS[0], x5c=chain(KEYS[0], 1000, 500)),
        entry(KEYS[1], x5c=chain(KEYS[1], 1400, 500)),
        entry(KEYS[2]),
    )
    counted = [len(certified.usable(found, now)) for now in (999, 1000, 1400, 1500, 1501, 1901)]
    assert counted == [1, 2, 3, 3, 2, 1]
    assert not certified.have_ended(found, 5000)


def test_all_of_them_have_ended() -> None:
    """It is told only where there are keys and all of their certificates are past."""
    found = text(entry(KEYS[0], x5c=chain(KEYS[0], 1000, 500)))
    assert [certified.have_ended(found, now) for now in (999, 1500, 1501)] == [False, False, True]
    assert not certified.have_ended("", 5000)


@pytest.mark.parametrize("x5c", ["text", [], [1], ["AAAA"], ["not base64!"], {}, None])
def test_what_is_no_certificate_bounds_nothing(x5c: Any) -> None:
    """The key beside it was registered as it is."""
    assert len(certified.usable(text(entry(KEYS[0], x5c=x5c)), 5000)) == 1


@pytest.mark.parametrize("odd", [{}, {"kty": []}, {"kty": "EC"}, {"kty": "oct"}, {"kty": None, "x5c": ["AAAA"]}])
def test_an_entry_that_is_nothing_is_left_out(odd: dict[str, Any]) -> None:
    """The others count as they do without it."""
    assert len(certified.usable(text(odd, entry(KEYS[0])), 5000)) == 1
