"""Session management: how a client learns by itself that the session at the issuer is another one, or over.

OpenID Connect Session Management 1.0 sections 3.2 and 4.2. The browser keeps a state that changes with the session; the
client is told a salted hash of it, and the issuer's frame compares the two.
"""

from __future__ import annotations

import hashlib

from intaglio import codec, ids
from intaglio.protocol.authorize import BrowserState
from intaglio.protocol.faults import NotFound
from intaglio.protocol.sessionframe import SessionFrame, SessionFrameQuery
from intaglio.server.model.sessions import Session
from intaglio.server.provider.scene import House, Scene
from intaglio.wire import url


def of(session: Session) -> BrowserState:
    """Return the browser's state of a session: the same as long as the session lasts, and no way into it."""
    octets = hashlib.sha256(b"intaglio browser state\0" + session.session_id.encode()).digest()
    return BrowserState(codec.encode_base64url(octets), session.expires_at)


def told(client_id: str, redirect_uri: str, state: BrowserState) -> str:
    """Return `session_state` for a client: hash, point, salt; empty where its address has no web origin."""
    origin = url.origin(redirect_uri)
    # The frame takes the message apart at its last space.
    if not origin or " " in client_id:
        return ""
    salt = ids.opaque(12)
    octets = hashlib.sha256(f"{client_id} {origin} {state.value} {salt}".encode()).digest()
    return f"{codec.encode_base64url(octets)}.{salt}"


async def frame(query: SessionFrameQuery, scene: Scene, house: House) -> SessionFrame:
    """Return the issuer's frame; raises `NotFound` where the tenant does not let clients watch sessions."""
    if not scene.tenant.session_management:
        raise NotFound(detail={"expected": "a tenant with session management", "received": scene.tenant.slug})
    return SessionFrame(scene.issuer)
