"""The way back: an answer of another provider, bound to its sign-in and its browser, believed, and somebody's here.

OpenID Connect Core 3.1.2.5 to 3.1.3.7 and 5.3, RFC 9207, RFC 9700 section 4.

SECURITY: whatever goes wrong, nobody is signed in, and the person is told one sentence for all causes; the log has the
cause (test_a_lying_upstream_signs_nobody_in). A sign-in is taken out of the database before anything of its answer is
looked at, so that none counts twice (test_a_callback_counts_once).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio import codec, ids
from intaglio.errors import IntaglioError, Misconfigured, ProtocolFault
from intaglio.protocol.circumstances import Circumstances
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider, SignedIn, Transaction
from intaglio.server.model import audit, identities, sessions
from intaglio.server.model.connections import Connection
from intaglio.server.model.identities import UpstreamSignIn
from intaglio.server.model.users import User
from intaglio.server.provider import connections, traces
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import steps
from intaglio.server.provider.upstream import going, parties, people
from intaglio.server.provider.upstream.going import Errand
from intaglio.server.provider.upstream.people import Stranger
from intaglio.server.registry import takenclaims
from intaglio.tokens.claims import IDToken

OF_THE_TOKEN = frozenset("nonce at_hash c_hash s_hash exp iat nbf aud azp jti".split())
"""Claims that are about the token and not about the person."""
MAX_TOLD = 8 * 1024
LONGEST_TOLD = 300
"""Octets of one claim, where there are too many."""
USUAL = ("iss", "sub", "auth_time", "acr", "email", "email_verified", "name")
MAX_METHODS = 10
LEEWAY = 60


class Failed(ProtocolFault):
    """A sign-in at another provider came to nothing; `connection` is the name that people know it by."""

    code = "upstream-failed"
    public = "Signing in there did not succeed."
    connection = ""


class Found(msgspec.Struct, frozen=True):
    """A sign-in that came back, with the transaction that it was for; None where it was for one's own page."""

    signin: UpstreamSignIn
    transaction: sessions.Transaction | None


class Arrived(msgspec.Struct, frozen=True):
    """Who somebody is here who came back: how they proved it, who vouches for it, and when they signed in there."""

    user: User
    amr: tuple[str, ...]
    vouched: Circumstances
    auth_time: int | None


async def take(state: str, now: int, house: House) -> Found:
    """Return the sign-in of a `state`, once; raises `UnsafeToRedirect` if there is none under way."""
    found = await house.store.write(identities.take, ids.digest(state), now) if state else None
    if found is None:
        raise steps.gone()
    if not found.transaction:
        return Found(found, None)
    transaction = await house.store.read(sessions.transaction_by_digest, bytes.fromhex(found.transaction), now)
    if transaction is None:
        raise steps.gone()
    return Found(found, transaction)


def name_of(found: Found, scene: Scene, house: House) -> str:
    """Return the name of the waiting transaction; raises `UnsafeToRedirect` for an answer in another browser."""
    # SECURITY: an answer counts in the browser that was sent away, or anybody could be signed in as somebody else
    # (test_an_answer_in_another_browser).
    own = hmac.compare_digest(found.signin.browser, ids.digest(scene.browser_secret))
    if not scene.browser_secret or not own or found.signin.issuer != scene.issuer:
        raise steps.gone()
    try:
        return going.kept_of(found.signin, house).transaction
    except Misconfigured:
        raise steps.gone() from None  # it was sealed under a key that is closed since


async def connection_of(found: Found, errand: Errand, path: str, scene: Scene, house: House) -> Connection | None:
    """Return the connection, None if it may not be used any more.

    Raises `UnsafeToRedirect` for an answer that came to another connection's address.
    """
    if scene.authority + path != going.kept_of(found.signin, house).redirect_uri:
        raise steps.gone()
    usable = await connections.usable(errand.client, scene, house)
    return next((one for one in usable if one.connection_id == found.signin.connection_id), None)


async def finish(
    found: Found, errand: Errand, connection: Connection, fields: Mapping[str, str], scene: Scene, house: House
) -> Arrived:
    """Return who somebody is here; the audit log tells of an answer that makes nobody.

    Raises `Failed`, and `throttle.TooManyAttempts`.
    """
    try:
        return await _finished(found, errand, connection, fields, scene, house)
    except Failed as fault:
        told = {"cause": str(fault.detail["cause"]), "connection": connection.name}
        await house.store.write(audit.insert_one, traces.entry(None, traces.SIGN_IN, scene, "denied", **told))
        raise


async def _finished(
    found: Found, errand: Errand, connection: Connection, fields: Mapping[str, str], scene: Scene, house: House
) -> Arrived:
    try:
        token, told = await _believed(found.signin, connection, fields, scene, house)
        _fresh(token, errand)
    except IntaglioError as fault:
        raise _failed(connection, fault.code, **fault.detail) from fault
    claims = people.believed(connection, takenclaims.of(connection.mapping, told))
    stranger = Stranger(connection, _issuer(connection, token), token.sub, claims)
    user = await people.user_of(stranger, scene, house)
    if isinstance(user, str):
        raise _failed(connection, user, iss=stranger.issuer, sub=stranger.subject)
    vouched = Circumstances(
        idp=stranger.issuer,
        idp_subject=token.sub,
        connection=connection.name,
        told=_told(token, claims),
        dialect=connection.rules,
    )
    return Arrived(user, _methods(token), vouched, token.auth_time)


