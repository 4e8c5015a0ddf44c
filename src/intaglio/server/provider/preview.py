"""The ID tokens that a request would be given, and why each claim is in them; nothing is issued, signed or kept.

The request goes through the provider's own checks, its answer through the functions that make tokens, and the claims
through the dialect's: only the person's sign-in and consent are taken for granted. OpenID Connect Core 2 and 5.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import Denied, ProtocolFault
from intaglio.names import SessionId
from intaglio.protocol import circumstances
from intaglio.protocol.authorize import ACR_VALUES, AuthorizeQuery, Problem, problem_of
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.facts import Facts
from intaglio.server.issue import gather, mint, personalise, reasons, recipients
from intaglio.server.issue.reasons import Reason
from intaglio.server.model.clients import Client
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider import encryption, membership
from intaglio.server.provider.authorize import asked, checks, demands, respond, responses
from intaglio.server.provider.exchange import authorization_code, grant
from intaglio.server.provider.scene import House, Scene
from intaglio.wire.params import Params

PEER = "(the address of the sign-in)"
MADE_UP = "preview"
"""In place of the code and the access token of which a token would hold the hash."""
LATER = {
    "at_hash": "(hash of the access token)",
    "c_hash": "(hash of the code)",
    "s_hash": "(hash of the state)",
    "session_id": "(the session's sid)",
}
"""What is known only once there is a code, a token and a session."""


class Previewed(msgspec.Struct, frozen=True):
    """One ID token: where it would be given, what its header would say and why, its claims and why.

    `octets` are those of the payload as it would travel, in base64url; `budget` those above which is warned.
    `left_out` are the claim rules that make no claim here, each with the reason.
    """

    given: str
    alg: str
    alg_rule: str
    encryption: str
    lifetime: int
    lifetime_origin: str
    claims: tuple[Reason, ...]
    octets: int
    budget: int
    left_out: tuple[tuple[str, str], ...] = ()


class Preview(msgspec.Struct, frozen=True):
    """What a request would be given: the scope that is granted, and its ID tokens; none without `openid`."""

    issuer: str
    dialect: str
    response_type: str
    scope: tuple[str, ...]
    id_tokens: tuple[Previewed, ...]


def request_of(client: Client, parameters: dict[str, str]) -> Params:
    """Return an authorization request of a client with these parameters, empty ones left out.

    The redirect URI is the first one registered; a PKCE challenge is there, for nothing of it shows in an ID token.
    """
    usual = {
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0] if client.redirect_uris else "",
        "response_type": "code",
    }
    given = {name: value for name, value in parameters.items() if value}
    told = {name: value for name, value in (usual | given).items() if value}
    if "code" in told["response_type"].split():
        told |= {"code_challenge": "A" * 43, "code_challenge_method": "S256"}
    return Params(told.items())


async def preview(client: Client, user: User, parameters: dict[str, str], scene: Scene, house: House) -> Preview:
    """Return what the user's sign-in with such a request would give the client.

    Raises `Denied` (`preview-refused`) with the standard error that the client would get instead.
    """
    query = scene.dialect.read_authorize(request_of(client, parameters | {"version": scene.variant}))
    try:
        await checks.client_of(query, scene, house)
    except ProtocolFault as fault:
        raise _refused(problem_of(fault)) from fault
    wrong = checks.problem(query, client, scene) or demands.problem(query, scene)
    if wrong is not None:
        raise _refused(wrong)
    scope = checks.granted_scope(query, client)
    query = asked.released(query, client, None, scene.dialect)
    tokens = await _tokens(query, client, user, scope, scene, house) if "openid" in scope else ()
    return Preview(scene.issuer, scene.dialect.name, responses.normal(query.response_type), scope, tokens)


def _refused(wrong: Problem) -> Denied:
    return Denied(
        "preview-refused",
        f"The request would be refused with {wrong.error}: {wrong.description}",
        detail={"expected": wrong.expected, "received": wrong.received} if wrong.expected else {},
        hint="Change the request, or what the client is registered for.",
    )


def _session(user: User, scene: Scene) -> Session:
    now = scene.now
    return Session(
        session_id=SessionId(MADE_UP),
        digest=b"",
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        user_id=user.user_id,
        auth_time=now,
        amr=("pwd",),
        acr=ACR_VALUES[0],
        created_at=now,
        expires_at=now,
        circumstances=circumstances.encode(Circumstances(peer=PEER)),
    )


async def _tokens(
    query: AuthorizeQuery, client: Client, user: User, scope: tuple[str, ...], scene: Scene, house: House
) -> tuple[Previewed, ...]:
    words, session = responses.words(query.response_type), _session(user, scene)
    record = respond.record(MADE_UP, query, client, session, scope, scene)
    made: list[Previewed] = []
    if "id_token" in words:
        wanted = respond.Wanted(MADE_UP if "code" in words else "", MADE_UP if "token" in words else "", id_token=True)
        signed = respond.signed(wanted, record, query, (session, user))
        made.append(await _previewed("through the browser", signed, wanted.access_token, client, scene, house))
    if "code" in words:
        signed = authorization_code.signed(record, user)
        made.append(await _previewed("for the code", signed, MADE_UP, client, scene, house))
    return tuple(made)


async def _previewed(
    given: str, signed: grant.Signed, access_token: str, client: Client, scene: Scene, house: House
) -> Previewed:
    profile, tenant = scene.dialect.profile, scene.tenant
    facts = grant.facts(signed, client, access_token, scene.now, scene, house)
    facts = await membership.added(facts, signed.user, client, house)
    facts = msgspec.structs.replace(facts, **{name: text for name, text in LATER.items() if getattr(facts, name)})
    span = gather.lifetime("id_token", client, tenant, profile, signed.grant_type)
    custom = personalise.made("id_token", grant.about(signed, client, scene.now, scene))

    def claims(known: Facts) -> dict[str, Any]:
        return mint.claims(scene.dialect, known)

    return Previewed(
        given=given,
        alg=facts.alg,
        alg_rule=_alg_rule(client, facts.alg, scene),
        encryption=_encryption(client, scene, front_channel=signed.grant_type == grant.IMPLICIT),
        lifetime=span.seconds,
        lifetime_origin=span.origin,
        claims=reasons.explain(facts, claims, _words(facts, client, span, scene), custom.rules),
        octets=len(codec.encode_base64url(codec.encode_json(claims(facts)))),
        budget=tenant.id_token_budget,
        left_out=custom.left_out,
    )


def _words(facts: Facts, client: Client, span: gather.Effective, scene: Scene) -> dict[str, str]:
    subject = f"the user's UUID as the dialect {scene.dialect.name} shows it"
    if scene.dialect.profile.pairwise or client.subject_type == "pairwise":
        subject = f"a pairwise subject for {client.sector_identifier or 'this client alone'}"
    return {"subject": subject, "lifetime": f"the ID token's lifetime of {span.seconds} s, set by: {span.origin}"}


def _alg_rule(client: Client, alg: str, scene: Scene) -> str:
    if client.id_token_signed_response_alg == alg:
        return "client id_token_signed_response_alg"
    wanted = client.id_token_signed_response_alg
    if not wanted:
        return f"dialect {scene.dialect.name}, for the client names none"
    return f"dialect {scene.dialect.name}, which does not offer {wanted}, the client's id_token_signed_response_alg"


def _encryption(client: Client, scene: Scene, *, front_channel: bool) -> str:
    """Return how the token would be encrypted, by which rule; the key itself is not looked for.

    Raises `Denied` (`preview-refused`) where it has to be encrypted and the client registered no way to do that.
    """
    alg, enc = client.id_token_encrypted_response_alg, client.id_token_encrypted_response_enc
    if alg:
        return f"{alg} with {enc or recipients.DEFAULT_ENC}: client id_token_encrypted_response_alg"
    if recipients.is_demanded(client, scene.tenant, front_channel=front_channel):
        raise _refused(Problem("invalid_request", encryption.NOT_REGISTERED))
    return ""


def plain(found: Preview) -> dict[str, Any]:
    """Return a preview as JSON-like data: the claims as they would stand in each token, and the reasons beside them."""
    return {
        "issuer": found.issuer,
        "dialect": found.dialect,
        "response_type": found.response_type,
        "scope": " ".join(found.scope),
        "id_tokens": [_plain(token) for token in found.id_tokens],
    }


def _plain(token: Previewed) -> dict[str, Any]:
    return {
        "given": token.given,
        "header": {"alg": token.alg, "rule": token.alg_rule},
        "encryption": token.encryption,
        "lifetime": {"seconds": token.lifetime, "origin": token.lifetime_origin},
        "octets": token.octets,
        "budget": token.budget,
        "claims": {one.claim: one.value for one in token.claims},
        "reasons": {one.claim: {"rules": one.rules, "origins": one.origins} for one in token.claims},
        "left_out": dict(token.left_out),
    }
