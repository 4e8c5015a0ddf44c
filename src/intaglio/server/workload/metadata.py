"""The metadata server's questions: which account is attached here, and its ID token."""

from __future__ import annotations

from intaglio.errors import ProtocolFault
from intaglio.protocol.facts import Facts, Workload
from intaglio.protocol.faults import NotFound
from intaglio.protocol.identity import AccountAnswer, AccountQuery, Answered, IdentityQuery, Minted
from intaglio.server.issue import gather
from intaglio.server.model import serviceaccounts
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.workload.place import Place, Works


async def _attached(name: str, place: Place, works: Works) -> ServiceAccount:
    """Return the attached account; another's name is answered as an unknown one."""
    if not place.account:
        raise NotFound(public="No service account is attached here.")
    if name not in ("default", place.account):
        raise NotFound(detail={"expected": place.account, "received": name[:100]})
    account = await works.store.read(serviceaccounts.by_email, place.tenant.tenant_id, place.account)
    if account is None or not account.is_usable:
        raise NotFound(public="The service account is disabled or gone.")
    return account


async def account(query: AccountQuery, place: Place, works: Works) -> AccountAnswer:
    """Return what is known of the attached account."""
    found = await _attached(query.account, place, works)
    return AccountAnswer(found.email, found.unique_id, found.project_id, query.field, query.recursive)


async def identity(query: IdentityQuery, place: Place, works: Works) -> Minted:
    """Return an ID token of the attached account for one audience; raises `not_found`."""
    found = await _attached(query.account, place, works)
    profile = place.dialect.profile
    facts = Facts(
        issuer=place.issuer,
        tenant_id=place.tenant.tenant_id,
        tenant_slug=place.tenant.slug,
        owner=place.tenant.owner,
        audience=query.audience,
        now=works.clock.now(),
        lifetime=profile.id_token_lifetime,
        alg=gather.algorithm(None, profile),
        workload=Workload(found.email, found.unique_id, found.project_id),
        format=query.format,
    )
    return Minted(await works.mint.id_token(place.dialect, place.ring_id, facts))


async def answered(query: Answered, place: Place, works: Works) -> Answered:
    """Return a text that the question holds already."""
    del works
    if not place.account:
        raise ProtocolFault("not_found", "No service account is attached here.")
    return query
