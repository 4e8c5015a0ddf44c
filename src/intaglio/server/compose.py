"""The only place where interfaces meet implementations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from intaglio.clock import Clock, SystemClock
from intaglio.dialects import registry
from intaglio.errors import Misconfigured
from intaglio.names import RingId, TenantId
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.http.csrf import Forms
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Tenancy
from intaglio.server.issue.mint import Mint
from intaglio.server.jobs.engine import Engine
from intaglio.server.keyring import vault as vaults
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation, logoutnotices
from intaglio.server.model.logoutnotices import LogoutNotice
from intaglio.server.model.outbox import Entry
from intaglio.server.model.plan import Store, decode
from intaglio.server.provider.logout import back_channel
from intaglio.server.provider.scene import House
from intaglio.server.settings import Outgoing, Settings
from intaglio.server.store import migrate
from intaglio.server.store import open as stores
from intaglio.server.web.render import HTMLPages
from intaglio.server.workload.place import Works
from intaglio.wire.flow import Driver, Flow

if TYPE_CHECKING:
    from intaglio.net.forwarding import Forwarder
    from intaglio.net.pooled import PooledDriver

T = TypeVar("T")

PROOF = "master-key-proof"
PROOF_TEXT = b"intaglio"


class Administration:
    """What commands that change or show records work with. The vault is made when it is first needed.

    `outgoing` fetches what a client's registration makes necessary.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault | None, passwords: Passwords, outgoing: Driver) -> None:
        self.store = store
        self.clock = clock
        self.passwords = passwords
        self.outgoing = outgoing
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

    @property
    def house(self) -> House:
        """What the provider's functions work with, of which nothing has begun; it may call nobody."""
        return house_of(self.store, self.vault, self.clock, self.passwords)


def client_secrets(vault: Vault) -> ClientSecrets:
    """Return what hashes client secrets under the installation's key."""
    return ClientSecrets(vault.derive("client-secrets"), vault)


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
async def works(settings: Settings, clock: Clock) -> AsyncIterator[Works]:
    """Open what workloads' functions work with, for a process beside the server that calls nobody.

    Raises `Misconfigured` (`master-key-missing`, `master-key-wrong`, and those of the storage).
    """
    vault = open_vault(settings)
    if vault is None:
        raise Misconfigured("master-key-missing", "This needs the master key.")
    store = await stores.open_store(settings.database.url)
    try:
        await prove(store, vault)
        keyring = Keyring(store, vault, clock)
        mint = Mint(keyring)
        yield Works(store, clock, keyring, mint, vault)
        mint.close()
    finally:
        await store.close()


@asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[Administration]:
    """Open the configured database for commands; raises `Misconfigured`, `Unavailable`."""
    store = await stores.open_store(settings.database.url)
    passwords, outward = Passwords(), Outward(settings.outgoing)
    try:
        vault = open_vault(settings)
        if vault is not None:
            await prove(store, vault)
        yield Administration(store, SystemClock(), vault, passwords, outward)
    finally:
        await outward.aclose()
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


def house_of(store: Store, vault: Vault, clock: Clock, passwords: Passwords, outward: Driver | None = None) -> House:
    """Put together what the provider's functions work with."""
    keyring = Keyring(store, vault, clock)
    return House(
        store,
        clock,
        keyring,
        Mint(keyring),
        client_secrets(vault),
        passwords,
        successor_key=vault.derive("refresh-successors"),
        throttle_key=vault.derive("throttles"),
        subject_key=vault.derive("pairwise-subjects"),
        outgoing=outward,
        vault=vault,
    )


def assemble(
    store: Store,
    vault: Vault,
    clock: Clock,
    passwords: Passwords,
    *,
    development: bool,
    outward: Driver | None = None,
) -> Hall:
    """Put the server's parts together over one store; `outward` runs the calls that clients make necessary."""
    house = house_of(store, vault, clock, passwords, outward)
    return Hall(
        house,
        Works(store, clock, house.keyring, house.mint, vault, outward),
        Tenancy(store),
        HTMLPages(),
        Forms(vault.derive("forms")),
        clock,
        development=development,
    )


def engine(house: House) -> Engine:
    """Return what works through the outbox: who does which kind of thing is said here."""

    async def tell_of_logout(entry: Entry) -> None:
        notice = decode(entry.record, LogoutNotice)
        await back_channel.tell(notice, entry.entry_id, house.clock.now(), house, registry.DIALECTS)

    return Engine(house.store, house.clock, {logoutnotices.KIND: tell_of_logout})


def outgoing(trusted: str, ca_file: str | None) -> Driver:
    """Return what runs outgoing flows to the host of the trusted URL.

    The authorities in `ca_file` are trusted besides the system's. What it needs is loaded here, for most starts never
    come to it.
    """
    from intaglio.net.guard import Guard  # noqa: PLC0415
    from intaglio.net.pooled import PooledDriver  # noqa: PLC0415

    return PooledDriver(Guard((trusted,)), ca_file=ca_file)


class Outside:
    """Opens connections for a gate: to the issuers that it was told of, and to the services behind it."""

    def __init__(self, ca_file: str | None, connect_seconds: float, idle_seconds: float) -> None:
        self._ca_file = ca_file
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._opened: list[PooledDriver | Forwarder] = []

    def outgoing(self, trusted: tuple[str, ...]) -> Driver:
        """Return what runs calls to public hosts and to those of the trusted URLs."""
        from intaglio.net.guard import Guard  # noqa: PLC0415
        from intaglio.net.pooled import PooledDriver  # noqa: PLC0415

        driver = PooledDriver(Guard(trusted), ca_file=self._ca_file)
        self._opened.append(driver)
        return driver

    def upstream(self, origin: str) -> Forwarder:
        """Return what passes requests on to an origin; raises `Misconfigured` (`upstream-unusable`)."""
        from intaglio.net.forwarding import Forwarder  # noqa: PLC0415

        forwarder = Forwarder(
            origin, ca_file=self._ca_file, connect_seconds=self._connect_seconds, idle_seconds=self._idle_seconds
        )
        self._opened.append(forwarder)
        return forwarder

    async def aclose(self) -> None:
        """Close every connection."""
        for opened in self._opened:
            await opened.aclose()


class Outward:
    """Runs the flows that clients make necessary: to whom the guard lets them, in bounds that the operator set.

    Connections, the machine's trust and what they need are loaded when the first flow comes: most processes make no
    such call. One of these belongs to one event loop.
    """

    def __init__(self, configured: Outgoing) -> None:
        self._configured = configured
        self._driver: PooledDriver | None = None

    def __repr__(self) -> str:
        return "Outward(…)"

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; `Unavailable` of a call that failed or may not be made is thrown into it."""
        if self._driver is None:
            self._driver = self._made()
        return await self._driver.run(flow)

    def _made(self) -> PooledDriver:
        from intaglio.net.guard import Guard, Limits  # noqa: PLC0415
        from intaglio.net.pooled import PooledDriver  # noqa: PLC0415

        told = self._configured
        limits = Limits(told.size_limit_octets, told.time_limit_seconds)
        ca_file = str(told.ca_file) if told.ca_file is not None else None
        return PooledDriver(Guard(allow=told.allow), ca_file=ca_file, limits=limits, connections=100, per_host=8)

    async def aclose(self) -> None:
        """Close the connections, if there are any."""
        if self._driver is not None:
            await self._driver.aclose()


def ring_of(tenant_id: TenantId) -> RingId:
    """Return the key ring of a tenant: its own."""
    return RingId(tenant_id)
