"""Expressions taken apart: every part with its value, and the part that is to blame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.errors import Misconfigured
from intaglio.server.access import clauses, expressions

TOKEN: dict[str, Any] = {"assertion": {"sub": "repo:acme/app", "ref": "refs/heads/dev", "n": 7, "yes": True}}


@pytest.mark.parametrize("text", ["", "&& true", "true ||", "(true", "unknown == 1 && true"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    """What cannot be compiled cannot be explained."""
    with pytest.raises(Misconfigured) as met:
        clauses.explain(text, TOKEN)
    assert met.value.code == "expression-invalid"


@pytest.mark.parametrize(
    ("text", "culprit", "failed"),
    [
        (
            "assertion.sub == 'repo:acme/app' && assertion.ref == 'refs/heads/main'",
            "assertion.ref == 'refs/heads/main'",
            "",
        ),
        ("assertion.yes && (assertion.n == 8 || assertion.n == 9)", "assertion.n == 8 || assertion.n == 9", ""),
        ("assertion.yes && (assertion.n == 7 && (assertion.n > 7))", "assertion.n > 7", ""),
        ("!(assertion.n == 7) && assertion.yes", "!(assertion.n == 7)", ""),
        ("assertion.yes && assertion.repo == 'x'", "assertion.repo == 'x'", "there is no member 'repo'"),
        ("assertion.repo == 'x' && assertion.n == 8", "assertion.n == 8", ""),
        ("assertion.n", "assertion.n", ""),
        ("assertion.yes ? assertion.n == 8 && true : true", "assertion.yes ? assertion.n == 8 && true : true", ""),
        ("[1, 2].all(x, x > 1 && x < 3)", "[1, 2].all(x, x > 1 && x < 3)", ""),
        ("assertion.sub == 'a && b' && assertion.yes", "assertion.sub == 'a && b'", ""),
        ("((assertion.n == 8))", "assertion.n == 8", ""),
        ("(assertion.n == 8) && (assertion.n == 7)", "assertion.n == 8", ""),
    ],
)
def test_the_culprit_is_named(text: str, culprit: str, failed: str) -> None:
    """The innermost part without which the whole would not be false is named, with why it has no value if so."""
    found = clauses.explain(text, TOKEN)
    assert (found.holds, found.culprit, found.failed) == (False, culprit, failed)


def test_every_part_has_its_value() -> None:
    """The whole comes first, then its parts from left to right, each with its depth."""
    found = clauses.explain("assertion.yes && (assertion.n == 8 || !(assertion.n == 9))", TOKEN)
    assert [(one.depth, one.text, one.value) for one in found.shown] == [
        (0, "assertion.yes && (assertion.n == 8 || !(assertion.n == 9))", True),
        (1, "assertion.yes", True),
        (1, "assertion.n == 8 || !(assertion.n == 9)", True),
        (2, "assertion.n == 8", False),
        (2, "!(assertion.n == 9)", True),
        (3, "assertion.n == 9", False),
    ]
    assert (found.holds, found.culprit) == (True, "")


def test_a_negation_is_about_its_operand_only() -> None:
    """`!a == b` compares; it is not the negation of `a == b`."""
    assert [one.kind for one in clauses.clauses("!true == false")] == ["part"]
    assert [one.kind for one in clauses.clauses("!(true == false)")] == ["not", "part"]


_PARTS = st.recursive(
    st.sampled_from(["assertion.n == 7", "assertion.n > 7", "assertion.q == 1", "'&& (' == ')'", "assertion.yes"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["&&", " || "]), inner).map("".join)
        | inner.map(lambda one: f"({one})")
        | inner.map(lambda one: f"!({one})")
    ),
    max_leaves=8,
)


@given(_PARTS)
@settings(max_examples=200, deadline=None)
def test_the_parts_make_the_whole(text: str) -> None:
    """What and, or and not make of the parts' values is the value of the whole, so it was cut where CEL cuts."""
    values = {one.text: None if one.failed else one.value for one in clauses.explain(text, TOKEN).shown}

    def worth(clause: clauses.Clause) -> bool | None:
        if clause.kind == "part":
            return values[clause.text]
        parts = [worth(part) for part in clause.parts]
        if clause.kind == "not":
            return None if parts[0] is None else not parts[0]
        decides = clause.kind == "or"
        return decides if decides in parts else None if None in parts else not decides

    for clause in clauses.clauses(text):
        assert worth(clause) == values[clause.text]
    whole = clauses.clauses(text)[0]
    try:
        assert expressions.compile(text, limit=4096, variables=frozenset(TOKEN)).evaluate(TOKEN) == worth(whole)
    except expressions.ExpressionFailed:
        assert worth(whole) is None
