"""What one process changes, every other one goes by a second later: each place where something is remembered.

Each case is what a node says while it goes by the memory of this second, what an operator changes in the database, and
what the node says a second later.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from intaglio.names import RingId
from intaglio.server.admin import connections as known_connections
from intaglio.server.admin import leaving, serviceaccounts, tenants, users
from intaglio.server.admin.tenants import Policies
from intaglio.server.admin.users import Changes
from intaglio.server.devmode import seeds
from intaglio.server.keyring import rotate
from intaglio.server.model import accountkeys, clients, policies, pools, signingkeys
from intaglio.server.model import tenants as records
from intaglio.server.model.policies import CustomRole
from intaglio.server.registry.connectionrules import Wanted
from tests import foreign, harness, upstreams, workloads
from tests.capability import capability
from tests.harness import App, Browser, Site
from tests.nodes import Two

TENANT = seeds.TENANT_ID
Seen = Callable[[Site], object]
"""What a node says."""


@pytest.fixture
def two(tmp_path: pathlib.Path) -> Iterator[Two]:
    """Two nodes on one database."""
    opened = Two(tmp_path)
    yield opened
    opened.close()


class Case(msgspec.Struct, frozen=True):
    """What is set up (which returns what a node is asked), and what is changed."""

    setup: Callable[[Two], Seen]
    change: Callable[[Two], object]
    before: object
    after: object


def _authorize(site: Site) -> object:
    browser = Browser(site)
    return browser.follow(App(site).authorize(browser)).status


def _change_client(two: Two, client_id: str = "web", **changes: Any) -> None:
    found = two.one.client(client_id)
    assert two.one.write(clients.replace, msgspec.structs.replace(found, **changes))


def _machine(site: Site) -> object:
    return App(site, "machine", "machine-secret").token({"grant_type": "client_credentials"}).status


def _login(site: Site) -> object:
    browser = Browser(site)
    return len(upstreams.links(browser.follow(App(site).authorize(browser))))


def _connected(two: Two) -> Seen:
    upstreams.connect(two.one, issuer="https://op.example")
    return _login


def _disconnect(two: Two) -> object:
    tenant = two.one.read(records.by_id, TENANT)
    return two.one.run(
        known_connections.update(two.one.store, two.one.vault, two.actor, tenant, "partner", Wanted(disabled=True))
    )


def _kids(site: Site) -> set[str]:
    return {key["kid"] for key in site.get("~/jwks").json()["keys"]}


def _published(two: Two) -> Seen:
    known = _kids(two.one)
    return lambda site: _kids(site) >= known


def _revoke(two: Two) -> object:
    record, *_ = two.one.read(signingkeys.of_ring, TENANT)
    fresh = rotate.make(two.one.vault, RingId(TENANT), record.alg, two.one.clock.now())
    return two.one.write(rotate.revoke, TENANT, record.key_id, fresh, two.one.clock.now())


def _acting(two: Two) -> Seen:
    """Let one account act as another, and keep the token with which it does."""
    builder = workloads.account(two.one, "builder")
    workloads.allow(two.one, workloads.seeded(two.one), builder)
    two.other.settle()
    token = workloads.token(two.one, builder)
    return lambda site: workloads.id_token(site, seeds.TARGET, token).status


ROLE = CustomRole(
    TENANT, f"projects/{seeds.PROJECT}/roles/signer", "Signer", ("iam.serviceAccounts.getOpenIdToken",), harness.NOW
)


def _by_role(two: Two) -> Seen:
    """Let one account act as another by a role that the tenant made."""
    builder = workloads.account(two.one, "builder")
    two.one.write(policies.insert_role, ROLE)
    workloads.allow(two.one, workloads.seeded(two.one), builder, role=ROLE.role)
    two.other.settle()
    token = workloads.token(two.one, builder)
    return lambda site: workloads.id_token(site, seeds.TARGET, token).status


def _emptied(two: Two) -> object:
    return two.one.write(policies.replace_role, msgspec.structs.replace(ROLE, permissions=("run.routes.invoke",)))


def _forbid(two: Two) -> object:
    return two.one.write(policies.delete, TENANT, workloads.seeded(two.one).resource)


def _account_off(email: str) -> Callable[[Two], object]:
    return lambda two: two.does(serviceaccounts.switch, TENANT, email, enabled=False)


def _signed(two: Two) -> Seen:
    """Give an account a key of its own, and return what comes of its assertions."""
    account = workloads.account(two.one, "signer")
    made = workloads.key(two.one, account)
    two.other.settle()
    form = workloads.assertion(two.one, account, scope=workloads.CLOUD)
    text = made.sign(form)
    return lambda site: workloads.exchange(site, text).status


def _key_off(two: Two) -> object:
    account = two.one.run(serviceaccounts.show(two.one.store, TENANT, "signer@demo-project.iam.intaglio.test"))
    (known,) = two.one.read(accountkeys.of_account, TENANT, account.unique_id)
    return two.one.write(accountkeys.replace, msgspec.structs.replace(known, disabled_at=two.one.clock.now()))


def _attached(site: Site) -> object:
    where = "http://localhost:8081/computeMetadata/v1/instance/service-accounts/default/email"
    return site.get(where, headers={"metadata-flavor": "Google"}).status


def _federated(two: Two) -> Seen:
    foreign.plant(two.one)
    text = foreign.token()
    return lambda site: foreign.exchange(site, text).status


def _pool_off(two: Two) -> object:
    pool = two.one.read(pools.by_id, TENANT, seeds.PROJECT, foreign.POOL)
    return two.one.write(pools.replace, msgspec.structs.replace(pool, disabled_at=harness.NOW))


def _provider_off(two: Two) -> object:
    found = two.one.read(pools.provider_by_id, TENANT, seeds.PROJECT, foreign.POOL, foreign.PROVIDER)
    return two.one.write(pools.replace_provider, msgspec.structs.replace(found[0], disabled_at=harness.NOW))


def _condition(two: Two) -> object:
    found = two.one.read(pools.provider_by_id, TENANT, seeds.PROJECT, foreign.POOL, foreign.PROVIDER)
    changed = msgspec.structs.replace(found[0], attribute_condition="assertion.ref == 'refs/heads/other'")
    return two.one.write(pools.replace_provider, changed)


def _named(two: Two) -> Seen:
    tokens = App(two.one).tokens()
    return lambda site: App(site).userinfo(tokens["access_token"]).json()["nickname"]


def _rename(two: Two) -> object:
    changes = Changes(claims={"nickname": "Ally"})
    return two.one.run(users.update(two.one.store, two.one.clock, TENANT, "alice", changes, two.actor))


def _registration(site: Site) -> object:
    return site.post("~/register", payload={"redirect_uris": ["https://rp.example/cb"]}).status


def _open(two: Two) -> object:
    policy = Policies(registration="open")
    return two.one.run(tenants.update(two.one.store, "default", policy, actor=two.actor))


def _hosted(site: Site) -> object:
    where = "http://localhost:8083/.well-known/openid-configuration"
    return site.get(where, headers={"host": "login.acme.example"}).json()["issuer"]


def _host(two: Two) -> object:
    update = tenants.update(two.one.store, "default", Policies(), hosts=("login.acme.example",), actor=two.actor)
    return two.one.run(update)


CASES = {
    "redirect URI": Case(
        lambda _: _authorize, lambda two: _change_client(two, redirect_uris=("https://a.example/",)), 200, 400
    ),
    "secret": Case(lambda _: _machine, lambda two: _change_client(two, "machine", secrets=()), 200, 401),
    "client": Case(lambda _: _machine, lambda two: two.does(leaving.delete_client, TENANT, "machine"), 200, 401),
    "claim": Case(_named, _rename, "Al", "Ally"),
    "policy of a tenant": Case(lambda _: _registration, _open, 404, 201),
    "host": Case(lambda _: _hosted, _host, "http://localhost:8083/", "http://login.acme.example/"),
    "connection": Case(_connected, _disconnect, 1, 0),
    "key": Case(_published, _revoke, True, False),
    "policy": Case(_acting, _forbid, 200, 403),
    "role": Case(_by_role, _emptied, 200, 403),
    "who acts": Case(_acting, _account_off("builder@demo-project.iam.intaglio.test"), 200, 401),
    "whom for": Case(_acting, _account_off(seeds.TARGET), 200, 403),
    "account's key": Case(_signed, _key_off, 200, 400),
    "attached account": Case(lambda _: _attached, _account_off(seeds.ACCOUNT), 200, 404),
    "pool": Case(_federated, _pool_off, 200, 400),
    "provider": Case(_federated, _provider_off, 200, 400),
    "condition": Case(_federated, _condition, 200, 400),
}


@capability("leaving-second", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("name", CASES)
def test_a_change_is_seen_by_every_node_within_a_second(two: Two, name: str) -> None:
    """Each node goes by the database as it was at the beginning of this second at the latest."""
    case = CASES[name]
    asked = case.setup(two)
    for node in two.nodes:
        assert asked(node) == case.before
    case.change(two)
    two.settle()
    for node in two.nodes:
        assert asked(node) == case.after
