"""Who somebody of another provider is here: the user whose identity it is, one with the same address, or a new one.

OpenID Connect Core 5.7 (`iss` and `sub` together name a person, nothing else does).

SECURITY: an address makes nobody somebody else's user unless an operator said so for the connection and both sides have
confirmed it (test_takeover_by_email); nobody gets an address that another user has (test_an_address_is_no_ones_twice).
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import ids
from intaglio.names import TenantId, UserId
from intaglio.protocol.principals import Origin
from intaglio.server.model import administrators, identities, users
from intaglio.server.model.connections import Connection
from intaglio.server.model.identities import Identity
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import throttle
from intaglio.server.registry import connectionrules, deeds
from intaglio.server.registry.deeds import Actor

CREATIONS = throttle.Allowance("upstream-people", from_address=100, altogether=5000)
MAX_USERNAME = 200
ATTEMPTS = 3


class Stranger(msgspec.Struct, frozen=True):
    """Somebody who signed in elsewhere: who they are there, and what of it is taken over here."""

    connection: Connection
    issuer: str
    subject: str
    claims: dict[str, Any]

    def __repr__(self) -> str:
        return f"Stranger({self.connection.name})"


def believed(connection: Connection, claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with `email_verified` true only where this connection's word for it is taken."""
    email = claims.get("email")
    if not isinstance(email, str):
        return {name: value for name, value in claims.items() if name != "email_verified"}
    trusted = connection.trusts_email or connection.link_by_email
    trusted = trusted or email.rpartition("@")[2].lower() in connection.domains
    trusted = trusted and not connectionrules.is_of_many(connection)
    return claims | {"email_verified": trusted and claims.get("email_verified") is True}


async def user_of(stranger: Stranger, scene: Scene, house: House) -> User | str:
    """Return the user that somebody is here, made or linked if need be; else why they are nobody.

    Raises `throttle.TooManyAttempts` where too many are made.
    """
    tenant_id = scene.tenant.tenant_id
    known = await house.store.read(identities.by_subject, tenant_id, stranger.issuer, stranger.subject)
    if known is None:
        await throttle.spend(CREATIONS, scene, house)
    for attempt in range(ATTEMPTS):
        actor = Actor(f"connection:{stranger.connection.name}", scene.now, scene.ref, peer=scene.peer)
        try:
            return await house.store.write(_arrive, stranger, scene.tenant, actor, _username(stranger, attempt))
        except Conflict:
            # They came in twice at once, or somebody else has that user name.
            continue
    return "user-conflict"


def _username(stranger: Stranger, attempt: int) -> str:
    name = f"{stranger.connection.name}|{stranger.subject}"
    if len(name) > MAX_USERNAME:
        name = f"{stranger.connection.name}|{ids.digest(stranger.subject).hex()}"
    return f"{name}|{ids.opaque(6)}" if attempt else name


def _arrive(stranger: Stranger, tenant: Tenant, actor: Actor, username: str) -> Plan[User | str]:
    tenant_id = tenant.tenant_id
    known = yield from identities.by_subject(tenant_id, stranger.issuer, stranger.subject)
    if known is not None:
        return (yield from _again(known, stranger, actor.now))
    found = yield from _linked(stranger, tenant_id)
    if isinstance(found, str):
        return found
    if found is not None and found.disabled_at is not None:
        return "user-disabled"
    made = found is None
    if found is None:
        if not stranger.connection.creates_users:
            return "user-unknown"
        if (email := stranger.claims.get("email")) and (yield from users.has_email(tenant_id, email)):
            return "email-taken"
        user_id = UserId(ids.short_uuid() if tenant.personal else ids.new_uuid())
        found = User(tenant_id, user_id, username, actor.now, actor.now, claims=stranger.claims)
        yield from users.insert(found)
    yield from identities.insert(_identity(stranger, found, actor.now, owns=made))
    action = "user.create" if made else "identity.link"
    # The subject is a stranger's text; whoever reads the log finds it under its own name.
    told = msgspec.structs.replace(actor, origin=Origin(stranger.issuer, stranger.subject))
    resource, named = f"users/{found.user_id}", stranger.connection.name
    yield from deeds.note(tenant_id, told, action, resource, after=found if made else None, connection=named)
    return found


def _identity(stranger: Stranger, user: User, now: int, *, owns: bool) -> Identity:
    return Identity(
        tenant_id=user.tenant_id,
        issuer=stranger.issuer,
        subject=stranger.subject,
        user_id=user.user_id,
        connection_id=stranger.connection.connection_id,
        created_at=now,
        seen_at=now,
        claims=stranger.claims,
        owns=owns,
    )


def _linked(stranger: Stranger, tenant_id: TenantId) -> Plan[User | str | None]:
    """Return the one user with the same confirmed address, where this connection may find somebody by it."""
    claims = stranger.claims
    if not stranger.connection.link_by_email or claims.get("email_verified") is not True:
        return None
    found = yield from users.by_confirmed_email(tenant_id, claims["email"])
    if len(found) > 1:
        return "email-ambiguous"
    # SECURITY: whoever vouches for addresses elsewhere does not say who administers here
    # (test_no_connection_links_itself_to_an_administrator).
    if found and (yield from administrators.of(tenant_id, administrators.user(found[0].user_id))):
        return "email-taken"
    return found[0] if found else None


def _again(known: Identity, stranger: Stranger, now: int) -> Plan[User | str]:
    user = yield from users.by_id(known.tenant_id, known.user_id)
    if user is None or user.disabled_at is not None:
        return "user-disabled"
    if known.owns and stranger.connection.refreshes == "each_login":
        user = yield from _refreshed(user, known, stranger, now)
    seen = msgspec.structs.replace(
        known, seen_at=now, claims=stranger.claims, connection_id=stranger.connection.connection_id
    )
    yield from identities.replace(seen)
    return user


def _refreshed(user: User, known: Identity, stranger: Stranger, now: int) -> Plan[User]:
    """Let the user's claims follow: what came from there before goes if it is not told any more."""
    kept = {name: value for name, value in user.claims.items() if known.claims.get(name) != value}
    claims = kept | stranger.claims
    email = stranger.claims.get("email")
    if (
        email
        and email != user.claims.get("email")
        and (yield from users.has_email(user.tenant_id, email, user.user_id))
    ):
        # SECURITY: whoever changes their address there does not become somebody else here
        # (test_an_address_is_no_ones_twice).
        claims = {name: value for name, value in claims.items() if name not in ("email", "email_verified")}
        claims |= {name: user.claims[name] for name in ("email", "email_verified") if name in user.claims}
    if claims == user.claims:
        return user
    changed = msgspec.structs.replace(user, claims=claims, updated_at=now)
    # SECURITY: an operator who disables somebody in that very moment is not overruled by what was read before
    # (test_who_is_disabled_meanwhile_stays_so).
    if not (yield from users.exchange(user, changed)):
        raise Conflict
    return changed
