"""What a token says, withdrawing it, and the public keys of accounts."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from intaglio.protocol.principals import Principal
from intaglio.server.devmode import seeds
from tests import harness, workloads
from tests.capability import capability
from tests.server.workload.test_callers import person_token
from tests.workloads import CLOUD, ROOT


@capability("tokeninfo", witness="curl's forms of a request: query and form, GET and POST")
@pytest.mark.parametrize("path", ["/tokeninfo", "/oauth2/v3/tokeninfo"])
def test_an_id_token_is_shown(site: harness.Site, path: str) -> None:
    """Header and claims, every value text; by GET and by POST."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    text = workloads.id_token(site, seeds.TARGET, bearer, includeEmail=True).json()["token"]
    shown = site.get(f"{ROOT}{path}?id_token={text}").json()
    assert {type(value) for value in shown.values()} == {str}
    assert (shown["aud"], shown["email_verified"], shown["exp"]) == (
        "https://api.example.com",
        "true",
        str(harness.NOW + 3600),
    )
    assert (shown["alg"], shown["kid"], shown["typ"]) == ("RS256", jwt.get_unverified_header(text)["kid"], "JWT")
    assert site.post(ROOT + path, {"id_token": text}).json() == shown


def test_id_tokens_that_are_not_shown(site: harness.Site) -> None:
    """Expired, altered, another tenant's, another dialect's: all `Invalid Value`."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    text = workloads.id_token(site, seeds.TARGET, bearer).json()["token"]
    elsewhere = harness.App(site).tokens()["id_token"]
    other = jwt.encode({"iss": ROOT, "exp": harness.NOW + 9}, "k" * 32)
    for given in (text[:-5] + "AAAAA", elsewhere, other, "x", "ya29.x"):
        answer = site.get(f"{ROOT}/tokeninfo?id_token={given}")
        assert (answer.status, answer.json()["error"]) == (400, "invalid_token")
        assert answer.json()["error_description"] == "Invalid Value"
    site.clock.advance(3600)
    assert site.get(f"{ROOT}/tokeninfo?id_token={text}").status == 400


@capability("tokeninfo", witness="curl's forms of a request: query and form, GET and POST")
def test_access_tokens_are_shown(site: harness.Site) -> None:
    """A workload's and a person's; the address where the scope has it; the token may be the request's own."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer = workloads.token(site, worker, CLOUD, "https://www.googleapis.com/auth/userinfo.email")
    shown = site.get(f"{ROOT}/tokeninfo?access_token={bearer}").json()
    assert shown["azp"] == shown["aud"] == shown["sub"] == worker.unique_id
    assert (shown["email"], shown["email_verified"], shown["access_type"]) == (worker.email, "true", "online")
    assert (shown["exp"], shown["expires_in"]) == (str(harness.NOW + 3600), "3600")
    by_header = site.request("POST", ROOT + "/tokeninfo", headers={"authorization": f"Bearer {bearer}"})
    assert by_header.json() == shown
    assert "email" not in site.get(f"{ROOT}/tokeninfo?access_token={workloads.token(site, worker)}").json()
    person = site.get(f"{ROOT}/tokeninfo?access_token={person_token(site, scope='openid email')}").json()
    assert (person["aud"], person["email"]) == ("web", "alice@example.com")
    assert person["sub"] == site.listeners[1].dialect.subject(seeds.ALICE_ID)  # type: ignore[union-attr]


def test_a_disabled_holder_s_token_is_not_shown(site: harness.Site) -> None:
    """What the account may not use any more says nothing; nor does a disabled person's."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer, person = workloads.token(site, worker), person_token(site)
    workloads.change(site, worker, disabled_at=harness.NOW)
    site.change_user("alice", disabled_at=harness.NOW)
    for text in (bearer, person):
        assert site.get(f"{ROOT}/tokeninfo?access_token={text}").json()["error_description"] == "Invalid Value"


def test_the_older_form(site: harness.Site) -> None:
    """Version 2 has other names, and a number of seconds."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    shown = site.get(f"{ROOT}/oauth2/v2/tokeninfo?access_token={workloads.token(site, worker, 'email')}").json()
    assert (shown["issued_to"], shown["user_id"], shown["expires_in"]) == (worker.unique_id, worker.unique_id, 3600)
    assert shown["verified_email"] is True


