"""Who asks: the administrator of an access token.

RFC 6750 section 2.1 (the Authorization header alone), section 3 (WWW-Authenticate), RFC 8725 section 3.12 (an ID token
is no access token).

SECURITY: whatever a token says, what its holder may do is looked up anew each time, so whoever was dismissed may do
nothing at once (test_whoever_was_dismissed_may_do_nothing_at_once).
"""

from __future__ import annotations

import re

import msgspec

from intaglio import ids
from intaglio.errors import Denied
from intaglio.protocol import bearers, circumstances
from intaglio.protocol.faults import BearerFault
from intaglio.server.model import administrators, clients, grants, tenants, users
from intaglio.server.model.administrators import SCOPE, Administrator
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import Grant
from intaglio.server.model.plan import Plan, Store
from intaglio.wire.message import Request

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*) *", re.ASCII)
EXPECTED = f"a live access token of this installation with the scope {SCOPE}"


class Caller(msgspec.Struct, frozen=True):
    """Who asks, by the name that the audit log has, and what they may do."""

    principal: str
    rights: tuple[Administrator, ...]


class _Found(msgspec.Struct, frozen=True):
    grant: Grant
    scope: frozenset[str]
    client: Client
    tenant_slug: str


def presented(request: Request) -> str:
    """Return the token of a request; raises `BearerFault` (`invalid_request`; empty where there is none)."""
    headers = request.header_values("authorization")
    if not headers:
        raise BearerFault("", "An access token is needed.", detail={"expected": EXPECTED, "received": "none"})
    found = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if found is None:
        public = "The access token came in a way that cannot be read."
        raise BearerFault("invalid_request", public, detail={"expected": "one header: Authorization: Bearer …"})
    return found[1]


async def admitted(request: Request, store: Store, now: int) -> Caller:
    """Return who asks.

    Raises `BearerFault` (`invalid_request`, `invalid_token`, `insufficient_scope`), `TokenKindFault` for an ID token,
    `Denied` (`right-missing`) for somebody who administers nothing.
    """
    text = presented(request)
    found = await store.read(_find, ids.digest(text), now)
    if found is None:
        raise bearers.refused(text, EXPECTED, "another text")
    if SCOPE not in found.scope:
        fault = BearerFault("insufficient_scope", "The access token is not for administration.")
        fault.scope = SCOPE
        raise fault
    grant = found.grant
    principal = administrators.user(grant.user_id) if grant.user_id else administrators.client(grant.client_id)
    rights = await store.read(administrators.of, grant.tenant_id, principal)
    if not rights:
        detail = {"expected": "an administrator", "received": principal}
        hint = "An owner appoints administrators: intaglio admin add"
        raise Denied("right-missing", "You do not administer anything here.", detail=detail, hint=hint)
    # A client's name is its tenant's to give: in another tenant's log it says whose it is.
    named = principal if grant.user_id else f"{principal}@{found.tenant_slug}"
    return Caller(named, tuple(rights))


def _find(digest: bytes, now: int) -> Plan[_Found | None]:
    """Return the grant of a token that is good for this API, if everybody is there who it speaks of."""
    known = yield from grants.access_with_grant(digest, now)
    if known is None:
        return None
    token, grant = known
    # SECURITY: a token for another API opens nothing here (test_every_route_refuses_a_bad_token).
    if circumstances.decode(grant.circumstances).audience:
        return None
    tenant = yield from tenants.by_id(grant.tenant_id)
    client = yield from clients.by_id(grant.tenant_id, grant.client_id)
    if tenant is None or tenant.disabled_at is not None or client is None or client.disabled_at is not None:
        return None
    if grant.user_id:
        user = yield from users.by_id(grant.tenant_id, grant.user_id)
        if user is None or user.disabled_at is not None:
            return None
    scope = frozenset(token.scope.split())
    # SECURITY: what an operator took from the client is gone from its tokens, and another tenant's application brings
    # no administrator in (test_a_client_that_lost_the_scope_opens_nothing, test_no_foreign_application_administers).
    if client.home_tenant_id or SCOPE not in client.scope:
        scope -= {SCOPE}
    return _Found(grant, scope, client, tenant.slug)
