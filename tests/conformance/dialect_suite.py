"""What every store does with connections, identities, pushed requests, groups, organizations and domains."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from intaglio import errors
from intaglio.names import TenantId
from intaglio.server.model import (
    clients,
    connections,
    expiry,
    grants,
    groups,
    identities,
    organizations,
    pushedrequests,
    sessions,
    tenants,
    users,
)
from intaglio.server.model.groups import Group
from intaglio.server.model.organizations import Organization
from intaglio.server.model.plan import Conflict, Plan, Store
from tests.conformance import store_suite as one
from tests.conformance.store_suite import NOW, TENANT, USER, StoreSuite

OTHER = TenantId("id-other")
ELSEWHERE = "https://elsewhere.example"


class DialectSuite:
    """The suite; `url` is a fixture of the subject."""

    @staticmethod
    def run(url: str, case: Callable[[Store], Awaitable[Any]]) -> Any:
        """Run a case on an open store with two tenants and a user."""

        async def prepared(store: Store) -> Any:
            await store.write(tenants.insert, one.tenant())
            await store.write(tenants.insert, one.tenant("other"))
            await store.write(users.insert, one.user())
            return await case(store)

        return StoreSuite.run(url, prepared)

    def test_what_must_be_unique_conflicts(self, url: str) -> None:
        """Each unique name taken twice is a `Conflict`, and nothing of the second is kept."""
        shop = Organization(TENANT, "org_1", "shop", NOW)
        twice: list[tuple[Callable[..., Plan[Any]], Any, Any]] = [
            (connections.insert, one.connection(), one.connection("con_2")),
            (connections.insert, one.connection("con_3", name="a"), one.connection("con_3", name="b")),
            (identities.insert, one.identity(), one.identity(connection_id="con_2")),
            (groups.insert, Group(TENANT, "g", "A", NOW), Group(TENANT, "g", "B", NOW)),
            (organizations.insert, shop, Organization(TENANT, "org_2", "shop", NOW)),
            (organizations.insert, Organization(TENANT, "org_3", "x", NOW), Organization(TENANT, "org_3", "y", NOW)),
            (identities.begin, one.upstream(), one.upstream()),
            (pushedrequests.insert, one.pushed(), one.pushed()),
        ]

        async def case(store: Store) -> None:
            for plan, first, second in twice:
                await store.write(plan, first)
                with pytest.raises(Conflict):
                    await store.write(plan, second)
            assert [each.connection_id for each in await store.read(connections.of_tenant, TENANT)] == [
                "con_3",
                "con_1",
            ]

        self.run(url, case)

    def test_nothing_is_found_in_another_tenant(self, url: str) -> None:
        """What one tenant keeps is not there for another."""

        async def case(store: Store) -> None:
            await store.write(connections.insert, one.connection())
            await store.write(identities.insert, one.identity())
            await store.write(organizations.insert, Organization(TENANT, "org_1", "shop", NOW))
            await store.write(organizations.add_member, TENANT, "org_1", USER)
            assert await store.read(connections.of_tenant, OTHER) == []
            assert await store.read(identities.by_subject, OTHER, ELSEWHERE, "s-1") is None
            assert await store.read(identities.of_user, OTHER, USER) == []
            assert await store.read(organizations.by_name, OTHER, "shop") is None
            assert not await store.read(organizations.has_member, OTHER, "org_1", USER)
            assert not await store.write(connections.delete, OTHER, "con_1")
            assert not await store.write(identities.delete, OTHER, ELSEWHERE, "s-1")

        self.run(url, case)

    def test_a_domain_leads_to_one_tenant(self, url: str) -> None:
        """A domain of one tenant cannot be taken by another; renaming gives up what is not named any more."""

        async def case(store: Store) -> None:
            named = one.tenant(domains=("acme.example", "b.example"), hosts=("id.acme.example",))
            assert await store.write(tenants.rename, named)
            assert (await store.read(tenants.by_domain, "b.example")) == named
            with pytest.raises(Conflict):
                await store.write(tenants.rename, one.tenant("other", domains=("b.example",)))
            assert (await store.read(tenants.by_domain, "b.example")) == named
            await store.write(tenants.rename, one.tenant(domains=("acme.example",)))
            assert await store.read(tenants.by_domain, "b.example") is None
            assert await store.read(tenants.by_host, "id.acme.example") is None
            assert not await store.write(tenants.rename, one.tenant("nobody"))

        self.run(url, case)

    def test_a_sign_in_elsewhere_comes_back_once(self, url: str) -> None:
        """Of many who bring the same state one gets the sign-in; an expired one nobody gets."""

        async def case(store: Store) -> None:
            await store.write(identities.begin, one.upstream())
            found = await asyncio.gather(*(store.write(identities.take, b"state", NOW) for _ in range(8)))
            assert [each for each in found if each is not None] == [one.upstream()]
            await store.write(identities.begin, one.upstream())
            assert await store.write(identities.take, b"state", NOW + 600) is None

        self.run(url, case)

    def test_a_pushed_request_is_used_once(self, url: str) -> None:
        """Of many who use a pushed request up one succeeds, and an expired one is not found."""

        async def case(store: Store) -> None:
            await store.write(pushedrequests.insert, one.pushed())
            assert await store.read(pushedrequests.by_digest, b"reference", NOW) == one.pushed()
            assert await store.read(pushedrequests.by_digest, b"reference", NOW + 60) is None
            assert not await store.write(pushedrequests.use, b"reference", NOW + 60)
            used = await asyncio.gather(*(store.write(pushedrequests.use, b"reference", NOW) for _ in range(8)))
            assert used.count(True) == 1

        self.run(url, case)

    def test_what_expired_is_swept(self, url: str) -> None:
        """Sign-ins elsewhere and pushed requests go when their time is over, not before."""

        async def case(store: Store) -> None:
            await store.write(identities.begin, one.upstream())
            await store.write(pushedrequests.insert, one.pushed())
            for query in ("expired_upstream_signins_delete", "expired_pushed_requests_delete"):
                assert await store.write(expiry.sweep, query, NOW, 10) == 0
                assert await store.write(expiry.sweep, query, NOW + 600, 10) == 1

        self.run(url, case)

    def test_identities_and_memberships_go_with_their_user(self, url: str) -> None:
        """A membership needs a user and an organization, and ends with the organization."""

        async def case(store: Store) -> None:
            await store.write(organizations.insert, Organization(TENANT, "org_1", "shop", NOW))
            with pytest.raises(errors.IntaglioError):
                await store.write(organizations.add_member, TENANT, "org_1", "nobody")
            with pytest.raises(errors.IntaglioError):
                await store.write(organizations.add_member, TENANT, "org_9", USER)
            await store.write(organizations.add_member, TENANT, "org_1", USER)
            await store.write(organizations.add_member, TENANT, "org_1", USER)
            assert await store.read(organizations.members, TENANT, "org_1", "", 10) == [USER]
            found = await store.read(organizations.of_user, TENANT, USER, 10)
            assert [one.organization_id for one in found] == ["org_1"]
            assert await store.read(organizations.of_user, OTHER, USER, 10) == []
            assert await store.write(organizations.delete, TENANT, "org_1")
            assert not await store.read(organizations.has_member, TENANT, "org_1", USER)
            with pytest.raises(errors.IntaglioError):
                await store.write(identities.insert, one.identity(user_id="nobody"))

        self.run(url, case)

    def test_circumstances_come_back(self, url: str) -> None:
        """Sessions, codes and grants keep the circumstances of the sign-in as they were."""
        told = '{"idp":"https://elsewhere.example","told":{"oid":"é"}}'

        async def case(store: Store) -> None:
            await store.write(sessions.insert, one.session(circumstances=told))
            found = await store.read(sessions.with_user, b"cookie", "https://id.example/acme", NOW)
            assert found is not None
            assert found[0] == one.session(circumstances=told)
            await store.write(grants.code_insert, one.code(circumstances=told))
            used = await store.write(grants.code_use, b"\x00code\xff", NOW)
            assert used is not None
            family = grants.family(used, NOW, NOW + 60)
            await store.write(grants.grant_insert, family)
            kept = await store.read(grants.grant_by_id, family.grant_id)
            assert kept is not None
            assert kept.circumstances == told

        self.run(url, case)

    def test_a_client_is_found_in_any_tenant(self, url: str) -> None:
        """A client identifier leads to its clients of all tenants, in the order of the tenants."""

        async def case(store: Store) -> None:
            await store.write(clients.insert, one.client())
            await store.write(clients.insert, one.client(tenant_id=OTHER))
            found = await store.read(clients.anywhere, "web")
            assert [each.tenant_id for each in found] == sorted([TENANT, OTHER])
            assert await store.read(clients.anywhere, "WEB") == []

        self.run(url, case)
