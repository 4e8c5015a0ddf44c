"""The device flow: a device asks, and a person decides on a page (RFC 8628 sections 3.1 to 3.3 and 5).

    device ─▶ start ─▶ user code ─▶ its person types it ─▶ enter ─▶ signs in ─▶ sees what asks ─▶ decide

SECURITY: an address that holds the code fills in a form and no more; what asks, and from where, is always shown, and
the person's own word on that page is the only approval (test_a_link_never_approves).
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from intaglio import ids
from intaglio.errors import ProtocolFault, Unavailable
from intaglio.ids import Secret
from intaglio.names import GrantId
from intaglio.protocol.authorize import SessionBegins
from intaglio.protocol.device import GRANT, DeviceAuthorization, DeviceAuthorized, DeviceEntry, DeviceVisit
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.server.model import audit, consents, devices, sessions
from intaglio.server.model.audit import Entry
from intaglio.server.model.clients import Client
from intaglio.server.model.devices import Decision, DeviceCode
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.sessions import Session, Transaction
from intaglio.server.model.users import User
from intaglio.server.provider import applications, connections, organizations, session, traces
from intaglio.server.provider.exchange import grant
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import password, throttle
from intaglio.wire import url

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 section 6.1: no vowels, so no words; no digits, so nothing that looks like another."""
LENGTH = 8
INTERVAL = 5
ENTRY_LIFETIME = 30 * 60
"""Seconds that a browser keeps the cookie which ties the page to it."""
TRIES = 5

OFFLINE = "offline_access"
STANDARD_SCOPES = frozenset({"openid", "profile", "email", "phone", "address", OFFLINE})

# RFC 8628 5.1: 20^8 codes; a thousand guesses in a window hit one of a thousand that wait once in 25 000 windows.
GUESSES = throttle.Allowance("user-code", from_address=20, altogether=1000)
STARTS = throttle.Allowance("device-start", from_address=300, altogether=30_000)


def user_code_of(text: str) -> str:
    """Return what was typed as a user code (`WDJB-MJHT`), empty if it is none.

    RFC 8628 section 6.1: case and punctuation do not matter.
    """
    letters = "".join(letter for letter in text[:64] if letter.isalnum())
    # The check comes before `upper`, which makes other letters of some that look alike.
    found = letters.upper() if letters.isascii() else ""
    if len(found) != LENGTH or not set(found) <= set(ALPHABET):
        return ""
    return f"{found[:4]}-{found[4:]}"


def _keyed(user_code: str, scene: Scene, house: House) -> bytes:
    # A code of one open address is typed there, so that none is let in by people whom the address is not for.
    place = f"{scene.session_issuer} {scene.tenant.slug}" if scene.is_open else scene.session_issuer
    return hmac.digest(house.throttle_key, f"user-code\0{place}\0{user_code}".encode(), hashlib.sha256)


def _scope(query: DeviceAuthorization, client: Client, scene: Scene) -> tuple[str, ...]:
    """Return the scopes that the device may get; raises `invalid_scope` for a standard one that is not enabled.

    Where the dialect refuses scopes, that is any.
    """
    # OpenID Connect Core 11: offline access that cannot be given is left out, not refused.
    excused = set() if "refresh_token" in client.grant_types else {"offline_access"}
    allowed, wanted = set(client.scope) - excused, query.scope or ()
    known = frozenset(wanted) if scene.dialect.profile.refuses_scopes else STANDARD_SCOPES
    forbidden = [word for word in wanted if word in known - allowed - excused]
    if forbidden:
        raise ProtocolFault(
            "invalid_scope",
            "A scope is not enabled for this application.",
            detail={"expected": " ".join(client.scope), "received": " ".join(forbidden)},
        ).because("scope-unknown", scope=forbidden[0])
    granted = tuple(word for word in wanted if word in allowed)
    if query.offline and "refresh_token" in client.grant_types and OFFLINE not in granted:
        return (*granted, OFFLINE)
    return granted


