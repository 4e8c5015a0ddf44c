"""Mode run: whose token passes, which header counts, and what the service gets of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from intaglio.server.admin import services
from intaglio.server.devmode import seeds
from intaglio.server.registry.deeds import Actor
from tests import gates
from tests.gates import Gate

HERE = "https://hello.example/orders?id=1"
CHALLENGE = 'Bearer error="invalid_token" error_description="The access token could not be verified"'


@pytest.fixture(scope="module")
def opened() -> Iterator[Gate]:
    """A gate in front of the seeded service."""
    with gates.gate(gates.RUN) as made:
        yield made


def test_no_token(opened: Gate) -> None:
    """403 and a page: there is nobody to believe."""
    answer = opened.knock(HERE)
    assert (answer.status, answer.is_page, answer.header("www-authenticate")) == (403, True, None)
    assert opened.untouched


FORGED: dict[str, Callable[[Gate], str]] = {
    "text": lambda g: "not-a-token",
    "an access token": lambda g: "ya29.sealed",
    "two tokens": lambda g: f"{g.of_account()}, Bearer {g.of_account()}",
    "another service's": lambda g: g.of_account("https://other.example"),
    "two services'": lambda g: g.of_account([seeds.SERVICE_AUDIENCE, "https://other.example"]),
    "no audience": lambda g: g.of_account(None),
    "an audience that begins alike": lambda g: g.of_account(seeds.SERVICE_AUDIENCE + "/"),
    "another issuer's": lambda g: g.of_account(iss="https://accounts.google.com"),
    "the other dialect's": lambda g: g.of_account(iss="http://localhost:8080/default"),
    "expired": lambda g: g.of_account(exp=g.site.clock.now() - 400),
    "no expiry": lambda g: g.of_account(exp=None),
    "from the future": lambda g: g.of_account(iat=g.site.clock.now() + 4000, nbf=g.site.clock.now() + 4000),
    "an access token in form": lambda g: g.sign({"sub": seeds.TARGET_ID}, typ="at+jwt"),
    "a signature cut off": lambda g: gates.stripped(g.of_account()),
    "a changed signature": lambda g: g.of_account()[:-8] + "AAAAAAAA",
    "the assertions' key": lambda g: g.sign(g._usual(seeds.SERVICE_AUDIENCE, seeds.TARGET_ID), "x/assertions", "ES256"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_token_that_is_not_believed(opened: Gate, name: str) -> None:
    """401 with the vendor's challenge, letter for letter."""
    answer = opened.knock(HERE, headers=[gates.bearer(FORGED[name](opened))])
    assert (answer.status, answer.header("www-authenticate")) == (401, CHALLENGE)
    assert opened.untouched


def test_an_account_without_permission(opened: Gate) -> None:
    """403: the worker is known and may not call this service."""
    token = opened.of_account(number=seeds.ACCOUNT_ID, email=seeds.ACCOUNT)
    assert opened.knock(HERE, headers=[gates.bearer(token)]).status == 403
    assert opened.untouched


def test_an_account_that_is_gone(opened: Gate) -> None:
    """403: a number that no account has."""
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_account(number="1" * 21))]).status == 403


def test_what_the_service_gets(opened: Gate) -> None:
    """The claims to read, no signature to show elsewhere; path, query and body as they came."""
    token = opened.of_account()
    answer = opened.knock(HERE, method="POST", headers=[gates.bearer(token)], body=b"order")
    assert (answer.status, answer.text) == (200, "hello, world")
    seen = opened.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/orders?id=1", b"order")
    assert seen.one("authorization") == f"Bearer {gates.stripped(token)}"
    assert seen.one("host") == "hello.example"


def test_the_other_header_counts_first(opened: Gate) -> None:
    """Of both only X-Serverless-Authorization is checked, and Authorization passes through as it is."""
    token = opened.of_account()
    headers = [("x-serverless-authorization", f"bearer {token}"), ("authorization", "Basic YTpi")]
    assert opened.knock(HERE, headers=headers).status == 200
    seen = opened.seen
    assert seen.one("authorization") == "Basic YTpi"
    assert seen.one("x-serverless-authorization") == f"Bearer {gates.stripped(token)}"
    good_second = [("x-serverless-authorization", "Bearer x"), gates.bearer(token)]
    assert opened.knock(HERE, headers=good_second).status == 401
    assert opened.untouched


