"""Pools and providers over the network: what clients of iam.v1 send and are answered, and who may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intaglio.names import TenantId
from intaglio.server.devmode import seeds
from intaglio.server.model import audit, policies, resources
from intaglio.server.model.policies import Binding, Policy
from tests import authorities, foreign, harness, workloads
from tests.capability import capability

ROOT = "http://localhost:8081/v1/projects/demo-project/locations/global/workloadIdentityPools"
NUMBERED = "projects/100000000001/locations/global/workloadIdentityPools"
ADMIN = "roles/iam.workloadIdentityPoolAdmin"
OIDC = {"issuerUri": foreign.ISSUER, "jwksJson": foreign.JWKS}
PROVIDER = {
    "displayName": "Acme CI",
    "attributeMapping": {"google.subject": "assertion.sub"},
    "attributeCondition": "assertion.repository == 'acme/app'",
    "oidc": OIDC,
}


@pytest.fixture
def site() -> Any:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened


def bearer(site: harness.Site, role: str = ADMIN) -> str:
    """Return a token of the seeded account, which has a role on the project."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    member = f"serviceAccount:{worker.email}"
    at = resources.project(seeds.PROJECT)
    binding = Binding(role, (member,))
    policy = Policy(TenantId(seeds.TENANT_ID), at, (binding,), "E1", harness.NOW, identities={member: worker.unique_id})
    assert site.write(policies.write, policy, "")
    site.settle()
    return workloads.token(site, worker)


def call(site: harness.Site, method: str, path: str, token: str, body: Any = None) -> harness.Answer:
    """Call the API."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    where = path if path.startswith("http") else ROOT + path
    return site.request(method, where, headers=headers, payload=body)


def done(answer: harness.Answer) -> dict[str, Any]:
    """Return what an operation that is complete came to."""
    assert answer.status == 200, answer.text
    told = answer.json()
    assert told["done"] is True
    response: dict[str, Any] = told["response"]
    return response


@capability("federated-pools-api", witness="JSON of the discovery document iam.v1")
def test_the_life_of_a_pool(site: harness.Site) -> None:
    """Made, read, listed, patched, deleted, brought back; each change is an operation that is complete."""
    token = bearer(site)
    made = call(site, "POST", "?workloadIdentityPoolId=builders", token, {"displayName": "Builders"})
    assert made.json()["name"].startswith(f"{NUMBERED}/builders/operations/")
    pool = done(made)
    assert pool == {
        "@type": "type.googleapis.com/google.iam.v1.WorkloadIdentityPool",
        "name": f"{NUMBERED}/builders",
        "displayName": "Builders",
        "mode": "FEDERATION_ONLY",
        "state": "ACTIVE",
    }
    assert call(site, "GET", "/builders", token).json() == {k: v for k, v in pool.items() if k != "@type"}
    patched = call(site, "PATCH", "/builders?updateMask=description,disabled", token, {"disabled": True})
    assert (done(patched)["disabled"], done(patched)["displayName"]) == (True, "Builders")
    assert done(call(site, "DELETE", "/builders", token))["state"] == "DELETED"
    assert call(site, "GET", "", token).json() == {}
    (listed,) = call(site, "GET", "?showDeleted=true", token).json()["workloadIdentityPools"]
    assert listed["expireTime"] == "2027-02-14T08:00:01Z"
    assert done(call(site, "POST", "/builders:undelete", token))["state"] == "ACTIVE"
    actions = [entry.action for entry in site.read(audit.page, seeds.TENANT_ID, audit.LAST, 10)]
    assert actions == ["pool.undelete", "pool.delete", "pool.update", "pool.create"]


def test_the_life_of_a_provider(site: harness.Site) -> None:
    """An exchange works as soon as it is made, and not when it is deleted."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    providers = "/builders/providers"
    made = done(call(site, "POST", f"{providers}?workloadIdentityPoolProviderId=example-ci", token, PROVIDER))
    assert made["name"] == f"{NUMBERED}/builders/providers/example-ci"
    assert made["oidc"] == OIDC
    assert foreign.exchange(site, foreign.token()).status == 200
    one = f"{providers}/example-ci"
    patch = {"attributeCondition": "assertion.repository == 'acme/other'"}
    assert done(call(site, "PATCH", f"{one}?updateMask=attributeCondition", token, patch))["oidc"] == OIDC
    assert foreign.exchange(site, foreign.token()).json()["error"] == "unauthorized_client"
    call(site, "PATCH", f"{one}?updateMask=attribute_condition,oidc.allowed_audiences", token, {})
    read = call(site, "GET", one, token).json()
    assert "attributeCondition" not in read
    done(call(site, "DELETE", one, token))
    assert foreign.exchange(site, foreign.token()).json()["error"] == "invalid_target"
    done(call(site, "POST", f"{one}:undelete", token))
    assert foreign.exchange(site, foreign.token()).status == 200


