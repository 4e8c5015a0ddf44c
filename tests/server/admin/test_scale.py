"""Ten thousand service accounts and a thousand bindings on one of them: what that costs those who ask for tokens."""

from __future__ import annotations

import time

import pytest

from benchmarks import plant
from intaglio.dialects.google.principals import VOCABULARY
from intaglio.server.access.decide import Indexed
from intaglio.server.devmode import seeds
from intaglio.server.model import policies, serviceaccounts
from intaglio.server.model.policies import Policy
from tests import harness, workloads

SHARE = 0.1
"""What reading a policy may take of the second for which it is remembered."""


@pytest.fixture
def crowded(site: harness.Site) -> tuple[harness.Site, Policy]:
    """A site with 10,000 more accounts, and 1,000 more bindings on the seeded target."""
    policy = site.run(plant.plant(site.store, accounts=10_000, bindings=1_000, now=harness.NOW))
    site.settle()
    return site, policy


def test_those_who_may_still_may(crowded: tuple[harness.Site, Policy]) -> None:
    """The last binding of a thousand counts as the first one does, and a planted account's too."""
    site, policy = crowded
    assert len(policy.bindings) == 1_002
    for number in (0, 999, 1_000):
        bearer = workloads.token(site, plant.account(number, harness.NOW))
        answer = workloads.id_token(site, seeds.TARGET, bearer)
        assert answer.status == (200 if number < 1_000 else 403)
    worker = workloads.token(site, workloads.seeded(site, seeds.ACCOUNT))
    assert workloads.id_token(site, seeds.TARGET, worker).status == 200


def test_reading_a_policy_is_a_small_share_of_a_second(crowded: tuple[harness.Site, Policy]) -> None:
    """A policy is read at most once a second: what that takes is what the bindings cost, whatever the rate."""
    site, policy = crowded

    def took() -> float:
        began = time.perf_counter()
        read = site.read(policies.of_resource, seeds.TENANT_ID, policy.resource)
        Indexed(read, VOCABULARY.read_member)
        site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET)
        site.read(serviceaccounts.by_unique_id, seeds.TENANT_ID, seeds.TARGET_ID)
        return time.perf_counter() - began

    assert min(took() for _ in range(5)) < SHARE


def test_planting_again_adds_nothing(crowded: tuple[harness.Site, Policy]) -> None:
    """Addresses and numbers are the same each time."""
    site, policy = crowded
    again = site.run(plant.plant(site.store, accounts=100, bindings=1_000, now=harness.NOW))
    assert again.bindings == policy.bindings
