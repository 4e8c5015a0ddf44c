"""UserInfo: the claims of an access token's user (OpenID Connect Core 5.3, RFC 6750)."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.protocol import bearers, circumstances, claimsrequest
from intaglio.protocol.faults import BearerFault
from intaglio.protocol.userinfo import UserinfoAnswer, UserinfoQuery
from intaglio.server.issue import gather, personalise
from intaglio.server.issue.personalise import About
from intaglio.server.model import grants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Grant
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider import encryption
from intaglio.server.provider.scene import House, Scene


def _found(digest: bytes, now: int) -> Plan[tuple[AccessToken, Grant, User] | None]:
    held = yield from grants.access_with_grant(digest, now)
    if held is None:
        return None
    user = yield from users.by_id(held[1].tenant_id, held[1].user_id)
    return (*held, user) if user is not None and user.disabled_at is None else None


async def _client(grant: Grant, scene: Scene, house: House) -> Client | None:
    """Return the client of a grant of this tenant and issuer, None if it is disabled, or the grant another's."""
    here = (grant.tenant_id, grant.issuer) == (scene.tenant.tenant_id, scene.issuer)
    return await house.client(scene, grant.client_id) if here else None


async def userinfo(query: UserinfoQuery, scene: Scene, house: House) -> UserinfoAnswer:
    """Return what the client of an access token is told of its user, signed or encrypted where it wants that.

    Raises `BearerFault`: without a token (no code is told), `invalid_request`, `invalid_token`, `insufficient_scope`.
    An ID token is no access token, and is told so. Raises `invalid_request` and
    `Unavailable` as `encryption.of_userinfo` does.
    """
    if query.problem:
        raise BearerFault("invalid_request", "The access token came in a way that cannot be read.")
    if query.access_token is None:
        raise BearerFault("", "An access token is needed.")
    found = await house.store.read(_found, ids.digest(query.access_token.reveal()), scene.now)
    client = await _client(found[1], scene, house) if found is not None else None
    if found is None or client is None:
        raise bearers.refused(query.access_token.reveal(), "a live access token of this issuer", "another text")
    token, grant, user = found
    scope = tuple(token.scope.split())
    if "openid" not in scope:
        fault = BearerFault("insufficient_scope", "The access token was not given for openid.")
        fault.scope = "openid"
        raise fault
    has_rules = client.claim_rules or scene.tenant.claim_rules
    answer = UserinfoAnswer(
        person=gather.person(user, scene.tenant),
        scope=scope,
        client_id=grant.client_id,
        subject=house.subjects.of(scene.dialect, client, grant.user_id),
        requested=claimsrequest.decode(grant.claims).userinfo if grant.claims else {},
        custom=personalise.claims("userinfo", _about(user, client, grant, scope, scene)) if has_rules else {},
        tenant_slug=scene.tenant.slug,
        owner=scene.tenant.owner,
        circumstances=circumstances.decode(grant.circumstances),
    )
    if client.userinfo_signed_response_alg or client.userinfo_encrypted_response_alg:
        return msgspec.structs.replace(answer, jwt=await _jwt(answer, client, scene, house))
    return answer


def _about(user: User, client: Client, grant: Grant, scope: tuple[str, ...], scene: Scene) -> About:
    """Return what claim rules may look at when they make claims of UserInfo."""
    return About(
        user=user,
        client=client,
        tenant=scene.tenant,
        scope=scope,
        dialect=scene.dialect.name,
        now=scene.now,
        circumstances=circumstances.decode(grant.circumstances),
        requested=claimsrequest.decode(grant.claims).userinfo if grant.claims else (),
        reserved=scene.dialect.reserved_claims,
    )


async def _jwt(answer: UserinfoAnswer, client: Client, scene: Scene, house: House) -> str:
    """Return the claims as a JWT: signed, encrypted, or signed and then encrypted (OpenID Connect Core 5.3.2)."""
    recipient = await encryption.of_userinfo(client, scene, house)
    claims, alg = scene.dialect.userinfo(answer), client.userinfo_signed_response_alg
    if alg:
        # OpenID Connect Core 5.3.2: signed claims name who says them and to whom. There is no exp, so no ID token.
        claims = {"iss": scene.issuer, "aud": client.client_id, **claims}
        profile = scene.dialect.profile
        alg = alg if alg in profile.signing_algs else profile.signing_algs[0]
    return await house.mint.userinfo(scene.dialect, scene.ring_id, claims, alg, recipient)
