"""Mappings and conditions over whatever a token may say: a name, or a refusal, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.server.registry import mappings
from intaglio.server.registry.mappings import Mapping

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
MADE = Mapping(
    {
        "google.subject": "assertion.sub",
        "google.groups": "assertion.groups",
        "attribute.long": "assertion.a.b['c']",
        "attribute.made": "assertion.sub.extract('x{y}z') + string(size(assertion.sub))",
    },
    "assertion.sub == 'x' || google.subject.startsWith(attribute.made)",
    "google",
)


@given(st.dictionaries(st.sampled_from(["sub", "groups", "a", "x"]), JSON))
def test_any_claims_make_somebody_or_nobody(claims: dict[str, Any]) -> None:
    """Whoever comes of it has a subject of at most 127 octets and texts alone; nothing else is ever raised."""
    try:
        mapped = MADE.of(claims)
    except ProtocolFault:
        return
    assert 1 <= len(mapped.subject.encode()) <= mappings.SUBJECT_LIMIT
    assert mapped.subject.isprintable()
    assert all(isinstance(one, str) and one for one in (*mapped.groups, *mapped.attributes.values()))
    assert isinstance(MADE.admits(claims, mapped), str)


@given(st.dictionaries(st.sampled_from(["sub", "groups", "a", "x"]), JSON))
def test_a_guess_always_comes_to_something(claims: dict[str, Any]) -> None:
    """What a stranger's token cannot be made to say is the text `stranger`."""
    guessed = MADE.guess(claims)
    assert guessed.subject
    assert set(guessed.attributes) == {"long", "made"}


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_mapping_is_compiled_or_refused(expression: str, name: str) -> None:
    """Nothing else is ever raised."""
    try:
        made = Mapping({"google.subject": expression, f"attribute.{name}": "'x'"}, "", "google")
    except Misconfigured:
        return
    assert made.targets == ("subject", f"attribute.{name}")


@pytest.mark.parametrize(
    "name",
    ["subject", "google.email", "attribute", "attribute.", "attribute.A", "attribute.a-b", "attribute." + "a" * 101],
)
def test_targets_that_there_are_none_of(name: str) -> None:
    """Subject, groups, attributes in small letters."""
    with pytest.raises(Misconfigured) as caught:
        Mapping({"google.subject": "assertion.sub", name: "'x'"}, "", "google")
    assert caught.value.code == "mapping-invalid"


def test_the_namespace_is_the_dialects() -> None:
    """Another dialect calls it otherwise."""
    made = Mapping({"acme.subject": "assertion.sub"}, "acme.subject == 'x'", "acme")
    assert made.admits({"sub": "x"}, made.of({"sub": "x"})) == ""
    assert made.named("subject") == "acme.subject"
    with pytest.raises(Misconfigured):
        Mapping({"google.subject": "assertion.sub"}, "", "acme")


def test_groups_are_each_once() -> None:
    """In their order."""
    made = Mapping({"google.subject": "assertion.sub", "google.groups": "assertion.g"}, "", "google")
    assert made.of({"sub": "x", "g": ["b", "a", "b"]}).groups == ("b", "a")