@pytest.mark.parametrize("name", ["authorization", "x-serverless-authorization"])
def test_double_headers(opened: Gate, name: str) -> None:
    """Two headers of one name are refused, though the first is good."""
    token = opened.of_account()
    answer = opened.knock(HERE, headers=[(name, f"Bearer {token}"), (name, "Bearer other")])
    assert answer.status == 401
    assert opened.untouched


def test_development_tokens_are_for_people(opened: Gate) -> None:
    """The command line's own token lets alice in, and no account that had one made for that audience."""
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user())]).status == 200
    assert opened.seen
    account = opened.of_account("intaglio-cli")
    assert opened.knock(HERE, headers=[gates.bearer(account)]).status == 403
    disguised = opened.of_account("intaglio-cli", azp="intaglio-cli")
    assert opened.knock(HERE, headers=[gates.bearer(disguised)]).status == 403
    other_party = opened.of_user(azp="web")
    assert opened.knock(HERE, headers=[gates.bearer(other_party)]).status in (401, 403)
    assert opened.untouched


def test_a_person_by_subject_not_by_address(opened: Gate) -> None:
    """An address in the token is nobody: bob's subject with alice's address is bob, who may not call."""
    bob = gates.GOOGLE.subject("00000000-0000-4000-8000-000000000102")
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user(sub=bob))]).status == 403
    stranger = opened.of_user(sub="1" * 21)
    assert opened.knock(HERE, headers=[gates.bearer(stranger)]).status == 403
    # Found by subject alone, without any name.
    nameless = opened.of_user(email=None, email_verified=None)
    assert opened.knock(HERE, headers=[gates.bearer(nameless)]).status == 200
    assert opened.seen


@pytest.mark.parametrize("host", ["other.example", "hello.example.", "hello.example:8443", "", "hello.example@x"])
def test_another_host(opened: Gate, host: str) -> None:
    """A request for another host is nobody's here."""
    answer = opened.knock(HERE, headers=[("host", host), gates.bearer(opened.of_account())])
    assert answer.status == 421
    two = [("host", "hello.example"), ("host", "other.example"), gates.bearer(opened.of_account())]
    assert opened.knock(HERE, headers=two).status == 400
    assert opened.untouched


@pytest.mark.parametrize(("method", "more"), [("CONNECT", ()), ("TRACE", ()), ("GET", (("upgrade", "websocket"),))])
def test_what_is_not_passed_on(opened: Gate, method: str, more: tuple[tuple[str, str], ...]) -> None:
    """501 with a sentence, whoever asks."""
    answer = opened.knock(HERE, method=method, headers=[gates.bearer(opened.of_account()), *more])
    assert answer.status == 501
    assert "does not pass on" in answer.text
    assert opened.untouched


