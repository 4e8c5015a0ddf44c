"""Other issuers that vouch for a client: whose assertions stand in for the client's own.

RFC 7521 sections 4.2 and 6, RFC 7523 section 3.
"""

from __future__ import annotations

import msgspec


class TrustedIssuer(msgspec.Struct, frozen=True):
    """An issuer whose tokens about one subject, for one audience, are this client's; each compared letter for letter.

    `algorithms` are those with which it may sign.
    """

    issuer: str
    subject: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256",)
