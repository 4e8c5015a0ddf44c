"""UserInfo: the claims of an access token's user (OpenID Connect Core 5.3, RFC 6750)."""

from __future__ import annotations

from intaglio import ids
from intaglio.protocol.faults import BearerFault
from intaglio.protocol.userinfo import UserinfoAnswer, UserinfoQuery
from intaglio.server.issue import gather
from intaglio.server.model import grants, users
from intaglio.server.model.grants import AccessToken, Grant
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider.scene import House, Scene


def _found(digest: bytes, now: int) -> Plan[tuple[AccessToken, Grant, User] | None]:
    held = yield from grants.access_with_grant(digest, now)
    if held is None:
        return None
    user = yield from users.by_id(held[1].tenant_id, held[1].user_id)
    return (*held, user) if user is not None and user.disabled_at is None else None


async def _is_good_here(grant: Grant, scene: Scene, house: House) -> bool:
    """Tell whether a grant is of this tenant and issuer, and its client not disabled."""
    here = (grant.tenant_id, grant.issuer) == (scene.tenant.tenant_id, scene.issuer)
    return here and await house.client(scene, grant.client_id) is not None


async def userinfo(query: UserinfoQuery, scene: Scene, house: House) -> UserinfoAnswer:
    """Return the person and the scopes of an access token.

    Raises `BearerFault`: without a token (no code is told), `invalid_request`, `invalid_token`, `insufficient_scope`.
    An ID token is no access token and is refused like any unknown text.
    """
    if query.problem:
        raise BearerFault("invalid_request", "The access token came in a way that cannot be read.")
    if query.access_token is None:
        raise BearerFault("", "An access token is needed.")
    found = await house.store.read(_found, ids.digest(query.access_token.reveal()), scene.now)
    if found is None or not await _is_good_here(found[1], scene, house):
        raise BearerFault(detail={"expected": "a live access token of this issuer", "received": "another text"})
    token, _, user = found
    scope = tuple(token.scope.split())
    if "openid" not in scope:
        fault = BearerFault("insufficient_scope", "The access token was not given for openid.")
        fault.scope = "openid"
        raise fault
    return UserinfoAnswer(gather.person(user), scope, found[1].client_id)