def test_trust_anchors(site: harness.Site) -> None:
    """A provider of client certificates goes there and back."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    store = {"trustStore": {"trustAnchors": [{"pemCertificate": authorities.ROOT.pem}]}}
    body = {"attributeMapping": {"google.subject": "assertion.subject.dn.cn"}, "x509": store}
    made = done(call(site, "POST", "/builders/providers?workloadIdentityPoolProviderId=machines", token, body))
    assert made["x509"] == store


def test_a_page_after_the_other(site: harness.Site) -> None:
    """As many as were asked for, and where to go on."""
    token = bearer(site)
    for name in ("pool-a", "pool-b", "pool-c"):
        call(site, "POST", f"?workloadIdentityPoolId={name}", token, {})
    first = call(site, "GET", "?pageSize=2", token).json()
    assert [one["name"][-6:] for one in first["workloadIdentityPools"]] == ["pool-a", "pool-b"]
    second = call(site, "GET", f"?pageSize=2&pageToken={first['nextPageToken']}", token).json()
    assert [one["name"][-6:] for one in second["workloadIdentityPools"]] == ["pool-c"]
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "?workloadIdentityPoolId=builders"),
        ("GET", ""),
        ("GET", "/builders"),
        ("PATCH", "/builders"),
        ("DELETE", "/builders"),
        ("POST", "/builders:undelete"),
        ("POST", "/builders/providers?workloadIdentityPoolProviderId=example-ci"),
        ("GET", "/builders/providers"),
        ("GET", "/builders/providers/example-ci"),
        ("PATCH", "/builders/providers/example-ci"),
        ("DELETE", "/builders/providers/example-ci"),
        ("POST", "/builders/providers/example-ci:undelete"),
    ],
)
def test_who_may(site: harness.Site, method: str, path: str) -> None:
    """Nobody without a token; a viewer reads and changes nothing; what is not there looks like what is not allowed."""
    token = bearer(site, "roles/iam.workloadIdentityPoolViewer")
    assert call(site, method, path, "").status == 401
    absent = ROOT.replace("demo-project", "no-project") + path
    faces = {(call(site, method, absent, token).status, "absent")}
    answer = call(site, method, path, token, {} if method in ("POST", "PATCH") else None)
    if method == "GET":
        assert answer.status in (200, 404)
    else:
        faces.add((answer.status, "absent"))
        assert answer.json()["error"]["status"] == "PERMISSION_DENIED"
    assert faces == {(403, "absent")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"oidc": OIDC}, "mapping of google.subject"),
        (PROVIDER | {"oidc": {"issuerUri": "http://ci.example.com"}}, "The scheme must be https"),
        (PROVIDER | {"oidc": OIDC | {"issuerUri": "https://ci.example.com?x=y"}}, "query or a fragment"),
        (PROVIDER | {"oidc": OIDC | {"jwksJson": "{}"}}, "key set cannot be used"),
        (PROVIDER | {"oidc": OIDC | {"allowedAudiences": ["a"] * 2}}, "different"),
        (PROVIDER | {"oidc": OIDC | {"allowedAudiences": [str(n) for n in range(11)]}}, "at most 10"),
        (PROVIDER | {"oidc": OIDC | {"allowedAudiences": ["*"]}}, "without *"),
        (PROVIDER | {"oidc": OIDC | {"allowedAudiences": "a"}}, "oidc.allowedAudiences"),
        (PROVIDER | {"attributeCondition": "assertion.x =="}, "expression"),
        (PROVIDER | {"attributeCondition": "request.time > 1"}, "there is no variable request"),
        (
            PROVIDER | {"attributeMapping": {"google.subject": "assertion.sub", "attribute.Bad": "'x'"}},
            "attribute.NAME",
        ),
        (PROVIDER | {"attributeMapping": {"google.subject": 1}}, "attributeMapping"),
        (PROVIDER | {"aws": {"accountId": "1"}}, "Invalid value at 'aws'"),
        (PROVIDER | {"saml": {"idpMetadataXml": "<x/>"}}, "Invalid value at 'saml'"),
        (PROVIDER | {"oidc": OIDC | {"clientId": "x"}}, "Invalid value at 'oidc.clientId'"),
        (PROVIDER | {"displayName": "x" * 33}, "display_name"),
        (PROVIDER | {"x509": {"trustStore": {"trustAnchors": [{"pemCertificate": "x"}]}}}, "kind"),
        ({"attributeMapping": {"google.subject": "assertion.sub"}}, "kind"),
    ],
)
def test_what_no_provider_can_be(site: harness.Site, body: dict[str, Any], expected: str) -> None:
    """Who may make one is told what is wrong with it."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    answer = call(site, "POST", "/builders/providers?workloadIdentityPoolProviderId=example-ci", token, body)
    assert answer.status == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert expected in answer.json()["error"]["message"]


