"""The metadata tree in Google's spelling, and which part of it each platform has.

Google's pages on the metadata server of Compute Engine, App Engine, Cloud Run, functions, GKE and builds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.dialects.google import hosts
from intaglio.protocol.instances import Asked, Attached, Instance, Lines, Named, Node, Packed

SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email")
"""What the access tokens of an attached account may do, as the documents of the platforms have it."""


class Platform(msgspec.Struct, frozen=True):
    """What a platform tells.

    `machine` is a virtual machine with all its parts, which the full format describes; `region` the place of a
    serverless one, `cluster` that of a node; `identity` tells whether it gives ID tokens.
    """

    machine: bool = False
    region: bool = False
    cluster: bool = False
    identity: bool = True


PLATFORMS = {
    "gce": Platform(machine=True),
    "appengine-flexible": Platform(machine=True),
    "appengine-standard": Platform(region=True),
    "run": Platform(region=True),
    "functions": Platform(region=True),
    "gke": Platform(cluster=True),
    "build": Platform(identity=False),
}
"""The platforms by name; the first is the one of development."""


def tree(instance: Instance) -> dict[str, Node]:
    """Return the tree below `/computeMetadata/v1/`."""
    return {
        "instance": _instance(instance),
        "project": _project(instance),
        "universe": {name: hosts.universe(instance.base) for name in ("universe-domain", "universe_domain")},
    }


def described(instance: Instance, *, licenses: bool) -> dict[str, Any] | None:
    """Return the claim of the full format; None where no virtual machine is."""
    if not PLATFORMS[instance.profile].machine:
        return None
    told: dict[str, Any] = {
        "project_id": instance.project_id,
        "project_number": instance.project_number,
        "zone": instance.zone,
        "instance_id": str(instance.instance_id),
        "instance_name": instance.name,
        "instance_creation_timestamp": instance.created_at,
    }
    return {"compute_engine": told | ({"license_id": list(instance.licenses)} if licenses else {})}


def _project(instance: Instance) -> dict[str, Node]:
    found: dict[str, Node] = {"project-id": instance.project_id}
    if PLATFORMS[instance.profile].machine:
        found["attributes"] = Named(instance.project_attributes)
    if instance.project_number:
        found["numeric-project-id"] = instance.project_number
    return found


def _instance(instance: Instance) -> dict[str, Node]:
    platform = PLATFORMS[instance.profile]
    number = instance.project_number or instance.project_id
    found: dict[str, Node] = {"service-accounts": _accounts(instance.accounts, identity=platform.identity)}
    if not platform.identity:
        return found
    found["zone"] = f"projects/{number}/zones/{instance.zone}"
    found["id"] = instance.instance_id
    if platform.region:
        found["region"] = f"projects/{number}/regions/{_region(instance.zone)}"
        # There a container's identifier is a text of no meaning.
        found["id"] = f"{instance.instance_id:032x}"
    if platform.cluster:
        found |= {"hostname": instance.hostname, "attributes": Named(_cluster(instance))}
    return found | _machine(instance, number) if platform.machine else found


def _region(zone: str) -> str:
    return zone.rpartition("-")[0] or zone


def _cluster(instance: Instance) -> dict[str, Node]:
    named = {"cluster-name": instance.name, "cluster-location": instance.zone, "cluster-uid": ""}
    return {**named, **instance.attributes}


def _machine(instance: Instance, number: int | str) -> dict[str, Node]:
    return {
        "attributes": Named(instance.attributes),
        "cpu-platform": "Unknown",
        "description": "",
        "disks": [{"device-name": "boot", "index": 0, "mode": "READ_WRITE", "type": "PERSISTENT"}],
        "hostname": instance.hostname,
        "image": "",
        "licenses": [{"id": one} for one in instance.licenses],
        "machine-type": f"projects/{number}/machineTypes/{instance.machine_type}",
        "maintenance-event": "NONE",
        "name": instance.name,
        "network-interfaces": [{"ip": "127.0.0.1", "network": f"projects/{number}/networks/default"}],
        "preempted": "FALSE",
        "remaining-cpu-time": -1,
        "scheduling": {"automatic-restart": "TRUE", "on-host-maintenance": "MIGRATE", "preemptible": "FALSE"},
        "tags": Packed(instance.tags),
        "virtual-clock": {"drift-token": "0"},
    }


def _accounts(attached: tuple[Attached, ...], *, identity: bool) -> Named:
    found: dict[str, Node] = {one.email: _account(one, (), identity=identity) for one in attached}
    for first in attached[:1]:
        found["default"] = found[first.email] = _account(first, ("default",), identity=identity)
    return Named(found)


def _account(account: Attached, aliases: tuple[str, ...], *, identity: bool) -> dict[str, Node]:
    made: dict[str, Node] = {
        "aliases": Lines(aliases),
        "email": account.email,
        "scopes": Lines(account.scopes),
        "token": Asked(),
    }
    return made | ({"identity": Asked()} if identity else {})
