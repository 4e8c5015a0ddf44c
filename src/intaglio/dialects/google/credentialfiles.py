"""The JSON files that tell a program who it is: a service account's key, a federated identity, a refresh token.

Google's page on Application Default Credentials; the formats `service_account`, `external_account`, `authorized_user`.
"""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import msgspec

from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.ids import Secret

_VERB = ":generateAccessToken"
_ACCOUNTS = "/serviceAccounts/"


class KeyFile(msgspec.Struct, frozen=True):
    """A service account's key, and where it is used."""

    email: str
    private_key: Secret
    key_id: str
    token_uri: str


class ExternalFile(msgspec.Struct, frozen=True):
    """A federated identity: where its token comes from (a file or an address), and what it is exchanged for.

    `account` is the service account that it becomes, at the address `account_base`; empty where it names none.
    """

    audience: str
    subject_token_type: str
    token_url: str
    file: str = ""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    field: str = ""
    account: str = ""
    account_base: str = ""

    def __repr__(self) -> str:
        return f"ExternalFile({self.audience})"


class UserFile(msgspec.Struct, frozen=True):
    """A person's refresh token with the client that it was given to."""

    client_id: str
    client_secret: Secret
    refresh_token: Secret
    token_uri: str


def read(octets: bytes) -> KeyFile | ExternalFile | UserFile:
    """Return what a file holds; raises `Misconfigured` (`credential-file-invalid`)."""
    try:
        members = codec.decode_json_object(octets)
    except codec.CodecError as fault:
        _invalid("a JSON object", str(fault))
    kind = members.get("type")
    if kind == "service_account":
        return KeyFile(
            _text(members, "client_email"),
            Secret(_text(members, "private_key")),
            members.get("private_key_id") or "",
            _url(members, "token_uri"),
        )
    if kind == "external_account":
        return _external(members)
    if kind == "authorized_user":
        secret = members.get("client_secret")
        return UserFile(
            _text(members, "client_id"),
            Secret(secret if isinstance(secret, str) else ""),
            Secret(_text(members, "refresh_token")),
            _url(members, "token_uri"),
        )
    raise _error("type service_account, external_account or authorized_user", str(kind)[:40])


def _external(members: dict[str, Any]) -> ExternalFile:
    source = members.get("credential_source")
    source = source if isinstance(source, dict) else {}
    shape = source.get("format") if isinstance(source.get("format"), dict) else {}
    if "file" not in source and "url" not in source:
        _invalid("a credential_source with a file or a url", "another one")
    headers = source.get("headers") if isinstance(source.get("headers"), dict) else {}
    account, base = _target(members.get("service_account_impersonation_url"))
    return ExternalFile(
        audience=_text(members, "audience"),
        subject_token_type=_text(members, "subject_token_type"),
        token_url=_url(members, "token_url"),
        file=_text(source, "file") if "file" in source else "",
        url=_url(source, "url") if "url" in source else "",
        headers=tuple((str(name), str(value)) for name, value in (headers or {}).items()),
        field=_text(shape or {}, "subject_token_field_name") if (shape or {}).get("type") == "json" else "",
        account=account,
        account_base=base,
    )


def _target(url: object) -> tuple[str, str]:
    """Return the service account that an impersonation address names, and where that is asked."""
    if url is None:
        return "", ""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        parts = urlsplit("")
    name = parts.path.partition(_ACCOUNTS)[2]
    if not name.endswith(_VERB) or parts.scheme not in ("https", "http") or not parts.netloc:
        _invalid(f"service_account_impersonation_url that ends with {_VERB}", "another address")
    return unquote(name.removesuffix(_VERB)), f"{parts.scheme}://{parts.netloc}"


def subject_token(octets: bytes, field: str) -> Secret:
    """Return the token in a source's text, or in the member `field` of its JSON.

    Raises `Misconfigured` (`credential-file-invalid`).
    """
    if not field:
        try:
            return Secret(octets.decode("ascii").strip())
        except UnicodeDecodeError:
            raise _error("a token in ASCII", "other octets") from None  # the cause would quote the octets
    try:
        return Secret(_text(codec.decode_json_object(octets), field))
    except codec.CodecError as fault:
        _invalid("a JSON object with the token", str(fault))


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        _invalid(f"the member {name} as text", "nothing" if value is None else f"a {type(value).__name__}")
    return value


def _url(members: dict[str, Any], name: str) -> str:
    value = _text(members, name)
    if not value.startswith(("https://", "http://")):
        _invalid(f"the member {name} as an http or https address", "another text")
    return value


def _invalid(expected: str, received: str) -> NoReturn:
    raise _error(expected, received)


def _error(expected: str, received: str) -> Misconfigured:
    # Never the text itself: it may be a key.
    return Misconfigured(
        "credential-file-invalid",
        "The file of credentials cannot be used.",
        detail={"expected": expected, "received": received},
        hint="Download or write it anew.",
    )
