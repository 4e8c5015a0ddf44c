"""What each platform tells, and the full format of an ID token."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.dialects.google import claims, instances
from intaglio.protocol.facts import Facts, Workload
from intaglio.protocol.instances import Attached, Instance
from intaglio.server.workload import instances as trees
from tests.capability import capability

EMAIL = "worker@demo-project.iam.intaglio.test"


def _instance(profile: str = "gce", **members: Any) -> Instance:
    usual: dict[str, Any] = {
        "project_id": "demo-project",
        "project_number": 100000000001,
        "instance_id": 4242,
        "name": "box",
        "zone": "us-central1-a",
        "machine_type": "small",
        "created_at": 1_700_000_000,
        "licenses": ("1001",),
        "attributes": {"my-key": "v", "other_Key": "w"},
        "accounts": (Attached(EMAIL, "1" * 21, instances.SCOPES), Attached("second@p.iam.x", "2" * 21)),
    }
    return Instance(profile, "http://localhost:8081", **(usual | members))


def _has(profile: str, path: str) -> bool:
    return trees.find(instances.tree(_instance(profile)), tuple(path.split("/"))) is not None


ACCOUNT = "instance/service-accounts/default"
EVERYWHERE = ("project/project-id", "project/numeric-project-id", f"{ACCOUNT}/email", f"{ACCOUNT}/token")
ONLY: dict[str, set[str]] = {
    "gce": {"instance/id", "instance/name", "instance/machine-type", "instance/tags", "instance/attributes/my-key"},
    "appengine-flexible": {"instance/id", "instance/name", "instance/machine-type", "instance/disks/0/mode"},
    "appengine-standard": {"instance/region", "instance/zone"},
    "run": {"instance/region", "instance/zone", "instance/id"},
    "functions": {"instance/region", "instance/zone", "instance/id"},
    "gke": {"instance/attributes/cluster-name", "instance/attributes/cluster-location", "instance/hostname"},
    "build": set(),
}
MACHINES = {"gce", "appengine-flexible"}


@capability("metadata-profiles", witness="the paths that the platforms' pages list")
@pytest.mark.parametrize("profile", instances.PLATFORMS)
def test_each_platform_has_its_paths(profile: str) -> None:
    """What its page lists is there; what only a virtual machine has is there on one alone."""
    assert all(_has(profile, path) for path in EVERYWHERE)
    assert all(_has(profile, path) for path in ONLY[profile])
    assert _has(profile, "instance/machine-type") is (profile in MACHINES)
    assert _has(profile, "instance/region") is (profile in {"run", "functions", "appengine-standard"})


@pytest.mark.parametrize("profile", instances.PLATFORMS)
def test_every_platform_but_builds_gives_id_tokens(profile: str) -> None:
    """A build has no identity endpoint."""
    assert _has(profile, f"{ACCOUNT}/identity") is (profile != "build")


@pytest.mark.parametrize(
    ("base", "universe"),
    [
        ("http://localhost:8081", "googleapis.com"),
        ("https://accounts.google.com", "googleapis.com"),
        ("https://accounts.example.com", "example.com"),
    ],
)
def test_the_universe_in_both_spellings(base: str, universe: str) -> None:
    """With a hyphen and with an underscore, as two clients ask."""
    tree = instances.tree(_instance("gce").__class__("gce", base, "p"))
    assert trees.find(tree, ("universe", "universe-domain")) == universe
    assert trees.find(tree, ("universe", "universe_domain")) == universe


def test_an_unknown_project_number_is_not_made_up() -> None:
    """The path is absent, and zones name the project instead."""
    tree = instances.tree(_instance(project_number=0))
    assert trees.find(tree, ("project", "numeric-project-id")) is None
    assert trees.find(tree, ("instance", "zone")) == "projects/demo-project/zones/us-central1-a"


def _claims(profile: str | None, *, licenses: bool = False) -> dict[str, Any]:
    machine = _instance(profile) if profile else None
    account = Workload(EMAIL, "1" * 21, "demo-project", machine=machine, licenses=licenses)
    facts = Facts("iss", "t", "s", "o", "aud", 1_800_000_000, 3600, "RS256", workload=account)
    return claims.id_token(facts)


@capability("metadata-identity", witness="the claims of the full format as they are documented")
@pytest.mark.parametrize("profile", instances.PLATFORMS)
def test_the_full_format_describes_a_virtual_machine(profile: str) -> None:
    """Numbers as numbers, the instance's identifier as text; elsewhere there is nothing to describe."""
    told = _claims(profile, licenses=True).get("google")
    if profile not in MACHINES:
        assert told is None
        return
    assert told == {
        "compute_engine": {
            "project_id": "demo-project",
            "project_number": 100000000001,
            "zone": "us-central1-a",
            "instance_id": "4242",
            "instance_name": "box",
            "instance_creation_timestamp": 1_700_000_000,
            "license_id": ["1001"],
        }
    }


def test_licenses_are_told_only_when_asked_for() -> None:
    """And nothing of the machine in the standard format."""
    assert "license_id" not in _claims("gce")["google"]["compute_engine"]
    assert "google" not in _claims(None)
