"""For which organization of a tenant somebody signs in: named by the request, or chosen by the person.

SECURITY: whether the person belongs to it is looked at whenever tokens are given for it, at a refresh as well, so who
was removed gets nothing more (test_who_was_removed_gets_no_more).
"""

from __future__ import annotations

import msgspec

from intaglio.errors import ProtocolFault
from intaglio.protocol.authorize import AuthorizeQuery, Problem
from intaglio.server.model import organizations
from intaglio.server.model.clients import Client
from intaglio.server.model.organizations import Organization
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider.scene import House, Scene

MOST = 100
"""Organizations that a page offers."""
PAGE = "organization"


class Settled(msgspec.Struct, frozen=True):
    """For which organization somebody signs in, or what has to come first: a page with `choices`, or a `problem`."""

    organization: Organization | None = None
    choices: tuple[Organization, ...] = ()
    problem: Problem | None = None


NOBODYS = Settled()


def _concerns(query: AuthorizeQuery, client: Client, scene: Scene) -> bool:
    if not scene.dialect.profile.organizations:
        return False
    return bool(query.organization) or client.organization_usage == "require"


def _find(tenant_id: str, named: str) -> Plan[Organization | None]:
    """Find an organization by its identifier or its name, whose case means nothing."""
    found = yield from organizations.by_id(tenant_id, named)
    return found or (yield from organizations.by_name(tenant_id, named.lower()))


async def problem(query: AuthorizeQuery, client: Client, scene: Scene, house: House) -> Problem | None:
    """Return what is wrong with the organization that a request names, whoever signs in."""
    if not query.organization or not scene.dialect.profile.organizations:
        return None
    named = query.organization[:100]
    if client.organization_usage == "deny":
        return _forbidden(named)
    if await house.store.read(_find, scene.tenant.tenant_id, query.organization) is None:
        told = {"organization": named}
        return Problem("invalid_request", "There is no such organization.", "", named, "organization-unknown", told)
    return None


def _forbidden(named: str) -> Problem:
    description = "This application is for no organization: its organization_usage is 'deny'."
    return Problem("invalid_request", description, "no organization", named, "organization-forbidden")


async def settle(query: AuthorizeQuery, client: Client, user: User, scene: Scene, house: House) -> Settled:
    """Return for which organization a person signs in, or what has to come first."""
    if not _concerns(query, client, scene):
        return NOBODYS
    if client.organization_usage == "deny":
        # It was looked at before the pages; by now an operator may have said otherwise.
        return Settled(problem=_forbidden(query.organization[:100]))
    if query.organization:
        return await house.store.read(_named, user, query.organization)
    found = await house.store.read(organizations.of_user, user.tenant_id, user.user_id, MOST)
    if len(found) == 1:
        return Settled(found[0])
    return Settled(choices=tuple(found), problem=None if found else _outsider("any"))


def _named(user: User, named: str) -> Plan[Settled]:
    found = yield from _find(user.tenant_id, named)
    if found is None:
        return Settled(problem=_outsider(named))
    belongs = yield from organizations.has_member(user.tenant_id, found.organization_id, user.user_id)
    return Settled(found) if belongs else Settled(problem=_outsider(found.organization_id))


def _outsider(named: str) -> Problem:
    told = {"organization": named[:100]}
    description = "The person does not belong to the organization."
    return Problem("access_denied", description, "a member", named[:100], "organization-not-member", told)


def demand(client: Client, scene: Scene, named: str = "") -> None:
    """Raise `unauthorized_client` (`organization-required`) where an organization has to be named, and none is.

    SECURITY: what knows no organizations, as a device's code, is no way into an application that is for their members
    alone (test_a_device_is_no_way_into_an_organizations_application).
    """
    if client.organization_usage == "require" and scene.dialect.profile.organizations and not named:
        detail = {"expected": "a sign-in for an organization", "received": "one for none"}
        fault = ProtocolFault("unauthorized_client", "People sign in here for an organization.", detail=detail)
        raise fault.because("organization-required", client_id=client.client_id)


async def still_member(tenant_id: str, organization_id: str, user_id: str, house: House) -> bool:
    """Tell whether tokens may still be given to somebody for an organization; without one they may."""
    if not organization_id:
        return True
    return await house.store.read(organizations.has_member, tenant_id, organization_id, user_id)
