"""Claim rules: claims that operators add to the tokens of a tenant or of one client, made anew for each token.

Auth0's page on custom claims (what rules see, names that are dropped in silence, 100 KB for all of them), OpenID
Connect Core 5.4 (standard claims take their scope), CEL language definition.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.protocol import personal
from intaglio.protocol.circumstances import NONE, Circumstances
from intaglio.server.access import expressions
from intaglio.server.access.expressions import Expression, ExpressionFailed
from intaglio.server.issue import gather, templates
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User

LOG = logging.getLogger("intaglio.claims")
CONDITION_LIMIT = expressions.CONDITION_LIMIT
MADE_LIMIT = 100 * 1024
"""Octets, as JSON, of all that rules add to one token."""
TOKENS = ("id_token", "userinfo")


class About(msgspec.Struct, frozen=True):
    """What a token is about, for rules to look at. `requested` are claims that the request names (Core 5.5).

    `reserved` are names that the dialect keeps for itself.
    """

    user: User
    client: Client
    tenant: Tenant
    scope: tuple[str, ...]
    dialect: str
    now: int
    circumstances: Circumstances = NONE
    requested: Collection[str] = ()
    reserved: frozenset[str] = frozenset()
    grant_type: str = ""

    def __repr__(self) -> str:
        return f"About({self.user.user_id})"


class Made(msgspec.Struct, frozen=True):
    """What the rules made: the claims, the rule that each came of, and why the other rules made none."""

    claims: dict[str, Any] = {}
    rules: dict[str, str] = {}
    left_out: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Made({', '.join(self.claims)})"


NOTHING = Made()


def rules_of(client: Client, tenant: Tenant) -> tuple[tuple[str, ClaimRule], ...]:
    """Return the rules that count for a client with their level, the tenant's first, so that the client's win."""
    return (
        *(("tenant", rule) for rule in tenant.claim_rules),
        *(("client", rule) for rule in client.claim_rules),
    )


def claims(token: str, about: About) -> dict[str, Any]:
    """Return the claims that rules add to an `id_token` or to `userinfo`; what a rule cannot make is left out."""
    if not about.client.claim_rules and not about.tenant.claim_rules:
        return {}
    found = made(token, about)
    for label, reason in found.left_out:
        LOG.debug("claim rule %s of %s: %s", label, about.client.client_id, reason)
    return found.claims


def made(token: str, about: About) -> Made:
    """Return what the rules add to an `id_token` or to `userinfo`, and why what is not there is not."""
    variables = _variables(token, about)
    values: dict[str, Any] = {}
    whose: dict[str, str] = {}
    sizes: dict[str, int] = {}
    left_out: list[tuple[str, str]] = []
    for level, rule in rules_of(about.client, about.tenant):
        label = f"{rule.label} of the {level}"
        try:
            value = _made(rule, token, about, variables)
            sizes |= _fitting(rule.claim, value, sizes)
        except ExpressionFailed as fault:
            left_out.append((label, fault.reason))
            continue
        values[rule.claim], whose[rule.claim] = value, label
    return Made(values, whose, tuple(left_out))


def _made(rule: ClaimRule, token: str, about: About, variables: Mapping[str, Any]) -> Any:
    """Return a rule's value; raises `ExpressionFailed` where it makes none here."""
    if token not in rule.tokens:
        raise ExpressionFailed("it is not for this kind of token")
    if rule.scopes and not set(rule.scopes) & set(about.scope):
        raise ExpressionFailed(f"it takes one of the scopes {' '.join(rule.scopes)}")
    withheld = personal.withheld(rule.claim, about.scope, about.requested, about.reserved)
    if withheld:
        raise ExpressionFailed(withheld)
    try:
        if rule.condition and not condition(rule.condition).holds(variables):
            raise ExpressionFailed("its condition is false")
        found = (
            expression(rule.expression).evaluate(variables)
            if rule.expression
            else templates.read(rule.template).filled(variables)
        )
    except Misconfigured as fault:
        # Kept by an older version that knew other words.
        raise ExpressionFailed(str(fault.detail.get("problem") or fault.public)) from fault
    return templates.plain(found)


def expression(text: str) -> Expression:
    """Return an expression of a rule, compiled; raises `Misconfigured` (`expression-invalid`)."""
    return expressions.compile(text, limit=templates.TEXT_LIMIT, variables=templates.VARIABLES)


def condition(text: str) -> Expression:
    """Return a condition of a rule, compiled; raises `Misconfigured` (`expression-invalid`)."""
    return expressions.compile(text, limit=CONDITION_LIMIT, variables=templates.VARIABLES)


def _fitting(claim: str, value: Any, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the size of a claim in octets; raises `ExpressionFailed` if it is too much beside the others."""
    try:
        size = len(codec.encode_json({claim: value}))
    except (UnicodeEncodeError, OverflowError) as fault:
        raise ExpressionFailed("the value is nothing that JSON has") from fault
    if size + sum(one for name, one in sizes.items() if name != claim) > MADE_LIMIT:
        raise ExpressionFailed(f"with it the claims of rules are larger than {MADE_LIMIT} octets")
    return {claim: size}


def _variables(token: str, about: About) -> dict[str, Any]:
    user, told = about.user, about.circumstances
    return {
        "user": {
            "user_id": user.user_id,
            "username": user.username,
            "created_at": user.created_at,
            "updated_at": user.updated_at,
            "claims": user.claims,
            "metadata": user.metadata,
            "app_metadata": user.app_metadata,
            "groups": list(user.groups),
            "roles": list(gather.roles(about.client, user)),
        },
        "client": {"client_id": about.client.client_id, "client_name": about.client.client_name},
        "organization": {"id": told.organization, "name": told.organization_name},
        "connection": {
            "name": told.connection,
            "issuer": told.idp,
            "subject": told.idp_subject,
            "claims": told.told,
        },
        "request": {
            "time": dt.datetime.fromtimestamp(about.now, dt.UTC),
            "scope": list(about.scope),
            "grant_type": about.grant_type,
            "dialect": about.dialect,
            "token": token,
        },
    }
