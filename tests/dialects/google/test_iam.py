"""The IAM API: who may administer, what each method answers, and in which shapes."""

from __future__ import annotations

import base64
import json
import pathlib
import subprocess
from typing import Any

import jwt
import pytest
from google.oauth2 import service_account

from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.devmode import seeds
from intaglio.server.model import policies, pools, serviceaccounts
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.pools import Pool
from tests import harness, workloads
from tests.capability import capability
from tests.workloads import ROOT

PROJECT = f"/v1/projects/{seeds.PROJECT}"
ACCOUNTS = PROJECT + "/serviceAccounts"
TARGET = f"{ACCOUNTS}/{seeds.TARGET}"
WORKER = f"serviceAccount:{seeds.ACCOUNT}"
ADMIN, KEY_ADMIN, OWNER = "roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountKeyAdmin", "roles/owner"


def grant(site: harness.Site, *roles: str, resource: str = f"projects/{seeds.PROJECT}") -> str:
    """Give the worker roles on a resource (these and no others), and return its access token."""
    known = site.read(policies.of_resource, seeds.TENANT_ID, resource)
    bindings = tuple(Binding(role, (WORKER,)) for role in roles)
    policy = Policy(
        TenantId(seeds.TENANT_ID), resource, bindings, "A" * 16, harness.NOW, identities={WORKER: seeds.ACCOUNT_ID}
    )
    assert site.write(policies.write, policy, known.etag if known else "")
    site.settle()
    return workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))


def call(site: harness.Site, method: str, path: str, bearer: str, **given: Any) -> harness.Answer:
    """Call a method of the API."""
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    return site.request(method, ROOT + path, headers=headers, **given)


def error(answer: harness.Answer) -> tuple[int, str]:
    """Return how an answer refuses."""
    told = answer.json()["error"]
    assert told["code"] == answer.status
    return answer.status, told["status"]


ROWS: list[tuple[str, str, Any, str]] = [
    ("POST", ACCOUNTS, {"accountId": "builder"}, "iam.serviceAccounts.create"),
    ("GET", ACCOUNTS, None, "iam.serviceAccounts.list"),
    ("GET", TARGET, None, "iam.serviceAccounts.get"),
    ("PATCH", TARGET, {"serviceAccount": {}, "updateMask": "description"}, "iam.serviceAccounts.update"),
    ("PUT", TARGET, {}, "iam.serviceAccounts.update"),
    ("POST", TARGET + ":disable", {}, "iam.serviceAccounts.disable"),
    ("POST", TARGET + ":enable", {}, "iam.serviceAccounts.enable"),
    ("DELETE", TARGET, None, "iam.serviceAccounts.delete"),
    ("POST", f"{ACCOUNTS}/{seeds.TARGET_ID}:undelete", {}, "iam.serviceAccounts.undelete"),
    ("POST", TARGET + ":getIamPolicy", {}, "iam.serviceAccounts.getIamPolicy"),
    ("POST", TARGET + ":setIamPolicy", {"policy": {}}, "iam.serviceAccounts.setIamPolicy"),
    ("POST", TARGET + "/keys", {}, "iam.serviceAccountKeys.create"),
    ("POST", TARGET + "/keys:upload", {"publicKeyData": "eA=="}, "iam.serviceAccountKeys.upload"),
    ("GET", TARGET + "/keys", None, "iam.serviceAccountKeys.list"),
    ("GET", TARGET + "/keys/x", None, "iam.serviceAccountKeys.get"),
    ("DELETE", TARGET + "/keys/x", None, "iam.serviceAccountKeys.delete"),
    ("POST", TARGET + "/keys/x:disable", {}, "iam.serviceAccountKeys.disable"),
    ("POST", TARGET + "/keys/x:enable", {}, "iam.serviceAccountKeys.enable"),
    ("POST", PROJECT + ":getIamPolicy", {}, "resourcemanager.projects.getIamPolicy"),
    ("POST", PROJECT + ":setIamPolicy", {"policy": {}}, "resourcemanager.projects.setIamPolicy"),
    ("POST", PROJECT + "/locations/x/services/demo-service:setIamPolicy", {"policy": {}}, "run.services.setIamPolicy"),
    ("GET", PROJECT + "/locations/x/services/demo-service:getIamPolicy", None, "run.services.getIamPolicy"),
]


