"""The tree that describes a machine: found by path, listed, written as text or JSON, and told apart by its tag.

Pure functions over the nodes of `protocol.instances`; how the tree's names are spelled is the dialect's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from intaglio import codec
from intaglio.protocol.faults import NotFound
from intaglio.protocol.identity import TreeAnswer, TreeQuery
from intaglio.protocol.instances import ETAG_DIGITS, Asked, Lines, Named, Node, Packed


def children(node: Node) -> Mapping[str, Node] | None:
    """Return what is in a directory by name; None for a value."""
    if isinstance(node, Named):
        return node.members
    if isinstance(node, Mapping):
        return node
    return {str(number): one for number, one in enumerate(node)} if isinstance(node, list | tuple) else None


def find(tree: Node, path: tuple[str, ...]) -> Node | None:
    """Return the node of a path; None if there is none."""
    node: Node = tree
    for name in path:
        inside = children(node)
        if inside is None or name not in inside:
            return None
        node = inside[name]
    return node


def listing(node: Node) -> str:
    """Return a directory's names in order, one a line; those of directories end in a slash."""
    inside = children(node) or {}
    return "".join(f"{name}{'/' if children(one) is not None else ''}\n" for name, one in sorted(inside.items()))


def text(node: Node) -> str:
    """Return a value as text: one thing bare, several one a line."""
    if isinstance(node, Lines):
        return "".join(value + "\n" for value in node.values)
    if isinstance(node, Packed):
        return codec.encode_json(node.values).decode()
    return "" if isinstance(node, Asked) else str(node)


def camel(name: str) -> str:
    """Return a name with its hyphens gone and the letters behind them in upper case."""
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)


def value(node: Node) -> Any:
    """Return a node as JSON has it, without what is made when it is asked for."""
    if isinstance(node, Lines | Packed):
        return list(node.values)
    if isinstance(node, list | tuple):
        return [value(one) for one in node]
    inside = children(node)
    if inside is None:
        return node
    spelled = str if isinstance(node, Named) else camel
    return {spelled(name): value(one) for name, one in sorted(inside.items()) if not isinstance(one, Asked)}


def flat(node: Node, path: str = "") -> Iterator[str]:
    """Yield a line for each value below a node: its path and its text."""
    inside = children(node)
    if inside is None:
        for line in text(node).splitlines() or [""]:
            yield f"{path} {line}\n"
        return
    for name, one in sorted(inside.items()):
        if not isinstance(one, Asked):
            yield from flat(one, f"{path}/{name}" if path else name)


def etag(node: Node) -> str:
    """Return 16 hex digits that tell one state of a node from another."""
    return hashlib.sha256(codec.encode_json(value(node))).hexdigest()[:ETAG_DIGITS]


def answer(tree: Node, query: TreeQuery) -> TreeAnswer:
    """Return what a question about the tree is answered with; raises `NotFound`."""
    node = find(tree, query.path)
    inside = None if node is None else children(node)
    if node is None or isinstance(node, Asked) or (inside is None and query.directory):
        raise NotFound(detail={"received": "/".join(query.path)[:200]})
    known = etag(node)
    if inside is not None and not query.directory:
        return TreeAnswer("", etag=known, moved=query.address)
    whole = inside is not None and query.recursive
    if query.form == "json" or (whole and query.form != "text"):
        return TreeAnswer(codec.encode_json(value(node)).decode(), "json", known)
    if whole:
        return TreeAnswer("".join(flat(node)), "text", known)
    return TreeAnswer(listing(node) if inside is not None else text(node), "text", known)
