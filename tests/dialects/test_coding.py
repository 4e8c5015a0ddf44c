"""What every dialect's readers share: how a client names itself, and what is refused."""

from __future__ import annotations

import json

import pytest

from intaglio.dialects import coding
from intaglio.dialects.google import metadata
from intaglio.dialects.standard import authorize, errors, oauth
from intaglio.errors import ProtocolFault
from intaglio.protocol.exchange import ClientCredentialsExchange, CodeExchange, RefreshExchange
from intaglio.wire import params
from intaglio.wire.message import Request
from intaglio.wire.params import Params
from tests import harness

FLAVOR = (("metadata-flavor", "Google"), ("host", "metadata"))
CTX = coding.Context(now=1, ref="ref_1", words={"account": "default"})


def _json(body: bytes) -> Request:
    return Request("POST", "/", headers=(("content-type", "application/json"),), body=body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a": []}',
        b'{"a": {}}',
        b'{"a": true}',
        b'{"a": 1.5}',
        b'{"a": "x", "a": "y"}',
        b'{"a": "\\u0000"}',
        b'{"a\\n": "x"}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": NaN}',
        b"\xff",
    ],
)
def test_a_json_body_that_is_no_request(body: bytes) -> None:
    """Members are text or whole numbers, each once, without controls; all else is `invalid_request`."""
    with pytest.raises(ProtocolFault) as caught:
        coding.json_params(_json(body))
    assert caught.value.code == "invalid_request"


def test_null_is_absent_in_json() -> None:
    """What an SDK leaves open comes as null."""
    found = coding.json_params(_json(b'{"a": null, "b": "x", "c": 5}'))
    assert (found.get("a"), found.get("b"), found.get("c")) == ("", "x", "5")


@pytest.mark.parametrize("declared", ["", "text/plain", "multipart/form-data", "application/json"])
def test_only_a_form_is_a_form(declared: str) -> None:
    """RFC 6749 3.2: application/x-www-form-urlencoded."""
    with pytest.raises(ProtocolFault):
        coding.form_params(Request("POST", "/", headers=(("content-type", declared),), body=b"a=b"))


@pytest.mark.parametrize("name", ['"', "\\", "é", "x" * 41, "a b"])
def test_an_error_quotes_no_unusual_name(name: str) -> None:
    """RFC 6749 5.2: error_description has no quotes, backslashes and characters outside ASCII."""
    with pytest.raises(ProtocolFault) as caught:
        coding.single(Params([(name, "1"), (name, "2")]))
    assert name not in caught.value.public


@pytest.mark.parametrize(
    ("authorization", "body", "faulty"),
    [
        ("Basic !!!", "", True),
        ("Bearer abc", "client_id=web", True),
        ("Basic é", "client_id=web", True),
        (harness.basic("web", "s"), "client_secret=s", True),
        (harness.basic("web", "s"), "client_id=other", True),
        (harness.basic("web", "s"), "client_id=web", False),
        ("", "client_id=web&client_secret=s", False),
        ("", "client_id=web", False),
    ],
)
def test_how_a_client_names_itself(authorization: str, body: str, faulty: bool) -> None:
    """RFC 6749 2.3: one method in a request, and the same client_id throughout."""
    given = (("authorization", authorization),) if authorization else ()
    found = coding.presented(Request("POST", "/", headers=given), params.read(body))
    assert bool(found.faulty) == faulty
    assert found.secret is None or not faulty


def test_two_authorization_headers_are_none() -> None:
    """Which of them counts is not ours to choose."""
    given = (("authorization", harness.basic("web", "s")),) * 2
    assert coding.presented(Request("POST", "/", headers=given), params.read("")).faulty
    token, problem = coding.bearer(Request("GET", "/", headers=(("authorization", "Bearer a"),) * 2))
    assert token is None
    assert problem


@pytest.mark.parametrize(
    ("text", "words"),
    [("", ()), ("  ", ()), ("a", ("a",)), ("a b", ("a", "b")), ("a  b a", ("a", "", "b"))],
)
def test_scope_words(text: str, words: tuple[str, ...]) -> None:
    """RFC 6749 3.3: in order, each once."""
    assert coding.scope_words(text) == words
    assert coding.optional_scope(params.read("scope=" + text.replace(" ", "+"))) == (tuple(filter(None, words)) or None)


def test_token_queries_by_grant() -> None:
    """Each grant has a type of its own; an unknown one is refused by its name."""
    request = Request("POST", "/")
    assert isinstance(oauth.token_query(request, params.read("grant_type=authorization_code&code=c")), CodeExchange)
    assert isinstance(
        oauth.token_query(request, params.read("grant_type=refresh_token&refresh_token=r")), RefreshExchange
    )
    assert isinstance(
        oauth.token_query(request, params.read("grant_type=client_credentials")), ClientCredentialsExchange
    )
    for body, code in [
        ("", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=authorization_code&code=" + "c" * 5000, "invalid_request"),
    ]:
        with pytest.raises(ProtocolFault) as caught:
            oauth.token_query(request, params.read(body))
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("state=1&state=2", "invalid_request"),
        ("request=x&request_uri=https://x", "invalid_request"),
        ("request=x&state=1&state=2", "invalid_request"),
        ("request=" + "x" * 32769, "invalid_request_object"),
        ("request=x&state=" + "x" * 16384, "invalid_request"),
        ("request_uri=https://x&registration={}", "registration_not_supported"),
        ("display=hologram", "invalid_request"),
        ("claims=1", "invalid_request"),
        ("claims={", "invalid_request"),
        ("claims={}&claims={}", "invalid_request"),
        ("prompt=none+create", "invalid_request"),
        ("ui_locales=" + "a" * 513, "invalid_request"),
        ("registration={}", "registration_not_supported"),
        ("scope=a%22b", "invalid_scope"),
        ("scope=%C3%A9", "invalid_scope"),
        ("max_age=-1", "invalid_request"),
        ("max_age=1.5", "invalid_request"),
        ("max_age=%D9%A3", "invalid_request"),
        ("max_age=" + "9" * 10, "invalid_request"),
        ("prompt=none+login", "invalid_request"),
        ("prompt=NONE", "invalid_request"),
        ("state=" + "s" * 2049, "invalid_request"),
        ("nonce=" + "s" * 2049, "invalid_request"),
        ("code_challenge=" + "a" * 43, "invalid_request"),
        ("code_challenge=" + "a" * 43 + "&code_challenge_method=plain", "invalid_request"),
        ("code_challenge=" + "a" * 43 + "&code_challenge_method=s256", "invalid_request"),
        ("code_challenge=" + "a" * 42 + "&code_challenge_method=S256", "invalid_request"),
        ("code_challenge_method=S256", "invalid_request"),
    ],
)
def test_what_is_wrong_with_an_authorization_request(query: str, error: str) -> None:
    """The reader finds it; whether it may be told by redirect is for the provider to say."""
    problem = authorize.query(params.read(query)).problem
    assert problem is not None
    assert problem.error == error


