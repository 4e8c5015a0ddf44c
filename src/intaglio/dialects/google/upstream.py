"""What somebody asks of a server of this dialect to get tokens: with an account's key, or with another issuer's token.

RFC 7523 section 2.1 (assertion as a grant), RFC 8693 (token exchange), iamcredentials.v1; Google's page on self-signed
JWTs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

import msgspec

from intaglio import codec
from intaglio.dialects.google import calling, hosts
from intaglio.errors import Denied, Misconfigured, Unavailable
from intaglio.wire import params
from intaglio.wire.flow import Call, Flow, Reply

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ASSERTION_LIFETIME = 300
LIFETIME = 3600
API_NAMES = ("oauth2", "sts", "iamcredentials")

_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
_JSON = (("content-type", "application/json"), ("accept", "application/json"))


class Given(msgspec.Struct, frozen=True):
    """A token that was given, and the seconds for which it is good (0: it says so itself)."""

    text: str
    lifetime: int = 0

    def __repr__(self) -> str:
        return f"Given(…, {self.lifetime})"


class KeyFile(msgspec.Struct, frozen=True):
    """What a service account's key file says."""

    email: str
    key_id: str
    private_key: bytes
    project_id: str

    def __repr__(self) -> str:
        return f"KeyFile({self.email}, {self.key_id})"


def addresses(base: str) -> tuple[str, ...]:
    """Return the addresses that are called for the server at a base address."""
    return (base, *(hosts.api(base, name) for name in API_NAMES))


def read_key_file(octets: bytes) -> KeyFile:
    """Return what a key file says; raises `Misconfigured` (`key-file-unusable`) for anything but an account's."""
    try:
        members = codec.decode_json_object(octets)
    except codec.CodecError:
        raise _unusable("a JSON object", "another text") from None  # the cause may quote the key
    # SECURITY: the file of a person (authorized_user) is no identity of a machine.
    if members.get("type") != "service_account":
        raise _unusable("type service_account", str(members.get("type"))[:40])
    found = {name: members.get(name) for name in ("client_email", "private_key_id", "private_key", "project_id")}
    if not all(isinstance(value, str) and value for value in found.values()):
        raise _unusable(", ".join(found), ", ".join(name for name, value in found.items() if value))
    email, key_id, private, project_id = (str(value) for value in found.values())
    return KeyFile(email, key_id, private.encode(), project_id)


def _unusable(expected: str, received: str) -> Misconfigured:
    detail = {"expected": expected, "received": received}
    return Misconfigured("key-file-unusable", "The key file is not one of a service account.", detail=detail)


def project_of(email: str) -> str:
    """Return the project that an account's address names; empty for another kind of address."""
    domain = email.partition("@")[2]
    return domain.partition(".iam.")[0] if ".iam." in domain else ""


def project_number(provider: str) -> int:
    """Return the number of the project that a provider's name holds; 0 if there is none."""
    found = provider.partition("/projects/")[2].partition("/")[0]
    return int(found) if found.isascii() and found.isdigit() and len(found) < 19 else 0


def scope(words: tuple[str, ...]) -> str:
    """Return scopes as they are asked for; none means the whole platform."""
    return " ".join(words or (calling.CLOUD,))


# --- with a key


def assertion(email: str, base: str, now: int, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Return the claims by which the holder of a key asks for an access token."""
    return _signed(email, hosts.api(base, "oauth2") + "/token", now) | {"scope": scope(scopes)}


def self_signed(email: str, base: str, now: int) -> dict[str, Any]:
    """Return the claims by which the holder of a key calls the API that gives tokens of accounts."""
    return _signed(email, hosts.api(base, "iamcredentials") + "/", now)


def _signed(email: str, audience: str, now: int) -> dict[str, Any]:
    return {"iss": email, "sub": email, "aud": audience, "iat": now, "exp": now + ASSERTION_LIFETIME}


def grant(base: str, text: str) -> Flow[Given]:
    """Ask for the access token that an assertion wants."""
    body = params.write([("grant_type", JWT_BEARER), ("assertion", text)]).encode()
    reply = yield Call("POST", hosts.api(base, "oauth2") + "/token", _FORM, body)
    return _bearer(_told(reply))


# --- with another issuer's token, or as an account


def exchange(base: str, provider: str, subject_token: str) -> Flow[Given]:
    """Exchange the token of another issuer for an access token of the external identity."""
    fields = [
        ("grant_type", EXCHANGE),
        ("audience", provider),
        ("scope", calling.CLOUD),
        ("requested_token_type", ACCESS_TOKEN),
        ("subject_token_type", JWT),
        ("subject_token", subject_token),
    ]
    reply = yield Call("POST", hosts.api(base, "sts") + "/v1/token", _FORM, params.write(fields).encode())
    return _bearer(_told(reply))


def id_token(base: str, bearer: str, account: str, audience: str) -> Flow[Given]:
    """Ask for an ID token of an account that the bearer is, or may impersonate; who it is for is its number."""
    told = yield from _impersonate(base, bearer, account, "generateIdToken", audience=audience, includeEmail=True)
    return Given(_text(told, "token"))


def access_token(base: str, bearer: str, account: str, scopes: tuple[str, ...], now: int) -> Flow[Given]:
    """Ask for an access token of an account that the bearer may impersonate."""
    wanted = {"scope": list(scopes) or [calling.CLOUD], "lifetime": f"{LIFETIME}s"}
    told = yield from _impersonate(base, bearer, account, "generateAccessToken", **wanted)
    try:
        ends_at = datetime.strptime(_text(told, "expireTime"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        _odd("expireTime")
    return Given(_text(told, "accessToken"), int(ends_at.timestamp()) - now)


def _impersonate(base: str, bearer: str, account: str, verb: str, **wanted: Any) -> Flow[dict[str, Any]]:
    address = f"{hosts.api(base, 'iamcredentials')}/v1/projects/-/serviceAccounts/{quote(account, safe='')}:{verb}"
    reply = yield Call("POST", address, (*_JSON, ("authorization", f"Bearer {bearer}")), codec.encode_json(wanted))
    return _told(reply)


# --- what came back


def _told(reply: Reply) -> dict[str, Any]:
    try:
        told = codec.decode_json_object(reply.body)
    except codec.CodecError:
        told = {}
    if reply.status == 200:
        return told
    detail = {"status": reply.status, "url": reply.url.partition("?")[0], "error": _error(told)}
    if reply.status == 429 or reply.status >= 500:
        raise Unavailable("upstream-failed", "The server could not answer.", detail=detail)
    code = "upstream-unauthenticated" if reply.status == 401 else "upstream-refused"
    raise Denied(code, "The server refused.", detail=detail)


def _error(told: dict[str, Any]) -> str:
    """Return what an error says, in either of its forms, for the log."""
    error = told.get("error")
    if isinstance(error, dict):
        words = f"{error.get('status')}: {error.get('message')}"
    else:
        words = f"{error}: {told.get('error_description')}"
    return "".join(letter for letter in words[:400] if letter.isprintable())


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        _odd(name)
    return value


def _bearer(told: dict[str, Any]) -> Given:
    lifetime = told.get("expires_in")
    if not isinstance(lifetime, int) or lifetime <= 0:
        _odd("expires_in")
    return Given(_text(told, "access_token"), lifetime)


def _odd(name: str) -> NoReturn:
    raise Unavailable("upstream-failed", "The server's answer cannot be read.", detail={"missing": name})
