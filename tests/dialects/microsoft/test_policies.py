"""Definitions of lifetime policies: time spans, bounds, and what is not one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.microsoft import policies
from intaglio.errors import Misconfigured
from tests.capability import capability

pytestmark = capability("lifetime-policies", witness="definitions as they are written elsewhere")


def definition(**members: Any) -> str:
    """Return the text of a definition."""
    return json.dumps({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "8:00:00"} | members})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:10:00", 600),
        ("0:10:00", 600),
        ("00:90:00", 5400),
        ("8:00:00", 28_800),
        ("23:59:59", 86_399),
        ("1.00:00:00", 86_400),
        ("24:00:00", 86_400),
        ("0.01:00:00", 3600),
    ],
)
def test_time_spans(text: str, seconds: int) -> None:
    """Days may be left out, and there may be more than sixty minutes; from ten minutes to a day."""
    assert policies.read(definition(AccessTokenLifetime=text)) == seconds


@pytest.mark.parametrize(
    "text",
    ["00:09:59", "1.00:00:01", "10:00", "", "1:00:00.5", "-1:00:00", "until-revoked", "٠١:00:00", " 1:00:00", "1.1:0"],
)
def test_spans_that_cannot_be_used(text: str) -> None:
    """Too short, too long, and what is no time span."""
    with pytest.raises(Misconfigured) as caught:
        policies.read(definition(AccessTokenLifetime=text))
    assert caught.value.code == "policy-invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"TokenLifetimePolicy":{}}',
        '{"TokenLifetimePolicy":{"Version":1}}',
        definition(Version=2),
        definition(Version=True),
        definition(Version="1"),
        definition(AccessTokenLifetime=3600),
        definition(RefreshTokenLifetime="8:00:00"),
        '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"},"Other":{}}',
        '{"TokenLifetimePolicy":{"Version":1,"Version":1,"AccessTokenLifetime":"8:00:00"}}',
    ],
)
def test_what_is_no_definition(text: str) -> None:
    """One policy, of version 1, with a lifetime as text, and nothing that is not known."""
    with pytest.raises(Misconfigured) as caught:
        policies.read(text)
    assert caught.value.code == "policy-invalid"


def test_retired_properties_say_nothing() -> None:
    """They are accepted, change nothing, and can be told."""
    text = definition(MaxInactiveTime="30.00:00:00", MaxAgeSingleFactor="until-revoked")
    assert policies.read(text) == 28_800
    assert policies.ignored(text) == ("MaxAgeSingleFactor", "MaxInactiveTime")
    assert policies.ignored(definition()) == ()


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, the answer is a lifetime within the bounds, or the one refusal."""
    assert all(map(is_answered, (text, definition(AccessTokenLifetime=text))))


def is_answered(text: str) -> bool:
    """Tell whether a text is read within the bounds, or refused with the one code."""
    try:
        return policies.SHORTEST <= policies.read(text) <= policies.LONGEST
    except Misconfigured as fault:
        return fault.code == "policy-invalid"
