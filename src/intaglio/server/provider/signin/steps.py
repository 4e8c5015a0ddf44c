"""A waiting request and its person: found again, signed in, consented, finished.

SECURITY: the request is named by the page's address and bound to the browser by a cookie; either alone is worth nothing
(test_transaction_needs_its_browser). No step can be left out: what comes next is always decided from what is stored.
"""

from __future__ import annotations

import hmac

import msgspec

from intaglio import ids
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem, SessionBegins
from intaglio.protocol.circumstances import NONE, Circumstances
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.server.model import audit, consents, sessions
from intaglio.server.model.audit import Entry
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session, Transaction
from intaglio.server.model.users import User
from intaglio.server.provider import applications, organizations, session, traces
from intaglio.server.provider.authorize import asked, checks, respond, steps
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import password
from intaglio.wire.params import Params


class Waiting(msgspec.Struct, frozen=True):
    """A waiting request, read again, with its client."""

    transaction: Transaction
    query: AuthorizeQuery
    client: Client


class Step(msgspec.Struct, frozen=True):
    """What comes next: a page or the answer for the client; `begins` is a session just begun.

    `elsewhere` says that the error is another provider's.
    """

    page: str = ""
    answer: AuthorizeAnswer | None = None
    begins: SessionBegins | None = None
    error: str = ""
    elsewhere: bool = False


def gone() -> UnsafeToRedirect:
    """Return the fault for a request that does not wait here, or not in this browser."""
    return UnsafeToRedirect(
        "invalid_request",
        "This sign-in is not under way any more: it was finished, it took too long, or it began in another browser.",
        hint="Go back to the application and start again.",
        detail={"expected": "a waiting sign-in of this browser", "received": "none"},
    )


async def find(transaction_id: str, scene: Scene, house: House) -> Waiting:
    """Return the waiting request of this address and browser; raises `UnsafeToRedirect` if there is none."""
    found = await house.store.read(sessions.transaction_by_digest, ids.digest(transaction_id), scene.now)
    if found is None or not scene.browser_secret:
        raise gone()
    if not hmac.compare_digest(found.browser, ids.digest(scene.browser_secret)) or found.issuer != scene.issuer:
        raise gone()
    query = scene.dialect.read_authorize(Params(found.parameters))
    if found.organization:
        query = msgspec.structs.replace(query, organization=found.organization)
    return Waiting(found, query, await checks.client_of(query, scene, house))


async def login(waiting: Waiting, username: str, secret: str, scene: Scene, house: House) -> Step:
    """Try to sign in; the next step, or the login page again with one sentence for every cause."""
    user = await password.verify(username, secret, scene, house, waiting.client.client_id)
    if user is None:
        return Step("login", error="The user name or the password is not right.")
    return await signed_in(waiting, user, scene, house)


async def signed_in(
    waiting: Waiting,
    user: User,
    scene: Scene,
    house: House,
    amr: tuple[str, ...] = password.AMR,
    vouched: Circumstances = NONE,
    auth_time: int | None = None,
) -> Step:
    """Begin the session of somebody who has just proved who they are, and go on.

    `vouched` and `auth_time` are of the other provider at which they did.
    """
    begun, begins = await session.begin(user, amr, scene, house, vouched, auth_time)
    marked = msgspec.structs.replace(waiting.transaction, authenticated_at=scene.now, session_id=begun.session_id)
    await house.store.write(sessions.transaction_replace, marked)
    step = await _next(msgspec.structs.replace(waiting, transaction=marked), (begun, user), None, scene, house)
    return msgspec.structs.replace(step, begins=begins)


async def consent(waiting: Waiting, scope: frozenset[str], scene: Scene, house: House) -> Step:
    """Remember what the person granted, and go on."""
    present = await _present(waiting, scene, house)
    if present is None:
        return Step("login")
    offered = frozenset(asked.scope(waiting.query, waiting.client, scene.dialect))
    granted = (scope & offered) | (offered & {"openid"})
    entry = traces.consented(present[1], waiting.client, granted, scene)
    await house.store.write(_remember, waiting.client, present[1], granted, entry)
    return await _next(waiting, present, granted, scene, house)


def _remember(client: Client, user: User, scopes: frozenset[str], entry: Entry) -> Plan[None]:
    yield from applications.keep(client, entry.at)
    yield from consents.remember(user.tenant_id, user.user_id, client.client_id, scopes, entry.at)
    yield from audit.insert_one(entry)


async def resume(waiting: Waiting, scene: Scene, house: House) -> tuple[str, User | None]:
    """Return which page a waiting request is at, and who is signed in."""
    present = await _present(waiting, scene, house)
    if present is None:
        return "login", None
    settled = await organizations.settle(waiting.query, waiting.client, present[1], scene, house)
    return (organizations.PAGE if settled.choices else "consent"), present[1]


async def choose(waiting: Waiting, organization: str, scene: Scene, house: House) -> Step:
    """Remember for which of their organizations the person signs in, and go on; another one changes nothing."""
    present = await _present(waiting, scene, house)
    if present is None:
        return Step("login")
    settled = await organizations.settle(waiting.query, waiting.client, present[1], scene, house)
    if organization not in {one.organization_id for one in settled.choices}:
        return Step(organizations.PAGE)
    marked = msgspec.structs.replace(waiting.transaction, organization=organization)
    await house.store.write(sessions.transaction_replace, marked)
    query = msgspec.structs.replace(waiting.query, organization=organization)
    return await _next(msgspec.structs.replace(waiting, transaction=marked, query=query), present, None, scene, house)


def _authenticated(waiting: Waiting, present: tuple[Session, User] | None) -> bool:
    """Tell whether this very request saw the sign-in of whoever is signed in now, and not of somebody before them."""
    return present is not None and present[0].session_id == waiting.transaction.session_id


async def _present(waiting: Waiting, scene: Scene, house: House) -> tuple[Session, User] | None:
    """Return who is signed in, unless this request demands a sign-in that it has not seen."""
    present = await session.present(scene, house)
    progress = steps.Progress(_authenticated(waiting, present))
    fresh = await steps.needs_login(waiting.query, waiting.client, present, progress, scene, house)
    return None if fresh else present


async def _next(
    waiting: Waiting, present: tuple[Session, User], granted: frozenset[str] | None, scene: Scene, house: House
) -> Step:
    progress = steps.Progress(_authenticated(waiting, present), granted)
    page = await steps.page_before(waiting.query, waiting.client, present, progress, scene, house)
    if page:
        return Step(page)
    # One of several tabs or clicks finishes the request; the others find it gone.
    if not await house.store.write(sessions.transaction_take, waiting.transaction.digest, scene.now):
        raise gone()
    answer = await steps.decide(waiting.query, waiting.client, present, progress, scene, house)
    assert isinstance(answer, AuthorizeAnswer)
    return Step(answer=answer)


async def cancel(waiting: Waiting, scene: Scene, house: House) -> AuthorizeAnswer:
    """Give up: the client gets `access_denied` (RFC 6749 section 4.1.2.1)."""
    if not await house.store.write(sessions.transaction_take, waiting.transaction.digest, scene.now):
        raise gone()
    return respond.error(waiting.query, Problem("access_denied", "The person declined.", reason="declined"), scene)
