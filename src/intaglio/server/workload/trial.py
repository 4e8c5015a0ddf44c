"""A trial of another issuer's token: each check, each mapping, the condition in its parts, and what it would open.

Nothing is issued, used up or written down.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import ProtocolFault, Unavailable
from intaglio.protocol.principals import Principal
from intaglio.server.access import clauses
from intaglio.server.access.clauses import Explanation
from intaglio.server.access.permits import Permits
from intaglio.server.model import policies, serviceaccounts
from intaglio.server.model.plan import Plan, Store
from intaglio.server.registry.mappings import CONDITION_LIMIT, Mapped
from intaglio.server.workload import certified, external, sts
from intaglio.server.workload.pools import LEEWAY, Known
from intaglio.tokens import jws, peek
from intaglio.tokens.jwk import KeySet
from intaglio.validate import validator
from intaglio.validate.report import Check
from intaglio.wire.flow import Driver

PAGE = 200


class Value(msgspec.Struct, frozen=True):
    """What a target of the mapping became; `failed` is why it became nothing."""

    target: str
    expression: str
    value: Any = None
    failed: str = ""


class Opened(msgspec.Struct, frozen=True):
    """An account that the identity may become: by which permission, on which grounds."""

    account: str
    permission: str
    role: str
    member: str


class Trial(msgspec.Struct, frozen=True):
    """What came of a trial. `refused` is what an exchange would say, empty if it would succeed."""

    checks: tuple[Check, ...]
    values: tuple[Value, ...] = ()
    condition: Explanation | None = None
    principal: str = ""
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = {}
    opens: tuple[Opened, ...] = ()
    refused: str = ""


async def attempt(text: str, known: Known, words: Vocabulary, store: Store, outgoing: Driver | None, now: int) -> Trial:
    """Try a token. Keys are fetched only where the provider holds none and everything else about the token is right."""
    checks, assertion, refused = await _checked(text, known, outgoing, now)
    if not (known.provider.is_usable and known.pool.is_usable):
        refused = "the provider or its pool is disabled or deleted"
    if assertion is None:
        return Trial(checks, refused=refused)
    values = tuple(_value(target, known, assertion) for target in known.mapping.targets)
    try:
        mapped = known.mapping.of(assertion)
    except ProtocolFault as fault:
        return Trial(checks, values, refused=refused or fault.public)
    condition = _condition(known, assertion, mapped)
    if not refused and (known.refusal or (condition is not None and not condition.holds)):
        refused = sts.REJECTED + (f" ({known.refusal})" if known.refusal else "")
    who = sts.principal(mapped, known)
    opens = await _opens(who, known, words, store, now)
    return Trial(checks, values, condition, words.display(who), mapped.groups, mapped.attributes, opens, refused)


async def _checked(
    text: str, known: Known, outgoing: Driver | None, now: int
) -> tuple[tuple[Check, ...], dict[str, Any] | None, str]:
    """Return the checks, what the token says if it can be read, and why it is refused."""
    if known.anchors is not None:
        try:
            evidence, _ = certified.judge(text, known, now)
        except ProtocolFault as fault:
            told = {name: str(value) for name, value in fault.detail.items() if name in ("expected", "received")}
            return (Check(name="certificate", outcome="fail", code=fault.code, **told),), None, fault.public
        return (Check(name="certificate", outcome="pass", received=evidence.origin.sub),), evidence.assertion, ""
    assert known.expectation is not None
    keys, why = await _keys(text, known, outgoing, now)
    report = validator.check(text, known.expectation, keys, now, why=why)
    believed = report.believed() if not report.failures() else None
    checks = (*report.checks, _age(believed.iat if believed is not None else None, known, now))
    failed = {check.name: check.code for check in checks if check.outcome == "fail"}
    first = next((name for name in (*external.ORDER, "age") if name in failed), "")
    assertion = believed.claims if believed is not None else peek.peek(text).payload
    return checks, assertion, f"{first}: {failed[first]}" if first else ""


async def _keys(text: str, known: Known, outgoing: Driver | None, now: int) -> tuple[KeySet | None, str]:
    assert known.keys is not None
    assert known.expectation is not None
    kid = jws.peek_kid(text)
    found = known.keys.ready(now, kid)
    if found is not None or outgoing is None:
        return found, "no call may leave here"
    without = validator.check(text, known.expectation, None, now)
    if any(check.outcome == "fail" and check.name != "key" for check in without.checks):
        return None, "nobody was asked: the token would be refused whatever the answer"
    try:
        return await known.keys.aobtain(now, kid, outgoing.run), ""
    except Unavailable as fault:
        return None, f"{fault.code} ({fault.detail.get('cause', '')})"


def _age(issued_at: int | None, known: Known, now: int) -> Check:
    longest = known.provider.max_age
    expected, spec = f"issued at most {longest} s before {now}", "the provider's max_age"
    if issued_at is None:
        return Check(name="age", outcome="skipped", hint="the token is not believed", spec=spec)
    if now - issued_at > longest + LEEWAY:
        code = "token-too-old"
        return Check(name="age", outcome="fail", code=code, expected=expected, received=str(issued_at), spec=spec)
    return Check(name="age", outcome="pass", expected=expected, received=str(issued_at), spec=spec)


def _value(target: str, known: Known, assertion: dict[str, Any]) -> Value:
    name = known.mapping.named(target)
    expression = known.provider.attribute_mapping[name]
    try:
        return Value(name, expression, known.mapping.value(target, assertion))
    except ProtocolFault as fault:
        return Value(name, expression, failed=str(fault.detail.get("received", "")))


def _condition(known: Known, assertion: dict[str, Any], mapped: Mapped) -> Explanation | None:
    text = known.provider.attribute_condition
    variables = known.mapping.variables(assertion, mapped)
    return clauses.explain(text, variables, limit=CONDITION_LIMIT) if text else None


def _accounts(tenant_id: str) -> Plan[list[tuple[str, str]]]:
    """Return resource and address of every account that has a policy, or whose project has one."""
    found = []
    after = ""
    while page := (yield from policies.page(tenant_id, after, PAGE)):
        for policy in page:
            project, _, number = policy.resource.removeprefix("projects/").partition("/serviceAccounts/")
            if number:
                account = yield from serviceaccounts.by_unique_id(tenant_id, number)
                found += [(policy.resource, account.email)] if account is not None and account.is_usable else []
            elif "/" not in project:
                found.append((policy.resource, f"every account of {project}"))
        after = page[-1].resource
    return found


async def _opens(who: Principal, known: Known, words: Vocabulary, store: Store, now: int) -> tuple[Opened, ...]:
    """Return the accounts that an identity may become, by policies of the accounts and of their projects."""
    permits, tenant_id = Permits(store), known.provider.tenant_id
    asked = (words.permissions.id_token, words.permissions.access_token)
    found = []
    for resource, email in await store.read(_accounts, tenant_id):
        for permission in asked:
            decision = await permits.decide(tenant_id, words, who, permission, resource, now)
            if decision.grounds is not None:
                found.append(Opened(email, permission, decision.grounds.role, decision.grounds.member))
    return tuple(found)
