"""Checksums: the same for the same rows, another for any other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intaglio.server.store.recovery.schema import Table
from intaglio.server.store.recovery.sides import Tally

TABLE = Table("users", ("a", "b"), ("a",), frozenset({"a"}))
_values = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=5), st.binary(max_size=5))
_rows = st.lists(st.tuples(_values, _values), max_size=6)


def _sum(batches: list[list[tuple[object, ...]]], table: Table = TABLE) -> tuple[int, str]:
    tally = Tally(table)
    for rows in batches:
        tally.add(rows)
    counted = tally.counted()
    return counted.rows, counted.checksum


@given(rows=_rows, cut=st.integers(0, 6))
def test_batches_do_not_matter(rows: list[tuple[object, ...]], cut: int) -> None:
    """The sum is of the rows, however many of them come at once."""
    assert _sum([rows]) == _sum([rows[:cut], rows[cut:]]) == _sum([[row] for row in rows])


@given(one=_rows, other=_rows)
def test_other_rows_have_another_sum(one: list[tuple[object, ...]], other: list[tuple[object, ...]]) -> None:
    """Any difference, were it between a text and the same octets, or NULL and nothing, gives another sum."""
    assert (_sum([one]) == _sum([other])) == (one == other)


def test_where_a_value_ends_counts() -> None:
    """Values that only differ in where one ends and the next begins have different sums, and so have their tables."""
    assert _sum([[("ab", "c")]]) != _sum([[("a", "bc")]])
    assert _sum([[("1", None)]]) != _sum([[(1, None)]])
    assert _sum([[("1", None)]]) != _sum([[(b"1", None)]])
    assert _sum([[]]) != _sum([[]], Table("clients", ("a", "b"), ("a",), frozenset()))
    assert _sum([[]]) != _sum([[]], Table("users", ("a", "c"), ("a",), frozenset()))
