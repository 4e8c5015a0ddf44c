"""Policies: read one, write one whole, or change one binding of it; nobody overwrites what they have not seen."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import Misconfigured
from intaglio.server.model import policies
from intaglio.server.model.plan import Plan
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import bindings, deeds, etags, fields
from intaglio.server.registry.bindings import Wanted
from intaglio.server.registry.deeds import Actor


class Target(msgspec.Struct, frozen=True):
    """Whose policy is meant: a resource of a tenant, spoken of in the words of a dialect."""

    tenant: Tenant
    words: Vocabulary
    resource: str


class Written(msgspec.Struct, frozen=True):
    """A policy as it was kept, and what its writer should think about."""

    policy: Policy
    warnings: tuple[str, ...] = ()


def show(tenant_id: str, resource: str) -> Plan[Policy]:
    """Return the policy of a resource; an empty one where nobody ever wrote one."""
    found = yield from policies.of_resource(tenant_id, resource)
    return found or Policy(tenant_id, resource, (), etags.NONE, 0)  # type: ignore[arg-type]


def put(actor: Actor, target: Target, wanted: tuple[Binding, ...], etag: str | None) -> Plan[Written]:
    """Write a whole policy over the version `etag`; None overwrites whatever stands there.

    Raises `Misconfigured` (`policy-changed` and those of `bindings.check`).
    """
    before = yield from policies.of_resource(target.tenant.tenant_id, target.resource)
    if etag is not None and etag != (before.etag if before is not None else etags.NONE):
        raise changed(target.resource)
    return (yield from _write(actor, target, wanted, before))


def add(
    actor: Actor, target: Target, role: str, members: tuple[str, ...], condition: Condition | None = None
) -> Plan[Written]:
    """Give a role to members; again is no fault. Raises as `put`."""
    before = yield from policies.of_resource(target.tenant.tenant_id, target.resource)
    stands = before.bindings if before is not None else ()
    return (yield from _write(actor, target, (*stands, Binding(role, members, condition)), before))


def remove(
    actor: Actor, target: Target, role: str, members: tuple[str, ...], title: str | None = None
) -> Plan[Written]:
    """Take a role from members: that under the condition of a title, without one that without condition.

    Raises `Misconfigured` (`binding-unknown`) if a member does not have it so, and as `put`.
    """
    before = yield from policies.of_resource(target.tenant.tenant_id, target.resource)
    stands = before.bindings if before is not None else ()
    meant = [one for one in stands if one.role == role and _title(one) == title]
    held = {member for one in meant for member in one.members}
    for member in members:
        if member not in held:
            raise _no_binding(role, member)
    return (yield from _write(actor, target, tuple(_without(one, meant, members) for one in stands), before))


def _title(binding: Binding) -> str | None:
    return binding.condition.title if binding.condition is not None else None


def _without(binding: Binding, meant: list[Binding], members: tuple[str, ...]) -> Binding:
    if not any(binding is one for one in meant):
        return binding
    return msgspec.structs.replace(binding, members=tuple(name for name in binding.members if name not in members))


def _no_binding(role: str, member: str) -> Misconfigured:
    hint = "See it with: intaglio policy show --resource …; a binding with a condition needs --condition-title."
    expected = f"a member that has {role} here"
    return fields.refuse("binding-unknown", "There is no such binding.", expected, ascii(member), hint)


def changed(resource: str) -> Misconfigured:
    """Return the error for a policy that is not any more what its writer had read."""
    return fields.refuse(
        "policy-changed",
        "The policy was changed by somebody else in the meantime.",
        "the etag of the present version",
        resource,
        "Read it again, and write your change over what stands there now.",
    )


def _write(actor: Actor, target: Target, wanted: tuple[Binding, ...], before: Policy | None) -> Plan[Written]:
    found = yield from bindings.check(Wanted(target.tenant, target.words, target.resource, wanted, before))
    policy = Policy(
        target.tenant.tenant_id,
        target.resource,
        found.bindings,
        etags.new(),
        actor.now,
        version=3 if any(one.condition is not None for one in found.bindings) else 1,
        identities=found.identities,
    )
    # The engine that lets writers overlap finds out here.
    if not (yield from policies.write(policy, before.etag if before is not None else "")):
        raise changed(target.resource)
    given, taken = _difference(before.bindings if before is not None else (), found.bindings)
    yield from deeds.note(
        policy.tenant_id, actor, "policy.set", target.resource, given=given, taken=taken, etag=policy.etag
    )
    return Written(policy, found.warnings)


def _difference(before: tuple[Binding, ...], after: tuple[Binding, ...]) -> tuple[str, str]:
    old, new = _grants(before), _grants(after)
    return _told(one for one in new if one not in old), _told(one for one in old if one not in new)


def _grants(stands: tuple[Binding, ...]) -> dict[tuple[str, str, str], None]:
    return {
        (one.role, f" if {one.condition.title}: {one.condition.expression}" if one.condition else "", member): None
        for one in stands
        for member in one.members
    }


def _told(grants: Iterable[tuple[str, str, str]]) -> str:
    """Return grants as text, the members of one role and condition together."""
    found: dict[tuple[str, str], list[str]] = {}
    for role, condition, member in grants:
        found.setdefault((role, condition), []).append(member)
    return "; ".join(f"{role} {' '.join(members)}{condition}" for (role, condition), members in found.items())
