"""The Dialect record: all that the neutral packages may ask of a dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from intaglio.dialects.routes import FaultWriter, Route, Surface, Writer
from intaglio.ids import Secret
from intaglio.names import Issuer, Subject
from intaglio.protocol.authorize import RESPONSE_MODES, AuthorizeQuery
from intaglio.protocol.exchange import CodeExchange
from intaglio.protocol.facts import Facts, PublishedKey
from intaglio.protocol.gate import Receiving
from intaglio.protocol.instances import Instance, Node
from intaglio.protocol.principals import Principal
from intaglio.protocol.scopes import ScopeGroup
from intaglio.protocol.trusted import TrustedIssuer
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire.params import Params


class Profile(msgspec.Struct, frozen=True):
    """What a dialect gives where neither client nor tenant says otherwise. Lifetimes are in seconds.

    `signing_algs` are the algorithms it may sign ID tokens with, the first being its own choice;
    `refresh_policy` is `rotate`, `keep`, or `never`, which no client can change; `refresh_grace` how long a rotated
    token still leads to its successor.
    `response_types` are those it has at the authorization endpoint. `token_path` is where its token endpoint is.
    `shares_ring` tells that one key ring serves every tenant of an authority (a host), where one key set is published
    for all of them; there, `personal_tenant_id` is the tenant of people who belong to no organisation.
    `at_hash` tells whether ID tokens from the token endpoint have one. `pairwise` makes each client's subjects its own.
    `personal_id_token_lifetime` is that of people who belong to no organisation, where it is another (else 0).
    `names_tokens` gives each ID token a UUID, `lifetime_policies` lets policies be assigned. `device_path` is where a
    person types a device's code; a device that polls too often is told so if `slows_down`. `tells_issuer` puts `iss`
    into the authorization endpoint's answers (RFC 9207). With `relaxed_redirects` any port of
    `http://localhost` stands for the registered one, whatever the application's type, and `/` for no path. With
    `logout_by_address` a logout that names no client may lead to an address of one that got tokens in the session.
    `registration_path` is where clients register themselves.
    With `names_audiences` a request may name the API that its access token is for, one that its client may call;
    with `organizations` people may sign in for one of their organizations; with `tenant_hosts` a host may be a tenant's
    own, and its issuer is there.
    `pushed_path` is where they push authorization requests, empty where they cannot (RFC 9126). `upstream_callback` is
    where people come back from every other provider that says who it is; from the others each has its own address.
    `refuses_scopes` makes every scope an error that the client is not enabled for; else unknown ones are ignored.
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
    personal_tenant_id: str = ""
    response_modes: tuple[str, ...] = RESPONSE_MODES
    pairwise: bool = False
    names_tokens: bool = False
    personal_id_token_lifetime: int = 0
    lifetime_policies: bool = False
    device_path: str = "/device"
    device_lifetime: int = 600
    slows_down: bool = True
    tells_issuer: bool = True
    relaxed_redirects: bool = False
    logout_by_address: bool = False
    names_audiences: bool = False
    organizations: bool = False
    tenant_hosts: bool = False
    registration_path: str = "/register"
    refuses_scopes: bool = False
    pushed_path: str = ""
    upstream_callback: str = ""


class Addressed(msgspec.Struct, frozen=True):
    """A path split into the words that name a tenant (None: the listener or host does) and the rest.

    `by` is what the word is: a `slug`, an `id`, a `domain`, or `open` where the tenant is not known before the person.
    With an `owner` the tenant has to be that owner's. `variant` is the version of the endpoints that is spoken to.
    An open one may be of people who belong to no organisation where it is `personal`.
    """

    tenant: str | None
    rest: str
    by: Literal["slug", "id", "domain", "open"] = "slug"
    owner: str | None = None
    variant: str = ""
    personal: bool = False


class Site(msgspec.Struct, frozen=True):
    """Where an issuer is: a base address and a tenant. An open tenant has no id, and the word for it as its slug."""

    base_url: str
    slug: str
    tenant_id: str
    owner: str = ""
    variant: str = ""


class Permissions(msgspec.Struct, frozen=True):
    """What a dialect calls the permissions that this server itself asks for.

    `takeover` are those by which somebody can give themselves the others: by a policy, or by a key of their own.
    """

    id_token: str
    access_token: str
    delegate: str
    sign_blob: str
    sign_jwt: str
    invoke: tuple[str, ...]
    takeover: tuple[str, ...] = ()


class Calling(msgspec.Struct, frozen=True):
    """What those who call the APIs of workloads need.

    `scopes`: one of these has to be on their token; `whole_scope` is what is meant where none is named; `email_scopes`
    let the holder's address be told. `knows_scope` tells a scope from any other word. `own_audiences` and
    `assertion_audiences` return, of a base address, the audiences by which a JWT that an account signed means
    these APIs, or the token endpoint.
    """

    scopes: frozenset[str]
    whole_scope: str
    email_scopes: frozenset[str]
    knows_scope: Callable[[str], bool]
    own_audiences: Callable[[str], frozenset[str]]
    assertion_audiences: Callable[[str], frozenset[str]]


class Member(msgspec.Struct, frozen=True):
    """What a binding's member means: a kind, with the name and number that it has.

    `name` is an e-mail address, a domain, the word for everybody, or the subject of one external identity; `unique_id`
    is only told of a deleted account. What follows it is of an external identity only, `whole_pool` where every
    identity of the pool is meant.
    """

    kind: Literal["everybody", "user", "service_account", "deleted", "domain", "external"]
    name: str = ""
    unique_id: str = ""
    project_number: int = 0
    pool_id: str = ""
    whole_pool: bool = False


