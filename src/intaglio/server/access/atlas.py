"""All that decides who may do what in a tenant, in one place and indexed: what explaining and drawing work on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.protocol.principals import Principal
from intaglio.server.access import decide as deciding
from intaglio.server.access import expressions, permits
from intaglio.server.access.decide import Decision, Indexed, Question
from intaglio.server.model import resources
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.policies import Binding, CustomRole, Policy
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.projects import Project
from intaglio.server.model.serviceaccounts import ServiceAccount


class World(msgspec.Struct, frozen=True):
    """What a tenant holds. `self_impersonation` tells whether it lets accounts act as themselves."""

    projects: tuple[Project, ...] = ()
    accounts: tuple[ServiceAccount, ...] = ()
    pools: tuple[Pool, ...] = ()
    providers: tuple[PoolProvider, ...] = ()
    keys: tuple[AccountKey, ...] = ()
    policies: tuple[Policy, ...] = ()
    roles: tuple[CustomRole, ...] = ()
    self_impersonation: bool = False


class Somebody(msgspec.Struct, frozen=True):
    """Somebody who acts, or many of whom a member speaks: the names under which bindings mean them, and one for people.

    `account` is the number of the service account that it is, empty for anybody else.
    """

    name: str
    principal: Principal
    members: frozenset[str]
    account: str = ""


class Edge(msgspec.Struct, frozen=True):
    """That somebody may act as an account: by which permissions, and the binding that says so.

    `why` is the reason for which the binding does not count now, empty if it does.
    """

    source: str
    account: str
    permissions: tuple[str, ...]
    resource: str
    role: str
    member: str
    condition: str = ""
    why: str = ""


class Atlas:
    """A world that can be asked, at one instant (epoch seconds), in the words of a dialect."""

    def __init__(self, world: World, words: Vocabulary, now: int) -> None:
        self.world = world
        self.words = words
        self.now = now
        self.roles = permits.granted(words, world.roles)
        self.accounts = {account.unique_id: account for account in world.accounts}
        self.policies = {policy.resource: Indexed(policy, words.read_member) for policy in world.policies}
        asked = words.permissions
        self.acting = frozenset({asked.access_token, asked.delegate, asked.sign_blob, asked.sign_jwt})
        """Permissions by which one comes to act as an account, its own permissions included."""
        self.identity = self.acting | {asked.id_token}
        """Permissions by which one passes for an account, if only towards services."""
        self._by_member = _by_member(self.policies.values())
        self._by_project: dict[str, list[ServiceAccount]] = {}
        for account in world.accounts:
            self._by_project.setdefault(resources.project(account.project_id), []).append(account)

    def __repr__(self) -> str:
        return f"Atlas({len(self.policies)} policies)"

    def somebody(self, principal: Principal) -> Somebody:
        """Return a principal as somebody."""
        account = principal.id if principal.kind == "service_account" else ""
        return Somebody(self.words.display(principal), principal, self.words.members(principal), account)

    def holder(self, unique_id: str) -> Somebody:
        """Return a service account as somebody."""
        return self.somebody(_principal(self.accounts[unique_id]))

    def account(self, resource: str) -> ServiceAccount | None:
        """Return the service account that a resource is."""
        return self.accounts.get(resource.rpartition("/serviceAccounts/")[2])

    def told(self, resource: str) -> str:
        """Return a resource as people know it: an account by its address."""
        account = self.account(resource)
        return self.words.display(_principal(account)) if account is not None else resource

    def decide(self, who: Somebody, permission: str, resource: str) -> Decision:
        """Return whether somebody has a permission on a resource, without being anybody else."""
        found = [self.policies[one] for one in resources.lineage(resource) if one in self.policies]
        return deciding.decide(self.question(who, permission, resource), found, self.roles, expressions.judge)

    def question(self, who: Somebody, permission: str, resource: str) -> Question:
        """Return the question whether somebody has a permission on a resource."""
        asked = permits.question(self.words, who.principal, permission, resource, self.now)
        return msgspec.structs.replace(asked, members=who.members)

    def bindings(self, who: Somebody) -> list[tuple[Indexed, Binding, str]]:
        """Return the bindings that name somebody, wherever they stand, each with the member that does."""
        return [
            (indexed, binding, member)
            for member in sorted(who.members)
            for indexed, binding in self._by_member.get(member, ())
        ]

    def edges(self, who: Somebody) -> list[Edge]:
        """Return every account that somebody may act as, with the binding; those that do not count now too."""
        found: list[Edge] = []
        for indexed, binding, member in self.bindings(who):
            means = tuple(sorted(self.identity & self.roles.get(binding.role, frozenset())))
            if means:
                found += [
                    self._edge(who, account, means, (indexed, binding, member)) for account in self._under(indexed)
                ]
        return found

    def _under(self, indexed: Indexed) -> Iterable[ServiceAccount]:
        resource = indexed.policy.resource
        account = self.account(resource)
        return [account] if account is not None else self._by_project.get(resource, ())

    def _edge(
        self, who: Somebody, account: ServiceAccount, means: tuple[str, ...], at: tuple[Indexed, Binding, str]
    ) -> Edge:
        indexed, binding, member = at
        asked = self.question(who, means[0], account.resource)
        why = deciding.why_not(indexed, binding, member, asked, expressions.judge)
        return Edge(
            source=who.name,
            account=account.unique_id,
            permissions=means,
            resource=indexed.policy.resource,
            role=binding.role,
            member=member,
            condition=binding.condition.title if binding.condition is not None else "",
            why=why or ("" if account.is_usable else "the account is disabled"),
        )


def _principal(account: ServiceAccount) -> Principal:
    return Principal("service_account", account.unique_id, account.email, account.project_id)


def _by_member(policies: Iterable[Indexed]) -> Mapping[str, list[tuple[Indexed, Binding]]]:
    found: dict[str, list[tuple[Indexed, Binding]]] = {}
    for indexed in policies:
        for binding in indexed.policy.bindings:
            for member in dict.fromkeys(binding.members):
                found.setdefault(member, []).append((indexed, binding))
    return found
