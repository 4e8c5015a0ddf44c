"""The audit log, read page by page, the newest first."""

from __future__ import annotations

from intaglio.names import TenantId
from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Store


async def page(
    store: Store,
    tenant_id: TenantId,
    *,
    before: str = "",
    limit: int = 50,
    principal: str = "",
    resource: str = "",
    action: str = "",
) -> list[Entry]:
    """List at most `limit` entries before `before` (empty: from the newest on); empty filters mean any."""
    behind = before or audit.LAST
    return await store.read(audit.page, tenant_id, behind, limit, action, principal, resource)
