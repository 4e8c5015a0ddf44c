"""Programs that administer applications, attacked: what a token with some scopes must not lead to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio import codec
from intaglio.tokens import jwk
from tests import harness

ROOT = "http://localhost:8083"
API = ROOT + "/api/v2/"
CLIENTS = API + "clients"


class Manager:
    """A program with some scopes of that API."""

    def __init__(self, site: harness.Site, *scope: str) -> None:
        self.site = site
        site.change_client("machine", audiences=(API,), scope=scope)
        form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
        answer = site.post(ROOT + "/oauth/token", form | {"audience": API, "scope": " ".join(scope)})
        self.headers = {"authorization": f"Bearer {answer.json()['access_token']}"}

    def call(self, method: str, path: str = "", payload: Any = None) -> harness.Answer:
        """Call the API."""
        given = {} if payload is None else {"payload": payload}
        return self.site.request(method, CLIENTS + path, headers=self.headers, **given)


def _jwks() -> str:
    return codec.encode_json({"keys": [jwk.public_members(jwk.generate("ES256").public())]}).decode()


def _keyed(site: harness.Site, client_id: str, **changes: Any) -> None:
    site.add_client(
        client_id, secret="old-secret", grant_types=("client_credentials",), response_types=(), scope=("x",)
    )
    site.change_client(client_id, **changes)


@pytest.mark.parametrize("how", ["expired", "by key alone", "public"])
def test_whoever_updates_an_application_gets_no_secret_of_it(site: harness.Site, how: str) -> None:
    """A secret is for who may see keys: an expired one, or none, does not bring a new one by `update:clients`."""
    _keyed(site, "batch")
    if how == "expired":
        old = site.client("batch").secrets[0]
        site.change_client("batch", secrets=(msgspec.structs.replace(old, expires_at=harness.NOW - 10),))
    elif how == "by key alone":
        site.change_client("batch", secrets=(), token_endpoint_auth_methods=("private_key_jwt",), jwks=_jwks())
    else:
        site.change_client(
            "batch",
            secrets=(),
            token_endpoint_auth_methods=("none",),
            grant_types=("authorization_code",),
            response_types=("code",),
        )
    manager = Manager(site, "read:clients", "update:clients")
    before = site.client("batch")
    body: dict[str, Any] = {"name": "New"} if how == "expired" else {"token_endpoint_auth_method": "client_secret_post"}
    answer = manager.call("PATCH", "/batch", body)
    assert "client_secret" not in answer.json()
    if how != "expired":
        assert answer.status == 403, answer.text
        assert site.client("batch") == before
    live = [one for one in site.client("batch").secrets if one.expires_at is None or one.expires_at > harness.NOW]
    assert live == []


@pytest.mark.parametrize(
    "members",
    [
        {"scope": "openid read:clients"},
        {"audiences": [API]},
        {"dialects": {"microsoft": {"x": 1}}},
        {"sign_in_audience": "everyone"},
        {"home_tenant_id": "x"},
        {"tenant_id": "x"},
        {"secrets": []},
        {"consented_scope": ["x"]},
        {"claim_rules": []},
        {"registration_digest": "eA=="},
        {"development": True},
        {"disabled_at": None},
        {"require_pkce": False},
        {"assignment_required": False},
        {"own": {"x": 1}},
    ],
    ids=lambda one: next(iter(one)),
)
def test_no_member_reaches_what_it_is_not_about(site: harness.Site, members: dict[str, Any]) -> None:
    """Members that are called like fields of ours are told again at most; nothing of the application follows them."""
    manager = Manager(site, "read:clients", "update:clients")
    before = site.client("web")
    answer = manager.call("PATCH", "/web", members)
    assert answer.status in (200, 400)
    after = site.client("web")
    assert msgspec.structs.replace(after, dialects=before.dialects) == before
    assert set(after.dialects) <= {"auth0", *before.dialects}


def test_no_secret_is_told_but_a_new_one(site: harness.Site) -> None:
    """Neither a list nor one application shows a secret or what is kept of one."""
    manager = Manager(site, "read:clients", "read:client_keys")
    told = manager.call("GET").text + manager.call("GET", "/web").text
    for word in ('client_secret"', "digest", "sealed", "secrets", "registration_"):
        assert word not in told


@pytest.mark.parametrize(
    "members",
    [
        {"require_proof_of_possession": True},
        {"compliance_level": "fapi2_sp_pkj_mtls"},
        {"client_authentication_methods": {"private_key_jwt": {"credentials": [{"id": "cred_1"}]}}},
        {"signed_request_object": {"required": True}},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_protection_that_is_not_there_is_not_told(site: harness.Site, members: dict[str, Any]) -> None:
    """What would guard an application, and nothing here enforces, is refused in place of being kept and told."""
    manager = Manager(site, "read:clients", "update:clients")
    before = site.client("web")
    assert manager.call("PATCH", "/web", members).status == 400
    assert site.client("web") == before
    harmless = {"require_proof_of_possession": False, "compliance_level": "none", "signed_request_object": None}
    assert manager.call("PATCH", "/web", harmless).status == 200
