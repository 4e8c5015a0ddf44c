"""Ways and graphs as text: trees for a terminal, DOT for Graphviz."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable

from intaglio.cli import faults
from intaglio.server.access.explain import Explained, Missing, Step
from intaglio.server.access.graph import Graph, Reached

_HOW = {
    "direct": "directly",
    "delegates": "by one request that names the accounts between as delegates",
    "tokens": "by taking a token of each account in turn",
}


def explained(found: Explained) -> str:
    """Return an explanation: the way from top to bottom, or what is missing and what came close."""
    verdict = "allowed" if found.allowed else "not allowed"
    lines = [f"{verdict}: {found.who} → {found.permission} → {found.target}"]
    if found.allowed:
        lines += ["", found.who, *_steps(found.way), "", f"It works {_HOW[found.how]}."]
    else:
        lines += ["", f"  {found.reason}"]
        if found.missing is not None:
            lines.append(f"  missing: {found.missing.role}")
            lines += [f"       on: {found.missing.resource}", f"      for: {found.missing.member}"]
            lines.append(f"  next step: {_command(found.missing)}")
        if found.close:
            lines += ["", "  What came close:"]
            lines += [f"  - {miss.role} for {miss.member} on {miss.resource}: {miss.why}" for miss in found.close]
    return "\n".join(map(_visible, lines))


def _command(missing: Missing) -> str:
    """Return the command that gives what is missing."""
    words = ("--resource", missing.resource, "--role", missing.role, "--member", missing.member)
    return "intaglio policy add " + shlex.join(words)


def _steps(way: Iterable[Step]) -> list[str]:
    lines = []
    for depth, step in enumerate(way):
        condition = f" if '{step.condition}'" if step.condition else ""
        lines.append(f"{'   ' * depth}└─ {step.whom}  [{_short(step.permissions)}]")
        lines.append(f"{'   ' * depth}      {step.role} on {step.resource} for {step.member}{condition}")
    return lines


def _short(permissions: Iterable[str]) -> str:
    return ", ".join(permission.rpartition(".")[2] for permission in permissions)


def _visible(line: str) -> str:
    """Return a line without what a terminal would obey: names in it may be a stranger's."""
    return faults.plain(line)


def tree(found: Graph) -> str:
    """Return for everybody who can become somebody the accounts below, each at its shortest distance."""
    blocks = []
    for source in dict.fromkeys(one.source for one in found.reached):
        mine = [one for one in found.reached if one.source == source]
        blocks.append("\n".join([_visible(source), *_branches(mine, (), "")]))
    return "\n\n".join(blocks) or "Nobody can become anybody else."


def _branches(reached: list[Reached], trunk: tuple[str, ...], indent: str) -> list[str]:
    """Return the lines below one account; `trunk` are the accounts on the way to it."""
    here = [one for one in reached if tuple(edge.account for edge in one.way[:-1]) == trunk]
    lines = []
    for number, one in enumerate(here):
        last = number == len(here) - 1
        edge = one.way[-1]
        condition = f", if '{edge.condition}'" if edge.condition else ""
        hops = "1 hop" if one.hops == 1 else f"{one.hops} hops"
        text = f"{indent}{'└─' if last else '├─'} {one.target}  [{_short(edge.permissions)}{condition}]  {hops}"
        lines.append(_visible(text))
        lines += _branches(reached, (*trunk, edge.account), indent + ("   " if last else "│  "))
    return lines


def dot(found: Graph) -> str:
    """Return the graph in Graphviz' language: boxes are accounts, dashed edges do not count now."""
    names = {node.account: node.name for node in found.nodes if node.account}
    lines = ["digraph access {", "  rankdir=LR;"]
    for node in found.nodes:
        shape = "box" if node.account else "ellipse"
        style = "" if node.usable else ", style=dashed"
        lines.append(f"  {_quoted(node.name)} [shape={shape}{style}];")
    for edge in found.edges:
        label = _short(edge.permissions) + (f" if {edge.condition}" if edge.condition else "")
        style = ", style=dashed" if edge.why else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(names[edge.account])} [label={_quoted(label)}{style}];")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return json.dumps(_visible(text), ensure_ascii=False)
