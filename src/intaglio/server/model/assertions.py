"""Assertions that were used: each proves a client once (RFC 7523 section 3, `jti`)."""

from __future__ import annotations

import hashlib

from intaglio.server.model.plan import Ask, Plan, single


def digest(tenant_id: str, client_id: str, jti: str) -> bytes:
    """Return what is kept of an assertion: one hash of tenant, client and `jti` (32 octets)."""
    whole = hashlib.sha256()
    for word in (tenant_id, client_id, jti):
        # Each by its own hash, so that no two lists of words are one text.
        whole.update(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest())
    return whole.digest()


@single
def use(digest: bytes, expires_at: int) -> Plan[bool]:
    """Use an assertion up; False if it was used before. It is remembered until `expires_at`."""
    return bool((yield Ask("assertion_use", {"digest": digest, "expires_at": expires_at})))
