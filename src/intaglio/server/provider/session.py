"""Sessions: found by the browser's secret, begun at a sign-in, ended at a logout."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.names import SessionId
from intaglio.protocol import circumstances
from intaglio.protocol.authorize import ACR_VALUES, SessionBegins
from intaglio.protocol.circumstances import NONE, Circumstances
from intaglio.server.issue import gather
from intaglio.server.model import audit, sessions
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider import traces
from intaglio.server.provider.scene import House, Scene


async def present(scene: Scene, house: House) -> tuple[Session, User] | None:
    """Return who is signed in at this issuer with this browser, or None; a disabled user is not."""
    if not scene.session_secret:
        return None
    secret = ids.digest(scene.session_secret)
    found = await house.store.read(sessions.with_user, secret, scene.session_issuer, scene.now)
    if found is None or found[0].tenant_id != scene.tenant.tenant_id or found[1].disabled_at is not None:
        return None
    return found


async def begin(
    user: User,
    amr: tuple[str, ...],
    scene: Scene,
    house: House,
    vouched: Circumstances = NONE,
    auth_time: int | None = None,
) -> tuple[Session, SessionBegins]:
    """Begin a session, or renew the one that the same person has at this browser; either way with a new secret.

    `vouched` tells of the provider that vouched for the person, where that was another one, and `auth_time` when they
    signed in there.

    SECURITY: the secret that the browser had before opens nothing any more, so that none can be fixed beforehand
    (test_session_fixation), and another person's session is ended.
    """
    before = await present(scene, house)
    told = circumstances.encode(msgspec.structs.replace(vouched, peer=scene.peer))
    since = scene.now if auth_time is None else min(auth_time, scene.now)
    renewed = await _renewed(user, amr, told, since, before, scene, house)
    if renewed is not None:
        return renewed
    secret = ids.opaque()
    session = _session(SessionId(ids.opaque(16)), secret, user, amr, told, since, scene)
    entry = traces.signed_in(user, session, vouched.connection, scene)
    await house.store.write(_replace, session, before[0] if before is not None else None, entry)
    return session, SessionBegins(secret, session.expires_at)


async def _renewed(
    user: User,
    amr: tuple[str, ...],
    told: str,
    since: int,
    before: tuple[Session, User] | None,
    scene: Scene,
    house: House,
) -> tuple[Session, SessionBegins] | None:
    """Renew the same person's session; None if there is none, or it was ended meanwhile."""
    if before is None or before[0].user_id != user.user_id:
        return None
    secret = ids.opaque()
    session = _session(before[0].session_id, secret, user, amr, told, since, scene)
    entry = traces.signed_in(user, session, circumstances.decode(told).connection, scene)
    if not await house.store.write(_renew, session, entry):
        return None
    return session, SessionBegins(secret, session.expires_at)


def _session(
    session_id: SessionId, secret: str, user: User, amr: tuple[str, ...], told: str, since: int, scene: Scene
) -> Session:
    return Session(
        session_id=session_id,
        digest=ids.digest(secret),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.session_issuer,
        user_id=user.user_id,
        auth_time=since,
        amr=amr,
        acr=ACR_VALUES[0],
        created_at=scene.now,
        expires_at=scene.now + gather.session_lifetime(scene.tenant, scene.dialect.profile).seconds,
        dialect=scene.dialect.name,
        device=scene.device,
        circumstances=told,
    )


def _replace(session: Session, before: Session | None, entry: Entry) -> Plan[None]:
    yield from sessions.insert(session)
    yield from audit.insert_one(entry)
    if before is not None:
        yield from sessions.end(before.session_id, entry.at)


def _renew(session: Session, entry: Entry) -> Plan[bool]:
    if not (yield from sessions.renew(session)):
        return False
    yield from audit.insert_one(entry)
    return True
