"""Who calls: tokens of workloads and of people, and what an account signed itself; nothing else is a credential."""

from __future__ import annotations

import json
from typing import Any

import jwt
import msgspec
import pytest

from intaglio import ids
from intaglio.protocol.principals import Principal
from intaglio.server.devmode import seeds
from intaglio.server.model import accountkeys, grants
from intaglio.server.model.grants import AccessToken, Grant
from tests import harness, workloads
from tests.capability import capability
from tests.workloads import CLOUD, ROOT


def person_token(site: harness.Site, username: str = "alice", **changes: Any) -> str:
    """Return a person's access token as sign-in gives it."""
    text, user = ids.opaque(), site.user(username)
    usual: dict[str, Any] = {
        "grant_id": ids.new_uuid(),
        "tenant_id": seeds.TENANT_ID,
        "issuer": ROOT,
        "client_id": "web",
        "user_id": user.user_id,
        "session_id": "",
        "scope": f"openid {CLOUD}",
        "auth_time": harness.NOW,
        "acr": "",
        "amr": "",
        "created_at": harness.NOW,
        "expires_at": harness.NOW + 86400,
    }
    grant = Grant(**(usual | changes))
    site.write(grants.grant_insert, grant)
    token = AccessToken(ids.digest(text), grant.grant_id, grant.scope, harness.NOW, harness.NOW + 3600)
    site.write(grants.access_insert, token)
    return text


def refused(answer: harness.Answer) -> dict[str, Any]:
    """Return the error of a 401 in the form of the APIs."""
    assert answer.status == 401, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
    assert error["message"].startswith("Request had invalid authentication credentials. Expected OAuth 2 access token")
    assert answer.header("www-authenticate") == f'Bearer realm="{ROOT}/", error="invalid_token"'
    return dict(error)


def test_without_a_token(site: harness.Site) -> None:
    """401 with a challenge that tells no error, and the reason in the details."""
    answer = workloads.id_token(site, seeds.TARGET, "")
    assert (answer.status, answer.header("www-authenticate")) == (401, f'Bearer realm="{ROOT}/"')
    error = answer.json()["error"]
    assert error["message"].startswith("Request is missing required authentication credential.")
    assert error["details"][0]["reason"] == "CREDENTIALS_MISSING"


@pytest.mark.parametrize("text", ["ya29.x", "ya29.eyJhbGciOiJkaXIifQ..a.b.c", "opaque", "a.b.c", "ya29." + "x" * 9000])
def test_texts_that_are_no_tokens(site: harness.Site, text: str) -> None:
    """One face for all, and no trace."""
    with harness.logged() as log:
        refused(workloads.id_token(site, seeds.TARGET, text))
    assert log.traces == []


def test_a_token_in_the_query_is_none(site: harness.Site) -> None:
    """RFC 9700 4.3.2: an address is written down everywhere."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    answer = workloads.id_token(site, seeds.TARGET, "", query=f"?access_token={bearer}")
    assert answer.status == 401


def test_two_tokens_are_none(site: harness.Site) -> None:
    """Nobody picks one of them."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    where = f"{ROOT}/v1/projects/-/serviceAccounts/{seeds.TARGET}:generateIdToken"
    twice = [("authorization", f"Bearer {bearer}")] * 2 + [("content-type", "application/json")]
    refused(site.request("POST", where, headers=twice, body=b'{"audience":"a"}'))


def test_an_id_token_calls_nothing(site: harness.Site) -> None:
    """An ID token of a user or an account says who somebody is; the answer says what is needed instead."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    for text in (
        workloads.id_token(site, seeds.TARGET, bearer, includeEmail=True).json()["token"],
        jwt.encode({"iss": "https://accounts.google.com", "aud": ROOT}, "s" * 32),
    ):
        error = refused(workloads.id_token(site, seeds.TARGET, text))
        assert "ID token" in error["message"]
        assert error["message"].endswith("opens no API. Present an access token.")
        assert error["details"][0]["reason"] == "ACCESS_TOKEN_TYPE_UNSUPPORTED"


@pytest.mark.parametrize("scope", [("openid",), ("https://www.googleapis.com/auth/devstorage.read_only",)])
def test_a_narrow_token(site: harness.Site, scope: tuple[str, ...]) -> None:
    """403 with the reason that clients know, whatever the account may do."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT), *scope)
    answer = workloads.id_token(site, seeds.TARGET, bearer)
    error = answer.json()["error"]
    assert (answer.status, error["status"]) == (403, "PERMISSION_DENIED")
    assert error["message"] == "Request had insufficient authentication scopes."
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_the_smaller_scope_is_enough(site: harness.Site) -> None:
    """`iam` instead of `cloud-platform`, as one client asks where impersonation follows."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT), "https://www.googleapis.com/auth/iam")
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200


def test_tokens_of_elsewhere(site: harness.Site) -> None:
    """Another tenant's, another issuer's, an expired, a withdrawn one."""
    worker, tokens = workloads.seeded(site, seeds.ACCOUNT), site.hall.works.tokens
    bearer = workloads.token(site, worker)
    bearing = tokens.read(bearer, seeds.TENANT_ID, ROOT, "ya29.", harness.NOW)
    assert bearing is not None
    other = site.add_tenant("other")
    refused(workloads.id_token(site, seeds.TARGET, tokens.issue(bearing, other.tenant_id, ROOT, "ya29.")))
    refused(workloads.id_token(site, seeds.TARGET, tokens.issue(bearing, seeds.TENANT_ID, "http://x", "ya29.")))
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200
    assert site.post(ROOT + "/revoke", {"token": bearer}).status == 200
    refused(workloads.id_token(site, seeds.TARGET, bearer))
    brief = workloads.token(site, worker, lifetime=10)
    site.clock.advance(10)
    refused(workloads.id_token(site, seeds.TARGET, brief))


def test_a_disabled_account_calls_nothing(site: harness.Site) -> None:
    """Its tokens end within a second; so do a deleted one's."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer = workloads.token(site, worker)
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200
    workloads.change(site, worker, disabled_at=harness.NOW)
    refused(workloads.id_token(site, seeds.TARGET, bearer))
    workloads.change(site, worker, deleted_at=harness.NOW)
    refused(workloads.id_token(site, seeds.TARGET, bearer))


