"""Rows of the security list on workloads: recycled names, what is deleted, broad members, development secrets."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.dialects.google.principals import VOCABULARY
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.admin import policies, serviceaccounts
from intaglio.server.devmode import seeds
from intaglio.server.model import tenants
from intaglio.server.model.policies import Binding
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.policies import Target, Written
from intaglio.server.run import serve
from tests import harness, workloads
from tests.capability import capability
from tests.workloads import CREATOR

pytestmark = capability("security-d6", witness="requests and tokens that an attacker would make")

TENANT = TenantId(seeds.TENANT_ID)
PROJECT = f"projects/{seeds.PROJECT}"
POOL = f"iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/build"


def actor(site: harness.Site) -> Actor:
    """Return an operator of now."""
    return Actor("operator:test", site.clock.now())


def target(site: harness.Site, name: str) -> Target:
    """Return a resource."""
    tenant = site.read(tenants.by_id, TENANT)
    return site.run(policies.target(site.store, tenant, VOCABULARY, name))


def put(site: harness.Site, name: str, *bindings: Binding) -> Written:
    """Write a policy."""
    written = site.run(policies.put(site.store, actor(site), target(site, name), bindings, None))
    site.settle()
    return written


def delete(site: harness.Site, name: str) -> None:
    """Delete an account as an operator does, and let a second pass."""
    site.run(serviceaccounts.delete(site.store, actor(site), VOCABULARY, TENANT, name))
    site.settle()


def made_anew(site: harness.Site) -> ServiceAccount:
    """Delete the worker and make another account of its address."""
    delete(site, seeds.ACCOUNT)
    wanted: dict[str, Any] = {"project": seeds.PROJECT, "account_id": "worker"}
    base = "http://localhost:8081"
    made = site.run(serviceaccounts.create(site.store, actor(site), VOCABULARY, base, TENANT, **wanted))
    assert (made.email, made.unique_id != seeds.ACCOUNT_ID) == (seeds.ACCOUNT, True)
    site.settle()
    return made


@capability("service-account-recycled", witness="the answers of the API")
def test_d6_51_recycled_account_address(site: harness.Site) -> None:
    """Whoever gets the address of a deleted account inherits no binding on an account, a project or a service."""
    put(site, PROJECT, Binding("roles/owner", (f"serviceAccount:{seeds.ACCOUNT}",)))
    before = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.id_token(site, seeds.TARGET, before).status == 200
    bearer = workloads.token(site, made_anew(site))
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 403
    assert workloads.access_token(site, seeds.TARGET, bearer).status == 403
    headers = {"authorization": f"Bearer {bearer}"}
    assert site.request("DELETE", f"{workloads.ROOT}/v1/{PROJECT}/serviceAccounts/x@y", headers=headers).status == 403
    listed = site.get(f"{workloads.ROOT}/v1/accounts:impersonable", headers=headers)
    assert listed.json() == {"accounts": []}
    stands = site.run(policies.show(site.store, target(site, seeds.TARGET)))
    assert f"deleted:serviceAccount:{seeds.ACCOUNT}?uid={seeds.ACCOUNT_ID}" in stands.bindings[0].members


def test_d6_51_a_policy_written_back_hands_nothing_on(site: harness.Site) -> None:
    """The mark of a deleted account is kept by who writes the policy back, and means nobody."""
    bearer = workloads.token(site, made_anew(site))
    stands = site.run(policies.show(site.store, target(site, seeds.TARGET)))
    put(site, seeds.TARGET, *stands.bindings)
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 403
    put(site, seeds.TARGET, Binding(CREATOR, (f"serviceAccount:{seeds.ACCOUNT}",)))
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200


@capability("service-account-recycled", witness="the answers of the API")
def test_d6_51_what_a_deleted_account_holds_is_dead(site: harness.Site) -> None:
    """Its access tokens, its keys and its ID tokens' way end with it, also for an account of the same address."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer, key = workloads.token(site, worker), workloads.key(site, worker)
    text = key.sign(workloads.assertion(site, worker, target_audience="https://api.example.com"))
    assert workloads.exchange(site, text).status == 200
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200
    made_anew(site)
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 401
    late = key.sign(workloads.assertion(site, worker, target_audience="https://api.example.com"))
    for again in (text, late):
        assert workloads.exchange(site, again).error == "invalid_grant"


