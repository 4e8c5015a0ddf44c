"""The only place where interfaces meet implementations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
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
from intaglio.server.jobs.sealing import Sealer
from intaglio.server.keyring import vault as vaults
from intaglio.server.keyring.hardwarekey import HardwareKey
from intaglio.server.keyring.masterkeys import LocalKey, MasterKey
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.limits.rates import Rate, Rates
from intaglio.server.model import logoutnotices, sealchain
from intaglio.server.model.logoutnotices import LogoutNotice
from intaglio.server.model.outbox import Entry
from intaglio.server.model.plan import Store, decode
from intaglio.server.provider.logout import back_channel
from intaglio.server.provider.scene import House
from intaglio.server.settings.records import Outgoing, Settings
from intaglio.server.store import migrate
from intaglio.server.store import open as stores
from intaglio.server.web.render import HTMLPages
from intaglio.server.workload.place import Works
from intaglio.wire.flow import Driver, Flow

if TYPE_CHECKING:
    from pathlib import Path

    from intaglio.net.forwarding import Forwarder
    from intaglio.net.pooled import PooledDriver
    from intaglio.server.store.recovery.manifest import Manifest
    from intaglio.server.store.recovery.sides import Counted, Tell

T = TypeVar("T")


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
                hint="Set INTAGLIO_KEYS__MASTER_KEY_FILE, or keys.master_key_file in the configuration file.",
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


def master_key(settings: Settings) -> MasterKey | None:
    """Return the configured master key, None if there is none; raises `Misconfigured` (`master-key-unreadable`, …)."""
    key, token = settings.master_key, settings.master_token
    if token is not None:
        return HardwareKey(token.module, token.token, token.label, token.pin)
    return LocalKey(vaults.read_master_key(key.reveal())) if key is not None else None


def lock(settings: Settings, store: Store) -> Lock:
    """Return what unlocks the vault of a database; raises `Misconfigured` (`master-key-missing`)."""
    master = master_key(settings)
    if master is None:
        raise Misconfigured(
            "master-key-missing",
            "This needs the master key.",
            hint="Set INTAGLIO_KEYS__MASTER_KEY_FILE, or keys.master_key_file in the configuration file.",
        )
    return Lock(store, master)


@asynccontextmanager
async def unlocked(lock: Lock, clock: Clock) -> AsyncIterator[Vault]:
    """Open the vault, and follow its keys for as long as a process works with it.

    Raises `Misconfigured` (`master-key-wrong`, `vault-keys-unusable`, `vault-keys-missing`), `Unavailable`.
    """
    vault = await lock.open(clock.now())
    following = asyncio.create_task(lock.follow(vault, clock))
    try:
        yield vault
    finally:
        following.cancel()


@asynccontextmanager
async def works(settings: Settings, clock: Clock) -> AsyncIterator[Works]:
    """Open what workloads' functions work with, for a process beside the server that calls nobody.

    Raises `Misconfigured` (`master-key-missing`, `master-key-wrong`, and those of the storage).
    """
    store = await stores.open_store(settings.database.url)
    try:
        async with unlocked(lock(settings, store), clock) as vault:
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
        clock = SystemClock()
        master = master_key(settings)
        vault = await Lock(store, master).open(clock.now()) if master is not None else None
        yield Administration(store, clock, vault, passwords, outward)
    finally:
        await outward.aclose()
        passwords.close()
        await store.close()


@asynccontextmanager
async def keys_of(settings: Settings) -> AsyncIterator[tuple[Store, Lock, Clock]]:
    """Open the configured database for commands about its keys, which need not open with the configured master key.

    Raises `Misconfigured` (`master-key-missing` and those of the storage), `Unavailable`.
    """
    store = await stores.open_store(settings.database.url)
    try:
        yield store, lock(settings, store), SystemClock()
    finally:
        await store.close()


async def migrate_up(settings: Settings, *, contract: bool = False) -> list[migrate.Status]:
    """Apply pending migrations, contractions of a database in use only if told to; raises `Misconfigured`."""
    return await stores.prepare(settings.database.url, SystemClock().now(), contract=contract)


async def migrate_plan(settings: Settings) -> list[migrate.Migration]:
    """Return the migrations that are pending; raises `Misconfigured`."""
    return await stores.pending(settings.database.url)


async def back_up(settings: Settings, file: Path, tell: Tell) -> Manifest:
    """Write a backup of the configured database; raises as `store.recovery.backup.back_up` does."""
    from intaglio.server.store.recovery import backup  # noqa: PLC0415 -- commands need it, servers do not

    return await backup.back_up(settings.database.url, file, SystemClock().now(), tell)


async def check_backup(file: Path, tell: Tell) -> Manifest:
    """Return what a backup holds; raises as `store.recovery.backup.check` does."""
    from intaglio.server.store.recovery import backup  # noqa: PLC0415 -- as above

    return await backup.check(file, tell)


async def restore(
    settings: Settings, file: Path, tell: Tell, *, replace: bool
) -> tuple[Manifest, list[migrate.Status]]:
    """Write a backup into the configured database; raises as `store.recovery.backup.restore` does."""
    from intaglio.server.store.recovery import backup  # noqa: PLC0415 -- as above

    return await backup.restore(file, settings.database.url, SystemClock().now(), tell, replace=replace)


async def copy_database(source_url: str, target_url: str, tell: Tell, *, replace: bool) -> list[Counted]:
    """Copy a database into another one; raises as `store.recovery.transfer.copy` does."""
    from intaglio.server.store.recovery import transfer  # noqa: PLC0415 -- as above

    return await transfer.copy(source_url, target_url, SystemClock().now(), tell, replace=replace)


async def migrate_status(settings: Settings) -> list[migrate.Status]:
    """Return where the database stands; raises `Misconfigured`."""
    return await stores.status(settings.database.url)


async def open_store(url: str, clock: Clock, *, create: bool) -> Store:
    """Open a store, after applying migrations if `create`; raises `Misconfigured`, `Unavailable`."""
    if create and not url.endswith(":memory:"):
        # Whoever makes a database at its start, as development does, has no older program beside it.
        await stores.prepare(url, clock.now(), contract=True)
    return await stores.open_store(url)


def house_of(
    store: Store,
    vault: Vault,
    clock: Clock,
    passwords: Passwords,
    outward: Driver | None = None,
    limits: Mapping[str, Rate] | None = None,
) -> House:
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
        rates=Rates(limits or {}, vault.derive("rates")),
    )


def limits_of(settings: Settings) -> dict[str, Rate]:
    """Return the limits that the operator set."""
    return {name: Rate(one.count, one.seconds) for name, one in settings.limits.items()}


def assemble(
    store: Store,
    vault: Vault,
    clock: Clock,
    passwords: Passwords,
    *,
    development: bool,
    outward: Driver | None = None,
    limits: Mapping[str, Rate] | None = None,
) -> Hall:
    """Put the server's parts together over one store; `outward` runs the calls that clients make necessary."""
    house = house_of(store, vault, clock, passwords, outward, limits)
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


def sealer(house: House, vault: Vault, keep_days: int) -> Sealer:
    """Return what seals the audit log, and removes what is older than `keep_days` (0: nothing)."""
    return Sealer(house.store, house.clock, vault.derive(sealchain.PURPOSE), keep_days)


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
