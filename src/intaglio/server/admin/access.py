"""Who may do what, asked by an operator: one question explained, the graph, the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.access import explain as explaining
from intaglio.server.access.atlas import Atlas, Somebody, World
from intaglio.server.access.explain import Explained
from intaglio.server.model import accountkeys, policies, pools, projects, serviceaccounts, users
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import fields, targets

PAGE = 500

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True):
    """A question as an operator writes it: who, what, and on what. Groups and attributes are of external identities."""

    who: str
    permission: str
    target: str
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = {}


async def atlas(store: Store, tenant: Tenant, words: Vocabulary, now: int) -> Atlas:
    """Return all that decides who may do what in a tenant, on one view of the database."""
    return Atlas(await store.read(_world, tenant), words, now)


async def explain(store: Store, tenant: Tenant, words: Vocabulary, asked: Asked, now: int) -> Explained:
    """Answer one question.

    Raises `Misconfigured` (`permission-unknown`, `permission-ambiguous`, `principal-unknown`, `principal-invalid`,
    `resource-unknown`, `resource-ambiguous`).
    """
    known = await atlas(store, tenant, words, now)
    permission = whole(asked.permission, known)
    resource = await store.read(targets.find, tenant.tenant_id, asked.target)
    return explaining.explain(known, await _who(store, tenant, known, asked), permission, resource)


def whole(permission: str, known: Atlas) -> str:
    """Return the permission of a whole or short name.

    Raises `Misconfigured` (`permission-unknown`, `permission-ambiguous`).
    """
    names = {one for granted in known.roles.values() for one in granted}
    if permission in names:
        return permission
    short = permission.casefold()
    meant = sorted(name for name in names if name.rpartition(".")[2].casefold() == short)
    if len(meant) == 1:
        return meant[0]
    if meant:
        public = "The short name can mean several permissions."
        raise fields.refuse("permission-ambiguous", public, " or ".join(meant), ascii(permission)[:100])
    expected = "one of: " + ", ".join(sorted(names))
    raise fields.refuse("permission-unknown", "No role grants such a permission.", expected, ascii(permission)[:100])


async def _who(store: Store, tenant: Tenant, known: Atlas, asked: Asked) -> Somebody:
    meant = known.words.read_member(asked.who)
    kind, name = (meant.kind, meant.name) if meant is not None else ("", asked.who)
    if meant is not None and kind == "external" and name:
        one = Principal("external", name, "", "", meant.project_number, meant.pool_id, asked.groups, asked.attributes)
        return known.somebody(one)
    if kind in ("", "service_account"):
        account = await store.read(serviceaccounts.by_email, tenant.tenant_id, name)
        if account is not None and account.unique_id in known.accounts:
            return known.holder(account.unique_id)
    if kind in ("", "user"):
        return known.somebody(await _person(store, tenant, name, asked.who))
    if kind == "service_account":
        raise _unknown(asked.who)
    raise fields.refuse(
        "principal-invalid",
        "That does not name one principal.",
        "user:ADDRESS, serviceAccount:ADDRESS, principal://…; --group and --attribute tell what else it is",
        ascii(asked.who)[:200],
    )


async def _person(store: Store, tenant: Tenant, name: str, written: str) -> Principal:
    """Return the user of a confirmed address, or of a sign-in name."""
    found = await store.read(users.by_confirmed_email, tenant.tenant_id, name)
    if len(found) == 1:
        return Principal("user", found[0].user_id, name)
    user = await store.read(users.by_name, tenant.tenant_id, name)
    if user is None:
        raise _unknown(written)
    claims = user.claims
    email = claims.get("email") if claims.get("email_verified") is True else ""
    return Principal("user", user.user_id, email if isinstance(email, str) else "")


def _unknown(name: str) -> Exception:
    return fields.refuse(
        "principal-unknown",
        "There is nobody of that name.",
        "the confirmed address of a user, the address of a service account, or a principal://…",
        ascii(name)[:200],
    )


def _world(tenant: Tenant) -> Plan[World]:
    tenant_id = tenant.tenant_id
    found = yield from _all(lambda behind: projects.page(tenant_id, behind, PAGE), "project_id")
    names = [project.project_id for project in found]
    accounts = yield from _each(names, lambda name: _accounts(tenant_id, name))
    places = yield from _each(names, lambda name: _pools(tenant_id, name))
    providers = yield from _each(places, lambda pool: _providers(tenant_id, pool))
    keys = yield from _each(accounts, lambda account: accountkeys.of_account(tenant_id, account.unique_id))
    written = yield from _all(lambda behind: policies.page(tenant_id, behind, PAGE), "resource")
    return World(
        projects=tuple(found),
        accounts=tuple(accounts),
        pools=tuple(places),
        providers=tuple(providers),
        keys=tuple(keys),
        policies=tuple(written),
        roles=tuple((yield from policies.roles_of(tenant_id))),
        self_impersonation=tenant.self_impersonation,
    )


def _all(page: Callable[[str], Plan[list[T]]], name: str) -> Plan[list[T]]:
    """Return everything that comes page by page; `name` is the member by which pages are sorted."""
    found: list[T] = []
    behind = ""
    while part := (yield from page(behind)):
        found += part
        behind = getattr(part[-1], name)
    return found


def _each(places: Iterable[Any], plan: Callable[[Any], Plan[Sequence[T]]]) -> Plan[list[T]]:
    found: list[T] = []
    for place in places:
        found += yield from plan(place)
    return found


def _accounts(tenant_id: TenantId, project_id: str) -> Plan[list[serviceaccounts.ServiceAccount]]:
    return _all(lambda behind: serviceaccounts.page(tenant_id, project_id, behind, PAGE), "email")


def _pools(tenant_id: TenantId, project_id: str) -> Plan[list[pools.Pool]]:
    return _all(lambda behind: pools.page(tenant_id, project_id, behind, PAGE), "pool_id")


def _providers(tenant_id: TenantId, pool: pools.Pool) -> Plan[list[pools.PoolProvider]]:
    return _all(
        lambda behind: pools.provider_page(tenant_id, pool.project_id, pool.pool_id, behind, PAGE), "provider_id"
    )
