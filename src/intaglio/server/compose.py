"""The only place where interfaces meet implementations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from intaglio.clock import Clock, SystemClock
from intaglio.errors import Misconfigured
from intaglio.names import RingId, TenantId
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.http.csrf import Forms
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Tenancy
from intaglio.server.issue.mint import Mint
from intaglio.server.keyring import vault as vaults
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation
from intaglio.server.model.plan import Store
from intaglio.server.provider.scene import House
from intaglio.server.settings import Settings
from intaglio.server.store import migrate
from intaglio.server.store import open as stores
from intaglio.server.web.render import HTMLPages
from intaglio.server.workload.metadata import Workloads
from intaglio.wire.flow import Flow

T = TypeVar("T")

PROOF = "master-key-proof"
PROOF_TEXT = b"intaglio"


class Driver(Protocol):
    """Runs outgoing flows."""

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        ...


class Administration:
    """What commands that change or show records work with. The vault is made when it is first needed."""

    def __init__(self, store: Store, clock: Clock, vault: Vault | None, passwords: Passwords) -> None:
        self.store = store
        self.clock = clock
        self.passwords = passwords
        self._vault = vault

    def __repr__(self) -> str:
        return "Administration(…)"

    @property
    def vault(self) -> Vault:
        """The vault; raises `Misconfigured` (`master-key-missing`)."""
        if self._vault is None:
            raise Misconfigured(
                "master-key-missing",
                "This needs the master key.",
                hint="Set INTAGLIO_KEYS__MASTER_KEY_FILE, or keys.master_key in the configuration file.",
            )
        return self._vault

    @property
    def secrets(self) -> ClientSecrets:
        """What hashes client secrets."""
        return client_secrets(self.vault)


def client_secrets(vault: Vault) -> ClientSecrets:
    """Return what hashes client secrets under the installation's key."""
    return ClientSecrets(vault.derive("client-secrets"))


def open_vault(settings: Settings) -> Vault | None:
    """Return the vault of the configured master key, or None if there is none."""
    key = settings.master_key
    return Vault(vaults.read_master_key(key.reveal())) if key is not None else None


async def prove(store: Store, vault: Vault) -> None:
    """Check that the database belongs to this master key, or keep the proof if it is new.

    Raises `Misconfigured` (`master-key-wrong`).
    """
    sealed = await store.read(installation.fact, PROOF)
    if sealed is None:
        await store.write(installation.keep_fact, PROOF, vault.seal(PROOF_TEXT, PROOF))
        return
    vault.open(sealed, PROOF)


@asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[Administration]:
    """Open the configured database for commands; raises `Misconfigured`, `Unavailable`."""
    store = await stores.open_store(settings.database.url)
    passwords = Passwords()
    try:
        vault = open_vault(settings)
        if vault is not None:
            await prove(store, vault)
        yield Administration(store, SystemClock(), vault, passwords)
    finally:
        passwords.close()
        await store.close()


async def migrate_up(settings: Settings) -> list[migrate.Status]:
    """Apply pending migrations; raises `Misconfigured`."""
    return await stores.prepare(settings.database.url, SystemClock().now())


async def migrate_status(settings: Settings) -> list[migrate.Status]:
    """Return where the database stands; raises `Misconfigured`."""
    return await stores.status(settings.database.url)


async def open_store(url: str, clock: Clock, *, create: bool) -> Store:
    """Open a store, after applying migrations if `create`; raises `Misconfigured`, `Unavailable`."""
    if create and not url.endswith(":memory:"):
        await stores.prepare(url, clock.now())
    return await stores.open_store(url)


def assemble(store: Store, vault: Vault, clock: Clock, passwords: Passwords, *, development: bool) -> Hall:
    """Put the server's parts together over one store."""
    keyring = Keyring(store, vault, clock)
    mint = Mint(keyring)
    house = House(
        store,
        clock,
        keyring,
        mint,
        client_secrets(vault),
        passwords,
        successor_key=vault.derive("refresh-successors"),
        throttle_key=vault.derive("throttles"),
    )
    return Hall(
        house,
        Workloads(store, clock, mint),
        Tenancy(store),
        HTMLPages(),
        Forms(vault.derive("forms")),
        clock,
        development=development,
    )


def outgoing(trusted: str, ca_file: str | None) -> Driver:
    """Return what runs outgoing flows to the host of the trusted URL.

    The authorities in `ca_file` are trusted besides the system's. What it needs is loaded here, for most starts never
    come to it.
    """
    from intaglio.net.guard import Guard  # noqa: PLC0415
    from intaglio.net.pooled import PooledDriver  # noqa: PLC0415

    return PooledDriver(Guard((trusted,)), ca_file=ca_file)


def ring_of(tenant_id: TenantId) -> RingId:
    """Return the key ring of a tenant: its own."""
    return RingId(tenant_id)