# --- people


def test_a_person_acts(site: harness.Site) -> None:
    """Alice may act as the seeded target; the log names her."""
    answer = workloads.id_token(site, seeds.TARGET, person_token(site))
    assert workloads.claims(answer)["sub"] == seeds.TARGET_ID
    entry = workloads.log(site)[0]
    assert (entry.principal, entry.chain) == ("user:alice@example.com", (f"user:{seeds.ALICE_ID}",))
    assert entry.detail["credential"] == "user token"


def test_an_unconfirmed_address_opens_nothing(site: harness.Site) -> None:
    """An address that nobody confirmed is not whom a binding means."""
    site.change_user("alice", claims=seeds.ALICE | {"email_verified": False})
    assert workloads.id_token(site, seeds.TARGET, person_token(site)).status == 403
    site.change_user("alice", claims=seeds.ALICE | {"email_verified": "true"})
    assert workloads.id_token(site, seeds.TARGET, person_token(site)).status == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://localhost:8080/default"},
        {"user_id": ""},
        {"user_id": "00000000-0000-4000-8000-00000000ffff"},
        {"client_id": "nobody"},
        {"revoked": True},
        {"disabled": "user"},
        {"disabled": "client"},
    ],
)
def test_people_s_tokens_that_are_not_good(site: harness.Site, changes: dict[str, Any]) -> None:
    """Another dialect's, a client's own, a revoked one, one of a disabled user or client."""
    given = {name: value for name, value in changes.items() if name not in ("revoked", "disabled")}
    text = person_token(site, **given)
    if changes.get("revoked"):
        held = site.read(grants.access_with_grant, ids.digest(text), harness.NOW)
        site.write(grants.grant_revoke, held[1].grant_id, harness.NOW)
    if changes.get("disabled") == "user":
        site.change_user("alice", disabled_at=harness.NOW)
    if changes.get("disabled") == "client":
        site.change_client("web", disabled_at=harness.NOW)
    refused(workloads.id_token(site, seeds.TARGET, text))


def test_a_person_s_token_takes_the_scope(site: harness.Site) -> None:
    """A sign-in alone lets no application act as the person's accounts."""
    assert workloads.id_token(site, seeds.TARGET, person_token(site, scope="openid email")).status == 403


# --- an account's own signature


def self_signed(site: harness.Site, **members: Any) -> dict[str, Any]:
    """Return the claims of a self-signed JWT as clients make it; None leaves one out."""
    usual = {"iss": seeds.ACCOUNT, "sub": seeds.ACCOUNT, "aud": None, "scope": CLOUD}
    return workloads.assertion(site, workloads.seeded(site, seeds.ACCOUNT), **(usual | members))


