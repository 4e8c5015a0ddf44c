"""The calls a relying party makes and how their answers are read.

RFC 6749 sections 2.3.1, 3.2, 5.1 and 5.2; OpenID Connect Core 3.1.3.3 and 5.3; RFC 8628 sections 3.1 and 3.2.
"""

from __future__ import annotations

import binascii
from typing import Any
from urllib.parse import quote_plus

from intaglio.errors import Unavailable
from intaglio.ids import Secret
from intaglio.relying import answers
from intaglio.relying.answers import SignInFailed
from intaglio.relying.records import DeviceStarted, Provider
from intaglio.validate import discovery
from intaglio.wire import params
from intaglio.wire.flow import Call, Reply

_FORM = ("content-type", "application/x-www-form-urlencoded")
_JSON = ("accept", "application/json")


def endpoint(provider: Provider, name: str) -> str:
    """Return an endpoint's URL.

    Raises `SignInFailed` with code `endpoint-missing`, and `Unavailable` with `address-refused` for one that is no
    address of its own, or would go on without TLS.
    """
    url = provider.metadata.url(name)
    if url is None:
        raise SignInFailed("endpoint-missing", detail={"endpoint": name, "issuer": provider.issuer})
    # SECURITY: a browser is sent there, and a client's secret: what the document names is a stranger's word.
    if discovery.learned(url, provider.issuer) != url:
        raise Unavailable("address-refused", "An endpoint has no address of its own.", detail={"endpoint": name})
    return url


def _uses_basic(provider: Provider) -> bool:
    # OpenID Connect Discovery 3: client_secret_basic is what an issuer that says nothing takes.
    supported = provider.metadata.members.get("token_endpoint_auth_methods_supported")
    return not isinstance(supported, list) or "client_secret_basic" in supported


def token_call(provider: Provider, client_id: str, secret: Secret | None, fields: list[tuple[str, str]]) -> Call:
    """Return the call to the token endpoint, with the client's secret in the way that the issuer takes."""
    return _client_call(provider, endpoint(provider, "token_endpoint"), client_id, secret, fields)


def device_call(provider: Provider, client_id: str, secret: Secret | None, scope: str) -> Call:
    """Return the call to the device authorization endpoint (RFC 8628 section 3.1)."""
    url = endpoint(provider, "device_authorization_endpoint")
    return _client_call(provider, url, client_id, secret, [("scope", scope)])


def _client_call(
    provider: Provider, url: str, client_id: str, secret: Secret | None, fields: list[tuple[str, str]]
) -> Call:
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
    return Call("POST", url, headers, params.write(fields).encode("ascii"))


MAX_DEVICE_SECONDS = 1800


def device_answer(reply: Reply) -> DeviceStarted:
    """Return what a device shows and polls with.

    Raises `SignInFailed` with code `device-endpoint-error` or `device-answer-malformed`, and `Unavailable`.
    """
    members = answers.members_of(reply)
    if reply.status != 200:
        told: dict[str, object] = {n: answers.plain(members[n]) for n in ("error", "error_description") if n in members}
        raise SignInFailed("device-endpoint-error", detail={"status": reply.status, **told})
    texts = {name: members.get(name) for name in ("device_code", "user_code", "verification_uri")}
    absent = [name for name, value in texts.items() if not isinstance(value, str) or not value]
    if absent:
        raise SignInFailed("device-answer-malformed", detail={"rule": f"{absent[0]} is missing"})
    complete, interval, span = (members.get(n) for n in ("verification_uri_complete", "interval", "expires_in"))
    return DeviceStarted(
        device_code=Secret(str(texts["device_code"])),
        # What is shown to a person is a stranger's text.
        user_code=answers.plain(texts["user_code"]),
        verification_uri=answers.plain(texts["verification_uri"]),
        verification_uri_complete=answers.plain(complete) if isinstance(complete, str) else "",
        expires_in=min(span, MAX_DEVICE_SECONDS) if type(span) is int and span > 0 else MAX_DEVICE_SECONDS,
        # RFC 8628 3.2: five seconds where the answer names none.
        interval=interval if type(interval) is int and 0 < interval <= 60 else 5,
    )


def userinfo_call(provider: Provider, access_token: Secret) -> Call:
    """Return the call to the userinfo endpoint (RFC 6750 section 2.1)."""
    headers = (_JSON, ("authorization", f"Bearer {access_token.reveal()}"))
    return Call("GET", endpoint(provider, "userinfo_endpoint"), headers)


def userinfo_answer(reply: Reply, subject: str) -> dict[str, Any]:
    """Return the claims; raises `SignInFailed` with `userinfo-error` or `userinfo-subject-mismatch`."""
    if reply.status != 200:
        raise SignInFailed("userinfo-error", detail={"status": reply.status})
    members = answers.members_of(reply)
    # OpenID Connect Core 5.3.2: the very sub of the ID token, or the answer must not be used.
    if members.get("sub") != subject:
        raise SignInFailed(
            "userinfo-subject-mismatch", detail={"expected": subject, "received": answers.plain(members.get("sub"))}
        )
    return members
