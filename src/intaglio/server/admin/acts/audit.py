"""Reading the audit log."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from intaglio.names import TenantId
from intaglio.protocol.principals import Origin
from intaglio.server.admin import auditlog
from intaglio.server.admin.acts import act
from intaglio.server.admin.acts.act import PAGE, Act, After, Asked, Limit, Told
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import encode

INSTALLATION = "-"
"""Stands where a tenant does, for what belongs to none; no slug is like it."""
MAX_INSTANT = 253_402_300_799
"""The last second of the year 9999."""
PIECE = 50
"""Entries that are read at once."""
LONG_ENOUGH = 1024 * 1024
"""Octets of entries behind which a page ends."""
Instant = Annotated[int, msgspec.Meta(ge=0, le=MAX_INSTANT)]


class AuditList(Asked, frozen=True, kw_only=True):
    """Entries of a tenant's audit log, the newest first, page by page; empty filters mean any.

    `since` and `until` are instants; entries of `until` and later are left out. The tenant `-` stands for the
    installation itself: its master keys.
    """

    tenant: str
    principal: str = ""
    resource: str = ""
    action: str = ""
    ref: str = ""
    since: Instant | None = None
    until: Instant | None = None
    after: After = ""
    limit: Limit = PAGE


class EntryTold(Told, frozen=True, kw_only=True):
    """One thing that happened; `chain` are the identities that were passed through, `origin` where they came from.

    `before` and `after` are what differs in what was changed, `peer` the address from which it was asked, `seal` the
    number of the seal that covers the entry.
    """

    tenant_id: str
    entry_id: str
    at: int
    action: str
    principal: str
    resource: str
    outcome: str
    ref: str = ""
    chain: tuple[str, ...] = ()
    origin: Origin | None = None
    detail: dict[str, str] = msgspec.field(default_factory=dict)
    peer: str = ""
    before: dict[str, Any] = msgspec.field(default_factory=dict)
    after: dict[str, Any] = msgspec.field(default_factory=dict)
    seal: int | None = None


class EntriesTold(Told, frozen=True, kw_only=True):
    """A page of entries; `next` is empty on the last one."""

    items: tuple[EntryTold, ...]
    next: str = ""


async def _page(asked: AuditList, tenant_id: TenantId, desk: Desk) -> tuple[list[Entry], bool]:
    """Return entries, and whether there are more behind them.

    SECURITY: an entry may be as long as a request, so a page is read in pieces and ends where it is long enough; who
    fills a log makes nobody's server hold it whole (test_a_page_of_long_entries_ends_early).
    """
    found: list[Entry] = []
    octets = 0
    while octets < LONG_ENOUGH:
        piece = min(PIECE, asked.limit - len(found)) + 1
        read = await auditlog.page(
            desk.store,
            tenant_id,
            before=found[-1].entry_id if found else asked.after,
            limit=piece,
            principal=asked.principal,
            resource=asked.resource,
            action=asked.action,
            ref=asked.ref,
            since=asked.since,
            until=asked.until,
        )
        kept, more = act.cut(read, piece - 1)
        found += kept
        octets += sum(len(encode(one)) for one in kept)
        if not more or len(found) == asked.limit:
            return found, more
    return found, True


async def list_(asked: AuditList, desk: Desk) -> EntriesTold:
    """List entries; those of the installation are for who may read everything.

    Raises `Misconfigured` (`tenant-unknown`), `Denied` (`right-missing`).
    """
    if asked.tenant == INSTALLATION:
        desk.demand("read")
        tenant_id = audit.INSTALLATION
    else:
        tenant_id = (await desk.tenant(asked.tenant, "read")).tenant_id
    found, more = await _page(asked, tenant_id, desk)
    names = EntryTold.__struct_fields__
    items = tuple(EntryTold(**{name: getattr(one, name) for name in names}) for one in found)
    return EntriesTold(items=items, next=found[-1].entry_id if more else "")


ACTS = (
    Act(
        name="audit.list",
        method="GET",
        path="/tenants/{tenant}/audit",
        summary="Read the audit log",
        asked=AuditList,
        told=EntriesTold,
        right="read",
        perform=list_,
    ),
)
