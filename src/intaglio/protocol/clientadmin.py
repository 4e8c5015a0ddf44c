"""Clients that programs administer over the network, with an access token for that API: questions and answers.

The fields are those of OpenID Connect Registration 1.0 section 2 where it has them; None is not told. RFC 6750
(bearer tokens), RFC 8707 (the API that a token is for).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from intaglio.errors import ProtocolFault
from intaglio.ids import Secret


class Caller(msgspec.Struct, frozen=True):
    """What a program presents; its token has to be for `audience`, and to have one of the scopes.

    `problem` says what is wrong with how the token came; `fault` is what is wrong with the request besides, which is
    told to those alone who may ask. `secrets` are scopes of which it needs one besides where a change of an application
    brings out a secret.
    """

    access_token: Secret | None
    problem: str
    audience: str
    scope: tuple[str, ...]
    fault: ProtocolFault | None = None
    secrets: tuple[str, ...] = ()


class ClientFields(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a client. Lifetimes and `refresh_grace` are in seconds.

    `own` are settings that the dialect alone understands, each by itself, None taking one away.
    """

    client_name: str | None = None
    application_type: str | None = None
    token_endpoint_auth_method: str | None = None
    redirect_uris: tuple[str, ...] | None = None
    post_logout_redirect_uris: tuple[str, ...] | None = None
    allowed_origins: tuple[str, ...] | None = None
    grant_types: tuple[str, ...] | None = None
    consent: str | None = None
    id_token_signed_response_alg: str | None = None
    id_token_lifetime: int | None = None
    refresh_token_lifetime: int | None = None
    refresh_policy: str | None = None
    refresh_grace: int | None = None
    organization_usage: str | None = None
    initiate_login_uri: str | None = None
    logo_uri: str | None = None
    backchannel_logout_uri: str | None = None
    require_pushed_authorization_requests: bool | None = None
    own: dict[str, Any] = {}


class ClientsList(msgspec.Struct, frozen=True):
    """List clients by id: at most `limit` of them, `skip` of them left out, behind the id `after`.

    `own` are parameters that only the dialect understands, for its writer.
    """

    caller: Caller
    limit: int
    skip: int = 0
    after: str = ""
    own: tuple[tuple[str, str], ...] = ()


class ClientAct(msgspec.Struct, frozen=True):
    """Do something with one client: `show`, `change`, `remove` it, or give it a `new_secret` in place of all others."""

    act: Literal["show", "change", "remove", "new_secret"]
    caller: Caller
    client_id: str
    fields: ClientFields = ClientFields()
    own: tuple[tuple[str, str], ...] = ()


class ClientCreate(msgspec.Struct, frozen=True):
    """Register a client."""

    caller: Caller
    fields: ClientFields


class ClientTold(msgspec.Struct, frozen=True):
    """A client as it is; lifetimes are those in force. `client_secret` is told when it was made, and never again."""

    client_id: str
    tenant_slug: str
    fields: ClientFields
    client_secret: Secret | None = None
    created: bool = False


class ClientsTold(msgspec.Struct, frozen=True):
    """Clients of a page, and how many there are."""

    clients: tuple[ClientTold, ...]
    total: int


class ClientRemoved(msgspec.Struct, frozen=True):
    """The client is not there any more, or never was."""
