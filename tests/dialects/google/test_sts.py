"""The form of an exchange: form and JSON, options however often they are encoded, names of providers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.coding import Context
from intaglio.dialects.google import principals, sts
from intaglio.errors import ProtocolFault
from intaglio.protocol.federation import ExchangeAnswer, ProviderName, TokenExchange
from intaglio.wire.message import Request
from tests import foreign

CTX = Context(now=1, ref="ref_1")
FORM = (("content-type", "application/x-www-form-urlencoded"),)
JSON = (("content-type", "application/json; charset=utf-8"),)
MEMBERS = {
    "grant_type": "grantType",
    "audience": "audience",
    "scope": "scope",
    "requested_token_type": "requestedTokenType",
    "subject_token": "subjectToken",
    "subject_token_type": "subjectTokenType",
    "actor_token": "actorToken",
    "options": "options",
}


def read(fields: dict[str, str]) -> TokenExchange:
    """Read a form."""
    return sts.read_exchange(Request("POST", "/v1/token", headers=FORM, body=urlencode(fields).encode()), CTX)


def read_json(fields: dict[str, Any]) -> TokenExchange:
    """Read JSON."""
    body = json.dumps({MEMBERS[name]: value for name, value in fields.items()}).encode()
    return sts.read_exchange(Request("POST", "/v1/token", headers=JSON, body=body), CTX)


def refusal(fields: dict[str, str]) -> ProtocolFault:
    """Return the fault of a form."""
    with pytest.raises(ProtocolFault) as caught:
        read(fields)
    return caught.value


def test_a_form_and_json_are_one_question() -> None:
    """Both spellings give the same query; the token does not print itself."""
    fields = foreign.form("a.b.c")
    found = read(fields)
    assert found == read_json(fields)
    assert found.provider == ProviderName(100000000001, "builders", "example-ci")
    assert found.subject_token.reveal() == "a.b.c"
    assert found.scope == (foreign.SCOPE,)
    assert "a.b.c" not in repr(found)


def test_members_of_json_that_are_null_are_absent() -> None:
    """Clients write every member, those that they do not use as null."""
    assert read_json(foreign.form("a.b.c") | {"options": None, "actor_token": None}).scope == (foreign.SCOPE,)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_options_are_decoded_until_they_parse(times: int) -> None:
    """Two clients percent-encode them once more than the others."""
    text = json.dumps({"userProject": "1"})
    for _ in range(times):
        text = quote(text)
    assert read(foreign.form("a.b.c", options=text)).provider.pool_id == "builders"


@pytest.mark.parametrize("text", ["nonsense", "[]", '"a"', "%7B", quote(quote(quote(quote("{}"))))])
def test_options_that_are_none(text: str) -> None:
    """What no decoding makes an object is refused."""
    assert refusal(foreign.form("a.b.c", options=text)).code == "invalid_request"


@pytest.mark.parametrize("option", ["accessBoundary", "bindCertFingerprint", "somethingNew"])
def test_an_option_that_narrows_is_refused_not_ignored(option: str) -> None:
    """A token that can do more than its holder asked for is not given."""
    fault = refusal(foreign.form("a.b.c", options=json.dumps({option: {}})))
    assert (fault.code, fault.detail["received"]) == ("invalid_request", option)


@pytest.mark.parametrize("prefix", ["", "https:"])
def test_names_of_providers(prefix: str) -> None:
    """With and without a scheme, as clients and tokens have them."""
    assert sts.provider(prefix + foreign.NAME) == ProviderName(100000000001, "builders", "example-ci")


@given(st.integers(1, 10**18 - 1), st.from_regex(r"[a-z0-9-]{4,32}", fullmatch=True))
def test_each_name_that_is_written_is_read(number: int, name: str) -> None:
    """What the vocabulary calls a provider is what the reader finds."""
    for text in principals.provider_names(number, name, name):
        assert sts.provider(text) == ProviderName(number, name, name)


@pytest.mark.parametrize(
    "audience",
    [
        "",
        "builders",
        "http:" + foreign.NAME,
        foreign.NAME + "/",
        foreign.NAME.replace("//iam", "iam"),
        foreign.NAME.replace("iam.googleapis.com", "iam.evil.example"),
        foreign.NAME.replace("iam.googleapis.com", "iamXgoogleapis.com"),
        foreign.NAME.replace("100000000001", "demo-project"),
        foreign.NAME.replace("100000000001", "0"),
        foreign.NAME.replace("100000000001", "\u0661"),
        foreign.NAME.replace("builders", "Builders"),
        foreign.NAME.replace("builders", "a/b-c"),
        foreign.NAME.replace("/locations/global", "/locations/eu"),
        "//iam.googleapis.com/locations/global/workforcePools/a/providers/b",
    ],
)
def test_an_audience_that_names_no_provider(audience: str) -> None:
    """The whole name is needed; the answer says so."""
    fault = refusal(foreign.form("a.b.c", audience=audience))
    assert fault.code == "invalid_request"
    assert "audience" in fault.public


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token": "a" * (16 * 1024 + 1)}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:mtls"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:aws:token-type:aws4_request"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:access_boundary_intermediary_token"},
            "invalid_request",
        ),
        ({"actor_token": "a.b.c"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": " ".join(f"s{n}" for n in range(51))}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
    ],
)
def test_what_is_refused(changes: dict[str, str], code: str) -> None:
    """Each with its own code."""
    assert refusal(foreign.form("a.b.c", **changes)).code == code


def test_a_parameter_that_came_twice() -> None:
    """Neither of the two is taken."""
    body = urlencode(foreign.form("a.b.c")) + "&audience=x"
    with pytest.raises(ProtocolFault):
        sts.read_exchange(Request("POST", "/v1/token", headers=FORM, body=body.encode()), CTX)


@given(st.binary(max_size=200), st.sampled_from([FORM, JSON]))
def test_any_body_is_read_or_refused(body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    """Nothing but faults of the protocol comes of strangers' octets."""
    with pytest.raises(ProtocolFault):
        sts.read_exchange(Request("POST", "/v1/token", headers=headers, body=body), CTX)


def test_the_answer_has_what_each_client_demands() -> None:
    """Four members, and nobody keeps it."""
    written = sts.write_exchange(ExchangeAnswer("ya29.x", 599), CTX)
    assert json.loads(written.body) == {
        "access_token": "ya29.x",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 599,
    }
    assert ("cache-control", "no-store") in written.headers
