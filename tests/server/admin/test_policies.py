"""Policies as an operator writes them: who may stand in one, whom each member means, and who comes too late."""

from __future__ import annotations

import asyncio
import itertools
import pathlib
from typing import Any

import msgspec
import pytest

from intaglio import clock as clocks
from intaglio import ids
from intaglio.dialects.google.principals import VOCABULARY
from intaglio.errors import Misconfigured
from intaglio.names import TenantId, UserId
from intaglio.server.admin import policies, projects, roles, serviceaccounts
from intaglio.server.admin import tenants as tenancy
from intaglio.server.admin.tenants import Policies
from intaglio.server.devmode import seeds
from intaglio.server.model import audit, pools, tenants, users
from intaglio.server.model import policies as records
from intaglio.server.model import serviceaccounts as accounts
from intaglio.server.model.plan import Store
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.model.pools import Pool
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.model.users import User
from intaglio.server.registry.customroles import RoleChange
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.policies import Target, Written
from intaglio.server.store import open as opening
from tests import harness, postgres
from tests.capability import capability

postgres_server = postgres.postgres_server
_numbers = itertools.count()
ACTOR = Actor("operator:test", harness.NOW)
TENANT = TenantId(seeds.TENANT_ID)
CREATOR, INVOKER = "roles/iam.serviceAccountTokenCreator", "roles/run.invoker"
WORKER, ALICE = f"serviceAccount:{seeds.ACCOUNT}", "user:alice@example.com"
POOL = f"iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/build"


def target(site: harness.Site, name: str = seeds.TARGET) -> Target:
    """Return a resource of the seeded tenant."""
    tenant = site.read(tenants.by_id, TENANT)
    return site.run(policies.target(site.store, tenant, VOCABULARY, name))


def put(site: harness.Site, *bindings: Binding, name: str = seeds.TARGET) -> Written:
    """Write a policy over whatever stands there."""
    return site.run(policies.put(site.store, ACTOR, target(site, name), bindings, None))


def add(site: harness.Site, role: str, *members: str, name: str = seeds.TARGET, condition: Any = None) -> Written:
    """Give a role."""
    return site.run(policies.add(site.store, ACTOR, target(site, name), role, members, condition))


def refused(site: harness.Site, *bindings: Binding, name: str = seeds.TARGET) -> Misconfigured:
    """Return why a policy is refused; what stood there still stands."""
    before = site.run(policies.show(site.store, target(site, name)))
    with pytest.raises(Misconfigured) as caught:
        put(site, *bindings, name=name)
    assert site.run(policies.show(site.store, target(site, name))) == before
    return caught.value


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("alice@example.com", "member-invalid"),
        ("USER:alice@example.com", "member-invalid"),
        ("user:alice", "member-invalid"),
        ("user:*@example.com", "member-invalid"),
        ("group:all@example.com", "member-invalid"),
        ("projectOwner:demo-project", "member-invalid"),
        ("", "member-invalid"),
        ("user:bob@example.com", "member-unknown"),
        ("user:nobody@example.com", "member-unknown"),
        (f"user:{seeds.ACCOUNT}", "member-unknown"),
        ("serviceAccount:nobody@demo-project.iam.intaglio.test", "member-unknown"),
        (f"serviceAccount:{seeds.ACCOUNT_ID}", "member-invalid"),
        (f"deleted:{WORKER}?uid=1", "member-unknown"),
        ("allUsers", "member-too-broad"),
        ("allAuthenticatedUsers", "member-too-broad"),
        ("domain:example.com", "member-too-broad"),
        (f"principal://{POOL}/subject/*", "member-invalid"),
        (f"principal://{POOL}/subject/repo:org/*", "member-invalid"),
        (f"principalSet://{POOL}/attribute.repository/org/*", "member-invalid"),
        (f"principalSet://{POOL}/group/*", "member-invalid"),
        (f"principalSet://{POOL}/*/x", "member-invalid"),
        (f"principalSet://{POOL}/subject/x", "member-invalid"),
        (f"principal://{POOL.replace('build', 'other')}/subject/x", "member-unknown"),
        (f"principal://{POOL.replace('build', '*')}/subject/x", "member-invalid"),
        (f"principal://{POOL}/subject/" + "x" * 300, "member-invalid"),
    ],
)
def test_members_that_are_refused(site: harness.Site, member: str, code: str) -> None:
    """No member is kept that means nobody, anybody, or more than it says."""
    site.write(pools.insert, Pool(TENANT, seeds.PROJECT, "build", harness.NOW))
    assert refused(site, Binding(CREATOR, (ALICE, member))).code == code


