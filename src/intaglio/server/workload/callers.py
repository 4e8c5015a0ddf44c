"""Who calls an API of workloads: a workload by its access token, a person by theirs, an account by its own signature.

RFC 6750 (bearer tokens), RFC 7523 section 3 (what an account signs itself).
"""

from __future__ import annotations

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol import bearers
from intaglio.protocol.faults import BearerFault
from intaglio.protocol.impersonation import Caller, Credential
from intaglio.protocol.principals import Bearing, Principal
from intaglio.server.model import clients, grants, users
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.workload import accounts, proofs
from intaglio.server.workload.place import Place, Works

WORKLOAD, PERSON, OWN_KEY = "workload token", "user token", "own key"
"""How a caller proved itself."""


EXPECTED = "a live access token of this issuer"


def _refused(received: str) -> BearerFault:
    # SECURITY: one text for every token that is not good; which it was stands in the log.
    return BearerFault(detail={"expected": EXPECTED, "received": received})


async def caller(credential: Credential, place: Place, works: Works) -> Caller:
    """Return who calls.

    Raises `BearerFault`: without a token (no code is told), `invalid_token`, `insufficient_scope`; `TokenKindFault`
    for an ID token, whoever it is for: it says who somebody is, and lets nobody act.
    """
    if credential.faulty:
        raise BearerFault("invalid_token", detail={"expected": "one Bearer token", "received": credential.faulty})
    if credential.token is None:
        raise BearerFault("", "An access token is needed.")
    text = credential.token.reveal()
    key = (place.tenant.tenant_id, place.issuer, ids.digest(text))
    known = works.memory.callers.get(key, place.now)
    if known is None:
        known = works.memory.callers.keep(key, await _believed(text, place, works), place.now)
    needed = place.vocabulary.calling.scopes
    if not needed.intersection(known.scope):
        fault = BearerFault("insufficient_scope", "The access token was not given for this.")
        fault.detail |= {"expected": " or ".join(sorted(needed)), "received": " ".join(known.scope)[:200]}
        raise fault
    return known


async def _believed(text: str, place: Place, works: Works) -> Caller:
    words = place.vocabulary
    bearing = await works.tokens.live(text, place.tenant.tenant_id, place.issuer, words.token_prefix, place.now)
    if bearing is not None:
        return await of_bearing(bearing, place, works)
    if text.count(".") == 2 and not text.startswith(words.token_prefix):
        return await _signed(text, place, works)
    return await _person(text, place, works)


async def of_bearing(bearing: Bearing, place: Place, works: Works) -> Caller:
    """Return whom an access token of a workload speaks for now; raises `BearerFault` if that has ended."""
    principal = bearing.principal
    # SECURITY: what a tenant had before it was disabled stays dead when it comes back
    # (test_what_was_ended_stays_ended).
    if bearing.issued_at < place.tenant.tokens_from:
        raise _refused("a token from before the tenant was disabled")
    if principal.kind == "service_account":
        account = await accounts.named(principal.id, place, works)
        # SECURITY: who disables an account ends what it holds (test_a_disabled_account_calls_nothing).
        if account is None or not account.is_usable:
            raise _refused("a token of a disabled account")
        # SECURITY: what was held before an account was deleted stays dead when it comes back
        # (test_d6_51_what_was_dead_stays_dead).
        if bearing.issued_at < account.tokens_from:
            raise _refused("a token from before the account was deleted or disabled")
        principal = accounts.principal(account)
    # SECURITY: who disables or deletes a pool ends what its identities hold (test_d6_50_a_closed_pool_ends_its_tokens).
    if principal.kind == "external" and await works.providers.is_closed(place.tenant.tenant_id, principal, place.now):
        raise _refused("a token of a pool that is disabled or deleted")
    for passed in bearing.lineage:
        if await _has_ended(passed, bearing.issued_at, place, works):
            raise _refused("a token that came of somebody who is disabled or deleted")
    return Caller(principal, bearing.scope, WORKLOAD, bearing.lineage, bearing.origin, bearing.token_id)


