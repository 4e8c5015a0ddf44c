"""The front door of access: the policies and roles in force, read at most once a second, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import Denied
from intaglio.protocol.principals import Principal
from intaglio.server.access import decide as deciding
from intaglio.server.access import expressions
from intaglio.server.access.decide import Decision, Grounds, Indexed, Question
from intaglio.server.model import policies, resources
from intaglio.server.model.plan import Store
from intaglio.server.model.policies import CustomRole
from intaglio.server.model.recent import Recent


class Found(msgspec.Struct, frozen=True):
    """What was found for a resource; None where nobody ever wrote a policy."""

    policy: Indexed | None


def question(words: Vocabulary, principal: Principal, permission: str, resource: str, now: int) -> Question:
    """Return the question whether the principal has the permission on the resource."""
    kind = words.kind(resource)
    return Question(
        principal=principal,
        members=words.members(principal),
        permission=permission,
        resource=resource,
        now=now,
        # SECURITY: only calling a service may be for everybody; every other permission leads to acting as another.
        for_everybody=permission in words.permissions.invoke,
        resource_type=kind.type,
        resource_service=kind.service,
    )


def granted(words: Vocabulary, own: Sequence[CustomRole]) -> dict[str, frozenset[str]]:
    """Return what each role grants; a custom role never takes the place of a predefined one."""
    made = {role.role: frozenset(role.permissions) for role in own}
    return made | {role: frozenset(given) for role, given in words.roles.items()}


class Permits:
    """Says who may do what; one a process. A change of a policy is seen within a second, and at once after `forget`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policies: Recent[Found] = Recent()
        self._roles: Recent[dict[str, frozenset[str]]] = Recent()

    def __repr__(self) -> str:
        return "Permits(…)"

    def forget(self) -> None:
        """Forget what was read, for a policy has changed."""
        self._policies.forget()
        self._roles.forget()

    async def decide(
        self, tenant_id: str, words: Vocabulary, principal: Principal, permission: str, resource: str, now: int
    ) -> Decision:
        """Return whether the principal has the permission on the resource, with the grounds."""
        asked = question(words, principal, permission, resource, now)
        found = [await self._policy(tenant_id, words, one, now) for one in resources.lineage(resource)]
        known = [one for one in found if one is not None]
        return deciding.decide(asked, known, await self.roles(tenant_id, words, now), expressions.judge)

    async def demand(
        self, tenant_id: str, words: Vocabulary, principal: Principal, permission: str, resource: str, now: int
    ) -> Grounds:
        """Return the grounds on which it is allowed; raises `Denied` (`permission-denied`)."""
        decision = await self.decide(tenant_id, words, principal, permission, resource, now)
        if decision.grounds is None:
            detail: dict[str, object] = {
                "expected": f"{permission} on {resource}",
                "received": words.display(principal),
                "misses": [f"{miss.role} for {miss.member}: {miss.why}" for miss in decision.misses],
            }
            raise Denied("permission-denied", "That is not allowed.", detail=detail)
        return decision.grounds

    async def _policy(self, tenant_id: str, words: Vocabulary, resource: str, now: int) -> Indexed | None:
        key = (tenant_id, words.namespace, resource)
        found = self._policies.get(key, now)
        if found is None:
            policy = await self._store.read(policies.of_resource, tenant_id, resource)
            found = self._policies.keep(key, Found(Indexed(policy, words.read_member) if policy else None), now)
        return found.policy

    async def roles(self, tenant_id: str, words: Vocabulary, now: int) -> dict[str, frozenset[str]]:
        """Return what each role of a tenant grants, by its name."""
        found = self._roles.get((tenant_id, words.namespace), now)
        if found is None:
            own = await self._store.read(policies.roles_of, tenant_id)
            found = self._roles.keep((tenant_id, words.namespace), granted(words, own), now)
        return found