@capability("policy-members", witness="the stored records")
def test_members_that_are_kept(site: harness.Site) -> None:
    """People by confirmed address, accounts, and identities of a pool; who an address meant is kept beside it."""
    site.write(pools.insert, Pool(TENANT, seeds.PROJECT, "build", harness.NOW))
    subject = f"principal://{POOL}/subject/repo:org/app:ref:refs/heads/main"
    group, attribute = f"principalSet://{POOL}/group/admins", f"principalSet://{POOL}/attribute.repository/org/app"
    written = put(site, Binding(CREATOR, (ALICE, WORKER, subject, group, attribute)))
    assert written.policy.bindings == (Binding(CREATOR, (ALICE, WORKER, subject, group, attribute)),)
    assert written.policy.identities == {ALICE: seeds.ALICE_ID, WORKER: seeds.ACCOUNT_ID}
    assert written.warnings == ()
    whole = put(site, Binding(CREATOR, (f"principalSet://{POOL}/*",)))
    assert "everybody that the pool lets in" in whole.warnings[0]


def test_a_role_on_a_project_is_warned_of(site: harness.Site) -> None:
    """Acting as one account and acting as every account of a project are easily taken for one another."""
    assert "every service account" in put(site, Binding(CREATOR, (ALICE,)), name=seeds.PROJECT).warnings[0]
    assert put(site, Binding("roles/viewer", (ALICE,)), name=seeds.PROJECT).warnings == ()


def test_services_may_be_called_by_everybody(site: harness.Site) -> None:
    """A service may be open; it is said, for it may have been a slip."""
    written = put(site, Binding(INVOKER, ("allUsers", "domain:example.com")), name=seeds.SERVICE)
    assert written.policy.bindings == (Binding(INVOKER, ("allUsers", "domain:example.com")),)
    assert len(written.warnings) == 2


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        (Binding("roles/nothing", (ALICE,)), "role-unknown"),
        (Binding("projects/other-project/roles/mine", (ALICE,)), "role-unknown"),
        (Binding("", (ALICE,)), "role-unknown"),
        (Binding(CREATOR, (ALICE,), Condition("", "true")), "condition-invalid"),
        (Binding(CREATOR, (ALICE,), Condition("x" * 101, "true")), "condition-invalid"),
        (Binding(CREATOR, (ALICE,), Condition("night", "request.time <")), "expression-invalid"),
        (Binding(CREATOR, (ALICE,), Condition("night", "request.secrets == 1")), "expression-invalid"),
        (Binding(CREATOR, (ALICE,), Condition("night", "1" * 5000)), "expression-invalid"),
        (Binding(CREATOR, tuple(f"user:u{n}@example.com" for n in range(1501))), "bindings-too-many"),
    ],
)
def test_bindings_that_are_refused(site: harness.Site, binding: Binding, code: str) -> None:
    """Roles that are not there, conditions that cannot be judged, and more than there is room for."""
    assert refused(site, binding).code == code


def test_conditions_have_a_bound_of_their_own(site: harness.Site) -> None:
    """A hundred conditions stand in a policy, and no more."""
    made = [Binding(CREATOR, (ALICE,), Condition(f"c{number}", f"{number} == 1")) for number in range(101)]
    assert refused(site, *made).code == "bindings-too-many"
    assert put(site, *made[:100]).policy.version == 3


def test_bindings_of_one_role_become_one(site: harness.Site) -> None:
    """Members stand once; a binding without members is none."""
    written = put(site, Binding(CREATOR, (ALICE,)), Binding(CREATOR, (ALICE, WORKER)), Binding(INVOKER, ()))
    assert written.policy.bindings == (Binding(CREATOR, (ALICE, WORKER)),)


