"""The frame by which clients watch a session (OpenID Connect Session Management 1.0 section 3)."""

from __future__ import annotations

import msgspec


class SessionFrameQuery(msgspec.Struct, frozen=True):
    """Ask for the frame, `check_session_iframe`."""


class SessionFrame(msgspec.Struct, frozen=True):
    """The frame of an issuer."""

    issuer: str
