"""Pools and providers as an exchange needs them: found by name, compiled once, read at most once a second."""

from __future__ import annotations

import msgspec

from intaglio.clock import Clock
from intaglio.dialects.dialect import Vocabulary
from intaglio.protocol.federation import ProviderName
from intaglio.protocol.principals import Principal
from intaglio.server.model import pools, projects
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.recent import Recent
from intaglio.server.registry import pools as rules
from intaglio.server.registry.mappings import Mapping
from intaglio.tokens.chains import Anchors
from intaglio.validate.keysource import FixedKeys, KeySource, RemoteKeys
from intaglio.validate.policy import Expectation

MAXIMUM_ISSUERS = 256
"""Issuers whose keys are remembered in a process; with the bound of a document this bounds the memory."""
MAXIMUM_KNOWN = 1024
LEEWAY = 60
"""Seconds that the clocks may differ by."""


class Known(msgspec.Struct, frozen=True):
    """A provider with what was made of it: `anchors` of one of client certificates, else what a token has to hold.

    `refusal` says why nobody gets in though the provider is in use: its rules would not be accepted today.
    """

    provider: PoolProvider
    pool: Pool
    project_number: int
    audiences: tuple[str, ...]
    mapping: Mapping
    expectation: Expectation | None = None
    keys: KeySource | None = None
    anchors: Anchors | None = None
    refusal: str = ""


class _Row(msgspec.Struct, frozen=True):
    found: tuple[PoolProvider, Pool] | None


class _Closed(msgspec.Struct, frozen=True):
    closed: bool


def _find(tenant_id: str, name: ProviderName) -> Plan[tuple[PoolProvider, Pool] | None]:
    project = yield from projects.by_number(tenant_id, name.project_number)
    if project is None:
        return None
    return (yield from pools.provider_by_id(tenant_id, project.project_id, name.pool_id, name.provider_id))


class Providers:
    """Finds providers; one a process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recent: Recent[_Row] = Recent()
        self._pools: Recent[_Closed] = Recent()
        self._known: dict[tuple[str, ProviderName], Known] = {}
        self._keys: dict[tuple[str, str], RemoteKeys] = {}

    def __repr__(self) -> str:
        return "Providers(…)"

    def forget(self) -> None:
        """Forget what was read, for a provider has changed."""
        self._recent.forget()
        self._pools.forget()

    async def is_closed(self, tenant_id: str, who: Principal, now: int) -> bool:
        """Tell whether the pool of an external identity is disabled or deleted; its tokens call nothing then."""
        key = (tenant_id, who.project_id, who.pool_id)
        known = self._pools.get(key, now)
        if known is None:
            pool = await self._store.read(pools.by_id, *key)
            known = self._pools.keep(key, _Closed(pool is not None and not pool.is_usable), now)
        return known.closed

    async def find(self, tenant_id: str, name: ProviderName, words: Vocabulary, now: int) -> Known | None:
        """Return a provider that may be used, compiled; None for one that is absent, disabled or deleted."""
        key = (tenant_id, name)
        row = self._recent.get(key, now)
        if row is None:
            row = self._recent.keep(key, _Row(await self._store.read(_find, tenant_id, name)), now)
        if row.found is None or not all(one.is_usable for one in row.found):
            return None
        known = self._known.get(key)
        if known is None or known.provider != row.found[0]:
            known = self.compiled(*row.found, name.project_number, words)
            if len(self._known) >= MAXIMUM_KNOWN:
                self._known.clear()
            self._known[key] = known
        return known

    def compiled(self, provider: PoolProvider, pool: Pool, project_number: int, words: Vocabulary) -> Known:
        """Return a provider with what is made of it; raises `Misconfigured` for one that was kept by other rules."""
        own = words.provider_names(project_number, provider.pool_id, provider.provider_id)
        # An explicit list replaces the provider's own name.
        audiences = provider.allowed_audiences or own
        mapping = Mapping(provider.attribute_mapping, provider.attribute_condition, words.namespace)
        known = Known(provider, pool, project_number, audiences, mapping)
        if provider.trust_anchors:
            return msgspec.structs.replace(known, anchors=rules.anchors(provider))
        # SECURITY: the list of shared issuers grows; a provider that was kept before is judged again with each start.
        refused = rules.open_to_strangers(provider, mapping, words.namespace)
        expectation = Expectation(issuer=provider.issuer, audience=audiences, leeway=LEEWAY)
        keys = FixedKeys(rules.keys(provider)) if provider.jwks else self._remote(provider)
        return msgspec.structs.replace(
            known, expectation=expectation, keys=keys, refusal=refused.code if refused is not None else ""
        )

    def _remote(self, provider: PoolProvider) -> RemoteKeys:
        # SECURITY: by the exact issuer and the place that was configured for it, so that nobody's own place of keys
        # ever answers for an issuer that others trust (test_d6_49_keys_are_kept_per_issuer_and_place).
        key = (provider.issuer, provider.discovery_uri)
        found = self._keys.get(key)
        if found is None:
            found = RemoteKeys(provider.issuer, discovery_uri=provider.discovery_uri or None, clock=self._clock)
            if len(self._keys) >= MAXIMUM_ISSUERS:
                del self._keys[next(iter(self._keys))]
            self._keys[key] = found
        return found
