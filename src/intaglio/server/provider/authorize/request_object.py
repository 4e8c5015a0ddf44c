"""Request objects: found by value or by reference, believed, and put in the place of the parameters around them.

OpenID Connect Core 6, RFC 9101 (JWT-secured authorization requests), RFC 8725 (best current practice).

What comes out is a request like any other: the object is not read again, and every check of an authorization request
comes after this.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import ProtocolFault, Refused, Unavailable
from intaglio.protocol import requestobject
from intaglio.protocol.authorize import AuthorizeQuery, Problem
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.server.model.clients import Client
from intaglio.server.provider import clientkeys
from intaglio.server.provider.authorize import request_uri
from intaglio.server.provider.scene import House, Scene
from intaglio.tokens import claims, jwe, jws
from intaglio.wire import params, url
from intaglio.wire.params import Params

ENCRYPTED_DOTS = 4
LEEWAY = 30
"""Seconds by which a client's clock may differ from ours."""


class Believed(msgspec.Struct, frozen=True):
    """An object whose signature is good, or that needs none: what its header says it is, and its members."""

    kind: str
    members: dict[str, Any]
    signed: bool


def refused(rule: str, received: str = "") -> ProtocolFault:
    """Return the fault of an object that is not believed; the rule may be told to the client."""
    detail = {"expected": rule, "received": received[:200]}
    fault = ProtocolFault("invalid_request_object", f"The request object is refused: {rule}.", detail=detail)
    return fault.because("request-object-invalid")


def _not_supported(query: AuthorizeQuery) -> ProtocolFault:
    public = "A request object of this application has to be signed: it did not register 'none'."
    detail = {"expected": "a signed request object", "received": "none"}
    if query.request:
        return ProtocolFault("request_not_supported", public, detail=detail)
    return ProtocolFault("request_uri_not_supported", public, detail=detail)


async def resolve(query: AuthorizeQuery, scene: Scene, house: House) -> AuthorizeQuery:
    """Return the request with its request object's parameters among its own, or as it is if it has no object.

    What is wrong with the object goes into `problem` where the redirect URI around it can be trusted. Raises
    `UnsafeToRedirect` (`invalid_request_object`, `invalid_request_uri`, `request_not_supported`,
    `request_uri_not_supported`) where it cannot.
    """
    if not query.request and not query.request_uri:
        return query
    client = await house.client(scene, query.client_id)
    # Whoever reads on tells both: an unknown client, and parameters that are wrong before any object is looked at.
    if client is None or query.problem is not None:
        return query
    try:
        text = query.request or await request_uri.fetched(query.request_uri, client, house)
        found = await _believed(text, query, client, scene, house)
        return scene.dialect.read_authorize(Params(_assembled(found, query).items()))
    except ProtocolFault as fault:
        return _told(fault, query, client)


def _told(fault: ProtocolFault, query: AuthorizeQuery, client: Client) -> AuthorizeQuery:
    native = client.application_type == "native"
    if not url.redirect_allowed(query.redirect_uri, client.redirect_uris, native=native):
        raise UnsafeToRedirect(fault.code, fault.public, detail=fault.detail, hint=fault.hint) from fault
    expected, received = str(fault.detail.get("expected", "")), str(fault.detail.get("received", ""))
    return msgspec.structs.replace(query, problem=Problem(fault.code, fault.public, expected, received, fault.reason))


# --- is it the client's, and for us?


async def _believed(text: str, query: AuthorizeQuery, client: Client, scene: Scene, house: House) -> Believed:
    try:
        found = await _verified(text, query, client, scene, house)
        _addressed(found, client, scene)
    except Refused as refusal:
        # The codes tell what to look for and no value; a rule belongs to the form, never to the content.
        rule = str(refusal.detail.get("rule") or refusal.hint).rstrip(".")
        told = f"{refusal.code} ({rule})" if rule else refusal.code
        raise refused(told, str(refusal.detail.get("received", ""))) from refusal
    return found


def _opened(text: str, client: Client, scene: Scene, house: House) -> str:
    """Return the signed text: the one at hand, or the one that was encrypted to the issuer."""
    if text.count(".") != ENCRYPTED_DOTS:
        return text
    alg, enc = client.request_object_encryption_alg, client.request_object_encryption_enc
    held = jwe.decrypt(
        text,
        house.keyring.inbox.opening(scene.ring_id, scene.now),
        algorithms=(alg,) if alg else requestobject.ENCRYPTION_ALGS,
        encryptions=(enc or requestobject.DEFAULT_ENCRYPTION,) if alg else jwe.ENCRYPTIONS,
    )
    try:
        # RFC 9101 6.1, RFC 8725 2.3: whoever knows the issuer's key can encrypt to it; only what is inside is believed,
        # and it is a signed text like any other. Claims without a signature and a further envelope are none.
        return held.plaintext.decode("ascii")
    except UnicodeDecodeError:
        raise refused("a signed object inside the encrypted one") from None  # the cause would quote it


