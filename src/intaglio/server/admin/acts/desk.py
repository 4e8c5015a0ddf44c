"""Where an act is performed: with what, by whom, and how far their rights reach."""

from __future__ import annotations

from typing import Literal, Protocol

from intaglio.clock import Clock
from intaglio.errors import Denied
from intaglio.server.admin import tenants
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import administrators
from intaglio.server.model.administrators import Administrator
from intaglio.server.model.plan import Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry.deeds import Actor
from intaglio.wire.flow import Driver

Right = Literal["read", "write", "own"]
NEEDED: dict[Right, administrators.Role] = {"read": "viewer", "write": "manager", "own": "owner"}


class Office(Protocol):
    """What acts work with; commands have it of the configured database, the API of the running server."""

    @property
    def store(self) -> Store:
        """The database."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def vault(self) -> Vault:
        """What seals private keys; raises `Misconfigured` (`master-key-missing`)."""
        ...

    @property
    def secrets(self) -> ClientSecrets:
        """What hashes client secrets; raises `Misconfigured` (`master-key-missing`)."""
        ...

    @property
    def passwords(self) -> Passwords:
        """What hashes passwords."""
        ...

    @property
    def outgoing(self) -> Driver | None:
        """What fetches; None where nothing may be called."""
        ...


class Desk:
    """One act's place. `rights` are an administrator's, None for whoever has the database itself: everything."""

    def __init__(self, office: Office, actor: Actor, rights: tuple[Administrator, ...] | None = None) -> None:
        self.store = office.store
        self.clock = office.clock
        self.passwords = office.passwords
        self.outgoing = office.outgoing
        self.actor = actor
        self.rights = rights
        self._office = office

    def __repr__(self) -> str:
        return f"Desk({self.actor.principal})"

    @property
    def vault(self) -> Vault:
        """What seals private keys; raises `Misconfigured` (`master-key-missing`)."""
        return self._office.vault

    @property
    def secrets(self) -> ClientSecrets:
        """What hashes client secrets; raises `Misconfigured` (`master-key-missing`)."""
        return self._office.secrets

    # --- how far the rights reach

    def may(self, right: Right, tenant_id: str = "") -> bool:
        """Tell whether the administrator has a right over a tenant, or over all where none is named."""
        least = administrators.ROLES.index(NEEDED[right])
        return self.rights is None or any(
            one.scope in ("", tenant_id) and administrators.ROLES.index(one.role) >= least for one in self.rights
        )

    def demand(self, right: Right, tenant_id: str = "") -> None:
        """Check a right over a tenant, or over all where none is named; raises `Denied` (`right-missing`)."""
        if not self.may(right, tenant_id):
            where = "this tenant" if tenant_id else "all tenants"
            raise denied(f"the role {NEEDED[right]} over {where}", self._role())

    async def tenant(self, name: str, right: Right) -> Tenant:
        """Return the tenant of a slug or UUID over which the administrator has a right.

        Raises `Misconfigured` (`tenant-unknown`), `Denied` (`right-missing`).
        """
        found = await tenants.show(self.store, name)
        # SECURITY: what is beyond somebody's reach is not told to be there (test_a_tenant_out_of_reach_is_unknown).
        if not self.may("read", found.tenant_id):
            raise tenants.unknown(name)
        self.demand(right, found.tenant_id)
        if right != "read":
            await self._guard(found)
        return found

    async def _guard(self, tenant: Tenant) -> None:
        """Check that no administrator lives in a tenant who may do more than this one.

        SECURITY: whoever may change a tenant can become each of its users and clients: by a password, an address, a
        redirect URI, a secret. So nobody changes the home of those who may do more (test_no_way_up).
        """
        if self.rights is None:
            return
        for one in await self.store.read(administrators.living_in, tenant.tenant_id):
            if not self.covers(one):
                raise denied("the rights of every administrator who lives in this tenant", self._role(), _HOME)

    def covers(self, one: Administrator) -> bool:
        """Tell whether this administrator may do whatever another may."""
        return self.rights is None or any(own.covers(one) for own in self.rights)

    def _role(self) -> str:
        return ", ".join(sorted({one.role for one in self.rights or ()})) or "no role"


_HOME = "Ask an owner; or keep administrators in a tenant of their own."


def denied(
    expected: str, received: str, hint: str = "Ask an administrator who may, or an owner for the right."
) -> Denied:
    """Return the refusal of somebody who is known and may not."""
    detail = {"expected": expected, "received": received}
    return Denied("right-missing", "Your rights do not reach that far.", detail=detail, hint=hint)