def test_what_a_client_says_of_itself(opened: Gate) -> None:
    """Forwarding headers, fields of the connection and names with an underscore do not travel on."""
    lies = [
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("x-original-url", "/admin"),
        ("x-http-method-override", "DELETE"),
        ("x_serverless_authorization", "Bearer x"),
        ("te", "trailers"),
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("x-kept", "1"),
    ]
    assert opened.knock(HERE, headers=[*lies, gates.bearer(opened.of_account())]).status == 200
    names = {name for name, _ in opened.seen.headers}
    kept = {"host", "x-kept", "authorization", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
    assert names == kept


def test_who_is_told_to_have_asked(opened: Gate) -> None:
    """The peer's address; what stands before it counts from a trusted proxy alone."""
    headers = [("x-forwarded-for", "203.0.113.9"), gates.bearer(opened.of_account())]
    opened.knock(HERE, headers=headers)
    assert opened.seen.one("x-forwarded-for") == gates.CLIENT
    opened.knock(HERE, headers=headers, peer=gates.PROXY)
    assert opened.seen.one("x-forwarded-for") == f"203.0.113.9, {gates.PROXY}"


def test_a_change_is_seen_within_a_second() -> None:
    """A withdrawn role, a disabled account, a refused development token: nobody passes a second later."""
    with gates.gate(gates.RUN) as opened:
        account, person = gates.bearer(opened.of_account()), gates.bearer(opened.of_user())
        assert opened.knock(HERE, headers=[account]).status == 200
        assert opened.knock(HERE, headers=[person]).status == 200
        opened.site.run(
            services.update(
                opened.site.store,
                Actor("test", opened.site.clock.now()),
                seeds.TENANT_ID,
                seeds.PROJECT,
                seeds.SERVICE,
                development_tokens=False,
            )
        )
        opened.site.settle()
        assert opened.knock(HERE, headers=[account]).status == 200
        assert opened.knock(HERE, headers=[person]).status == 401
        opened.grant("")
        assert opened.knock(HERE, headers=[account]).status == 403
        opened.grant("roles/cloudfunctions.invoker", "allAuthenticatedUsers")
        assert opened.knock(HERE, headers=[account]).status == 200
        opened.grant("roles/iap.httpsResourceAccessor", "allAuthenticatedUsers")
        assert opened.knock(HERE, headers=[account]).status == 403


def test_an_installation_that_does_not_answer() -> None:
    """503 with a reference, and nobody passes."""
    with gates.gate(gates.RUN | {"service": "not-there"}) as opened:
        answer = opened.knock(HERE, headers=[gates.bearer(opened.of_account())])
        assert answer.status == 503
        assert opened.untouched


def test_questions_of_other_proxies(opened: Gate) -> None:
    """The answer holds every header as the service is to get it."""
    token = opened.of_account()
    original = [("x-original-method", "GET"), ("x-original-uri", "/orders"), ("x-original-host", "hello.example")]
    answer = opened.ask("/nginx/hello", [gates.bearer(token), *original])
    assert (answer.status, answer.header("authorization")) == (200, f"Bearer {gates.stripped(token)}")
    assert opened.ask("/nginx/hello", original).status == 403
    assert opened.ask("/nginx/hello", [gates.bearer("x"), *original]).header("www-authenticate") == CHALLENGE
    forwarded = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders"), ("x-forwarded-host", "hello.example")]
    assert opened.ask("/traefik/hello", [gates.bearer(token), *forwarded]).status == 200
    envoy = opened.ask("/envoy/hello/orders", [gates.bearer(token), ("host", "hello.example")])
    assert envoy.status == 200
    assert opened.untouched


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/nginx/hello", [], 400),
        ("/nginx/hello", [("x-original-method", "GET"), ("x-original-uri", "/")], 400),
        ("/nginx/hello", [("x-original-method", "GET")] * 2 + [("x-original-uri", "/"), ("x-original-host", "x")], 400),
        ("/nginx/other", [], 404),
        ("/nginx/hello/more", [], 404),
        ("/nginx", [], 404),
        ("/", [], 404),
        ("/envoy/hello/orders", [("host", "other.example")], 403),
        (
            "/nginx/hello",
            [("x-original-method", "GET"), ("x-original-uri", "/"), ("x-original-host", "x.example")],
            403,
        ),
        ("/traefik/hello", [("x-original-method", "GET"), ("x-original-uri", "/"), ("x-original-host", "x")], 400),
    ],
)
def test_questions_that_make_no_sense(opened: Gate, path: str, headers: list[tuple[str, str]], status: int) -> None:
    """Refused, although the token is good."""
    answer = opened.ask(path, [*headers, gates.bearer(opened.of_account())])
    assert answer.status == status


def test_questions_of_strangers(opened: Gate) -> None:
    """Only a configured proxy is answered."""
    original = [("x-original-method", "GET"), ("x-original-uri", "/"), ("x-original-host", "hello.example")]
    headers = [gates.bearer(opened.of_account()), *original]
    assert opened.ask("/nginx/hello", headers, peer="192.0.2.81").status == 403
    assert opened.ask("/nginx/hello", headers, peer="::ffff:192.0.2.80").status == 200
