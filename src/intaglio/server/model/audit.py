"""The audit log: who did what to what, through whom, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from intaglio.names import TenantId
from intaglio.protocol.principals import Origin
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened. `entry_id` sorts by the instant `at`.

    `chain` are the identities that were passed through, the original first and `principal` last; `origin` the external
    token that the chain began with. `outcome` is `allowed`, `denied` or the code of a fault; `detail` holds no secret.
    """

    tenant_id: TenantId
    entry_id: str
    at: int
    action: str
    principal: str
    resource: str
    outcome: str
    ref: str = ""
    chain: tuple[str, ...] = ()
    origin: Origin | None = None
    detail: dict[str, str] = {}


def insert(entries: Sequence[Entry]) -> Plan[None]:
    """Write entries of the log in one transaction."""
    for entry in entries:
        yield Ask(
            "audit_insert",
            {
                "tenant_id": entry.tenant_id,
                "entry_id": entry.entry_id,
                "at": entry.at,
                "action": entry.action,
                "principal": entry.principal,
                "resource": entry.resource,
                "outcome": entry.outcome,
                "record": encode(entry),
            },
        )


LAST = "\x7f"
"""Sorts behind every entry."""


@single
def page(
    tenant_id: str, before: str, limit: int, action: str = "", principal: str = "", resource: str = ""
) -> Plan[list[Entry]]:
    """List at most `limit` entries before `before` (LAST for all), the newest first; empty filters mean any."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "before": before,
        "limit": limit,
        "action": action,
        "principal": principal,
        "resource": resource,
    }
    return [decode(row[0], Entry) for row in (yield Ask("audit_page", values))]
