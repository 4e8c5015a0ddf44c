"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

SECURITY: a hint signs out only the session that it names; any other request asks the person first
(test_logout_hint_of_another_session_asks). The browser goes only to registered addresses.
"""

from __future__ import annotations

import msgspec

from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.protocol.logout import LogoutAsk, LogoutDone, LogoutQuery
from intaglio.server.model import clients, sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider import hint, session, traces
from intaglio.server.provider.hint import Hint
from intaglio.server.provider.logout import front_channel
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.upstream import leaving
from intaglio.wire import url


def _unsafe(public: str, expected: str, received: str) -> UnsafeToRedirect:
    return UnsafeToRedirect(
        "invalid_request", public, detail={"expected": expected, "received": received[:300]}, hint="Close this page."
    )


async def _client(query: LogoutQuery, named: Hint | None, scene: Scene, house: House) -> Client | None:
    # RP-Initiated Logout 2: client_id must be the one that the hint was issued to.
    if named is not None and query.client_id and query.client_id != named.client_id:
        raise _unsafe("The client_id is not the one of the ID token.", named.client_id, query.client_id)
    return await house.client(scene, query.client_id or (named.client_id if named is not None else ""))


def _allowed(query: LogoutQuery, client: Client | None, scene: Scene) -> tuple[str, ...]:
    """Return where a logout may lead: where its client registered, or where the tenant says for one without."""
    if client is not None or query.client_id or not query.listed_as:
        return client.post_logout_redirect_uris if client is not None else ()
    return tuple(scene.tenant.dialects.get(scene.dialect.name, {}).get(query.listed_as, ()))


def _location(query: LogoutQuery, client: Client | None, scene: Scene) -> str:
    target, allowed = query.post_logout_redirect_uri, _allowed(query, client, scene)
    if not target and query.listed_as and client is not None:
        target = next(iter(allowed), "")
    if not target:
        return ""
    # RP-Initiated Logout 3: exact comparison with what the client registered.
    native = client is not None and client.application_type == "native"
    if not url.redirect_allowed(target, allowed, native=native):
        registered = "\n".join(allowed) or "an address that is registered"
        raise _unsafe("The post_logout_redirect_uri is not registered.", registered, target)
    return url.with_query(target, [("state", query.state)] if query.state else [])


async def _is_nobodys(client: Client, scene: Scene, house: House) -> bool:
    """Tell whether an application is another tenant's that nobody here has used."""
    # RFC 9700 4.11.2: whoever registers an application in some tenant sends nobody anywhere from the others' addresses
    # (test_an_application_that_nobody_used_leads_nowhere).
    if not client.home_tenant_id:
        return False
    return await house.store.read(clients.by_id, scene.tenant.tenant_id, client.client_id) is None


async def _by_address(
    query: LogoutQuery, present: tuple[Session, User] | None, scene: Scene, house: House
) -> tuple[LogoutQuery, Client | None]:
    """Return the client of the session to which an address belongs; without one, the request without its address."""
    ids = await house.store.read(sessions.granted_clients, present[0].session_id) if present is not None else ()
    for client_id in ids:
        client = await house.client(scene, client_id)
        if client is not None and query.post_logout_redirect_uri in client.post_logout_redirect_uris:
            return query, client
    return msgspec.structs.replace(query, post_logout_redirect_uri=""), None


async def logout(query: LogoutQuery, scene: Scene, house: House) -> LogoutDone | LogoutAsk:
    """End the session that the hint names, or ask the person.

    Raises `UnsafeToRedirect` (`invalid_request`) for addresses that are not registered, and for a hint not our own.
    """
    if query.problem:
        raise _unsafe(query.problem, "each parameter once", query.problem)
    named = await hint.read(query.id_token_hint, scene, house)
    if query.id_token_hint and named is None:
        raise _unsafe("The id_token_hint is not an ID token of this issuer.", "an own ID token", "another text")
    client = await _client(query, named, scene, house)
    present = await session.present(scene, house)
    if client is not None and await _is_nobodys(client, scene, house):
        query, client = msgspec.structs.replace(query, post_logout_redirect_uri="", client_id=""), None
    if client is None and query.post_logout_redirect_uri and scene.dialect.profile.logout_by_address:
        query, client = await _by_address(query, present, scene, house)
    location = _location(query, client, scene)
    if present is None:
        return _done(location, client)
    signed_in, user = present
    if await _is_meant(query, named, client, signed_in, scene, house):
        return await ended(signed_in, location, client, scene, house, elsewhere=query.elsewhere)
    return LogoutAsk(
        user_name=user.username,
        client_name=client.client_name if client is not None else "",
        client_id=client.client_id if client is not None else "",
        post_logout_redirect_uri=query.post_logout_redirect_uri,
        state=query.state,
        onward=await leaving.endpoint(signed_in, scene, house),
    )


async def _is_meant(
    query: LogoutQuery, named: Hint | None, client: Client | None, signed_in: Session, scene: Scene, house: House
) -> bool:
    """Tell whether this session ends without asking: its own client sent the person, or the dialect never asks."""
    if not query.asks:
        return True
    if query.session_hint:
        # Only a client of the session was told its name; one that names another does not mean this one.
        if client is None or query.session_hint != house.subjects.told_sid(scene.dialect, client, signed_in.session_id):
            return False
        if named is None:
            return True
    return named is not None and await _names(named, signed_in, scene, house)


async def _names(named: Hint, signed_in: Session, scene: Scene, house: House) -> bool:
    """Tell whether a hint is about this session, in the words that its client was told them in."""
    client = await house.client(scene, named.client_id)
    if named.subject != house.subjects.of(scene.dialect, client, signed_in.user_id):
        return False
    told = house.subjects.told_sid(scene.dialect, client, signed_in.session_id)
    return named.session_id in ("", told)


async def ended(
    signed_in: Session, location: str, client: Client | None, scene: Scene, house: House, *, elsewhere: bool = False
) -> LogoutDone:
    """End a session; who is told by the browser is returned, who is told otherwise is in the outbox.

    Of somebody who signed in at another provider, the browser goes on there first where that is to be.
    """
    told = await house.store.write(_end, signed_in, scene)
    location = await leaving.onward(signed_in, location, scene, house, asked=elsewhere)
    return _done(location, client, front_channel.frames(told, signed_in.session_id, scene, house))


def _end(signed_in: Session, scene: Scene) -> Plan[tuple[Client, ...]]:
    told = yield from sessions.end(signed_in.session_id, scene.now)
    yield from traces.signed_out(signed_in, scene)
    return told


def _done(location: str, client: Client | None, frames: tuple[str, ...] = ()) -> LogoutDone:
    name, uri = (client.client_name, client.client_uri) if client is not None else ("", "")
    return LogoutDone(location, name, uri, frames)


async def confirm(query: LogoutQuery, scene: Scene, house: House) -> LogoutDone:
    """End the browser's session after the person said so."""
    client = await house.client(scene, query.client_id)
    location = _location(query, client, scene)
    present = await session.present(scene, house)
    return _done(location, client) if present is None else await ended(present[0], location, client, scene, house)