@pytest.mark.parametrize(("method", "path", "payload", "permission"), ROWS)
def test_every_method_takes_its_permission(
    site: harness.Site, method: str, path: str, payload: Any, permission: str
) -> None:
    """Without a token 401, without the permission 403 that names it, and nothing is changed; told to the log."""
    assert error(call(site, method, path, "", payload=payload)) == (401, "UNAUTHENTICATED")
    assert error(call(site, method, path, "ya29.x", payload=payload)) == (401, "UNAUTHENTICATED")
    target = workloads.seeded(site)
    bearer = workloads.token(site, target)
    refused = call(site, method, path, bearer, payload=payload)
    assert error(refused) == (403, "PERMISSION_DENIED")
    assert refused.json()["error"]["details"][0]["metadata"] == {"permission": permission}
    assert workloads.seeded(site) == target
    entry = workloads.log(site)[0]
    assert (entry.action, entry.outcome, entry.detail) == ("administer", "denied", {"permission": permission})
    assert entry.principal == f"serviceAccount:{seeds.TARGET}"


@pytest.mark.parametrize(("method", "path", "payload"), [row[:3] for row in ROWS if seeds.TARGET in row[1]])
def test_what_is_not_there_looks_denied(site: harness.Site, method: str, path: str, payload: Any) -> None:
    """To a stranger, an account that is not there is one that may not be touched; whoever may ask learns of it."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    strange = path.replace(seeds.TARGET, "nobody@demo-project.iam.intaglio.test")
    unknown, known = (call(site, method, where, bearer, payload=payload) for where in (strange, path))
    if known.status == 403:
        assert error(unknown) == (403, "PERMISSION_DENIED")
        assert unknown.json()["error"]["message"] == known.json()["error"]["message"]
    bearer = grant(site, OWNER)
    assert error(call(site, method, strange, bearer, payload=payload)) == (404, "NOT_FOUND")


@capability("service-accounts-rest", witness="the API's own shapes")
def test_the_life_of_an_account(site: harness.Site) -> None:
    """POST, GET, PATCH, PUT, :disable, :enable, DELETE, :undelete, with the members that clients read."""
    bearer = grant(site, ADMIN)
    wanted = {"accountId": "builder", "serviceAccount": {"displayName": "Builder", "description": "Builds."}}
    made = call(site, "POST", ACCOUNTS, bearer, payload=wanted).json()
    email = "builder@demo-project.iam.intaglio.test"
    number = made["uniqueId"]
    assert made == {
        "name": f"projects/demo-project/serviceAccounts/{email}",
        "projectId": "demo-project",
        "uniqueId": number,
        "email": email,
        "displayName": "Builder",
        "description": "Builds.",
        "etag": made["etag"],
        "oauth2ClientId": number,
    }
    assert error(call(site, "POST", ACCOUNTS, bearer, payload=wanted)) == (409, "ALREADY_EXISTS")
    where = f"{ACCOUNTS}/{email}"
    for name in (email, number, email.replace("@", "%40")):
        for project in ("demo-project", "-", str(seeds.PROJECT_NUMBER)):
            assert call(site, "GET", f"/v1/projects/{project}/serviceAccounts/{name}", bearer).json() == made
    change = {"serviceAccount": {"displayName": "Other", "etag": made["etag"]}, "updateMask": "displayName"}
    changed = call(site, "PATCH", where, bearer, payload=change).json()
    assert (changed["displayName"], changed["description"]) == ("Other", "Builds.")
    assert error(call(site, "PATCH", where, bearer, payload=change)) == (409, "ABORTED")
    assert call(site, "PUT", where, bearer, payload={"displayName": "Third"}).json()["displayName"] == "Third"
    assert call(site, "POST", where + ":disable", bearer, payload={}).json() == {}
    assert call(site, "GET", where, bearer).json()["disabled"] is True
    assert call(site, "POST", where + ":enable", bearer).json() == {}
    assert "disabled" not in call(site, "GET", where, bearer).json()
    assert call(site, "DELETE", where, bearer).json() == {}
    assert error(call(site, "GET", where, bearer)) == (404, "NOT_FOUND")
    back = call(site, "POST", f"{ACCOUNTS}/{number}:undelete", bearer).json()
    assert back["restoredAccount"]["email"] == email
    actors = {entry.principal for entry in workloads.log(site) if entry.action.startswith("service-account.")}
    assert actors == {WORKER}


def test_accounts_are_listed_by_page(site: harness.Site) -> None:
    """Each once, in order, behind the token of the page before."""
    bearer = grant(site, ADMIN)
    for number in range(5):
        workloads.account(site, f"builder{number}")
    found, token = [], ""
    for _ in range(4):
        page = call(site, "GET", f"{ACCOUNTS}?pageSize=2&pageToken={token}", bearer).json()
        found += [one["email"] for one in page["accounts"]]
        token = page.get("nextPageToken", "")
    assert (found, token, len(found)) == (sorted(found), "", 7)
    for query in ("pageSize=0", "alt=json", "$alt=json;enum-encoding=int", "prettyPrint=true&quotaUser=x"):
        assert len(call(site, "GET", f"{ACCOUNTS}?{query}", bearer).json()["accounts"]) == 7
    for query in ("pageSize=x", "pageSize=-1", "pageToken=%21", "pageToken=_w"):
        assert error(call(site, "GET", f"{ACCOUNTS}?{query}", bearer)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("method", "path", "payload"),
    [
        ("POST", ACCOUNTS, {"accountId": "x"}),
        ("POST", ACCOUNTS, {"accountId": ["builder"]}),
        ("POST", ACCOUNTS, {"accountId": "builder", "serviceAccount": "x"}),
        ("POST", ACCOUNTS, {"accountId": "builder", "serviceAccount": {"displayName": "x" * 101}}),
        ("POST", ACCOUNTS, b"[]"),
        ("POST", ACCOUNTS, b"{"),
        ("PATCH", TARGET, {"serviceAccount": {"email": "x"}, "updateMask": "email"}),
        ("PATCH", TARGET, {"serviceAccount": {}}),
        ("POST", TARGET + "/keys", {"keyAlgorithm": "KEY_ALG_RSA_1024"}),
        ("POST", TARGET + "/keys", {"privateKeyType": "TYPE_PKCS12_FILE"}),
        ("POST", TARGET + "/keys:upload", {"publicKeyData": "!"}),
        ("POST", TARGET + "/keys:upload", {"publicKeyData": "eA=="}),
        ("GET", TARGET + "/keys?keyTypes=OTHER", None),
        ("POST", TARGET + ":setIamPolicy", {"policy": {"bindings": {}}}),
        ("POST", TARGET + ":setIamPolicy", {"policy": {"bindings": ["x"]}}),
        ("POST", TARGET + ":setIamPolicy", {"policy": {"version": 2}}),
        ("POST", TARGET + ":setIamPolicy", {"policy": {}, "updateMask": "etag"}),
        ("POST", TARGET + ":setIamPolicy", {"policy": {"bindings": [{"role": "roles/owner", "members": [1]}]}}),
        ("POST", TARGET + ":setIamPolicy", {"policy": {"bindings": [{"role": "roles/x", "members": [WORKER]}]}}),
        ("POST", TARGET + ":testIamPermissions", {"permissions": ["iam.*"]}),
        ("POST", TARGET + ":testIamPermissions", {"permissions": ["x"] * 101}),
    ],
)
def test_requests_that_are_none(site: harness.Site, method: str, path: str, payload: Any) -> None:
    """400 INVALID_ARGUMENT with what was expected, and nothing is changed."""
    bearer = grant(site, OWNER)
    assert error(call(site, method, path, bearer, payload=payload)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/demo-project%2Fservices%2Fdemo-service:getIamPolicy",
        "/v1/projects/demo-project/serviceAccounts/x%2F..%2Fy:getIamPolicy",
        "/v1/projects/demo-project/serviceAccounts/a%3Ab",
        "/v1/projects/demo-project:unknownMethod",
        f"{TARGET}:unknownMethod",
    ],
)
def test_a_slash_in_a_name_leads_nowhere(site: harness.Site, path: str) -> None:
    """No name can be made that means another kind of resource, and no unknown method is a name."""
    bearer = grant(site, OWNER)
    for method in ("GET", "POST"):
        assert error(call(site, method, path, bearer)) == (404, "NOT_FOUND")


def test_the_life_of_a_key(site: harness.Site) -> None:
    """Created with a file that google-auth reads, listed by kind, shown with its certificate, disabled, deleted."""
    bearer = grant(site, KEY_ADMIN)
    wanted = {"keyAlgorithm": "KEY_ALG_RSA_2048", "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE"}
    answer = call(site, "POST", TARGET + "/keys", bearer, payload=wanted)
    assert answer.header("cache-control") == "no-store"
    made = answer.json()
    file = json.loads(base64.b64decode(made.pop("privateKeyData")))
    read = service_account.Credentials.from_service_account_info(file)  # type: ignore[no-untyped-call]
    assert (read.service_account_email, read.project_id) == (seeds.TARGET, seeds.PROJECT)
    assert file["token_uri"] == ROOT + "/token"
    assert made.pop("privateKeyType") == "TYPE_GOOGLE_CREDENTIALS_FILE"
    name = f"projects/demo-project/serviceAccounts/{seeds.TARGET}/keys/{read.signer.key_id}"
    assert (made["name"], made["keyType"], made["keyOrigin"]) == (name, "USER_MANAGED", "GOOGLE_PROVIDED")
    where = "/v1/" + name
    assert call(site, "GET", where, bearer).json() == made
    shown = call(site, "GET", where + "?publicKeyType=TYPE_X509_PEM_FILE", bearer).json()
    assert base64.b64decode(shown["publicKeyData"]).startswith(b"-----BEGIN CERTIFICATE-----")
    raw = call(site, "GET", where + "?publicKeyType=TYPE_RAW_PUBLIC_KEY", bearer).json()
    assert base64.b64decode(raw["publicKeyData"]).startswith(b"-----BEGIN PUBLIC KEY-----")
    assert call(site, "GET", TARGET + "/keys?keyTypes=USER_MANAGED", bearer).json() == {"keys": [made]}
    assert call(site, "GET", TARGET + "/keys?keyTypes=SYSTEM_MANAGED", bearer).json() == {"keys": []}
    target = workloads.seeded(site)
    text = _assertion(site, target.email, file)
    assert workloads.exchange(site, text).status == 200
    assert call(site, "POST", where + ":disable", bearer, payload={}).json() == {}
    assert call(site, "GET", where, bearer).json()["disabled"] is True
    assert workloads.exchange(site, text).error == "invalid_grant"
    assert call(site, "POST", where + ":enable", bearer).json() == {}
    assert workloads.exchange(site, _assertion(site, target.email, file)).status == 200
    assert call(site, "DELETE", where, bearer).json() == {}
    assert workloads.exchange(site, _assertion(site, target.email, file)).error == "invalid_grant"
    assert error(call(site, "GET", where, bearer)) == (404, "NOT_FOUND")


def _assertion(site: harness.Site, email: str, file: dict[str, str]) -> str:
    now = site.clock.now()
    claims = {"iss": email, "sub": email, "aud": "https://oauth2.googleapis.com/token", "iat": now, "exp": now + 600}
    told = claims | {"target_audience": "https://api.example.com"}
    return jwt.encode(told, file["private_key"], "RS256", headers={"kid": file["private_key_id"]})


def test_the_key_that_the_server_keeps(site: harness.Site) -> None:
    """It is listed and shown, and nobody switches or deletes it."""
    worker = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.post(site, "signBlob", seeds.TARGET, worker, payload="eA==").status == 200
    bearer = grant(site, KEY_ADMIN)
    (key,) = call(site, "GET", TARGET + "/keys?keyTypes=SYSTEM_MANAGED", bearer).json()["keys"]
    where = "/v1/" + key["name"]
    assert call(site, "GET", where, bearer).json() == key
    assert error(call(site, "POST", where + ":disable", bearer)) == (404, "NOT_FOUND")
    assert error(call(site, "DELETE", where, bearer)) == (404, "NOT_FOUND")


def test_a_certificate_is_uploaded(site: harness.Site, tmp_path: pathlib.Path) -> None:
    """What OpenSSL made proves the account from then on."""
    bearer = grant(site, KEY_ADMIN)
    words = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=x -days 3650"
    subprocess.run(["openssl", *words.split()], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    data = base64.b64encode((tmp_path / "cert.pem").read_bytes()).decode()
    taken = call(site, "POST", TARGET + "/keys:upload", bearer, payload={"publicKeyData": data}).json()
    assert taken["keyOrigin"] == "USER_PROVIDED"
    file = {"private_key": (tmp_path / "key.pem").read_text(), "private_key_id": taken["name"].rpartition("/")[2]}
    assert workloads.exchange(site, _assertion(site, seeds.TARGET, file)).status == 200
    again = call(site, "POST", TARGET + "/keys:upload", bearer, payload={"publicKeyData": data})
    assert error(again) == (409, "ALREADY_EXISTS")


@capability("policy-rest", witness="the API's own shapes")
@pytest.mark.parametrize("path", [TARGET, PROJECT, PROJECT + "/locations/europe-west1/services/demo-service"])
def test_a_policy_is_read_and_written(site: harness.Site, path: str) -> None:
    """With version, etag and bindings; in force at once, and never over a version that was not read."""
    bearer = grant(site, OWNER)
    read = call(site, "POST", path + ":getIamPolicy", bearer, payload={"options": {"requestedPolicyVersion": 3}}).json()
    assert set(read) == {"version", "etag", "bindings"}
    bindings = [*read["bindings"], {"role": "roles/run.invoker", "members": ["user:alice@example.com"]}]
    wanted = {"policy": {"etag": read["etag"], "bindings": bindings}}
    written = call(site, "POST", path + ":setIamPolicy", bearer, payload=wanted).json()
    assert written["bindings"][-1] == bindings[-1] or path != TARGET
    assert written["etag"] != read["etag"]
    assert call(site, "GET", path + ":getIamPolicy", bearer).json() == written
    assert error(call(site, "POST", path + ":setIamPolicy", bearer, payload=wanted)) == (409, "ABORTED")


def test_a_large_policy_fits(site: harness.Site) -> None:
    """As many members as there may be, in one request; other requests are small."""
    bearer = grant(site, ADMIN)
    known = [workloads.account(site, f"builder{number:04}") for number in range(3)]
    pool = f"iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/build"
    site.write(pools.insert, Pool(TenantId(seeds.TENANT_ID), seeds.PROJECT, "build", harness.NOW))
    members = [f"serviceAccount:{one.email}" for one in known]
    members += [f"principal://{pool}/subject/repo:organisation/repository-{number}" for number in range(1497)]
    wanted = {"policy": {"bindings": [{"role": workloads.CREATOR, "members": members}]}}
    written = call(site, "POST", TARGET + ":setIamPolicy", bearer, payload=wanted)
    assert len(written.json()["bindings"][0]["members"]) == 1500
    more = {"policy": {"bindings": [{"role": workloads.CREATOR, "members": [*members, WORKER]}]}}
    assert error(call(site, "POST", TARGET + ":setIamPolicy", bearer, payload=more)) == (400, "INVALID_ARGUMENT")
    large = {"accountId": "builder", "serviceAccount": {"description": "x" * 70_000}}
    assert call(site, "POST", ACCOUNTS, bearer, payload=large).status == 413


def test_conditions_need_version_three(site: harness.Site) -> None:
    """Who does not know of conditions can neither write one nor lose one."""
    bearer = grant(site, OWNER)
    condition = {"title": "soon", "expression": "request.time < timestamp('2090-01-01T00:00:00Z')"}
    binding = {"role": "roles/run.invoker", "members": [WORKER], "condition": condition}
    where = TARGET + ":setIamPolicy"
    old = call(site, "POST", where, bearer, payload={"policy": {"version": 1, "bindings": [binding]}})
    assert error(old) == (400, "INVALID_ARGUMENT")
    new = call(site, "POST", where, bearer, payload={"policy": {"version": 3, "bindings": [binding]}}).json()
    assert (new["version"], new["bindings"]) == (3, [binding])
    assert error(call(site, "POST", where, bearer, payload={"policy": {}})) == (400, "INVALID_ARGUMENT")
    bad = binding | {"condition": {"title": "soon", "expression": "request.time <"}}
    refused = call(site, "POST", where, bearer, payload={"policy": {"version": 3, "bindings": [bad]}})
    assert error(refused) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "policy",
    [
        {"bindings": [{"role": "roles/viewer", "members": [WORKER], "conditions": {"expression": "false"}}]},
        {"bindings": [{"role": "roles/viewer", "members": [WORKER], "condition": {"title": "x", "expr": "false"}}]},
        {"bindings": [{"role": "roles/viewer", "members": [WORKER], "condition": {"title": "x"}}], "version": 3},
        {"bindings": [{"role": "roles/viewer", "members": [WORKER], "condition": {}}], "version": 3},
        {"binding": [{"role": "roles/viewer", "members": [WORKER]}]},
        {"auditConfigs": [{"service": "allServices"}]},
    ],
)
def test_nothing_in_a_policy_is_passed_over(site: harness.Site, policy: dict[str, Any]) -> None:
    """A member that is unknown here is refused, above all one that might have been a condition."""
    bearer = grant(site, OWNER)
    answer = call(site, "POST", TARGET + ":setIamPolicy", bearer, payload={"policy": policy})
    assert error(answer) == (400, "INVALID_ARGUMENT")


def test_a_policy_is_in_force_at_once(site: harness.Site) -> None:
    """What was taken is not had in the same second."""
    bearer = grant(site, ADMIN)
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200
    assert call(site, "POST", TARGET + ":setIamPolicy", bearer, payload={"policy": {}}).status == 200
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 403


def test_what_a_caller_may_do(site: harness.Site) -> None:
    """Permissions are told to whoever has them; of what is not there nobody has any."""
    bearer = grant(site, KEY_ADMIN)
    asked = {"permissions": ["iam.serviceAccountKeys.create", "iam.serviceAccounts.delete", "iam.serviceAccounts.get"]}
    told = call(site, "POST", TARGET + ":testIamPermissions", bearer, payload=asked).json()
    assert told == {"permissions": ["iam.serviceAccountKeys.create", "iam.serviceAccounts.get"]}
    nobody = f"{ACCOUNTS}/nobody@demo-project.iam.intaglio.test"
    assert call(site, "POST", nobody + ":testIamPermissions", bearer, payload=asked).json() == {}
    assert error(call(site, "POST", TARGET + ":testIamPermissions", "", payload=asked)) == (401, "UNAUTHENTICATED")


def test_the_accounts_that_somebody_may_become(site: harness.Site) -> None:
    """By bindings on the account and on its project; a disabled one is not listed, nor one that is denied."""
    alice = Principal("user", seeds.ALICE_ID, "alice@example.com")
    person, worker = workloads.token(site, alice), workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    where = "/v1/accounts:impersonable"
    target = {"email": seeds.TARGET, "uniqueId": seeds.TARGET_ID}
    for bearer in (person, worker):
        assert call(site, "GET", where, bearer).json() == {"accounts": [target]}
    nobody = workloads.token(site, workloads.seeded(site))
    assert call(site, "GET", where, nobody).json() == {"accounts": []}
    other = workloads.account(site, "builder")
    workloads.account(site, "disabled", disabled_at=1)
    bearer = grant(site, "roles/iam.serviceAccountOpenIdTokenCreator")
    listed = call(site, "GET", where, bearer).json()["accounts"]
    assert {one["email"] for one in listed} == {seeds.TARGET, seeds.ACCOUNT, other.email}
    assert error(call(site, "GET", where, "")) == (401, "UNAUTHENTICATED")


@capability("projects", witness="the API's own shapes")
@pytest.mark.parametrize("name", [seeds.PROJECT, str(seeds.PROJECT_NUMBER)])
def test_a_project_by_name_and_number(site: harness.Site, name: str) -> None:
    """What google-auth asks for, for those who belong to it and those who may see it."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    told = call(site, "GET", f"/v1/projects/{name}", bearer).json()
    assert told.pop("createTime").endswith("Z")
    assert told == {
        "projectNumber": str(seeds.PROJECT_NUMBER),
        "projectId": seeds.PROJECT,
        "lifecycleState": "ACTIVE",
        "name": "Demo project",
    }
    stranger = workloads.token(site, Principal("user", seeds.ALICE_ID, "alice@example.com"))
    assert error(call(site, "GET", f"/v1/projects/{name}", stranger)) == (403, "PERMISSION_DENIED")
    assert error(call(site, "GET", "/v1/projects/other-project", bearer)) == (403, "PERMISSION_DENIED")


def test_another_project_is_not_reached(site: harness.Site) -> None:
    """Who administers one project does not reach an account of another under the name of the first."""
    bearer = grant(site, OWNER, resource="projects/other-project")
    for project in ("other-project", "-", seeds.PROJECT):
        where = f"/v1/projects/{project}/serviceAccounts/{seeds.TARGET}"
        assert error(call(site, "DELETE", where, bearer)) == (403, "PERMISSION_DENIED")
    assert site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET) is not None
