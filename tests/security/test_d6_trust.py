"""D6 of the security list, ways around its rules: conditions that are always true, ways that forget their beginning."""

from __future__ import annotations

from typing import Any

import jwt
import msgspec
import pytest
from cryptography import x509

from intaglio.dialects.google import principals, profile
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.protocol.logout import LogoutFacts
from intaglio.server.devmode import seeds
from intaglio.server.keyring import rings
from intaglio.server.model import policies, serviceaccounts, tenants
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import policies as granting
from intaglio.server.registry import pools as rules
from intaglio.server.registry import serviceaccounts as registry
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.policies import Target
from tests import authorities, foreign, harness, workloads
from tests.foreign import told
from tests.workloads import ROOT

GITHUB = "https://token.actions.githubusercontent.com"
ENTRA = "https://login.microsoftonline.com/common/v2.0"
TERRAFORM = "https://app.terraform.io"
GOOGLE = "https://accounts.google.com"
REJECTED = (400, "unauthorized_client", "The given credential is rejected by the attribute condition.")


def _judged(issuer: str, condition: str, **changes: Any) -> str:
    made = foreign.provider(issuer=issuer, jwks="", attribute_condition=condition, **changes)
    try:
        rules.provider(made, "google", development=False)
    except Misconfigured as refused:
        return refused.code
    return ""


# --- 50 conditions that say nothing of who somebody is


@pytest.mark.parametrize(
    ("issuer", "condition"),
    [
        (GITHUB, f"assertion.iss == '{GITHUB}'"),
        (GITHUB, f"assertion.aud == '{foreign.NAME}'"),
        (GITHUB, "assertion.exp > 5"),
        (GITHUB, "assertion.ref == 'refs/heads/prod'"),
        (GITHUB, "assertion['environment'] == 'prod' && assertion.ref == 'refs/heads/prod'"),
        (GITHUB, "attribute.branch in ['prod', 'staging']"),
        (GITHUB, "assertion.sub != '' && assertion.event_name == 'workflow_dispatch'"),
        (GITHUB, "assertion.repository_owner_id == '7' || assertion.ref == 'refs/heads/prod'"),
        (GITHUB, "!(assertion.repository_owner_id == '7' && assertion.ref != 'refs/heads/prod')"),
        (GITHUB, "google.subject.endsWith(':ref:refs/heads/prod')"),
        (GITHUB, "assertion.repository.contains('acme')"),
        (GITHUB, "assertion.repository_owner.startsWith('acme')"),
        (GOOGLE, "assertion.aud == 'client.apps.googleusercontent.com' && assertion.email_verified == true"),
        (ENTRA, "assertion.email == 'admin@acme.example'"),
        (TERRAFORM, "assertion.terraform_workspace_name == 'prod'"),
    ],
)
def test_d6_50_a_condition_on_what_a_stranger_chooses(issuer: str, condition: str) -> None:
    """Anybody can name a branch so, or ask for that audience: such a condition keeps nobody out."""
    mapping = {"google.subject": "assertion.sub", "attribute.branch": "assertion.ref"}
    assert _judged(issuer, condition, attribute_mapping=mapping) == "condition-open"


