"""What a connection to another provider may be, and where its people come back.

OpenID Connect Discovery 1.0 section 3 (issuers), OpenID Connect Core 3.1.2.1 (parameters), RFC 9700 section 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects import believing
from intaglio.errors import Refused
from intaglio.ids import Secret
from intaglio.server.model.connections import Connection
from intaglio.server.registry import fields, takenclaims
from intaglio.tokens import encryptionkeys

CALLBACK = "/_intaglio/upstream/callback/"
SIGNED_OUT = "/_intaglio/upstream/signed-out"
"""Where people come back after signing out there."""
SECRET = "connection-secret"
KEYS = "connection-keys"
"""What secrets and keys of connections are sealed for."""
OWN = frozenset(
    """response_type response_mode client_id redirect_uri scope state nonce code_challenge code_challenge_method
    code_verifier request request_uri max_age login_hint ui_locales provider self""".split()
)
"""Parameters that a sign-in sets itself, so that no connection may have them; the last two are words of our own."""
REFRESHES = ("each_login", "first_login", "never")
MOST = 100
"""Connections of a tenant."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_STRATEGY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PARAMETER = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def callback_path(slug: str, name: str) -> str:
    """Return the path to which a connection's provider sends people back: each has its own.

    SECURITY: RFC 9700 4.4.2.2: an answer that one provider was made to send cannot pass for another's
    (test_an_answer_at_another_connections_address).
    """
    return f"{CALLBACK}{slug}/{name}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, as in `Connection`; None leaves a field as it is. `jwks` is a JWK Set with private keys.

    An empty secret or key set takes it away; `disabled` keeps people out, or lets them in again.
    """

    issuer: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    jwks: Secret | None = None
    display_name: str | None = None
    strategy: str | None = None
    rules: str | None = None
    scope: tuple[str, ...] | None = None
    mapping: dict[str, str] | None = None
    trusts_email: bool | None = None
    link_by_email: bool | None = None
    creates_users: bool | None = None
    domains: tuple[str, ...] | None = None
    clients: tuple[str, ...] | None = None
    parameters: dict[str, str] | None = None
    logs_out: bool | None = None
    refreshes: str | None = None
    disabled: bool | None = None

    def __repr__(self) -> str:
        return "Wanted(…)"

    def plain(self) -> dict[str, Any]:
        """Return the fields that were given and are kept as they are."""
        apart = ("client_secret", "jwks", "disabled")
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name not in apart}
        return {name: value for name, value in given.items() if value is not None}


def check_name(name: str) -> str:
    """Return a connection's name; raises `Misconfigured` (`connection-name-invalid`)."""
    if not _NAME.fullmatch(name):
        expected = "1 to 60 lower-case letters, digits, hyphens and underscores"
        raise fields.refuse("connection-name-invalid", "The name cannot be used.", expected, ascii(name))
    return name


def check(connection: Connection) -> Connection:
    """Return a connection whose fields can be used.

    Raises `Misconfigured` with the code of the field: `dialect-unknown`, `uri-invalid`, `issuer-unusable`,
    `word-invalid`, `name-invalid`, `scope-invalid`, `claim-invalid`, `expression-invalid`, `host-invalid`,
    `parameter-invalid`, `value-unknown`, `too-many`, and `issuer-of-many` for addresses that nobody vouches for.
    """
    fields.words("client_id", (connection.client_id,))
    if (connection.link_by_email or connection.trusts_email) and is_of_many(connection):
        raise fields.refuse(
            "issuer-of-many",
            "Addresses of an issuer of many tenants are nobody's word.",
            "the issuer of one tenant, or neither --trust-email nor --link-by-email",
            connection.issuer,
        )
    return msgspec.structs.replace(
        connection,
        issuer=_issuer(connection.issuer, connection.rules),
        display_name=fields.display_name("display_name", connection.display_name) if connection.display_name else "",
        strategy=_strategy(connection.strategy),
        scope=_scope(connection.scope),
        mapping=takenclaims.check(connection.mapping),
        domains=fields.few("domains", [_domain(one) for one in connection.domains]),
        clients=fields.words("clients", connection.clients),
        parameters=_parameters(connection.parameters),
        refreshes=fields.one_of("refreshes", connection.refreshes, REFRESHES),
    )


def is_of_many(connection: Connection) -> bool:
    """Tell whether an issuer has several tenants, of which anybody may have one.

    SECURITY: whoever runs a tenant writes what its people's addresses are, and that they are confirmed: no such word
    counts here (test_no_address_is_believed_of_an_issuer_that_anybody_is).
    """
    place = believing.rules(connection.rules).placeholder
    return bool(place) and place in connection.issuer


def _issuer(issuer: str, rules: str) -> str:
    using = believing.rules(rules)
    fields.https("issuer", issuer)
    if not issuer or "?" in issuer:
        raise fields.refuse("uri-invalid", "issuer cannot be used.", "https:// and a host, without a query", issuer)
    believing.discovery_uri(issuer, using)
    return issuer


def _strategy(strategy: str) -> str:
    if not _STRATEGY.fullmatch(strategy):
        expected = "1 to 40 lower-case letters, digits and hyphens"
        raise fields.refuse("word-invalid", "strategy cannot be used.", expected, ascii(strategy))
    return strategy


def _scope(scope: Sequence[str]) -> tuple[str, ...]:
    found = fields.scopes(scope)
    if "openid" not in found:
        raise fields.refuse(
            "scope-invalid", "A scope is missing.", "openid, for without it there is no ID token", found
        )
    return found


def _domain(domain: str) -> str:
    found = domain.strip().rstrip(".").lower()
    if "." not in found or ":" in found:
        raise fields.refuse("host-invalid", "A domain cannot be used.", "a domain such as example.com", domain)
    return fields.host(found)


def _parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    fields.few("parameters", parameters)
    for name, value in parameters.items():
        if not _PARAMETER.fullmatch(name) or name in OWN:
            expected = "a parameter that the sign-in does not set itself"
            raise fields.refuse("parameter-invalid", "A parameter cannot be used.", expected, ascii(name))
        if not 1 <= len(value) <= 512 or not value.isprintable():
            raise fields.refuse("parameter-invalid", f"The parameter {name} cannot be used.", "1 to 512 characters", "")
    return dict(parameters)


def check_secret(secret: Secret) -> bytes:
    """Return a client secret as it is sealed; raises `Misconfigured` (`secret-invalid`)."""
    return fields.secret(secret.reveal(), shortest=1).encode()


def check_keys(jwks: Secret) -> bytes:
    """Return a JWK Set of private keys as it is sealed; raises `Misconfigured` (`keys-invalid`)."""
    try:
        document = codec.decode_json_object(jwks.reveal().encode())
        usable = bool(encryptionkeys.read_private_set(document).keys)
    except (codec.CodecError, Refused):
        document, usable = {}, False  # what is wrong may quote a private key
    if not usable:
        expected = "a JWK Set with a private key for decryption"
        raise fields.refuse("keys-invalid", "The keys cannot be used.", expected, "another text")
    return codec.encode_json(document)


def warnings(connection: Connection) -> tuple[str, ...]:
    """Return what an operator should think about, a sentence each."""
    told = []
    if connection.link_by_email:
        told.append(
            "link_by_email: whoever runs this provider can become every user here who has a confirmed address. "
            "Use it for providers only that confirm addresses themselves."
        )
    elif connection.trusts_email:
        told.append("trusts_email: roles that are bound to an address are open to whom this provider says has it.")
    if not connection.sealed_secret:
        told.append("There is no client secret: the provider must take us for a public client.")
    return tuple(told)
