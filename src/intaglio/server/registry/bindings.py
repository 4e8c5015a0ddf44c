"""Bindings of a policy: what may stand in one, and whom each member means at the instant of writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from intaglio.dialects.dialect import Member, Vocabulary
from intaglio.errors import Misconfigured
from intaglio.server.access import expressions
from intaglio.server.model import policies, pools, projects, serviceaccounts, users
from intaglio.server.model.plan import Plan
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import fields

MAX_MEMBERS = 1500
"""Members of a policy, counted in each binding."""
MAX_CONDITIONAL = 100
"""Bindings of a policy that have a condition."""
MAX_ROLE = 200


class Wanted(msgspec.Struct, frozen=True):
    """What somebody wants to write on a resource, and what stands there already (None: nothing ever did)."""

    tenant: Tenant
    words: Vocabulary
    resource: str
    bindings: tuple[Binding, ...]
    before: Policy | None = None


class Checked(msgspec.Struct, frozen=True):
    """Bindings as they are kept, whom their members mean, and what the writer should think about."""

    bindings: tuple[Binding, ...]
    identities: dict[str, str]
    warnings: tuple[str, ...]


def merged(bindings: Iterable[Binding]) -> tuple[Binding, ...]:
    """Return bindings with those of one role and condition made one, each member once, and empty ones left out."""
    found: dict[tuple[str, str], Binding] = {}
    for binding in bindings:
        key = (binding.role, repr(binding.condition))
        known = found.get(key)
        members = (*known.members, *binding.members) if known is not None else binding.members
        found[key] = msgspec.structs.replace(binding, members=tuple(dict.fromkeys(members)))
    return tuple(binding for binding in found.values() if binding.members)


def granted(wanted: Wanted) -> Plan[dict[str, frozenset[str]]]:
    """Return what each role that may stand in the policy grants."""
    own = yield from policies.roles_of(wanted.tenant.tenant_id)
    made = {role.role: frozenset(role.permissions) for role in own}
    return made | {role: frozenset(given) for role, given in wanted.words.roles.items()}


def check(wanted: Wanted) -> Plan[Checked]:
    """Check bindings and find whom they mean.

    Raises `Misconfigured` (`bindings-too-many`, `role-unknown`, `condition-invalid`, `expression-invalid`,
    `self-impersonation`, `member-invalid`, `member-unknown`, `member-ambiguous`, `member-recycled`,
    `member-too-broad`).
    """
    bindings = merged(wanted.bindings)
    _bound(bindings)
    roles = yield from granted(wanted)
    identities: dict[str, str] = {}
    warnings: list[str] = []
    for binding in bindings:
        permissions = _role(binding.role, roles, wanted)
        _condition(binding)
        if impersonates(wanted.words, permissions) and wanted.resource.count("/") == 1:
            warnings.append(f"{binding.role} on a project reaches every service account in it.")
        for member in binding.members:
            meant = read(wanted.words, member)
            broad = _broad(wanted, binding, member, meant, permissions)
            identity, doubt = yield from _identity(wanted, binding, member, meant)
            own = _own(wanted, member, identity, permissions)
            identities |= {member: identity} if identity else {}
            warnings += [told for told in (broad, doubt, own) if told]
    return Checked(bindings, identities, tuple(dict.fromkeys(warnings)))


def _bound(bindings: Sequence[Binding]) -> None:
    # Many members cost memory at every reading of the policy; many conditions cost evaluations.
    members = sum(len(binding.members) for binding in bindings)
    conditional = sum(binding.condition is not None for binding in bindings)
    if members > MAX_MEMBERS or conditional > MAX_CONDITIONAL:
        expected = f"at most {MAX_MEMBERS} members, and {MAX_CONDITIONAL} bindings with a condition"
        received = f"{members} and {conditional}"
        raise fields.refuse("bindings-too-many", "The policy holds too much.", expected, received)


def _role(role: str, roles: Mapping[str, frozenset[str]], wanted: Wanted) -> frozenset[str]:
    project = "/".join(wanted.resource.split("/")[:2])
    if role not in roles or (role not in wanted.words.roles and not role.startswith(project + "/")):
        raise fields.refuse(
            "role-unknown",
            "There is no such role for this resource.",
            "a predefined role, or one of the resource's project",
            ascii(role)[:MAX_ROLE],
            "List them with: intaglio role list",
        )
    return roles[role]


def _condition(binding: Binding) -> None:
    if binding.condition is None:
        return
    title = binding.condition.title
    if not 1 <= len(title) <= 100 or fields.text("condition.title", title, 100) != title:
        expected = "a title of 1 to 100 characters"
        raise fields.refuse("condition-invalid", "The condition needs a title.", expected, ascii(title)[:100])
    fields.text("condition.description", binding.condition.description, 256)
    expressions.condition(binding.condition.expression)


def read(words: Vocabulary, member: str) -> Member:
    """Return what a member means; raises `Misconfigured` (`member-invalid`)."""
    meant = words.read_member(member)
    if meant is None:
        raise fields.refuse(
            "member-invalid",
            "There is no such kind of member.",
            "user:ADDRESS, serviceAccount:ADDRESS, principal://… or principalSet://… of a pool",
            ascii(member),
        )
    return meant


def reaches_identities(words: Vocabulary, permissions: Iterable[str]) -> bool:
    """Tell whether permissions go beyond calling a service: then somebody could come to act as somebody else."""
    return not frozenset(permissions) <= frozenset(words.permissions.invoke)


def _broad(wanted: Wanted, binding: Binding, member: str, meant: Member, permissions: frozenset[str]) -> str:
    if meant.kind == "external" and meant.whole_pool:
        return f"{member} means everybody that the pool lets in."
    if meant.kind not in ("everybody", "domain"):
        return ""
    # SECURITY: nobody becomes an account for being anybody at all (test_d6_50_broad_members).
    if reaches_identities(wanted.words, permissions):
        raise fields.refuse(
            "member-too-broad",
            f"{member} cannot have {binding.role}.",
            "single members: the role lets its members act as an account, or change who may",
            member,
        )
    return f"{member} may call this service: {binding.role} is given to more than single members."


def impersonates(words: Vocabulary, permissions: frozenset[str]) -> bool:
    """Tell whether permissions let their holder act as an account."""
    asked = words.permissions
    means = {asked.id_token, asked.access_token, asked.delegate, asked.sign_blob, asked.sign_jwt}
    return bool(permissions & means)


def _own(wanted: Wanted, member: str, identity: str, permissions: frozenset[str]) -> str:
    if identity != wanted.resource.rpartition("/serviceAccounts/")[2]:
        return ""
    if not impersonates(wanted.words, permissions):
        takes = permissions.intersection(wanted.words.permissions.takeover)
        return f"{member} may make itself keys, or change who may act as it." if takes else ""
    if not wanted.tenant.self_impersonation:
        raise fields.refuse(
            "self-impersonation",
            "A service account that may act as itself could renew its tokens without end.",
            "another account, or the tenant's consent",
            member,
            f"If it has to be: intaglio tenant update {wanted.tenant.slug} --self-impersonation",
        )
    return f"{member} may act as itself, and so renew its tokens without end."


def _stood(policy: Policy | None, binding: Binding, member: str) -> bool:
    """Tell whether the member had this role under this condition before."""
    if policy is None:
        return False
    alike = (one for one in policy.bindings if (one.role, one.condition) == (binding.role, binding.condition))
    return any(member in one.members for one in alike)


def _identity(wanted: Wanted, binding: Binding, member: str, meant: Member) -> Plan[tuple[str, str]]:
    """Return whom a member means, and a doubt about it."""
    known = wanted.before.identities.get(member, "") if wanted.before is not None else ""
    stood = _stood(wanted.before, binding, member)
    if meant.kind == "deleted":
        if stood:
            return meant.unique_id, ""
        raise _unknown(member, "an account that is not deleted")
    if meant.kind == "external" and not (yield from _has_pool(wanted.tenant, meant)):
        if stood:
            return "", f"{member} means a pool that is gone."
        raise _unknown(member, "a pool of this tenant")
    if meant.kind not in ("user", "service_account"):
        return "", ""
    holder = yield from _holder(wanted.tenant, member, meant)
    # SECURITY: who reads a policy and writes it back must not hand what an earlier holder of an address had to the
    # present one (test_d6_51_recycled_account_address).
    if known and known != holder:
        if stood:
            return known, f"{member} means an earlier holder of this address, and grants nothing."
        raise fields.refuse(
            "member-recycled",
            "In this policy the address means an earlier holder.",
            "a policy without that holder's bindings",
            member,
            "Remove the member's bindings, then add it anew.",
        )
    if not holder:
        raise _unknown(member, "a user with this confirmed address, or a service account of it")
    return holder, ""


def _unknown(member: str, expected: str) -> Misconfigured:
    return fields.refuse("member-unknown", "There is nobody of that name.", expected, member)


def _holder(tenant: Tenant, member: str, meant: Member) -> Plan[str]:
    """Return who has the address of a member now, empty for nobody."""
    if meant.kind == "service_account":
        account = yield from serviceaccounts.by_email(tenant.tenant_id, meant.name)
        return account.unique_id if account is not None else ""
    found = yield from users.by_confirmed_email(tenant.tenant_id, meant.name)
    if len(found) > 1:
        raise fields.refuse(
            "member-ambiguous", "More than one user has this confirmed address.", "an address of one user", member
        )
    return found[0].user_id if found else ""


def _has_pool(tenant: Tenant, meant: Member) -> Plan[bool]:
    project = yield from projects.by_number(tenant.tenant_id, meant.project_number)
    if project is None:
        return False
    pool = yield from pools.by_id(tenant.tenant_id, project.project_id, meant.pool_id)
    return pool is not None and pool.deleted_at is None
