"""PKCE, S256 only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.protocol import pkce
from tests.capability import capability

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIERS = st.from_regex(r"[A-Za-z0-9\-._~]{43,128}", fullmatch=True)


@capability("pkce-s256", witness="RFC 7636 appendix B")
def test_appendix_b() -> None:
    """The specification's own verifier gives its own challenge, and answers it."""
    assert pkce.challenge(VERIFIER) == CHALLENGE
    assert pkce.answers(VERIFIER, CHALLENGE)


@given(VERIFIERS, VERIFIERS)
def test_only_its_own_verifier_answers(one: str, other: str) -> None:
    """A challenge is answered by one verifier."""
    assert pkce.answers(one, pkce.challenge(one))
    assert pkce.answers(other, pkce.challenge(one)) == (one == other)


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 129, "a" * 43 + "=", "a" * 42 + "é", "a" * 42 + " ", "a" * 43 + "\n", VERIFIER + "+"]
)
def test_what_cannot_be_a_verifier_answers_nothing(text: str) -> None:
    """RFC 7636 4.1: 43 to 128 unreserved characters."""
    assert not pkce.is_verifier(text)
    assert not pkce.answers(text, CHALLENGE)


@pytest.mark.parametrize("text", ["", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "=", CHALLENGE[:-1] + "é"])
def test_what_cannot_be_a_challenge(text: str) -> None:
    """RFC 7636 4.2: 43 characters of base64url."""
    assert not pkce.is_challenge(text)


def test_the_challenge_itself_is_no_answer() -> None:
    """`plain` is not accepted under another name."""
    assert not pkce.answers(CHALLENGE, CHALLENGE)
