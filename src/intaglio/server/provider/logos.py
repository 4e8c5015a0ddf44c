"""Clients' logos: fetched by this server, behind its guard, so that no browser asks another host for one.

OpenID Connect Registration 1.0 section 2 (`logo_uri`); PNG 5.2, JPEG (ITU-T T.81 B.1), GIF89a 17, WebP container for
how each begins.
"""

from __future__ import annotations

import asyncio

import msgspec

from intaglio.errors import Unavailable
from intaglio.server.provider.scene import House
from intaglio.wire.flow import Call, Flow

MAXIMUM_OCTETS = 64 * 1024
MAXIMUM_LOGOS = 128
"""Pictures that are remembered in a process; with the bound of one this bounds the memory."""
GOOD_SECONDS = 24 * 3600
BAD_SECONDS = 300
_OK = 200


class Picture(msgspec.Struct, frozen=True):
    """A picture and its media type."""

    media_type: str
    octets: bytes


class _Held(msgspec.Struct, frozen=True):
    picture: Picture | None
    until: int


def media_type(octets: bytes) -> str:
    """Return the media type of a picture by how it begins, empty for anything else.

    SECURITY: what the other server says of it does not count, and SVG is none of these: on this origin it could run
    script (test_only_pictures_are_passed_on).
    """
    if octets.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if octets.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if octets.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if octets[:4] == b"RIFF" and octets[8:12] == b"WEBP" else ""


def fetch(uri: str) -> Flow[Picture | None]:
    """Fetch a logo; None if what is there is no picture of a bearable size. Raises what the driver raises."""
    reply = yield Call("GET", uri, (("accept", "image/png, image/jpeg, image/webp, image/gif"),))
    kind = media_type(reply.body)
    if reply.status != _OK or len(reply.body) > MAXIMUM_OCTETS or not kind:
        return None
    return Picture(kind, reply.body)


class Logos:
    """Logos by address: each is asked for once a day, or every five minutes while there is none."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._under_way: dict[str, asyncio.Task[_Held]] = {}

    async def picture(self, uri: str, house: House, now: int) -> Picture | None:
        """Return the picture at an address, None if there is none or nothing may be called."""
        held = self._held.get(uri)
        if held is None or now >= held.until:
            # Many who look at the same page wait for one fetch.
            task = self._under_way.get(uri)
            if task is None:
                task = self._under_way[uri] = asyncio.create_task(_asked(uri, house, now))
                task.add_done_callback(lambda _: self._under_way.pop(uri, None))
            held = await asyncio.shield(task)
            if len(self._held) >= MAXIMUM_LOGOS:
                del self._held[next(iter(self._held))]
            self._held[uri] = held
        return held.picture


async def _asked(uri: str, house: House, now: int) -> _Held:
    found = None
    if house.outgoing is not None:
        try:
            found = await house.outgoing.run(fetch(uri))
        except Unavailable:
            found = None
    return _Held(found, now + (GOOD_SECONDS if found is not None else BAD_SECONDS))
