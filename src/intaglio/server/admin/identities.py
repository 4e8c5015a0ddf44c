"""Identities: who a user is at other providers, and no more."""

from __future__ import annotations

import msgspec

from intaglio.server.model import connections, identities, users
from intaglio.server.model.identities import Identity
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.registry import deeds, endings, fields
from intaglio.server.registry.deeds import Actor


async def of_user(store: Store, user: User) -> list[Identity]:
    """Return who a user is elsewhere, by issuer and subject."""
    return await store.read(identities.of_user, user.tenant_id, user.user_id)


async def names(store: Store, tenant: Tenant) -> dict[str, str]:
    """Return what a tenant's connections are called, by identifier."""
    return {one.connection_id: one.name for one in await store.read(connections.of_tenant, tenant.tenant_id)}


async def unlink(store: Store, actor: Actor, user: User, issuer: str, subject: str) -> Identity:
    """Forget that a subject of an issuer is this user, and end what they have who signed in that way.

    The audit log tells of it. Raises `Misconfigured` (`identity-unknown`).
    """
    return await store.write(_unlink, actor, user, issuer, subject)


def _unlink(actor: Actor, user: User, issuer: str, subject: str) -> Plan[Identity]:
    found = yield from identities.by_subject(user.tenant_id, issuer, subject)
    if found is None or found.user_id != user.user_id:
        hint = f"List them with: intaglio identity list {user.username}"
        raise fields.refuse(
            "identity-unknown",
            "The user is nobody of that name there.",
            "an issuer and a subject",
            ascii(subject),
            hint,
        )
    yield from identities.delete(user.tenant_id, issuer, subject)
    ended = yield from endings.end_identity(found, actor.now)
    known = yield from users.by_id(user.tenant_id, user.user_id)
    if known is not None and ended != endings.Ended():
        # A session of the gate does not say how its person signed in.
        yield from users.exchange(known, msgspec.structs.replace(known, tokens_from=actor.now))
    told = f"users/{user.user_id}"
    counts = {name: str(count) for name, count in msgspec.structs.asdict(ended).items() if count}
    named = {"iss": issuer, "sub": subject, **counts}
    yield from deeds.note(user.tenant_id, actor, "identity.unlink", told, before=found, **named)
    return found
