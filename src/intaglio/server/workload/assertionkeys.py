"""The public keys with which services check what a gate says of its callers."""

from __future__ import annotations

from intaglio.protocol.discovery import KeysAnswer
from intaglio.protocol.gate import AssertionQuery
from intaglio.server.issue.mint import ASSERTION_ALG
from intaglio.server.keyring import rings
from intaglio.server.workload.place import Place, Works


async def published(query: AssertionQuery, place: Place, works: Works) -> KeysAnswer:
    """Return the keys of the tenant's assertions."""
    keys, max_age = await works.keyring.published(rings.of_assertions(place.tenant.tenant_id), ASSERTION_ALG)
    return KeysAnswer(keys, max_age, query.form)
