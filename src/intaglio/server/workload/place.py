"""Where a workload asks, and what is there to answer it."""

from __future__ import annotations

import msgspec

from intaglio.clock import Clock
from intaglio.dialects.dialect import Dialect, Vocabulary
from intaglio.names import Issuer, RingId
from intaglio.protocol.faults import NotFound
from intaglio.server.access.permits import Permits
from intaglio.server.issue.accountsigning import AccountSigner
from intaglio.server.issue.mint import Mint
from intaglio.server.issue.subjects import Subjects
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.vault import Vault
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.model.tenants import Tenant
from intaglio.server.workload.accesstokens import AccessTokens
from intaglio.server.workload.kept import KeptTokens
from intaglio.server.workload.memory import Memory
from intaglio.server.workload.pools import Providers
from intaglio.server.workload.trail import Trail
from intaglio.wire.flow import Driver


class Place(msgspec.Struct, frozen=True):
    """One request's circumstances. `account` is the service account attached to the listener, empty for none."""

    tenant: Tenant
    dialect: Dialect
    issuer: Issuer
    base: str
    ring_id: RingId
    now: int
    ref: str
    account: str = ""
    peer: str = ""

    @property
    def vocabulary(self) -> Vocabulary:
        """How the dialect speaks of workloads; raises `NotFound` where it does not."""
        if self.dialect.vocabulary is None:
            raise NotFound
        return self.dialect.vocabulary


class Works:
    """What the functions of workloads work with; one a process. `outgoing` is None where nothing may be called."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keyring: Keyring,
        mint: Mint,
        vault: Vault,
        outgoing: Driver | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.keyring = keyring
        self.mint = mint
        self.vault = vault
        self.outgoing = outgoing
        self.permits = Permits(store)
        self.tokens = AccessTokens(vault, store)
        self.trail = Trail(store)
        self.memory = Memory()
        self.signatures = AccountSigner(store, vault)
        self.subjects = Subjects(vault.derive("pairwise-subjects"))
        self.attached: Recent[ServiceAccount] = Recent()
        self.kept = KeptTokens()
        self.providers = Providers(store, clock)

    def __repr__(self) -> str:
        return "Works(…)"