@capability("self-impersonation-refused", witness="the stored records")
def test_an_account_may_not_act_as_itself(site: harness.Site) -> None:
    """Refused, unless the tenant allows it; then it is warned of."""
    own = Binding(CREATOR, (f"serviceAccount:{seeds.TARGET}",))
    fault = refused(site, own)
    assert fault.code == "self-impersonation"
    assert "--self-impersonation" in fault.hint
    tenant = site.read(tenants.by_id, TENANT)
    site.write(tenants.replace, msgspec.structs.replace(tenant, self_impersonation=True))
    assert "renew its tokens without end" in put(site, own).warnings[0]
    viewer = Binding("roles/iam.serviceAccountViewer", (f"serviceAccount:{seeds.TARGET}",))
    site.write(tenants.replace, tenant)
    assert put(site, viewer).warnings == ()
    admin = Binding("roles/iam.serviceAccountKeyAdmin", (f"serviceAccount:{seeds.TARGET}",))
    assert "make itself keys" in put(site, admin).warnings[0]


def test_nobody_switches_it_unseen(site: harness.Site) -> None:
    """Without somebody for the log to name, the tenant's switch does not move."""
    with pytest.raises(ValueError, match="who changes"):
        site.run(tenancy.update(site.store, "default", Policies(self_impersonation=True)))
    assert not site.read(tenants.by_id, TENANT).self_impersonation


def test_giving_and_taking_a_role(site: harness.Site) -> None:
    """One binding is changed, the others stay; a condition makes it another binding."""
    before = site.run(policies.show(site.store, target(site))).bindings
    condition = Condition("soon", "request.time < timestamp('2030-01-01T00:00:00Z')")
    add(site, CREATOR, ALICE, condition=condition)
    add(site, CREATOR, ALICE, condition=condition)
    assert site.run(policies.show(site.store, target(site))).bindings == (
        *before,
        Binding(CREATOR, (ALICE,), condition),
    )
    with pytest.raises(Misconfigured) as caught:
        site.run(policies.remove(site.store, ACTOR, target(site), CREATOR, (ALICE,), "other"))
    assert caught.value.code == "binding-unknown"
    written = site.run(policies.remove(site.store, ACTOR, target(site), CREATOR, (ALICE,), "soon"))
    assert written.policy.bindings == before
    site.run(policies.remove(site.store, ACTOR, target(site), CREATOR, (ALICE, WORKER)))
    with pytest.raises(Misconfigured):
        site.run(policies.remove(site.store, ACTOR, target(site), CREATOR, (ALICE,)))


@pytest.mark.parametrize("etag", ["", "ACAB", "SEEDED01"])
def test_an_old_version_is_not_overwritten(site: harness.Site, etag: str) -> None:
    """A policy is written over the version that was read, and over no other."""
    with pytest.raises(Misconfigured) as caught:
        site.run(policies.put(site.store, ACTOR, target(site), (), etag))
    assert caught.value.code == "policy-changed"
    stands = site.run(policies.show(site.store, target(site)))
    written = site.run(policies.put(site.store, ACTOR, target(site), (), stands.etag))
    assert written.policy.bindings == ()
    assert written.policy.etag != stands.etag


def test_the_first_version_has_an_etag_too(site: harness.Site) -> None:
    """What nobody ever wrote is written over once."""
    first = site.run(policies.show(site.store, target(site, seeds.ACCOUNT)))
    assert (first.bindings, first.etag) == ((), "ACAB")
    site.run(policies.put(site.store, ACTOR, target(site, seeds.ACCOUNT), (), first.etag))
    with pytest.raises(Misconfigured):
        site.run(policies.put(site.store, ACTOR, target(site, seeds.ACCOUNT), (), first.etag))