@pytest.mark.parametrize(
    ("issuer", "condition"),
    [
        (GITHUB, "assertion.repository_owner_id == '7' && assertion.ref.startsWith('refs/tags/v')"),
        (GITHUB, "assertion.repository_owner == 'acme' && google.subject.endsWith(':ref:refs/heads/prod')"),
        (GITHUB, "(assertion.repository == 'acme/a' || assertion.repository == 'acme/b') && assertion.ref == 'x'"),
        (GITHUB, "assertion.repository + '@' + assertion.ref == 'acme/app@refs/heads/main'"),
        (GITHUB, "!(assertion.repository_owner_id != '7')"),
        (GITHUB, "['acme/a', 'acme/b'].exists(one, one == assertion.repository)"),
        (GOOGLE, "assertion.email.endsWith('@acme.example') && assertion.email_verified"),
        (GOOGLE, "assertion.hd == 'acme.example'"),
        (ENTRA, "assertion.tid == '8a1b2c3d-0000-4000-8000-000000000000'"),
        (TERRAFORM, "assertion.terraform_organization_id == 'org-7' && assertion.terraform_run_phase == 'apply'"),
    ],
)
def test_d6_50_a_condition_on_who_somebody_is(issuer: str, condition: str) -> None:
    """An owner, a tenant, a domain of mail: with whatever else stands beside it."""
    assert _judged(issuer, condition) == ""


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "assertion.sub != ''",
        "has(assertion.sub)",
        f"assertion.iss == '{ROOT}'",
        f"assertion.aud == '{foreign.NAME}'",
        "assertion.iat > 0",
    ],
)
def test_d6_50_our_own_issuer_with_a_condition_that_says_nothing(site: harness.Site, condition: str) -> None:
    """Every account of the installation can have a token of it, for any audience: it is a shared issuer as well."""
    foreign.plant(site, issuer=ROOT, attribute_condition=condition)
    assert told(foreign.exchange(site, foreign.token(iss=ROOT))) == REJECTED


# --- 53 ways that forget where they began


def _exchanged(site: harness.Site) -> tuple[ServiceAccount, harness.Answer]:
    """Return an account, and what came of exchanging its ID token, which another account had asked for."""
    first, second = workloads.account(site, "first-one"), workloads.account(site, "second-one")
    workloads.allow(site, second, first)
    given = workloads.id_token(site, second, workloads.token(site, first), audience=foreign.NAME)
    keys = site.get(ROOT + "/oauth2/v3/certs").text
    mapping = {"google.subject": "assertion.sub"}
    condition = f"assertion.sub == '{second.unique_id}'"
    foreign.plant(site, issuer=ROOT, jwks=keys, attribute_condition=condition, attribute_mapping=mapping)
    site.settle()
    return second, foreign.exchange(site, given.json()["token"])


def test_d6_53_no_way_back_through_an_exchange(site: harness.Site) -> None:
    """An account's ID token does not carry the way that led to it: exchanged, it would begin a new one."""
    site.change_tenant(development=False)
    _, refused = _exchanged(site)
    assert (refused.status, refused.json()["error"]) == (400, "unauthorized_client")
    assert "access token" in refused.json()["error_description"]
    assert foreign.log(site)[0].outcome == "unauthorized_client"


def test_d6_53_in_development_an_exchange_remembers_the_account(site: harness.Site) -> None:
    """There our own issuer may stand in for another; the account itself is part of the way."""
    account, answer = _exchanged(site)
    assert foreign.opened(site, answer).lineage == (f"service_account:{account.unique_id}",)


# --- 18 tokens that pass for others


def test_d6_18_a_logout_token_is_no_id_token(site: harness.Site) -> None:
    """Services ask whether an ID token is good: a token that tells of a sign-out is not, though the key is the same."""
    mint, dialect, now = site.hall.works.mint, profile.DIALECT, site.clock.now()
    ring_id = rings.ring_id(dialect, seeds.TENANT_ID, ROOT)
    facts = LogoutFacts(ROOT, "client", "1" * 21, "session", "jti", now, 120, "RS256")
    text = site.run(mint.logout_token(dialect, ring_id, facts))
    answer = site.get(f"{ROOT}/tokeninfo?id_token={text}")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_token")


# --- faults that nobody foresaw


def test_a_proof_of_a_forbidden_algorithm_is_refused(site: harness.Site) -> None:
    """As every other that is not believed."""
    foreign.plant(site, issuer="", jwks="", trust_anchors=authorities.ROOT.pem)
    leaf = authorities.make(authorities.cn("cart"), authorities.ROOT)
    claims = {"aud": foreign.NAME, "iat": harness.NOW, "exp": harness.NOW + 60, "jti": "1"}
    text = jwt.encode(claims, "k" * 32, "HS256", headers={"x5c": leaf.x5c})
    unsigned = jwt.encode(claims, "", "none", headers={"x5c": leaf.x5c})
    for one in (text, unsigned):
        assert told(foreign.exchange(site, one)) == (400, "invalid_grant", "Unable to verify the client certificate.")


