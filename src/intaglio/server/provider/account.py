"""Sessions and apps: what a person sees of their own sign-ins and applications, and ends.

SECURITY: every row is asked for by tenant and user, and ended by tenant and user; an identifier in a form says which of
one's own rows is meant, never whose (test_nobody_ends_anothers_session).
"""

from __future__ import annotations

from collections.abc import Iterable

from intaglio import ids
from intaglio.protocol.account import AccountPageQuery, AccountSignIn, AccountView, SeenApp, SeenSession
from intaglio.protocol.logout import LogoutDone
from intaglio.server.model import accounts, audit, clients
from intaglio.server.model.accounts import Agreement, Use
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider import connections, session, traces
from intaglio.server.provider.logout import front_channel
from intaglio.server.provider.scene import House, Scene

LOGIN_LIFETIME = 30 * 60
"""Seconds for which the login form of this page is good."""

Present = tuple[Session, User]


async def view(query: AccountPageQuery, scene: Scene, house: House) -> AccountView | AccountSignIn:
    """Return what the person who is signed in may see; without one, what the login form needs."""
    present = await session.present(scene, house)
    if present is None:
        return await sign_in(scene, house)
    own, user = present
    found = await house.store.read(_everything, scene.tenant.tenant_id, user.user_id, scene.now)
    live, uses, agreements = found
    return AccountView(
        user_id=user.user_id,
        user_name=str(user.claims.get("name") or user.username),
        sessions=tuple(_session(one, uses, own) for one in live),
        apps=_apps(uses, agreements),
    )


async def sign_in(scene: Scene, house: House) -> AccountSignIn:
    """Return what the login form of this page needs."""
    found = await connections.usable(None, scene, house) if not scene.is_open else ()
    ways = tuple((one.name, one.display_name or one.name) for one in found)
    return AccountSignIn(scene.browser_secret or ids.opaque(), LOGIN_LIFETIME, ways)


def _everything(tenant_id: str, user_id: str, now: int) -> Plan[tuple[list[Session], list[Use], list[Agreement]]]:
    live = yield from accounts.sessions_of(tenant_id, user_id, now)
    uses = yield from accounts.uses_of(tenant_id, user_id, now)
    return live, uses, (yield from accounts.agreements_of(tenant_id, user_id))


def _session(one: Session, uses: Iterable[Use], own: Session) -> SeenSession:
    names = dict.fromkeys(use.client.client_name for use in uses if use.session_id == one.session_id)
    return SeenSession(one.session_id, one.device, one.auth_time, tuple(names), one.session_id == own.session_id)


def _apps(uses: Iterable[Use], agreements: Iterable[Agreement]) -> tuple[SeenApp, ...]:
    """Join what was agreed to with what is in use: an application may have either without the other."""
    clients = {}
    scopes: dict[str, dict[str, None]] = {}
    since: dict[str, int] = {}
    offline = set()
    told = [(a.client, a.scope, a.updated_at) for a in agreements] + [(u.client, u.scope, u.since) for u in uses]
    for client, scope, at in told:
        clients[client.client_id] = client
        scopes.setdefault(client.client_id, {}).update(dict.fromkeys(scope.split()))
        since[client.client_id] = min(at, since.get(client.client_id, at))
    for use in uses:
        if "offline_access" in use.scope.split():
            offline.add(use.client.client_id)
    return tuple(
        SeenApp(name, client.client_name, client.client_uri, tuple(scopes[name]), since[name], name in offline)
        for name, client in sorted(clients.items(), key=lambda item: item[1].client_name.casefold())
    )


async def end_session(session_id: str, present: Present, scene: Scene, house: House) -> LogoutDone | None:
    """End one of the person's sessions; what the browser is told if it was its own, else None."""
    own, user = present
    told = await house.store.write(_end, session_id, user, scene)
    if told is None or session_id != own.session_id:
        return None
    return LogoutDone("", frames=front_channel.frames(told, session_id, scene, house))


async def end_all(present: Present, scene: Scene, house: House) -> LogoutDone:
    """End all of the person's sessions at this tenant, in every browser and dialect."""
    own, user = present
    told = await house.store.write(_end_all, own.session_id, user, scene)
    return LogoutDone("", frames=front_channel.frames(told, own.session_id, scene, house))


async def withdraw(client_id: str, present: Present, scene: Scene, house: House) -> None:
    """Take back all that the person granted to a client: it has to ask again, and its tokens are dead."""
    await house.store.write(_withdraw, client_id, present[1], scene)


def _end(session_id: str, user: User, scene: Scene) -> Plan[tuple[Client, ...] | None]:
    told = yield from accounts.end_session(session_id, scene.tenant.tenant_id, user.user_id, scene.now)
    if told is not None:
        yield from audit.insert_one(traces.entry(user, traces.SIGN_OUT, scene, session_id=session_id))
    return told


def _end_all(own: str, user: User, scene: Scene) -> Plan[tuple[Client, ...]]:
    told = yield from accounts.end_all(scene.tenant.tenant_id, user.user_id, own, scene.now)
    yield from audit.insert_one(traces.entry(user, traces.SIGN_OUT, scene, sessions="all"))
    return told


def _withdraw(client_id: str, user: User, scene: Scene) -> Plan[None]:
    # Whatever the form names: an application that the person has nothing to do with is none to tell of.
    client = yield from clients.by_id(scene.tenant.tenant_id, client_id)
    yield from accounts.withdraw(scene.tenant.tenant_id, user.user_id, client_id, scene.now)
    if client is not None:
        yield from audit.insert_one(traces.entry(user, traces.WITHDRAW, scene, client=client.client_id))
