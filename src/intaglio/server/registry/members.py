"""A service account in the policies of a tenant: marked as gone when it goes, and put back when it comes back."""

from __future__ import annotations

import msgspec

from intaglio.server.model import policies
from intaglio.server.model.plan import Plan
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import etags
from intaglio.server.registry.deeds import Actor

PAGE = 500


def rename(actor: Actor, account: ServiceAccount, before: str, after: str) -> Plan[int]:
    """Write `after` for the member `before` wherever it means the account; return in how many policies.

    Not where `after` means somebody else already, who would lend the account what is theirs.
    """
    touched, behind = 0, ""
    while found := (yield from policies.page(account.tenant_id, behind, PAGE)):
        for policy in found:
            if _names(policy, account, before) and policy.identities.get(after) in (None, account.unique_id):
                changed = _renamed(policy, account, before, after)
                # One that somebody else changes at this instant keeps the name, which means nobody by now.
                touched += yield from policies.write(_dated(changed, actor.now), policy.etag)
        behind = found[-1].resource
    return touched


def _names(policy: Policy, account: ServiceAccount, member: str) -> bool:
    if policy.identities.get(member) != account.unique_id:
        return False
    return any(member in binding.members for binding in policy.bindings)


def _renamed(policy: Policy, account: ServiceAccount, before: str, after: str) -> Policy:
    bindings = tuple(_of(binding, before, after) for binding in policy.bindings)
    identities = {name: who for name, who in policy.identities.items() if name != before}
    return msgspec.structs.replace(policy, bindings=bindings, identities=identities | {after: account.unique_id})


def _of(binding: Binding, before: str, after: str) -> Binding:
    named = tuple(dict.fromkeys(after if member == before else member for member in binding.members))
    return msgspec.structs.replace(binding, members=named)


def _dated(policy: Policy, now: int) -> Policy:
    return msgspec.structs.replace(policy, etag=etags.new(), changed_at=now)
