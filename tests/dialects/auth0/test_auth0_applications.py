"""Bodies of the Management API and settings of operators: whatever they are, they are read or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.auth0 import applications, settings
from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.protocol.clientadmin import ClientTold

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KNOWN: set[str] = {
    *applications.PLAIN,
    *applications.NESTED,
    *applications.INERT,
    *applications.ISSUED,
}
NAMES = st.sampled_from([*applications.PLAIN, *applications.NESTED, *applications.INERT, *applications.ISSUED])
BODIES = st.dictionaries(NAMES | st.text(max_size=12), JSON, max_size=6)


def refusals(read: Callable[..., Any], *given_values: Any) -> list[Any]:
    """Return what a reader raised, if it did."""
    try:
        read(*given_values)
    except (ProtocolFault, Misconfigured) as fault:
        return [fault]
    return []


@given(BODIES)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    """One that cannot be read is refused with one code, in a text without control characters."""
    for read in (applications.fields, applications.created):
        for fault in refusals(read, body):
            assert fault.code == "invalid_client_metadata"
            assert fault.public.isprintable()
            assert fault.public.isascii()


@given(st.dictionaries(st.text(min_size=1, max_size=12).filter(lambda name: name not in KNOWN), JSON, max_size=5))
def test_what_has_no_meaning_comes_back(body: dict[str, Any]) -> None:
    """Any member of another name is told as it came, unless it said nothing."""
    given_fields = applications.created({"name": "x", "callbacks": ["https://a.example/"], **body})
    own = {name: value for name, value in given_fields.own.items() if value is not None}
    told = applications.told(ClientTold("id", "slug", msgspec.structs.replace(given_fields, own=own)))
    for name, value in body.items():
        if value not in (None, ""):
            assert told[name] == value


@given(
    st.sampled_from(["client", "tenant", "user"]), st.dictionaries(st.text(max_size=12), JSON, min_size=1, max_size=4)
)
def test_any_setting_is_kept_or_refused(level: str, found: dict[str, Any]) -> None:
    """What was kept is kept again, the same."""
    refused = refusals(settings.read, level, found)
    assert {fault.code for fault in refused} <= {"setting-invalid"}
    if not refused:
        kept = settings.read(level, found)
        assert settings.read(level, kept) == kept


@pytest.mark.parametrize(
    "value",
    [
        "http://app.example/",
        "https://app.example/#x",
        "https://*.example/",
        "https://u@app.example/",
        "javascript:alert(1)",
        "https:///x",
        "https://[::1",
        "https://app.example/ä",
        5,
        [5],
        None,
        ["https://a.example/"] * 101,
    ],
)
def test_addresses_that_no_logout_may_lead_to(value: Any) -> None:
    """The rules of redirect addresses hold for the tenant's list as well."""
    with pytest.raises(Misconfigured):
        settings.read("tenant", {"allowed_logout_urls": value})


def test_addresses_that_a_logout_may_lead_to() -> None:
    """https anywhere, http on this machine, each once."""
    urls = ["https://app.example/bye?x=1", "http://localhost:3000/", "http://127.0.0.1/"]
    assert settings.read("tenant", {"allowed_logout_urls": [*urls, urls[0]]}) == {"allowed_logout_urls": urls}
    assert settings.read("tenant", {"allowed_logout_urls": urls[0]}) == {"allowed_logout_urls": urls[:1]}
