"""Service accounts: what may be one, and what follows when one goes."""

from __future__ import annotations

import re

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.protocol.principals import Principal
from intaglio.server.model import accountkeys, policies, serviceaccounts
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import deeds, fields, members
from intaglio.server.registry.deeds import Actor

UNIQUE_ID_DIGITS = 21
UNDELETE_SECONDS = 30 * 86400
"""For how long a deleted account can be had back."""

_ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


class Described(msgspec.Struct, frozen=True):
    """What people read of an account; None leaves it as it is."""

    display_name: str | None = None
    description: str | None = None

    def checked(self) -> dict[str, str]:
        """Return what was given; raises `Misconfigured` (`text-invalid`)."""
        given = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return {name: fields.text(name, value, 100 if name == "display_name" else 256) for name, value in given.items()}


def check_account_id(account_id: str) -> str:
    """Return the name of an account in its project; raises `Misconfigured` (`account-id-invalid`)."""
    if not _ACCOUNT_ID.fullmatch(account_id):
        expected = "6 to 30 lower-case letters, digits and hyphens, a letter first, no hyphen last"
        raise fields.refuse("account-id-invalid", "The account's name cannot be used.", expected, ascii(account_id))
    return account_id


def principal(account: ServiceAccount) -> Principal:
    """Return the account as somebody who acts."""
    return Principal("service_account", account.unique_id, account.email)


def create(actor: Actor, account: ServiceAccount) -> Plan[ServiceAccount]:
    """Keep a new account of a project that is there; raises `Misconfigured` (`service-account-exists`)."""
    try:
        yield from serviceaccounts.insert(account)
    except Conflict as exc:
        raise exists(account.email) from exc
    told = {"email": account.email}
    yield from deeds.note(account.tenant_id, actor, "service-account.create", account.resource, after=account, **told)
    return account


def exists(email: str) -> Misconfigured:
    """Return the error for an address that a living account has."""
    hint = f"See it with: intaglio service-account show {email}"
    expected = "an address that is free"
    return fields.refuse("service-account-exists", "A service account has this address.", expected, email, hint)


def find(tenant_id: TenantId, name: str) -> Plan[ServiceAccount]:
    """Find a living account by address or number; raises `Misconfigured` (`service-account-unknown`)."""
    found = yield from serviceaccounts.by_email(tenant_id, name)
    if found is None:
        found = yield from serviceaccounts.by_unique_id(tenant_id, name)
    if found is None or found.deleted_at is not None:
        raise unknown(name)
    return found


def unknown(name: str) -> Misconfigured:
    """Return the error for an account that is not there, or not any more."""
    return fields.refuse(
        "service-account-unknown",
        "There is no such service account.",
        "the address or number of a service account",
        name,
        "List them with: intaglio service-account list --project …",
    )


def update(actor: Actor, account: ServiceAccount, changes: Described) -> Plan[ServiceAccount]:
    """Change what people read of an account; raises `Misconfigured` (`text-invalid`, `service-account-unknown`)."""
    given = changes.checked()
    found = yield from find(account.tenant_id, account.unique_id)
    changed = msgspec.structs.replace(found, **given)
    yield from _keep(found, changed)
    resource = account.resource
    yield from deeds.note(
        account.tenant_id, actor, "service-account.update", resource, before=found, after=changed, **given
    )
    return changed


def switch(actor: Actor, account: ServiceAccount, *, enabled: bool) -> Plan[ServiceAccount]:
    """Disable an account, or enable it again; raises `Misconfigured` (`service-account-unknown`)."""
    found = yield from find(account.tenant_id, account.unique_id)
    at = None if enabled else found.disabled_at or actor.now
    # What it had before stays dead when it comes back.
    tokens_from = actor.now if at != found.disabled_at else found.tokens_from
    changed = msgspec.structs.replace(found, disabled_at=at, tokens_from=tokens_from)
    yield from _keep(found, changed)
    action = "service-account.enable" if enabled else "service-account.disable"
    told = {"email": account.email}
    yield from deeds.note(account.tenant_id, actor, action, account.resource, before=found, after=changed, **told)
    return changed


def _keep(before: ServiceAccount, after: ServiceAccount) -> Plan[None]:
    # SECURITY: nobody who changes something else overrules who disables the account in that very moment.
    if not (yield from serviceaccounts.exchange(before, after)):
        public = "Somebody else has changed the account."
        raise fields.refuse("service-account-changed", public, "it as it was", after.email, "Try again.")


def delete(actor: Actor, words: Vocabulary, account: ServiceAccount) -> Plan[ServiceAccount]:
    """Delete an account with its keys and its policy, and mark it as gone in every other policy.

    Its number is never another's; its address may be. Raises `Misconfigured` (`service-account-unknown`).
    """
    found = yield from find(account.tenant_id, account.unique_id)
    gone = msgspec.structs.replace(found, deleted_at=actor.now)
    yield from _keep(found, gone)
    for key in (yield from accountkeys.of_account(account.tenant_id, account.unique_id)):
        yield from accountkeys.delete(account.tenant_id, account.unique_id, key.key_id)
    yield from policies.delete(account.tenant_id, account.resource)
    who = principal(account)
    # SECURITY: whoever has the address later is another account (test_d6_51_recycled_account_address).
    touched = yield from members.rename(actor, account, words.display(who), words.deleted(who))
    detail = {"email": account.email, "policies": str(touched)}
    yield from deeds.note(account.tenant_id, actor, "service-account.delete", account.resource, before=found, **detail)
    return gone


def undelete(actor: Actor, words: Vocabulary, tenant_id: TenantId, unique_id: str) -> Plan[ServiceAccount]:
    """Bring back an account that was deleted within 30 days, into the bindings that still remember it.

    Its keys, its access tokens and its own policy do not come back. Raises `Misconfigured` (`service-account-unknown`,
    `service-account-exists`).
    """
    found = yield from serviceaccounts.by_unique_id(tenant_id, unique_id)
    if found is None or found.deleted_at is None or actor.now >= found.deleted_at + UNDELETE_SECONDS:
        raise unknown(unique_id)
    back = msgspec.structs.replace(found, deleted_at=None, tokens_from=actor.now)
    try:
        yield from _keep(found, back)
    except Conflict as exc:
        raise exists(back.email) from exc
    who = principal(back)
    touched = yield from members.rename(actor, back, words.deleted(who), words.display(who))
    detail = {"email": back.email, "policies": str(touched)}
    yield from deeds.note(tenant_id, actor, "service-account.undelete", back.resource, after=back, **detail)
    return back
