"""Assertions: whoever holds a key of the account gets its tokens, and what is wrong is told in one order."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from intaglio.server.devmode import seeds
from tests import harness, workloads
from tests.capability import capability
from tests.workloads import CLOUD, ROOT

TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
OUTSIDE = ["https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v4/token", ROOT + "/token"]


@capability("assertion-id-token", witness="PyJWT")
@pytest.mark.parametrize("path", ["/token", "/oauth2/v4/token", "/o/oauth2/token"])
@pytest.mark.parametrize(
    ("audience", "kid", "members"),
    [
        (OUTSIDE[0], True, {}),
        (OUTSIDE[0], False, {"scope": "", "sub": seeds.ACCOUNT}),
        (OUTSIDE[2], True, {"iat": harness.NOW - 10, "exp": harness.NOW + 3590, "scope": ""}),
        (OUTSIDE[1], False, {"iat": harness.NOW - 60, "exp": harness.NOW + 60}),
        (OUTSIDE[0], False, {"scope": CLOUD}),
    ],
)
def test_an_id_token(site: harness.Site, path: str, audience: str, kid: bool, members: dict[str, Any]) -> None:
    """The variants of five clients; the answer holds the token alone, its authorized party is the address."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    claims = workloads.assertion(site, worker, aud=audience, target_audience="https://api.example.com", **members)
    answer = workloads.exchange(site, key.sign(claims, kid=kid), path)
    assert answer.status == 200, answer.text
    (name,) = answer.json()
    assert name == "id_token"
    got = harness.payload(answer.json()["id_token"])
    assert (got["aud"], got["azp"], got["sub"]) == ("https://api.example.com", worker.email, worker.unique_id)
    assert (got["email"], got["email_verified"], got["exp"] - got["iat"]) == (worker.email, True, 3600)
    entry = workloads.log(site)[0]
    assert (entry.action, entry.outcome, entry.detail["key"]) == ("assert.id_token", "allowed", key.record.key_id)


@capability("assertion-access-token", witness="PyJWT")
def test_an_access_token(site: harness.Site) -> None:
    """For the scopes that were asked for; good for an hour, and it calls the APIs."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    body = workloads.exchange(site, key.sign(workloads.assertion(site, worker, scope=CLOUD))).json()
    assert (body["expires_in"], body["token_type"], body["scope"]) == (3600, "Bearer", CLOUD)
    assert workloads.id_token(site, seeds.TARGET, body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("members", "error", "description"),
    [
        ({"iss": "nobody@example.com", "exp": 1}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": None}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": 7}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": seeds.ACCOUNT_ID}, "invalid_grant", "Invalid grant: account not found"),
        ({"iat": None, "exp": None}, "invalid_grant", "Invalid JWT: iat (issued at) is not set."),
        ({"exp": None}, "invalid_grant", "Invalid JWT: exp (expiration time) is not set."),
        ({"exp": harness.NOW - 60, "scope": None}, "invalid_grant", TIMES),
        ({"exp": harness.NOW + 3700, "aud": "x"}, "invalid_grant", TIMES),
        ({"iat": harness.NOW + 400, "exp": harness.NOW + 500}, "invalid_grant", TIMES),
        ({"iat": "now"}, "invalid_grant", TIMES),
        ({"scope": None, "aud": "x"}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        ({"scope": "no-such-scope"}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        ({"target_audience": ["a"]}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        ({"target_audience": "a\nb"}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"aud": None}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"aud": [OUTSIDE[0], "https://elsewhere.example"]}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"sub": "alice@example.com"}, "unauthorized_client", "The account may not act for another subject."),
        ({"jti": 7}, "invalid_grant", "Invalid JWT: jti is not usable."),
    ],
)
def test_what_is_wrong(site: harness.Site, members: dict[str, Any], error: str, description: str) -> None:
    """The first fault in the order of the table is told."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    claims = workloads.assertion(site, worker, **({"scope": CLOUD} | members))
    with harness.logged() as log:
        answer = workloads.exchange(site, key.sign(claims))
    assert (answer.status, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"] == description
    assert log.traces == []


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b.c.d.e", "é", "x" * 20000])
def test_texts_that_are_no_assertion(site: harness.Site, text: str) -> None:
    """`invalid_request`, whatever stands there."""
    answer = workloads.exchange(site, text)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


def test_signatures_that_are_not_good(site: harness.Site) -> None:
    """A stranger's, another algorithm's, one altered by a bit, one under the name of a key that is none."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key, other = workloads.key(site, worker), workloads.key(site, workloads.seeded(site), 2)
    claims = workloads.assertion(site, worker, scope=CLOUD)
    good = key.sign(claims)
    bent = good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:]
    for text in (
        other.sign(claims),
        other.sign(claims, kid=False),
        key.sign(claims, kid="nothing"),
        jwt.encode(claims, key.private, "PS256"),
        jwt.encode(claims, "k" * 32, "HS256"),
        bent,
    ):
        answer = workloads.exchange(site, text)
        assert (answer.status, answer.json()["error_description"]) == (400, "Invalid JWT Signature.")
    assert workloads.exchange(site, good).status == 200


def test_an_account_without_a_key_looks_unknown(site: harness.Site) -> None:
    """Nobody learns here which accounts exist; a disabled one has gone as well."""
    target, worker = workloads.seeded(site), workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    answers = [
        workloads.exchange(site, key.sign(workloads.assertion(site, one, iss=name, scope=CLOUD)))
        for one, name in ((target, target.email), (worker, "nobody@demo-project.iam.intaglio.test"))
    ]
    workloads.change(site, worker, disabled_at=harness.NOW)
    answers.append(workloads.exchange(site, key.sign(workloads.assertion(site, worker, scope=CLOUD))))
    told = [{name: value for name, value in answer.json().items() if name != "ref"} for answer in answers]
    assert told[0] == told[1] == told[2]
    assert told[0]["error_description"] == "Invalid grant: account not found"


def test_a_jti_is_good_once(site: harness.Site) -> None:
    """With `jti` an assertion is used up; without it the official clients may send it again while it lives."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    named = key.sign(workloads.assertion(site, worker, scope=CLOUD, jti="j-1"))
    assert workloads.exchange(site, named).status == 200
    again = workloads.exchange(site, named)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    plain = key.sign(workloads.assertion(site, worker, scope=CLOUD))
    assert [workloads.exchange(site, plain).status for _ in range(2)] == [200, 200]


def test_a_tenant_names_the_audiences(site: harness.Site) -> None:
    """Then these count, and no others."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    site.change_tenant(assertion_audiences=("https://only.example/token",))
    only = key.sign(workloads.assertion(site, worker, scope=CLOUD, aud="https://only.example/token"))
    usual = key.sign(workloads.assertion(site, worker, scope=CLOUD))
    assert [workloads.exchange(site, text).status for text in (only, usual)] == [200, 400]


def test_what_the_server_signed_gives_an_id_token(site: harness.Site) -> None:
    """The way of clients without a key: signBlob over an assertion, then the token endpoint with target_audience."""
    worker, target = workloads.seeded(site, seeds.ACCOUNT), workloads.seeded(site)
    claims = workloads.assertion(site, target, aud=OUTSIDE[1], target_audience="https://a")
    bearer = workloads.token(site, worker)
    signed = workloads.post(site, "signJwt", target, bearer, payload=json.dumps(claims)).json()["signedJwt"]
    site.settle()
    answer = workloads.exchange(site, signed, "/oauth2/v4/token")
    assert harness.payload(answer.json()["id_token"])["sub"] == target.unique_id
    assert workloads.log(site)[0].detail["key_origin"] == "system"
