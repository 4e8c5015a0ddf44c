"""Row 55 of our list of published faults, and what of rows 17, 38 to 44 and 51 concerns the receiving side.

The gate is the application as it is built, the service behind it remembers what reached it, tokens carry any claims.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.names import UserId
from intaglio.server.devmode import seeds
from intaglio.server.gate import asked as fields
from intaglio.server.gate.signin import safe_target
from intaglio.server.model import serviceaccounts, users
from intaglio.server.model.users import User
from intaglio.tokens import jws
from tests import gates, harness
from tests.capability import capability
from tests.gates import Gate

pytestmark = capability("gate-run", witness="requests in process")

HERE = "https://hello.example/"


@pytest.fixture
def opened() -> Iterator[Gate]:
    """A gate in front of the seeded service."""
    with gates.gate(gates.RUN) as made:
        yield made


@pytest.fixture
def proxying() -> Iterator[Gate]:
    """A gate in mode iap."""
    with gates.gate(gates.IAP) as made:
        made.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com", f"serviceAccount:{seeds.TARGET}")
        yield made


@capability("gate-development-tokens", witness="requests in process")
def test_d6_55_a_confused_deputy(opened: Gate) -> None:
    """A service that got a token cannot use it: neither at another service nor, as it was passed on, at its own."""
    token = opened.of_account()
    assert opened.knock(HERE, headers=[gates.bearer(token)]).status == 200
    passed_on = str(opened.seen.one("authorization"))
    assert opened.knock(HERE, headers=[("authorization", passed_on)]).status == 401
    other = gates.RUN | {"name": "other", "url": "https://other.example", "service": "other-service"}
    from intaglio.server.admin import services
    from intaglio.server.registry.deeds import Actor

    actor = Actor("test", harness.NOW)
    site = opened.site
    made = services.create(
        site.store, actor, seeds.TENANT_ID, seeds.PROJECT, "other-service", ("https://other.example",)
    )
    site.run(made)
    second = Gate(site, other)
    assert second.knock("https://other.example/", headers=[gates.bearer(token)]).status == 401


def test_d6_55_a_development_token_opens_nothing_else(opened: Gate, proxying: Gate) -> None:
    """The command line's token is refused by mode iap, and by a service whose project has given alice no role."""
    assert proxying.knock("https://app.example/", headers=[gates.bearer(proxying.of_user())]).status == 401
    opened.grant("roles/run.invoker", f"serviceAccount:{seeds.TARGET}")
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user())]).status == 403


def test_d6_55_no_issuer_but_ours(opened: Gate) -> None:
    """The vendor's own issuer, in both spellings, and ours in another spelling, are strangers."""
    issuers = ("https://accounts.google.com", "accounts.google.com", "http://localhost:8081/", "localhost:8081", "")
    for issuer in issuers:
        assert opened.knock(HERE, headers=[gates.bearer(opened.of_account(iss=issuer))]).status == 401


def test_d6_55_tokens_of_another_kind(opened: Gate) -> None:
    """Signed by our own key, for this audience: access tokens, logout tokens and userinfo are no ID tokens."""
    usual = opened._usual(seeds.SERVICE_AUDIENCE, seeds.TARGET_ID)
    event = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    made = [
        opened.sign(usual, typ="at+jwt"),
        opened.sign(usual, typ="logout+jwt"),
        opened.sign(usual | event),
        opened.sign({"iss": gates.ISSUER, "aud": seeds.SERVICE_AUDIENCE, "sub": seeds.TARGET_ID}),
    ]
    assert [opened.knock(HERE, headers=[gates.bearer(token)]).status for token in made] == [401] * 4


def test_d6_55_keys_that_travel_with_a_token(opened: Gate) -> None:
    """Neither alg none nor a key of one's own, under whatever kid."""
    from intaglio import codec
    from intaglio.tokens import jwk

    own, payload = jwk.generate("RS256"), codec.encode_json(opened._usual(seeds.SERVICE_AUDIENCE, seeds.TARGET_ID))
    kid = jws.peek_kid(opened.of_account())
    key = {**jwk.public_members(own.public()), "kid": str(kid)}
    headers = ({"kid": kid}, {"jwk": key}, {"kid": "x", "jku": "https://evil.example/jwks"}, {})
    for header in headers:
        assert opened.knock(HERE, headers=[gates.bearer(jws.sign(own, header, payload))]).status == 401
    plain = codec.encode_base64url(b'{"alg":"none"}') + "." + codec.encode_base64url(payload) + "."
    assert opened.knock(HERE, headers=[gates.bearer(plain)]).status == 401


def test_recycled_addresses(opened: Gate) -> None:
    """An account that was deleted and made again under its address is another one, and its old token nobody's."""
    token = opened.of_account()
    assert opened.knock(HERE, headers=[gates.bearer(token)]).status == 200
    # A token whose number and address are not one account's.
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_account(email=seeds.ACCOUNT))]).status == 403
    site = opened.site
    old = site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET)
    site.write(serviceaccounts.replace, msgspec.structs.replace(old, deleted_at=harness.NOW))
    new = msgspec.structs.replace(old, unique_id="1" * 21)
    site.write(serviceaccounts.insert, new)
    site.settle()
    assert opened.knock(HERE, headers=[gates.bearer(token)]).status == 403
    # The new one has the address, and the policy meant the old one.
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_account(number="1" * 21))]).status == 403


