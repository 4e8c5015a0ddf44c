"""Links that work once: whoever opens one in time becomes an administrator of a tenant's people."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.administrators import Role
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class Invitation(msgspec.Struct, frozen=True):
    """An invitation to make an account in a tenant that has a role over `scope`, empty for all tenants.

    `digest` is of the secret in the link.
    """

    digest: bytes
    tenant_id: TenantId
    role: Role
    created_at: int
    expires_at: int
    scope: str = ""

    def __repr__(self) -> str:
        return f"Invitation({self.tenant_id}, {self.role})"


def insert(invitation: Invitation) -> Plan[None]:
    """Keep an invitation in place of every other: a link that was lost opens nothing any more."""
    yield Ask("invitations_withdraw", {})
    values: dict[str, Value] = {
        "digest": invitation.digest,
        "expires_at": invitation.expires_at,
        "record": encode(invitation),
    }
    yield Ask("invitation_insert", values)


@single
def find(digest: bytes, now: int) -> Plan[Invitation | None]:
    """Find an invitation that has not expired."""
    rows = yield Ask("invitation_by_digest", {"digest": digest, "now": now})
    return decode(rows[0][0], Invitation) if rows else None


@single
def use(digest: bytes, now: int) -> Plan[Invitation | None]:
    """Take an invitation that has not expired; of several callers one gets it."""
    rows = yield Ask("invitation_use", {"digest": digest, "now": now})
    return decode(rows[0][0], Invitation) if rows else None
