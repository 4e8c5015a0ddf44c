"""The exchange: another issuer's token in, an access token of an external identity out, the log written between.

RFC 8693 section 2; Google's page on workload identity federation.
"""

from __future__ import annotations

from intaglio import ids
from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.protocol.federation import ExchangeAnswer, TokenExchange
from intaglio.protocol.impersonation import mark
from intaglio.protocol.principals import Bearing, Origin, Principal
from intaglio.server.model import audit
from intaglio.server.registry import pools as rules
from intaglio.server.registry.mappings import Mapped
from intaglio.server.workload import accounts, certified, external
from intaglio.server.workload.accesstokens import MAX_TOKEN
from intaglio.server.workload.external import Evidence
from intaglio.server.workload.place import Place, Works
from intaglio.server.workload.pools import Known

LIFETIME = 3600
SHORTEST = 3
"""Seconds that a token has to have left: less is gone before it arrives."""
ACTION = "sts.exchange"

_NO_TARGET = (
    "The target service indicated by the 'audience' parameters is invalid. This might either be because the pool or "
    "provider is disabled or deleted or because it doesn't exist."
)
REJECTED = "The given credential is rejected by the attribute condition."


async def exchange(query: TokenExchange, place: Place, works: Works) -> ExchangeAnswer:
    """Exchange a token; raises `ProtocolFault`.

    `invalid_target`, `invalid_grant`, `unauthorized_client`, `invalid_request`.
    """
    known = await _known(query, place, works)
    evidence = await believed(query.subject_token.reveal(), known, place.now, works)
    try:
        passed = await _lineage(evidence.origin, place, works)
        bearing, token = _made(known, evidence, query.scope, passed, place, works)
    except ProtocolFault as fault:
        # Only who holds a token of the issuer gets this far: strangers do not write the log full.
        await _note(known, evidence.origin, "", fault.code, place, works)
        raise
    await _note(known, evidence.origin, place.vocabulary.display(bearing.principal), "allowed", place, works)
    return ExchangeAnswer(token, bearing.expires_at - place.now)


async def _lineage(origin: Origin, place: Place, works: Works) -> tuple[str, ...]:
    """Return through whom of our own accounts a token came; raises `ProtocolFault` (`unauthorized_client`)."""
    account = await accounts.named(origin.sub, place, works) if origin.iss == place.issuer else None
    if account is None:
        return ()
    # SECURITY: an ID token does not carry the way that led to it: an account's own, exchanged, would begin a new one,
    # which could lead back to where the old one came from (test_d6_53_no_way_back_through_an_exchange).
    if not (place.tenant.development or place.tenant.self_impersonation):
        public = "ID tokens of this server's service accounts are not exchanged: use the account's access token."
        raise ProtocolFault("unauthorized_client", public, detail={"expected": "a person", "received": origin.sub})
    return (mark(accounts.principal(account)),)


def _made(
    known: Known, evidence: Evidence, scope: tuple[str, ...], passed: tuple[str, ...], place: Place, works: Works
) -> tuple[Bearing, str]:
    mapped, now = admitted(known, evidence), place.now
    lifetime = min(evidence.expires_at - now, LIFETIME)
    if lifetime < SHORTEST:
        raise external.stale(str(evidence.issued_at), f"at least {SHORTEST} s left at {now}")
    who = principal(mapped, known)
    bearing = Bearing(who, scope, now, now + lifetime, ids.opaque(16), passed, evidence.origin)
    token = works.tokens.issue(bearing, place.tenant.tenant_id, place.issuer, place.vocabulary.token_prefix)
    if len(token) > MAX_TOKEN:
        raise ProtocolFault("invalid_request", "The mapped attributes make the token too long.")
    return bearing, token


async def _known(query: TokenExchange, place: Place, works: Works) -> Known:
    """Return the provider that was named; one face for one that is absent, disabled, deleted or unusable."""
    words, named = place.vocabulary, query.provider
    detail = {"expected": "a provider that is in use", "received": f"{named.pool_id}/{named.provider_id}"}
    try:
        known = await works.providers.find(place.tenant.tenant_id, named, words, place.now)
    except Misconfigured as fault:
        raise ProtocolFault("invalid_target", _NO_TARGET, detail={**detail, "cause": fault.code}) from fault
    if known is None:
        raise ProtocolFault("invalid_target", _NO_TARGET, detail=detail)
    if refusal := known.refusal or _open(known, place):
        detail = {"expected": "a condition that keeps strangers out", "received": refusal}
        raise ProtocolFault("unauthorized_client", REJECTED, detail=detail)
    return known


def _open(known: Known, place: Place) -> str:
    """Return why a provider of this server's own issuer lets anybody in, empty if it does not."""
    # SECURITY: whoever has an account of this installation can have tokens of our own issuer for any audience
    # (test_d6_50_our_own_issuer_with_a_condition_that_says_nothing).
    if known.provider.issuer != place.issuer:
        return ""
    refused = rules.open_to_strangers(known.provider, known.mapping, place.vocabulary.namespace, place.issuer)
    return refused.code if refused is not None else ""


async def believed(text: str, known: Known, now: int, works: Works) -> Evidence:
    """Return what the provider's issuer or authority vouches for; raises `ProtocolFault`."""
    if known.anchors is not None:
        return await certified.believe(text, known, now, works.store)
    return await external.believe(text, known, now, works.outgoing)


def admitted(known: Known, evidence: Evidence) -> Mapped:
    """Return who the holder is; raises `ProtocolFault` (`invalid_request`, `unauthorized_client`)."""
    mapped = known.mapping.of(evidence.assertion)
    if why := known.mapping.admits(evidence.assertion, mapped):
        raise ProtocolFault("unauthorized_client", REJECTED, detail={"expected": "a true condition", "received": why})
    return mapped


def principal(mapped: Mapped, known: Known) -> Principal:
    """Return the identity that a token's holder has here."""
    return Principal(
        "external",
        mapped.subject,
        project_id=known.provider.project_id,
        project_number=known.project_number,
        pool_id=known.provider.pool_id,
        groups=mapped.groups,
        attributes=mapped.attributes,
    )


async def _note(known: Known, origin: Origin, display: str, outcome: str, place: Place, works: Works) -> None:
    provider = known.provider
    entry = audit.Entry(
        tenant_id=place.tenant.tenant_id,
        entry_id=ids.ordered(place.now),
        at=place.now,
        action=ACTION,
        principal=display,
        resource=known.pool.resource,
        outcome=outcome,
        ref=place.ref,
        peer=place.peer,
        chain=(display,) if display else (),
        origin=origin,
        detail={"provider": provider.provider_id, "peer": place.peer},
    )
    await works.trail.note(entry)
