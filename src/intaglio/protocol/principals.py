"""Who acts: a user, a service account, or an identity of another issuer."""

from __future__ import annotations

from typing import Literal

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """The token of another issuer that an identity began with, as it named itself."""

    iss: str
    sub: str
    jti: str = ""


class Principal(msgspec.Struct, frozen=True):
    """Somebody who acts. `id` never changes its owner: a user's UUID, an account's number, the mapped subject.

    `email` is an account's address, or a user's confirmed one. What follows it is of an external identity only:
    its pool (project's identifier and number, pool's name), groups and mapped attributes.
    """

    kind: Literal["user", "service_account", "external"]
    id: str
    email: str = ""
    project_id: str = ""
    project_number: int = 0
    pool_id: str = ""
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = {}


class Bearing(msgspec.Struct, frozen=True):
    """Whom an access token of a workload speaks for, and how they came by it. Instants are epoch seconds.

    `lineage` are the identities that were passed through, the original first, without the bearer: each a pair of kind
    and id as `kind:id`. `origin` is the external token that the chain began with.
    """

    principal: Principal
    scope: tuple[str, ...]
    issued_at: int
    expires_at: int
    token_id: str
    lineage: tuple[str, ...] = ()
    origin: Origin | None = None
