"""Parameters are read strictly, and written so that they are read again as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.wire import params

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a=%ff", "not UTF-8"),
        ("a=%c3", "not UTF-8"),
        ("a=%00", "control character"),
        ("a=%0d%0aSet-Cookie:x", "control character"),
        ("%0a=b", "control character"),
        ("a=b%7f", "control character"),
        ("a=\x01", "control character"),
        ("&".join(["a=b"] * 101), "too many"),
        ("a=" + "b" * (64 * 1024), "too long"),
    ],
)
def test_what_cannot_be_read_is_refused_by_rule(text: str, rule: str) -> None:
    """Octets that are not UTF-8, controls and floods are refused, and the message names the rule alone."""
    with pytest.raises(params.ParamsError, match=rule) as caught:
        params.pairs(text)
    assert "Set-Cookie" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_octets_outside_ascii_are_no_form() -> None:
    """A form body is ASCII; everything else is percent-encoded (WHATWG URL 5.2)."""
    with pytest.raises(params.ParamsError):
        params.read_body("a=ö".encode())


def test_a_repeated_parameter_has_no_meaning() -> None:
    """RFC 6749 3.1: a parameter must not come twice; which one would count is not ours to choose."""
    found = params.read("a=1&b=2&a=3")
    assert (found.get("a"), found.duplicates, found.items()) == ("", ("a",), [("b", "2")])
    assert found.every("a") == ["1", "3"]


def test_a_repeated_parameter_is_repeated_even_with_the_same_value() -> None:
    """Two equal values are two."""
    assert params.read("a=1&a=1").duplicates == ("a",)


@pytest.mark.parametrize("text", ["a", "a=", "b=1", "", "&&&", "A=1"])
def test_an_empty_parameter_is_absent(text: str) -> None:
    """RFC 6749 3.1: a parameter without a value counts as omitted; names are compared with case."""
    assert params.read(text).get("a") == ""


def test_plus_is_a_space_and_percent_is_decoded_once() -> None:
    """application/x-www-form-urlencoded, once."""
    assert params.read("a=x+y%2Bz%252f").get("a") == "x y+z%2f"


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=20))
def test_what_is_written_is_read_again(fields: list[tuple[str, str]]) -> None:
    """Writing and reading are each other's inverse for every text without controls."""
    assert params.pairs(params.write(fields)) == fields


@given(st.text(max_size=200))
def test_reading_never_fails_otherwise(text: str) -> None:
    """Any text is read or refused with `ParamsError`."""
    try:
        found = params.read(text)
    except params.ParamsError:
        return
    assert all(char >= " " for name in found for char in name)
