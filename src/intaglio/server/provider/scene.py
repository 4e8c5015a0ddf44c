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
from intaglio.server.model import clients, users
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.provider.keyplaces import KeyPlaces
from intaglio.wire.flow import Driver


class Scene(msgspec.Struct, frozen=True):
    """One request's circumstances.

    `session_secret` and `browser_secret` are what the browser's cookies for this issuer hold, empty if nothing.
    `device` says in a few words which browser it is, where a sign-in needs to know. `variant` is the dialect's name for
    the version of the endpoints; sessions and cookies are kept under the issuer without it, which is `kept_under`
    where that is another.
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

    def __repr__(self) -> str:
        return f"Scene({self.issuer}, {self.ref})"

    @property
    def session_issuer(self) -> str:
        """The issuer under which the browser keeps its session."""
        return self.kept_under or self.issuer

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
        self.key_places = KeyPlaces()
        self._clients: Recent[Client] = Recent()
        self._users: Recent[User] = Recent()

    def __repr__(self) -> str:
        return "House(…)"

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

    async def client(self, scene: Scene, client_id: str) -> Client | None:
        """Return the tenant's client of that id unless it is disabled."""
        if not client_id or len(client_id) > 255:
            return None
        key = (scene.tenant.tenant_id, client_id)
        client = self._clients.get(key, scene.now)
        if client is None:
            client = await self.store.read(clients.by_id, *key)
            if client is None or client.disabled_at is not None:
                return None
            self._clients.keep(key, client, scene.now)
        return client