@capability("audit-administration", witness="the stored records")
def test_the_log_tells_what_was_given_and_taken(site: harness.Site) -> None:
    """Who gave what to whom, on what, in the transaction of the change; a refusal leaves nothing."""
    put(site, Binding(CREATOR, (ALICE,), Condition("soon", "true")))
    refused(site, Binding("roles/nothing", (ALICE,)))
    (entry,) = site.read(audit.page, TENANT, audit.LAST, 10, "policy.set")
    assert (entry.principal, entry.resource) == ("operator:test", target(site).resource)
    assert entry.detail["given"] == f"{CREATOR} {ALICE} if soon: true"
    assert f"{CREATOR} {WORKER}" in entry.detail["taken"]


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("demo-project", "projects/demo-project"),
        ("projects/demo-project", "projects/demo-project"),
        (str(seeds.PROJECT_NUMBER), "projects/demo-project"),
        (f"projects/{seeds.PROJECT_NUMBER}/services/demo-service", "projects/demo-project/services/demo-service"),
        ("demo-service", "projects/demo-project/services/demo-service"),
        (seeds.SERVICE_AUDIENCE, "projects/demo-project/services/demo-service"),
        (seeds.TARGET, f"projects/demo-project/serviceAccounts/{seeds.TARGET_ID}"),
        (seeds.TARGET_ID, f"projects/demo-project/serviceAccounts/{seeds.TARGET_ID}"),
        (f"projects/-/serviceAccounts/{seeds.TARGET}", f"projects/demo-project/serviceAccounts/{seeds.TARGET_ID}"),
        (f"projects/demo-project/serviceAccounts/{seeds.TARGET}", None),
        ("nothing", ""),
        ("projects/other-project", ""),
        (f"projects/other-project/serviceAccounts/{seeds.TARGET}", ""),
        ("projects/demo-project/serviceAccounts/nobody@x", ""),
        ("projects/demo-project/services/nothing", ""),
        ("projects/demo-project/pools/nothing", ""),
        ("projects/demo-project/things/x", ""),
        ("projects/demo-project/services/demo-service/x", ""),
        ("http://localhost:8081/other", ""),
        ("", ""),
    ],
)
def test_names_of_resources(site: harness.Site, name: str, resource: str | None) -> None:
    """Whole names, addresses, numbers, audiences and bare names lead to one resource, or to none."""
    if resource == "":
        with pytest.raises(Misconfigured) as caught:
            target(site, name)
        assert caught.value.code == "resource-unknown"
    else:
        assert target(site, name).resource == resource or resource is None


@capability("custom-roles", witness="the stored records")
def test_a_project_has_roles_of_its_own(site: harness.Site) -> None:
    """They give what is known, in their project alone, and nothing after they are gone."""
    given: dict[str, Any] = {"project": seeds.PROJECT, "name": "callers", "permissions": ("run.routes.invoke",)}
    made = site.run(roles.create(site.store, ACTOR, VOCABULARY, TENANT, **given))
    assert made.role == "projects/demo-project/roles/callers"
    with pytest.raises(Misconfigured) as caught:
        site.run(roles.create(site.store, ACTOR, VOCABULARY, TENANT, **given))
    assert caught.value.code == "role-exists"
    put(site, Binding(made.role, (ALICE,)), name=seeds.SERVICE)
    change = RoleChange(permissions=("iam.serviceAccounts.get", "iam.serviceAccounts.get"))
    changed = site.run(roles.update(site.store, ACTOR, VOCABULARY, TENANT, made.role, change))
    assert changed.permissions == ("iam.serviceAccounts.get",)
    listed = site.run(roles.every(site.store, VOCABULARY, TENANT))
    assert [one.role for one in listed if one.custom] == [made.role]
    site.run(roles.delete(site.store, ACTOR, TENANT, made.role))
    for _ in range(2):
        with pytest.raises(Misconfigured):
            site.run(roles.delete(site.store, ACTOR, TENANT, made.role))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"name": "x"}, "role-name-invalid"),
        ({"name": "a/b/c"}, "role-name-invalid"),
        ({"permissions": ()}, "too-many"),
        ({"permissions": ("iam.serviceAccounts.*",)}, "permission-invalid"),
        ({"permissions": ("storage.objects.get",)}, "permission-invalid"),
        ({"project": "other-project"}, "project-unknown"),
        ({"title": "x" * 101}, "text-invalid"),
    ],
)
def test_roles_that_are_refused(site: harness.Site, members: dict[str, Any], code: str) -> None:
    """Names, permissions and projects that are not there."""
    usual: dict[str, Any] = {"project": seeds.PROJECT, "name": "mine", "permissions": ("run.routes.invoke",)}
    with pytest.raises(Misconfigured) as caught:
        site.run(roles.create(site.store, ACTOR, VOCABULARY, TENANT, **(usual | members)))
    assert caught.value.code == code


