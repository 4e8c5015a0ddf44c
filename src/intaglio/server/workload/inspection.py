"""What a token says, for whoever holds it; and withdrawing one, which whoever holds it may.

RFC 7009 (revocation). An ID token is believed before it is shown: its signature is ours, and it has not expired.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec, ids
from intaglio.errors import ProtocolFault, Refused
from intaglio.protocol.exchange import Revoked
from intaglio.protocol.faults import BearerFault
from intaglio.protocol.impersonation import RevokeHeld, ShowToken, TokenShown, mark
from intaglio.protocol.principals import Bearing
from intaglio.server.model import clients, grants, users
from intaglio.server.model.audit import Entry
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Grant
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.workload import callers
from intaglio.server.workload.place import Place, Works
from intaglio.tokens import claims, jws

REVOKE = "token.revoke"


def _invalid(expected: str, received: str = "another text") -> ProtocolFault:
    return ProtocolFault("invalid_token", "Invalid Value", detail={"expected": expected, "received": received})


async def info(query: ShowToken, place: Place, works: Works) -> TokenShown:
    """Return what a token says; raises `ProtocolFault` (`invalid_token`) for one that is not good here.

    A token of an external identity is good elsewhere only: it is not shown.
    """
    if query.id_token is not None:
        return await _of_id_token(query.id_token.reveal(), place, works)
    assert query.access_token is not None
    text, words = query.access_token.reveal(), place.vocabulary
    bearing = await works.tokens.live(text, place.tenant.tenant_id, place.issuer, words.token_prefix, place.now)
    if bearing is not None:
        return await _of_workload(bearing, place, works)
    found = await works.store.read(_person, ids.digest(text), place.tenant.tenant_id, place.issuer, place.now)
    if found is None:
        raise _invalid("a live access token of this issuer")
    return _of_person(*found, place, works)


async def _of_id_token(text: str, place: Place, works: Works) -> TokenShown:
    try:
        header, told = await _verified(text, place, works)
    except (Refused, codec.CodecError) as fault:
        raise _invalid("an ID token of this issuer", fault.code if isinstance(fault, Refused) else "claims") from fault
    if told.get("iss") != place.issuer or (claims.instant(told, "exp") or 0) <= place.now:
        raise _invalid("a live ID token of this issuer", "an expired one, or another issuer's")
    return TokenShown(header=header, claims=told)


async def _verified(text: str, place: Place, works: Works) -> tuple[dict[str, Any], dict[str, Any]]:
    published, _ = await works.keyring.published(place.ring_id)
    names = {key.key_id: place.dialect.kid(key) for key in published}
    keys = await works.keyring.verification(place.ring_id, names)
    verified = jws.verify(text, keys, algorithms=place.dialect.profile.signing_algs)
    # RFC 8725 3.11: whoever asks takes what is shown for a sign-in; a logout token of the same key tells of its end.
    if verified.header.get("typ", "JWT") != "JWT":
        raise Refused("token-type-mismatch")
    return verified.header, codec.decode_json_object(verified.payload)


async def _of_workload(bearing: Bearing, place: Place, works: Works) -> TokenShown:
    try:
        principal = (await callers.of_bearing(bearing, place, works)).principal
    except BearerFault as fault:
        raise _invalid("a live token", "one whose holder has ended") from fault
    if principal.kind != "service_account":
        raise _invalid("a token of a service account", f"one of {principal.kind}")
    told = place.vocabulary.calling.email_scopes.intersection(bearing.scope)
    return TokenShown(
        party=principal.id,
        subject=principal.id,
        email=principal.email if told else "",
        scope=bearing.scope,
        expires_at=bearing.expires_at,
    )


Held = tuple[AccessToken, Grant, Client, User]


def _person(digest: bytes, tenant_id: str, issuer: str, now: int) -> Plan[Held | None]:
    held = yield from grants.access_with_grant(digest, now)
    if held is None or (held[1].tenant_id, held[1].issuer) != (tenant_id, issuer):
        return None
    client = yield from clients.by_id(tenant_id, held[1].client_id)
    user = yield from users.by_id(tenant_id, held[1].user_id)
    if client is None or client.disabled_at is not None or user is None or user.disabled_at is not None:
        return None
    return (*held, client, user)


def _of_person(token: AccessToken, grant: Grant, client: Client, user: User, place: Place, works: Works) -> TokenShown:
    scope = tuple(token.scope.split())
    email = user.claims.get("email")
    told = place.vocabulary.calling.email_scopes.intersection(scope) and user.claims.get("email_verified") is True
    # OpenID Connect Core 8.1: a pairwise subject is told to its own sector alone, and nobody knows who asks here.
    public = client.subject_type != "pairwise"
    return TokenShown(
        party=grant.client_id,
        subject=works.subjects.of(place.dialect, None, user.user_id) if public else "",
        email=email if told and isinstance(email, str) else "",
        scope=scope,
        expires_at=token.expires_at,
        offline="offline_access" in grant.scope.split(),
    )


def _end(digest: bytes, tenant_id: str, issuer: str, now: int) -> Plan[str]:
    """End the grant of a token, and with it all that came of it; return its user, empty if there was none."""
    found: Grant | None = None
    access = yield from grants.access_with_grant(digest, now)
    if access is not None:
        found = access[1]
    else:
        refresh = yield from grants.refresh_with_grant(digest)
        found = refresh[1] if refresh is not None and refresh[0].expires_at > now else None
    if found is None or found.revoked_at is not None or (found.tenant_id, found.issuer) != (tenant_id, issuer):
        return ""
    yield from grants.grant_revoke(found.grant_id, now)
    return found.user_id or found.client_id


async def revoke(query: RevokeHeld, place: Place, works: Works) -> Revoked:
    """Withdraw a token: a workload's ends alone, a person's with its whole grant.

    Raises `ProtocolFault` (`invalid_token`) for a text that is none, or no good any more.
    """
    text, tenant_id = query.token.reveal(), place.tenant.tenant_id
    words = place.vocabulary
    bearing = await works.tokens.live(text, tenant_id, place.issuer, words.token_prefix, place.now)
    if bearing is None:
        who = await works.store.write(_end, ids.digest(text), tenant_id, place.issuer, place.now)
        if not who:
            raise _invalid("a live token of this issuer")
        works.memory.forget()
        return Revoked()
    await works.trail.note(
        Entry(
            tenant_id=place.tenant.tenant_id,
            entry_id=ids.ordered(place.now),
            at=place.now,
            action=REVOKE,
            principal=words.display(bearing.principal),
            resource=mark(bearing.principal),
            outcome="allowed",
            ref=place.ref,
            peer=place.peer,
            chain=(*bearing.lineage, mark(bearing.principal)),
            origin=bearing.origin,
            detail={"token_id": bearing.token_id},
        )
    )
    await works.tokens.revoke(text, bearing)
    works.memory.forget()
    return Revoked()
