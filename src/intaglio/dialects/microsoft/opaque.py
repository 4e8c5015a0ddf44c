"""Values that only their issuer reads: `uti`, `rh` and `aio`, in the shapes that they have elsewhere.

Microsoft's page "ID token claims reference". Each is made of the token's own UUID and of what the token says anyway, so
that they tell nothing more.
"""

from __future__ import annotations

import base64
import hashlib
import uuid

_AIO_OCTETS = 81


def uti(token_id: str) -> str:
    """Return the token's identifier: a GUID in base64url, 22 characters of which the last two are `AA`."""
    return _text(guid(token_id).bytes_le[:15] + b"\0")


def rh(tenant_id: str, client_id: str) -> str:
    """Return `rh`: the GUIDs of tenant and application between fixed octets."""
    return "0." + _text(b"\1\x30\0" + guid(tenant_id).bytes_le + guid(client_id).bytes_le + b"\x30\0\x6a") + "."


def aio(token_id: str) -> str:
    """Return `aio`: printable, of the token's own UUID alone."""
    return _text(hashlib.shake_256(b"intaglio/microsoft/aio/" + token_id.encode()).digest(_AIO_OCTETS))


def guid(text: str) -> uuid.UUID:
    """Return the GUID that a text is, or one that is derived from it."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(bytes=hashlib.sha256(b"intaglio/microsoft/guid/" + text.encode()).digest()[:16], version=4)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
