"""What is explained is what the server does: every pair of accounts, asked both ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio import ids
from intaglio.dialects.google.principals import VOCABULARY
from intaglio.names import TenantId
from intaglio.server.access import explain
from intaglio.server.access.atlas import Atlas
from intaglio.server.access.explain import Explained
from intaglio.server.admin import access
from intaglio.server.devmode import seeds
from intaglio.server.model import policies, tenants
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.serviceaccounts import ServiceAccount
from tests import harness, workloads
from tests.capability import capability
from tests.workloads import CREATOR, ID_CREATOR

COUNT = 5
GET = VOCABULARY.permissions.id_token
Edges = set[tuple[int, int, str]]


@pytest.fixture(scope="module")
def site() -> Iterator[harness.Site]:
    """A server with some accounts."""
    with harness.site() as opened:
        yield opened


@pytest.fixture(scope="module")
def accounts(site: harness.Site) -> list[ServiceAccount]:
    """Accounts that no policy names yet."""
    return [workloads.account(site, f"robot{number}") for number in range(COUNT)]


def write(site: harness.Site, accounts: list[ServiceAccount], edges: Edges) -> None:
    """Let accounts act as one another along the edges, and not otherwise."""
    for number, target in enumerate(accounts):
        who = [(f"serviceAccount:{accounts[source].email}", role) for source, to, role in edges if to == number]
        bindings = tuple(Binding(role, (member,)) for member, role in who)
        known = site.read(policies.of_resource, seeds.TENANT_ID, target.resource)
        holders = {f"serviceAccount:{one.email}": one.unique_id for one in accounts}
        made = Policy(
            TenantId(seeds.TENANT_ID), target.resource, bindings, ids.opaque(8), harness.NOW, identities=holders
        )
        assert site.write(policies.write, made, known.etag if known else "")
    site.settle()


def is_reached(
    site: harness.Site, accounts: list[ServiceAccount], start: ServiceAccount, target: ServiceAccount
) -> bool:
    """Tell whether the server gives ID tokens of the target to somebody who takes every access token on the way."""
    held = {start.unique_id: workloads.token(site, start)}
    waiting = [start]
    while waiting:
        bearer = held[waiting.pop(0).unique_id]
        if workloads.id_token(site, target, bearer).status == 200:
            return True
        for one in accounts:
            if one.unique_id not in held and one != target:
                answer = workloads.access_token(site, one, bearer)
                if answer.status == 200:
                    held[one.unique_id] = answer.json()["accessToken"]
                    waiting.append(one)
    return False


def follows(site: harness.Site, start: ServiceAccount, target: ServiceAccount, found: Explained) -> bool:
    """Tell whether the server lets the way be gone as it was drawn."""
    between = [step.whom.removeprefix("serviceAccount:") for step in found.way[:-1]]
    bearer = workloads.token(site, start)
    if found.how == "tokens":
        for name in between:
            bearer = workloads.access_token(site, name, bearer).json()["accessToken"]
        between = []
    return workloads.id_token(site, target, bearer, delegates=between).status == 200


_EDGES = st.sets(
    st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1), st.sampled_from([CREATOR, CREATOR, ID_CREATOR])),
    max_size=9,
)


@capability("access-explain", witness="the server's own answers, over HTTP")
@given(_EDGES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_d6_53_what_is_explained_is_what_happens(
    site: harness.Site, accounts: list[ServiceAccount], edges: Edges
) -> None:
    """Allowed means that the way that was drawn leads there; not allowed means that no way does."""
    write(site, accounts, edges)
    tenant = site.read(tenants.by_id, seeds.TENANT_ID)
    assert tenant is not None
    atlas = Atlas(site.read(access._world, tenant), VOCABULARY, site.clock.now())
    for start in accounts:
        bearer = workloads.token(site, start)
        for target in accounts:
            found = explain.explain(atlas, atlas.holder(start.unique_id), GET, target.resource)
            assert (found.how == "direct") == (workloads.id_token(site, target, bearer).status == 200)
            if found.allowed:
                assert follows(site, start, target, found)
            else:
                assert not is_reached(site, accounts, start, target)