def test_a_certificate_with_names_that_nobody_reads_is_refused(site: harness.Site) -> None:
    """An X.400 address is none that the library knows: no fault of ours."""
    foreign.plant(site, issuer="", jwks="", trust_anchors=authorities.ROOT.pem)
    x400 = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3004a3023000"))
    leaf = authorities.make(authorities.cn("cart"), authorities.ROOT, other=x400)
    answer = told(foreign.exchange(site, leaf.proof()))
    assert answer == (400, "invalid_grant", "Unable to verify the client certificate.")


def _reading(site: harness.Site) -> Any:
    return site.store._reading  # type: ignore[attr-defined]


def test_who_may_only_look_costs_no_walk_through_a_project(site: harness.Site) -> None:
    """Whoever asks which accounts they may become is answered from the policies that could let them."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    name = f"serviceAccount:{worker.email}"
    known = site.read(policies.of_resource, seeds.TENANT_ID, f"projects/{seeds.PROJECT}")
    policy = Policy(
        TenantId(seeds.TENANT_ID),
        f"projects/{seeds.PROJECT}",
        (Binding("roles/viewer", (name,)),),
        "new",
        harness.NOW,
        identities={name: worker.unique_id},
    )
    assert site.write(policies.write, policy, known.etag if known else "")
    asked: list[str] = []
    _reading(site).set_trace_callback(asked.append)
    headers = {"authorization": f"Bearer {workloads.token(site, worker)}"}
    listed = site.get(f"{ROOT}/v1/accounts:impersonable", headers=headers)
    assert [one["email"] for one in listed.json()["accounts"]] == [seeds.TARGET]
    _reading(site).set_trace_callback(None)
    assert len(asked) > 2
    assert not [text for text in asked if "service_account" in text and "ORDER BY" in text.upper()]


@pytest.mark.parametrize("number", ["9" * 18, "9" * 19, "9223372036854775807", "9223372036854775808"])
def test_a_number_that_no_project_has(site: harness.Site, number: str) -> None:
    """However great it is."""
    name = foreign.NAME.replace(str(seeds.PROJECT_NUMBER), number)
    assert foreign.exchange(site, foreign.token(), audience=name).status == 400


# --- what ends with whom it came of


@pytest.mark.parametrize("ended", ["disabled", "deleted"])
def test_d6_53_what_came_of_an_account_ends_with_it(site: harness.Site, ended: str) -> None:
    """Whoever ends a stolen identity ends what was got with it: no wandering on from account to account."""
    first, second, third = (workloads.account(site, f"account-{one}") for one in "abc")
    workloads.allow(site, second, first)
    workloads.allow(site, third, second)
    given = workloads.access_token(site, second, workloads.token(site, first)).json()["accessToken"]
    assert workloads.id_token(site, third, given).status == 200
    workloads.change(site, first, **{f"{ended}_at": site.clock.now()})
    assert workloads.id_token(site, third, given).status == 401
    assert site.get(f"{ROOT}/tokeninfo?access_token={given}").status == 400


def test_d6_53_what_came_of_a_person_ends_with_them(site: harness.Site) -> None:
    """Somebody who has left keeps no account's token."""
    target = workloads.seeded(site)
    alice = site.user("alice")
    given = workloads.token(site, target, lineage=(f"user:{alice.user_id}",))
    headers = {"authorization": f"Bearer {given}"}
    where = f"{ROOT}/v1/projects/{seeds.PROJECT}"
    assert site.get(where, headers=headers).status == 200
    site.change_user("alice", disabled_at=site.clock.now())
    site.settle()
    assert site.get(where, headers=headers).status == 401


