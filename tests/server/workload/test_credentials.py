"""Acting as a service account: what each method gives, to whom, and what the log keeps of it."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from intaglio.protocol.principals import Origin, Principal
from intaglio.server.devmode import seeds
from tests import harness, workloads
from tests.capability import capability
from tests.workloads import CLOUD, ROOT


def published(site: harness.Site, email: str, form: str = "x509") -> dict[str, str]:
    """Return the published keys of an account."""
    answer = site.get(f"{ROOT}/service_accounts/v1/metadata/{form}/{email}")
    assert answer.status == 200, answer.text
    return dict(answer.json())


@capability("act-id-token", witness="PyJWT")
def test_an_id_token_of_another_account(site: harness.Site) -> None:
    """Signed with a published key; the e-mail address only where it was asked for, instants whole, one audience."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    bare = workloads.id_token(site, seeds.TARGET, bearer).json()["token"]
    keys = site.get(ROOT + "/oauth2/v3/certs").json()["keys"]
    (key,) = [one for one in keys if one["kid"] == jwt.get_unverified_header(bare)["kid"]]
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        bare, jwt.PyJWK(key), algorithms=["RS256"], audience="https://api.example.com", issuer=ROOT, options=options
    )
    assert claims == {
        "aud": "https://api.example.com",
        "azp": seeds.TARGET_ID,
        "sub": seeds.TARGET_ID,
        "iss": ROOT,
        "iat": harness.NOW,
        "exp": harness.NOW + 3600,
    }