def test_d6_51_through_the_api_at_once(site: harness.Site) -> None:
    """What is deleted through the API is dead in the same second."""
    put(site, PROJECT, Binding("roles/owner", ("user:alice@example.com",)))
    alice = Principal("user", seeds.ALICE_ID, "alice@example.com")
    owner = {"authorization": f"Bearer {workloads.token(site, alice)}"}
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer = workloads.token(site, worker)
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 200
    where = f"{workloads.ROOT}/v1/{PROJECT}/serviceAccounts/{seeds.ACCOUNT}"
    assert site.request("DELETE", where, headers=owner).status == 200
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 401


def test_d6_51_what_was_dead_stays_dead(site: harness.Site) -> None:
    """An account that comes back holds none of the tokens and keys that it held before it was deleted."""
    worker = workloads.seeded(site, seeds.ACCOUNT)
    bearer, key = workloads.token(site, worker), workloads.key(site, worker)
    delete(site, seeds.ACCOUNT)
    site.run(serviceaccounts.undelete(site.store, actor(site), VOCABULARY, TENANT, seeds.ACCOUNT_ID))
    site.settle()
    assert workloads.id_token(site, seeds.TARGET, bearer).status == 401
    text = key.sign(workloads.assertion(site, worker, target_audience="https://api.example.com"))
    assert workloads.exchange(site, text).error == "invalid_grant"
    fresh = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.id_token(site, seeds.TARGET, fresh).status == 200


@pytest.mark.parametrize("member", ["allUsers", "allAuthenticatedUsers", "domain:example.com"])
@pytest.mark.parametrize("name", [seeds.TARGET, PROJECT])
@pytest.mark.parametrize(
    "role",
    [
        CREATOR,
        "roles/iam.serviceAccountOpenIdTokenCreator",
        "roles/iam.workloadIdentityUser",
        "roles/iam.serviceAccountUser",
        "roles/iam.serviceAccountAdmin",
        "roles/iam.serviceAccountKeyAdmin",
        "roles/owner",
        "roles/viewer",
    ],
)
def test_d6_50_broad_members(site: harness.Site, member: str, name: str, role: str) -> None:
    """Nobody gets at an account for being anybody, or for having an address of a domain."""
    with pytest.raises(Misconfigured) as caught:
        put(site, name, Binding(role, (member,)))
    assert caught.value.code == "member-too-broad"


@pytest.mark.parametrize(
    "member",
    [
        f"principal://{POOL}/subject/repo:org/*",
        f"principal://{POOL}/subject/*",
        f"principalSet://{POOL}/attribute.repository/org/*",
        f"principalSet://{POOL}/attribute.*/org",
        f"principalSet://{POOL}/group/a*",
        f"principalSet://{POOL}/**",
        "principalSet://iam.googleapis.com/projects/*/locations/global/workloadIdentityPools/build/*",
        "user:*@example.com",
        "serviceAccount:*@demo-project.iam.intaglio.test",
    ],
)
def test_d6_50_no_wildcard_in_a_member(site: harness.Site, member: str) -> None:
    """A star stands for a whole pool, and for no part of a name."""
    with pytest.raises(Misconfigured) as caught:
        put(site, seeds.TARGET, Binding(CREATOR, (member,)))
    assert caught.value.code == "member-invalid"


def test_d6_53_no_account_is_let_act_as_itself(site: harness.Site) -> None:
    """The binding is refused, by role of the house and by role of one's own."""
    with pytest.raises(Misconfigured) as caught:
        put(site, seeds.TARGET, Binding(CREATOR, (f"serviceAccount:{seeds.TARGET}",)))
    assert caught.value.code == "self-impersonation"


@capability("serve-refuses-seeds", witness="the stored records")
def test_d6_56_no_development_secret_in_production(site: harness.Site) -> None:
    """`serve` refuses a database that holds a seeded account, also where every password and secret is another's."""
    with pytest.raises(Misconfigured) as caught:
        site.run(serve._refuse_development(site.hall, site.clock))
    assert caught.value.code == "development-database"
    assert f"the service account '{seeds.TARGET}'" in caught.value.public
    delete(site, seeds.TARGET)
    with pytest.raises(Misconfigured) as caught:
        site.run(serve._refuse_development(site.hall, site.clock))
    assert f"the service account '{seeds.ACCOUNT}'" in caught.value.public
    assert seeds.TARGET not in caught.value.public
