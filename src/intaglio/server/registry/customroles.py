"""Roles that a project makes for itself: a name, a title, and permissions that are known."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.model import policies
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.policies import CustomRole
from intaglio.server.registry import bindings, deeds, fields
from intaglio.server.registry.deeds import Actor

MAX_PERMISSIONS = 300
_NAME = re.compile(r"[A-Za-z0-9_.]{3,64}")
_PAGE = 500


class RoleChange(msgspec.Struct, frozen=True):
    """What is to be otherwise about a role; None leaves it as it is."""

    title: str | None = None
    description: str | None = None
    permissions: tuple[str, ...] | None = None


def permissions_of(words: Vocabulary) -> frozenset[str]:
    """Return every permission that a predefined role grants: those that this server knows."""
    return frozenset(one for granted in words.roles.values() for one in granted)


def check_name(name: str) -> str:
    """Return a role's own name; raises `Misconfigured` (`role-name-invalid`)."""
    if not _NAME.fullmatch(name):
        expected = "3 to 64 letters, digits, dots and underscores"
        raise fields.refuse("role-name-invalid", "The role's name cannot be used.", expected, ascii(name))
    return name


def check_permissions(words: Vocabulary, permissions: Iterable[str]) -> tuple[str, ...]:
    """Return permissions, each once and in order; raises `Misconfigured` (`permission-unknown`, `too-many`)."""
    found = tuple(sorted(set(permissions)))
    if not 1 <= len(found) <= MAX_PERMISSIONS:
        raise fields.refuse("too-many", "The role cannot be used.", f"1 to {MAX_PERMISSIONS} permissions", len(found))
    known = permissions_of(words)
    for one in found:
        if one not in known:
            expected = "a permission of a predefined role (intaglio role list)"
            raise fields.refuse("permission-invalid", "There is no such permission.", expected, ascii(one))
    return found


def create(actor: Actor, words: Vocabulary, role: CustomRole) -> Plan[CustomRole]:
    """Keep a new role; raises `Misconfigured` (`role-exists`, `role-too-broad`)."""
    # Bindings outlive a role that was deleted: a new one of its name takes effect in them.
    yield from _refuse_broad(words, role)
    try:
        yield from policies.insert_role(role)
    except Conflict as exc:
        raise fields.refuse("role-exists", "There is such a role.", "a name that is free", role.role) from exc
    told = " ".join(role.permissions)
    yield from deeds.note(role.tenant_id, actor, "role.create", role.role, after=role, permissions=told)
    return role


def update(actor: Actor, words: Vocabulary, tenant_id: TenantId, role: str, change: RoleChange) -> Plan[CustomRole]:
    """Change a role, at once in every policy that names it.

    Raises `Misconfigured` (`role-unknown`, `role-too-broad`, `permission-invalid`, `too-many`, `text-invalid`).
    """
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
    if change.title is not None:
        given["title"] = fields.text("title", change.title, 100)
    if change.description is not None:
        given["description"] = fields.text("description", change.description, 256)
    if change.permissions is not None:
        given["permissions"] = check_permissions(words, change.permissions)
    before = yield from find(tenant_id, role)
    after: CustomRole = msgspec.structs.replace(before, **given)
    yield from _refuse_broad(words, after)
    yield from policies.replace_role(after)
    told = " ".join(after.permissions)
    yield from deeds.note(tenant_id, actor, "role.update", role, before=before, after=after, permissions=told)
    return after


def delete(actor: Actor, tenant_id: TenantId, role: str) -> Plan[None]:
    """Remove a role; bindings that name it grant nothing then. Raises `Misconfigured` (`role-unknown`)."""
    found = yield from find(tenant_id, role)
    yield from policies.delete_role(tenant_id, role)
    yield from deeds.note(tenant_id, actor, "role.delete", role, before=found)


def find(tenant_id: TenantId, role: str) -> Plan[CustomRole]:
    """Find a custom role; raises `Misconfigured` (`role-unknown`)."""
    for one in (yield from policies.roles_of(tenant_id)):
        if one.role == role:
            return one
    raise _unknown(role)


def _unknown(role: str) -> Misconfigured:
    expected, hint = "the name of a custom role", "List them with: intaglio role list --custom"
    return fields.refuse("role-unknown", "There is no such custom role.", expected, role, hint)


def _refuse_broad(words: Vocabulary, role: CustomRole) -> Plan[None]:
    """Refuse permissions that reach identities for a role that somewhere everybody has."""
    # SECURITY: what may not be bound must not come about by changing what is bound (test_d6_50_broad_members).
    if not bindings.reaches_identities(words, role.permissions):
        return
    behind = ""
    while found := (yield from policies.page(role.tenant_id, behind, _PAGE)):
        for policy in found:
            for binding in policy.bindings:
                kinds = {getattr(words.read_member(one), "kind", "") for one in binding.members}
                if binding.role == role.role and kinds & {"everybody", "domain"}:
                    raise fields.refuse(
                        "role-too-broad",
                        "Everybody has this role somewhere; it cannot let its members act as an account.",
                        "single members in every binding of the role",
                        policy.resource,
                    )
        behind = found[-1].resource
