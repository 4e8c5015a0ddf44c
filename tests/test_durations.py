"""Spans of time as text: what is read, what is refused, and that writing and reading agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio import durations
from intaglio.durations import DurationError
from tests.capability import capability


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "1",
            "h",
            "-1h",
            "+1h",
            "1 h",
            "1h ",
            "1d",
            "1H",
            "1e3s",
            ".",
            ".s",
            "1..5s",
            "1h-5m",
            "1ms",
            "0.5s",
        ),
        *("1.0000000001s", "\u0661s", "9" * 19 + "s", "1s" * 33, "nan", "1h\n"),
    ],
)
def test_what_is_no_span(text: str) -> None:
    """Signs, blanks, days, other digits, parts of seconds, and endless texts."""
    with pytest.raises(DurationError):
        durations.read(text)


@capability("cloudentity-durations", witness="the text of Go's own String method")
@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("0", 0, "0s"),
        ("1h10m30s", 4230, "1h10m30s"),
        ("720h0m0s", 2_592_000, "720h0m0s"),
        ("1h", 3600, "1h0m0s"),
        ("90s", 90, "1m30s"),
        ("1.5h", 5400, "1h30m0s"),
        (".5m", 30, "30s"),
        ("30m1h", 5400, "1h30m0s"),
        ("1000ms", 1, "1s"),
        ("1000000us", 1, "1s"),
        ("1000000000ns", 1, "1s"),
        ("500ms500ms", 1, "1s"),
    ],
)
def test_spans(text: str, seconds: int, written: str) -> None:
    """Read as Go reads them, written as Go writes them."""
    assert durations.read(text) == seconds
    assert durations.show(seconds) == written


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_again(seconds: int) -> None:
    """No span changes on the way."""
    assert durations.read(durations.show(seconds)) == seconds
    assert durations.show(-seconds) == ("-" if seconds else "") + durations.show(seconds)


@given(st.text(st.sampled_from("0123456789.hmsuµn- "), max_size=20))
def test_any_text_is_a_span_or_refused(text: str) -> None:
    """Nothing else is raised."""
    try:
        assert durations.read(text) >= 0
    except DurationError:
        return
