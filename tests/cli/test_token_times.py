"""Instants on the command line: what `--at` takes and refuses, and distances in words."""

from __future__ import annotations

import datetime as dt

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.cli import token_times

NOW = 1_800_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "12:00",
        "2h",
        "+",
        "-2",
        "-2y",
        "--2h",
        "-2h ago",
        "1e9",
        "1.5",
        "-9999999w",
        "+999999999w",
        "9999999999999",
        "999999999999",
        "1969-12-31T23:59:59Z",
        "\u0661\u0662",
        "2026-13-01T00:00:00Z",
        "\0",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    """A date without its zone, a distance without its sign, and what is before 1970 or after 9999 is no instant."""
    with pytest.raises(click.UsageError, match="--at expects epoch seconds"):
        token_times.parse(text, NOW)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("0", 0),
        ("1536361411", 1_536_361_411),
        ("2018-09-07T23:03:31Z", 1_536_361_411),
        ("2018-09-08T01:03:31+02:00", 1_536_361_411),
        ("2018-09-07T23:03:31.999Z", 1_536_361_411),
        ("2018-09-07 23:03:31+00:00", 1_536_361_411),
        ("-2h", NOW - 7200),
        ("+30m", NOW + 1800),
        ("-1h30m", NOW - 5400),
        ("+1w1d1s", NOW + 691_201),
        (" -2h ", NOW - 7200),
    ],
)
def test_instants_are_read(text: str, at: int) -> None:
    """Epoch seconds, dates with a zone, and distances from now."""
    assert token_times.parse(text, NOW) == at


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    """Nothing but an instant in range or a usage error comes out."""
    try:
        at = token_times.parse(text, NOW)
    except click.UsageError:
        return
    assert 0 <= at <= token_times.LAST


@given(st.integers(0, token_times.LAST))
def test_dates_read_back(at: int) -> None:
    """What is written as a date in UTC is read as the same instant."""
    text = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=at)).isoformat()
    assert token_times.parse(text, NOW) == at


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (1, "in 1 second"),
        (-1, "1 second ago"),
        (119, "in 119 seconds"),
        (-120, "2 minutes ago"),
        (7199, "in 119 minutes"),
        (-7200, "2 hours ago"),
        (172_799, "in 47 hours"),
        (-172_800, "2 days ago"),
        (5_259_600, "in 2 months"),
        (-63_115_200, "2 years ago"),
        (-NOW, "57 years ago"),
    ],
)
def test_distances_in_words(seconds: int, words: str) -> None:
    """The unit is the largest of which there are two, and whole ones are counted."""
    assert token_times.relative(NOW + seconds, NOW) == words
