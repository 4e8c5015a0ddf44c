"""Identities: who a user is at another provider, and sign-ins there that are under way."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.names import TenantId, UserId
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class Identity(msgspec.Struct, frozen=True):
    """A subject of an issuer, and the user of this tenant that it is; `claims` are what its last ID token said.

    `owns` tells that the user was made for it, so that their claims here follow those there.
    """

    tenant_id: TenantId
    issuer: str
    subject: str
    user_id: UserId
    connection_id: str
    created_at: int
    seen_at: int
    claims: dict[str, Any] = {}
    owns: bool = False

    def __repr__(self) -> str:
        return f"Identity({self.issuer})"


class UpstreamSignIn(msgspec.Struct, frozen=True):
    """A sign-in that goes on at another provider. `digest` is of its `state`, `browser` of the browser's secret.

    `transaction` names the authorization request that waits for it, `issuer` the one here at which it waits. `nonce`
    and `code_verifier` are sealed under the master key.
    """

    digest: bytes
    browser: bytes
    tenant_id: TenantId
    issuer: str
    dialect: str
    connection_id: str
    transaction: str
    sealed: str
    created_at: int
    expires_at: int

    def __repr__(self) -> str:
        return "UpstreamSignIn(…)"


def _key(identity: Identity) -> dict[str, Value]:
    return {"tenant_id": identity.tenant_id, "issuer": identity.issuer, "subject": identity.subject}


@single
def insert(identity: Identity) -> Plan[None]:
    """Keep who somebody is elsewhere; `Conflict` if that subject is somebody already."""
    yield Ask("identity_insert", {**_key(identity), "user_id": identity.user_id, "record": encode(identity)})


@single
def replace(identity: Identity) -> Plan[bool]:
    """Replace what is known of an identity (not whose it is); False if there is none."""
    return bool((yield Ask("identity_replace", {**_key(identity), "record": encode(identity)})))


@single
def by_subject(tenant_id: str, issuer: str, subject: str) -> Plan[Identity | None]:
    """Find the identity of a subject of an issuer."""
    rows = yield Ask("identity_by_subject", {"tenant_id": tenant_id, "issuer": issuer, "subject": subject})
    return decode(rows[0][0], Identity) if rows else None


@single
def of_user(tenant_id: str, user_id: str) -> Plan[list[Identity]]:
    """Return who a user is elsewhere, by issuer and subject."""
    rows = yield Ask("identities_of_user", {"tenant_id": tenant_id, "user_id": user_id})
    return [decode(row[0], Identity) for row in rows]


@single
def delete(tenant_id: str, issuer: str, subject: str) -> Plan[bool]:
    """Forget an identity; False if there is none."""
    return bool((yield Ask("identity_delete", {"tenant_id": tenant_id, "issuer": issuer, "subject": subject})))


@single
def begin(signin: UpstreamSignIn) -> Plan[None]:
    """Keep a sign-in that goes on at another provider."""
    values: dict[str, Value] = {"digest": signin.digest, "expires_at": signin.expires_at, "record": encode(signin)}
    yield Ask("upstream_signin_insert", values)


@single
def take(digest: bytes, now: int) -> Plan[UpstreamSignIn | None]:
    """Take a sign-in that came back, once; None if it was taken, expired or never there."""
    rows = yield Ask("upstream_signin_take", {"digest": digest, "now": now})
    return decode(rows[0][0], UpstreamSignIn) if rows else None