def test_our_own_issuer_needs_a_condition(site: harness.Site) -> None:
    """Every account of the installation can have a token of it, for any audience."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    body = PROVIDER | {"oidc": {"issuerUri": "http://localhost:8081"}}
    where = "/builders/providers?workloadIdentityPoolProviderId=example-ci"
    answer = call(site, "POST", where, token, body | {"attributeCondition": ""})
    assert "needs a condition" in answer.json()["error"]["message"]
    done(call(site, "POST", where, token, body))
    answer = call(site, "PATCH", "/builders/providers/example-ci?updateMask=attributeCondition", token, {})
    assert answer.status == 400


@pytest.mark.parametrize("name", ["", "abc", "a" * 33, "Builders", "gcp-builders", "a_bcd", "%0abcde"])
def test_what_no_pool_is_called(site: harness.Site, name: str) -> None:
    """4 to 32 of a-z, 0-9 and hyphen; `gcp-` is reserved."""
    assert call(site, "POST", f"?workloadIdentityPoolId={name}", bearer(site), {}).status == 400


def test_a_name_is_never_given_twice(site: harness.Site) -> None:
    """Not even when the pool of that name is long gone: policies still name it."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    assert call(site, "POST", "?workloadIdentityPoolId=builders", token, {}).status == 409
    call(site, "DELETE", "/builders", token)
    site.clock.advance(40 * 86_400)
    token = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert (
        call(site, "POST", "?workloadIdentityPoolId=builders", token, {}).json()["error"]["status"] == "ALREADY_EXISTS"
    )
    assert call(site, "POST", "/builders:undelete", token).status == 404


@pytest.mark.parametrize("query", ["?updateMask=nonsense", "?updateMask=disabled,nonsense", "?updateMask=oidc"])
def test_a_mask_that_names_nothing(site: harness.Site, query: str) -> None:
    """A field that a pool has not."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    assert call(site, "PATCH", f"/builders{query}", token, {}).status == 400


@pytest.mark.parametrize("body", [b"x", b"[]", b"1", b'{"disabled": "x"}', b'{"displayName": 1}', b"\xff"])
def test_a_body_that_is_none(site: harness.Site, body: bytes) -> None:
    """Refused, and nothing unforeseen happens."""
    token = bearer(site)
    with harness.logged() as log:
        answer = site.request(
            "POST",
            ROOT + "?workloadIdentityPoolId=builders",
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
            body=body,
        )
    assert answer.status == 400
    assert log.traces == []


def test_the_log_keeps_which_condition_was_in_force(site: harness.Site) -> None:
    """Each version of a provider's rules, and who wrote it."""
    token = bearer(site)
    call(site, "POST", "?workloadIdentityPoolId=builders", token, {})
    call(site, "POST", "/builders/providers?workloadIdentityPoolProviderId=example-ci", token, PROVIDER)
    patch = {"attributeCondition": "assertion.repository == 'acme/other'"}
    call(site, "PATCH", "/builders/providers/example-ci?updateMask=attributeCondition", token, patch)
    entries = site.read(audit.page, seeds.TENANT_ID, audit.LAST, 10)
    assert [entry.detail.get("condition") for entry in entries if entry.action.startswith("provider.")] == [
        "assertion.repository == 'acme/other'",
        "assertion.repository == 'acme/app'",
    ]
    assert {entry.principal for entry in entries} == {f"serviceAccount:{seeds.ACCOUNT}"}
    assert json.loads(foreign.JWKS)["keys"][0]["x"] not in repr(entries)
