"""Records into facts, and the lifetime that is in force with where it comes from."""

from __future__ import annotations

from typing import Literal

import msgspec

from intaglio.dialects.dialect import Profile
from intaglio.protocol.facts import Elsewhere, Person
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User

Kind = Literal["id_token", "access_token", "refresh_token"]


class Effective(msgspec.Struct, frozen=True):
    """A lifetime in seconds and what set it: `client`, `tenant` or `dialect`, and the grant where it is of one."""

    seconds: int
    origin: str


def lifetime(kind: Kind, client: Client | None, tenant: Tenant, profile: Profile, grant_type: str = "") -> Effective:
    """Return the lifetime in force: the client's, else the tenant's, else the dialect's.

    At either of the first two, what is set for the grant type comes before what is set for all of them. Where the
    dialect has policies, one that is assigned comes before all of these; policies say nothing of refresh tokens.
    """
    if profile.lifetime_policies and kind != "refresh_token":
        assigned = policy(client, tenant)
        if assigned is not None:
            return assigned
    for level, record in (("client", client), ("tenant", tenant)):
        if record is None:
            continue
        of_grant = record.grant_lifetimes.get(grant_type)
        if of_grant is not None and (seconds := getattr(of_grant, kind)) is not None:
            return Effective(seconds, f"{level}, {grant_type}")
        if (seconds := getattr(record.lifetimes, kind)) is not None:
            return Effective(seconds, level)
    if kind == "id_token" and tenant.personal and profile.personal_id_token_lifetime:
        return Effective(profile.personal_id_token_lifetime, "dialect, for people without an organisation")
    return Effective(getattr(profile, kind + "_lifetime"), "dialect")


def policy(client: Client | None, tenant: Tenant) -> Effective | None:
    """Return what the policy in force says, None if none is: the one assigned to the client here counts first.

    Then comes the tenant's default, then the one assigned to the application at its home.
    """
    known = tenant.lifetime_policies
    if not known:
        return None
    here = tenant.principal_policies.get(client.client_id, "") if client is not None else ""
    home = client.lifetime_policy if client is not None and client.tenant_id == tenant.tenant_id else ""
    usual = next((one.policy_id for one in known.values() if one.is_default), "")
    for policy_id, level in ((here, "service principal"), (usual, "organisation"), (home, "application")):
        if policy_id in known:
            return Effective(known[policy_id].seconds, f"policy of the {level}: {known[policy_id].name}")
    return None


def code_lifetime(client: Client, tenant: Tenant, profile: Profile) -> Effective:
    """Return how long an authorization code is good: the client's choice, else the tenant's, else the dialect's."""
    for level, lifetimes in (("client", client.lifetimes), ("tenant", tenant.lifetimes)):
        if lifetimes.code is not None:
            return Effective(lifetimes.code, level)
    return Effective(profile.code_lifetime, "dialect")


def session_lifetime(tenant: Tenant, profile: Profile) -> Effective:
    """Return how long a sign-in lasts: the tenant's choice, else the dialect's."""
    if tenant.lifetimes.session is not None:
        return Effective(tenant.lifetimes.session, "tenant")
    return Effective(profile.session_lifetime, "dialect")


def person(user: User, tenant: Tenant, dialect: str = "") -> Person:
    """Return what may be said of a user: what the tenant knows, and what its claim sources do."""
    elsewhere = _elsewhere(user, tenant) if tenant.claim_sources else ()
    settings = user.dialects.get(dialect, {})
    return Person(user.user_id, user.username, user.claims, user.updated_at, user.created_at, elsewhere, settings)


def roles(client: Client, user: User) -> tuple[str, ...]:
    """Return what a user is in an application: the values of the roles that they or one of their groups has."""
    if not client.roles:
        return ()
    whose = {user.user_id, *user.groups}
    # The role without a name says that somebody is assigned, and is none in a token.
    return tuple(value for value, holders in client.roles.items() if value and not whose.isdisjoint(holders))


def _elsewhere(user: User, tenant: Tenant) -> tuple[Elsewhere, ...]:
    found: list[Elsewhere] = []
    for name, source in tenant.claim_sources.items():
        jwt = source.jwt.get(user.username, "")
        if jwt:
            found.append(Elsewhere(name, source.claims, jwt=jwt))
        elif source.endpoint:
            found.append(Elsewhere(name, source.claims, endpoint=source.endpoint, access_token=source.access_token))
    return tuple(found)


def algorithm(client: Client | None, profile: Profile) -> str:
    """Return the ID token's algorithm: the client's if the dialect can show such a key, else the dialect's own."""
    wanted = client.id_token_signed_response_alg if client is not None else profile.signing_algs[0]
    return wanted if wanted in profile.signing_algs else profile.signing_algs[0]
