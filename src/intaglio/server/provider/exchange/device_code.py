"""The device code grant (RFC 8628 sections 3.4 and 3.5): a device polls until its person has decided."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.device import (
    GRANT,
    DeviceDenied,
    DeviceExchange,
    DeviceExpired,
    DevicePending,
    DeviceSlowDown,
)
from intaglio.protocol.exchange import TokenAnswer
from intaglio.protocol.faults import invalid_grant
from intaglio.server.model import audit, devices, grants, sessions
from intaglio.server.model.audit import Source
from intaglio.server.model.clients import Client
from intaglio.server.model.devices import DeviceCode
from intaglio.server.model.grants import AccessToken, Grant, RefreshToken
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider import assignment, organizations
from intaglio.server.provider.exchange import grant
from intaglio.server.provider.scene import House, Scene

WORD = "an approved, unused device code of this client"

FAULTS: dict[str, type[ProtocolFault]] = {
    one.code: one for one in (DevicePending, DeviceSlowDown, DeviceDenied, DeviceExpired)
}


class Poll(msgspec.Struct, frozen=True):
    """What a device brings to a poll, with the tokens that it is to get as digests.

    `asked_at` is the issuer of an open address, where the device asks at one.
    """

    device_code: bytes
    tenant_id: str
    issuer: str
    client_id: str
    access: bytes
    refresh: bytes
    lifetimes: grant.Lifetimes
    may_refresh: bool
    now: int
    hears_of_logout: bool = False
    slows_down: bool = True
    asked_at: str = ""
    source: Source = Source()

    def __repr__(self) -> str:
        return "Poll(…)"


class Refusal(msgspec.Struct, frozen=True):
    """Why a poll brought no tokens: the standard error, for the log what was received, in a word for the dialect."""

    error: str
    received: str = ""
    reason: str = ""


def redeem(brought: Poll) -> Plan[DeviceCode | Refusal]:
    """Use an approved request up and keep what came of it; every other answer is a refusal.

    A second use ends the family: whoever has the tokens may have stolen the code (RFC 6749 section 4.1.2 for codes).
    """
    request = yield from devices.by_digest(brought.device_code)
    if request is None:
        return Refusal("invalid_grant", "an unknown device code", "device-unknown")
    if (request.tenant_id, request.issuer, request.client_id) != (
        brought.tenant_id,
        brought.asked_at or brought.issuer,
        brought.client_id,
    ):
        received = f"a device code of {request.client_id} at {request.issuer}"
        return Refusal("invalid_grant", received, "device-other-client")
    if request.decision == "approved":
        return (yield from _use(request, brought))
    if brought.now >= request.expires_at:
        return Refusal("expired_token")
    if request.decision:
        return Refusal("access_denied")
    interval = yield from devices.poll(request.digest, brought.now)
    early = brought.slows_down and interval > request.poll_seconds
    return Refusal("slow_down" if early else "authorization_pending")


def _use(request: DeviceCode, brought: Poll) -> Plan[DeviceCode | Refusal]:
    used = yield from devices.use(request.digest, brought.now)
    if used is not None:
        yield from _keep(used, brought)
        return used
    # Asked again: of two polls at once, one has just won.
    now = yield from devices.by_digest(request.digest)
    if now is not None and now.used_at is not None:
        yield from grants.grant_revoke(request.grant_id, brought.now)
        told = (request.tenant_id, brought.client_id, now.user_id, request.grant_id, GRANT, "device-used")
        yield from grant.note_refused(*told, brought.now, brought.source)
        return Refusal("invalid_grant", "a device code that was used before; what it gave is revoked", "device-used")
    if brought.now >= request.expires_at:
        return Refusal("expired_token")
    return Refusal("invalid_grant", "a device code whose session has ended", "session-ended")


def _offline(request: DeviceCode, brought: Poll) -> bool:
    return brought.may_refresh and "offline_access" in request.granted.split()


def _keep(request: DeviceCode, brought: Poll) -> Plan[None]:
    now, spans, offline = brought.now, brought.lifetimes, _offline(request, brought)
    family = Grant(
        grant_id=request.grant_id,
        tenant_id=request.tenant_id,
        issuer=brought.issuer,
        client_id=request.client_id,
        user_id=request.user_id,
        session_id=request.session_id,
        scope=request.granted,
        auth_time=request.auth_time,
        acr=request.acr,
        amr=request.amr,
        circumstances=request.circumstances,
        created_at=now,
        expires_at=now + (spans.refresh_token if offline else spans.access_token),
    )
    access = AccessToken(brought.access, family.grant_id, family.scope, now, now + spans.access_token)
    told = (family.tenant_id, family.client_id, family.user_id, family.grant_id, GRANT, family.scope)
    yield from grants.grant_issue(family, access, audit.issued(*told, now, brought.source))
    if offline:
        refresh = RefreshToken(brought.refresh, family.grant_id, family.scope, now, now + spans.refresh_token)
        yield from grants.refresh_insert(refresh)
    if brought.hears_of_logout:
        yield from sessions.note_client(request.session_id, request.client_id)


def _brought(query: DeviceExchange, client: Client, tokens: tuple[str, str], scene: Scene) -> Poll:
    return Poll(
        device_code=ids.digest(query.device_code.reveal()),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        client_id=client.client_id,
        access=ids.digest(tokens[0]),
        refresh=ids.digest(tokens[1]),
        lifetimes=grant.lifetimes(client, GRANT, scene),
        may_refresh="refresh_token" in client.grant_types,
        now=scene.now,
        hears_of_logout=client.hears_of_logout,
        slows_down=scene.dialect.profile.slows_down,
        asked_at=scene.opened_from,
        source=scene.source,
    )


def _fault(refusal: Refusal) -> ProtocolFault:
    known = FAULTS.get(refusal.error)
    return known() if known is not None else invalid_grant(WORD, refusal.received, refusal.reason)


async def exchange(query: DeviceExchange, scene: Scene, house: House) -> TokenAnswer:
    """Give tokens for an approved device code.

    Raises `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`, `invalid_client`,
    `unauthorized_client`.
    """
    client = await grant.client_for(query.presented, GRANT, scene, house)
    organizations.demand(client, scene)
    recipient = await grant.recipient_beforehand(client, scene, house)
    access, refresh = grant.new_access_token(), grant.new_refresh_token()
    brought = _brought(query, client, (access, refresh), scene)
    outcome = await house.store.write(redeem, brought)
    if isinstance(outcome, Refusal):
        raise _fault(outcome)
    user = await house.user(scene, outcome.user_id)
    if user is None:
        raise invalid_grant(WORD, "a device code of a user who is disabled or gone", "user-disabled")
    assignment.demand(client, user)
    scope, told = tuple(outcome.granted.split()), _signed(outcome, user)
    wanted = "openid" in scope
    token = await grant.id_token(told, client, access, scene.now, scene, house, recipient) if wanted else ""
    offline = _offline(outcome, brought)
    about = grant.holder(user, outcome.session_id, outcome.circumstances, scene)
    return TokenAnswer(access, brought.lifetimes.access_token, scope, None, refresh if offline else "", token, about)


def _signed(outcome: DeviceCode, user: User) -> grant.Signed:
    """Return what the ID token says of the sign-in in which the person allowed the device."""
    return grant.Signed(
        user=user,
        scope=tuple(outcome.granted.split()),
        auth_time=outcome.auth_time,
        acr=outcome.acr,
        amr=tuple(outcome.amr.split()),
        session_id=outcome.session_id,
        nonce="",
        refreshed=False,
        grant_type=GRANT,
        circumstances=outcome.circumstances,
    )
