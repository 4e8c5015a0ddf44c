"""What was read a moment ago of accounts, their keys and their callers: good for the second, and no longer."""

from __future__ import annotations

import msgspec

from intaglio.protocol.impersonation import Caller
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.recent import Recent
from intaglio.server.model.serviceaccounts import ServiceAccount


class FoundAccount(msgspec.Struct, frozen=True):
    """What was found for a name; None where there is no such account."""

    account: ServiceAccount | None


class Memory:
    """Remembers for a second what nearly every request needs; one a process. A change here calls `forget`."""

    def __init__(self) -> None:
        self.accounts: Recent[FoundAccount] = Recent()
        self.keys: Recent[list[AccountKey]] = Recent(1024)
        self.callers: Recent[Caller] = Recent()

    def __repr__(self) -> str:
        return "Memory(…)"

    def forget(self) -> None:
        """Forget everything, for an account, a key or a token has changed."""
        self.accounts.forget()
        self.keys.forget()
        self.callers.forget()
