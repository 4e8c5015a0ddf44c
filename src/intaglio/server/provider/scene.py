"""Where a request plays, and who is there to answer it."""

from __future__ import annotations

import msgspec

from intaglio.clock import Clock
from intaglio.dialects.dialect import Dialect
from intaglio.names import Issuer, RingId
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.issue.mint import Mint
from intaglio.server.issue.subjects import Subjects
from intaglio.server.keyring import rings
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.vault import Vault
from intaglio.server.limits.rates import Rates
from intaglio.server.model import clients, connections, users
from intaglio.server.model.audit import Source
from intaglio.server.model.clients import Client
from intaglio.server.model.connections import Connection
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.provider import applications
from intaglio.server.provider.issuerkeys import IssuerKeys
from intaglio.server.provider.keyplaces import KeyPlaces
from intaglio.server.provider.otherproviders import Upstreams
from intaglio.wire.flow import Driver
from intaglio.wire.message import Noted


class Scene(msgspec.Struct, frozen=True):
    """One request's circumstances.

    `session_secret` and `browser_secret` are what the browser's cookies for this issuer hold, empty if nothing.
    `device` says in a few words which browser it is, where a sign-in needs to know. `variant` is the dialect's name for
    the version of the endpoints; sessions and cookies are kept under the issuer without it, which is `kept_under`
    where that is another. `opened_from` is the issuer of the open address at which this began, where it was one.
    `attached` is the client_id of the application that the listener speaks for, empty for none. `noted` takes what the
    operator is told of the request. `inside` is where the endpoints start under the name for programs inside a network,
    empty for none; `from_inside` tells that this request came by that name.
    """

    tenant: Tenant
    dialect: Dialect
    issuer: Issuer
    base: str
    now: int
    ref: str
    peer: str = ""
    authority: str = ""
    session_secret: str = ""
    browser_secret: str = ""
    device: str = ""
    variant: str = ""
    kept_under: str = ""
    opened_from: str = ""
    attached: str = ""
    noted: Noted | None = None
    inside: str = ""
    from_inside: bool = False

    def __repr__(self) -> str:
        return f"Scene({self.issuer}, {self.ref})"

    @property
    def session_issuer(self) -> str:
        """The issuer under which the browser keeps its session."""
        return self.kept_under or self.issuer

    @property
    def source(self) -> Source:
        """Where the request came from, as the audit log tells it."""
        return Source(self.ref, self.peer, self.dialect.name)

    @property
    def is_open(self) -> bool:
        """Whether it is not known yet which tenant this is about."""
        return not self.tenant.tenant_id

    @property
    def ring_id(self) -> RingId:
        """The key ring that signs here: the tenant's own, or the authority's that its tenants share."""
        return rings.ring_id(self.dialect, self.tenant.tenant_id, self.authority)


class House:
    """What the provider's functions work with; one a process. `outgoing` is None where nothing may be called."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keyring: Keyring,
        mint: Mint,
        secrets: ClientSecrets,
        passwords: Passwords,
        *,
        successor_key: bytes,
        throttle_key: bytes,
        subject_key: bytes,
        outgoing: Driver | None = None,
        vault: Vault | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.keyring = keyring
        self.mint = mint
        self.secrets = secrets
        self.passwords = passwords
        self.successor_key = successor_key
        self.throttle_key = throttle_key
        self.subjects = Subjects(subject_key)
        self.outgoing = outgoing
        self.vault = vault
        self.rates = rates if rates is not None else Rates({}, b"")
        self.key_places = KeyPlaces()
        self.issuer_keys = IssuerKeys(clock)
        self.upstreams = Upstreams()
        self._connections: Recent[tuple[Connection, ...]] = Recent()
        self._clients: Recent[Client] = Recent()
        self._users: Recent[User] = Recent()

    def __repr__(self) -> str:
        return "House(…)"

    async def connections(self, scene: Scene) -> tuple[Connection, ...]:
        """Return the tenant's connections that are not disabled, by name."""
        tenant_id = scene.tenant.tenant_id
        found = self._connections.get(tenant_id, scene.now)
        if found is None:
            every = await self.store.read(connections.of_tenant, tenant_id)
            usable = tuple(one for one in every if one.disabled_at is None)
            found = self._connections.keep(tenant_id, usable, scene.now)
        return found

    def forget_clients(self) -> None:
        """Forget what was read of clients in this second, for one of them has changed."""
        self._clients.forget()

    async def user(self, scene: Scene, user_id: str) -> User | None:
        """Return the tenant's user of that id unless it is disabled."""
        key = (scene.tenant.tenant_id, user_id)
        user = self._users.get(key, scene.now)
        if user is None:
            user = await self.store.read(users.by_id, *key)
            if user is None or user.disabled_at is not None:
                return None
            self._users.keep(key, user, scene.now)
        return user

    async def absence(self, scene: Scene, client_id: str) -> str:
        """Return why `client` found none, as the reason of a fault.

        It is `client-missing`, `client-unknown`, `client-disabled`, or `client-not-shared` for an application of one
        tenant that is asked for where several are.
        """
        if not client_id or len(client_id) > 255:
            return "client-unknown" if client_id else "client-missing"
        found = await self._read_client(scene, client_id)
        elsewhere = await self.store.read(clients.anywhere, client_id) if found is None and scene.is_open else []
        if elsewhere:
            return "client-not-shared"
        return "client-disabled" if found is not None and found.disabled_at is not None else "client-unknown"

    async def client(self, scene: Scene, client_id: str) -> Client | None:
        """Return the tenant's client of that id unless it is disabled."""
        if not client_id or len(client_id) > 255:
            return None
        dialect, tenant = scene.dialect, scene.tenant
        key = (tenant.tenant_id or tenant.slug, client_id, dialect.name)
        client = self._clients.get(key, scene.now)
        if client is None:
            client = await self._read_client(scene, client_id)
            if client is None or client.disabled_at is not None:
                return None
            client = self._clients.keep(key, _switched(client, dialect), scene.now)
        return client

    async def _read_client(self, scene: Scene, client_id: str) -> Client | None:
        """Return the tenant's client, disabled or not; in an authority of many tenants also another's that it uses."""
        if scene.dialect.profile.shares_ring:
            return await self.store.read(applications.shared, scene.tenant, client_id)
        client = await self.store.read(clients.by_id, scene.tenant.tenant_id, client_id)
        return None if client is not None and client.home_tenant_id else client


def _switched(client: Client, dialect: Dialect) -> Client:
    """Return the client with the response types that its settings of the dialect switch on."""
    settings = client.dialects.get(dialect.name)
    more = dialect.enables(settings) if settings and dialect.enables is not None else ()
    if not more:
        return client
    types = tuple(dict.fromkeys((*client.response_types, *more)))
    return msgspec.structs.replace(
        client, response_types=types, grant_types=tuple(dict.fromkeys((*client.grant_types, "implicit")))
    )
