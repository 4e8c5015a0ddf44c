"""The calls a relying party makes and how their answers are read.

RFC 6749 sections 2.3.1, 3.2, 5.1 and 5.2; OpenID Connect Core 3.1.3.3 and 5.3.
"""

from __future__ import annotations

import binascii
from typing import Any
from urllib.parse import quote_plus

from intaglio import codec
from intaglio.errors import Unavailable
from intaglio.ids import Secret
from intaglio.relying.records import Provider, SignInFailed
from intaglio.validate.discovery import MAXIMUM_OCTETS
from intaglio.wire import params
from intaglio.wire.flow import Call, Reply

_FORM = ("content-type", "application/x-www-form-urlencoded")
_JSON = ("accept", "application/json")


def endpoint(provider: Provider, name: str) -> str:
    """Return an endpoint's URL; raises `SignInFailed` with code `endpoint-missing`."""
    url = provider.metadata.url(name)
    if url is None:
        raise SignInFailed("endpoint-missing", detail={"endpoint": name, "issuer": provider.issuer})
    return url


def _uses_basic(provider: Provider) -> bool:
    # OpenID Connect Discovery 3: client_secret_basic is what an issuer that says nothing takes.
    supported = provider.metadata.members.get("token_endpoint_auth_methods_supported")
    return not isinstance(supported, list) or "client_secret_basic" in supported


def token_call(provider: Provider, client_id: str, secret: Secret | None, fields: list[tuple[str, str]]) -> Call:
    """Return the call to the token endpoint, with the client's secret in the way that the issuer takes."""
    headers: tuple[tuple[str, str], ...] = (_FORM, _JSON)
    if secret is None:
        fields = [*fields, ("client_id", client_id)]
    elif _uses_basic(provider):
        # RFC 6749 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(client_id, safe='')}:{quote_plus(secret.reveal(), safe='')}"
        basic = binascii.b2a_base64(pair.encode("ascii"), newline=False).decode("ascii")
        headers = (*headers, ("authorization", f"Basic {basic}"))
    else:
        fields = [*fields, ("client_id", client_id), ("client_secret", secret.reveal())]
    return Call("POST", endpoint(provider, "token_endpoint"), headers, params.write(fields).encode("ascii"))


def plain(value: object) -> str:
    """Return another party's text, bounded and without control characters, for operators."""
    return "".join(character for character in str(value)[:200] if character.isprintable())


def _object(reply: Reply) -> dict[str, Any]:
    if len(reply.body) > MAXIMUM_OCTETS:
        raise Unavailable("bad-answer", detail={"status": reply.status, "rule": "longer than 256 KiB"})
    try:
        return codec.decode_json_object(reply.body)
    except codec.CodecError as fault:
        raise Unavailable("bad-answer", detail={"status": reply.status, "rule": str(fault)}) from fault


def token_answer(reply: Reply) -> dict[str, Any]:
    """Return the members of a token response.

    Raises `SignInFailed` with code `token-endpoint-error` (the issuer's `error` in `detail`) or
    `token-answer-malformed`, and `Unavailable` with code `bad-answer`.
    """
    members = _object(reply)
    if reply.status != 200:
        told: dict[str, object] = {
            name: plain(members[name]) for name in ("error", "error_description") if name in members
        }
        raise SignInFailed("token-endpoint-error", detail={"status": reply.status, **told})
    kind = members.get("token_type")
    # OpenID Connect Core 3.1.3.3: Bearer, in any case.
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SignInFailed("token-answer-malformed", detail={"rule": "token_type is not Bearer"})
    for name in ("access_token", "refresh_token", "id_token"):
        if name in members and (not isinstance(members[name], str) or not members[name]):
            raise SignInFailed("token-answer-malformed", detail={"rule": f"{name} is not a string"})
    if "access_token" not in members:
        raise SignInFailed("token-answer-malformed", detail={"rule": "access_token is missing"})
    return members


def userinfo_call(provider: Provider, access_token: Secret) -> Call:
    """Return the call to the userinfo endpoint (RFC 6750 section 2.1)."""
    headers = (_JSON, ("authorization", f"Bearer {access_token.reveal()}"))
    return Call("GET", endpoint(provider, "userinfo_endpoint"), headers)


def userinfo_answer(reply: Reply, subject: str) -> dict[str, Any]:
    """Return the claims; raises `SignInFailed` with `userinfo-error` or `userinfo-subject-mismatch`."""
    if reply.status != 200:
        raise SignInFailed("userinfo-error", detail={"status": reply.status})
    members = _object(reply)
    # OpenID Connect Core 5.3.2: the very sub of the ID token, or the answer must not be used.
    if members.get("sub") != subject:
        raise SignInFailed(
            "userinfo-subject-mismatch", detail={"expected": subject, "received": plain(members.get("sub"))}
        )
    return members