async def start(query: DeviceAuthorization, scene: Scene, house: House) -> DeviceAuthorized:
    """Give a device its codes (RFC 8628 section 3.2).

    Raises `invalid_client`, `unauthorized_client`, `invalid_scope`, `too_many_requests`.
    """
    client = await grant.client_for(query.presented, GRANT, scene, house)
    organizations.demand(client, scene)
    scope = _scope(query, client, scene)
    await throttle.spend(STARTS, scene, house)
    device_code = ids.opaque()
    user_code = await _kept(device_code, client, scope, scene, house)
    where = scene.base + scene.dialect.profile.device_path
    return DeviceAuthorized(
        device_code=Secret(device_code),
        user_code=user_code,
        verification_uri=where,
        verification_uri_complete=url.with_query(where, [("user_code", user_code)]),
        expires_in=scene.dialect.profile.device_lifetime,
        interval=INTERVAL,
    )


async def _kept(device_code: str, client: Client, scope: tuple[str, ...], scene: Scene, house: House) -> str:
    """Keep the request under a user code that no other request has, and return that code."""
    for _ in range(TRIES):
        user_code = user_code_of(ids.letters(ALPHABET, LENGTH))
        request = DeviceCode(
            digest=ids.digest(device_code),
            user_code=_keyed(user_code, scene, house),
            grant_id=GrantId(ids.opaque(16)),
            tenant_id=scene.tenant.tenant_id,
            issuer=scene.issuer,
            client_id=client.client_id,
            scope=" ".join(scope),
            origin=scene.peer[:64],
            created_at=scene.now,
            expires_at=scene.now + scene.dialect.profile.device_lifetime,
            poll_seconds=INTERVAL,
        )
        try:
            await house.store.write(devices.insert, request)
        except Conflict:
            continue
        return user_code
    raise Unavailable("unavailable", "No code is free. Try again.")


async def visit(query: DeviceVisit, scene: Scene, house: House) -> DeviceEntry:
    """Ask for the code; one that the address brought along is filled in if it has a code's form."""
    return DeviceEntry(user_code_of(query.user_code), scene.browser_secret or ids.opaque(), ENTRY_LIFETIME)


async def enter(text: str, scene: Scene, house: House) -> str:
    """Return the name of a new waiting request for the typed code, empty if no device waits under it.

    Raises `throttle.TooManyAttempts`. The attempt is counted before the code is looked for.
    """
    user_code = user_code_of(text)
    await throttle.spend(GUESSES, scene, house)
    if not user_code:
        return ""
    found = await house.store.read(devices.by_user_code, _keyed(user_code, scene, house), scene.now)
    if found is None or found.tenant_id != scene.tenant.tenant_id:
        return ""
    await throttle.give_back(GUESSES, scene, house)
    name = ids.opaque()
    await house.store.write(
        sessions.transaction_insert,
        Transaction(
            digest=ids.digest(name),
            browser=ids.digest(scene.browser_secret),
            tenant_id=scene.tenant.tenant_id,
            issuer=scene.issuer,
            dialect=scene.dialect.name,
            client_id=found.client_id,
            parameters=(("user_code", user_code),),
            created_at=scene.now,
            expires_at=found.expires_at,
            device=found.digest,
            word=scene.tenant.slug if scene.is_open else "",
        ),
    )
    return name


class WaitingDevice(msgspec.Struct, frozen=True):
    """A device whose code was typed in this browser, with the client that asks."""

    transaction: Transaction
    request: DeviceCode
    client: Client

    @property
    def user_code(self) -> str:
        """The code as it is shown."""
        return dict(self.transaction.parameters).get("user_code", "")


def gone() -> UnsafeToRedirect:
    """Return the fault for a device that does not wait here any more, or not in this browser."""
    return UnsafeToRedirect(
        "invalid_request",
        "This device does not wait any more: it was decided, it took too long, or it began in another browser.",
        hint="Start again on your device; it shows a new code.",
        detail={"expected": "a waiting device of this browser", "received": "none"},
    )


