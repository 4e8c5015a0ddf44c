"""Deciding, as a pure function: policies, roles, a question; an answer with its grounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from intaglio.protocol.principals import Principal
from intaglio.server.model.policies import Binding, Condition, Policy


class Question(msgspec.Struct, frozen=True):
    """May the principal do what the permission names on the resource, now (epoch seconds)?

    `members` are all names under which a binding may mean the principal.
    """

    principal: Principal
    members: frozenset[str]
    permission: str
    resource: str
    now: int


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


class Indexed:
    """A policy with its bindings by member, so that a thousand bindings cost no more than one."""

    __slots__ = ("_by_member", "policy")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._by_member: dict[str, list[Binding]] = {}
        for binding in policy.bindings:
            for member in binding.members:
                self._by_member.setdefault(member, []).append(binding)

    def of(self, member: str) -> Sequence[Binding]:
        """Return the bindings that name a member."""
        return self._by_member.get(member, ())


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
                why = _why_not(indexed.policy, binding, member, question, holds)
                resource = indexed.policy.resource
                if not why:
                    title = binding.condition.title if binding.condition is not None else ""
                    return Decision(
                        allowed=True, grounds=Grounds(resource, binding.role, member, title), misses=tuple(misses)
                    )
                misses.append(Miss(resource, binding.role, member, why))
    return Decision(allowed=False, misses=tuple(misses))


def _why_not(policy: Policy, binding: Binding, member: str, question: Question, holds: Judge) -> str:
    # SECURITY: a binding means whom it meant when it was written; a later owner of the address inherits nothing
    # (test_d6_51_recycled_names).
    if policy.identities.get(member, question.principal.id) != question.principal.id:
        return "the binding means an earlier holder of this address"
    return holds(binding.condition, question) if binding.condition is not None else ""
