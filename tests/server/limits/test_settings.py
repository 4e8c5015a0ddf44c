"""Limits as an operator writes them."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Misconfigured
from intaglio.server import compose
from intaglio.server.limits.rates import Rate
from intaglio.server.settings import limits, load
from intaglio.server.settings.limits import Limit
from tests.capability import capability


@capability("limit-settings", witness="a configuration file")
def test_limits_come_from_the_file_and_the_environment(tmp_path: pathlib.Path) -> None:
    """`600/1m` is so many in so long; `off` takes a default away; the rest is as it was."""
    file = tmp_path / "intaglio.toml"
    file.write_text('[limits]\ntokens_by_client = "600/1m"\nwaiting_by_address = "off"\n')
    settings = load.load(file, {"INTAGLIO_LIMITS__SIGN_INS_BY_ADDRESS": "30/1h30m"})
    assert compose.limits_of(settings) == {
        "tokens-by-client": Rate(600, 60),
        "sign-ins-by-address": Rate(30, 5400),
        "registrations-by-tenant": Rate(1000, 3600),
        "registrations-by-address": Rate(60, 3600),
    }


@capability("limit-settings", witness="a configuration file")
@pytest.mark.parametrize(
    "text", ["600", "600/", "/1m", "0/1m", "-1/1m", "600/0s", "600/25h", "1e3/1m", "\u0663/1m", "99999999999/1s", "on"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    """Anything else is refused with its key, and what is expected."""
    with pytest.raises(Misconfigured) as refused:
        load.load(None, {"INTAGLIO_LIMITS__TOKENS_BY_CLIENT": text})
    (fault,) = refused.value.detail["faults"]
    assert "600/1m" in fault
    assert "TOKENS_BY_CLIENT" in fault.upper()


@given(st.integers(1, limits.MOST), st.integers(1, limits.LONGEST))
def test_what_is_shown_reads_back(count: int, seconds: int) -> None:
    """A limit as `config show` writes it means the same when it is read."""
    written = limits.show(Limit(count, seconds))
    assert limits.read({"limits.tokens_by_client": written}, []) == {"tokens-by-client": Limit(count, seconds)}
