"""Administration over the network: service accounts, their keys, policies and projects, asked and answered.

IAM API v1 is the wire form that is known of this; nothing here knows it. Each question names the permission that it
takes, for permissions are words of a dialect.
"""

from __future__ import annotations

import msgspec

from intaglio.protocol.impersonation import Credential


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for something that takes a permission."""

    credential: Credential
    permission: str


class OfProject(Asked, frozen=True, kw_only=True):
    """It is about a project, by identifier or number."""

    project: str


class OfAccount(OfProject, frozen=True, kw_only=True):
    """It is about a service account of a project (`-`: of any), by address or number."""

    name: str


class AccountCreate(OfProject, frozen=True, kw_only=True):
    """Make a service account."""

    account_id: str
    display_name: str = ""
    description: str = ""


class AccountGet(OfAccount, frozen=True, kw_only=True):
    """Show a service account."""


class AccountList(OfProject, frozen=True, kw_only=True):
    """List a project's service accounts behind an address."""

    limit: int
    after: str = ""


class AccountUpdate(OfAccount, frozen=True, kw_only=True):
    """Change what people read of an account; None leaves it. An `etag` has to be that of the present version."""

    display_name: str | None = None
    description: str | None = None
    etag: str = ""


class AccountSwitch(OfAccount, frozen=True, kw_only=True):
    """Disable an account or enable it again."""

    enabled: bool


class AccountDelete(OfAccount, frozen=True, kw_only=True):
    """Delete an account."""


class AccountUndelete(OfAccount, frozen=True, kw_only=True):
    """Bring back an account; `name` is its number."""


class KeyCreate(OfAccount, frozen=True, kw_only=True):
    """Make a key of an account."""


class KeyUpload(OfAccount, frozen=True, kw_only=True):
    """Take the key of a certificate (PEM)."""

    certificate: str


class KeyList(OfAccount, frozen=True, kw_only=True):
    """List an account's keys, of some origins only."""

    origins: frozenset[str]


class OfKey(OfAccount, frozen=True, kw_only=True):
    """It is about a key of an account."""

    key_id: str


class KeyGet(OfKey, frozen=True, kw_only=True):
    """Show a key, with its public part in a form (empty: without)."""

    form: str = ""


class KeySwitch(OfKey, frozen=True, kw_only=True):
    """Disable a key or enable it again."""

    enabled: bool


class KeyDelete(OfKey, frozen=True, kw_only=True):
    """Delete a key."""


class Given(msgspec.Struct, frozen=True):
    """A role that members have, under a condition if it has a title."""

    role: str
    members: tuple[str, ...]
    title: str = ""
    expression: str = ""
    description: str = ""


class OfResource(Asked, frozen=True, kw_only=True):
    """It is about what a name means: `projects/P`, and `serviceAccounts/A`, `services/S` or `pools/N` below it."""

    resource: str


class PolicyGet(OfResource, frozen=True, kw_only=True):
    """Show a policy."""


class PolicySet(OfResource, frozen=True, kw_only=True):
    """Write a policy over the version `etag`; None overwrites whatever stands there.

    `keeps_conditions` tells that the writer knows of conditions, and has not lost one by not seeing it.
    """

    given: tuple[Given, ...]
    etag: str | None = None
    keeps_conditions: bool = False


class PermissionsTest(OfResource, frozen=True, kw_only=True):
    """Ask which of these permissions the caller has."""

    permissions: tuple[str, ...]


class ProjectGet(OfProject, frozen=True, kw_only=True):
    """Show a project."""


class Impersonable(Asked, frozen=True, kw_only=True):
    """List the accounts on which the caller has the permission."""


class AccountTold(msgspec.Struct, frozen=True):
    """A service account as it is shown; `etag` changes with what people read of it."""

    project_id: str
    email: str
    unique_id: str
    display_name: str
    description: str
    etag: str
    disabled: bool = False


class AccountsTold(msgspec.Struct, frozen=True):
    """A page of accounts, and behind which address the next begins."""

    accounts: tuple[AccountTold, ...]
    after: str = ""


class AccountRestored(msgspec.Struct, frozen=True):
    """An account that is back."""

    account: AccountTold


class KeyTold(msgspec.Struct, frozen=True):
    """A key as it is shown. `public` is its public part (PEM) where it was asked for; instants are epoch seconds."""

    project_id: str
    email: str
    key_id: str
    alg: str
    origin: str
    created_at: int
    expires_at: int | None
    disabled: bool = False
    public: str = ""


class KeysTold(msgspec.Struct, frozen=True):
    """Keys of an account."""

    keys: tuple[KeyTold, ...]


class KeyHanded(msgspec.Struct, frozen=True):
    """A new key, and the file in which it is handed out: the only place with its private part."""

    key: KeyTold
    file: bytes

    def __repr__(self) -> str:
        return f"KeyHanded({self.key.key_id})"


class PolicyTold(msgspec.Struct, frozen=True):
    """A policy as it is shown."""

    given: tuple[Given, ...]
    etag: str


class PermissionsTold(msgspec.Struct, frozen=True):
    """The permissions that the caller has."""

    permissions: tuple[str, ...]


class ProjectTold(msgspec.Struct, frozen=True):
    """A project as it is shown."""

    project_id: str
    number: int
    name: str
    created_at: int


class ImpersonableTold(msgspec.Struct, frozen=True):
    """The accounts on which the caller has the permission: address and number of each."""

    accounts: tuple[tuple[str, str], ...]


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing to show."""
