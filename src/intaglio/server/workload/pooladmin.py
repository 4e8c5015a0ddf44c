"""Pools and providers changed over the network, by whoever has the permission; each change is in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from intaglio import ids
from intaglio.errors import Denied, Misconfigured, ProtocolFault
from intaglio.protocol.faults import Forbidden
from intaglio.protocol.pools import (
    Done,
    PoolList,
    PoolQuery,
    PoolShown,
    ProviderChanges,
    ProviderList,
    ProviderQuery,
    ProviderShown,
)
from intaglio.server.model import pools, projects, resources
from intaglio.server.model.plan import Plan
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.projects import Project
from intaglio.server.registry import pooldeeds
from intaglio.server.registry import pools as rules
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.mappings import Mapping
from intaglio.server.workload import asking, callers
from intaglio.server.workload.place import Place, Works

T = TypeVar("T")


async def pool(query: PoolQuery, place: Place, works: Works) -> PoolShown | PoolList | Done:
    """Do what was asked with a pool; raises `Forbidden`, `BearerFault`, `ProtocolFault`."""
    actor, project = await _permitted(query, place, works)
    tenant_id, project_id = place.tenant.tenant_id, project.project_id
    if query.verb == "list":
        listed = await works.store.read(pools.page, tenant_id, project_id, query.after, query.limit)
        after = listed[-1].pool_id if len(listed) == query.limit else ""
        shown = [_pool(one, project) for one in listed if query.deleted or one.deleted_at is None]
        return PoolList(tuple(shown), after)

    def plan() -> Plan[Pool]:
        if query.verb == "create":
            made = Pool(tenant_id, project_id, query.pool_id, place.now)
            return (yield from pooldeeds.create_pool(actor, rules.changed_pool(made, query.changes, place.now)))
        known = yield from pooldeeds.find_pool(tenant_id, project_id, query.pool_id, deleted=True)
        if query.verb == "update":
            return (yield from pooldeeds.update_pool(actor, known, query.changes))
        if query.verb == "delete":
            return (yield from pooldeeds.delete_pool(actor, known))
        return known if query.verb == "get" else (yield from pooldeeds.undelete_pool(actor, known))

    found = await _done(plan, query.verb, works)
    return _pool(found, project) if query.verb == "get" else Done(ids.digits(20), _pool(found, project))


async def provider(query: ProviderQuery, place: Place, works: Works) -> ProviderShown | ProviderList | Done:
    """Do what was asked with a provider; raises `Forbidden`, `BearerFault`, `ProtocolFault`."""
    actor, project = await _permitted(query, place, works)
    key = (place.tenant.tenant_id, project.project_id, query.pool_id)
    if query.verb == "list":
        listed = await works.store.read(pools.provider_page, *key, query.after, query.limit)
        after = listed[-1].provider_id if len(listed) == query.limit else ""
        shown = [_provider(one, project) for one in listed if query.deleted or one.deleted_at is None]
        return ProviderList(tuple(shown), after)
    namespace = place.vocabulary.namespace

    def plan() -> Plan[PoolProvider]:
        if query.verb == "create":
            made = rules.changed(PoolProvider(*key, query.provider_id, place.now), query.changes, place.now)
            _refuse_open(made, place)
            return (yield from pooldeeds.create_provider(actor, place.tenant, namespace, made))
        known = yield from pooldeeds.find_provider(*key, query.provider_id, deleted=True)
        if query.verb == "update":
            _refuse_open(rules.changed(known, query.changes, place.now), place)
            return (yield from pooldeeds.update_provider(actor, place.tenant, namespace, known, query.changes))
        if query.verb == "delete":
            return (yield from pooldeeds.delete_provider(actor, known))
        return known if query.verb == "get" else (yield from pooldeeds.undelete_provider(actor, known))

    found = await _done(plan, query.verb, works)
    return _provider(found, project) if query.verb == "get" else Done(ids.digits(20), _provider(found, project))


def _refuse_open(made: PoolProvider, place: Place) -> None:
    # SECURITY: every account of this installation can have tokens of its own issuer, for any audience.
    if made.issuer != place.issuer:
        return
    namespace = place.vocabulary.namespace
    mapping = Mapping(made.attribute_mapping, made.attribute_condition, namespace)
    if why := rules.open_to_strangers(made, mapping, namespace, place.issuer):
        raise why


async def _permitted(query: PoolQuery | ProviderQuery, place: Place, works: Works) -> tuple[Actor, Project]:
    """Return who acts, and the project; one face for what is not allowed and what is not there."""
    caller = await callers.caller(query.credential, place, works)
    words, tenant_id = place.vocabulary, place.tenant.tenant_id
    project = await works.store.read(_project, tenant_id, query.project)
    at = resources.project(project.project_id if project is not None else query.project)
    if query.pool_id and not (isinstance(query, PoolQuery) and query.verb == "create"):
        at = resources.pool(at.removeprefix("projects/"), query.pool_id)
    try:
        await works.permits.demand(tenant_id, words, caller.principal, query.permission, at, place.now)
    except Denied as denied:
        await asking.note_denied(caller, query.permission, at, place, works)
        raise _forbidden(query.permission, denied.detail) from denied
    if project is None:
        raise _forbidden(query.permission, {"expected": "a project", "received": query.project[:80]})
    return asking.actor(caller, place), project


def _forbidden(permission: str, detail: dict[str, object]) -> Forbidden:
    fault = Forbidden(detail=detail)
    fault.permission = permission
    return fault


def _project(tenant_id: str, name: str) -> Plan[Project | None]:
    found = yield from projects.by_id(tenant_id, name)
    if found is None and name.isdecimal() and len(name) <= 18:
        found = yield from projects.by_number(tenant_id, int(name))
    return found


async def _done(plan: Callable[[], Plan[T]], verb: str, works: Works) -> T:
    """Run a plan; what its caller got wrong is told, for they may see it."""
    try:
        if verb == "get":
            return await works.store.read(plan)
        made = await works.store.write(plan)
    except Misconfigured as fault:
        raise _told(fault) from fault
    works.providers.forget()
    return made


def _told(fault: Misconfigured) -> ProtocolFault:
    code = "invalid_request"
    if fault.code.endswith("-exists"):
        code = "already_exists"
    elif fault.code in ("pool-unknown", "provider-unknown"):
        code = "not_found"
    told = [f"({name}: {fault.detail[name]})" for name in ("problem", "expected") if name in fault.detail]
    return ProtocolFault(code, " ".join([fault.public, *told, fault.hint]).strip(), detail=fault.detail)


def _pool(one: Pool, project: Project) -> PoolShown:
    gone_at = one.deleted_at + pooldeeds.UNDELETE_SECONDS if one.deleted_at is not None else None
    disabled = one.disabled_at is not None
    return PoolShown(project.number, one.pool_id, one.display_name, one.description, disabled, gone_at)


def _provider(one: PoolProvider, project: Project) -> ProviderShown:
    gone_at = one.deleted_at + pooldeeds.UNDELETE_SECONDS if one.deleted_at is not None else None
    known = {name: getattr(one, name) for name in ProviderChanges.__struct_fields__ if name != "disabled"}
    fields = ProviderChanges(**known, disabled=one.disabled_at is not None)
    return ProviderShown(project.number, one.pool_id, one.provider_id, fields, gone_at)
