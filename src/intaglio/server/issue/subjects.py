"""Which subject one client is told of one user: the dialect's own, or a pairwise one that nobody else is told.

OpenID Connect Core 8 (subject types), 8.1 (pairwise identifiers), OpenID Connect Front-Channel Logout 1.0 section 3
(`sid`).
"""

from __future__ import annotations

import hashlib
import hmac

from intaglio import codec
from intaglio.dialects.dialect import Dialect
from intaglio.names import Subject
from intaglio.server.model.clients import Client


class Subjects:
    """Decides subjects under one derived key; the only place where a user becomes a `sub`. Does not print itself."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Keep the key of 32 octets that pairwise subjects are derived with; another key makes other subjects."""
        self._key = key

    def __repr__(self) -> str:
        return "Subjects(…)"

    def of(self, dialect: Dialect, client: Client | None, user_id: str) -> Subject:
        """Return the subject of a user as the client is told it; None for the client is a public one.

        A pairwise subject depends on tenant, sector and user alone, so it never changes, and clients of one sector are
        told the same.
        """
        if client is None:
            return dialect.subject(user_id, "")
        if dialect.profile.pairwise:
            return dialect.subject(user_id, self._derived("subject", client, user_id))
        return dialect.subject(user_id, self.pairwise(client, user_id))

    def pairwise(self, client: Client, user_id: str) -> str:
        """Return the pairwise identifier of a user, 43 characters, empty for a client with public subjects."""
        return self._derived("subject", client, user_id) if client.subject_type == "pairwise" else ""

    def sid(self, client: Client | None, session_id: str) -> str:
        """Return a session's `sid` as the client is told it: its own for each sector of pairwise subjects.

        Two sectors that were told one `sid` would know that it is one person (OpenID Connect Core 8.1).
        """
        if client is None or client.subject_type != "pairwise" or not session_id:
            return session_id
        return self._derived("session", client, session_id)

    def told_sid(self, dialect: Dialect, client: Client | None, session_id: str) -> str:
        """Return a session's `sid` in the form in which the dialect's tokens have it."""
        found = self.sid(client, session_id)
        return dialect.session_name(found) if found and dialect.session_name is not None else found

    def _derived(self, kind: str, client: Client, value: str) -> str:
        # A client without a sector is a sector of its own; never is it told a public subject.
        sector = ["host", client.sector_identifier] if client.sector_identifier else ["client", client.client_id]
        # OpenID Connect Core 8.1: not reversible by any party but the provider, distinct for each sector. As JSON, no
        # two lists of words are one text.
        told = codec.encode_json([kind, client.tenant_id, *sector, value])
        return codec.encode_base64url(hmac.digest(self._key, told, hashlib.sha256))
