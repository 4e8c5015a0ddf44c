"""The audit log: who did what to what, through whom, from where, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from intaglio import ids
from intaglio.names import TenantId
from intaglio.protocol.principals import Origin
from intaglio.server.model.plan import Ask, Plan, Row, Value, decode, encode, single


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened. `entry_id` sorts by the instant `at`.

    `chain` are the identities that were passed through, the original first and `principal` last; `origin` the external
    token that the chain began with. `outcome` is `allowed`, `denied` or the code of a fault; `detail` holds no secret.
    `peer` is the address from which it was asked. `before` and `after` are what differs in what was changed. `seal` is
    the number of the seal that covers it, None until there is one.
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
    peer: str = ""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    seal: int | None = None


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an entry says besides its row's own columns; `ref` stands here in entries of earlier versions alone."""

    ref: str = ""
    peer: str = ""
    chain: tuple[str, ...] = ()
    origin: Origin | None = None
    detail: dict[str, str] = {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}


class Source(msgspec.Struct, frozen=True):
    """Where a request came from: its reference, the address, and the dialect that it spoke."""

    ref: str = ""
    peer: str = ""
    dialect: str = ""


ISSUE = "token.issue"
"""What the log calls tokens that were given."""


def issued(
    tenant_id: TenantId, client_id: str, user_id: str, grant_id: str, grant: str, scope: str, now: int, source: Source
) -> Entry:
    """Return the entry of tokens that a client was given, for a user or (an empty `user_id`) for itself.

    NOTE: one is made for every answer of the token endpoint, so it holds no more than it needs.
    """
    return Entry(
        tenant_id,
        ids.ordered(now),
        now,
        ISSUE,
        f"client:{client_id}",
        f"users/{user_id}" if user_id else f"clients/{client_id}",
        "allowed",
        source.ref,
        detail={"grant": grant, "scope": scope, "grant_id": grant_id, "dialect": source.dialect},
        peer=source.peer,
    )


def row(entry: Entry) -> dict[str, Value]:
    """Return the values of an entry's row."""
    told = Told("", entry.peer, entry.chain, entry.origin, entry.detail, entry.before, entry.after)
    return {
        "tenant_id": entry.tenant_id,
        "entry_id": entry.entry_id,
        "at": entry.at,
        "action": entry.action,
        "principal": entry.principal,
        "resource": entry.resource,
        "outcome": entry.outcome,
        "ref": entry.ref,
        "record": encode(told),
    }


def from_row(values: Row) -> Entry:
    """Return the entry of a row with all its columns; raises `msgspec.MsgspecError` for a record that is broken."""
    tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal = values
    told: Told = decode(record, Told)
    said = (told.chain, told.origin, told.detail, told.peer, told.before, told.after)
    return Entry(tenant_id, entry_id, at, action, principal, resource, outcome, ref or told.ref, *said, seal)


def insert(entries: Sequence[Entry]) -> Plan[None]:
    """Write entries of the log in one transaction."""
    for entry in entries:
        yield Ask("audit_insert", row(entry))


@single
def insert_one(entry: Entry) -> Plan[None]:
    """Write an entry of something that changes nothing else."""
    yield Ask("audit_insert", row(entry))


INSTALLATION = TenantId("")
"""Stands for a tenant in entries about the installation itself."""
LAST = "\x7f"
"""Sorts behind every entry."""


def page(
    tenant_id: str,
    before: str,
    limit: int,
    action: str = "",
    principal: str = "",
    resource: str = "",
    ref: str = "",
    since: str = "",
) -> Plan[list[Entry]]:
    """List at most `limit` entries before `before` (LAST for all), the newest first; empty filters mean any.

    `since` is the least `entry_id` that counts.
    """
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "before": before,
        "limit": limit,
        "action": action,
        "principal": principal,
        "resource": resource,
        "ref": ref,
        "since": since,
    }
    by = "_by_resource" if resource else "_by_principal" if principal else ""
    if not by:
        return [from_row(found) for found in (yield Ask("audit_page", values))]
    # Where whose entries they are is known, they are found by it and not by looking at all. What is sealed between the
    # two questions is in both answers.
    found = {one[1]: one for one in (yield Ask("audit_page_unsealed", values))}
    found |= {one[1]: one for one in (yield Ask("audit_page" + by, values))}
    return [from_row(found[entry_id]) for entry_id in sorted(found, reverse=True)[:limit]]


@single
def forward(
    tenant_id: str,
    after: str,
    until: str,
    limit: int,
    action: str = "",
    principal: str = "",
    resource: str = "",
    ref: str = "",
) -> Plan[list[Entry]]:
    """List at most `limit` entries behind `after` and before `until`, the oldest first; empty filters mean any."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "after": after,
        "until": until,
        "limit": limit,
        "action": action,
        "principal": principal,
        "resource": resource,
        "ref": ref,
    }
    return [from_row(found) for found in (yield Ask("audit_forward", values))]


def tenants() -> Plan[list[str]]:
    """Return the tenants that the log tells of, also those that are gone."""
    installation = yield from forward(INSTALLATION, "", LAST, 1)
    found: list[str] = [INSTALLATION] if installation else []
    while True:
        rows = yield Ask("audit_next_tenant", {"after": found[-1] if found else ""})
        if not rows or rows[0][0] is None:
            return found
        found.append(rows[0][0])


def first_of(at: int) -> str:
    """Return what sorts before every entry of an instant and behind those of earlier ones."""
    return f"{at:010x}"
