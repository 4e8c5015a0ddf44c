"""A browser in a few words: recognised, or not; never in its own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.server.http import agents

WORDS = {name for _, name in (*agents.BROWSERS, *agents.SYSTEMS)} | {"A browser", ""}


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        ("curl/8.5.0", "curl"),
        ("SomethingElse/1.0 (Windows)", "A browser on Windows"),
        ("", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_usual_browsers_are_recognised(user_agent: str, expected: str) -> None:
    """Those that people have."""
    assert agents.label(user_agent) == expected


@given(st.text(max_size=600))
def test_no_word_of_the_header_comes_back(user_agent: str) -> None:
    """Whatever was sent, the answer is made of our own words."""
    browser, _, system = agents.label(user_agent).partition(" on ")
    assert {browser, system} <= WORDS
