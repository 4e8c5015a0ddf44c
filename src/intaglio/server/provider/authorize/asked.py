"""Single claims that a request wants by name: what the person is asked for them, and which of them come of it.

OpenID Connect Core 5.5 (the `claims` parameter), 5.4 (the scopes that release claims), 3.1.2.4 (consent).

SECURITY: a claim wanted by name is worth the scope that releases it: the client must be enabled for that scope, and the
person is asked for it, so the parameter opens nothing that a scope would not (test_claims_go_no_further_than_scopes).
"""

from __future__ import annotations

import msgspec

from intaglio.dialects.dialect import Dialect
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.claimsrequest import ClaimRequest, ClaimsRequest
from intaglio.protocol.scopes import NO_CLAIM, scope_of
from intaglio.server.model.clients import Client
from intaglio.server.provider.authorize import checks


def scope(query: AuthorizeQuery, client: Client, dialect: Dialect) -> tuple[str, ...]:
    """Return the scopes that the person is asked for: those of the request, and those of the claims that it names."""
    granted, claims = checks.granted_scope(query, client), query.claims
    if not (claims.id_token or claims.userinfo):
        return granted
    wanted = (*claims.id_token, *claims.userinfo)
    named = dict.fromkeys(_scope_of(name, dialect) for name in wanted if name not in NO_CLAIM)
    return (*granted, *(word for word in named if word in client.scope and word not in granted))


def released(
    query: AuthorizeQuery, client: Client, consented: frozenset[str] | None, dialect: Dialect
) -> AuthorizeQuery:
    """Return the request with those claims alone that it gets; `consented` is None where nobody had to be asked."""
    claims = query.claims
    if not (claims.id_token or claims.userinfo):
        return query
    allowed = frozenset(scope(query, client, dialect))
    # An empty text is the scope of what tells nothing of the person, and needs none.
    allowed = (allowed if consented is None else allowed & consented) | {""}
    kept = ClaimsRequest(_within(claims.id_token, allowed, dialect), _within(claims.userinfo, allowed, dialect))
    return msgspec.structs.replace(query, claims=kept)


def _within(wanted: dict[str, ClaimRequest], allowed: frozenset[str], dialect: Dialect) -> dict[str, ClaimRequest]:
    return {name: request for name, request in wanted.items() if _scope_of(name, dialect) in allowed}


def _scope_of(claim: str, dialect: Dialect) -> str:
    return dialect.claim_scopes.get(claim, scope_of(claim))
