"""A trial of a token: everything is shown, nothing is issued, used up or asked for in vain."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.dialects import registry
from intaglio.dialects.dialect import Vocabulary
from intaglio.server.devmode import seeds
from intaglio.server.model import audit, policies, pools, resources
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.pools import PoolProvider
from intaglio.server.workload import trial
from intaglio.server.workload.pools import Providers
from intaglio.server.workload.trial import Trial
from tests import authorities, foreign, harness
from tests.foreign import told

POOL = "//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/builders"


class Asked:
    """A way out that leads nowhere, and remembers that it was taken."""

    def __init__(self) -> None:
        self.times = 0

    async def run(self, flow: Any) -> Any:
        """Fail as a call that nobody answers."""
        from intaglio.errors import Unavailable

        self.times += 1
        next(flow)
        return flow.throw(Unavailable("unreachable"))


def attempt(site: harness.Site, text: str, way: Asked | None = None) -> Trial:
    """Try a token."""
    words = registry.DIALECTS["google"].vocabulary
    assert isinstance(words, Vocabulary)
    provider, pool = site.read(pools.provider_by_id, seeds.TENANT_ID, seeds.PROJECT, foreign.POOL, foreign.PROVIDER)
    assert isinstance(provider, PoolProvider)
    known = Providers(site.store, site.clock).compiled(provider, pool, seeds.PROJECT_NUMBER, words)
    return site.run(trial.attempt(text, known, words, site.store, way, site.clock.now()))


def outcome(tried: Trial, name: str) -> str:
    """Return how a check ended."""
    (found,) = [check.outcome for check in tried.checks if check.name == name]
    return found


def test_a_token_that_would_be_taken(site: harness.Site) -> None:
    """All of it: checks, values, condition, principal, and nothing in the log."""
    foreign.plant(site, attribute_condition="assertion.repository == 'acme/app'")
    tried = attempt(site, foreign.token())
    assert tried.refused == ""
    assert {check.outcome for check in tried.checks} == {"pass", "skipped"}
    assert [(one.target, one.value) for one in tried.values] == [
        ("google.subject", "repo:acme/app"),
        ("attribute.repository", "acme/app"),
    ]
    assert tried.principal == f"principal:{POOL}/subject/repo:acme/app"
    assert tried.condition is not None
    assert tried.condition.holds
    assert site.read(audit.page, seeds.TENANT_ID, audit.LAST, 10) == []


def test_the_part_that_is_false(site: harness.Site) -> None:
    """Not the whole condition, but the part of it that kept the token out; the mapping is shown all the same."""
    condition = "assertion.ref == 'refs/heads/main' && (assertion.repository == 'acme/api' || google.subject == 'x')"
    foreign.plant(site, attribute_condition=condition)
    tried = attempt(site, foreign.token())
    assert tried.condition is not None
    assert not tried.condition.holds
    assert "acme/api" in tried.condition.culprit
    assert "refs/heads/main" not in tried.condition.culprit
    assert "rejected by the attribute condition" in tried.refused


def test_a_mapping_that_fails_is_named(site: harness.Site) -> None:
    """The others are shown."""
    mapping = {"google.subject": "assertion.sub", "attribute.x": "assertion.absent", "attribute.n": "assertion.iat"}
    foreign.plant(site, attribute_mapping=mapping)
    tried = attempt(site, foreign.token())
    failed = {one.target: one.failed for one in tried.values}
    assert failed["google.subject"] == ""
    assert "absent" in failed["attribute.x"]
    assert "no text" in failed["attribute.n"]
    assert tried.refused


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "https://evil.example"}, "audience"),
        ({"exp": harness.NOW - 100}, "expiry"),
        ({"iat": harness.NOW - 90_000}, "age"),
        ({"key": foreign.OTHER_KEY}, "signature"),
    ],
)
def test_a_check_that_fails(site: harness.Site, changes: dict[str, Any], check: str) -> None:
    """It is named, and what the token would be mapped to is shown all the same."""
    foreign.plant(site)
    tried = attempt(site, foreign.token(**changes))
    assert outcome(tried, check) == "fail"
    assert tried.refused.startswith(check)
    assert tried.values[0].value == "repo:acme/app"


def test_nobody_is_asked_in_vain(site: harness.Site) -> None:
    """Keys are fetched only where the provider holds none, and everything else about the token is right."""
    foreign.plant(site)
    way = Asked()
    attempt(site, foreign.token(), way)
    foreign.change(site, jwks="")
    attempt(site, foreign.token(aud="https://evil.example"), way)
    assert way.times == 0
    tried = attempt(site, foreign.token(), way)
    assert way.times == 1
    assert outcome(tried, "key") == "fail"
    assert tried.refused.startswith("key")


def test_a_proof_by_a_certificate_is_not_used_up(site: harness.Site) -> None:
    """It can be brought afterwards."""
    mapping = {"google.subject": "assertion.subject.dn.cn"}
    foreign.plant(site, issuer="", jwks="", trust_anchors=authorities.ROOT.pem, attribute_mapping=mapping)
    leaf = authorities.make(authorities.cn("cart"), authorities.ROOT)
    proof = leaf.proof()
    assert attempt(site, proof).principal.endswith("/subject/cart")
    assert foreign.exchange(site, proof).status == 200
    assert told(foreign.exchange(site, proof))[0] == 400
    stranger = authorities.make(authorities.cn("cart"), authorities.OTHER_ROOT)
    assert outcome(attempt(site, stranger.proof()), "certificate") == "fail"


def test_what_is_not_in_use_is_told(site: harness.Site) -> None:
    """With everything else that is known."""
    foreign.plant(site, disabled_at=harness.NOW)
    tried = attempt(site, foreign.token())
    assert "disabled" in tried.refused
    assert tried.principal


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "{}"])
def test_what_is_no_token(site: harness.Site, text: str) -> None:
    """Said in the checks."""
    foreign.plant(site)
    tried = attempt(site, text)
    assert outcome(tried, "form") == "fail"
    assert tried.refused


def test_what_it_would_open(site: harness.Site) -> None:
    """By a policy of an account, and by one of the project."""
    foreign.plant(site)
    role = "roles/iam.workloadIdentityUser"
    member = f"principalSet:{POOL}/attribute.repository/acme/app"
    policy = Policy(seeds.TENANT_ID, resources.project(seeds.PROJECT), (Binding(role, (member,)),), "E1", harness.NOW)
    assert site.write(policies.write, policy, "")
    opens = attempt(site, foreign.token()).opens
    assert {one.account for one in opens} == {"every account of demo-project", seeds.TARGET}
    assert {one.member for one in opens} == {member}
    assert attempt(site, foreign.token(repository="acme/other")).opens == ()
