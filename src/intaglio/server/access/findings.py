"""What is dangerous or dead in the policies, pools and keys of a tenant.

Google's page on best practices for service accounts; D6 of the security list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from intaglio.dialects.dialect import Member
from intaglio.errors import Misconfigured
from intaglio.server.access import decide, expressions, graph
from intaglio.server.access.atlas import Atlas
from intaglio.server.access.decide import Indexed
from intaglio.server.model.policies import Binding
from intaglio.server.model.pools import PoolProvider

Severity = Literal["error", "warning", "note"]

OLDEST_KEY = 90 * 86400
"""Seconds after which a key that a workload holds should have been replaced."""

_ORDER = ("error", "warning", "note")


class Finding(msgspec.Struct, frozen=True):
    """Something found: what, about whom or what, and what to do. `code` is stable."""

    severity: Severity
    code: str
    subject: str
    text: str
    hint: str = ""


def check(atlas: Atlas) -> list[Finding]:
    """Return all findings, the worst first."""
    sources: tuple[Callable[[Atlas], Iterator[Finding]], ...] = (_selves, _cycles, _bindings, _pools, _keys)
    found = dict.fromkeys(one for source in sources for one in source(atlas))
    return sorted(found, key=lambda one: (_ORDER.index(one.severity), one.code, one.subject, one.text))


def _selves(atlas: Atlas) -> Iterator[Finding]:
    # SECURITY: who may renew itself holds an identity for ever after one leak (test_d6_53_findings).
    for number, account in atlas.accounts.items():
        own = [edge for edge in atlas.edges(atlas.holder(number)) if edge.account == number and not edge.why]
        for edge in own:
            allowed = atlas.world.self_impersonation
            told = "and the tenant lets it" if allowed else "and is refused for that"
            yield Finding(
                severity="error",
                code="self-impersonation",
                subject=account.email,
                text=f"It may act as itself by {edge.role} on {atlas.told(edge.resource)}, {told}.",
                hint="Take the role from it there, or give it on single accounts instead of the project.",
            )


def _cycles(atlas: Atlas) -> Iterator[Finding]:
    for ring in graph.cycles(atlas):
        yield Finding(
            severity="error",
            code="cycle",
            subject=ring[0],
            text=f"These accounts can become one another: {', '.join(ring)}.",
            hint="Take one of the roles away: intaglio iam graph shows them.",
        )


def _bindings(atlas: Atlas) -> Iterator[Finding]:
    for resource in sorted(atlas.policies):
        indexed = atlas.policies[resource]
        for binding in indexed.policy.bindings:
            yield from _binding(atlas, indexed, binding)
            for member in binding.members:
                yield from _member(atlas, indexed, binding, member)


def _binding(atlas: Atlas, indexed: Indexed, binding: Binding) -> Iterator[Finding]:
    where = atlas.told(indexed.policy.resource)
    if binding.role not in atlas.roles:
        yield Finding("warning", "role-gone", where, f"There is no role {binding.role}: its binding grants nothing.")
    if binding.condition is not None:
        try:
            expressions.condition(binding.condition.expression)
        except Misconfigured as exc:
            told = f"The condition '{binding.condition.title}' cannot be judged: {exc.detail.get('problem')}."
            yield Finding("error", "condition-broken", where, told)


def _member(atlas: Atlas, indexed: Indexed, binding: Binding, member: str) -> Iterator[Finding]:
    where, granted = atlas.told(indexed.policy.resource), atlas.roles.get(binding.role, frozenset())
    meant = atlas.words.read_member(member)
    if meant is None:
        yield Finding("warning", "member-unknown", where, f"{member} means nobody.")
    elif meant.kind in ("everybody", "domain"):
        yield _broad(atlas, binding, member, where)
    elif meant.kind == "deleted":
        yield Finding("note", "member-gone", where, f"{member} is deleted; its {binding.role} waits for its return.")
    else:
        if meant.whole_pool and granted & atlas.identity:
            yield _whole_pool(atlas, binding, member, meant, where)
        if meant.kind != "external":
            yield from _holder(indexed, binding, member, meant, atlas)
        yield from _takeover(atlas, indexed, binding, member)


def _broad(atlas: Atlas, binding: Binding, member: str, where: str) -> Finding:
    granted = atlas.roles.get(binding.role, frozenset())
    if granted and granted <= frozenset(atlas.words.permissions.invoke):
        text = f"{member} has {binding.role}: everybody whom that means may call this service."
        return Finding("note", "open-service", where, text)
    text = f"{member} has {binding.role}; that counts for nothing but calling services."
    return Finding("warning", "too-broad", where, text, "Remove the binding: it tells readers something untrue.")


def _whole_pool(atlas: Atlas, binding: Binding, member: str, meant: Member, where: str) -> Finding:
    loose = [one.provider_id for one in _providers_of(atlas, meant) if not one.attribute_condition]
    text = f"Everybody whom the pool {meant.pool_id} lets in may act as it by {binding.role}."
    hint = f"Name a subject, a group or an attribute instead of {member}."
    if loose:
        text = f"{text} These providers let in every token of their issuer: {', '.join(loose)}."
    return Finding("error" if loose else "warning", "whole-pool", where, text, hint)


def _providers_of(atlas: Atlas, meant: Member) -> list[PoolProvider]:
    named = {project.number: project.project_id for project in atlas.world.projects}
    place = (named.get(meant.project_number), meant.pool_id)
    return [one for one in atlas.world.providers if (one.project_id, one.pool_id) == place and one.is_usable]


def _holder(indexed: Indexed, binding: Binding, member: str, meant: Member, atlas: Atlas) -> Iterator[Finding]:
    where, known = atlas.told(indexed.policy.resource), indexed.policy.identities.get(member)
    text = ""
    if known is None:
        text = decide.UNNAMED
    elif meant.kind == "service_account":
        account = atlas.accounts.get(known)
        if account is None or account.email != meant.name:
            text = decide.EARLIER
    if text:
        hint = "Remove the binding, then add it anew for the present holder."
        yield Finding("warning", "member-recycled", where, f"{binding.role} for {member}: {text}.", hint)


def _takeover(atlas: Atlas, indexed: Indexed, binding: Binding, member: str) -> Iterator[Finding]:
    """Yield what somebody could make of themselves: it is how administrators work, and no way that the graph draws."""
    means = sorted(set(atlas.words.permissions.takeover) & atlas.roles.get(binding.role, frozenset()))
    where = indexed.policy.resource
    if not means or not ("/serviceAccounts/" in where or where.count("/") == 1):
        return
    account = atlas.accounts.get(indexed.policy.identities.get(member, ""))
    own = account is not None and where in (account.resource, account.resource.partition("/serviceAccounts/")[0])
    text = f"{member} can make itself act as it by {binding.role}: it has {', '.join(means)}."
    yield Finding("warning" if own else "note", "takeover", atlas.told(where), text)


def _pools(atlas: Atlas) -> Iterator[Finding]:
    usable = {(pool.project_id, pool.pool_id) for pool in atlas.world.pools if pool.is_usable}
    for one in atlas.world.providers:
        if one.is_usable and (one.project_id, one.pool_id) in usable and not one.attribute_condition:
            yield Finding(
                severity="warning",
                code="pool-unconditioned",
                subject=f"{one.project_id}/{one.pool_id}/{one.provider_id}",
                text="The provider has no condition: every token of its issuer for its audiences gets in.",
                hint="Set one: intaglio federation provider update --condition …",
            )


def _keys(atlas: Atlas) -> Iterator[Finding]:
    for key in atlas.world.keys:
        account = atlas.accounts.get(key.unique_id)
        age = atlas.now - key.created_at
        if account is None or key.origin == "system" or not key.is_usable(atlas.now) or age <= OLDEST_KEY:
            continue
        yield Finding(
            severity="warning",
            code="old-key",
            subject=account.email,
            text=f"The key {key.key_id} is {age // 86400} days old.",
            hint="Create another, hand it out, then delete this one; or do without keys: the metadata server, a pool.",
        )
