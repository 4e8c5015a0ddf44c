"""Which lifetime is in force for a client, in each dialect and for each of its grants, and what set it."""

from __future__ import annotations

from typing import get_args

from intaglio.dialects import registry
from intaglio.server.issue import gather
from intaglio.server.issue.gather import Effective
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant

InForce = dict[str, dict[str, dict[str, Effective]]]
"""By dialect, by grant type, by kind of token."""


def in_force(client: Client, tenant: Tenant) -> InForce:
    """Return every lifetime that is in force for a client, with what set it."""
    return {
        name: {
            grant: {
                kind: gather.lifetime(kind, client, tenant, dialect.profile, grant) for kind in get_args(gather.Kind)
            }
            for grant in client.grant_types
        }
        for name, dialect in registry.DIALECTS.items()
    }
