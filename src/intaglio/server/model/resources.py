"""Names of what policies are kept for. They are this server's own; each dialect reads and writes its own form.

    projects/{project_id}
    projects/{project_id}/serviceAccounts/{unique_id}
    projects/{project_id}/services/{name}
    projects/{project_id}/pools/{pool_id}

A service account is named by its number, so that a policy never reaches another account of the same address.
"""

from __future__ import annotations


def project(project_id: str) -> str:
    """Return the name of a project."""
    return f"projects/{project_id}"


def service_account(project_id: str, unique_id: str) -> str:
    """Return the name of a service account."""
    return f"projects/{project_id}/serviceAccounts/{unique_id}"


def service(project_id: str, name: str) -> str:
    """Return the name of a target service."""
    return f"projects/{project_id}/services/{name}"


def pool(project_id: str, pool_id: str) -> str:
    """Return the name of a pool of external identities."""
    return f"projects/{project_id}/pools/{pool_id}"


def lineage(resource: str) -> tuple[str, ...]:
    """Return the resource and what it lives in, the nearest first; policies of all of these count."""
    words = resource.split("/")
    return (resource,) if len(words) <= 2 else (resource, "/".join(words[:2]))