def test_d6_51_a_recycled_person(opened: Gate) -> None:
    """Whoever gets alice's name and address later is not alice to a policy."""
    site = opened.site
    site.change_user("alice", disabled_at=harness.NOW)
    site.write(
        users.insert,
        User(
            seeds.TENANT_ID,
            UserId("00000000-0000-4000-8000-0000000000ff"),
            "alice2",
            harness.NOW,
            harness.NOW,
            claims={"email": "alice@example.com", "email_verified": True},
        ),
    )
    later = gates.GOOGLE.subject("00000000-0000-4000-8000-0000000000ff")
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user(sub=later))]).status == 403
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user())]).status == 403


def test_d6_17_an_unconfirmed_address_is_nobody(opened: Gate) -> None:
    """Bob takes alice's address without confirming it; a token that says it was confirmed changes nothing."""
    site = opened.site
    bob = site.user("bob")
    site.change_user("bob", claims=bob.claims | {"email": "alice@example.com", "email_verified": False})
    opened.grant("roles/run.invoker", "user:alice@example.com")
    sub = gates.GOOGLE.subject(bob.user_id)
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user(sub=sub))]).status == 403


SPELLINGS = [
    "x-goog-iap-jwt-assertion",
    "X-Goog-IAP-JWT-Assertion",
    "x_goog_iap_jwt_assertion",
    "x-goog_iap-jwt-assertion",
]


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("signed_in", [True, False])
def test_d6_headers_are_not_smuggled(proxying: Gate, name: str, *, signed_in: bool) -> None:
    """An assertion that a client brings never arrives, in no spelling, and opens nothing by itself."""
    own = proxying.of_account("gate")
    headers = [(name, own), *([gates.bearer(own)] if signed_in else [])]
    answer = proxying.knock("https://app.example/", headers=headers)
    assert answer.status == (200 if signed_in else 401)
    if signed_in:
        assert own not in [value for _, value in proxying.seen.headers]


@given(st.text("ABCXYZabcxyz-_", min_size=1, max_size=20), st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_d6_whatever_a_header_is_called(rest: str, hop: bool) -> None:
    """Nothing that reads as the proxy's own travels on, and nothing that belongs to the connection."""
    name = f"x-goog-{rest}".lower()
    pairs = ((name, "1"), ("connection", rest.lower() if hop else "close"), (rest.lower(), "2"))
    kept = fields.travelling(pairs, lambda one: one.startswith("x-goog-"))
    assert all("_" not in key and not key.startswith("x-goog-") and key != "connection" for key, _ in kept)
    assert not (hop and kept)


@pytest.mark.parametrize(
    "pair",
    list(itertools.permutations(["Bearer good", "Bearer bad", "Basic YTpi"], 2)),
)
def test_d6_two_authorizations(opened: Gate, pair: tuple[str, str]) -> None:
    """In any order, whichever is good."""
    good = opened.of_account()
    headers = [("authorization", value.replace("good", good)) for value in pair]
    assert opened.knock(HERE, headers=headers).status == 401
    assert opened.untouched


@pytest.mark.parametrize("host", ["evil.example", "hello.example#", "hello.example\\.evil.example", "HELLO.example:80"])
def test_d6_hosts_are_not_confused(opened: Gate, host: str) -> None:
    """A token for the service is worth nothing under another host, however it is written."""
    headers = [("host", host), gates.bearer(opened.of_account())]
    assert opened.knock(HERE, headers=headers).status == 421


@given(st.text("/\\.@:%#?&=abc \t\r\n", max_size=30))
def test_d6_redirects_stay_at_home(text: str) -> None:
    """Whatever page was asked for, the browser comes back to the service itself."""
    from urllib.parse import urlsplit

    target = safe_target("/" + text)
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))
    parts = urlsplit("https://app.example" + target)
    assert (parts.scheme, parts.netloc) == ("https", "app.example")
    assert target.isprintable()


def test_d6_40_what_an_answer_keeps(proxying: Gate) -> None:
    """No cache keeps an answer that sets a cookie, refuses or redirects."""
    visit = [("accept", "text/html")]
    for headers in (visit, [], [gates.bearer("x")]):
        answer = proxying.knock("https://app.example/", headers=headers)
        assert answer.header("cache-control") == "no-store"


def test_d6_logs_hold_no_token(opened: Gate) -> None:
    """Refusals are logged with a code, and never with what was shown."""
    with harness.logged() as log:
        tokens = [opened.of_account("x"), opened.of_account(exp=1), "ya29.secret-text"]
        for token in tokens:
            opened.knock(HERE, headers=[gates.bearer(token)])
    assert [token for token in tokens if token[-30:] in str(log.lines)] == []
