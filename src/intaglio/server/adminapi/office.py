"""What acts work with inside a running server."""

from __future__ import annotations

from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.keyring.vault import Vault
from intaglio.server.model.plan import Store
from intaglio.server.provider.scene import House
from intaglio.wire.flow import Driver


class Office:
    """The server's own parts, as acts know them."""

    def __init__(self, house: House) -> None:
        self._house = house

    def __repr__(self) -> str:
        return "Office(…)"

    @property
    def store(self) -> Store:
        """The database."""
        return self._house.store

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._house.clock

    @property
    def vault(self) -> Vault:
        """What seals private keys; raises `Misconfigured` (`master-key-missing`)."""
        if self._house.vault is None:
            raise Misconfigured("master-key-missing", "This needs the master key.")
        return self._house.vault

    @property
    def secrets(self) -> ClientSecrets:
        """What hashes client secrets."""
        return self._house.secrets

    @property
    def passwords(self) -> Passwords:
        """What hashes passwords."""
        return self._house.passwords

    @property
    def outgoing(self) -> Driver | None:
        """What fetches."""
        return self._house.outgoing
