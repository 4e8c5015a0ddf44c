"""Who can become whom, in how many hops: shortest ways over all that lets somebody act as an account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from intaglio.protocol.impersonation import MAX_CHAIN
from intaglio.protocol.principals import Principal
from intaglio.server.access.atlas import Atlas, Edge, Somebody

MOST_HOPS = MAX_CHAIN - 1
"""Accounts that somebody can become one after another."""


class Node(msgspec.Struct, frozen=True):
    """Somebody in the graph. `account` is the number of a service account, empty for anybody else."""

    name: str
    kind: str
    account: str = ""
    usable: bool = True


class Reached(msgspec.Struct, frozen=True):
    """That somebody can become an account: over these hops, the shortest way. `whole` tells whether as itself.

    Where it is not, there are only ID tokens to be had: they pass for the account towards services, and lead no
    further.
    """

    source: str
    target: str
    hops: int
    way: tuple[Edge, ...]
    whole: bool


class Graph(msgspec.Struct, frozen=True):
    """Nodes, edges and what follows from them, each sorted by name."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    reached: tuple[Reached, ...]


def draw(atlas: Atlas) -> Graph:
    """Return the graph of a tenant."""
    everybody = origins(atlas)
    edges = [edge for one in everybody for edge in atlas.edges(one)]
    reached = [found for one in everybody for found in reach(atlas, one)]
    return Graph(
        nodes=tuple(_node(atlas, one) for one in everybody),
        edges=tuple(edges),
        reached=tuple(sorted(reached, key=lambda one: (one.source, one.hops, one.target))),
    )


def origins(atlas: Atlas) -> list[Somebody]:
    """Return every service account, and whoever else a binding over accounts names."""
    found = {one.name: one for one in (atlas.holder(number) for number in atlas.accounts)}
    for indexed in atlas.policies.values():
        for binding in indexed.policy.bindings:
            if not atlas.identity & atlas.roles.get(binding.role, frozenset()):
                continue
            for member in binding.members:
                one = _member(atlas, member, indexed.policy.identities.get(member, ""))
                if one is not None:
                    found.setdefault(one.name, one)
    return [found[name] for name in sorted(found)]


def _member(atlas: Atlas, member: str, identity: str) -> Somebody | None:
    """Return a person or an external identity that a member names; None for an account, and for what is too broad."""
    meant = atlas.words.read_member(member)
    if meant is None:
        return None
    if meant.kind == "user" and identity:
        return atlas.somebody(Principal("user", identity, meant.name))
    if meant.kind == "external":
        one = Principal("external", meant.name, project_number=meant.project_number, pool_id=meant.pool_id)
        members = atlas.words.members(one) if meant.name else frozenset({member})
        return Somebody(member, one, members)
    return None


def _node(atlas: Atlas, one: Somebody) -> Node:
    usable = not one.account or atlas.accounts[one.account].is_usable
    return Node(one.name, one.principal.kind, one.account, usable)


def reach(atlas: Atlas, start: Somebody, *, without: frozenset[str] = frozenset()) -> list[Reached]:
    """Return every account that somebody can become, with the shortest way; the nearest first.

    One of which there are only ID tokens the short way, and all else a longer one, comes twice. `without` are numbers
    of accounts that the way must not lead through.
    """
    found: list[Reached] = []
    seen: dict[str, bool] = {}
    passed = {start.account} | without
    here: list[tuple[Somebody, tuple[Edge, ...]]] = [(start, ())]
    while here:
        further: list[tuple[Somebody, tuple[Edge, ...]]] = []
        for one, way in here:
            for number, edges in _grouped(atlas.edges(one), passed):
                best = _best(edges, atlas)
                whole = bool(atlas.acting & set(best.permissions))
                if number in seen and (seen[number] or not whole):
                    continue
                seen[number] = whole
                target = atlas.holder(number)
                found.append(Reached(start.name, target.name, len(way) + 1, (*way, best), whole))
                # SECURITY: a chain of tokens ends where the server ends it (test_d6_53_the_way_is_bounded).
                if whole and len(way) + 1 < MOST_HOPS:
                    further.append((target, (*way, best)))
        here = further
    return sorted(found, key=lambda one: (one.hops, one.target))


def _grouped(edges: Iterable[Edge], passed: set[str]) -> list[tuple[str, list[Edge]]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        if not edge.why and edge.account not in passed:
            found.setdefault(edge.account, []).append(edge)
    return sorted(found.items())


def _best(edges: Sequence[Edge], atlas: Atlas) -> Edge:
    """Return the edge that gives most; what several bindings give together counts as given."""
    best = max(edges, key=lambda edge: (len(atlas.acting & set(edge.permissions)), len(edge.permissions)))
    given = {permission for edge in edges for permission in edge.permissions}
    return msgspec.structs.replace(best, permissions=tuple(sorted(given)))


def cycles(atlas: Atlas) -> list[tuple[str, ...]]:
    """Return the groups of accounts that can become one another, and so renew each other's tokens without end."""
    ways = {
        number: {edge.account for edge in atlas.edges(atlas.holder(number)) if _leads(edge, atlas)} - {number}
        for number in atlas.accounts
    }
    reachable = {number: _closure(number, ways) for number in ways}
    found: dict[frozenset[str], None] = {}
    for number, others in reachable.items():
        ring = frozenset({number, *(one for one in others if number in reachable[one])})
        if len(ring) > 1:
            found[ring] = None
    return [tuple(sorted(atlas.holder(number).name for number in ring)) for ring in found]


def _leads(edge: Edge, atlas: Atlas) -> bool:
    return not edge.why and bool(atlas.acting & set(edge.permissions))


def _closure(start: str, ways: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for one in ways[waiting.pop()] - found:
            found.add(one)
            waiting.append(one)
    return found
