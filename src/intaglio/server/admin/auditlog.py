"""The audit log: read page by page, passed on whole, and checked against its seals."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from intaglio.names import TenantId
from intaglio.server.model import audit, sealchain, seals
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Store
from intaglio.server.model.sealchain import Chain, Fault, Mark

PAGE = 500
SEALS = 16
"""Seals that are checked at a time, with their entries."""
STRAYS = 20


class Filter(msgspec.Struct, frozen=True):
    """Which entries are meant; what is empty, or None, means any. `since` and `until` are instants."""

    action: str = ""
    principal: str = ""
    resource: str = ""
    ref: str = ""
    since: int | None = None
    until: int | None = None


async def page(
    store: Store,
    tenant_id: TenantId,
    *,
    before: str = "",
    limit: int = 50,
    principal: str = "",
    resource: str = "",
    action: str = "",
    ref: str = "",
    since: int | None = None,
    until: int | None = None,
) -> list[Entry]:
    """List at most `limit` entries before `before` (empty: from the newest on); empty filters mean any.

    `since` and `until` are instants, `until` left out.
    """
    ends = [before or audit.LAST, audit.first_of(until) if until is not None else audit.LAST]
    begins = audit.first_of(since) if since is not None else ""
    return await store.read(audit.page, tenant_id, min(ends), limit, action, principal, resource, ref, begins)


async def export(store: Store, tenant_id: TenantId | None, wanted: Filter) -> AsyncIterator[list[Entry]]:
    """Yield a tenant's entries, the oldest first, in pages; None means every tenant, also those that are gone."""
    tenants = [str(tenant_id)] if tenant_id is not None else await store.read(audit.tenants)
    ends = audit.first_of(wanted.until) if wanted.until is not None else audit.LAST
    filters = (wanted.action, wanted.principal, wanted.resource, wanted.ref)
    for one in tenants:
        after = audit.first_of(wanted.since) if wanted.since is not None else ""
        while True:
            found = await store.read(audit.forward, one, after, ends, PAGE, *filters)
            if found:
                yield found
                after = found[-1].entry_id
            if len(found) < PAGE:
                break


class Verdict(msgspec.Struct, frozen=True):
    """What a check of the log found. `head` names the newest seal; who has noted one sees whether it is still there.

    `first` is the number of the oldest seal, `unsealed` how many entries wait for one.
    """

    whole: bool
    seals: int
    entries: int
    unsealed: int
    first: int
    head: str
    faults: tuple[Fault, ...] = ()


async def verify(store: Store, key: bytes, after: Mark | None = None) -> Verdict:
    """Check the log against its seals; `after` is the head of an earlier check, behind which it goes on.

    `key` is derived for `sealchain.PURPOSE`. It is read piece by piece, while the server goes on writing.
    """
    chain = Chain(key)
    at = after.number - 1 if after is not None else None
    piece = await store.read(seals.stretch, at, SEALS)
    found = piece.seals
    if after is None:
        chain.anchor(piece.anchor)
    else:
        is_there = bool(found) and found[0][0].number == after.number
        chain.noted(after, found[0][0] if is_there else None)
        found = found[1:] if is_there else found
    while True:
        for one, rows in found:
            chain.seal(one, rows)
        if piece.is_last:
            break
        piece = await store.read(seals.stretch, chain.last.number, SEALS)
        found = piece.seals
    chain.head(piece.head)
    chain.strays(await store.read(seals.strays, STRAYS))
    last = chain.last
    head = f"{last.number}:{last.digest.hex()}"
    faults = tuple(chain.faults)
    return Verdict(not faults, chain.seals, chain.entries, piece.unsealed, chain.first, head, faults)


def read_head(text: str) -> Mark | None:
    """Return the place in the log that an earlier check named, None for a text that names none."""
    number, _, octets = text.strip().partition(":")
    try:
        mark = Mark(int(number), bytes.fromhex(octets))
    except ValueError:
        return None
    return mark if mark.number > 0 and len(mark.digest) == len(sealchain.START) else None
