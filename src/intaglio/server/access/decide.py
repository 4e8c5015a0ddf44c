"""Deciding, as a pure function: policies, roles, a question; an answer with its grounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from intaglio.dialects.dialect import Member
from intaglio.protocol.principals import Principal
from intaglio.server.model.policies import Binding, Condition, Policy

EARLIER = "the binding means an earlier holder of this address"
UNNAMED = "the policy does not tell whom the binding meant when it was written"
BROAD = "a member that means so many never has this permission"


class Question(msgspec.Struct, frozen=True):
    """May the principal do what the permission names on the resource, now (epoch seconds)?

    `members` are all names under which a binding may mean the principal. `for_everybody` tells whether the permission
    may be had by everybody or by a whole domain. `resource_type` and `resource_service` are what conditions see.
    """

    principal: Principal
    members: frozenset[str]
    permission: str
    resource: str
    now: int
    for_everybody: bool = False
    resource_type: str = ""
    resource_service: str = ""


class Grounds(msgspec.Struct, frozen=True):
    """The binding that decided: where it stands, its role, the member that meant the principal, its condition."""

    resource: str
    role: str
    member: str
    condition: str = ""


class Miss(msgspec.Struct, frozen=True):
    """A binding that would have allowed it, and why it did not."""

    resource: str
    role: str
    member: str
    why: str


class Decision(msgspec.Struct, frozen=True):
    """Whether it is allowed, on which grounds, and what came close. Has no truth value: the reasons matter."""

    allowed: bool
    grounds: Grounds | None = None
    misses: tuple[Miss, ...] = ()

    def __bool__(self) -> bool:
        raise TypeError("a decision has reasons: ask for `allowed`")


Judge = Callable[[Condition, Question], str]
"""Says why a condition does not hold; empty text if it does."""

Meaning = Callable[[str], Member | None]
"""Says what a member means."""


class Indexed:
    """A policy with its bindings by member, so that a thousand bindings cost no more than one."""

    __slots__ = ("_by_member", "_kinds", "_meaning", "policy")

    def __init__(self, policy: Policy, meaning: Meaning) -> None:
        self.policy = policy
        self._meaning = meaning
        self._kinds: dict[str, str] = {}
        self._by_member: dict[str, list[Binding]] = {}
        for binding in policy.bindings:
            for member in binding.members:
                self._by_member.setdefault(member, []).append(binding)

    def __repr__(self) -> str:
        return f"Indexed({self.policy.resource})"

    def of(self, member: str) -> Sequence[Binding]:
        """Return the bindings that name a member; names are compared whole, no part of one stands for anything."""
        return self._by_member.get(member, ())

    def kind(self, member: str) -> str:
        """Return what kind of member it is, empty for none that is known."""
        if member not in self._kinds:
            meant = self._meaning(member)
            self._kinds[member] = meant.kind if meant is not None else ""
        return self._kinds[member]


def decide(
    question: Question, policies: Sequence[Indexed], roles: Mapping[str, frozenset[str]], holds: Judge
) -> Decision:
    """Return the decision. `policies` are those of the resource and of what it lives in; nothing there denies."""
    misses: list[Miss] = []
    for indexed in policies:
        for member in sorted(question.members):
            for binding in indexed.of(member):
                if question.permission not in roles.get(binding.role, frozenset()):
                    continue
                why = why_not(indexed, binding, member, question, holds)
                resource = indexed.policy.resource
                if not why:
                    title = binding.condition.title if binding.condition is not None else ""
                    return Decision(
                        allowed=True, grounds=Grounds(resource, binding.role, member, title), misses=tuple(misses)
                    )
                misses.append(Miss(resource, binding.role, member, why))
    return Decision(allowed=False, misses=tuple(misses))


def why_not(indexed: Indexed, binding: Binding, member: str, question: Question, holds: Judge) -> str:
    """Return why a binding that names a member does not count for the question, empty if it does."""
    return (
        _of_member(indexed.kind(member), question)
        or _of_identity(indexed, member, question)
        or (holds(binding.condition, question) if binding.condition is not None else "")
    )


def _of_member(kind: str, question: Question) -> str:
    # SECURITY: nobody becomes somebody else for being anybody at all, or for an address in some domain, whatever a
    # policy says (test_d6_50_nobody_becomes_an_account_for_being_anybody).
    if kind in ("everybody", "domain"):
        return "" if question.for_everybody else BROAD
    return "" if kind in ("user", "service_account", "external") else "there is no such kind of member"


def _of_identity(indexed: Indexed, member: str, question: Question) -> str:
    # SECURITY: a binding means whom it meant when it was written; a later owner of the address inherits nothing
    # (test_d6_51_recycled_names).
    if indexed.kind(member) not in ("user", "service_account"):
        return ""
    meant = indexed.policy.identities.get(member)
    if meant is None:
        return UNNAMED
    return "" if meant == question.principal.id else EARLIER
