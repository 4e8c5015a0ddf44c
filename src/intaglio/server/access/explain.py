"""Why somebody may or may not do something: the way that leads there, or the edge that is missing."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from intaglio.protocol.impersonation import MAX_DELEGATES
from intaglio.server.access import graph
from intaglio.server.access.atlas import Atlas, Edge, Somebody
from intaglio.server.access.decide import Grounds, Miss
from intaglio.server.model import resources

MOST_CLOSE = 20
"""Bindings that came close which are told."""


class Step(msgspec.Struct, frozen=True):
    """One edge of a way: who has which permissions on whom, and the binding that says so."""

    who: str
    whom: str
    permissions: tuple[str, ...]
    resource: str
    role: str
    member: str
    condition: str = ""


class Missing(msgspec.Struct, frozen=True):
    """The binding that would do."""

    role: str
    resource: str
    member: str


class Explained(msgspec.Struct, frozen=True):
    """Whether it is allowed, over which way, and what is missing if it is not.

    `how` is `direct`, `delegates` (one request that names the accounts between) or `tokens` (one token after another).
    `reason` tells in words why it is not allowed; `close` are the bindings that nearly would have.
    """

    allowed: bool
    who: str
    permission: str
    target: str
    how: str = ""
    way: tuple[Step, ...] = ()
    reason: str = ""
    missing: Missing | None = None
    close: tuple[Miss, ...] = ()


def explain(atlas: Atlas, who: Somebody, permission: str, resource: str) -> Explained:
    """Return whether somebody can do it, directly or as an account that they can become; the shortest way counts."""
    target = atlas.told(resource)
    barred = _barred(atlas, who, permission, resource)
    if barred:
        return Explained(allowed=False, who=who.name, permission=permission, target=target, reason=barred)
    way = _way(atlas, who, permission, resource)
    if way:
        how = _how(atlas, way)
        return Explained(allowed=True, who=who.name, permission=permission, target=target, how=how, way=way)
    missing, reason = _missing(atlas, who, permission, resource)
    return Explained(
        allowed=False,
        who=who.name,
        permission=permission,
        target=target,
        reason=reason,
        missing=missing,
        close=tuple(_close(atlas, who, permission, resource))[:MOST_CLOSE],
    )


def _barred(atlas: Atlas, who: Somebody, permission: str, resource: str) -> str:
    """Return why no binding could help, empty if one could."""
    if who.account and not atlas.accounts[who.account].is_usable:
        return f"{who.name} is disabled."
    if who.principal.kind == "external" and not _pool_is_usable(atlas, who):
        return "The pool is disabled, deleted or unknown."
    target = atlas.account(resource)
    if target is None or permission not in atlas.identity:
        return ""
    if not target.is_usable:
        return f"{atlas.told(resource)} is disabled."
    # SECURITY: as the server decides it (test_d6_53_self_impersonation_is_explained).
    if target.unique_id == who.account and not atlas.world.self_impersonation:
        return "A service account does not act as itself: it could renew its tokens without end."
    return ""


def _pool_is_usable(atlas: Atlas, who: Somebody) -> bool:
    named = {project.number: project.project_id for project in atlas.world.projects}
    project_id = named.get(who.principal.project_number)
    usable = {(pool.project_id, pool.pool_id) for pool in atlas.world.pools if pool.is_usable}
    return (project_id, who.principal.pool_id) in usable


def _way(atlas: Atlas, who: Somebody, permission: str, resource: str) -> tuple[Step, ...]:
    decision = atlas.decide(who, permission, resource)
    if decision.grounds is not None:
        return (_last(atlas, who, permission, resource, decision.grounds),)
    target = atlas.account(resource)
    without = frozenset({target.unique_id}) if target is not None else frozenset[str]()
    for found in graph.reach(atlas, who, without=without):
        # An ID token of the account between is enough to call a service, and for nothing else.
        if not found.whole and permission not in atlas.words.permissions.invoke:
            continue
        if permission in atlas.identity and found.hops + 1 > graph.MOST_HOPS:
            continue
        between = atlas.holder(found.way[-1].account)
        grounds = atlas.decide(between, permission, resource).grounds
        if grounds is not None:
            last = _last(atlas, between, permission, resource, grounds)
            return (*(_step(atlas, edge) for edge in found.way), last)
    return ()


def _step(atlas: Atlas, edge: Edge) -> Step:
    whom = atlas.holder(edge.account).name
    return Step(edge.source, whom, edge.permissions, edge.resource, edge.role, edge.member, edge.condition)


def _last(atlas: Atlas, who: Somebody, permission: str, resource: str, grounds: Grounds) -> Step:
    return Step(
        who.name, atlas.told(resource), (permission,), grounds.resource, grounds.role, grounds.member, grounds.condition
    )


def _how(atlas: Atlas, way: tuple[Step, ...]) -> str:
    if len(way) == 1:
        return "direct"
    delegate = atlas.words.permissions.delegate
    is_one_request = way[-1].permissions[0] in atlas.identity and len(way) - 1 <= MAX_DELEGATES
    return "delegates" if is_one_request and all(delegate in step.permissions for step in way[:-1]) else "tokens"


def _missing(atlas: Atlas, who: Somebody, permission: str, resource: str) -> tuple[Missing | None, str]:
    if who.principal.kind == "user" and not who.principal.email:
        return None, "Bindings name people by their confirmed address, and this one has none."
    project = resources.lineage(resource)[-1]
    fit = [
        (len(granted), role)
        for role, granted in atlas.roles.items()
        if permission in granted and (role in atlas.words.roles or role.startswith(project + "/"))
    ]
    if not fit:
        return None, "No role grants this permission."
    return Missing(min(fit)[1], resource, who.name), "Nothing that is granted leads there."


def _close(atlas: Atlas, who: Somebody, permission: str, resource: str) -> Iterator[Miss]:
    """Return what nearly would have done, the nearest first."""
    near = set(resources.lineage(resource))
    yield from atlas.decide(who, permission, resource).misses
    yield from _alike(atlas, who, permission, near)
    named = atlas.bindings(who)
    for indexed, binding, member in named:
        granted = atlas.roles.get(binding.role)
        if indexed.policy.resource in near and permission not in (granted or ()):
            why = "there is no such role" if granted is None else "the role does not grant the permission"
            yield Miss(indexed.policy.resource, binding.role, member, why)
    for indexed, binding, member in named:
        there = indexed.policy.resource
        if there not in near and permission in atlas.roles.get(binding.role, ()):
            same = resources.lineage(there)[-1] in near
            yield Miss(there, binding.role, member, "it stands on another resource" if same else "in another project")


def _alike(atlas: Atlas, who: Somebody, permission: str, near: set[str]) -> Iterator[Miss]:
    """Return bindings there that name somebody who is called alike."""
    for resource in sorted(near & set(atlas.policies)):
        for binding in atlas.policies[resource].policy.bindings:
            for member in binding.members:
                meant = atlas.words.read_member(member)
                if meant is None or member in who.members or permission not in atlas.roles.get(binding.role, ()):
                    continue
                called = who.principal.email or who.principal.id
                if meant.name and meant.name.casefold() == called.casefold():
                    yield Miss(
                        resource, binding.role, member, "it names another kind of principal, or another spelling"
                    )
