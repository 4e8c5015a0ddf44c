"""What every grant shares: the client may use it, the tokens are made, the answer is put together.

RFC 6749 sections 5.1 and 5.2, OpenID Connect Core 3.1.3.3.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from intaglio import codec, ids
from intaglio.errors import ProtocolFault
from intaglio.protocol.exchange import Presented
from intaglio.protocol.facts import Facts
from intaglio.server.issue import gather, mint
from intaglio.server.model.clients import Client
from intaglio.server.model.users import User
from intaglio.server.provider import clientauth
from intaglio.server.provider.scene import House, Scene

ACCESS = "ig_at_"
REFRESH = "ig_rt_"
"""What opaque tokens begin with, so that people and scanners recognise them."""


class Lifetimes(msgspec.Struct, frozen=True):
    """The lifetimes in force for one client here, in seconds."""

    id_token: int
    access_token: int
    refresh_token: int


class Signed(msgspec.Struct, frozen=True):
    """What an ID token says of the sign-in; all of it comes from the grant."""

    user: User
    scope: tuple[str, ...]
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    session_id: str
    nonce: str
    refreshed: bool


async def client_for(presented: Presented, grant_type: str, scene: Scene, house: House) -> Client:
    """Return the authenticated client; raises `invalid_client`, `unauthorized_client` (RFC 6749 section 5.2)."""
    client = await clientauth.authenticate(presented, scene, house)
    if grant_type not in client.grant_types:
        raise ProtocolFault(
            "unauthorized_client",
            "The application may not use this grant type.",
            detail={"expected": " ".join(client.grant_types), "received": grant_type},
        )
    return client


def lifetimes(client: Client, grant_type: str, scene: Scene) -> Lifetimes:
    """Return the lifetimes in force for a grant type."""
    profile = scene.dialect.profile
    return Lifetimes(
        gather.lifetime("id_token", client, scene.tenant, profile, grant_type).seconds,
        gather.lifetime("access_token", client, scene.tenant, profile, grant_type).seconds,
        gather.lifetime("refresh_token", client, scene.tenant, profile, grant_type).seconds,
    )


def new_access_token() -> str:
    """Return a new opaque access token (256 random bits)."""
    return ACCESS + ids.opaque()


def new_refresh_token() -> str:
    """Return a new refresh token (256 random bits)."""
    return REFRESH + ids.opaque()


def successor(house: House, prefix: str, purpose: str, token: str) -> str:
    """Return the token that follows from a refresh token: the same one each time, and known to no one without the key.

    It is derived and not stored, so that a replay inside the grace gets the same answer though only hashes are kept.
    """
    octets = hmac.digest(house.successor_key, f"{purpose}\0{token}".encode(), hashlib.sha256)
    return prefix + codec.encode_base64url(octets)


async def id_token(signed: Signed, client: Client, access_token: str, now: int, scene: Scene, house: House) -> str:
    """Return the ID token of a sign-in (OpenID Connect Core 3.1.3.3); `now` is its instant of issue."""
    profile = scene.dialect.profile
    alg = gather.algorithm(client, profile)
    grant_type = "refresh_token" if signed.refreshed else "authorization_code"
    facts = Facts(
        issuer=scene.issuer,
        tenant_id=scene.tenant.tenant_id,
        tenant_slug=scene.tenant.slug,
        owner=scene.tenant.owner,
        audience=client.client_id,
        now=now,
        lifetime=gather.lifetime("id_token", client, scene.tenant, profile, grant_type).seconds,
        alg=alg,
        person=gather.person(signed.user),
        scope=signed.scope,
        # OpenID Connect Core 12.2: a refreshed ID token should have no nonce; auth_time stays the original one.
        nonce="" if signed.refreshed else signed.nonce,
        auth_time=signed.auth_time,
        acr=signed.acr,
        amr=signed.amr,
        session_id=signed.session_id,
        at_hash=mint.at_hash(alg, access_token) if profile.at_hash else "",
        refreshed=signed.refreshed,
    )
    return await house.mint.id_token(scene.dialect, scene.ring_id, facts)