def _failed(connection: Connection, cause: str, **detail: object) -> Failed:
    shown = connection.display_name or connection.name
    # What the token was to be bound to is nobody's to read.
    kept = {} if cause.startswith("nonce") else detail
    told = {name: str(value)[:300] for name, value in kept.items()}
    fault = Failed(None, f"Signing in with {shown} did not succeed.", detail={"cause": cause, **told})
    fault.connection = shown
    return fault


async def _believed(
    found: UpstreamSignIn, connection: Connection, fields: Mapping[str, str], scene: Scene, house: House
) -> tuple[IDToken, dict[str, Any]]:
    """Return the ID token, and what it and UserInfo tell of the person."""
    assert house.outgoing is not None
    kept = going.kept_of(found, house)
    party = msgspec.structs.replace(parties.party(connection, scene, house), redirect_uri=kept.redirect_uri)
    provider = await house.upstreams.of(party, scene.now, house.outgoing)
    begun = Transaction(state=fields.get("state", ""), nonce=kept.nonce, code_verifier=kept.code_verifier)
    signed_in = await house.outgoing.run(party.finish(provider, begun, fields, now=house.clock.now()))
    return signed_in.token, await _told_of(signed_in, party, provider, house)


async def _told_of(signed_in: SignedIn, party: RelyingParty, provider: Provider, house: House) -> dict[str, Any]:
    """Return the claims of the ID token, with those of UserInfo where a scope that was asked for is not in it."""
    assert house.outgoing is not None
    claims, words = signed_in.token.claims, party.scope.split()
    missing = ("email" in words and "email" not in claims) or ("profile" in words and "name" not in claims)
    if not missing or provider.metadata.url("userinfo_endpoint") is None:
        return claims
    asked = party.userinfo(provider, signed_in.access_token, signed_in.token.sub)
    more = await house.outgoing.run(asked)
    if "email" in claims:
        # What is confirmed is the address beside it, and none that another document names.
        more = {name: value for name, value in more.items() if name != "email_verified"}
    return more | claims


def _fresh(token: IDToken, errand: Errand) -> None:
    """Refuse a sign-in that is older than the request allows; one whose age was asked for has to tell it."""
    query, age = errand.query, going.max_age(errand)
    if query is None or errand.transaction is None:
        return
    if token.auth_time is None:
        # SECURITY: OpenID Connect Core 2: with max_age it has to be there. The browser carried our wish, and whoever
        # sits at it may have taken it off the way (test_an_age_that_is_not_told_is_too_old).
        if age:
            raise ProtocolFault("login_required", "The sign-in there does not tell its age.")
        return
    oldest, begun = 0, errand.transaction.created_at
    if "login" in query.prompt:
        oldest = begun
    if age is not None:
        oldest = max(oldest, begun - age)
    if token.auth_time < oldest - LEEWAY:
        detail = {"expected": f"a sign-in after {oldest}", "received": str(token.auth_time)}
        raise ProtocolFault("login_required", "The sign-in there is too old.", detail=detail)


def _issuer(connection: Connection, token: IDToken) -> str:
    """Return the issuer by which an identity is kept: one name, where the provider has two spellings of it."""
    return connection.issuer if connection.issuer.removeprefix("https://") == token.iss else token.iss


def _methods(token: IDToken) -> tuple[str, ...]:
    """Return how the person proved who they are there (RFC 8176), as far as it is told in words."""
    words = [word for word in token.amr or () if word.isascii() and word.isprintable() and " " not in word]
    return tuple(dict.fromkeys(word for word in words if 0 < len(word) <= 40))[:MAX_METHODS]


def _told(token: IDToken, believed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the ID token says of the person; where that is too much, what is usual and then what is short.

    SECURITY: some dialects tell an address without a word on whether it is confirmed, and applications take it for the
    person; one that is not confirmed is not among it (test_an_address_that_nobody_confirmed_goes_no_further).
    """
    told = {name: value for name, value in token.claims.items() if name not in OF_THE_TOKEN}
    if believed.get("email_verified") is not True or believed.get("email") != told.get("email"):
        told = {name: value for name, value in told.items() if name not in ("email", "email_verified")}
    if len(codec.encode_json(told)) <= MAX_TOLD:
        return told
    kept: dict[str, Any] = {}
    size = 0
    for name in (*(one for one in USUAL if one in told), *(one for one in told if one not in USUAL)):
        octets = len(codec.encode_json({name: told[name]}))
        if octets <= LONGEST_TOLD and size + octets <= MAX_TOLD:
            kept[name], size = told[name], size + octets
    return kept
