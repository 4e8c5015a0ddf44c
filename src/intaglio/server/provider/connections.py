"""At which other provider somebody signs in: those that a client may use, and the one that a request leads to.

OpenID Connect Core 3.1.2.1 (`login_hint`).

SECURITY: a request chooses among the connections of this tenant alone, and only those that are in force for its client
(test_a_request_leads_to_no_connection_of_others); no address of a provider is ever read from a request.
"""

from __future__ import annotations

from collections.abc import Iterable

from intaglio.protocol import circumstances
from intaglio.protocol.authorize import AuthorizeQuery, Problem
from intaglio.server.model.clients import Client
from intaglio.server.model.connections import Connection
from intaglio.server.model.grants import Grant
from intaglio.server.model.sessions import Session
from intaglio.server.provider.scene import House, Scene


async def usable(client: Client | None, scene: Scene, house: House) -> tuple[Connection, ...]:
    """Return the connections at which people may sign in for a client, or for no client, by name."""
    found = await house.connections(scene)
    client_id = client.client_id if client is not None else ""
    return tuple(one for one in found if not one.clients or client_id in one.clients)


def named(found: Iterable[Connection], name: str) -> Connection | None:
    """Return the connection of a name."""
    return next((one for one in found if one.name == name), None)


def of_domain(found: Iterable[Connection], hint: str) -> Connection | None:
    """Return the connection at which the people of a domain sign in; `hint` is the domain or an address in it."""
    # Folded as user names are, so that no spelling of a domain means its people here and not there.
    domain = hint.rpartition("@")[2].strip().rstrip(".").casefold()
    return next((one for one in found if domain in one.domains), None) if domain else None


async def problem(query: AuthorizeQuery, client: Client, scene: Scene, house: House) -> Problem | None:
    """Return what is wrong with a request that names a connection; one answer for all that it may not use."""
    if not query.connection or named(await usable(client, scene, house), query.connection) is not None:
        return None
    return Problem(
        "invalid_request",
        "There is no such connection for this application.",
        "the name of a connection",
        query.connection[:80],
        reason="connection-unknown",
        told={"connection": query.connection[:80]},
    )


async def destination(query: AuthorizeQuery, client: Client, scene: Scene, house: House) -> str:
    """Return the name of the connection to which somebody who has to sign in is sent at once, empty for none.

    The one that the request names, else the one of the domain that it hints at.
    """
    if query.connection:
        return query.connection
    if not (query.domain_hint or "@" in query.login_hint):
        return ""
    found = await usable(client, scene, house)
    meant = of_domain(found, query.domain_hint)
    if meant is None and "@" in query.login_hint:
        meant = of_domain(found, query.login_hint)
    return meant.name if meant is not None else ""


async def counts(session: Session | Grant, client: Client, scene: Scene, house: House) -> bool:
    """Tell whether a session, or a grant of one, is for a client: if it began at a connection, at one it may use."""
    # SECURITY: people whom a connection brings to some applications are not signed in to the others by the way, and the
    # sessions of one that is closed are closed (test_a_session_of_a_closed_connection_opens_no_other_application).
    name = circumstances.decode(session.circumstances).connection
    return not name or named(await usable(client, scene, house), name) is not None


def came_otherwise(query: AuthorizeQuery, session: Session) -> bool:
    """Tell whether a request names a connection, and the session did not begin there."""
    return bool(query.connection) and circumstances.decode(session.circumstances).connection != query.connection
