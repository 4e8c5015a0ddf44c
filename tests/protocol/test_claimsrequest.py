"""The `claims` parameter: read strictly, within bounds, and whatever is kept of it comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.protocol import claimsrequest
from intaglio.protocol.claimsrequest import ClaimRequest, ClaimsError, ClaimsRequest

SCALARS = st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
MEMBERS = st.fixed_dictionaries(
    {}, optional={"essential": st.booleans(), "other": SCALARS, "values": st.lists(VALUES, min_size=1, max_size=4)}
) | st.fixed_dictionaries({"value": VALUES}, optional={"essential": st.booleans()})
WANTED = st.dictionaries(st.text(min_size=1, max_size=12), st.none() | MEMBERS, max_size=5)
REQUESTS = st.fixed_dictionaries({}, optional={"id_token": WANTED, "userinfo": WANTED, "more": SCALARS})


@given(REQUESTS)
def test_what_is_asked_for_is_what_is_read(members: dict[str, Any]) -> None:
    """Every claim with its three members and nothing else; what was encoded is decoded to the same."""
    read = claimsrequest.read(json.dumps(members))
    for place, found in (("id_token", read.id_token), ("userinfo", read.userinfo)):
        asked = members.get(place, {})
        assert found.keys() == asked.keys()
        for name, one in found.items():
            told = asked[name] or {}
            expected = ClaimRequest(told.get("essential", False), told.get("value"), tuple(told.get("values", [])))
            assert one == expected
    assert claimsrequest.decode(claimsrequest.encode(read)) == read


@given(st.text(max_size=60) | st.recursive(st.none() | SCALARS, lambda i: st.lists(i) | WANTED).map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but `ClaimsError`, whose message does not hold the text."""
    try:
        found: ClaimsRequest | str = claimsrequest.read(text)
    except ClaimsError as error:
        found = str(error)
    assert isinstance(found, ClaimsRequest) or len(found) < 60


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[]",
        '"id_token"',
        "1",
        "{",
        "{} {}",
        '{"id_token":null}',
        '{"id_token":[]}',
        '{"userinfo":"email"}',
        '{"id_token":{"acr":true}}',
        '{"id_token":{"acr":"1"}}',
        '{"id_token":{"acr":[]}}',
        '{"id_token":{"acr":{"essential":"true"}}}',
        '{"id_token":{"acr":{"essential":1}}}',
        '{"id_token":{"acr":{"essential":null}}}',
        '{"id_token":{"acr":{"value":null}}}',
        '{"id_token":{"acr":{"values":null}}}',
        '{"id_token":{"acr":{"values":"1"}}}',
        '{"id_token":{"acr":{"values":[]}}}',
        '{"id_token":{"acr":{"values":[null]}}}',
        '{"id_token":{"acr":{"value":"1","values":["1"]}}}',
        '{"id_token":{"":null}}',
        '{"id_token":{"acr":null,"acr":null}}',
        '{"id_token":{},"id_token":{}}',
        '{"id_token":{"acr":{"essential":true,"essential":false}}}',
        '{"id_token":{"acr":{"value":NaN}}}',
        "{'id_token':{}}",
        '{"id_token":' + "[" * 100 + "]" * 100 + "}",
        '{"id_token":{"a":{"values":' + json.dumps(list(range(51))) + "}}}",
        '{"id_token":' + json.dumps({str(n): None for n in range(101)}) + "}",
        '{"id_token":{"' + "a" * 201 + '":null}}',
        '{"more":"' + "a" * 8192 + '"}',
        '{"more":"\ud800"}',
    ],
)
def test_what_is_refused(text: str) -> None:
    """A demand is never weakened by a member that cannot be read: the whole parameter is refused."""
    with pytest.raises(ClaimsError):
        claimsrequest.read(text)


def test_what_is_unknown_is_ignored() -> None:
    """OpenID Connect Core 5.5: members that are not understood, at both levels; unknown claims stay as they are."""
    text = '{"id_token":{"http://x/y":{"purpose":"z"},"name#de":null},"verified_claims":{}}'
    wanted = ClaimsRequest({"http://x/y": ClaimRequest(), "name#de": ClaimRequest()})
    assert claimsrequest.read(text) == wanted
    assert claimsrequest.read("") == claimsrequest.read("{}") == ClaimsRequest()


def test_the_values_that_are_wanted() -> None:
    """By `value` or by `values`; false, zero and empty text are values."""
    for value in (False, 0, ""):
        assert claimsrequest.read(json.dumps({"id_token": {"a": {"value": value}}})).id_token["a"].wanted == (value,)
    assert ClaimRequest(values=("1", "2")).wanted == ("1", "2")
    assert ClaimRequest(essential=True).wanted == ()