async def _verified(text: str, query: AuthorizeQuery, client: Client, scene: Scene, house: House) -> Believed:
    text = _opened(text, client, scene, house)
    parts = jws.read(text)
    try:
        kind = requestobject.kind(parts.header)
    except requestobject.RequestObjectError as exc:
        raise refused(str(exc), str(parts.header.get("typ"))) from exc
    alg, registered = parts.header["alg"], client.request_object_signing_alg
    if alg == "none":
        return Believed(kind, _unsigned(parts, query, registered), signed=False)
    # Registration 1.0 section 2: objects with another algorithm than the registered one must be refused.
    if registered and alg != registered:
        raise refused("alg is the one that this application registered", alg)
    if alg not in requestobject.SIGNING_ALGS:
        raise refused("alg is one of request_object_signing_alg_values_supported", alg)
    return Believed(kind, _members((await _signed(text, alg, client, scene, house)).payload), signed=True)


def _unsigned(parts: jws.Segments, query: AuthorizeQuery, registered: str) -> dict[str, Any]:
    # RFC 8725 3.2: `none` is for who asked for it at registration, and for nobody else.
    if registered != "none":
        raise _not_supported(query)
    if parts.signature:
        raise refused("an object with alg none has no signature", "a signature")
    return _members(parts.payload)


def _members(payload: bytes) -> dict[str, Any]:
    try:
        return codec.decode_json_object(payload)
    except codec.CodecError as exc:
        raise refused(str(exc)) from exc


async def _signed(text: str, alg: str, client: Client, scene: Scene, house: House) -> jws.Verified:
    if alg == "HS256":
        try:
            return clientkeys.keyed(text, client, house, scene.now)
        except Refused as refusal:
            raise refused("HS256 is made with a client secret that is kept for it", client.client_id) from refusal
    try:
        return await clientkeys.verified(text, client, house, scene.now, algorithms=(alg,))
    except Unavailable as fault:
        raise refused("the application's keys could not be fetched", fault.code) from fault


def _addressed(found: Believed, client: Client, scene: Scene) -> None:
    members = found.members
    issuer = claims.text(members, "iss")
    # RFC 9101 4 and 5.1, Core 6.1: a signed object says whose it is and for whom, so that none of another server or of
    # another client with the same key is taken.
    if issuer != client.client_id and (found.signed or issuer is not None):
        raise refused("iss is the client_id", issuer or "none")
    if (found.signed or "aud" in members) and scene.issuer not in claims.audiences(members):
        raise refused("aud is this issuer", str(members.get("aud")))
    # RFC 9101 10.8, Core 6.1: what has the client as its subject is an assertion by which the client names itself.
    if members.get("sub") == client.client_id:
        raise refused("sub is not the client_id", "the client_id")
    expires_at, begins_at = claims.instant(members, "exp"), claims.instant(members, "nbf")
    if expires_at is not None and scene.now >= expires_at + LEEWAY:
        raise refused("exp is not past", f"{scene.now - expires_at} seconds ago")
    if begins_at is not None and scene.now < begins_at - LEEWAY:
        raise refused("nbf is not to come", f"{begins_at - scene.now} seconds ahead")


# --- what it says


def _assembled(found: Believed, query: AuthorizeQuery) -> dict[str, str]:
    """Return the parameters of the request: the object's own, over those around it where the kind allows any."""
    try:
        inside = requestobject.parameters(found.members)
        for value in inside.values():
            params.checked(value)
    except (requestobject.RequestObjectError, params.ParamsError) as exc:
        raise refused(str(exc)) from exc
    around = dict(query.parameters)
    # Core 6.1, RFC 9101 5: these two must be the same where both are given; what else is inside wins.
    for name in ("client_id", "response_type"):
        if name in inside and name in around and inside[name] != around[name]:
            raise refused(f"{name} is the one around it", inside[name])
    if found.kind == requestobject.TYPE:
        # RFC 9101 6.3: of such a request only what is inside counts; nothing can be slipped in beside it.
        return {"client_id": query.client_id, **inside}
    return {**around, **inside}