def test_a_pairwise_subject_is_not_shown(site: harness.Site) -> None:
    """What one application is told of a person is told to nobody else."""
    site.change_client("web", subject_type="pairwise")
    assert "sub" not in site.get(f"{ROOT}/tokeninfo?access_token={person_token(site)}").json()


def test_a_federated_token_is_unknown(site: harness.Site) -> None:
    """A token of an external identity is not shown."""
    somebody = Principal("external", "s", project_number=1, pool_id="p")
    answer = site.get(f"{ROOT}/tokeninfo?access_token={workloads.token(site, somebody)}")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_token")


@pytest.mark.parametrize(
    "query", ["", "?id_token=", "?id_token=a&access_token=b", "?id_token=a&id_token=b", "?access_token=" + "x" * 20000]
)
def test_questions_that_are_none(site: harness.Site, query: str) -> None:
    """One token, once."""
    answer = site.get(f"{ROOT}/tokeninfo{query}")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


@capability("revoke-held", witness="the server's own tokeninfo, asked before and after")
@pytest.mark.parametrize("kind", ["workload", "person", "external"])
@pytest.mark.parametrize("how", ["form", "query"])
def test_a_token_is_withdrawn(site: harness.Site, kind: str, how: str) -> None:
    """Whoever holds it may; it is good for nothing from then on, and a second time it is unknown."""
    text = {
        "workload": lambda: workloads.token(site, workloads.seeded(site, seeds.ACCOUNT)),
        "person": lambda: person_token(site),
        "external": lambda: workloads.token(site, Principal("external", "s", project_number=1, pool_id="p")),
    }[kind]()

    def revoke() -> harness.Answer:
        if how == "query":
            return site.request("POST", f"{ROOT}/revoke?token={text}")
        return site.post(ROOT + "/revoke", {"token": text})

    assert workloads.id_token(site, seeds.TARGET, text).status in (200, 403)
    first, second = revoke(), revoke()
    assert (first.status, first.json()) == (200, {})
    assert (second.status, second.json()["error"]) == (400, "invalid_token")
    assert workloads.id_token(site, seeds.TARGET, text).status == 401


def test_withdrawing_ends_the_whole_grant(site: harness.Site) -> None:
    """A person's access token takes the refresh token with it; another dialect's tokens are not known here."""
    app = harness.App(site)
    tokens = app.tokens()
    assert site.post(ROOT + "/revoke", {"token": tokens["access_token"]}).status == 400
    assert app.userinfo(tokens["access_token"]).status == 200


@capability("account-public-keys", witness="PyJWT and cryptography, see the signatures' rows")
@pytest.mark.parametrize("where", ["service_accounts/v1", "robot/v1"])
@pytest.mark.parametrize("form", ["x509", "raw", "jwk"])
def test_the_keys_of_an_account(site: harness.Site, where: str, form: str) -> None:
    """Every key that is believed, and no other; they may be kept for an hour at most."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    address = f"{ROOT}/{where}/metadata/{form}/{worker.email.replace('@', '%40')}"
    assert site.get(address).status == 404
    good = workloads.key(site, worker, 1, expires_at=harness.NOW + 600)
    workloads.key(site, worker, 2, disabled_at=harness.NOW)
    answer = site.get(address)
    body: dict[str, Any] = answer.json()
    names = [key["kid"] for key in body["keys"]] if form == "jwk" else list(body)
    assert names == [good.record.key_id]
    assert answer.header("cache-control") == "public, max-age=598"
    if form == "jwk":
        assert set(body["keys"][0]) == {"kid", "alg", "use", "kty", "n", "e"}
    site.clock.advance(600)
    assert site.get(address).status == 404


def test_an_account_that_does_not_exist_has_no_keys(site: harness.Site) -> None:
    """It looks as one that has none."""
    unknown = site.get(f"{ROOT}/robot/v1/metadata/x509/nobody@example.com")
    keyless = site.get(f"{ROOT}/robot/v1/metadata/x509/{seeds.TARGET}")
    assert unknown.status == keyless.status == 404
    assert unknown.json()["error"]["message"] == keyless.json()["error"]["message"]