@pytest.mark.parametrize(
    "query",
    [
        "",
        "request=",
        "request=x&prompt=whatever&max_age=soon&display=hologram&claims=1",
        "prompt=",
        "prompt=create",
        "max_age=0",
        "unheard_of=1",
        "ui_locales=se&claims_locales=se&display=page",
        "ui_locales=not_a_tag+de-CH-1996+%C3%A9",
        "claims={}",
    ],
)
def test_what_is_not_wrong(query: str) -> None:
    """RFC 6749 3.1: unknown parameters are ignored, empty ones absent."""
    assert authorize.query(params.read(query)).problem is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("audience=", 400),
        ("audience=%ff", 400),
        ("audience=%00", 400),
        ("audience=" + "a" * 2049, 400),
        ("audience=a&format=%ff", 400),
        ("audience=a&format=other", 400),
        ("recursive=%ff&audience=a", 0),
    ],
)
def test_identity_parameters(query: str, status: int) -> None:
    """The audience is not empty, bounded and printable."""
    request = Request("GET", "/", query, FLAVOR)
    if not status:
        assert metadata.read_identity(request, CTX).audience == "a"
        with pytest.raises(ProtocolFault):
            metadata.read_tree(request, CTX)
        return
    with pytest.raises(ProtocolFault) as caught:
        metadata.read_identity(request, CTX)
    assert errors.status(caught.value) == status


@pytest.mark.parametrize("audience", ["https://a.example/x?y=z", "https%3A%2F%2Fa.example%2Fx%3Fy%3Dz"])
def test_the_audience_comes_encoded_and_bare(audience: str) -> None:
    """Clients of different languages encode it differently; all mean the same text."""
    request = Request("GET", "/", f"audience={audience}&format=full", FLAVOR)
    assert metadata.read_identity(request, CTX).audience == "https://a.example/x?y=z"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("metadata-flavor", "google"), ("host", "metadata")),
        ((*FLAVOR[0],), FLAVOR[1], ("x-forwarded-for", "10.0.0.1")),
        ((*FLAVOR[0],), FLAVOR[1], ("origin", "https://evil.example")),
    ],
)
def test_a_browser_or_proxy_gets_no_identity(headers: tuple[tuple[str, str], ...]) -> None:
    """The header that a page cannot send is needed, and those that proxies and pages add are refused."""
    with pytest.raises(ProtocolFault) as caught:
        metadata.read_identity(Request("GET", "/", "audience=a", headers), CTX)
    assert caught.value.code == "access_denied"


def test_token_answers_leave_out_what_is_empty() -> None:
    """RFC 6749 5.1."""
    from intaglio.protocol.exchange import TokenAnswer

    body = json.loads(oauth.write_token(TokenAnswer("a", 5, ("x", "y")), CTX).body)
    assert body == {"access_token": "a", "token_type": "Bearer", "expires_in": 5, "scope": "x y"}


@pytest.mark.parametrize(
    ("query", "audience"),
    [
        ("audience=https%3A%2F%2Fx.example%2F%3Fa%3Db+c", "https://x.example/?a=b c"),
        ("audience=https://x.example/?a=b+c", "https://x.example/?a=b+c"),
        ("audience=https://x.example/?a%3Db", "https://x.example/?a=b"),
    ],
    ids=["encoded whole, a blank as plus", "bare", "encoded in half"],
)
def test_audiences_in_three_encodings(query: str, audience: str) -> None:
    """The audience is the same address whichever way a client writes it."""
    assert metadata.read_identity(Request("GET", "/", query, FLAVOR), CTX).audience == audience


def test_locales_that_are_no_tags_are_left_out() -> None:
    """OpenID Connect Core 3.1.2.1: a locale that is not there is no error, and no other text gets any further."""
    read = authorize.query(params.read("ui_locales=de-CH+x_y+%C3%A9+en&claims_locales=fr"))
    assert (read.ui_locales, read.claims_locales) == (("de-CH", "en"), ("fr",))


def test_what_an_object_hands_over_is_not_kept_to_be_read_again() -> None:
    """The waiting request is made of what was believed, and of nothing that would have to be believed later."""
    read = authorize.query(params.read("client_id=a&request=x&claims={}&unheard_of=1"))
    assert (read.request, read.parameters) == ("x", (("client_id", "a"), ("claims", "{}")))
