"""The metadata server's questions: which account is attached here, and its ID token."""

from __future__ import annotations

import msgspec

from intaglio.clock import Clock
from intaglio.dialects.dialect import Dialect
from intaglio.errors import ProtocolFault
from intaglio.names import RingId
from intaglio.protocol.facts import Facts, Workload
from intaglio.protocol.faults import NotFound
from intaglio.protocol.identity import AccountAnswer, AccountQuery, Answered, IdentityQuery, Minted
from intaglio.server.issue import gather
from intaglio.server.issue.mint import Mint
from intaglio.server.model import serviceaccounts
from intaglio.server.model.plan import Store
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.model.tenants import Tenant


class Attached(msgspec.Struct, frozen=True):
    """Where a workload asks: tenant, dialect, issuer, the account attached to the listener, and the key ring."""

    tenant: Tenant
    dialect: Dialect
    issuer: str
    account: str
    ring_id: RingId


class Workloads:
    """Answers what workloads ask; one a process."""

    def __init__(self, store: Store, clock: Clock, mint: Mint) -> None:
        self._store = store
        self._clock = clock
        self._mint = mint

    async def _account(self, name: str, here: Attached) -> ServiceAccount:
        """Return the attached account; another's name is answered as an unknown one."""
        if not here.account:
            raise NotFound(public="No service account is attached here.")
        if name not in ("default", here.account):
            raise NotFound(detail={"expected": here.account, "received": name[:100]})
        account = await self._store.read(serviceaccounts.by_email, here.tenant.tenant_id, here.account)
        if account is None or account.disabled_at is not None:
            raise NotFound(public="The service account is disabled or gone.")
        return account

    async def account(self, query: AccountQuery, here: Attached) -> AccountAnswer:
        """Return what is known of the attached account."""
        found = await self._account(query.account, here)
        return AccountAnswer(found.email, found.unique_id, found.project_id, query.field, query.recursive)

    async def identity(self, query: IdentityQuery, here: Attached) -> Minted:
        """Return an ID token of the attached account for one audience; raises `not_found`."""
        found = await self._account(query.account, here)
        now, profile = self._clock.now(), here.dialect.profile
        facts = Facts(
            issuer=here.issuer,
            tenant_id=here.tenant.tenant_id,
            tenant_slug=here.tenant.slug,
            owner=here.tenant.owner,
            audience=query.audience,
            now=now,
            lifetime=profile.id_token_lifetime,
            alg=gather.algorithm(None, profile),
            workload=Workload(found.email, found.unique_id, found.project_id),
            format=query.format,
        )
        return Minted(await self._mint.id_token(here.dialect, here.ring_id, facts))

    async def answered(self, query: Answered, here: Attached) -> Answered:
        """Return a text that the question holds already."""
        if not here.account:
            raise ProtocolFault("not_found", "No service account is attached here.")
        return query