@capability("act-self-signed", witness="PyJWT")
@pytest.mark.parametrize("kid", [True, False])
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"scope": None, "aud": "https://iamcredentials.googleapis.com/"},
        {"scope": None, "aud": "https://iamcredentials.googleapis.com"},
        {"scope": None, "aud": ROOT + "/"},
        {"aud": ROOT},
        {"scope": f"openid {CLOUD}"},
    ],
)
def test_a_self_signed_jwt(site: harness.Site, members: dict[str, Any], kid: bool) -> None:
    """By scope or by audience, with and without the key's name."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    workloads.key(site, worker, 2)
    key = workloads.key(site, worker)
    answer = workloads.id_token(site, seeds.TARGET, key.sign(self_signed(site, **members), kid=kid))
    assert workloads.claims(answer)["sub"] == seeds.TARGET_ID
    assert workloads.log(site)[0].detail["credential"] == "own key"


@pytest.mark.parametrize(
    "members",
    [
        {"sub": None},
        {"sub": seeds.TARGET},
        {"iss": seeds.TARGET, "sub": seeds.TARGET},
        {"iss": seeds.ACCOUNT_ID, "sub": seeds.ACCOUNT_ID},
        {"iss": "nobody@example.com", "sub": "nobody@example.com"},
        {"aud": "https://oauth2.googleapis.com/token"},
        {"scope": None, "aud": "https://storage.example.com/"},
        {"aud": [ROOT, "https://storage.example.com/"]},
        {"aud": 7},
        {"scope": None},
        {"scope": ""},
        {"exp": None},
        {"iat": None},
        {"exp": harness.NOW + 3700},
        {"iat": harness.NOW - 4000, "exp": harness.NOW - 400},
        {"iat": harness.NOW + 400, "exp": harness.NOW + 500},
        {"nbf": harness.NOW + 400},
        {"exp": "tomorrow"},
        {"exp": True},
    ],
)
def test_self_signed_jwts_that_are_not_good(site: harness.Site, members: dict[str, Any]) -> None:
    """Wrong subject, wrong audience, neither audience nor scope, wrong times."""
    key = workloads.key(site, workloads.seeded(site, seeds.ACCOUNT))
    with harness.logged() as log:
        refused(workloads.id_token(site, seeds.TARGET, key.sign(self_signed(site, **members))))
    assert log.traces == []


def test_a_self_signed_jwt_is_signed_by_a_registered_key(site: harness.Site) -> None:
    """Not by another account's, a stranger's, a disabled, an expired, a deleted one; not under another name."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    claims = self_signed(site)
    stranger = workloads.key(site, workloads.seeded(site), 2)
    refused(workloads.id_token(site, seeds.TARGET, stranger.sign(claims, kid=False)))
    refused(workloads.id_token(site, seeds.TARGET, stranger.sign(claims)))
    refused(workloads.id_token(site, seeds.TARGET, jwt.encode(claims, key.private, "RS512")))
    refused(workloads.id_token(site, seeds.TARGET, jwt.encode(claims, key.private, "PS256")))
    refused(workloads.id_token(site, seeds.TARGET, jwt.encode(claims, "s" * 32, "HS256")))
    refused(workloads.id_token(site, seeds.TARGET, jwt.encode(claims, None, "none")))
    refused(workloads.id_token(site, seeds.TARGET, key.sign(claims, kid=False, typ="at+jwt")))
    for changes in ({"disabled_at": harness.NOW}, {"expires_at": harness.NOW}):
        site.write(accountkeys.replace, msgspec.structs.replace(key.record, **changes))
        site.settle()
        refused(workloads.id_token(site, seeds.TARGET, key.sign(claims)))
    site.write(accountkeys.replace, key.record)
    site.settle()
    assert workloads.id_token(site, seeds.TARGET, key.sign(claims)).status == 200


def test_what_the_server_signed_is_no_credential(site: harness.Site) -> None:
    """The way that led to a signature would be lost: neither a bearer nor an access token is made of one."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    target = workloads.seeded(site)
    claims = self_signed(site, iss=target.email, sub=target.email)
    signed = workloads.post(site, "signJwt", target, bearer, payload=json.dumps(claims)).json()["signedJwt"]
    site.settle()
    refused(workloads.id_token(site, seeds.TARGET, signed))
    claims = workloads.assertion(site, target, scope=CLOUD)
    signed = workloads.post(site, "signJwt", target, bearer, payload=json.dumps(claims)).json()["signedJwt"]
    answer = workloads.exchange(site, signed)
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@capability("act-self-signed", witness="PyJWT")
def test_an_own_key_gets_the_account_s_own_tokens(site: harness.Site) -> None:
    """Who has just signed with the account's key is the account: no permission on itself is asked for, as at /token."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    key = workloads.key(site, worker)
    text = key.sign(self_signed(site))
    assert workloads.claims(workloads.id_token(site, worker, text))["sub"] == worker.unique_id
    assert workloads.log(site)[0].detail["grounds"] == "the account's own key"
    given = workloads.access_token(site, worker, text).json()["accessToken"]
    bearing = site.hall.works.tokens.read(given, seeds.TENANT_ID, ROOT, "ya29.", site.clock.now())
    assert bearing is not None
    assert bearing.lineage == ()
    # What it was given is no key: it does not renew itself.
    assert workloads.access_token(site, worker, given).status == 403
    assert workloads.id_token(site, worker, given).status == 403
    # The server's own key for the account is not at hand by that.
    assert workloads.post(site, "signBlob", worker, text, payload="YQ==").status == 403


def test_a_name_that_differs_from_a_user_s(site: harness.Site) -> None:
    """A user whose id or name is an account's number is a user all the same."""
    somebody = Principal("user", seeds.ACCOUNT_ID, "")
    assert workloads.id_token(site, seeds.TARGET, workloads.token(site, somebody)).status == 403
