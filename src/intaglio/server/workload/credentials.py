"""What an account gives whoever may act as it: an ID token, an access token, its signature."""

from __future__ import annotations

import hashlib

from intaglio import ids
from intaglio.protocol.facts import Workload
from intaglio.protocol.identity import Minted
from intaglio.protocol.impersonation import (
    AccessTokenAs,
    AccessTokenGiven,
    AllowedLocations,
    BlobAs,
    BlobSigned,
    IdTokenAs,
    JwtAs,
    JwtSigned,
)
from intaglio.protocol.principals import Bearing
from intaglio.server.workload import accounts, acting, idtokens
from intaglio.server.workload.acting import Deed
from intaglio.server.workload.place import Place, Works

ID_TOKEN, ACCESS_TOKEN, BLOB, JWT = "act.id_token", "act.access_token", "act.sign_blob", "act.sign_jwt"
"""What the log calls each deed."""


async def id_token(query: IdTokenAs, place: Place, works: Works) -> Minted:
    """Return an ID token of an account for one audience; raises what `acting.allowed` does."""
    deed = Deed(place.vocabulary.permissions.id_token, ID_TOKEN, by_own_key=True)
    granted = await acting.allowed(query, deed, place, works, {"audience": query.audience})
    account = granted.account
    workload = Workload(
        account.email,
        account.unique_id,
        account.project_id,
        tells_email=query.email,
        party_by_email=query.email_as_party,
        tells_organization=query.organization,
    )
    return Minted(await idtokens.mint(workload, query.audience, place, works))


async def access_token(query: AccessTokenAs, place: Place, works: Works) -> AccessTokenGiven:
    """Return an access token of an account, which carries the way that led to it; raises what `acting.allowed` does."""
    words, token_id = place.vocabulary, ids.opaque(12)
    deed = Deed(words.permissions.access_token, ACCESS_TOKEN, by_own_key=True)
    told = {"scope": " ".join(query.scope), "lifetime": str(query.lifetime), "token_id": token_id}
    granted = await acting.allowed(query, deed, place, works, told)
    bearing = Bearing(
        principal=accounts.principal(granted.account),
        scope=query.scope,
        issued_at=place.now,
        expires_at=place.now + query.lifetime,
        token_id=token_id,
        lineage=granted.lineage,
        origin=granted.caller.origin,
    )
    token = works.tokens.issue(bearing, place.tenant.tenant_id, place.issuer, words.token_prefix)
    return AccessTokenGiven(token, bearing.expires_at)


async def sign_blob(query: BlobAs, place: Place, works: Works) -> BlobSigned:
    """Return the account's signature of octets; raises what `acting.allowed` does."""
    deed = Deed(place.vocabulary.permissions.sign_blob, BLOB)
    told = _about(query.payload)
    granted = await acting.allowed(query, deed, place, works, told)
    key_id, signature = await works.signatures.blob(granted.account, query.payload, place.now)
    return BlobSigned(key_id, signature, query.form)


async def sign_jwt(query: JwtAs, place: Place, works: Works) -> JwtSigned:
    """Return the account's signature of a JWT's claims; raises what `acting.allowed` does."""
    deed = Deed(place.vocabulary.permissions.sign_jwt, JWT)
    told = _about(query.payload)
    granted = await acting.allowed(query, deed, place, works, told)
    key_id, jwt = await works.signatures.jwt(granted.account, query.payload, place.now)
    return JwtSigned(key_id, jwt)


async def allowed_locations(query: AllowedLocations, place: Place, works: Works) -> AllowedLocations:
    """Return where tokens may be used from: anywhere, whatever the account; nobody learns whether there is one."""
    del place, works
    return query


def _about(payload: bytes) -> dict[str, str]:
    """Return what the log keeps of octets that are signed: their number and their SHA-256, never themselves."""
    return {"octets": str(len(payload)), "sha256": hashlib.sha256(payload).hexdigest()}
