"""Which local process may have which account: all of them the same one, or each Unix user its own."""

from __future__ import annotations

import pwd
import tomllib
from typing import Protocol

from intaglio.errors import Misconfigured
from intaglio.server.agent import peers
from intaglio.server.agent.files import Watched
from intaglio.server.agent.peers import Address

PATIENCE = 60
"""Seconds for which a list is in force that cannot be read any more, for it may be half written."""


class Accounts(Protocol):
    """Says whose tokens the other end of a connection may have."""

    def of(self, peer: Address, own: Address) -> str | None:
        """Return the account's e-mail address; None for nobody's."""
        ...


class Fixed:
    """Everybody who can reach this address has one account."""

    def __init__(self, email: str) -> None:
        self._email = email

    def of(self, peer: Address, own: Address) -> str | None:
        """Return the account."""
        del peer, own
        return self._email


class ByUser:
    """Each Unix user has an account of its own, and who is not listed has none."""

    def __init__(self, listed: Watched[dict[int, str]]) -> None:
        self._listed = listed

    def of(self, peer: Address, own: Address) -> str | None:
        """Return the account of the user who holds the other end, if the kernel is certain who that is."""
        user = peers.user_of(peer, own)
        return None if user is None else self._listed.get().get(user)


def read(octets: bytes) -> dict[int, str]:
    """Return accounts by user id from TOML: a table `users` of names or numbers.

    Raises `Misconfigured` (`accounts-unusable`).
    """
    try:
        users = tomllib.loads(octets.decode()).get("users")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise _unusable("TOML", "another text") from exc
    if not isinstance(users, dict) or not users:
        raise _unusable("a table `users`", "none")
    return {_number(name): _email(email) for name, email in users.items()}


def _number(name: str) -> int:
    number = int(name) if name.isascii() and name.isdigit() else _looked_up(name)
    if number == peers.NAMELESS:
        raise _unusable(f"another user than {peers.NAMELESS}, as whom many are shown", name[:80])
    return number


def _looked_up(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as exc:
        raise _unusable("a user of this machine", name[:80]) from exc


def _email(email: object) -> str:
    if not isinstance(email, str) or "@" not in email or not email.isprintable() or len(email) > 320:
        raise _unusable("an account's e-mail address", str(email)[:80])
    return email


def _unusable(expected: str, received: str) -> Misconfigured:
    detail = {"expected": expected, "received": received}
    return Misconfigured("accounts-unusable", "The file of accounts cannot be used.", detail=detail)
