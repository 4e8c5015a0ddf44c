"""Claim rules of a tenant and of a client: add one, remove one, list them, try them for a person."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from intaglio.dialects.dialect import Dialect
from intaglio.errors import Misconfigured
from intaglio.names import Subject
from intaglio.protocol.circumstances import NONE, Circumstances
from intaglio.protocol.facts import Person
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.server.admin import clients as known_clients
from intaglio.server.admin import users as known_users
from intaglio.server.issue import personalise
from intaglio.server.issue.personalise import About, Made
from intaglio.server.model import clients, tenants
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import claimrules as rules
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

Rules = tuple[ClaimRule, ...]
Change = Callable[[Rules], Rules]


class Added(msgspec.Struct, frozen=True):
    """A rule as it is kept, and what somebody should know of it."""

    rule: ClaimRule
    warnings: tuple[str, ...]


class Occasion(msgspec.Struct, frozen=True):
    """For what rules are tried: an `id_token` or `userinfo`, with a scope, in a dialect, at an instant."""

    token: str
    scope: tuple[str, ...]
    dialect: Dialect
    now: int
    circumstances: Circumstances = NONE


async def add(store: Store, actor: Actor, tenant: Tenant, client_id: str, rule: ClaimRule) -> Added:
    """Add a rule to a client, or without `client_id` to the tenant; it counts for tokens issued from now on.

    Raises `Misconfigured`: what `check` of the registry raises, `claim-rule-exists`, `too-many`, `client-unknown`.
    """
    checked = rules.check(rule)
    await _change(
        store, actor, tenant, client_id, "claimRule.add", checked.label, lambda kept: rules.added(kept, checked)
    )
    return Added(checked, rules.warnings(checked))


async def remove(store: Store, actor: Actor, tenant: Tenant, client_id: str, name: str) -> None:
    """Remove a rule by its name; raises `Misconfigured` (`claim-rule-unknown`, `client-unknown`)."""
    await _change(store, actor, tenant, client_id, "claimRule.remove", name, lambda kept: rules.without(kept, name))


async def _change(
    store: Store, actor: Actor, tenant: Tenant, client_id: str, action: str, name: str, change: Change
) -> None:
    def plan() -> Plan[None]:
        if client_id:
            kept = yield from _change_client(tenant, client_id, change)
        else:
            kept = yield from _change_tenant(tenant, change)
        resource = f"tenants/{tenant.slug}" + (f"/clients/{client_id}" if client_id else "")
        before, after = ({one.label: one for one in rules if one.label == name} for rules in kept)
        yield from deeds.note(tenant.tenant_id, actor, action, resource, before=before, after=after, rule=name)

    await store.write(plan)


def _change_client(tenant: Tenant, client_id: str, change: Change) -> Plan[tuple[Rules, Rules]]:
    kept: list[Rules] = []

    def changed(client: Client) -> Client:
        kept[:] = [client.claim_rules, change(client.claim_rules)]
        return msgspec.structs.replace(client, claim_rules=kept[1])

    if (yield from clients.revise(tenant.tenant_id, client_id, changed)) is None:
        raise _no_client(client_id)
    return kept[0], kept[1]


def _change_tenant(tenant: Tenant, change: Change) -> Plan[tuple[Rules, Rules]]:
    kept: list[Rules] = []

    def changed(found: Tenant) -> Tenant:
        kept[:] = [found.claim_rules, change(found.claim_rules)]
        return msgspec.structs.replace(found, claim_rules=kept[1])

    if (yield from tenants.revise(tenant.tenant_id, changed)) is None:
        raise fields.refuse("tenant-unknown", "There is no such tenant.", "the slug or UUID of a tenant", tenant.slug)
    return kept[0], kept[1]


def _no_client(client_id: str) -> Misconfigured:
    hint = "List them with: intaglio client list"
    public = "There is no such client in this tenant."
    return fields.refuse("client-unknown", public, "the client_id of a client", client_id, hint)


async def listing(store: Store, tenant: Tenant, client_id: str) -> tuple[tuple[str, ClaimRule], ...]:
    """Return the rules with their level, in the order in which they count: the tenant's, then a client's.

    Raises `Misconfigured` (`client-unknown`).
    """
    if not client_id:
        return tuple(("tenant", rule) for rule in tenant.claim_rules)
    return personalise.rules_of(await known_clients.show(store, tenant.tenant_id, client_id), tenant)


async def trial(
    store: Store, tenant: Tenant, client_id: str, username: str, occasion: Occasion, extra: ClaimRule | None = None
) -> Made:
    """Return what the rules make for a person and a client, with one more rule if one is given; nothing is kept.

    Raises `Misconfigured` (`client-unknown`, `user-unknown`), and for the rule what `check` of the registry raises.
    """
    client: Client = await known_clients.show(store, tenant.tenant_id, client_id)
    user = await known_users.show(store, tenant.tenant_id, username)
    if extra is not None:
        client = msgspec.structs.replace(client, claim_rules=(*client.claim_rules, rules.check(extra)))
    about = About(
        user=user,
        client=client,
        tenant=tenant,
        scope=occasion.scope,
        dialect=occasion.dialect.name,
        now=occasion.now,
        circumstances=occasion.circumstances,
        reserved=occasion.dialect.reserved_claims,
        grant_type="" if occasion.token == "userinfo" else "authorization_code",
    )
    made = personalise.made(occasion.token, about)
    return _told(made, occasion) if occasion.token == "userinfo" else made


def _told(made: Made, occasion: Occasion) -> Made:
    """Return what of it the dialect's UserInfo tells: one of them has claims of its own alone."""
    nobody = UserinfoAnswer(Person("", ""), occasion.scope, "", Subject(""), custom=made.claims)
    told = {name: value for name, value in occasion.dialect.userinfo(nobody).items() if name in made.claims}
    reason = "the dialect's UserInfo tells no claims of rules"
    untold = tuple((made.rules[name], reason) for name in made.claims if name not in told)
    return Made(told, {name: made.rules[name] for name in told}, (*made.left_out, *untold))
