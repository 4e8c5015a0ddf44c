"""What every store does when somebody leaves: whose rows end, whose stay, and what happens at the same instant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from intaglio.server.model import clients, endings, grants, identities, pushedrequests, sessions, tenants, users
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.pushedrequests import PushedRequest
from intaglio.server.registry import endings as plans
from intaglio.server.registry.endings import Ended
from intaglio.server.store import open as opening
from tests.conformance import store_suite as one
from tests.conformance.store_suite import NOW, TENANT, USER

OTHER = "00000000-0000-4000-8000-00000000000f"
# In a parameter it looks like the member of a record.
SLY = (("state", '","client_id":"web","tenant_id":"' + TENANT + '"'),)

Case = Callable[[Store], Awaitable[None]]


def _redeem(digest: bytes) -> Plan[None]:
    code = yield from grants.code_use(digest, NOW)
    if code is not None:
        yield from grants.grant_keep(grants.family(code, NOW, NOW + 600))


def _noted(number: int) -> Callable[[Any], Any]:
    return lambda record: msgspec.structs.replace(record, dialects={**record.dialects, str(number): {}})


def _disabled(record: Any) -> Any:
    return msgspec.structs.replace(record, disabled_at=NOW)


def _pushed(digest: bytes, tenant_id: str, client_id: str) -> PushedRequest:
    return PushedRequest(digest, tenant_id, "https://id.example", client_id, SLY, NOW, NOW + 600)  # type: ignore[arg-type]


class LeavingSuite:
    """The promises; a subclass for each engine says where the database is (the fixture `url`)."""

    @pytest.fixture
    def url(self) -> str:
        """Return the URL of an empty, migrated database."""
        raise NotImplementedError

    def run(self, url: str, case: Case) -> None:
        """Run a case on an open store."""

        async def go() -> None:
            store = await opening.open_store(url)
            try:
                await case(store)
            finally:
                await store.close()

        asyncio.run(go())

    def test_what_waits_is_whose_it_is(self, url: str) -> None:
        """The requests of a client or tenant go, wherever they wait; nobody writes themselves into another's."""

        async def case(store: Store) -> None:
            names = ((TENANT, "web"), ("", "web"), (TENANT, 'w"eb'), (OTHER, "web"), (TENANT, "web2"))
            for number, (tenant_id, client_id) in enumerate(names):
                key = bytes([number])
                made = one.transaction(key, tenant_id=tenant_id, client_id=client_id, parameters=SLY)
                await store.write(sessions.transaction_insert, made)
                await store.write(pushedrequests.insert, _pushed(key, tenant_id, client_id))

            async def left() -> list[list[bool]]:
                found = []
                for plan in (sessions.transaction_by_digest, pushedrequests.by_digest):
                    found.append([await store.read(plan, bytes([n]), NOW) is not None for n in range(len(names))])
                return found

            await store.write(endings.requests_of_client, TENANT, "web", NOW)
            assert await left() == [[False, False, True, True, True]] * 2
            await store.write(endings.requests_of_client, TENANT, 'w"eb', NOW)
            assert await left() == [[False, False, False, True, True]] * 2
            await store.write(identities.begin, one.upstream(b"there"))
            await store.write(identities.begin, one.upstream(b"elsewhere", tenant_id=OTHER))
            await store.write(endings.requests_of_tenant, TENANT, NOW)
            assert await left() == [[False, False, False, True, False]] * 2
            assert await store.write(identities.take, b"there", NOW) is None
            assert await store.write(identities.take, b"elsewhere", NOW) is not None

        self.run(url, case)

    def test_who_redeems_at_the_same_instant_keeps_nothing(self, url: str) -> None:
        """Twenty codes are redeemed while their user is ended: whichever came first, no grant is alive."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, one.tenant())
            await store.write(clients.insert, one.client())
            await store.write(users.insert, one.user())
            for n in range(20):
                made = one.session(session_id=f"s{n}", digest=bytes([n]))
                await store.write(sessions.insert, made)
                code = one.code(bytes([n]), session_id=f"s{n}", grant_id=f"g{n}", expires_at=NOW + 60)
                await store.write(grants.code_insert, code)
            redeemed = [store.write(_redeem, bytes([n])) for n in range(20)]
            ended = store.write(plans.end_user, TENANT, USER, NOW)
            await asyncio.gather(*redeemed[:10], ended, *redeemed[10:])
            found = [await store.read(grants.grant_by_id, f"g{n}") for n in range(20)]
            assert [grant for grant in found if grant is not None and grant.revoked_at is None] == []
            assert await store.read(endings.live_sessions, TENANT, ("", ""), NOW, 50) == []
            assert await store.write(plans.end_user, TENANT, USER, NOW) == Ended()

        self.run(url, case)

    def test_sessions_of_a_tenant_end_a_few_at_a_time(self, url: str) -> None:
        """Each is ended once, those of another tenant stay, and a tenant that is removed takes everything with it."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, one.tenant())
            await store.write(clients.insert, one.client())
            for n in range(7):
                await store.write(users.insert, one.user(f"u{n}", f"u{n}"))
                for number in range(2):
                    whose = {"user_id": f"u{n}", "session_id": f"s{n}-{number}", "digest": bytes([n, number])}
                    await store.write(sessions.insert, one.session(**whose))
            await store.write(sessions.insert, one.session(session_id="other", digest=b"other", tenant_id=OTHER))
            behind, seen = ("", ""), []
            while part := await store.read(endings.live_sessions, TENANT, behind, NOW, 3):
                seen += part
                behind = part[-1]
            assert seen == [(f"u{n}", f"s{n}-{number}") for n in range(7) for number in range(2)]
            assert await store.write(plans.end_some_sessions, TENANT, ("", ""), NOW) == (14, ("u6", "s6-1"))
            assert await store.write(plans.end_some_sessions, TENANT, ("", ""), NOW) == (0, ("", ""))
            assert await store.read(sessions.by_id, "other", NOW) is not None
            counts = [await store.write(plans.delete_some, TENANT) for _ in range(3)]
            assert counts == [7, 1, 0]
            assert await store.write(plans.delete_tenant, TENANT, NOW)
            assert not await store.write(plans.delete_tenant, TENANT, NOW)
            assert await store.read(tenants.by_id, TENANT) is None

        self.run(url, case)

    def test_a_tenants_record_is_exchanged_once(self, url: str) -> None:
        """Of several who change the same version of a tenant one succeeds."""

        async def case(store: Store) -> None:
            made = one.tenant()
            await store.write(tenants.insert, made)
            changed = [msgspec.structs.replace(made, name=f"n{n}") for n in range(6)]
            done = await asyncio.gather(*(store.write(tenants.exchange, made, after) for after in changed))
            assert done.count(True) == 1
            assert await store.read(tenants.by_id, TENANT) == changed[done.index(True)]

        self.run(url, case)

    def test_a_tenants_own_clients_are_listed(self, url: str) -> None:
        """In pages, without applications of other tenants, whatever they are called."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, one.tenant())
            for name in ("a", "b", "c", "d"):
                home = OTHER if name == "c" else ""
                sly = '"home_tenant_id":"' + OTHER
                await store.write(clients.insert, one.client(client_id=name, home_tenant_id=home, client_name=sly))
            seen = [await store.read(clients.own, TENANT, *asked) for asked in (("", 0, 2), ("", 1, 9), ("b", 0, 9))]
            assert [([client.client_id for client in found], total) for found, total in seen] == [
                (["a", "b"], 3),
                (["b", "d"], 3),
                (["d"], 3),
            ]

        self.run(url, case)

    def test_nothing_overrules_who_disables(self, url: str) -> None:
        """Eight who change a user, client or tenant at the same instant lose nothing, and undo nothing."""

        async def case(store: Store) -> None:
            await store.write(tenants.insert, one.tenant())
            await store.write(clients.insert, one.client())
            await store.write(users.insert, one.user())
            places: tuple[tuple[Any, tuple[str, ...]], ...] = (
                (users, (TENANT, USER)),
                (clients, (TENANT, "web")),
                (tenants, (TENANT,)),
            )
            for module, named in places:
                writes = [store.write(module.revise, *named, _noted(number)) for number in range(8)]
                await asyncio.gather(*writes[:4], store.write(module.revise, *named, _disabled), *writes[4:])
                found = await store.read(module.by_id, *named)
                assert found.disabled_at == NOW
                assert set(found.dialects) == {str(number) for number in range(8)}

        self.run(url, case)
