"""A site with a tenant of operators: administrators of every kind, their tokens, and calls to the API."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from intaglio import ids
from intaglio.names import ClientId, GrantId, TenantId, UserId
from intaglio.protocol import circumstances
from intaglio.protocol.circumstances import Circumstances
from intaglio.server.admin import bootstrap
from intaglio.server.devmode import seeds
from intaglio.server.model import administrators, clients, grants, users
from intaglio.server.model.administrators import SCOPE, Administrator, Role
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Grant
from intaglio.server.model.users import User
from intaglio.server.registry.deeds import Actor
from tests import harness

API = "/_intaglio/admin/v1"
OPERATOR = Actor("operator", harness.NOW)
_NUMBER = itertools.count(1)


class Office:
    """Administrators of a site, and what they send."""

    def __init__(self, site: harness.Site) -> None:
        self.site = site
        made = site.run(bootstrap.prepare(site.store, site.clock, OPERATOR))
        self.home = made.tenant
        self.link = made.path
        self.owner = self.user("root", "owner")

    def user(self, name: str, role: Role | None = None, scope: str = "", tenant_id: str = "") -> User:
        """Make a user, of the tenant of operators unless another is named, with a role if one is."""
        tenant_id = tenant_id or self.home.tenant_id
        user_id = f"00000000-0000-4000-8000-{next(_NUMBER):012x}"
        made = User(TenantId(tenant_id), UserId(user_id), name, harness.NOW, harness.NOW)
        self.site.write(users.insert, made)
        if role is not None:
            self.appoint(made, role, scope)
        return made

    def appoint(self, who: User | Client, role: Role, scope: str = "") -> None:
        """Give somebody a role."""
        named = administrators.user(who.user_id) if isinstance(who, User) else administrators.client(who.client_id)
        self.site.write(administrators.put, Administrator(who.tenant_id, named, role, harness.NOW, scope))

    def app(self, tenant_id: str, client_id: str = bootstrap.CLIENT, **changes: Any) -> Client:
        """Register a client with which people of a tenant administer."""
        cli = self.site.client(bootstrap.CLIENT, self.home.tenant_id)
        made = msgspec.structs.replace(cli, tenant_id=TenantId(tenant_id), client_id=ClientId(client_id), **changes)
        self.site.write(clients.insert, made)
        return made

    def token(
        self, who: User | Client, scope: str = SCOPE, client_id: str = bootstrap.CLIENT, audience: str = ""
    ) -> str:
        """Give somebody an access token for an hour."""
        text = ids.opaque()
        grant = Grant(
            grant_id=GrantId(ids.new_uuid()),
            tenant_id=who.tenant_id,
            issuer=f"{self.site.base}/operators",
            client_id=ClientId(client_id) if isinstance(who, User) else who.client_id,
            user_id=who.user_id if isinstance(who, User) else "",
            session_id="",
            scope=scope,
            auth_time=harness.NOW,
            acr="",
            amr="",
            created_at=harness.NOW,
            expires_at=harness.NOW + 86_400,
            circumstances=circumstances.encode(Circumstances(audience=audience)),
        )
        self.site.write(grants.grant_insert, grant)
        token = AccessToken(ids.digest(text), grant.grant_id, scope, harness.NOW, harness.NOW + 3600)
        self.site.write(grants.access_insert, token)
        return text

    def send(
        self, method: str, path: str, payload: Any = None, *, token: str | None = None, **headers: str
    ) -> harness.Answer:
        """Send a request as the owner, or with another token; an empty one leaves it out."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        token = self.token(self.owner) if token is None else token
        if token:
            told["authorization"] = f"Bearer {token}"
        return self.site.request(method, API + path, headers=told, payload=payload)


def words(path: str) -> str:
    """Return the path of an act with words of the seeded tenant in it."""
    named = {
        "tenant": "default",
        "client_id": "web",
        "user": "alice",
        "key_id": "none",
        "secret_id": "none",
        "kind": "user",
        "name": "alice",
    }
    return "/".join(named[part[1:-1]] if part.startswith("{") else part for part in path.split("/"))


TENANT_ID = seeds.TENANT_ID