def test_a_role_that_everybody_has_cannot_grow(site: harness.Site) -> None:
    """What may not be bound does not come about by changing the role, nor by making it anew."""
    given: dict[str, Any] = {"project": seeds.PROJECT, "name": "callers", "permissions": ("run.routes.invoke",)}
    made = site.run(roles.create(site.store, ACTOR, VOCABULARY, TENANT, **given))
    put(site, Binding(made.role, ("allUsers",)), name=seeds.SERVICE)
    wide = ("iam.serviceAccounts.getAccessToken",)
    with pytest.raises(Misconfigured) as caught:
        site.run(roles.update(site.store, ACTOR, VOCABULARY, TENANT, made.role, RoleChange(permissions=wide)))
    assert caught.value.code == "role-too-broad"
    site.run(roles.delete(site.store, ACTOR, TENANT, made.role))
    with pytest.raises(Misconfigured) as caught:
        site.run(roles.create(site.store, ACTOR, VOCABULARY, TENANT, **(given | {"permissions": wide})))
    assert caught.value.code == "role-too-broad"


def test_two_people_with_one_address_mean_nobody(site: harness.Site) -> None:
    """A confirmed address of two users is no name for either."""
    site.change_user("bob", claims={"email": "alice@example.com", "email_verified": True})
    assert refused(site, Binding(INVOKER, (ALICE,)), name="demo-project").code == "member-ambiguous"


def test_a_member_means_whom_it_meant(site: harness.Site) -> None:
    """Reading a policy and writing it back hands nothing to the present holder of an address."""
    put(site, Binding(CREATOR, (ALICE,)))
    site.change_user("alice", claims={"email": "other@example.com", "email_verified": True})
    site.change_user("bob", claims={"email": "alice@example.com", "email_verified": True})
    again = put(site, Binding(CREATOR, (ALICE,)), Binding(INVOKER, (WORKER,)))
    assert again.policy.identities[ALICE] == seeds.ALICE_ID
    assert "earlier holder" in again.warnings[0]
    with pytest.raises(Misconfigured) as caught:
        add(site, INVOKER, ALICE)
    assert caught.value.code == "member-recycled"
    put(site)
    bob = site.user("bob").user_id
    assert add(site, CREATOR, ALICE).policy.identities == {ALICE: bob}


