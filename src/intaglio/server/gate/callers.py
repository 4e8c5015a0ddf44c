"""Whom a token of the installation is about: a service account by its number, a user by the dialect's subject.

OpenID Connect Core 8 (a subject is never reassigned); an e-mail address alone is nobody.
"""

from __future__ import annotations

from typing import TypeVar

from intaglio import ids
from intaglio.dialects.dialect import Dialect
from intaglio.ids import Secret
from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.issue.subjects import Subjects
from intaglio.server.model import clients, grants, serviceaccounts, sessions, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.tokens.claims import IDToken

T = TypeVar("T")

PAGE = 500
MAX_PAGES = 100
"""Pages of users that are looked through for a subject at most: 50,000 users."""
MAX_KNOWN = 100_000
PATIENCE = 10
"""Seconds for which a subject that nobody has is not looked for again."""


class Callers:
    """Finds the principal of a token. A record is at most a second old; what a subject means never changes."""

    def __init__(self, store: Store, tenant_id: TenantId, subjects: Subjects) -> None:
        self._store = store
        self._subjects = subjects
        self._tenant_id = tenant_id
        self._accounts: Recent[tuple[ServiceAccount | None]] = Recent()
        self._users: Recent[tuple[User | None]] = Recent()
        self._tenants: Recent[tuple[Tenant | None]] = Recent(2)
        self._clients: Recent[tuple[Client | None]] = Recent(64)
        self._sessions: Recent[tuple[bool]] = Recent()
        self._meant: dict[tuple[str, str], str] = {}
        self._missed: dict[tuple[str, str], int] = {}

    async def account(self, token: IDToken, now: int) -> Principal | None:
        """Return the living service account that a token is about; None if it is about none."""
        held = self._accounts.get(token.sub, now)
        if held is None:
            found = await self._store.read(serviceaccounts.by_unique_id, self._tenant_id, token.sub)
            held = self._accounts.keep(token.sub, (found,), now)
        account = held[0]
        if account is None or not account.is_usable:
            return None
        # SECURITY: number and address must be one account's; the number decides (test_recycled_addresses).
        if token.claims.get("email", account.email) != account.email:
            return None
        # SECURITY: what was held before an account was deleted stays dead when it comes back
        # (test_d6_35_what_was_dead_stays_dead_at_the_gate).
        if token.iat < account.tokens_from or await self._is_closed(token.iat, now):
            return None
        return Principal("service_account", account.unique_id, account.email, account.project_id)

    async def user(self, token: IDToken, dialect: Dialect, now: int) -> Principal | None:
        """Return the user that a token is about; None if there is none, or if they were disabled."""
        user_id = await self._user_id(token, dialect, now)
        return None if user_id is None else await self.by_id(user_id, token.iat, now)

    async def by_id(self, user_id: str, since: int, now: int) -> Principal | None:
        """Return a user by UUID; None if there is none, or if all was ended that they had at the instant `since`."""
        held = self._users.get(user_id, now)
        if held is None:
            held = self._users.keep(user_id, (await self._store.read(users.by_id, self._tenant_id, user_id),), now)
        user = held[0]
        # SECURITY: who is disabled or signed out everywhere is so at the gate, and what ended stays ended
        # (test_a_session_of_the_gate_ends_with_all_others).
        if user is None or user.disabled_at is not None or since < user.tokens_from:
            return None
        if await self._is_closed(since, now):
            return None
        email = user.claims.get("email", "")
        confirmed = user.claims.get("email_verified") is True
        return Principal("user", user.user_id, email if confirmed else "")

    async def serves(self, client_id: str, since: int, now: int) -> bool:
        """Tell whether a client is there and not disabled, and was not when somebody signed in to it."""
        held = self._clients.get(client_id, now)
        if held is None:
            found = await self._store.read(clients.by_id, self._tenant_id, client_id)
            held = self._clients.keep(client_id, (found,), now)
        client = held[0]
        return client is not None and client.disabled_at is None and since >= client.tokens_from

    async def session_of(self, access_token: Secret, now: int) -> str:
        """Return the session of the issuer in which a token was given, empty if none is known."""
        found = await self._store.read(grants.access_with_grant, ids.digest(access_token.reveal()), now)
        return found[1].session_id if found is not None else ""

    async def goes_on(self, session_id: str, now: int) -> bool:
        """Tell whether a session of the issuer is live; true where none is known."""
        if not session_id:
            return True
        held = self._sessions.get(session_id, now)
        if held is None:
            found = await self._store.read(sessions.by_id, session_id, now)
            held = self._sessions.keep(session_id, (found is not None,), now)
        return held[0]

    async def _is_closed(self, since: int, now: int) -> bool:
        """Tell whether the tenant is disabled or gone, or was when something was issued."""
        held = self._tenants.get(self._tenant_id, now)
        if held is None:
            found = await self._store.read(tenants.by_id, self._tenant_id)
            held = self._tenants.keep(self._tenant_id, (found,), now)
        tenant = held[0]
        return tenant is None or tenant.disabled_at is not None or since < tenant.tokens_from

    async def _user_id(self, token: IDToken, dialect: Dialect, now: int) -> str | None:
        key = (dialect.name, token.sub)
        known = self._meant.get(key)
        if known is not None:
            return known
        if abs(now - self._missed.get(key, 0)) < PATIENCE:
            return None
        found = await self._by_names(token, dialect) or await self._by_search(token.sub, dialect)
        if found is None:
            _keep(self._missed, key, now)
            return None
        _keep(self._meant, key, found)
        return found

    async def _by_names(self, token: IDToken, dialect: Dialect) -> str | None:
        """Look at the users who have one of the token's names; only the subject decides that it is they."""
        same = await self._store.read(users.by_id, self._tenant_id, token.sub)
        if same is not None and self._subjects.of(dialect, None, same.user_id) == token.sub:
            return same.user_id
        for claim in ("preferred_username", "email"):
            name = token.claims.get(claim)
            if isinstance(name, str) and name:
                user = await self._store.read(users.by_name, self._tenant_id, name)
                if user is not None and self._subjects.of(dialect, None, user.user_id) == token.sub:
                    return user.user_id
        return None

    async def _by_search(self, subject: str, dialect: Dialect) -> str | None:
        after = ""
        for _ in range(MAX_PAGES):
            found = await self._store.read(users.page, self._tenant_id, after, PAGE)
            for user in found:
                if self._subjects.of(dialect, None, user.user_id) == subject:
                    return user.user_id
            if len(found) < PAGE:
                return None
            after = users.sign_in_name(found[-1].username)
        return None


def _keep(memory: dict[tuple[str, str], T], key: tuple[str, str], value: T) -> None:
    if len(memory) >= MAX_KNOWN:
        memory.clear()
    memory[key] = value
