"""Applications that people of other tenants use: found where they are registered, kept where they are used.

A tenant that uses another's application has a record of its own of it, which says what that tenant decided: who is
assigned, what an administrator consented to, whether it is switched off. All else is said where it is registered.

SECURITY: what an application's own tenant decided for its own people counts for nobody else's: neither that nobody is
asked (test_a_foreign_application_always_asks), nor its claim rules (test_a_foreign_application_brings_no_claim_rules).
"""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model import clients, tenants
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.tenants import Tenant


def admits(application: Client, tenant: Tenant) -> bool:
    """Tell whether people of a tenant may sign in to an application; an open tenant stands for all that it admits."""
    if application.sign_in_audience == "everyone" or application.tenant_id == tenant.tenant_id:
        return True
    if application.sign_in_audience == "organizations":
        return not (tenant.personal and tenant.tenant_id)
    return application.sign_in_audience == "personal" and tenant.personal


def shared(tenant: Tenant, client_id: str) -> Plan[Client | None]:
    """Find an application as a tenant has it: its own, or another's that its people may use; disabled or not."""
    own = (yield from clients.by_id(tenant.tenant_id, client_id)) if tenant.tenant_id else None
    if own is not None and not own.home_tenant_id:
        return own
    home = yield from _home(own, client_id)
    if home is None or not admits(home, tenant):
        return None
    return as_used(home, own, tenant)


def _home(own: Client | None, client_id: str) -> Plan[Client | None]:
    homes = (own.home_tenant_id,) if own is not None else (yield from _homes(client_id))
    # SECURITY: of two applications of one identifier neither is meant: nobody takes another's place by its name
    # (test_two_applications_of_one_identifier_are_neither).
    if len(homes) != 1:
        return None
    # SECURITY: nothing of a disabled tenant signs anybody in, at other tenants neither
    # (test_the_application_of_a_disabled_tenant_signs_nobody_in).
    tenant = yield from tenants.by_id(homes[0])
    if tenant is None or tenant.disabled_at is not None:
        return None
    home = yield from clients.by_id(homes[0], client_id)
    return None if home is None or home.home_tenant_id else home


def _homes(client_id: str) -> Plan[tuple[str, ...]]:
    """Return where shared applications of an identifier are registered, by themselves and by whoever uses them.

    Those who use it lead there as well: not all that have the identifier are looked at
    (test_many_tenants_that_use_an_application_do_not_hide_it).
    """
    found = yield from clients.anywhere(client_id)
    shared = [one for one in found if one.home_tenant_id or one.sign_in_audience != "tenant"]
    return tuple(dict.fromkeys(one.home_tenant_id or str(one.tenant_id) for one in shared))


def as_used(home: Client, own: Client | None, tenant: Tenant) -> Client:
    """Return an application of another tenant as it counts here; `own` is this tenant's record of it."""
    return msgspec.structs.replace(
        home,
        tenant_id=tenant.tenant_id,
        home_tenant_id=home.tenant_id,
        disabled_at=home.disabled_at if own is None or home.disabled_at is not None else own.disabled_at,
        consent="ask",
        consented_scope=own.consented_scope if own is not None else (),
        roles=own.roles if own is not None else {},
        assignment_required=own.assignment_required if own is not None else False,
        claim_rules=own.claim_rules if own is not None else (),
        lifetime_policy="",
    )


def keep(application: Client, now: int) -> Plan[None]:
    """Keep this tenant's record of another's application, unless there is one; nothing to do for its own."""
    if not application.home_tenant_id:
        return
    if (yield from clients.by_id(application.tenant_id, application.client_id)) is None:
        yield from clients.insert(record(application, now))


def record(application: Client, now: int) -> Client:
    """Return the record that a tenant keeps of another's application."""
    return Client(
        TenantId(application.tenant_id),
        application.client_id,
        application.client_name,
        now,
        home_tenant_id=application.home_tenant_id,
        grant_types=(),
        response_types=(),
    )