class Kind(msgspec.Struct, frozen=True):
    """The kind of a resource as conditions call it: its type, and the service that it belongs to."""

    type: str
    service: str


class HandedKey(msgspec.Struct, frozen=True):
    """A key of a service account that is being handed out, with its private part."""

    project_id: str
    key_id: str
    private_pem: Secret
    email: str
    unique_id: str


class Vocabulary(msgspec.Struct, frozen=True):
    """How a dialect speaks of workloads and of who may do what.

    `roles` are the predefined roles with what they grant. `members` returns every name under which a binding may mean
    a principal, `display` the one by which logs and explanations call it. `token_prefix` begins each
    access token of a workload. `provider_names` returns the names of a pool's provider (project's number, pool,
    provider), its usual one first; `namespace` is where expressions find what a mapping made of a token.
    `tree` is what a machine is told of itself, `platform` what kind of machine that is in development, and
    `attached_scopes` are those of the access tokens that it gets. `kind` is of a resource's neutral name.

    `read_member` tells what a binding's member means, None for nothing well-formed; `deleted` names an account that is
    gone. `address` is the e-mail address of an account, of its own name, its project's and the base address.
    `key_file` is the file in which a key is handed out, of the key and the base address. `role_name` is a custom role's
    whole name, of its project and its own.
    """

    roles: Mapping[str, tuple[str, ...]]
    permissions: Permissions
    members: Callable[[Principal], frozenset[str]]
    display: Callable[[Principal], str]
    token_prefix: str
    read_member: Callable[[str], Member | None]
    deleted: Callable[[Principal], str]
    address: Callable[[str, str, str], str]
    key_file: Callable[[HandedKey, str], dict[str, Any]]
    role_name: Callable[[str, str], str]
    provider_names: Callable[[int, str, str], tuple[str, ...]]
    namespace: str
    tree: Callable[[Instance], dict[str, Node]]
    attached_scopes: tuple[str, ...]
    platform: str
    calling: Calling
    kind: Callable[[str], Kind]


class Dialect(msgspec.Struct, frozen=True):
    """One dialect: pure data and functions.

    `locate` splits a raw path; `issuer` and `endpoints` make the issuer and the address its endpoints start with;
    `subject` shows a user to a client, of the UUID and of the pairwise text where the client has one (else empty);
    `id_token` and `userinfo` turn what is known into claims; `kid` names a key; `publishes` tells whether a key
    belongs into its key set. `receiving` is there where the dialect has words for a gate. `vocabulary` is there
    where the dialect knows workloads. `face` returns the surface of a path that has no route, where that is not
    always `surface`. `scope_words` are a title and a sentence for scopes that only this dialect has. `claim_scopes` are
    the scopes without which a request gets its own claims by name, empty where none is needed. `scope_groups` returns
    the groups in which scopes are shown to people, of what an operator set for the tenant in the dialect's own words.
    `reserved_claims` are names that no claim rule may set, besides those of the protocol. `read_settings` checks
    what an operator sets in this dialect's own words for a `client`, `tenant` or `user` and returns it as it is
    kept; it raises `Misconfigured` (`setting-invalid`). `read_policy` returns the seconds that a lifetime policy's
    definition says; it raises `Misconfigured` (`policy-invalid`). `trusted_issuers` are those that vouch for a client,
    of its settings; `assertion_audiences` those that clients' assertions may have besides the issuer and the token
    endpoint, of the base address, the tenant's id and its domains. `key_header` is what the header of an ID token says
    of its key besides `kid`, of the key and the variant. `enables` are response types that a client's settings switch
    on, besides those that it is registered for. `terms` looks at how a code is redeemed, in view of its settings: it
    raises `ProtocolFault`, or returns the longest that a refresh token may last, in seconds, if there is a bound.
    `session_name` is what a session's `sid` is in its tokens. `administers` tells, of the ids of their groups, whether
    a person may consent for everybody in the tenant.
    """

    name: str
    profile: Profile
    routes: tuple[Route, ...]
    surface: Surface
    locate: Callable[[str], Addressed]
    issuer: Callable[[Site], Issuer]
    endpoints: Callable[[Site], str]
    subject: Callable[[str, str], Subject]
    id_token: Callable[[Facts], dict[str, Any]]
    userinfo: Callable[[UserinfoAnswer], dict[str, Any]]
    kid: Callable[[PublishedKey], str]
    publishes: Callable[[PublishedKey], bool]
    read_authorize: Callable[[Params], AuthorizeQuery]
    write_authorize: Writer
    page_fault: FaultWriter
    vocabulary: Vocabulary | None = None
    receiving: Receiving | None = None
    face: Callable[[str], Surface] | None = None
    scope_words: Mapping[str, tuple[str, str]] = {}
    scope_groups: Callable[[Mapping[str, Any]], tuple[ScopeGroup, ...]] | None = None
    claim_scopes: Mapping[str, str] = {}
    reserved_claims: frozenset[str] = frozenset()
    read_settings: Callable[[str, Mapping[str, Any]], dict[str, Any]] | None = None
    read_policy: Callable[[str], int] | None = None
    trusted_issuers: Callable[[Mapping[str, Any]], tuple[TrustedIssuer, ...]] | None = None
    assertion_audiences: Callable[[str, str, tuple[str, ...]], frozenset[str]] | None = None
    key_header: Callable[[PublishedKey, str], dict[str, str]] | None = None
    enables: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    terms: Callable[[CodeExchange, Mapping[str, Any]], int | None] | None = None
    session_name: Callable[[str], str] | None = None
    administers: Callable[[tuple[str, ...]], bool] | None = None
