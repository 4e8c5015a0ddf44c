"""What a program asks for to get an ID token: by a key, by impersonation, of its machine, for a foreign token.

Google's page on getting an ID token; RFC 7523 section 2.1 (assertions as grants), RFC 8693 section 2 (token exchange).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import quote

import msgspec

from intaglio import codec
from intaglio.dialects.google import hosts
from intaglio.dialects.google.credentialfiles import ExternalFile, KeyFile, UserFile
from intaglio.errors import Denied, Unavailable
from intaglio.ids import Secret
from intaglio.wire import params
from intaglio.wire.flow import Call, Flow, Reply

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
_FLAVOR = (("metadata-flavor", "Google"),)
_MACHINE = "/computeMetadata/v1/"
_ACCOUNT = _MACHINE + "instance/service-accounts/default/"
ASSERTION_LIFETIME = 600


class Usable(msgspec.Struct, frozen=True):
    """A service account that the caller may get tokens of."""

    email: str
    unique_id: str


def impersonable(base: str, bearer: Secret) -> Flow[tuple[Usable, ...]]:
    """Return the accounts whose ID tokens the bearer may get. Raises `Denied` and `Unavailable`."""
    url = hosts.api(base, "iam") + "/v1/accounts:impersonable"
    members = _members((yield Call("GET", url, (_bearer(bearer), ("accept", "application/json")))))
    found = members.get("accounts")
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return tuple(Usable(str(one.get("email", "")), str(one.get("uniqueId", ""))) for one in listed)


def id_token_of(
    base: str,
    bearer: Secret,
    target: str,
    audience: str,
    *,
    delegates: Sequence[str] = (),
    include_email: bool = False,
) -> Flow[str]:
    """Return an ID token of the account `target`, through the delegates; `base` is where accounts are asked.

    Raises `Denied` and `Unavailable`.
    """
    url = f"{base}/v1/projects/-/serviceAccounts/{quote(target, safe='@')}:generateIdToken"
    body: dict[str, object] = {"audience": audience, "includeEmail": include_email}
    if delegates:
        body["delegates"] = [f"projects/-/serviceAccounts/{one}" for one in delegates]
    headers = (_bearer(bearer), ("content-type", "application/json"))
    return _text(_members((yield Call("POST", url, headers, codec.encode_json(body)))), "token")


def by_key(key: KeyFile, wanted: dict[str, str], now: int) -> Flow[dict[str, Any]]:
    """Return the answer for an assertion of the account's own key; `wanted` is a target_audience or a scope.

    Raises `Refused` (`malformed-key`) for a key that is none, `Denied` and `Unavailable`.
    """
    # Those who need no key should not wait for the library that signs.
    from intaglio.tokens import jws, pem  # noqa: PLC0415

    signing = pem.private_from_pem("RS256", key.private_key.reveal())
    claims = {"iss": key.email, "sub": key.email, "aud": key.token_uri, "iat": now, "exp": now + ASSERTION_LIFETIME}
    header = {"typ": "JWT", **({"kid": key.key_id} if key.key_id else {})}
    assertion = jws.sign(signing, header, codec.encode_json({**claims, **wanted}))
    fields = [("grant_type", JWT_BEARER), ("assertion", assertion)]
    return _members((yield Call("POST", key.token_uri, _FORM, params.write(fields).encode("ascii"))))


def by_refresh(user: UserFile) -> Flow[dict[str, Any]]:
    """Return the answer for a person's refresh token. Raises `Denied` and `Unavailable`."""
    fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", user.refresh_token.reveal()),
        ("client_id", user.client_id),
        ("client_secret", user.client_secret.reveal()),
    ]
    return _members((yield Call("POST", user.token_uri, _FORM, params.write(fields).encode("ascii"))))


def exchanged(external: ExternalFile, subject_token: Secret) -> Flow[Secret]:
    """Return the access token for a foreign token. Raises `Denied` and `Unavailable`."""
    fields = [
        ("grant_type", _EXCHANGE),
        ("audience", external.audience),
        ("scope", CLOUD),
        ("requested_token_type", _ACCESS_TOKEN),
        ("subject_token", subject_token.reveal()),
        ("subject_token_type", external.subject_token_type),
    ]
    reply = yield Call("POST", external.token_url, _FORM, params.write(fields).encode("ascii"))
    return Secret(_text(_members(reply), "access_token"))


def fetched(url: str, headers: tuple[tuple[str, str], ...]) -> Flow[bytes]:
    """Return what an address gives out; raises `Unavailable`."""
    reply = yield Call("GET", url, headers)
    if reply.status != 200:
        raise Unavailable("bad-answer", detail={"url": url.partition("?")[0], "status": reply.status})
    return reply.body


def of_machine(root: str, audience: str, form: str, *, licenses: bool) -> Flow[str]:
    """Return the ID token that the machine's metadata server gives; raises `Denied` and `Unavailable`."""
    fields = [("audience", audience), ("format", form), ("licenses", "TRUE" if licenses else "FALSE")]
    reply = yield Call("GET", f"{root}{_ACCOUNT}identity?{params.write(fields)}", _FLAVOR)
    if reply.status != 200:
        _refuse(reply, {})
    return reply.body.decode("ascii", "replace").strip()


def access_of_machine(root: str) -> Flow[Secret]:
    """Return the access token that the machine's metadata server gives; raises `Denied` and `Unavailable`."""
    return Secret(_text(_members((yield Call("GET", f"{root}{_ACCOUNT}token", _FLAVOR))), "access_token"))


def base_of_machine(root: str) -> Flow[str]:
    """Return where the accounts of the machine's universe are asked; raises `Unavailable`."""
    octets = yield from fetched(f"{root}{_MACHINE}universe/universe-domain", _FLAVOR)
    try:
        return hosts.api(hosts.base(octets.decode("ascii", "replace").strip()), "iamcredentials")
    except ValueError as exc:
        raise Unavailable("bad-answer", detail={"rule": "the universe is no domain"}) from exc


def _bearer(token: Secret) -> tuple[str, str]:
    return "authorization", f"Bearer {token.reveal()}"


def _members(reply: Reply) -> dict[str, Any]:
    try:
        members = codec.decode_json_object(reply.body)
    except codec.CodecError as fault:
        if reply.status != 200:
            _refuse(reply, {})
        raise Unavailable("bad-answer", detail={"url": reply.url, "rule": str(fault)}) from fault
    if reply.status != 200:
        _refuse(reply, members)
    return members


def _refuse(reply: Reply, members: dict[str, Any]) -> NoReturn:
    told = members.get("error")
    words = told.get("message") if isinstance(told, dict) else members.get("error_description") or told
    detail: dict[str, object] = {"url": reply.url.partition("?")[0], "status": reply.status}
    detail["received"] = _plain(words) if words else "no reason"
    if reply.status in (400, 401, 403):
        raise Denied("token-denied", "The server does not give that token.", detail=detail)
    raise Unavailable("bad-answer", detail=detail)


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise Unavailable("bad-answer", detail={"rule": f"{name} is missing"})
    return value


def _plain(words: object) -> str:
    return "".join(letter for letter in str(words)[:300] if letter.isprintable())
