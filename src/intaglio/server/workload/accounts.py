"""Service accounts by the names that callers give them."""

from __future__ import annotations

from intaglio.protocol.impersonation import AccountName
from intaglio.protocol.principals import Principal
from intaglio.server.model import accountkeys, resources, serviceaccounts
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.workload.memory import FoundAccount
from intaglio.server.workload.place import Place, Works

ANY_PROJECT = "-"
NUMBER = 21
"""Digits of an account's number."""
NOBODY = "nobody"
"""Stands for what is unknown in the names that are asked about all the same."""
MAX_NAME = 255


def is_number(name: str) -> bool:
    """Tell whether a name is the number of an account, and no address."""
    return len(name) == NUMBER and name.isascii() and name.isdigit()


async def find(name: AccountName, place: Place, works: Works) -> ServiceAccount | None:
    """Return the account that may be used under a name; None for one that is unknown, disabled or deleted.

    The number leads to it as its address does. A project that is named has to be the account's own.
    """
    account = await named(name.name, place, works)
    if account is None or not account.is_usable or name.project not in (ANY_PROJECT, account.project_id):
        return None
    return account


async def named(name: str, place: Place, works: Works) -> ServiceAccount | None:
    """Return the account of an address or number, disabled or not; read at most once a second."""
    key = (place.tenant.tenant_id, name)
    found = works.memory.accounts.get(key, place.now)
    if found is None:
        # A name that cannot be any account's is looked up as well, so that it takes as long.
        asked = name if len(name) <= MAX_NAME and name.isprintable() else NOBODY
        plan = serviceaccounts.by_unique_id if is_number(asked) else serviceaccounts.by_email
        found = FoundAccount(await works.store.read(plan, place.tenant.tenant_id, asked))
        works.memory.accounts.keep(key, found, place.now)
    return found.account


async def keys(unique_id: str, place: Place, works: Works) -> list[AccountKey]:
    """Return the keys of an account whose signatures are believed now; read at most once a second."""
    key = (place.tenant.tenant_id, unique_id)
    found = works.memory.keys.get(key, place.now)
    if found is None:
        read = await works.store.read(accountkeys.of_account, place.tenant.tenant_id, unique_id)
        found = works.memory.keys.keep(key, read, place.now)
    return [one for one in found if one.is_usable(place.now)]


def principal(account: ServiceAccount) -> Principal:
    """Return the account as somebody who acts."""
    return Principal("service_account", account.unique_id, account.email, account.project_id)


def resource(account: ServiceAccount | None, name: str) -> str:
    """Return the name that policies have for an account; for none, one that no policy has.

    It is another for each name, so that what is unknown costs the reading that what is known costs.
    """
    return resources.service_account(NOBODY, name[:MAX_NAME]) if account is None else account.resource
