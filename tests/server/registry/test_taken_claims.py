"""What is taken over of another provider's claims: nothing that is not a claim of a person, whatever it tells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Misconfigured
from intaglio.server.registry import personclaims, takenclaims

NAMES = st.sampled_from([*sorted(takenclaims.KNOWN), "sub", "iss", "aud", "amr", "acr", "roles", "groups", "nonce"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["a@b.example", "https://x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(
    st.sampled_from(sorted(takenclaims.KNOWN)),
    st.sampled_from(
        ["claims.name", "claims.sub", "claims.a.b", "claims.name + 'x'", "claims", "1", "true", "claims[0]"]
    ),
    max_size=4,
)


@given(MAPPINGS, st.dictionaries(NAMES, VALUES, max_size=8))
def test_whatever_is_told_makes_good_claims(mapping: dict[str, str], told: dict[str, Any]) -> None:
    """Each claim passes the check of an operator's own, holds no control character, and no address but of a page."""
    made = takenclaims.of(takenclaims.check(mapping), told)
    for name, value in made.items():
        assert personclaims.check(name, value) == value
        assert name in takenclaims.KNOWN
        assert not isinstance(value, str) or value.isprintable()
        if name in takenclaims.ADDRESSES:
            assert value.startswith(("https://", "http://"))
    if mapping:
        assert made.keys() <= mapping.keys()
    else:
        assert made.keys() <= takenclaims.USUAL
        assert not {"preferred_username", "phone_number_verified"} & made.keys()


@pytest.mark.parametrize(
    ("name", "text"), [("sub", "claims.sub"), ("email", "claims."), ("email", "request.time"), ("", "1")]
)
def test_a_mapping_that_cannot_be_used_is_refused(name: str, text: str) -> None:
    """When it is written, and not when somebody signs in."""
    with pytest.raises(Misconfigured):
        takenclaims.check({name: text})
