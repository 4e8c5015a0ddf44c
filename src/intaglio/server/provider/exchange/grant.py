"""What every grant shares: the client may use it, the tokens are made, the answer is put together.

RFC 6749 sections 5.1 and 5.2, OpenID Connect Core 3.1.3.3, 3.2.2.10 and 3.3.2.11.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from intaglio import codec, ids
from intaglio.errors import ProtocolFault
from intaglio.names import TenantId
from intaglio.protocol import circumstances, claimsrequest
from intaglio.protocol.circumstances import Holder
from intaglio.protocol.exchange import Presented
from intaglio.protocol.facts import Facts
from intaglio.server.issue import gather, mint, personalise
from intaglio.server.issue.personalise import About
from intaglio.server.issue.recipients import Recipient
from intaglio.server.model import audit
from intaglio.server.model.audit import Entry, Source
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider import budget, clientauth, encryption, membership
from intaglio.server.provider.scene import House, Scene
from intaglio.tokens import hashes

IMPLICIT = "implicit"
"""The grant type of what goes through the browser."""
REFUSE = "token.refuse"
"""What the audit log calls it when a code or a token is brought that must not be."""
ACCESS = "ig_at_"
REFRESH = "ig_rt_"
"""What opaque tokens begin with, so that people and scanners recognise them."""


class Lifetimes(msgspec.Struct, frozen=True):
    """The lifetimes in force for one client here, in seconds."""

    id_token: int
    access_token: int
    refresh_token: int


class Signed(msgspec.Struct, frozen=True):
    """What an ID token says of the sign-in; all of it comes from the grant.

    `grant_type` is the one whose lifetime counts; `claims` the request's `claims` as text. `code` and `state` are those
    that go through the browser beside the token.
    """

    user: User
    scope: tuple[str, ...]
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    session_id: str
    nonce: str
    refreshed: bool
    grant_type: str = "authorization_code"
    claims: str = ""
    code: str = ""
    state: str = ""
    circumstances: str = ""

    def __repr__(self) -> str:
        return "Signed(…)"


async def client_for(presented: Presented, grant_type: str, scene: Scene, house: House) -> Client:
    """Return the authenticated client; raises `invalid_client`, `unauthorized_client` (RFC 6749 section 5.2).

    Raises `TooMany` where the client or the tenant has had all the tokens that the operator lets them have.
    """
    client = await clientauth.authenticate(presented, scene, house)
    if grant_type not in client.grant_types:
        raise ProtocolFault(
            "unauthorized_client",
            "The application may not use this grant type.",
            detail={"expected": " ".join(client.grant_types), "received": grant_type},
        ).because("grant-not-allowed", grant_type=grant_type, client_id=client.client_id)
    if "tokens" in house.rates:
        # SECURITY: a client's part is its own to use up: whoever only names it spends nothing of it
        # (test_a_stranger_uses_up_nobodys_part).
        tenant = scene.tenant.tenant_id
        house.rates.spend(scene.now, ("tokens-by-tenant", (tenant,)), ("tokens-by-client", (tenant, client.client_id)))
    return client


def lifetimes(client: Client, grant_type: str, scene: Scene) -> Lifetimes:
    """Return the lifetimes in force for a grant type."""
    profile = scene.dialect.profile
    return Lifetimes(
        gather.lifetime("id_token", client, scene.tenant, profile, grant_type).seconds,
        gather.lifetime("access_token", client, scene.tenant, profile, grant_type).seconds,
        gather.lifetime("refresh_token", client, scene.tenant, profile, grant_type).seconds,
    )


def note_refused(
    tenant_id: TenantId,
    client_id: str,
    user_id: str,
    grant_id: str,
    grant_type: str,
    reason: str,
    now: int,
    source: Source,
) -> Plan[None]:
    """Write down that what somebody has was brought by whom it is not for, or a second time; part of a larger plan."""
    entry = Entry(
        tenant_id,
        ids.ordered(now),
        now,
        REFUSE,
        f"client:{client_id}",
        f"users/{user_id}",
        reason,
        source.ref,
        detail={"grant": grant_type, "grant_id": grant_id, "dialect": source.dialect},
        peer=source.peer,
    )
    yield from audit.insert_one(entry)


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


def facts(signed: Signed, client: Client, access_token: str, now: int, scene: Scene, house: House) -> Facts:
    """Return what is true of the ID token of a sign-in; `now` is its instant of issue.

    `access_token` is the one that is given together with it, empty if none is.
    """
    profile, name, through_browser = scene.dialect.profile, scene.dialect.name, signed.grant_type == IMPLICIT
    alg = gather.algorithm(client, profile)
    grant_type = "refresh_token" if signed.refreshed else signed.grant_type
    return Facts(
        issuer=scene.issuer,
        tenant_id=scene.tenant.tenant_id,
        tenant_slug=scene.tenant.slug,
        owner=scene.tenant.owner,
        audience=client.client_id,
        now=now,
        lifetime=gather.lifetime("id_token", client, scene.tenant, profile, grant_type).seconds,
        alg=alg,
        person=gather.person(signed.user, scene.tenant, name),
        scope=signed.scope,
        # OpenID Connect Core 12.2: a refreshed ID token should have no nonce; auth_time stays the original one.
        nonce="" if signed.refreshed else signed.nonce,
        auth_time=signed.auth_time,
        acr=signed.acr,
        amr=signed.amr,
        session_id=house.subjects.sid(client, signed.session_id),
        # OpenID Connect Core 3.2.2.10: beside an access token that comes through the browser it has to be there.
        at_hash=mint.at_hash(alg, access_token) if access_token and (profile.at_hash or through_browser) else "",
        # OpenID Connect Core 5.4: UserInfo gives the scopes' claims, unless no access token comes of the request.
        delivered_with_access_token=bool(access_token or signed.code),
        refreshed=signed.refreshed,
        c_hash=hashes.half_hash(alg, signed.code) if signed.code else "",
        s_hash=hashes.half_hash(alg, signed.state) if signed.state else "",
        subject=house.subjects.of(scene.dialect, client, signed.user.user_id),
        requested=claimsrequest.decode(signed.claims).id_token if signed.claims else {},
        circumstances=circumstances.decode(signed.circumstances),
        variant=scene.variant,
        groups=signed.user.groups,
        roles=gather.roles(client, signed.user),
        token_id=ids.new_uuid() if profile.names_tokens else "",
        through_browser=through_browser,
        client_settings=client.dialects.get(name, {}),
        tenant_settings=scene.tenant.dialects.get(name, {}),
        tenant_domains=scene.tenant.domains,
        hears_of_logout=client.hears_of_logout,
        foreign=bool(client.home_tenant_id),
        custom=personalise.claims("id_token", about(signed, client, now, scene)) if _has_rules(client, scene) else {},
    )


def _has_rules(client: Client, scene: Scene) -> bool:
    return bool(client.claim_rules or scene.tenant.claim_rules)


def about(signed: Signed, client: Client, now: int, scene: Scene) -> About:
    """Return what claim rules may look at when they make claims of an ID token."""
    return About(
        user=signed.user,
        client=client,
        tenant=scene.tenant,
        scope=signed.scope,
        dialect=scene.dialect.name,
        now=now,
        circumstances=circumstances.decode(signed.circumstances),
        requested=claimsrequest.decode(signed.claims).id_token if signed.claims else (),
        reserved=scene.dialect.reserved_claims,
        grant_type="refresh_token" if signed.refreshed else signed.grant_type,
    )


def holder(user: User, session_id: str, told: str, scene: Scene) -> Holder:
    """Return who an answer is about, for the dialect that writes it; `told` are the circumstances as text."""
    return Holder(user.user_id, user.username, scene.tenant.tenant_id, session_id, circumstances.decode(told))


async def id_token(
    signed: Signed,
    client: Client,
    access_token: str,
    now: int,
    scene: Scene,
    house: House,
    recipient: Recipient | None = None,
) -> str:
    """Return the ID token of a sign-in (OpenID Connect Core 3.1.3.3); `now` is its instant of issue.

    It is encrypted where the client or its tenant wants that, to the recipient if one is known already. Raises
    `ProtocolFault` (`invalid_request`) and `Unavailable` as `encryption.of_id_token` does.
    """
    if recipient is None and encryption.concerns(client, scene.tenant):
        recipient = await encryption.of_id_token(client, scene, house, front_channel=signed.grant_type == IMPLICIT)
    known = facts(signed, client, access_token, now, scene, house)
    known = await membership.added(known, signed.user, client, house)
    token = await house.mint.id_token(scene.dialect, scene.ring_id, known, recipient)
    if len(token) > scene.tenant.id_token_budget:
        budget.warn(len(token), known, scene)
    return token


async def recipient_beforehand(client: Client, scene: Scene, house: House) -> Recipient | None:
    """Return to whom the client's ID tokens are encrypted, before a code or a token is used up for one.

    Raises as `encryption.of_id_token` does, so that a client whose keys cannot be had may try again.
    """
    if not client.id_token_encrypted_response_alg or "openid" not in client.scope:
        return None
    return await encryption.of_id_token(client, scene, house, front_channel=False)
