"""Front-channel logout: the addresses that a browser loads when its session ends.

OpenID Connect Front-Channel Logout 1.0 sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterable

from intaglio.server.model.clients import Client
from intaglio.server.provider.scene import House, Scene
from intaglio.wire import url

MAX_FRAMES = 40
"""Frames on one page; a session with more clients than that is not a person's."""


def frames(told: Iterable[Client], session_id: str, scene: Scene, house: House) -> tuple[str, ...]:
    """Return the logout address of each client that has one, with `iss` and `sid` as the client knows them."""
    found = [_address(client, session_id, scene, house) for client in told if client.frontchannel_logout_uri]
    return tuple(address for address in found if frame_source(address))[:MAX_FRAMES]


def frame_source(address: str) -> str:
    """Return the origin that lets a page frame the address (CSP 3 `frame-src`); empty for one that cannot be framed."""
    source = url.form_target(address)
    return source if "://" in source else ""


def _address(client: Client, session_id: str, scene: Scene, house: House) -> str:
    # Front-Channel Logout 2: both or neither; whoever does not require them may ignore them.
    fields = [("iss", scene.issuer), ("sid", house.subjects.told_sid(scene.dialect, client, session_id))]
    return url.with_query(client.frontchannel_logout_uri, fields)
