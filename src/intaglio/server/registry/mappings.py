"""Attribute mappings and conditions: what is believed of another issuer's token, and whether its holder gets in.

Google's page on workload identity federation (attribute mappings and conditions), CEL language definition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Members
from typing import Any

import msgspec

from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.server.access import expressions
from intaglio.server.access.expressions import Expression, ExpressionFailed

SUBJECT_LIMIT = 127
"""Octets of a mapped subject."""
EXPRESSION_LIMIT = 2048
CONDITION_LIMIT = 4096
MAPPED_LIMIT = 8192
"""Octets of all that a mapping makes of one token."""
MAX_ATTRIBUTES = 50
ASSERTION = "assertion"
ATTRIBUTE = "attribute"

_NAME = re.compile(r"[a-z0-9_]{1,100}")
_MEMBER = re.compile(r"assertion\.([A-Za-z_][A-Za-z0-9_]*)")


class Mapped(msgspec.Struct, frozen=True):
    """Who somebody is here."""

    subject: str
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = {}


class Mapping:
    """A provider's mapping and condition, compiled once; `written` is the mapping as it is kept.

    `namespace` is the dialect's name for what is mapped.
    """

    def __init__(self, written: Members[str, str], condition: str, namespace: str) -> None:
        """Compile; raises `Misconfigured` (`mapping-invalid`, `expression-invalid`)."""
        self._namespace = namespace
        self.written = dict(written)
        self._targets = {_target(name, namespace): _compiled(name, text) for name, text in written.items()}
        # Most mappings name one claim: that needs no interpreter.
        plain = {target: _MEMBER.fullmatch(one.text) for target, one in self._targets.items()}
        self._plain = {target: found[1] for target, found in plain.items() if found is not None}
        if "subject" not in self._targets:
            raise _refuse(f"a mapping of {namespace}.subject", "none")
        attributes = len(self._targets.keys() - {"subject", "groups"})
        if attributes > MAX_ATTRIBUTES:
            raise _refuse(f"at most {MAX_ATTRIBUTES} attributes", str(attributes))
        self._condition = self.condition(condition, namespace) if condition else None

    def __repr__(self) -> str:
        return f"Mapping({', '.join(self._targets)})"

    @staticmethod
    def condition(text: str, namespace: str) -> Expression:
        """Return a condition, compiled; raises `Misconfigured` (`expression-invalid`)."""
        names = frozenset({ASSERTION, ATTRIBUTE, namespace})
        return expressions.compile(text, limit=CONDITION_LIMIT, variables=names)

    @property
    def targets(self) -> tuple[str, ...]:
        """What is mapped, in order: `subject`, `groups`, and `attribute.` with a name."""
        return tuple(self._targets)

    def value(self, target: str, assertion: Members[str, Any]) -> Any:
        """Return what one target becomes; raises `ProtocolFault` (`invalid_request`)."""
        try:
            found = assertion.get(self._plain.get(target, ""))
            if not isinstance(found, str | list):
                found = self._targets[target].evaluate({ASSERTION: assertion})
            return _groups(found) if target == "groups" else _text(found)
        except ExpressionFailed as fault:
            name = self.named(target)
            raise ProtocolFault(
                "invalid_request",
                f"The mapped attribute {name} cannot be made of this token.",
                detail={"expected": f"text for {name}", "received": fault.reason},
            ) from fault

    def of(self, assertion: Members[str, Any]) -> Mapped:
        """Return who the holder of a token is; raises `ProtocolFault` (`invalid_request`)."""
        made = {target: self.value(target, assertion) for target in self._targets}
        subject, groups = made.pop("subject"), made.pop("groups", ())
        octets = len(subject.encode())
        if octets > SUBJECT_LIMIT:
            name = self.named("subject")
            raise ProtocolFault(
                "invalid_request",
                f"The size of mapped attribute {name} exceeds the {SUBJECT_LIMIT} bytes limit. "
                "Either modify your attribute mapping or the incoming assertion to produce a mapped attribute that is "
                f"less than {SUBJECT_LIMIT} bytes.",
                detail={"expected": f"at most {SUBJECT_LIMIT} octets", "received": f"{octets}"},
            )
        whole = octets + sum(len(one.encode()) for one in (*groups, *made.values()))
        if whole > MAPPED_LIMIT:
            raise ProtocolFault(
                "invalid_request",
                f"The size of all mapped attributes exceeds the {MAPPED_LIMIT} bytes limit.",
                detail={"expected": f"at most {MAPPED_LIMIT} octets", "received": f"{whole}"},
            )
        return Mapped(subject, groups, {name.removeprefix("attribute."): value for name, value in made.items()})

    def guess(self, assertion: Members[str, Any]) -> Mapped:
        """Return who the holder of a token would be; what cannot be made of it is the text `stranger`."""
        made: dict[str, Any] = {}
        for target in self._targets:
            try:
                made[target] = self.value(target, assertion)
            except ProtocolFault:
                made[target] = () if target == "groups" else "stranger"
        subject, groups = made.pop("subject"), made.pop("groups", ())
        return Mapped(subject, groups, {name.removeprefix("attribute."): value for name, value in made.items()})

    def variables(self, assertion: Members[str, Any], mapped: Mapped) -> dict[str, Any]:
        """Return what a condition sees."""
        known = {"subject": mapped.subject, "groups": list(mapped.groups)}
        return {ASSERTION: assertion, self._namespace: known, ATTRIBUTE: mapped.attributes}

    def admits(self, assertion: Members[str, Any], mapped: Mapped) -> str:
        """Return why the condition keeps somebody out, empty if it does not; one that cannot be judged keeps out."""
        if self._condition is None:
            return ""
        try:
            return "" if self._condition.holds(self.variables(assertion, mapped)) else "the condition is false"
        except ExpressionFailed as fault:
            return f"the condition cannot be judged: {fault.reason}"

    def named(self, target: str) -> str:
        """Return the name by which a mapping has a target."""
        return target if target.startswith("attribute.") else f"{self._namespace}.{target}"


def _refuse(expected: str, received: str) -> Misconfigured:
    return Misconfigured(
        "mapping-invalid",
        "The attribute mapping cannot be used.",
        detail={"expected": expected, "received": received[:200]},
    )


def _target(name: str, namespace: str) -> str:
    space, _, rest = name.partition(".")
    if space == namespace and rest in ("subject", "groups"):
        return rest
    if space == ATTRIBUTE and _NAME.fullmatch(rest):
        return name
    expected = f"{namespace}.subject, {namespace}.groups or attribute.NAME, NAME of a-z, 0-9 and _"
    raise _refuse(expected, name)


def _compiled(name: str, text: str) -> Expression:
    try:
        return expressions.compile(text, limit=EXPRESSION_LIMIT, variables=frozenset({ASSERTION}))
    except Misconfigured as fault:
        fault.detail["mapping"] = name[:120]
        raise


def _text(value: Any) -> str:
    # A control character in a name would be one in logs and in names of principals.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ExpressionFailed("the value is no text, or an empty or unprintable one; string() makes text of numbers")
    return value


def _groups(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ExpressionFailed("the value is no list of texts")
    return tuple(dict.fromkeys(_text(one) for one in value))
