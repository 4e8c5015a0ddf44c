"""What the modes that are part of an installation work with: whose services, whose keys, who may call what."""

from __future__ import annotations

import msgspec

from intaglio.dialects.dialect import Dialect, Vocabulary
from intaglio.errors import Misconfigured, Unavailable
from intaglio.names import Issuer, RingId, TenantId
from intaglio.protocol.gate import Receiving
from intaglio.protocol.principals import Principal
from intaglio.server.gate.believing import Believer
from intaglio.server.gate.callers import Callers
from intaglio.server.model import services
from intaglio.server.model.recent import Recent
from intaglio.server.model.services import ServiceRecord
from intaglio.server.workload.place import Works


class Inside(msgspec.Struct, frozen=True):
    """A tenant of the installation in one dialect. `believer` believes the tokens that it issues there."""

    works: Works
    dialect: Dialect
    tenant_id: TenantId
    issuer: Issuer
    ring_id: RingId
    believer: Believer
    callers: Callers

    def __repr__(self) -> str:
        return f"Inside({self.issuer})"

    @property
    def receiving(self) -> Receiving:
        """How the dialect receives; raises `Misconfigured` (`dialect-unsuited`) where it does not."""
        if self.dialect.receiving is None:
            raise unsuited(self.dialect)
        return self.dialect.receiving

    @property
    def vocabulary(self) -> Vocabulary:
        """How the dialect speaks of callers; raises `Misconfigured` (`dialect-unsuited`) where it does not."""
        if self.dialect.vocabulary is None:
            raise unsuited(self.dialect)
        return self.dialect.vocabulary

    async def may(self, principal: Principal, permissions: tuple[str, ...], resource: str, now: int) -> bool:
        """Tell whether a principal has one of the permissions on a resource."""
        for permission in permissions:
            decision = await self.works.permits.decide(
                self.tenant_id, self.vocabulary, principal, permission, resource, now
            )
            if decision.allowed:
                return True
        return False


def unsuited(dialect: Dialect) -> Misconfigured:
    """Return the error for a dialect that has no receiving side."""
    return Misconfigured(
        "dialect-unsuited",
        f"The dialect '{dialect.name}' has no words for a gate.",
        hint="Use the google dialect, or the mode plain.",
    )


class Target:
    """One target service of a tenant, as it is in this second."""

    def __init__(self, inside: Inside, project_id: str, name: str) -> None:
        self._inside = inside
        self._project_id = project_id
        self._name = name
        self._recent: Recent[ServiceRecord] = Recent(2)

    async def service(self, now: int) -> ServiceRecord:
        """Return the service; raises `Unavailable` (`service-unknown`) while there is none of the configured name."""
        found = self._recent.get(self._name, now)
        if found is None:
            read = await self._inside.works.store.read(
                services.by_name, self._inside.tenant_id, self._project_id, self._name
            )
            if read is None:
                raise Unavailable(
                    "service-unknown",
                    "The service is not set up.",
                    detail={"expected": "a target service", "received": f"{self._project_id}/{self._name}"},
                    hint="Create it with: intaglio service create",
                )
            found = self._recent.keep(self._name, read, now)
        return found
