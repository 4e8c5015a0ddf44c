"""What the outbox promises on every engine: nothing is lost, nothing is taken twice, no target burdens the others."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable

import msgspec

from intaglio.names import ClientId, SessionId
from intaglio.server.model import accounts, clients, grants, outbox, sessions, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.logoutnotices import LogoutNotice
from intaglio.server.model.plan import Ask, Plan, Store, decode
from intaglio.server.store import open as opening
from tests.conformance import store_suite
from tests.conformance.store_suite import NOW, TENANT, USER, entry

Case = Callable[[Store], Awaitable[None]]


def _end_and_fail(session_id: str) -> Plan[None]:
    yield from sessions.end(session_id, NOW)
    raise LookupError("after the decision")


def _noted(session_id: str) -> Plan[int]:
    return len((yield Ask("clients_of_session", {"session_id": session_id, "tenant_id": TENANT})))


async def _signed_in(store: Store, *told: Client) -> None:
    await store.write(tenants.insert, store_suite.tenant())
    await store.write(users.insert, store_suite.user())
    await store.write(sessions.insert, store_suite.session(dialect="standard"))
    for client in told:
        await store.write(clients.insert, client)
        await store.write(sessions.note_client, "session-1", client.client_id)


def _client(name: str, **changes: str) -> Client:
    return msgspec.structs.replace(store_suite.client(), client_id=ClientId(name), **changes)


BACK = _client("back", backchannel_logout_uri="https://rp.example/logout")
FRONT = _client("front", frontchannel_logout_uri="https://rp.example/frame")


class OutboxSuite:
    """The promises; a subclass for each engine says where the database is (the fixture `url`)."""

    def run(self, url: str, case: Case) -> None:
        """Run a case on an open store."""

        async def go() -> None:
            store = await opening.open_store(url)
            try:
                await case(store)
            finally:
                await store.close()

        asyncio.run(go())

    def test_ending_a_session_fills_the_outbox(self, url: str) -> None:
        """Each client with a back channel gets one entry, and whoever ends the session learns of all clients."""

        async def case(store: Store) -> None:
            await _signed_in(store, BACK, FRONT)
            assert await store.write(sessions.end, "session-1", NOW) == (BACK, FRONT)
            found = await store.write(outbox.claim, "me", NOW, NOW + 60, 4, 10)
            assert [decode(one.record, LogoutNotice) for one in found] == [
                LogoutNotice(TENANT, "https://id.example/acme", "standard", "back", USER, "session-1")
            ]
            assert await store.write(sessions.end, "session-1", NOW) == ()
            assert not await store.read(outbox.is_due, NOW + 30)

        self.run(url, case)

    def test_decision_and_entry_are_one(self, url: str) -> None:
        """If the transaction fails, the session lives and nobody is told of its end."""

        async def case(store: Store) -> None:
            await _signed_in(store, BACK)
            with contextlib.suppress(LookupError):
                await store.write(_end_and_fail, "session-1")
            assert await store.read(sessions.by_id, "session-1", NOW) is not None
            assert not await store.read(outbox.is_due, NOW)

        self.run(url, case)

    def test_only_live_sessions_note_clients(self, url: str) -> None:
        """A client is noted once, in a session that is live; notes go with their session."""

        async def case(store: Store) -> None:
            await _signed_in(store, BACK)
            await store.write(sessions.note_client, "session-1", "back")
            await store.write(sessions.note_client, "unknown", "back")
            assert await store.write(sessions.end, "session-1", NOW) == (BACK,)
            await store.write(clients.insert, FRONT)
            await store.write(sessions.note_client, "session-1", "front")
            assert await store.write(sessions.end, "session-1", NOW) == ()

        self.run(url, case)

    def test_a_client_is_noted_or_refused_but_never_forgotten(self, url: str) -> None:
        """Tokens and sign-out at the same instant: a client that was noted is told, in whichever order they came."""

        async def case(store: Store) -> None:
            await _signed_in(store)
            await store.write(clients.insert, BACK)
            for number in range(30):
                name = SessionId(f"s{number}")
                await store.write(sessions.insert, store_suite.session(session_id=name, digest=name.encode()))
                both = [store.write(sessions.note_client, name, "back"), store.write(sessions.end, name, NOW)]
                results = await asyncio.gather(*(both if number % 2 else reversed(both)))
                told = [one for one in results if one is not None]
                assert told == [(BACK,) * await store.read(_noted, name)], number

        self.run(url, case)

    def test_a_lease_is_held_and_runs_out(self, url: str) -> None:
        """Nobody else takes an entry under a lease; when it runs out, anybody does, and the old holder has lost it."""

        async def case(store: Store) -> None:
            await store.write(outbox.insert, entry())
            await store.write(outbox.insert, entry(record=b"another"))
            (first,) = await store.write(outbox.claim, "one", NOW, NOW + 60, 4, 10)
            assert first == entry(due_at=NOW + 60, attempts=1, lease="one")
            assert await store.write(outbox.claim, "two", NOW + 59, NOW + 119, 4, 10) == []
            (second,) = await store.write(outbox.claim, "two", NOW + 60, NOW + 120, 4, 10)
            assert (second.attempts, second.lease) == (2, "two")
            assert not await store.write(outbox.finish, first.entry_id, "one")
            await store.write(outbox.again, first, NOW, NOW)
            assert await store.write(outbox.claim, "one", NOW + 61, NOW + 120, 4, 10) == []
            assert await store.write(outbox.finish, second.entry_id, "two")
            assert await store.read(outbox.oldest, NOW + 1000) is None

        self.run(url, case)

    def test_a_target_has_its_share(self, url: str) -> None:
        """However much waits for one target, another's entry is taken at once, and a share is counted over claims."""

        async def case(store: Store) -> None:
            for number in range(20):
                await store.write(outbox.insert, entry(f"slow-{number:02}", target="slow"))
            await store.write(outbox.insert, entry("quick", target="quick", due_at=NOW + 1))
            names = sorted(one.entry_id for one in await store.write(outbox.claim, "me", NOW + 1, NOW + 60, 3, 10))
            assert names == ["quick", "slow-00", "slow-01", "slow-02"]
            assert await store.write(outbox.claim, "other", NOW + 1, NOW + 60, 3, 10) == []
            assert await store.write(outbox.finish, "slow-01", "me")
            (more,) = await store.write(outbox.claim, "other", NOW + 1, NOW + 60, 3, 10)
            assert more.entry_id == "slow-03"

        self.run(url, case)

    def test_a_failed_target_rests(self, url: str) -> None:
        """A failure puts the whole target off, so that what waits for it does not stand before others."""

        async def case(store: Store) -> None:
            for number in range(3):
                await store.write(outbox.insert, entry(f"slow-{number}", target="slow"))
            (first,) = await store.write(outbox.claim, "me", NOW, NOW + 60, 1, 10)
            await store.write(outbox.again, first, NOW + 8, NOW)
            assert not await store.read(outbox.is_due, NOW + 7)
            assert await store.read(outbox.oldest, NOW + 8) == NOW + 8
            assert len(await store.write(outbox.claim, "me", NOW + 8, NOW + 60, 4, 10)) == 3

        self.run(url, case)

    def test_many_takers_never_share_an_entry(self, url: str) -> None:
        """Claims at once divide what is due; together they take all of it, once."""

        async def case(store: Store) -> None:
            for number in range(60):
                await store.write(outbox.insert, entry(f"e{number:02}", target=f"t{number}"))
            rounds = await asyncio.gather(*(store.write(outbox.claim, f"w{n}", NOW, NOW + 60, 4, 9) for n in range(10)))
            rest = await store.write(outbox.claim, "last", NOW, NOW + 60, 4, 60)
            taken = [one.entry_id for one in itertools.chain(*rounds, rest)]
            assert sorted(taken) == [f"e{number:02}" for number in range(60)]

        self.run(url, case)

    def test_people_end_their_own_alone(self, url: str) -> None:
        """A session, a grant or a consent of another person, or of another tenant, is never touched."""

        async def case(store: Store) -> None:
            await _signed_in(store, BACK)
            for tenant_id, user_id in ((TENANT, "another"), ("another", USER)):
                assert await store.write(accounts.end_session, "session-1", tenant_id, user_id, NOW) is None
                assert await store.write(accounts.end_all, tenant_id, user_id, "", NOW) == ()
                assert await store.read(accounts.sessions_of, tenant_id, user_id, NOW) == []
            assert await store.read(sessions.by_id, "session-1", NOW) is not None
            own = store_suite.session(digest=b"second", session_id=SessionId("session-2"))
            await store.write(sessions.insert, own)
            assert await store.write(accounts.end_all, TENANT, USER, "session-1", NOW) == (BACK,)
            assert await store.read(accounts.sessions_of, TENANT, USER, NOW) == []

        self.run(url, case)

    def test_withdrawing_takes_back_everything(self, url: str) -> None:
        """Consent, grants and unredeemed codes of one person for one client; nothing of anybody else's."""

        async def case(store: Store) -> None:
            await _signed_in(store, _client("web"))
            await store.write(grants.grant_insert, store_suite.grant(scope="openid offline_access"))
            await store.write(grants.grant_insert, store_suite.grant("other-client", client_id=ClientId("other")))
            await store.write(grants.code_insert, store_suite.code())
            (use,) = await store.read(accounts.uses_of, TENANT, USER, NOW)
            assert (use.client.client_id, use.scope, use.since) == ("web", "openid offline_access", NOW)
            await store.write(accounts.withdraw, TENANT, "another", "web", NOW)
            assert len(await store.read(accounts.uses_of, TENANT, USER, NOW)) == 1
            await store.write(accounts.withdraw, TENANT, USER, "web", NOW)
            assert await store.read(accounts.uses_of, TENANT, USER, NOW) == []
            assert await store.write(grants.code_use, store_suite.code().digest, NOW) is None
            other = await store.read(grants.grant_by_id, "other-client")
            assert other is not None
            assert other.revoked_at is None

        self.run(url, case)
