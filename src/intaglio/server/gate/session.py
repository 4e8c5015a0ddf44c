"""What a browser keeps for the gate: who signed in, and the sign-in that is under way; sealed, so that it says nothing.

RFC 6265bis sections 4.1.3 (__Host-) and 5.6.7 (SameSite).
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from intaglio.errors import Misconfigured
from intaglio.relying.records import Transaction
from intaglio.server.gate.asked import Asked
from intaglio.server.keyring.vault import Vault
from intaglio.wire.message import Headers

T = TypeVar("T")

SIGN_IN_SECONDS = 600
MAX_SIGN_INS = 5
"""How many sign-ins one browser may have under way, as when it opens many tabs at once."""
MAX_COOKIE = 3500
_VALUE = re.compile(r"[A-Za-z0-9._\-]+", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_\-]{1,16}", re.ASCII)


class Session(msgspec.Struct, frozen=True):
    """Who signed in, in which session of the issuer. Instants are epoch seconds."""

    user_id: str
    issued_at: int
    expires_at: int
    session_id: str = ""

    def __repr__(self) -> str:
        return f"Session({self.user_id})"


class Begun(msgspec.Struct, frozen=True):
    """A sign-in under way, and where it is to end: path and query of the page that was asked for."""

    state: str
    nonce: str
    code_verifier: str
    target: str
    expires_at: int

    @property
    def transaction(self) -> Transaction:
        """What the relying party compares with."""
        return Transaction(state=self.state, nonce=self.nonce, code_verifier=self.code_verifier)

    def __repr__(self) -> str:
        return "Begun(…)"


class Jar:
    """The gate's cookies for one service. Does not print itself."""

    def __init__(self, vault: Vault, label: str, purpose: str, *, secure: bool) -> None:
        self._vault = vault
        self._purpose = purpose
        self._secure = secure
        # The prefix pins it to the host: no neighbour under the same domain can set one.
        self.prefix = f"{'__Host-' if secure else ''}intaglio-gate-"
        # Ports of one host share their cookies, as they do on a developer's machine.
        self._session = f"{self.prefix}{label}-session"
        self._sign_in = f"{self.prefix}{label}-signin-"

    def __repr__(self) -> str:
        return "Jar(…)"

    def session(self, asked: Asked, now: int) -> Session | None:
        """Return who signed in in this browser; None if nobody did, or too long ago."""
        found = self._opened(self._values(asked).get(self._session, []), "session", Session)
        return found if found is not None and found.issued_at <= now + 60 and now < found.expires_at else None

    def begun(self, asked: Asked, state: str, now: int) -> Begun | None:
        """Return the sign-in of a state; None if none of that state is under way in this browser."""
        found = self._opened(self._values(asked).get(self._sign_in + state[:16], []), "sign-in", Begun)
        return found if found is not None and found.state == state and now < found.expires_at else None

    def keep_session(self, session: Session, now: int) -> tuple[str, str]:
        """Return the Set-Cookie header of a session."""
        return self._write(self._session, self._sealed(session, "session"), session.expires_at - now)

    def keep_begun(self, begun: Begun) -> tuple[str, str]:
        """Return the Set-Cookie header of a sign-in."""
        return self._write(self._sign_in + begun.state[:16], self._sealed(begun, "sign-in"), SIGN_IN_SECONDS)

    def forget_session(self) -> tuple[str, str]:
        """Return the Set-Cookie header that ends a session."""
        return self._write(self._session, "", 0)

    def forget_begun(self, state: str) -> Headers:
        """Return the Set-Cookie header that ends a sign-in."""
        label = state[:16]
        return (self._write(self._sign_in + label, "", 0),) if _LABEL.fullmatch(label) else ()

    def crowded(self, asked: Asked) -> Headers:
        """Return the Set-Cookie headers that end the sign-ins under way, where there are too many of them."""
        labels = [name.removeprefix(self._sign_in) for name in self._values(asked) if name.startswith(self._sign_in)]
        if len(labels) < MAX_SIGN_INS:
            return ()
        return tuple(header for label in labels[:50] for header in self.forget_begun(label))

    def _values(self, asked: Asked) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for header in asked.every("cookie"):
            for part in header.split(";"):
                name, _, value = part.strip().partition("=")
                if name.startswith(self.prefix):
                    found.setdefault(name, []).append(value)
        return found

    def _opened(self, values: list[str], kind: str, record: type[T]) -> T | None:
        # Two cookies of one name: one of them is somebody else's idea.
        if len(values) != 1 or len(values[0]) > MAX_COOKIE or not _VALUE.fullmatch(values[0]):
            return None
        try:
            return msgspec.json.decode(self._vault.open(values[0], f"{self._purpose}/{kind}"), type=record)
        except (Misconfigured, msgspec.DecodeError):
            return None

    def _sealed(self, record: msgspec.Struct, kind: str) -> str:
        return self._vault.seal(msgspec.json.encode(record), f"{self._purpose}/{kind}")

    def _write(self, name: str, value: str, max_age: int) -> tuple[str, str]:
        flags = "; Secure" if self._secure else ""
        return "set-cookie", f"{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{flags}"