async def _has_ended(passed: str, issued_at: int, place: Place, works: Works) -> bool:
    """Tell whether an identity of a lineage is one that may not act any more."""
    # SECURITY: who ends a stolen identity ends what was got with it; else it would wander on, from account to account
    # and an hour at each (test_d6_53_what_came_of_an_account_ends_with_it).
    kind, _, name = passed.partition(":")
    if kind == "service_account":
        account = await accounts.named(name, place, works)
        return account is None or not account.is_usable or issued_at < account.tokens_from
    if kind != "user":
        return False
    user = await works.store.read(users.by_id, place.tenant.tenant_id, name)
    return user is None or user.disabled_at is not None or issued_at < user.tokens_from


async def _signed(text: str, place: Place, works: Works) -> Caller:
    """Return the account that signed a JWT for this server; raises `BearerFault`, `TokenKindFault`."""
    try:
        _, payload = proofs.read(text)
    except ProtocolFault as fault:
        raise _refused("an unreadable JWT") from fault
    issuer = payload.get("iss")
    if not isinstance(issuer, str) or "@" not in issuer:
        # SECURITY: an ID token was given to somebody else to believe; whoever got it must not act with it
        # (test_an_id_token_calls_nothing).
        raise bearers.refused(text, EXPECTED, "a JWT that no account signed")
    try:
        proof = await proofs.check(text, place, works)
    except ProtocolFault as fault:
        raise _refused(f"a self-signed JWT: {fault.public} ({fault.detail})") from fault
    return _own(proof, payload, place)


def _own(proof: proofs.Proof, payload: dict[str, object], place: Place) -> Caller:
    calling = place.vocabulary.calling
    if payload.get("sub") != proof.account.email:
        raise _refused("a self-signed JWT without sub")
    # SECURITY: what the server signed for somebody else would be this account without the way that led to it
    # (test_what_the_server_signed_is_no_credential).
    if not proof.own_key:
        raise _refused("a JWT signed with the key that the server keeps")
    # One official client writes an empty audience beside its scope; that is none.
    told = proofs.audiences(payload) - {""}
    if payload.get("aud", "") != "" and not (told and told <= calling.own_audiences(place.base)):
        raise _refused("a self-signed JWT for another audience")
    if not told and not proof.scope:
        raise _refused("a self-signed JWT with neither aud nor scope")
    scope = proof.scope or (calling.whole_scope,)
    return Caller(accounts.principal(proof.account), scope, OWN_KEY, token_id=f"key {proof.key.key_id}"[:80])


def _of_user(digest: bytes, tenant_id: str, issuer: str, now: int) -> Plan[tuple[User, str, str] | None]:
    """Return the person of a live access token of this issuer, its scope and grant; None if anything is amiss."""
    held = yield from grants.access_with_grant(digest, now)
    if held is None or (held[1].tenant_id, held[1].issuer) != (tenant_id, issuer) or not held[1].user_id:
        return None
    client = yield from clients.by_id(tenant_id, held[1].client_id)
    user = yield from users.by_id(tenant_id, held[1].user_id)
    if client is None or client.disabled_at is not None or user is None or user.disabled_at is not None:
        return None
    return user, held[0].scope, held[1].grant_id


async def _person(text: str, place: Place, works: Works) -> Caller:
    digest = ids.digest(text)
    found = await works.store.read(_of_user, digest, place.tenant.tenant_id, place.issuer, place.now)
    if found is None:
        raise bearers.refused(text, EXPECTED, "an unknown, expired or revoked text")
    user, scope, grant_id = found
    email = user.claims.get("email")
    # SECURITY: an address that nobody confirmed may be anybody's; policies must not mean its holder
    # (test_an_unconfirmed_address_opens_nothing).
    confirmed = email if user.claims.get("email_verified") is True and isinstance(email, str) else ""
    principal = Principal("user", user.user_id, confirmed)
    return Caller(principal, tuple(scope.split()), PERSON, token_id=f"grant {grant_id}")
