"""The keys of issuers that vouch for clients: one source for each issuer, the oldest forgotten where there are many."""

from __future__ import annotations

from intaglio.clock import Clock
from intaglio.validate.keysource import RemoteKeys

MAXIMUM_ISSUERS = 256


class IssuerKeys:
    """Sources of keys by issuer, of whom operators wrote down that they trust them; no stranger adds one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: dict[str, RemoteKeys] = {}

    def of(self, issuer: str) -> RemoteKeys:
        """Return where an issuer's keys come from; raises `Misconfigured` (`issuer-unusable`)."""
        found = self._sources.get(issuer)
        if found is None:
            found = RemoteKeys(issuer, clock=self._clock)
            if len(self._sources) >= MAXIMUM_ISSUERS:
                del self._sources[next(iter(self._sources))]
            self._sources[issuer] = found
        return found
