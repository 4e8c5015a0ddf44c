"""The device flow's questions and answers: a device asks, a person decides on a page, the device polls.

RFC 8628 sections 3.1 to 3.5.
"""

from __future__ import annotations

import msgspec

from intaglio.errors import ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol.exchange import Presented

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
"""The grant type's name (RFC 8628 section 3.4)."""


class DeviceAuthorization(msgspec.Struct, frozen=True):
    """A device asks to be let in (RFC 8628 section 3.1); `offline` asks for offline access without the scope for it."""

    presented: Presented
    scope: tuple[str, ...] | None
    offline: bool = False
    own: tuple[tuple[str, str], ...] = ()


class DeviceAuthorized(msgspec.Struct, frozen=True):
    """What the device shows its person, and what it polls with (RFC 8628 section 3.2). Spans are in seconds."""

    device_code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int

    def __repr__(self) -> str:
        return "DeviceAuthorized(…)"


class DeviceExchange(msgspec.Struct, frozen=True):
    """A device asks whether its person has decided (RFC 8628 section 3.4)."""

    presented: Presented
    device_code: Secret
    own: tuple[tuple[str, str], ...] = ()


class DeviceVisit(msgspec.Struct, frozen=True):
    """A person opens the page on which the code is typed; `user_code` is what the address brought along."""

    user_code: str


class DeviceEntry(msgspec.Struct, frozen=True):
    """Ask for the code. `browser` is the secret for the browser's cookie, kept for `lifetime` seconds."""

    user_code: str
    browser: str
    lifetime: int

    def __repr__(self) -> str:
        return "DeviceEntry(…)"


class DevicePending(ProtocolFault):
    """The person has not decided yet: the usual answer to a poll, and nothing to be warned of."""

    code = "authorization_pending"
    public = "The person has not decided yet. Ask again after the interval."


class DeviceSlowDown(ProtocolFault):
    """The device polls faster than it was told to; from now on it has to wait 5 seconds more (RFC 8628 3.5)."""

    code = "slow_down"
    public = "The device asks too often. Its interval is 5 seconds longer from now on."


class DeviceDenied(ProtocolFault):
    """The person declined."""

    code = "access_denied"
    public = "The person declined."


class DeviceExpired(ProtocolFault):
    """Nobody decided in time."""

    code = "expired_token"
    public = "The device code has expired. Start again."
