"""What conditions call the kinds of resources (Google's page on conditions, resource attributes)."""

from __future__ import annotations

from intaglio.dialects.dialect import Kind

_KINDS = {
    "serviceAccounts": Kind("iam.googleapis.com/ServiceAccount", "iam.googleapis.com"),
    "services": Kind("run.googleapis.com/Service", "run.googleapis.com"),
    "pools": Kind("iam.googleapis.com/WorkloadIdentityPool", "iam.googleapis.com"),
    "": Kind("cloudresourcemanager.googleapis.com/Project", "cloudresourcemanager.googleapis.com"),
}


def kind(resource: str) -> Kind:
    """Return the type and the service by which conditions know a resource."""
    words = resource.split("/")
    return _KINDS.get(words[2] if len(words) > 2 else "", Kind("", ""))
