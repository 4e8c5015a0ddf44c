"""Expected and received, cut where they part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.server.web import difference

line = st.text(alphabet="abc:/", min_size=1)


@pytest.mark.parametrize(
    ("value", "other", "own"),
    [
        ("http://a/callback", "http://a/calback", ["l"]),
        ("http://a/calback", "http://a/callback", [""]),
        ("http://a/cb/", "http://a/cb", ["/"]),
        ("https://a", "http://a", ["s"]),
        ("demo", "demo", [""]),
        ("abc", "xyz", ["abc"]),
        ("demo", "", [""]),
        ("one\nhttp://a/b\nthree", "http://a/c", ["", "b", ""]),
        ("", "demo", []),
    ],
)
def test_what_only_this_value_has(value: str, other: str, own: list[str]) -> None:
    """The marked piece is the smallest run that the nearest counterpart does not share."""
    assert [cut.own for cut in difference.against(value, other)] == own


@given(st.lists(line), st.lists(line))
def test_nothing_is_lost(value: list[str], other: list[str]) -> None:
    """Put together again, the pieces are the value, and at most one line is marked."""
    cuts = difference.against("\n".join(value), "\n".join(other))
    assert [cut.head + cut.own + cut.tail for cut in cuts] == value
    assert sum(bool(cut.own) for cut in cuts) <= 1
