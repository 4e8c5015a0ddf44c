"""What every store does with records of workloads: one suite, run by `tests/server/store` for each engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from intaglio import errors, ids
from intaglio.names import TenantId
from intaglio.server.model import (
    accountkeys,
    audit,
    expiry,
    policies,
    pools,
    projects,
    revokedtokens,
    serviceaccounts,
    services,
    tenants,
    users,
)
from intaglio.server.model.plan import Conflict, Plan, Store
from tests.capability import capability
from tests.conformance import store_suite as one
from tests.conformance.store_suite import NOW, NUMBER, TENANT, StoreSuite

OTHER = TenantId("id-other")


class WorkloadSuite:
    """The suite; `url` is a fixture of the subject."""

    @staticmethod
    def run(url: str, case: Callable[[Store], Awaitable[Any]]) -> Any:
        """Run a case on an open store that has a tenant with a project, and another tenant."""

        async def prepared(store: Store) -> Any:
            await store.write(tenants.insert, one.tenant())
            await store.write(tenants.insert, one.tenant("other"))
            await store.write(projects.insert, one.project())
            return await case(store)

        return StoreSuite.run(url, prepared)

    def test_what_must_be_unique_conflicts(self, url: str) -> None:
        """Each unique name taken twice is a `Conflict`; the same name in another tenant or project is not."""
        twice: list[tuple[Callable[..., Plan[Any]], Any, Any]] = [
            (projects.insert, one.project("second", 2), one.project("second", 3)),
            (projects.insert, one.project("third", 4), one.project("fourth", 4)),
            (serviceaccounts.insert, one.account(), one.account(unique_id="2")),
            (serviceaccounts.insert, one.account("b@x", unique_id="5"), one.account("c@x", unique_id="5")),
            (accountkeys.insert, one.account_key(), one.account_key(origin="uploaded")),
            (services.insert, one.service(), one.service("report", "https://another.example")),
            (services.insert, one.service("a"), one.service("b", "https://a.example")),
            (pools.insert, one.pool(), one.pool(deleted_at=NOW)),
            (pools.insert_provider, one.pool_provider(), one.pool_provider(deleted_at=NOW)),
            (policies.insert_role, one.custom_role(), one.custom_role(title="Second")),
        ]

        async def case(store: Store) -> None:
            for plan, first, second in twice:
                await store.write(plan, first)
                with pytest.raises(Conflict) as met:
                    await store.write(plan, second)
                assert str(met.value) == ""
            await store.write(projects.insert, one.project("second", 2, tenant_id=OTHER))
            elsewhere = one.account(tenant_id=OTHER, project_id="second")
            await store.write(serviceaccounts.insert, elsewhere)
            assert await store.read(serviceaccounts.by_email, OTHER, elsewhere.email) == elsewhere
            assert await store.read(serviceaccounts.by_email, TENANT, elsewhere.email) == one.account()

        self.run(url, case)

    def test_nothing_lives_outside_of_its_project(self, url: str) -> None:
        """An account, a service or a pool of a project that is not there is refused, and no value is in the error."""

        async def case(store: Store) -> None:
            for plan, made in (
                (serviceaccounts.insert, one.account(project_id="secret-name")),
                (services.insert, one.service(project_id="secret-name")),
                (pools.insert, one.pool(project_id="secret-name")),
                (pools.insert_provider, one.pool_provider(pool_id="secret-name")),
                (accountkeys.insert, one.account_key(unique_id="secret-name")),
                (projects.insert, one.project(tenant_id=TenantId("secret-name"))),
            ):
                with pytest.raises(errors.IntaglioError) as met:
                    await store.write(plan, made)
                assert met.value.code == "storage-refused"
                assert "secret-name" not in f"{met.value} {met.value.detail} {met.value.__cause__}"

        self.run(url, case)

    def test_projects(self, url: str) -> None:
        """A project is found by identifier and number, in its tenant only; pages follow one another."""

        async def case(store: Store) -> None:
            assert await store.read(projects.by_id, TENANT, "project") == one.project()
            assert await store.read(projects.by_number, TENANT, 100_000_000_001) == one.project()
            assert await store.read(projects.by_id, OTHER, "project") is None
            assert await store.read(projects.by_number, OTHER, 100_000_000_001) is None
            large = one.project("large", 2**62)
            await store.write(projects.insert, large)
            assert await store.read(projects.by_number, TENANT, 2**62) == large
            first = await store.read(projects.page, TENANT, "", 1)
            rest = await store.read(projects.page, TENANT, first[-1].project_id, 5)
            assert [found.project_id for found in (*first, *rest)] == ["large", "project"]

        self.run(url, case)

    def test_a_deleted_account_gives_its_address_back_and_keeps_its_number(self, url: str) -> None:
        """After deletion the address is free, the number is not; the deleted one is found by its number only."""

        async def case(store: Store) -> None:
            await store.write(serviceaccounts.insert, one.account())
            disabled = one.account(disabled_at=NOW, display_name="Robot é")
            assert await store.write(serviceaccounts.replace, disabled)
            assert await store.read(serviceaccounts.by_email, TENANT, disabled.email) == disabled
            assert not await store.write(serviceaccounts.replace, one.account(unique_id="404"))
            gone = one.account(deleted_at=NOW)
            assert await store.write(serviceaccounts.replace, gone)
            assert await store.read(serviceaccounts.by_email, TENANT, gone.email) is None
            assert await store.read(serviceaccounts.by_unique_id, TENANT, NUMBER) == gone
            assert await store.read(serviceaccounts.page, TENANT, "project", "", 10) == []
            with pytest.raises(Conflict):
                await store.write(serviceaccounts.insert, one.account("other@project.example"))
            heir = one.account(unique_id="2")
            await store.write(serviceaccounts.insert, heir)
            assert await store.read(serviceaccounts.by_email, TENANT, heir.email) == heir
            # Who comes back finds the address taken.
            with pytest.raises(Conflict):
                await store.write(serviceaccounts.replace, one.account())
            assert await store.read(serviceaccounts.by_unique_id, TENANT, NUMBER) == gone

        self.run(url, case)

    def test_accounts_in_pages(self, url: str) -> None:
        """Accounts of a project come by address in byte order, without gap, overlap or those of another project."""
        names = ["B@x", "a-b@x", "a@x", "z@x"]

        async def case(store: Store) -> list[str]:
            await store.write(projects.insert, one.project("another", 2))
            await store.write(serviceaccounts.insert, one.account("m@x", unique_id="9", project_id="another"))
            for number, name in enumerate(reversed(names)):
                await store.write(serviceaccounts.insert, one.account(name, unique_id=f"{number}"))
            found: list[str] = []
            behind = ""
            while page := await store.read(serviceaccounts.page, TENANT, "project", behind, 3):
                found += [account.email for account in page]
                behind = found[-1]
            return found

        assert self.run(url, case) == names

    def test_keys_of_accounts(self, url: str) -> None:
        """Keys come by name, change, go one by one, and are swept when they have expired; those without end stay."""

        async def case(store: Store) -> None:
            await store.write(serviceaccounts.insert, one.account())
            forever = one.account_key("b", expires_at=None, sealed_private="sealed", origin="system")
            await store.write(accountkeys.insert, forever)
            await store.write(accountkeys.insert, one.account_key("a"))
            assert await store.read(accountkeys.of_account, TENANT, NUMBER) == [one.account_key("a"), forever]
            assert await store.write(accountkeys.replace, one.account_key("a", disabled_at=NOW))
            assert not await store.write(accountkeys.replace, one.account_key("c"))
            assert (await store.read(accountkeys.of_account, TENANT, NUMBER))[0].disabled_at == NOW
            assert await store.write(accountkeys.delete, TENANT, NUMBER, "a")
            assert not await store.write(accountkeys.delete, TENANT, NUMBER, "a")
            await store.write(accountkeys.insert, one.account_key("d", expires_at=NOW))
            await store.write(expiry.sweep, "expired_account_keys_delete", NOW + 400 * 86400, 10)
            assert await store.read(accountkeys.of_account, TENANT, NUMBER) == [forever]

        self.run(url, case)

    def test_an_audience_means_one_service(self, url: str) -> None:
        """Audiences move with their service; a taken one changes nothing; a deleted service frees its own."""

        async def case(store: Store) -> None:
            first, second = one.service("first", "https://a.example", "b"), one.service("second", "c")
            await store.write(services.insert, first)
            await store.write(services.insert, second)
            assert await store.read(services.by_audience, TENANT, "b") == first
            assert await store.read(services.by_audience, OTHER, "b") is None
            with pytest.raises(Conflict):
                await store.write(services.replace, one.service("second", "d", "b"))
            assert await store.read(services.by_audience, TENANT, "d") is None
            assert await store.read(services.by_audience, TENANT, "c") == second
            moved = one.service("first", "https://a.example")
            assert await store.write(services.replace, moved)
            assert await store.write(services.replace, one.service("second", "c", "b"))
            assert await store.read(services.by_audience, TENANT, "https://a.example") == moved
            assert not await store.write(services.replace, one.service("third", "e"))
            assert await store.write(services.delete, TENANT, "project", "second")
            assert not await store.write(services.delete, TENANT, "project", "second")
            assert await store.read(services.by_audience, TENANT, "b") is None
            await store.write(services.insert, one.service("third", "b"))
            page = await store.read(services.page, TENANT, "project", "first", 10)
            assert [service.name for service in page] == ["third"]

        self.run(url, case)

    def test_pools_and_providers(self, url: str) -> None:
        """A pool and its providers come back as kept, deleted ones too; their names stay taken."""

        async def case(store: Store) -> None:
            await store.write(pools.insert, one.pool())
            await store.write(pools.insert_provider, one.pool_provider())
            await store.write(pools.insert_provider, one.pool_provider("azure", trust_anchors="PEM", issuer=""))
            found = await store.read(pools.provider_by_id, TENANT, "project", "ci", "github")
            assert found == (one.pool_provider(), one.pool())
            assert await store.write(pools.replace, one.pool(deleted_at=NOW))
            assert await store.write(pools.replace_provider, one.pool_provider(disabled_at=NOW))
            found = await store.read(pools.provider_by_id, TENANT, "project", "ci", "github")
            assert found == (one.pool_provider(disabled_at=NOW), one.pool(deleted_at=NOW))
            assert await store.read(pools.by_id, TENANT, "project", "ci") == one.pool(deleted_at=NOW)
            assert await store.read(pools.by_id, OTHER, "project", "ci") is None
            assert await store.read(pools.page, TENANT, "project", "", 10) == [one.pool(deleted_at=NOW)]
            page = await store.read(pools.provider_page, TENANT, "project", "ci", "azure", 10)
            assert [provider.provider_id for provider in page] == ["github"]
            assert not await store.write(pools.replace, one.pool("other"))
            assert not await store.write(pools.replace_provider, one.pool_provider("other"))

        self.run(url, case)

    @capability("access-etags", witness="SQLite and PostgreSQL")
    def test_a_policy_is_written_over_what_was_read(self, url: str) -> None:
        """Who read an older version writes nothing; the policy that is there stays whole."""

        async def case(store: Store) -> None:
            assert await store.read(policies.of_resource, TENANT, "projects/project") is None
            assert not await store.write(policies.write, one.policy(etag="b"), "a")
            assert await store.write(policies.write, one.policy(etag="a"), "")
            assert not await store.write(policies.write, one.policy(etag="b"), "")
            assert not await store.write(policies.write, one.policy(etag="b"), "z")
            assert await store.read(policies.of_resource, TENANT, "projects/project") == one.policy(etag="a")
            assert await store.write(policies.write, one.policy(etag="b", bindings=()), "a")
            assert await store.read(policies.of_resource, TENANT, "projects/project") == one.policy(
                etag="b", bindings=()
            )
            assert await store.read(policies.of_resource, OTHER, "projects/project") is None
            await store.write(policies.write, one.policy("projects/project/pools/ci"), "")
            page = await store.read(policies.page, TENANT, "projects/project", 10)
            assert [policy.resource for policy in page] == ["projects/project/pools/ci"]
            await store.write(policies.delete, TENANT, "projects/project")
            assert await store.read(policies.of_resource, TENANT, "projects/project") is None

        self.run(url, case)

    @capability("access-etags", witness="SQLite and PostgreSQL")
    def test_of_many_writers_one_wins(self, url: str) -> None:
        """Of 30 writers who all read the same version one gets through, again and again."""

        async def case(store: Store) -> None:
            known = ""
            for turn in range(5):
                tries = [one.policy(etag=f"{turn}-{number}") for number in range(30)]
                won = await asyncio.gather(*(store.write(policies.write, made, known) for made in tries))
                assert won.count(True) == 1
                found = await store.read(policies.of_resource, TENANT, "projects/project")
                assert found == tries[won.index(True)]
                known = found.etag

        self.run(url, case)

    def test_custom_roles(self, url: str) -> None:
        """Custom roles of a tenant come by name, change, and go; no other tenant sees them."""

        async def case(store: Store) -> None:
            for name in ("b", "a"):
                await store.write(policies.insert_role, one.custom_role(name))
            assert [role.role for role in await store.read(policies.roles_of, TENANT)] == ["a", "b"]
            assert await store.read(policies.roles_of, OTHER) == []
            assert await store.write(policies.replace_role, one.custom_role("a", permissions=()))
            assert not await store.write(policies.replace_role, one.custom_role("c"))
            assert (await store.read(policies.roles_of, TENANT))[0].permissions == ()
            assert await store.write(policies.delete_role, TENANT, "a")
            assert not await store.write(policies.delete_role, TENANT, "a")
            assert not await store.write(policies.delete_role, OTHER, "b")

        self.run(url, case)

    def test_the_audit_log(self, url: str) -> None:
        """Entries come newest first, page by page, filtered by what happened, who did it and to what."""

        async def case(store: Store) -> None:
            made = [
                one.audit_entry(ids.ordered(NOW + number), at=NOW + number, action=f"action-{number % 2}")
                for number in range(6)
            ]
            await store.write(audit.insert, made)
            newest = made[::-1]
            assert await store.read(audit.page, TENANT, audit.LAST, 10) == newest
            first = await store.read(audit.page, TENANT, audit.LAST, 4)
            assert await store.read(audit.page, TENANT, first[-1].entry_id, 4) == newest[4:]
            assert await store.read(audit.page, TENANT, audit.LAST, 10, "action-1") == newest[::2]
            assert (
                await store.read(audit.page, TENANT, audit.LAST, 10, "", made[0].principal, made[0].resource) == newest
            )
            assert await store.read(audit.page, TENANT, audit.LAST, 10, "", "nobody") == []
            assert await store.read(audit.page, TENANT, audit.LAST, 10, "", "", "nothing") == []
            assert await store.read(audit.page, OTHER, audit.LAST, 10) == []

        self.run(url, case)

    def test_entries_of_the_log_are_kept_all_or_none(self, url: str) -> None:
        """If one of several entries cannot be kept none is."""

        async def case(store: Store) -> None:
            await store.write(audit.insert, [one.audit_entry("02")])
            with pytest.raises(Conflict):
                await store.write(audit.insert, [one.audit_entry("01"), one.audit_entry("02"), one.audit_entry("03")])
            assert len(await store.read(audit.page, TENANT, audit.LAST, 10)) == 1

        self.run(url, case)

    def test_a_withdrawn_token_stays_withdrawn(self, url: str) -> None:
        """Withdrawing again is no fault and changes nothing; it is forgotten when the token has expired anyway."""

        async def case(store: Store) -> None:
            assert not await store.read(revokedtokens.is_revoked, b"\x00token\xff")
            await store.write(revokedtokens.revoke, b"\x00token\xff", NOW + 60)
            await store.write(revokedtokens.revoke, b"\x00token\xff", NOW)
            assert await store.read(revokedtokens.is_revoked, b"\x00token\xff")
            assert not await store.read(revokedtokens.is_revoked, b"\x00token")
            assert await store.write(expiry.sweep, "expired_revoked_tokens_delete", NOW + 59, 10) == 0
            assert await store.write(expiry.sweep, "expired_revoked_tokens_delete", NOW + 60, 10) == 1
            assert not await store.read(revokedtokens.is_revoked, b"\x00token\xff")

        self.run(url, case)

    def test_people_are_found_by_their_confirmed_address(self, url: str) -> None:
        """Only the exact address that a person confirmed leads to them; two people of one address are both told."""

        async def case(store: Store) -> None:
            confirmed = {"email": "a@x.example", "email_verified": True, "nickname": "a\x00é"}
            doubtful = [{}, {"email_verified": "true"}, {"email_verified": 1}, {"email_verified": [True]}]
            claims = [
                confirmed,
                *({"email": "b@x.example"} | one for one in doubtful),
                confirmed,
                {"email": ["a@x.example"]},
            ]
            claims.append({"email": 'é"\\@x.example', "email_verified": True})
            for number, known in enumerate(claims):
                await store.write(users.insert, one.user(f"u{number}", f"u{number}", claims=known))
            assert len(await store.read(users.by_confirmed_email, TENANT, 'é"\\@x.example')) == 1
            found = await store.read(users.by_confirmed_email, TENANT, "a@x.example")
            assert sorted(user.user_id for user in found) == ["u0", "u5"]
            for email in ("A@x.example", "b@x.example", "", "%", "a@x.example ", '["a@x.example"]'):
                assert await store.read(users.by_confirmed_email, TENANT, email) == []
            assert await store.read(users.by_confirmed_email, OTHER, "a@x.example") == []
            for email in ("a@x.example", "A@X.Example", "b@x.example", 'é"\\@X.EXAMPLE'):
                assert await store.read(users.has_email, TENANT, email)
            for email in ("", "%", "a@x.example ", "_@x.example"):
                assert not await store.read(users.has_email, TENANT, email)
            assert not await store.read(users.has_email, OTHER, "a@x.example")
            assert await store.read(users.has_email, TENANT, "a@x.example", "u0")
            assert not await store.read(users.has_email, TENANT, 'é"\\@x.example', f"u{len(claims) - 1}")

        self.run(url, case)

    @pytest.mark.parametrize("text", ["it's", "a\\b", "%_", "é😀", "x" * 4000, "'; DROP TABLE policies; --"])
    def test_hostile_text_comes_back_unchanged(self, url: str, text: str) -> None:
        """Whatever stands in a name comes back as it was, and no other is meant by it."""

        async def case(store: Store) -> None:
            bindings = (policies.Binding(text, (text,), policies.Condition(text, text)),)
            made = one.policy(etag=text, bindings=bindings, identities={text: text})
            assert await store.write(policies.write, made, "")
            assert await store.read(policies.of_resource, TENANT, made.resource) == made
            assert await store.write(policies.write, msgspec.structs.replace(made, etag="2"), text)
            await store.write(services.insert, one.service("s", text))
            assert (await store.read(services.by_audience, TENANT, text)) == one.service("s", text)
            assert await store.read(services.by_audience, TENANT, text[:-1] + "_") in (None, one.service("s", text))

        self.run(url, case)
