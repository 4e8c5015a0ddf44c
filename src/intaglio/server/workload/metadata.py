"""The metadata server's questions: which account is attached here, its tokens, and what the machine is."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.facts import Facts, Workload
from intaglio.protocol.faults import NotFound
from intaglio.protocol.identity import (
    Answered,
    IdentityQuery,
    Minted,
    TokenAnswer,
    TokenQuery,
    TreeAnswer,
    TreeQuery,
)
from intaglio.protocol.instances import Attached, Instance
from intaglio.protocol.principals import Bearing, Principal
from intaglio.server.issue import gather
from intaglio.server.model import projects, serviceaccounts
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.workload import instances
from intaglio.server.workload.kept import Kept
from intaglio.server.workload.place import Place, Works

NAME, ZONE, MACHINE = "intaglio-development", "local1-a", "this-machine"
LICENSE = "1000000000000000000"
"""What the machine of development is called; there is none."""
LOOK_SECONDS = 1.0


async def _attached(name: str, place: Place, works: Works) -> ServiceAccount:
    """Return the attached account; another's name is answered as an unknown one.

    SECURITY: only the listener says whose tokens are given here. Who asks, with which cookie or token, and what any
    policy allows is never looked at (test_users_never_get_a_token_here_whatever_the_policy_says).
    """
    if not place.account:
        raise NotFound(public="No service account is attached here.")
    if name not in ("default", place.account):
        raise NotFound(detail={"expected": place.account, "received": name[:100]})
    key = (place.tenant.tenant_id, place.account)
    account = works.attached.get(key, place.now)
    if account is None:
        account = await works.store.read(serviceaccounts.by_email, place.tenant.tenant_id, place.account)
        if account is None or not account.is_usable:
            raise NotFound(public="The service account is disabled or gone.")
        works.attached.keep(key, account, place.now)
    return account


async def _instance(place: Place, works: Works) -> Instance:
    account = await _attached("default", place, works)
    project = await works.store.read(projects.by_id, account.tenant_id, account.project_id)
    number = int.from_bytes(hashlib.sha256(f"{place.issuer}\0{account.unique_id}".encode()).digest()[:8]) >> 1
    return Instance(
        profile=place.vocabulary.platform,
        base=place.base,
        project_id=account.project_id,
        project_number=project.number if project is not None else 0,
        instance_id=number,
        name=NAME,
        zone=ZONE,
        machine_type=MACHINE,
        created_at=account.created_at,
        licenses=(LICENSE,),
        accounts=(Attached(account.email, account.unique_id, place.vocabulary.attached_scopes),),
    )


async def tree(query: TreeQuery, place: Place, works: Works) -> TreeAnswer:
    """Return a part of the tree that describes the machine, at once or when it has changed; raises `NotFound`."""

    async def look() -> TreeAnswer:
        now = msgspec.structs.replace(place, now=works.clock.now())
        return instances.answer(now.vocabulary.tree(await _instance(now, works)), query)

    found = await look()
    if not query.wait:
        return found
    known, loop = query.last_etag or found.etag, asyncio.get_running_loop()
    ends_at = loop.time() + (query.wait_seconds or 0)
    while found.etag == known and (left := ends_at - loop.time()) > 0:
        await asyncio.sleep(min(LOOK_SECONDS, left))
        found = await look()
    return found


async def identity(query: IdentityQuery, place: Place, works: Works) -> Minted:
    """Return an ID token of the attached account for one audience, signed now; raises `not_found`."""
    found = await _attached(query.account, place, works)
    profile = place.dialect.profile
    workload = Workload(found.email, found.unique_id, found.project_id)
    if query.format == "full":
        machine = await _instance(place, works)
        workload = msgspec.structs.replace(workload, machine=machine, licenses=query.licenses)
    facts = Facts(
        issuer=place.issuer,
        tenant_id=place.tenant.tenant_id,
        tenant_slug=place.tenant.slug,
        owner=place.tenant.owner,
        audience=query.audience,
        now=works.clock.now(),
        lifetime=profile.id_token_lifetime,
        alg=gather.algorithm(None, profile),
        workload=workload,
        format=query.format,
    )
    return Minted(await works.mint.id_token(place.dialect, place.ring_id, facts))


async def token(query: TokenQuery, place: Place, works: Works) -> TokenAnswer:
    """Return an access token of the attached account: one that was handed out before, if enough is left of it.

    Raises `not_found`.
    """
    found = await _attached(query.account, place, works)
    scope, now = query.scopes or place.vocabulary.attached_scopes, works.clock.now()
    tenant_id, issuer, prefix = found.tenant_id, place.issuer, place.vocabulary.token_prefix
    key = (tenant_id, issuer, found.unique_id, scope)
    kept = works.kept.get(key, now)
    if kept is not None and kept.bearing.issued_at < max(found.tokens_from, place.tenant.tokens_from):
        # It died with what was ended meanwhile.
        kept = None
    if kept is None or await works.tokens.live(kept.token, tenant_id, issuer, prefix, now) is None:
        principal = Principal("service_account", found.unique_id, found.email, found.project_id)
        ends_at = now + place.dialect.profile.access_token_lifetime
        bearing = Bearing(principal, scope, now, ends_at, ids.new_uuid())
        kept = works.kept.keep(key, Kept(works.tokens.issue(bearing, tenant_id, issuer, prefix), bearing))
    return TokenAnswer(kept.token, kept.bearing.expires_at - now)


async def answered(query: Answered, place: Place, works: Works) -> Answered:
    """Return a text that the question holds already."""
    del works
    if not place.account:
        raise ProtocolFault("not_found", "No service account is attached here.")
    return query


async def moved(query: TreeAnswer, place: Place, works: Works) -> TreeAnswer:
    """Return where a directory is, which the question holds already; raises `not_found`."""
    await _attached("default", place, works)
    return query
