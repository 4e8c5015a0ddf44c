"""Service accounts and projects, administered over the network by whoever a policy lets."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.protocol.iam import (
    AccountCreate,
    AccountDelete,
    AccountGet,
    AccountList,
    AccountRestored,
    AccountsTold,
    AccountSwitch,
    AccountTold,
    AccountUndelete,
    AccountUpdate,
    Done,
    OfAccount,
    OfProject,
    ProjectGet,
    ProjectTold,
)
from intaglio.server.model import projects, resources, serviceaccounts
from intaglio.server.model.plan import Plan
from intaglio.server.model.projects import Project
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import serviceaccounts as rules
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.serviceaccounts import Described
from intaglio.server.workload import asking, callers
from intaglio.server.workload.place import Place, Works

ANY = "-"


def told(account: ServiceAccount) -> AccountTold:
    """Return an account as it is shown."""
    return AccountTold(
        project_id=account.project_id,
        email=account.email,
        unique_id=account.unique_id,
        display_name=account.display_name,
        description=account.description,
        etag=_etag(account),
        disabled=account.disabled_at is not None,
    )


def _etag(account: ServiceAccount) -> str:
    said = msgspec.json.encode((account.unique_id, account.display_name, account.description))
    return ids.digest(said.decode()).hex()[:16]


async def project_of(name: str, place: Place, works: Works) -> Project | None:
    """Return the project of an identifier or number; None if there is none."""
    found = await works.store.read(projects.by_id, place.tenant.tenant_id, name)
    if found is None and name.isascii() and name.isdigit() and len(name) <= 18:
        found = await works.store.read(projects.by_number, place.tenant.tenant_id, int(name))
    return found


async def within(asked: OfProject, place: Place, works: Works) -> tuple[Project, Actor]:
    """Return the project that is asked about, and who asks; raises what `asking.allowed` does."""
    project = await project_of(asked.project, place, works)
    resource = resources.project(project.project_id) if project is not None else asking.NOBODY
    actor = await asking.allowed(asked, resource, place, works, exists=project is not None)
    assert project is not None
    return project, actor


async def found(asked: OfAccount, place: Place, works: Works) -> tuple[ServiceAccount, Actor]:
    """Return the account that is asked about, and who asks; raises what `asking.allowed` does."""
    account = await works.store.read(_named, place.tenant.tenant_id, asked.name)
    project = None if asked.project == ANY else await project_of(asked.project, place, works)
    if account is not None and asked.project != ANY:
        account = account if project is not None and project.project_id == account.project_id else None
    if account is None:
        around = resources.project(project.project_id) if project is not None else asking.NOBODY
        await asking.allowed(asked, around, place, works, exists=False)
    assert account is not None
    return account, await asking.allowed(asked, account.resource, place, works)


def _named(tenant_id: str, name: str) -> Plan[ServiceAccount | None]:
    account = yield from serviceaccounts.by_email(tenant_id, name)
    if account is None:
        account = yield from serviceaccounts.by_unique_id(tenant_id, name)
    return account if account is not None and account.deleted_at is None else None


async def create(query: AccountCreate, place: Place, works: Works) -> AccountTold:
    """Make a service account of a project."""
    project, actor = await within(query, place, works)
    try:
        account_id = rules.check_account_id(query.account_id)
        described = Described(query.display_name, query.description).checked()
    except Misconfigured as fault:
        raise asking.told(fault) from fault
    account = ServiceAccount(
        tenant_id=place.tenant.tenant_id,
        email=place.vocabulary.address(account_id, project.project_id, place.base),
        unique_id=ids.digits(rules.UNIQUE_ID_DIGITS),
        project_id=project.project_id,
        created_at=place.now,
        display_name=described["display_name"],
        description=described["description"],
    )
    return told(await asking.write(works, rules.create, actor, account))


async def get(query: AccountGet, place: Place, works: Works) -> AccountTold:
    """Show a service account."""
    account, _ = await found(query, place, works)
    return told(account)


async def listing(query: AccountList, place: Place, works: Works) -> AccountsTold:
    """List the service accounts of a project, page by page."""
    project, _ = await within(query, place, works)
    page = await works.store.read(
        serviceaccounts.page, place.tenant.tenant_id, project.project_id, query.after, query.limit
    )
    return AccountsTold(tuple(told(one) for one in page), page[-1].email if len(page) == query.limit else "")


async def update(query: AccountUpdate, place: Place, works: Works) -> AccountTold:
    """Change what people read of an account."""
    account, actor = await found(query, place, works)
    if query.etag and query.etag != _etag(account):
        raise ProtocolFault("aborted", "The service account was changed in the meantime.")
    changes = Described(query.display_name, query.description)
    return told(await asking.write(works, rules.update, actor, account, changes))


async def switch(query: AccountSwitch, place: Place, works: Works) -> Done:
    """Disable an account, or enable it again; at once."""
    account, actor = await found(query, place, works)
    await asking.write(works, _switch, actor, account, query.enabled)
    return Done()


def _switch(actor: Actor, account: ServiceAccount, enabled: bool) -> Plan[ServiceAccount]:  # noqa: FBT001
    return rules.switch(actor, account, enabled=enabled)


async def delete(query: AccountDelete, place: Place, works: Works) -> Done:
    """Delete an account with its keys and its policy; what it holds is dead at once."""
    account, actor = await found(query, place, works)
    await asking.write(works, rules.delete, actor, place.vocabulary, account)
    return Done()


async def undelete(query: AccountUndelete, place: Place, works: Works) -> AccountRestored:
    """Bring back an account by its number."""
    gone = await works.store.read(serviceaccounts.by_unique_id, place.tenant.tenant_id, query.name)
    around = resources.project(gone.project_id) if gone is not None else asking.NOBODY
    actor = await asking.allowed(query, around, place, works, exists=gone is not None)
    back = await asking.write(works, rules.undelete, actor, place.vocabulary, place.tenant.tenant_id, query.name)
    return AccountRestored(told(back))


async def project(query: ProjectGet, place: Place, works: Works) -> ProjectTold:
    """Show a project to whoever may see it, and to those who belong to it: they know all of this already."""
    caller = await callers.caller(query.credential, place, works)
    mine = await project_of(query.project, place, works)
    if mine is None or mine.project_id != caller.principal.project_id:
        mine, _ = await within(query, place, works)
    return ProjectTold(mine.project_id, mine.number, mine.name, mine.created_at)