@pytest.mark.parametrize("truth", [True, "true", "True", "TRUE"])
def test_what_may_be_asked_for(site: harness.Site, truth: object) -> None:
    """Address, party by address, organization: as truths or as their names, for one client writes text."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    wanted = {"includeEmail": truth, "useEmailAzp": truth, "organizationNumberIncluded": truth}
    claims = workloads.claims(workloads.id_token(site, seeds.TARGET, bearer, **wanted))
    assert (claims["email"], claims["email_verified"], claims["azp"]) == (seeds.TARGET, True, seeds.TARGET)
    assert claims["google"] == {"organization_number": None}


@pytest.mark.parametrize(
    ("account", "delegates"),
    [
        (seeds.TARGET, None),
        (seeds.TARGET_ID, []),
        (seeds.TARGET.replace("@", "%40"), None),
        (seeds.TARGET, ["projects/-/serviceAccounts/between@demo-project.iam.intaglio.test"]),
        (seeds.TARGET_ID, ["between@demo-project.iam.intaglio.test"]),
        (seeds.TARGET, ["projects/demo-project/serviceAccounts/between%40demo-project.iam.intaglio.test"]),
    ],
)
def test_names_of_accounts(site: harness.Site, account: str, delegates: list[str] | None) -> None:
    """Address, number, encoded or whole name: each leads to the account."""
    worker, target = workloads.seeded(site, seeds.ACCOUNT), workloads.seeded(site)
    between = workloads.account(site, "between")
    workloads.allow(site, between, worker)
    workloads.allow(site, target, worker, between)
    answer = workloads.id_token(site, account, workloads.token(site, worker), delegates=delegates)
    assert workloads.claims(answer)["sub"] == seeds.TARGET_ID


@pytest.mark.parametrize(
    ("media_type", "body", "query"),
    [
        ("text/json; charset=utf-8", b'{"audience":"https://a"}', ""),
        ("application/json", b'{"audience":"https://a","delegates":null,"includeEmail":null}', "?alt=json"),
        ("application/json", b'{"audience":"https://a","include_email":true}', "?$alt=json;enum-encoding=int"),
        ("application/x-www-form-urlencoded", b"audience=https%3A%2F%2Fa&includeEmail=true&useEmailAzp=true", ""),
    ],
)
def test_forms_of_a_request(site: harness.Site, media_type: str, body: bytes, query: str) -> None:
    """What curl and the clients of five languages send."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    answer = workloads.post(
        site, "generateIdToken", seeds.TARGET, bearer, headers={"content-type": media_type}, query=query, raw=body
    )
    assert workloads.claims(answer)["aud"] == "https://a"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"audience":""}',
        b'{"audience":["a"]}',
        b'{"audience":"a\\nb"}',
        b'{"audience":"a","delegates":"x"}',
        b'{"audience":"a","delegates":[""]}',
        b'{"audience":"a","delegates":[7]}',
        b'{"audience":"a","includeEmail":"maybe"}',
        b'{"audience":"a","includeEmail":1}',
        b'{"audience":"a","audience":"b"}',
    ],
)
def test_requests_that_are_none(site: harness.Site, body: bytes) -> None:
    """400 INVALID_ARGUMENT, and no trace of an error of ours."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    with harness.logged() as log:
        answer = workloads.post(site, "generateIdToken", seeds.TARGET, bearer, raw=body)
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert log.traces == []


@capability("act-access-token", witness="the server's own token endpoint, asked with what it gave")
def test_an_access_token_of_another_account(site: harness.Site) -> None:
    """Good for exactly what was asked; its instant has no fraction, and it carries the way that led to it."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    body = workloads.access_token(site, seeds.TARGET, bearer, lifetime="600s").json()
    ends = dt.datetime.strptime(body["expireTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    assert ends.timestamp() == harness.NOW + 600
    info = site.get(f"{ROOT}/tokeninfo?access_token={body['accessToken']}").json()
    assert (info["aud"], info["scope"], info["expires_in"]) == (seeds.TARGET_ID, CLOUD, "600")
    bearing = site.hall.works.tokens.read(body["accessToken"], seeds.TENANT_ID, ROOT, "ya29.", harness.NOW)
    assert bearing is not None
    assert bearing.lineage == (f"service_account:{seeds.ACCOUNT_ID}",)
    site.clock.advance(600)
    assert site.get(f"{ROOT}/tokeninfo?access_token={body['accessToken']}").status == 400


@pytest.mark.parametrize(
    ("lifetime", "status"),
    [
        ("1s", 200),
        ("3600s", 200),
        ("3600.000s", 200),
        ("3601s", 400),
        ("0s", 400),
        ("-5s", 400),
        ("60", 400),
        (60, 400),
    ],
)
def test_lifetimes(site: harness.Site, lifetime: object, status: int) -> None:
    """One second to an hour; beyond it the answer names the constraint that would be needed."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    answer = workloads.access_token(site, seeds.TARGET, bearer, lifetime=lifetime)
    assert answer.status == status
    if lifetime == "0s":
        assert answer.json()["error"]["message"] == "Lifetime of access token must be larger then zero."
    if lifetime == "3601s":
        assert "iam.allowServiceAccountCredentialLifetimeExtension" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("scope", "status"),
    [([CLOUD], 200), ([""], 200), ([CLOUD, "openid"], 200), ([], 400), (["no scope"], 400), (CLOUD, 400), ([1], 400)],
)
def test_scopes(site: harness.Site, scope: object, status: int) -> None:
    """Known ones; one empty text means all; no list is no scope."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.access_token(site, seeds.TARGET, bearer, scope=scope).status == status


@capability("act-sign-blob", witness="cryptography, with the published X.509 certificate")
@pytest.mark.parametrize("text", ["aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGQ", "_-8="])
def test_a_signed_blob(site: harness.Site, text: str) -> None:
    """RSASSA-PKCS1-v1_5 with SHA-256, by a key whose certificate is published under the name that came with it."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    body = workloads.post(site, "signBlob", seeds.TARGET, bearer, payload=text).json()
    public = x509.load_pem_x509_certificate(published(site, seeds.TARGET)[body["keyId"]].encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    padded = text.replace("_", "/").replace("-", "+") + "=" * (-len(text) % 4)
    payload = base64.b64decode(padded)
    public.verify(base64.b64decode(body["signedBlob"]), payload, padding.PKCS1v15(), hashes.SHA256())
    assert payload not in [entry.detail.get("payload", "").encode() for entry in workloads.log(site)]


def test_the_older_names_of_signing(site: harness.Site) -> None:
    """`bytesToSign` is answered with `signature`, as the older API does."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    new = workloads.post(site, "signBlob", seeds.TARGET, bearer, payload="aGVsbG8=").json()
    old = workloads.post(site, "signBlob", seeds.TARGET, bearer, bytesToSign="aGVsbG8=").json()
    assert old == {"keyId": new["keyId"], "signature": new["signedBlob"]}


@capability("act-sign-jwt", witness="PyJWT, with the published X.509 certificate and the published JWK")
def test_a_signed_jwt(site: harness.Site) -> None:
    """RS256 with the key's name in the header; the claims are the caller's."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    claims = {"iss": seeds.TARGET, "aud": "https://elsewhere.example", "exp": harness.NOW + 43200}
    body = workloads.post(site, "signJwt", seeds.TARGET, bearer, payload=json.dumps(claims)).json()
    assert jwt.get_unverified_header(body["signedJwt"]) == {"alg": "RS256", "typ": "JWT", "kid": body["keyId"]}
    public = x509.load_pem_x509_certificate(published(site, seeds.TARGET)[body["keyId"]].encode()).public_key()
    options = {"verify_exp": False}
    audience = "https://elsewhere.example"
    assert jwt.decode(body["signedJwt"], public, ["RS256"], audience=audience, options=options) == claims
    keys = site.get(f"{ROOT}/service_accounts/v1/metadata/jwk/{seeds.TARGET}").json()
    (found,) = jwt.PyJWKSet.from_dict(keys).keys
    assert found.key_id == body["keyId"]
    assert jwt.decode(body["signedJwt"], found, ["RS256"], audience=audience, options=options) == claims
    bare = published(site, seeds.TARGET, "raw")[body["keyId"]]
    assert jwt.decode(body["signedJwt"], bare, ["RS256"], audience=audience, options=options) == claims


@pytest.mark.parametrize(
    "payload",
    ["", "x", "[]", "{", json.dumps({"exp": harness.NOW + 43201}), json.dumps({"exp": harness.NOW}), '{"exp":"soon"}'],
)
def test_claims_that_are_not_signed(site: harness.Site, payload: str) -> None:
    """Anything but an object, and what would be good for more than twelve hours."""
    bearer = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.post(site, "signJwt", seeds.TARGET, bearer, payload=payload).status == 400


@pytest.mark.parametrize("verb", ["generateIdToken", "generateAccessToken", "signBlob", "signJwt"])
def test_each_method_takes_its_own_permission(site: harness.Site, verb: str) -> None:
    """Who may only get ID tokens gets nothing else."""
    worker, target = workloads.account(site, "narrow"), workloads.account(site, "narrow-target")
    workloads.allow(site, target, worker, role=workloads.ID_CREATOR)
    body = {"audience": "a", "scope": [CLOUD], "payload": "{}" if verb == "signJwt" else "YQ=="}
    answer = workloads.post(site, verb, target, workloads.token(site, worker), **body)
    assert answer.status == (200 if verb == "generateIdToken" else 403)


def test_a_chain_takes_every_hop(site: harness.Site) -> None:
    """The caller may pass through the first, the first through the second, the last may be the target: or nothing."""
    chain = [workloads.account(site, f"hop-{number}") for number in range(4)]
    for holder, lent in itertools.pairwise(chain):
        workloads.allow(site, lent, holder)
    first, second, third, last = chain
    bearer = workloads.token(site, first)
    assert workloads.id_token(site, last, bearer, delegates=[second.email, third.email]).status == 200
    assert workloads.id_token(site, last, bearer, delegates=[third.email, second.email]).status == 403
    assert workloads.id_token(site, last, bearer, delegates=[second.email]).status == 403
    assert workloads.id_token(site, last, bearer).status == 403
    # An invoker of ID tokens alone does not let anybody pass through.
    workloads.allow(site, second, first, role=workloads.ID_CREATOR)
    assert workloads.id_token(site, last, bearer, delegates=[second.email, third.email]).status == 403


@capability("act-audit", witness="the audit log, read from the database")
def test_the_log_holds_the_whole_way(site: harness.Site) -> None:
    """The external identity with its issuer, the accounts between, the outcome: of what was allowed and of what not."""
    worker, target = workloads.seeded(site, seeds.ACCOUNT), workloads.seeded(site)
    origin = Origin("https://token.actions.githubusercontent.com", "repo:o/r:ref:refs/heads/main", "jti-1")
    bearer = workloads.token(site, worker, lineage=("external:repo:o/r",), origin=origin)
    step = workloads.access_token(site, target, bearer).json()["accessToken"]
    other = workloads.account(site, "other")
    assert workloads.id_token(site, other, step, audience="https://secret.example").status == 403
    denied, allowed = workloads.log(site)[:2]
    assert (allowed.action, allowed.outcome, allowed.resource) == ("act.access_token", "allowed", target.resource)
    assert allowed.chain == ("external:repo:o/r", f"service_account:{worker.unique_id}")
    assert (denied.action, denied.outcome, denied.resource) == ("act.id_token", "denied", other.resource)
    assert denied.chain == (*allowed.chain, f"service_account:{target.unique_id}")
    assert allowed.origin == denied.origin == origin
    assert denied.detail["credential_id"] == allowed.detail["token_id"]
    assert denied.detail["audience"] == "https://secret.example"
    assert denied.principal == f"serviceAccount:{target.email}"


def test_an_external_identity_acts(site: harness.Site) -> None:
    """A binding names it, and it gets the account's token: Google's two steps."""
    target = workloads.account(site, "deployer")
    somebody = Principal("external", "repo:o/r", project_number=seeds.PROJECT_NUMBER, pool_id="github")
    name = f"//iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/github"
    bearer = workloads.token(site, somebody)
    assert workloads.id_token(site, target, bearer).status == 403
    from intaglio.server.model import policies
    from intaglio.server.model.policies import Binding, Policy

    binding = Binding("roles/iam.workloadIdentityUser", (f"principal:{name}/subject/repo:o/r",))
    policy = Policy(target.tenant_id, target.resource, (binding,), "e", harness.NOW)
    assert site.write(policies.write, policy, "")
    site.settle()
    bearer = workloads.token(site, somebody)
    assert workloads.claims(workloads.id_token(site, target, bearer))["sub"] == target.unique_id


def test_where_tokens_may_be_used_from(site: harness.Site) -> None:
    """Anywhere; one client asks in the background, and nobody learns which accounts exist."""
    known = site.get(f"{ROOT}/v1/projects/-/serviceAccounts/{seeds.TARGET}/allowedLocations")
    unknown = site.get(f"{ROOT}/v1/projects/-/serviceAccounts/nobody/allowedLocations")
    assert known.json() == unknown.json() == {"locations": [], "encodedLocations": "0x0"}
    pool = f"{ROOT}/v1/projects/1/locations/global/workloadIdentityPools/p/allowedLocations"
    assert site.get(pool).status == 200


@pytest.mark.parametrize("path", [":generate", ":generateIdToken/x", ""])
def test_methods_that_are_none(site: harness.Site, path: str) -> None:
    """404 in the form of the APIs, not a page."""
    answer = site.post(f"{ROOT}/v1/projects/-/serviceAccounts/x{path}", {})
    assert answer.status == 404
    assert answer.json()["error"]["status"] == "NOT_FOUND"
