"""What in a condition fits more than its author meant: patterns without ends, names that change owners.

D6 50 and 51 of the security list: half-anchored alternation, wildcards that span a slash, recycled names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from intaglio.server.access import expressions, lexemes
from intaglio.server.access.lexemes import Lexeme

_ENDS = "/:@"


class Finding(msgspec.Struct, frozen=True):
    """Something to warn of; `refused` where a shared issuer makes it more than a warning."""

    code: str
    text: str
    hint: str = ""
    refused: bool = False


def mentions(condition: str, namespace: str) -> bool:
    """Tell whether a condition looks at anything of the token."""
    known = {"assertion", "attribute", namespace}
    return any(name in known for name in _roots(lexemes.read(condition)))


def patterns(condition: str) -> list[Finding]:
    """Return the findings about texts that a condition compares loosely."""
    if not condition:
        return []
    found = lexemes.read(condition)
    findings = []
    for number in range(len(found) - 2):
        call, opened, argument = found[number : number + 3]
        if call.kind != "name" or opened.text != "(":
            continue
        closed = number + 3 < len(found) and found[number + 3].text == ")"
        if argument.kind == "text" and closed and number and found[number - 1].text == ".":
            findings += _loose(call.text, plain(argument.text))
        elif call.text == "matches":
            told = "A pattern that is put together cannot be looked at."
            findings.append(Finding("computed-pattern", told, "Write it as one text: x.matches('^…$')", refused=True))
    return findings


def names(condition: str, mapping: Mapping[str, str], ids: Mapping[str, str]) -> list[Finding]:
    """Return the findings about claims that name somebody whose name can pass to somebody else."""
    in_condition = _claims(lexemes.read(condition)) if condition else set[str]()
    used = in_condition.union(*(_claims(lexemes.read(text)) for text in mapping.values()))
    return [
        Finding(
            "mutable-name",
            f"The name in assertion.{name} can come to belong to somebody else.",
            f"Let the condition compare assertion.{ids[name]} too: it never changes its owner.",
        )
        for name in sorted(used)
        if name in ids and ids[name] not in in_condition
    ]


def _loose(function: str, text: str) -> list[Finding]:
    if function == "matches":
        return _regex(text)
    if function == "startsWith" and text[-1:] not in _ENDS:
        told = f"'{text}' begins other names as well, such as '{text}-evil'."
        return [Finding("open-prefix", told, "End the prefix with a delimiter such as / or :")]
    if function in ("contains", "endsWith"):
        told = f"Whoever chooses a name can choose one in which '{text}' stands."
        return [Finding("open-text", told, "Compare with == or with startsWith.")]
    return []


def _regex(text: str) -> list[Finding]:
    if _alternates(text):
        told = "In a|b an anchor belongs to one side only."
        return [Finding("half-anchored", told, "Put the alternatives into brackets: ^(a|b)$", refused=True)]
    if not (text.startswith("^") and text.endswith("$") and not text.endswith("\\$")):
        told = "matches looks for the pattern anywhere in the text."
        return [Finding("unanchored-pattern", told, "Begin it with ^ and end it with $", refused=True)]
    if any(wild in text for wild in (".*", ".+")):
        told = "A wildcard in the pattern spans slashes."
        return [Finding("wildcard-spans-slash", told, "Write [^/]* where one part of a name is meant.")]
    return []


def _alternates(text: str) -> bool:
    """Tell whether a pattern has alternatives outside of all brackets."""
    depth, in_class, escaped = 0, False, False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            return True
    return False


def plain(literal: str) -> str:
    """Return the text of a literal."""
    value = expressions.compile(literal, limit=len(literal), variables=frozenset()).evaluate({})
    return value if isinstance(value, str) else ""


def _roots(found: Sequence[Lexeme]) -> set[str]:
    return {
        one.text
        for number, one in enumerate(found)
        if one.kind == "name" and (number == 0 or found[number - 1].text != ".")
    }


def _claims(found: Sequence[Lexeme]) -> set[str]:
    """Return the claims that are looked at: assertion.NAME and assertion['NAME']."""
    claims = set()
    for number in range(len(found) - 2):
        root, joint, name = found[number : number + 3]
        if root.text != "assertion" or joint.text not in (".", "["):
            continue
        claims.add(name.text if name.kind == "name" else plain(name.text))
    return claims
