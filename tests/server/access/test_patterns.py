"""Patterns: RE2's syntax and meaning on an engine that has another, with RE2 itself as the oracle."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.server.access import expressions, patterns
from intaglio.server.access.expressions import ExpressionFailed
from tests.capability import capability

REFUSED = "refused"


def ours(pattern: str, text: str) -> bool | str:
    """Return whether a part of the text matches here, or REFUSED."""
    compiled = expressions.compile("text.matches(pattern)", limit=99, variables=frozenset({"text", "pattern"}))
    try:
        return compiled.holds({"text": text, "pattern": pattern})
    except ExpressionFailed:
        return REFUSED


def theirs(pattern: str, text: str) -> bool | str:
    """Return whether a part of the text matches for RE2, or REFUSED."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options).search(text) is not None
    except re2.error:
        return REFUSED


@capability("access-cel-oracle", witness="RE2")
@pytest.mark.parametrize(
    "pattern",
    [
        "^repo:[a-z]+/app$", r"^\d+$", r"^\D+$", r"^\w+$", r"^\W+$", r"^\s$", r"^\S$", r"\bapp\b",
        r"^[\d]+$", r"^[^\d]+$",
        r"^[\w-]+$", r"^[^\w]+$", r"^[\D]+$", r"^[\S ]+$", "(?i)^APP$", "(?i)k", "(?i:K)app", r"(?i)^\w$",
        r"(?i)[\w]",
        "(?s)a.b", "(?m)^b$", "^b$", "a.b", "(?U)a+", "(?-s:a.b)", "(?P<name>a)b", "(?:ab|cd)+", "a|b|",
        "[[:alpha:]]+",
        "[[:^digit:]]", r"\pL", r"\p{Greek}", r"[^\pL]", r"\x41", r"\x{1F600}", r"\.", r"\-", r"[a\-z]",
        "[]a]", "[^]a]",
        "[a-]", "[-a]", "[a&&b]", "[a~~b]", "[a--b]", "[+--]", "[a-c-e]", "[a-\\d]", "[^-a]", "[a^]", "[^^]",
        "[[]", "[a[b]", "a{2}", "a{2,}", "a{0,1}b",
        "(a{10}){10}", "a*?b",
        "a+?", "a??", "^$", "", "a{,2}", "a{", "{", "}", "]", ")", "(", "[", "[z-a]", "a**", "a+*",
        "a{2}{2}", "*a", "+", "?",
        "(?=a)", "(?!a)", "(?<=a)", r"(a)\1", r"\1", r"\k<name>", "(?#c)", "(?x) a", "(?u)a", "(?>a)", r"\<a", r"\>",
        r"\b{start}", r"\Z", r"\G", r"\h", r"\R", r"\X", r"\u0041", r"\cA", "\\", r"[\b]", r"[\A]", r"\_",
        r"\é", "(?P=a)",
        "a{1001}", "(a{100}){11}", "((a{10}){10}){11}", r"[\d-z]", "(?i", "[[:nonsense:]]", r"\p{Nonsense}", r"\pQ",
        "é+", "[é-ü]", "^.$", "(|a)+", "(a*)*", "(?:)", "()",
    ],
)  # fmt: skip
def test_patterns_mean_what_re2_means(pattern: str) -> None:
    """Each pattern finds what RE2 finds with it, or is refused; none that RE2 refuses is taken."""
    texts = [
        "", "a", "b", "app", "APP", "aab", "a.b", "a\nb", "repo:acme/app", "12", "٣", "é", "ü", "K", "K",
        "ſ", " ", "\u00a0",
        "-", "]", "[", "&", "~", "x-1_Z", "α", "😀", "an app here", "happy", "a" * 120, "ab\n", "_", "\\",
        "{", "}", "z", "\v",
    ]  # fmt: skip
    for text in texts:
        here, there = ours(pattern, text), theirs(pattern, text)
        assert here in (there, REFUSED), (text, here, there)


@pytest.mark.parametrize(
    "pattern",
    [
        "^repo:[a-z]+/app$", r"^\d+$", r"^[\w-]+$", r"\bapp\b", "(?i)^APP$", "(?P<name>a)b", "(?:ab|cd)+",
        "[[:alpha:]]+",
        r"\p{Greek}", r"\x{1F600}", "[]a]", "[a&&b]", "[[]", "a{2,}", "(a{10}){10}", "a*?b", "^$", r"[\d-z]",
    ],
)  # fmt: skip
def test_usual_patterns_are_taken(pattern: str) -> None:
    """What people write is not refused."""
    assert ours(pattern, "a") != REFUSED


@pytest.mark.parametrize(
    "pattern",
    [
        "(a{100}){11}",
        "a{1001}",
        "((a{10}){10}){11}",
        "(a{0,1000}){2}",
        "((a{500})b{3}){3}",
        "(?:a{999}){0,5}",
        "a" * 513,
    ],
)
def test_what_would_be_large_is_refused(pattern: str) -> None:
    """Repetitions inside one another multiply; beyond a thousand the pattern is refused before it is compiled."""
    with pytest.raises(patterns.PatternRefused):
        patterns.translate(pattern)
    assert ours(pattern, "a") == REFUSED


@pytest.mark.parametrize("pattern", [r"\pL{33}", r"\pL" * 33, r"(\pL\pN){17}", r"[\pL\pN]{17}", r"(?:\PL{4}){9}"])
def test_many_properties_are_refused(pattern: str) -> None:
    """Each property is a large table, once for each repetition: their number is bounded."""
    with pytest.raises(patterns.PatternRefused):
        patterns.translate(pattern)
    assert patterns.translate(r"^\pL[\pL\pN-]{2,8}$").cost < 40


def test_long_texts_are_not_searched() -> None:
    """A text of more than 4096 characters is not searched: there is no value, and so nothing holds."""
    assert ours("a$", "a" * 4096) is True
    assert ours("a$", "a" * 4097) == REFUSED


_PIECES = st.lists(
    st.sampled_from(
        [*"ab.*+?|()[]^$-", "\\d", "\\w", "\\s", "\\b", "\\D", "{2}", "{0,2}", "(?i)", "(?:", "[^", "a-z",
        "&&", "~~", "\\.",
         "[[:digit:]]", "(?P<n>", "\\pL", "é", "k"]
    ),
    max_size=8,
)  # fmt: skip


@given(_PIECES.map("".join), st.text(alphabet="abkK-_.& \n٣éK1", max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_pattern_means_what_re2_means(pattern: str, text: str) -> None:
    """Whatever is put together, the answer is RE2's or none."""
    assert ours(pattern, text) in (theirs(pattern, text), REFUSED)


@given(st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_no_pattern_brings_it_down(pattern: str) -> None:
    """Any text is translated or refused."""
    assert ours(pattern, "a") in (True, False, REFUSED)
