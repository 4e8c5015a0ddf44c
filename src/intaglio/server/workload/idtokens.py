"""ID tokens of service accounts, whatever way they were asked for."""

from __future__ import annotations

from intaglio.protocol.facts import Facts, Workload
from intaglio.server.issue import gather
from intaglio.server.workload.place import Place, Works


async def mint(workload: Workload, audience: str, place: Place, works: Works) -> str:
    """Return a freshly signed ID token of an account for one audience, in the dialect's shape."""
    profile = place.dialect.profile
    facts = Facts(
        issuer=place.issuer,
        tenant_id=place.tenant.tenant_id,
        tenant_slug=place.tenant.slug,
        owner=place.tenant.owner,
        audience=audience,
        now=place.now,
        lifetime=profile.id_token_lifetime,
        alg=gather.algorithm(None, profile),
        workload=workload,
    )
    return await works.mint.id_token(place.dialect, place.ring_id, facts)
