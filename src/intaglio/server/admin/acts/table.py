"""The table of acts."""

from __future__ import annotations

from intaglio.server.admin.acts import administrators, audit, clients, keys, leaving, tenants, users
from intaglio.server.admin.acts.act import Act

ACTS: tuple[Act, ...] = (
    *tenants.ACTS,
    *clients.ACTS,
    *users.ACTS,
    *leaving.ACTS,
    *keys.ACTS,
    *audit.ACTS,
    *administrators.ACTS,
)
"""Every act, in the order in which the API tells them."""

BY_NAME = {one.name: one for one in ACTS}
