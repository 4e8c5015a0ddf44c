"""What claims mean in each dialect, and which dialect a token looks like."""

from __future__ import annotations

import json
import re

import pytest

from intaglio.dialects import believing
from intaglio.errors import Misconfigured
from intaglio.protocol import meanings
from tests.web.parity import tokens

VENDORS = tuple(name for name in believing.DIALECTS if name != "standard")
TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize("dialect", VENDORS)
def test_every_claim_that_a_rule_looks_at_is_explained(dialect: str) -> None:
    """Explain each claim that the dialect's rules name, by the dialect or by the standard."""
    named = {claim for rule in believing.rules(dialect).rules for claim in re.findall(r"claim\.(\w+)", rule.received)}
    assert named <= believing.meanings(dialect).keys() | meanings.MEANINGS.keys()


@pytest.mark.parametrize("dialect", VENDORS)
def test_meanings_are_one_sentence_of_their_own(dialect: str) -> None:
    """Say in one short sentence what a claim means, and nothing that the standard says in the same words."""
    for claim, sentence in believing.meanings(dialect).items():
        assert len(sentence) < 140, claim
        assert re.fullmatch(r"[A-Z_](?:(?!\. ).)*\.", sentence), claim


def test_nothing_is_said_of_an_unknown_dialect() -> None:
    """Refuse a name that no dialect has."""
    for ask in (believing.meanings, believing.instants, believing.signs):
        with pytest.raises(Misconfigured) as caught:
            ask("nobody's")
        assert caught.value.code == "dialect-unknown"


def test_instants_are_claims_that_are_explained() -> None:
    """Count as instants only claims that the dialect explains."""
    for dialect in believing.DIALECTS:
        assert believing.instants(dialect) <= believing.meanings(dialect).keys()
    assert "rat" in believing.instants("cloudentity")


@pytest.mark.parametrize("dialect", believing.DIALECTS)
def test_good_token_looks_like_its_own_dialect(dialect: str) -> None:
    """Guess the dialect of a good token of each."""
    assert believing.guess(tokens.GOOD[dialect][1]) == dialect


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, "standard"),
        ({"iss": 1, "sub": None}, "standard"),
        ({"iss": "accounts.google.com"}, "google"),
        ({"iss": "https://accounts.google.com.evil.example"}, "standard"),
        ({"iss": f"https://sts.windows.net/{TENANT}/"}, "microsoft"),
        ({"iss": f"http://localhost:8002/{TENANT}/v2.0", "tid": TENANT, "ver": "2.0"}, "microsoft"),
        ({"iss": f"http://localhost:8002/{TENANT}/v2.0", "tid": "t", "ver": "2.0"}, "standard"),
        ({"iss": "https://a.eu.auth0.com/"}, "auth0"),
        ({"iss": "http://localhost:8003/", "sub": "auth0|5f7c"}, "auth0"),
        ({"iss": "http://localhost:8003/", "sub": "5f7c"}, "standard"),
        ({"iss": "http://localhost:8004/t/w", "aid": "w", "tid": "t"}, "cloudentity"),
        ({"iss": "https://issuer.example/\n"}, "standard"),
    ],
)
def test_dialect_is_guessed_by_its_signs(payload: dict[str, object], expected: str) -> None:
    """Guess by the form of the claims as a whole; what looks like none is the standard's."""
    assert believing.guess(json.loads(json.dumps(payload))) == expected