async def find(transaction: Transaction, scene: Scene, house: House) -> WaitingDevice:
    """Return the device that waits for this browser's person, or has just been decided.

    Raises `UnsafeToRedirect` if there is none.
    """
    own = hmac.compare_digest(transaction.browser, ids.digest(scene.browser_secret))
    if not scene.browser_secret or not own or transaction.issuer != scene.issuer:
        raise gone()
    request = await house.store.read(devices.by_digest, transaction.device)
    if request is None or scene.now >= request.expires_at:
        raise gone()
    client = await house.client(scene, request.client_id)
    if client is None or GRANT not in client.grant_types:
        raise gone()
    return WaitingDevice(transaction, request, client)


async def present(waiting: WaitingDevice, scene: Scene, house: House) -> tuple[Session, User] | None:
    """Return who is signed in and may let the device in; nobody whose session does not count for its client."""
    found = await session.present(scene, house)
    if found is None or not await connections.counts(found[0], waiting.client, scene, house):
        return None
    return found


async def sign_in(username: str, secret: str, scene: Scene, house: House) -> SessionBegins | None:
    """Sign the person in with a password; None if it is not right. Raises `throttle.TooManyAttempts`."""
    user = await password.verify(username, secret, scene, house)
    return (await session.begin(user, password.AMR, scene, house))[1] if user is not None else None


async def signed_up(user: User, scene: Scene, house: House) -> SessionBegins:
    """Begin the session of somebody who has just made an account."""
    return (await session.begin(user, password.AMR, scene, house))[1]


async def allow(
    waiting: WaitingDevice, present: tuple[Session, User], scope: frozenset[str], scene: Scene, house: House
) -> bool:
    """Let the device in, with those of its scopes that the person left ticked; False if it did not wait any more."""
    signed_in, user = present
    asked = waiting.request.scope.split()
    granted = tuple(word for word in asked if word in scope or word == "openid")
    decision = Decision(
        digest=waiting.request.digest,
        decision="approved",
        now=scene.now,
        user_id=user.user_id,
        session_id=signed_in.session_id,
        granted=" ".join(granted),
        auth_time=signed_in.auth_time,
        acr=signed_in.acr,
        amr=" ".join(signed_in.amr),
        circumstances=signed_in.circumstances,
        tenant_id=user.tenant_id,
    )
    entry = traces.consented(user, waiting.client, frozenset(granted), scene)
    return await house.store.write(_decide, waiting, decision, entry)


async def deny(waiting: WaitingDevice, scene: Scene, house: House) -> bool:
    """Turn the device away; False if it did not wait any more."""
    entry = traces.entry(None, traces.CONSENT, scene, "denied", client=waiting.client.client_id)
    return await house.store.write(_decide, waiting, Decision(waiting.request.digest, "denied", scene.now), entry)


def was_allowed(waiting: WaitingDevice, present: tuple[Session, User] | None) -> bool:
    """Tell how a decided device ended; raises `UnsafeToRedirect` if somebody else let it in.

    Whoever presses twice, or loads the page again, is told what came of the first time. Nobody is told that a device is
    connected which another person's account was given to.
    """
    if waiting.request.decision == "denied":
        return False
    if present is None or present[1].user_id != waiting.request.user_id:
        raise gone()
    return True


def _decide(waiting: WaitingDevice, decision: Decision, entry: Entry) -> Plan[bool]:
    """Write the decision down once, and what was granted, so that the person finds it among their consents."""
    if not (yield from devices.decide(decision)):
        return False
    yield from audit.insert_one(entry)
    if decision.decision == "approved":
        client, scope = waiting.client, frozenset(decision.granted.split())
        yield from applications.keep(client, decision.now)
        yield from consents.remember(client.tenant_id, decision.user_id, client.client_id, scope, decision.now)
    return True
