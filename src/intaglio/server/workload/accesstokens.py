"""Access tokens of workloads: sealed, so that nothing is kept of them, and good until they expire or are withdrawn."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.errors import Misconfigured
from intaglio.protocol.principals import Bearing
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import revokedtokens
from intaglio.server.model.plan import Store

MAX_TOKEN = 12 * 1024
"""Characters of a token: what its holders can carry in a header."""


class AccessTokens:
    """Seals what a token says, for one tenant and issuer, and reads it back."""

    def __init__(self, vault: Vault, store: Store) -> None:
        self._vault = vault
        self._store = store

    def __repr__(self) -> str:
        return "AccessTokens(…)"

    def issue(self, bearing: Bearing, tenant_id: str, issuer: str, prefix: str) -> str:
        """Return the token of a bearing. `prefix` is how tokens of the dialect begin."""
        return prefix + self._vault.seal(msgspec.json.encode(bearing), _purpose(tenant_id, issuer))

    def read(self, token: str, tenant_id: str, issuer: str, prefix: str, now: int) -> Bearing | None:
        """Return what a token says; None if it is not ours, another tenant's or issuer's, or expired."""
        if not token.startswith(prefix) or len(token) > MAX_TOKEN:
            return None
        try:
            octets = self._vault.open(token[len(prefix) :], _purpose(tenant_id, issuer))
        except Misconfigured:
            return None
        bearing = msgspec.json.decode(octets, type=Bearing)
        return bearing if now < bearing.expires_at else None

    async def live(self, token: str, tenant_id: str, issuer: str, prefix: str, now: int) -> Bearing | None:
        """Return what a token says as `read` does; None also if it was withdrawn."""
        bearing = self.read(token, tenant_id, issuer, prefix, now)
        if bearing is None or await self._store.read(revokedtokens.is_revoked, ids.digest(token)):
            return None
        return bearing

    async def revoke(self, token: str, bearing: Bearing) -> None:
        """Withdraw a token."""
        await self._store.write(revokedtokens.revoke, ids.digest(token), bearing.expires_at)


def _purpose(tenant_id: str, issuer: str) -> str:
    # SECURITY: a token opens only where it was issued: another tenant or dialect derives another key.
    return f"workload-token/{tenant_id}/{issuer}"
