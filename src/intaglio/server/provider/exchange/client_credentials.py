"""The client credentials grant (RFC 6749 section 4.4): a client in its own name, without a user and an ID token."""

from __future__ import annotations

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.names import GrantId
from intaglio.protocol import circumstances
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.exchange import AttachedExchange, ClientCredentialsExchange, TokenAnswer
from intaglio.protocol.faults import NotFound, invalid_request
from intaglio.server.model import audit, grants
from intaglio.server.model.administrators import SCOPE as ADMINISTRATION
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Grant
from intaglio.server.provider.exchange import grant
from intaglio.server.provider.scene import House, Scene

GRANT = "client_credentials"
OF_PEOPLE = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})
"""Scopes that speak of a user, and so have no meaning here."""


def _scope(wanted: tuple[str, ...] | None, client: Client) -> tuple[str, ...]:
    # SECURITY: in another tenant than its own an application has what an administrator there consented to, and no more
    # (test_a_foreign_application_has_nothing_of_its_own).
    known = frozenset(client.consented_scope if client.home_tenant_id else client.scope)
    allowed = tuple(word for word in client.scope if word in known and word not in OF_PEOPLE)
    if wanted is None:
        # SECURITY: nobody administers with a token that was asked for without a thought of it
        # (test_the_scope_of_administration_is_given_by_name_alone).
        return tuple(word for word in allowed if word != ADMINISTRATION)
    if not set(wanted) <= set(allowed):
        raise _not_enabled(wanted, allowed)
    return wanted


def _not_enabled(wanted: tuple[str, ...], allowed: tuple[str, ...]) -> ProtocolFault:
    return ProtocolFault(
        "invalid_scope",
        "The scope is not enabled for this application.",
        detail={"expected": " ".join(allowed), "received": " ".join(wanted)[:200]},
    ).because("scope-unknown", scope=" ".join(wanted)[:200])


def _check_audience(query: ClientCredentialsExchange, client: Client, scene: Scene) -> None:
    # RFC 8707 2: a token is for the API that the request names; which one, the client does not choose freely.
    if not query.audience or not scene.dialect.profile.names_audiences or query.audience in client.audiences:
        return
    named = query.audience[:200]
    raise ProtocolFault(
        "invalid_target",
        "The application may not call this API.",
        detail={"expected": " ".join(client.audiences), "received": named},
    ).because("audience-not-granted", audience=named)


async def exchange(query: ClientCredentialsExchange, scene: Scene, house: House) -> TokenAnswer:
    """Give an access token to a confidential client.

    Raises `invalid_client`, `unauthorized_client`, `invalid_scope`, `invalid_target`.
    """
    client = await grant.client_for(query.presented, "client_credentials", scene, house)
    if client.is_public:
        # RFC 6749 4.4: only confidential clients.
        public = "A public application cannot use this grant type."
        raise ProtocolFault("unauthorized_client", public).because("secret-missing", client_id=client.client_id)
    _check_audience(query, client, scene)
    scope = _scope(query.scope, client)
    return await _given(client, scope, query.scope, query.audience, scene, house)


async def attached(query: AttachedExchange, scene: Scene, house: House) -> TokenAnswer:
    """Give an access token to the application that is attached to where one asks.

    Raises `not_found` where none is attached, `invalid_request` where another is named, `invalid_scope`.

    SECURITY: only the listener says whose tokens are given here; who asks, with which cookie or token, is never looked
    at (test_only_the_listener_says_whose_token_it_is).
    """
    client = await house.client(scene, scene.attached) if scene.attached else None
    if client is None:
        raise NotFound(public="No application is attached here.")
    if query.client_id not in ("", client.client_id):
        named = query.client_id[:80]
        raise invalid_request("Another application is attached here.", expected=client.client_id, received=named)
    # SECURITY: nobody administers by being on a machine (test_an_attached_application_does_not_administer).
    if ADMINISTRATION in query.scope:
        raise _not_enabled(query.scope, ())
    return await _given(client, _scope(query.scope, client), query.scope, query.audience, scene, house)


async def _given(
    client: Client,
    scope: tuple[str, ...],
    requested: tuple[str, ...] | None,
    audience: str,
    scene: Scene,
    house: House,
) -> TokenAnswer:
    access, lifetime = grant.new_access_token(), grant.lifetimes(client, "client_credentials", scene).access_token
    family = Grant(
        grant_id=GrantId(ids.opaque(16)),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        client_id=client.client_id,
        user_id="",
        session_id="",
        scope=" ".join(scope),
        auth_time=0,
        acr="",
        amr="",
        circumstances=circumstances.encode(Circumstances(audience=audience)),
        created_at=scene.now,
        expires_at=scene.now + lifetime,
    )
    token = AccessToken(ids.digest(access), family.grant_id, family.scope, scene.now, scene.now + lifetime)
    told = (family.tenant_id, family.client_id, "", family.grant_id, GRANT, family.scope, scene.now, scene.source)
    await house.store.write(grants.grant_issue, family, token, audit.issued(*told))
    return TokenAnswer(access, lifetime, scope, requested, client_id=client.client_id)
