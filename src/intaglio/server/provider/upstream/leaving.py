"""Signing out at the other provider as well: the way there, and the way back to where the person was going.

OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.

SECURITY: where the browser goes in the end is sealed on its way, so that nobody can choose it
(test_nobody_chooses_where_a_logout_leads).
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.names import TenantId
from intaglio.protocol import circumstances
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider
from intaglio.server.model.connections import Connection
from intaglio.server.model.sessions import Session
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.upstream import parties
from intaglio.server.registry import connectionrules
from intaglio.wire import url

LIFETIME = 15 * 60
PURPOSE = "upstream-logout"
MAX_STATE = 8192


class Onward(msgspec.Struct, frozen=True):
    """Where somebody goes who comes back from a logout: an address, or the page that says that it is over."""

    tenant_id: TenantId
    location: str
    expires_at: int


async def endpoint(session: Session, scene: Scene, house: House, *, asked: bool = False) -> str:
    """Return the address of the other provider to which a logout of this session leads, empty for none."""
    found = await _there(session, scene, house, asked=asked)
    return found[1].metadata.url("end_session_endpoint") or "" if found is not None else ""


async def onward(session: Session, location: str, scene: Scene, house: House, *, asked: bool = False) -> str:
    """Return where the browser goes after a logout: to the other provider's own where it is to happen, else on.

    It happens where the connection says so, or somebody `asked` for it. A provider that does not answer keeps nobody.
    """
    found = await _there(session, scene, house, asked=asked)
    if found is None:
        return location
    party, provider = found
    assert house.vault is not None
    kept = Onward(scene.tenant.tenant_id, location, scene.now + LIFETIME)
    state = house.vault.seal(codec.encode_json(msgspec.to_builtins(kept)), PURPOSE)
    back = scene.authority + connectionrules.SIGNED_OUT
    where = party.logout_url(provider, None, back, state)
    sid = circumstances.decode(session.circumstances).told.get("sid")
    if where is None:
        return location
    return url.with_query(where, [("logout_hint", sid)]) if isinstance(sid, str) and sid else where


async def _there(session: Session, scene: Scene, house: House, *, asked: bool) -> tuple[RelyingParty, Provider] | None:
    name = circumstances.decode(session.circumstances).connection
    connection: Connection | None = None
    if name:
        connection = next((one for one in await house.connections(scene) if one.name == name), None)
    if connection is None or not (connection.logs_out or asked):
        return None
    try:
        party = parties.party(connection, scene, house)
        provider = await house.upstreams.of(party, scene.now, house.outgoing)
        party.logout_url(provider)
    except IntaglioError:
        return None  # the session here ends all the same
    return party, provider


def back(state: str, now: int, house: House) -> Onward:
    """Return where somebody goes on; raises `UnsafeToRedirect` for a state that is not ours, or too old."""
    assert house.vault is not None
    try:
        text = house.vault.open(state if len(state) <= MAX_STATE else "", PURPOSE)
    except Misconfigured:
        raise _gone() from None  # the state may be anybody's text
    found = msgspec.convert(codec.decode_json_object(text), Onward)
    if now >= found.expires_at:
        raise _gone()
    return found


def _gone() -> UnsafeToRedirect:
    return UnsafeToRedirect(
        "invalid_request",
        "This logout is not under way here any more.",
        hint="Close this page.",
        detail={"expected": "the state of a logout", "received": "another text, or an old one"},
    )