def test_d6_51_undeleting_takes_over_nothing_of_another(site: harness.Site) -> None:
    """Where an address still stands for a later account that is gone as well, the first one gets none of its roles."""
    first = workloads.account(site, "recycled")
    later = msgspec.structs.replace(first, unique_id="1" * 21, deleted_at=harness.NOW)
    site.write(serviceaccounts.insert, later)
    words, target = profile.DIALECT.vocabulary, workloads.seeded(site)
    assert words is not None
    actor = Actor("admin", harness.NOW)
    site.write(registry.delete, actor, words, first)
    gone, name = words.deleted(workloads.principal(first)), words.display(workloads.principal(first))
    bindings = (Binding("roles/viewer", (gone,)), Binding(workloads.CREATOR, (name,)))
    known = site.read(policies.of_resource, seeds.TENANT_ID, target.resource)
    policy = Policy(
        TenantId(seeds.TENANT_ID),
        target.resource,
        bindings,
        "new",
        harness.NOW,
        identities={gone: first.unique_id, name: later.unique_id},
    )
    assert site.write(policies.write, policy, known.etag if known else "")
    site.write(registry.undelete, actor, words, seeds.TENANT_ID, first.unique_id)
    site.settle()
    site.clock.advance(5)
    back = site.read(serviceaccounts.by_unique_id, seeds.TENANT_ID, first.unique_id)
    assert workloads.id_token(site, target, workloads.token(site, back)).status == 403


# --- what the log knows


def test_a_change_of_a_pool_that_was_refused_is_in_the_log(site: harness.Site) -> None:
    """Whoever tries to let strangers in is remembered, with the way that led to them."""
    one, other = workloads.account(site, "nobody-yet"), workloads.account(site, "before-it")
    way = f"service_account:{other.unique_id}"
    headers = {"authorization": f"Bearer {workloads.token(site, one, lineage=(way,))}"}
    where = f"{ROOT}/v1/projects/{seeds.PROJECT}/locations/global/workloadIdentityPools"
    assert site.request("POST", where + "?workloadIdentityPoolId=builders", headers=headers).status == 403
    entry = workloads.log(site)[0]
    assert (entry.action, entry.outcome, entry.resource) == ("administer", "denied", f"projects/{seeds.PROJECT}")
    assert entry.chain == (way, f"service_account:{one.unique_id}")
    assert entry.detail == {"permission": "iam.workloadIdentityPools.create"}


@pytest.mark.parametrize(
    "member",
    [
        "principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/builders/subject/a\x1b[2J",
        "principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/builders/subject/a\u202eb",
        "principal://iam.googleapis.com/projects/١٠٠٠/locations/global/workloadIdentityPools/builders/subject/a",
        "deleted:serviceAccount:a@b.example?uid=١٢٣",
    ],
)
def test_a_member_that_reads_as_another_is_none(member: str) -> None:
    """No control or direction characters, and no digits but ours: what stands in a policy is what is read."""
    assert principals.read_member(member) is None


def test_no_grant_hides_behind_others_in_the_log(site: harness.Site) -> None:
    """However much is written at once, each member that was given a role stands in the log, and its condition whole."""
    words, alice = profile.DIALECT.vocabulary, f"user:{site.user('alice').claims['email']}"
    assert words is not None
    pool = f"iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/{foreign.POOL}"
    foreign.plant(site)
    decoys = tuple(f"principal://{pool}/subject/decoy-{number}" for number in range(1400))
    long = "request.time < timestamp('2030-01-01T00:00:00Z') " + " " * 3000 + "|| true"
    wanted = (Binding("roles/viewer", decoys), Binding(workloads.CREATOR, (alice,), Condition("soon", long)))
    target = Target(site.read(tenants.by_id, seeds.TENANT_ID), words, f"projects/{seeds.PROJECT}")
    site.write(granting.put, Actor("admin", harness.NOW), target, wanted, None)
    entry = workloads.log(site)[0]
    assert entry.detail["given"].endswith(f"{workloads.CREATOR} {alice} if soon: {long}")
    assert entry.detail["given"].count("decoy-") == 1400
    assert len(entry.detail["given"]) < 1400 * 160


def test_what_was_lent_is_told_whole(site: harness.Site) -> None:
    """An audience that is cut could be another one's."""
    worker, audience = workloads.seeded(site, seeds.ACCOUNT), "https://a.example/" + "x" * 1500 + "/end"
    assert workloads.id_token(site, seeds.TARGET, workloads.token(site, worker), audience=audience).status == 200
    assert workloads.log(site)[0].detail["audience"] == audience
