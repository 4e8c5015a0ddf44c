"""What callers send to the credentials API: read leniently where clients differ, and never otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.coding import Context
from intaglio.dialects.google import calling, hosts, iamcredentials
from intaglio.errors import ProtocolFault
from intaglio.protocol.impersonation import AccountName
from intaglio.wire.message import Request

NOW = 1_800_000_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "audience delegates includeEmail include_email useEmailAzp organizationNumberIncluded scope lifetime payload "
    "bytesToSign"
).split()
READERS = (
    iamcredentials.read_id_token,
    iamcredentials.read_access_token,
    iamcredentials.read_blob,
    iamcredentials.read_jwt,
)


def context(account: str = "a@b.c", project: str = "-") -> Context:
    """Return what a reader is told of the path."""
    return Context(NOW, "ref", words={"account": account, "project": project})


def request(body: bytes, media_type: str = "application/json") -> Request:
    """Return a request with a body."""
    return Request("POST", "/", headers=(("content-type", media_type),), body=body)


def outcome(read: Any, given: Request) -> Any:
    """Return the query that a reader makes of a request, or the code of its fault."""
    try:
        return read(given, context())
    except ProtocolFault as fault:
        return fault.code


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.sampled_from(READERS))
def test_whatever_is_sent_is_read_or_refused(members: dict[str, Any], read: Any) -> None:
    """A query or the fault `invalid_request`; nothing else comes out of a reader."""
    got = outcome(read, request(json.dumps(members).encode()))
    assert got == "invalid_request" or got.target == AccountName("a@b.c")


@given(st.binary(max_size=200), st.sampled_from(["", "text/json", "application/json; charset=x", "text/plain", "x"]))
def test_whatever_octets_come(body: bytes, media_type: str) -> None:
    """The same for octets that are no JSON."""
    got = outcome(iamcredentials.read_id_token, request(body, media_type))
    assert got == "invalid_request" or got.audience


@given(st.text(max_size=300))
def test_names_of_accounts(text: str) -> None:
    """What comes out holds no slash and no control character, and is not longer than a name may be."""
    try:
        found = iamcredentials.account(text, "name")
    except ProtocolFault:
        return
    assert found.name
    assert "/" not in found.name
    assert found.name.isprintable()
    assert len(found.name) <= iamcredentials.MAX_NAME


@pytest.mark.parametrize(
    ("text", "name", "project"),
    [
        ("a@b.c", "a@b.c", "-"),
        ("a%40b.c", "a@b.c", "-"),
        ("projects/-/serviceAccounts/a@b.c", "a@b.c", "-"),
        ("projects/p-1/serviceAccounts/123", "123", "p-1"),
    ],
)
def test_spellings_of_a_name(text: str, name: str, project: str) -> None:
    """Bare and whole, encoded and not."""
    assert iamcredentials.account(text, "name") == AccountName(name, project)


def test_who_names_both_fields_has_the_newer_form() -> None:
    """`payload` beside `bytesToSign` is the newer API's."""
    body = json.dumps({"payload": "YQ==", "bytesToSign": "Yg=="}).encode()
    assert iamcredentials.read_blob(request(body), context()).payload == b"a"


@pytest.mark.parametrize("text", ["Y", "Y Q", "é", "=", "YQ==YQ=="])
def test_texts_that_are_no_base64(text: str) -> None:
    """Refused, not guessed."""
    with pytest.raises(ProtocolFault):
        iamcredentials.read_blob(request(json.dumps({"payload": text}).encode()), context())


def test_instants_have_no_fraction() -> None:
    """One client reads no other form."""
    assert iamcredentials.instant(0) == "1970-01-01T00:00:00Z"
    assert iamcredentials.instant(NOW) == "2027-01-15T08:00:00Z"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("openid", True),
        ("https://www.googleapis.com/auth/cloud-platform", True),
        ("https://www.googleapis.com/auth/cloud-platform.read-only", True),
        ("https://www.googleapis.com/auth/cloud-platform ", False),
        ("https://www.googleapis.com/auth/", False),
        ("https://www.googleapis.com/auth/a b", False),
        ("https://www.googleapis.com.evil.example/auth/iam", False),
        ("http://www.googleapis.com/auth/iam", False),
        ("https://api.example.com", False),
    ],
)
def test_scopes(word: str, known: bool) -> None:
    """A word is a scope by its form; an address of somebody's is none."""
    assert calling.knows_scope(word) is known


@pytest.mark.parametrize("base", ["http://localhost:8081", "https://accounts.intaglio.test", hosts.GOOGLE_BASE])
def test_audiences(base: str) -> None:
    """What means an API never means the token endpoint, and the other way round."""
    own, token = calling.own_audiences(base), calling.assertion_audiences(base)
    assert not own & token
    assert f"https://iamcredentials.{hosts.universe(base)}/" in own
    assert set(calling.TOKEN_ADDRESSES) <= token
    assert hosts.api(base, "oauth2") + "/token" in token
