"""The way there: a sign-in that goes on at another provider, and what is remembered of it meanwhile.

OpenID Connect Core 3.1.2.1, RFC 7636 section 4, RFC 9700 sections 2.1 and 4.7.
"""

from __future__ import annotations

import msgspec

from intaglio import codec, ids
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.faults import NotFound
from intaglio.server.model import identities
from intaglio.server.model.clients import Client
from intaglio.server.model.connections import Connection
from intaglio.server.model.identities import UpstreamSignIn
from intaglio.server.model.sessions import Transaction
from intaglio.server.provider import connections
from intaglio.server.provider.scene import House, Scene
from intaglio.server.provider.signin import throttle
from intaglio.server.provider.upstream import parties

LIFETIME = 15 * 60
"""Seconds that a person has at the other provider."""
BEGINNINGS = throttle.Allowance("upstream", from_address=300, altogether=20_000)
PURPOSE = "upstream-signin"


class Errand(msgspec.Struct, frozen=True):
    """What somebody signs in for: an authorization request or a device that waits under a name, or their own page.

    Of a request there is the query; of their own page there is neither transaction nor client, and no name.
    """

    name: str = ""
    transaction: Transaction | None = None
    client: Client | None = None
    query: AuthorizeQuery | None = None

    def __repr__(self) -> str:
        return "Errand(…)"


class Kept(msgspec.Struct, frozen=True):
    """What is sealed of a sign-in: the waiting request's name, and what its answer is bound to."""

    transaction: str
    nonce: str
    code_verifier: str
    redirect_uri: str

    def __repr__(self) -> str:
        return "Kept(…)"


async def go(errand: Errand, name: str, scene: Scene, house: House) -> str:
    """Return the address of the other provider to which the browser is sent.

    Raises `NotFound` for a connection that the client may not use, `throttle.TooManyAttempts`, and `Unavailable`,
    `Refused` and `SignInFailed` for a provider that does not answer as one.
    """
    connection = connections.named(await connections.usable(errand.client, scene, house), name)
    if connection is None:
        raise NotFound(detail={"expected": "a connection of this application", "received": name[:80]})
    await throttle.spend(BEGINNINGS, scene, house)
    party = parties.party(connection, scene, house)
    provider = await house.upstreams.of(party, scene.now, house.outgoing)
    party = msgspec.structs.replace(party, redirect_uri=parties.redirect_uri(connection, provider, scene))
    state, kept = ids.opaque(), Kept(errand.name, ids.opaque(), ids.opaque(), party.redirect_uri)
    query = errand.query
    wishes = dict(connection.parameters) | (_hints(query) if query is not None else {})
    where = party.begin(
        provider,
        state=state,
        nonce=kept.nonce,
        code_verifier=kept.code_verifier,
        prompt=_prompt(errand) or wishes.pop("prompt", None),
        max_age=max_age(errand) or None,
        **wishes,
    )
    await house.store.write(identities.begin, _record(state, kept, errand, connection, scene, house))
    return where


def max_age(errand: Errand) -> int | None:
    """Return how old the sign-in may be: as the request says, else as its client registered (`default_max_age`)."""
    if errand.query is None:
        return None
    registered = errand.client.default_max_age if errand.client is not None else None
    return errand.query.max_age if errand.query.max_age is not None else registered


def _prompt(errand: Errand) -> str:
    """Return how the other provider is to ask: as we were told to."""
    asked = errand.query.prompt if errand.query is not None else ()
    words = [word for word in ("login", "select_account") if word in asked]
    return " ".join(words) or ("login" if max_age(errand) == 0 else "")


def _hints(query: AuthorizeQuery) -> dict[str, str]:
    """Return the hints of a request that go along."""
    hints = {"login_hint": query.login_hint, "ui_locales": " ".join(query.ui_locales)}
    return {name: value for name, value in hints.items() if value}


def _record(
    state: str, kept: Kept, errand: Errand, connection: Connection, scene: Scene, house: House
) -> UpstreamSignIn:
    assert house.vault is not None
    waits = errand.transaction
    return UpstreamSignIn(
        digest=ids.digest(state),
        browser=ids.digest(scene.browser_secret),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        dialect=scene.dialect.name,
        connection_id=connection.connection_id,
        transaction=waits.digest.hex() if waits is not None else "",
        sealed=house.vault.seal(codec.encode_json(msgspec.to_builtins(kept)), PURPOSE),
        created_at=scene.now,
        expires_at=min(scene.now + LIFETIME, waits.expires_at) if waits is not None else scene.now + LIFETIME,
    )


def kept_of(found: UpstreamSignIn, house: House) -> Kept:
    """Return what was sealed of a sign-in."""
    assert house.vault is not None
    return msgspec.convert(codec.decode_json_object(house.vault.open(found.sealed, PURPOSE)), Kept)
