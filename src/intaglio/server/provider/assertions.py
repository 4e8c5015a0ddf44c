"""Clients that prove themselves by a signed assertion: `private_key_jwt` and `client_secret_jwt`.

RFC 7521 section 4.2, RFC 7523 sections 2.2 and 3, OpenID Connect Core 9, RFC 8725 (best current practice), and the
audience rules of draft-ietf-oauth-rfc7523bis.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.errors import Refused, Unavailable
from intaglio.protocol.faults import ClientUnknown
from intaglio.server.model import assertions
from intaglio.server.model.clients import Client
from intaglio.server.provider import certified, clientkeys
from intaglio.server.provider.scene import House, Scene
from intaglio.server.registry import fields
from intaglio.tokens import claims, jws

PRIVATE_KEY = "private_key_jwt"
SECRET = "client_secret_jwt"
TYPES = frozenset({"jwt", "client-authentication+jwt"})
"""What `typ` may say where it says anything; a token made for something else is no assertion (RFC 8725 3.11)."""
LEEWAY = 30
LONGEST_LIFETIME = 3600
"""Seconds that an assertion may live: what common libraries make, and no more."""
LONGEST_JTI = 255
INVALID = "assertion-invalid"


def refuse(expected: str, received: str, reason: str = "", client: Client | None = None) -> ClientUnknown:
    """Return the one fault of a client that did not prove itself; the truth goes to the log."""
    # SECURITY: one text for an unknown client, a wrong secret and a wrong method (test_client_faults_look_alike).
    fault = ClientUnknown(detail={"expected": expected, "received": received})
    fault.because(reason, client_id=client.client_id if client is not None else "")
    return fault


async def check(text: str, client: Client, scene: Scene, house: House) -> None:
    """Believe that an assertion is the client's, and use it up.

    Raises `ClientUnknown` (`invalid_client`) for anything but a good assertion, made for this issuer, of a method and
    algorithm that the client registered, that was never brought before; `Unavailable` where that cannot be known.
    """
    try:
        parts = jws.read(text)
        _check_head(parts.header, client)
        payload = await _signed(text, parts.header["alg"], client, scene, house)
        jti, expires_at = _check_claims(codec.decode_json_object(payload), client, scene)
    except (Refused, codec.CodecError) as fault:
        code = fault.code if isinstance(fault, Refused) else "payload"
        reason = "secret-expired" if certified.have_ended(client.jwks, scene.now) else INVALID
        raise refuse("an assertion of the client", f"{code} from {client.client_id}", reason, client) from fault
    # Hydra GHSA-3p3g-vpw6-4w66, fosite GHSA-v3q9-2p3m-7g43 and CVE-2020-15223: used once, in one atomic step; a store
    # that fails raises, and never means yes.
    # SECURITY: an application that several tenants use is one client, also where an audience is good for all of them
    # (test_an_assertion_is_good_once_in_all_tenants).
    digest = assertions.digest(client.home_tenant_id or client.tenant_id, client.client_id, jti)
    if not await house.store.write(assertions.use, digest, expires_at + LEEWAY + 1):
        received = f"one used before from {client.client_id}"
        raise refuse("an assertion that was not used before", received, "assertion-replayed", client)


def _check_head(header: dict[str, Any], client: Client) -> None:
    alg, kind = header["alg"], header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise refuse("a JWT for client authentication", f"another typ from {client.client_id}", INVALID, client)
    method = SECRET if alg in fields.KEYED_ALGORITHMS else PRIVATE_KEY
    if method not in client.token_endpoint_auth_methods:
        expected = " ".join(client.token_endpoint_auth_methods)
        reason = "secret-unwanted" if client.is_public else "method-not-allowed"
        raise refuse(f"one of {expected}", f"{method} from {client.client_id}", reason, client)
    # RFC 8725 3.1: the algorithm that was registered, and no other.
    if client.token_endpoint_auth_signing_alg not in ("", alg):
        expected = client.token_endpoint_auth_signing_alg
        raise refuse(expected, f"{alg[:40]} from {client.client_id}", INVALID, client)


async def _signed(text: str, alg: str, client: Client, scene: Scene, house: House) -> bytes:
    """Return the payload, whose signature is the client's; raises `Refused`, `ClientUnknown`."""
    # RFC 8725 2.1, CVE-2016-10555 and its kin: a secret checks HS256 alone, and a public key never does.
    if alg in fields.KEYED_ALGORITHMS:
        return clientkeys.keyed(text, client, house, scene.now).payload
    try:
        found = await clientkeys.verified(text, client, house, scene.now, algorithms=fields.PAIR_ALGORITHMS)
    except Unavailable as fault:
        received = f"nothing from the jwks_uri of {client.client_id}"
        raise refuse("the client's key set", received, INVALID, client) from fault
    return found.payload


def _check_claims(payload: dict[str, Any], client: Client, scene: Scene) -> tuple[str, int]:
    """Return `jti` and `exp` of an assertion whose claims are right; raises `Refused`, `ClientUnknown`."""
    # RFC 7523 3: issuer and subject are the client itself.
    if payload.get("iss") != client.client_id or payload.get("sub") != client.client_id:
        reason = INVALID if payload.get("iss") == payload.get("sub") else "assertion-parties"
        raise refuse("iss and sub that are the client_id", f"other ones from {client.client_id}", reason, client)
    _check_audience(payload, client, scene)
    expires_at, now = claims.instant(payload, "exp"), scene.now
    if expires_at is None or not now - LEEWAY < expires_at <= now + LONGEST_LIFETIME + LEEWAY:
        expected, received = f"exp within the next {LONGEST_LIFETIME} s", f"{expires_at} from {client.client_id}"
        raise refuse(expected, received, "assertion-expired", client)
    for name in ("iat", "nbf"):
        instant = claims.instant(payload, name)
        if instant is not None and not now - LONGEST_LIFETIME - LEEWAY <= instant <= now + LEEWAY:
            received = f"{instant} from {client.client_id}"
            raise refuse(f"{name} about now, {now}", received, "assertion-expired", client)
    jti = claims.text(payload, "jti")
    if not jti or len(jti) > LONGEST_JTI:
        raise refuse(f"a jti of 1 to {LONGEST_JTI} characters", f"another from {client.client_id}", INVALID, client)
    return jti, expires_at


def _check_audience(payload: dict[str, Any], client: Client, scene: Scene) -> None:
    # CVE-2025-27370, CVE-2025-27371: an audience that names anybody else as well may have been given to us by them.
    ours = {scene.issuer, scene.base + scene.dialect.profile.token_path}
    if scene.dialect.assertion_audiences is not None:
        tenant = scene.tenant
        ours |= scene.dialect.assertion_audiences(scene.authority, tenant.tenant_id, tenant.domains)
    if scene.dialect.profile.pushed_path:
        # RFC 9126 2: the endpoint itself, where requests can be pushed.
        ours.add(scene.base + scene.dialect.profile.pushed_path)
    # SECURITY: names inside are alike in many networks: what was given to our namesake in another one is not
    # taken from outside (test_an_inside_name_counts_inside_alone).
    if scene.inside and scene.from_inside:
        profile = scene.dialect.profile
        ours |= {scene.inside + path for path in (profile.token_path, profile.pushed_path) if path}
    if not set(claims.audiences(payload)) <= ours:
        received = f"another from {client.client_id}"
        raise refuse(f"an aud that is {scene.issuer}", received, "assertion-audience", client)
