"""Pools of external identities and their providers, as whoever may change them asks for it."""

from __future__ import annotations

from typing import Literal

import msgspec

from intaglio.protocol.impersonation import Credential

Verb = Literal["create", "get", "list", "update", "delete", "undelete"]


class PoolChanges(msgspec.Struct, frozen=True):
    """What of a pool is to be; None leaves a field as it is."""

    display_name: str | None = None
    description: str | None = None
    disabled: bool | None = None


class ProviderChanges(msgspec.Struct, frozen=True):
    """What of a provider is to be, in the fields of its record; None leaves a field as it is."""

    issuer: str | None = None
    jwks: str | None = None
    discovery_uri: str | None = None
    trust_anchors: str | None = None
    allowed_audiences: tuple[str, ...] | None = None
    attribute_mapping: dict[str, str] | None = None
    attribute_condition: str | None = None
    max_age: int | None = None
    display_name: str | None = None
    description: str | None = None
    disabled: bool | None = None


class PoolQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Do something with a pool, or list those of a project; `permission` is what it takes.

    `project` is an identifier or a number. `after`, `limit` and `deleted` count for lists alone.
    """

    credential: Credential
    verb: Verb
    permission: str
    project: str
    pool_id: str = ""
    changes: PoolChanges = PoolChanges()
    after: str = ""
    limit: int = 50
    deleted: bool = False


class ProviderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Do something with a provider, or list those of a pool, as `PoolQuery`."""

    credential: Credential
    verb: Verb
    permission: str
    project: str
    pool_id: str
    provider_id: str = ""
    changes: ProviderChanges = ProviderChanges()
    after: str = ""
    limit: int = 50
    deleted: bool = False


class PoolShown(msgspec.Struct, frozen=True):
    """A pool as it is. `gone_at` is until when a deleted one can be had back."""

    project_number: int
    pool_id: str
    display_name: str
    description: str
    disabled: bool
    gone_at: int | None = None


class ProviderShown(msgspec.Struct, frozen=True):
    """A provider as it is."""

    project_number: int
    pool_id: str
    provider_id: str
    fields: ProviderChanges
    gone_at: int | None = None


class Done(msgspec.Struct, frozen=True):
    """What came of a change, which is complete."""

    operation_id: str
    result: PoolShown | ProviderShown


class PoolList(msgspec.Struct, frozen=True):
    """A page of pools; `after` is where the next one begins, empty if this is the last."""

    pools: tuple[PoolShown, ...]
    after: str


class ProviderList(msgspec.Struct, frozen=True):
    """A page of providers, as `PoolList`."""

    providers: tuple[ProviderShown, ...]
    after: str
