"""Who changes something, and the entry of the audit log that is kept in the same transaction as the change.

    yield from deeds.note(tenant_id, actor, "client.update", f"clients/{client_id}", before=known, after=changed)

Give `note` the records themselves: what differs is told, without secrets (`differences`). Of what was made there is
`after` alone, of what is gone `before`. `actor.peer` is the address from which it was asked, empty on the machine.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.names import TenantId
from intaglio.protocol.principals import Origin
from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Plan
from intaglio.server.registry import differences

MAX_DETAIL = 4 * 1024 * 1024
"""Characters of a text in an entry's detail: more than any that can be kept.

SECURITY: what was given must not hide behind what stands before it (test_no_grant_hides_behind_others_in_the_log).
"""


class Actor(msgspec.Struct, frozen=True):
    """Who changes something at the instant `now`: the name by which the audit log calls them.

    `chain` and `origin` tell how they came to act, as in `Entry`; `ref` is the request's reference, `peer` the address
    that it came from.
    """

    principal: str
    now: int
    ref: str = ""
    chain: tuple[str, ...] = ()
    origin: Origin | None = None
    peer: str = ""


def note(
    tenant_id: TenantId,
    actor: Actor,
    action: str,
    resource: str,
    *,
    before: object = None,
    after: object = None,
    **detail: str,
) -> Plan[None]:
    """Write an entry for a change in the transaction of the change: there is none without the other.

    `before` and `after` are the records (structs or mappings) whose differences are told, secrets redacted.
    """
    was, became = differences.between(before, after)
    entry = Entry(
        tenant_id=tenant_id,
        entry_id=ids.ordered(actor.now),
        at=actor.now,
        action=action,
        principal=actor.principal,
        resource=resource,
        outcome="allowed",
        ref=actor.ref,
        chain=actor.chain,
        origin=actor.origin,
        detail={name: value[:MAX_DETAIL] for name, value in detail.items() if value},
        peer=actor.peer,
        before=was,
        after=became,
    )
    yield from audit.insert((entry,))
