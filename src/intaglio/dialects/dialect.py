"""The Dialect record: all that the neutral packages may ask of a dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from intaglio.dialects.routes import FaultWriter, Route, Surface, Writer
from intaglio.names import Issuer, Subject
from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.facts import Facts, PublishedKey
from intaglio.protocol.principals import Principal
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire.params import Params


class Profile(msgspec.Struct, frozen=True):
    """What a dialect gives where neither client nor tenant says otherwise. Lifetimes are in seconds.

    `signing_algs` are the algorithms it may sign ID tokens with, the first being its own choice;
    `refresh_policy` is `rotate` or `keep`; `refresh_grace` how long a rotated token still leads to its successor.
    `response_types` are those it has at the authorization endpoint. `token_path` is where its token endpoint is.
    `shares_ring` tells that one key ring serves every tenant of an authority (a host), where one key set is published
    for all of them.
    """

    id_token_lifetime: int = 3600
    access_token_lifetime: int = 3600
    refresh_token_lifetime: int = 30 * 86400
    code_lifetime: int = 60
    session_lifetime: int = 14 * 3600
    signing_algs: tuple[str, ...] = ("RS256",)
    refresh_policy: str = "rotate"
    refresh_grace: int = 60
    at_hash: bool = True
    response_types: tuple[str, ...] = ("code",)
    token_path: str = "/token"
    shares_ring: bool = False


class Addressed(msgspec.Struct, frozen=True):
    """A path split into the words that name a tenant (None: the listener or host does) and the rest."""

    tenant: str | None
    rest: str


class Permissions(msgspec.Struct, frozen=True):
    """What a dialect calls the permissions that this server itself asks for."""

    id_token: str
    access_token: str
    delegate: str
    sign_blob: str
    sign_jwt: str
    invoke: tuple[str, ...]


class Vocabulary(msgspec.Struct, frozen=True):
    """How a dialect speaks of workloads and of who may do what.

    `roles` are the predefined roles with what they grant. `members` returns every name under which a binding may mean
    a principal, `display` the one by which logs and explanations call it. `token_prefix` begins each
    access token of a workload.
    """

    roles: Mapping[str, tuple[str, ...]]
    permissions: Permissions
    members: Callable[[Principal], frozenset[str]]
    display: Callable[[Principal], str]
    token_prefix: str


class Dialect(msgspec.Struct, frozen=True):
    """One dialect: pure data and functions.

    `locate` splits a raw path; `issuer` and `endpoints` make the issuer and the address its endpoints start with, of
    base address, slug and tenant UUID; `subject` shows a user to a client; `id_token` and `userinfo` turn
    what is known into claims; `kid` names a key; `publishes` tells whether a key belongs into its key set.
    `vocabulary` is there where the dialect knows workloads.
    """

    name: str
    profile: Profile
    routes: tuple[Route, ...]
    surface: Surface
    locate: Callable[[str], Addressed]
    issuer: Callable[[str, str, str], Issuer]
    endpoints: Callable[[str, str, str], str]
    subject: Callable[[str], Subject]
    id_token: Callable[[Facts], dict[str, Any]]
    userinfo: Callable[[UserinfoAnswer], dict[str, Any]]
    kid: Callable[[PublishedKey], str]
    publishes: Callable[[PublishedKey], bool]
    read_authorize: Callable[[Params], AuthorizeQuery]
    write_authorize: Writer
    page_fault: FaultWriter
    vocabulary: Vocabulary | None = None