class TestRace:
    """Two writers of one policy, on both engines: one wins, the other learns it; changes of bindings both stay."""

    @pytest.fixture(params=["sqlite", "postgresql"])
    def url(self, request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
        """Return the URL of an empty, migrated database."""
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/race.db"
        else:
            url = request.getfixturevalue("postgres_server").create(f"policies{next(_numbers)}")
        asyncio.run(opening.prepare(url, harness.NOW))
        return url

    @capability("policy-etag", witness="SQLite and PostgreSQL")
    def test_two_writers(self, url: str) -> None:
        """Of two that read the same version one is refused; six that add a member each lose none."""
        asyncio.run(_race(url))

    def test_people_by_confirmed_address(self, url: str) -> None:
        """Exactly this address, and only where it was confirmed; of several at most two."""
        asyncio.run(_by_address(url))


async def _by_address(url: str) -> None:
    store = await opening.open_store(url)
    try:
        tenant = await tenancy.create(store, clocks.FixedClock(harness.NOW), slug="default")
        given = [("a", "a@x.example", True), ("b", "b@x.example", False), ("c", "a@x.example", True)]
        given += [("d", "A@x.example", True), ("e", "a@x.example", True), ("f", "'\"\\\u00fc@x.example", True)]
        for number, (name, email, confirmed) in enumerate(given):
            claims = {"email": email, "email_verified": confirmed}
            user_id = UserId(f"00000000-0000-4000-8000-{number:012}")
            person = User(tenant.tenant_id, user_id, name, harness.NOW, harness.NOW, claims=claims)
            await store.write(users.insert, person)

        async def named(email: str) -> list[str]:
            return [one.username for one in await store.read(users.by_confirmed_email, tenant.tenant_id, email)]

        assert await named("a@x.example") == ["a", "c"]
        assert await named("b@x.example") == []
        assert await named("A@x.example") == ["d"]
        assert await named("'\"\\\u00fc@x.example") == ["f"]
        assert await named("%@x.example") == []
    finally:
        await store.close()


async def _race(url: str) -> None:
    stores = [await opening.open_store(url) for _ in range(2)]
    try:
        wanted = await _prepared(stores[0])
        etag = (await policies.show(stores[0], wanted)).etag
        one, two = (Binding(INVOKER, (f"serviceAccount:a{n}@p.iam.example",)) for n in (1, 2))
        outcomes = await asyncio.gather(
            policies.put(stores[0], ACTOR, wanted, (one,), etag),
            policies.put(stores[1], ACTOR, wanted, (two,), etag),
            return_exceptions=True,
        )
        (winner,) = [each for each in outcomes if isinstance(each, Written)]
        (loser,) = [each for each in outcomes if isinstance(each, Misconfigured)]
        assert loser.code == "policy-changed"
        assert await policies.show(stores[0], wanted) == winner.policy
        names = [f"serviceAccount:a{number}@p.iam.example" for number in range(6)]
        adding = (policies.add(stores[n % 2], ACTOR, wanted, INVOKER, (name,)) for n, name in enumerate(names))
        await asyncio.gather(*adding)
        (binding,) = (await policies.show(stores[1], wanted)).bindings
        assert sorted(binding.members) == names
    finally:
        for store in stores:
            await store.close()


async def _prepared(store: Store) -> Target:
    clock = clocks.FixedClock(harness.NOW)
    tenant = await tenancy.create(store, clock, slug="default")
    await projects.create(store, ACTOR, tenant.tenant_id, project_id="project-1")
    for number in range(6):
        made = ServiceAccount(tenant.tenant_id, f"a{number}@p.iam.example", ids.digits(21), "project-1", harness.NOW)
        await store.write(accounts.insert, made)
    return Target(tenant, VOCABULARY, "projects/project-1")


def test_a_deleted_account_leaves_its_mark(site: harness.Site) -> None:
    """Bindings tell who it was; its own policy is gone; coming back brings the bindings back, and not the policy."""
    put(site, Binding(CREATOR, (ALICE, WORKER)))
    put(site, Binding(INVOKER, (WORKER,)), name="demo-project")
    own = put(site, Binding(CREATOR, (ALICE,)), name=seeds.ACCOUNT).policy.resource
    gone = f"deleted:{WORKER}?uid={seeds.ACCOUNT_ID}"
    site.run(serviceaccounts.delete(site.store, ACTOR, VOCABULARY, TENANT, seeds.ACCOUNT))
    stands = site.run(policies.show(site.store, target(site)))
    assert stands.bindings == (Binding(CREATOR, (ALICE, gone)),)
    assert stands.identities == {ALICE: seeds.ALICE_ID, gone: seeds.ACCOUNT_ID}
    assert site.read(records.of_resource, TENANT, own) is None
    put(site, *stands.bindings, Binding(INVOKER, (ALICE,)))
    back = site.run(serviceaccounts.undelete(site.store, ACTOR, VOCABULARY, TENANT, seeds.ACCOUNT_ID))
    assert back.deleted_at is None
    stands = site.run(policies.show(site.store, target(site)))
    assert stands.bindings[0] == Binding(CREATOR, (ALICE, WORKER))
    assert isinstance(site.read(records.of_resource, TENANT, "projects/demo-project"), Policy)
    assert site.read(records.of_resource, TENANT, own) is None
