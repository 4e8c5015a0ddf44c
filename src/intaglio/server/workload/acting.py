"""Who may act as whom: the caller, the accounts between, and the one that it asks for; decided, and told to the log.

What is refused looks alike: an account that does not exist, one that may not be used, a way that is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from intaglio import ids
from intaglio.protocol.faults import Forbidden, invalid_request
from intaglio.protocol.impersonation import MAX_CHAIN, MAX_DELEGATES, AccountName, Acting, Caller, mark
from intaglio.protocol.principals import Principal
from intaglio.server.access.decide import Decision
from intaglio.server.model.audit import Entry
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.workload import accounts, callers
from intaglio.server.workload.place import Place, Works

ALLOWED, DENIED, CIRCULAR, TOO_LONG = "allowed", "denied", "self-impersonation", "chain-too-long"
"""How asking ends, as the log has it."""

MAX_DETAIL = 500
MAX_TOLD = 8192
"""Characters of what was asked for: more than an audience or a list of scopes can have."""


class Deed(msgspec.Struct, frozen=True):
    """What is asked for: the permission that it takes, what the log calls it, and whether an own key is enough."""

    permission: str
    action: str
    by_own_key: bool = False


class Way(msgspec.Struct, frozen=True):
    """The accounts between caller and target, and the target: as they were named, as they were found, who they are.

    What was not found is held by nobody, who is called by the name that was given.
    """

    names: tuple[AccountName, ...]
    found: tuple[ServiceAccount | None, ...]
    holders: tuple[Principal, ...]
    marks: tuple[str, ...]


class Verdict(msgspec.Struct, frozen=True):
    """How asking ends: the outcome and what the log should know besides."""

    outcome: str
    detail: Mapping[str, str] = {}


class Granted(msgspec.Struct, frozen=True):
    """The account that the caller may act as, and the identities that were passed through, the account left out."""

    account: ServiceAccount
    caller: Caller
    lineage: tuple[str, ...]


def _holder(account: ServiceAccount | None, name: AccountName) -> Principal:
    return Principal("service_account", name.name[:255]) if account is None else accounts.principal(account)


async def _way(asked: Acting, place: Place, works: Works) -> Way:
    names = (*asked.delegates, asked.target)
    found = tuple([await accounts.find(name, place, works) for name in names])
    holders = tuple([_holder(account, name) for account, name in zip(found, names, strict=True)])
    return Way(names, found, holders, tuple(map(mark, holders)))


async def allowed(asked: Acting, deed: Deed, place: Place, works: Works, told: Mapping[str, str]) -> Granted:
    """Return the account as which the caller may do a deed; the log holds how it ended before this returns or raises.

    `told` is what the log should know of the request. Raises `BearerFault` as `callers.caller` does, `invalid_request`
    for too many delegates, `Forbidden` for everything that is not allowed.
    """
    caller = await callers.caller(asked.credential, place, works)
    if len(asked.delegates) > MAX_DELEGATES:
        public = f"There may be at most {MAX_DELEGATES} delegates."
        raise invalid_request(public, expected=str(MAX_DELEGATES), received=str(len(asked.delegates)))
    way = await _way(asked, place, works)
    verdict = await _judge(caller, way, deed, place, works)
    await _note(caller, way, deed, verdict, place, works, told)
    target = way.found[-1]
    if verdict.outcome != ALLOWED or target is None:
        raise _refusal(verdict, deed, place.vocabulary.display(caller.principal), asked.target.name)
    passed = dict.fromkeys((*caller.chain, *way.marks[:-1]))
    passed.pop(way.marks[-1], None)
    return Granted(target, caller, tuple(passed))


def _refusal(verdict: Verdict, deed: Deed, who: str, target: str) -> Forbidden:
    # SECURITY: one face for all, so that nobody learns which accounts exist
    # (test_unknown_and_denied_look_alike).
    fault = Forbidden(
        detail={"expected": f"{deed.permission} on {target[:100]}", "received": who, "outcome": verdict.outcome}
        | {key: value for key, value in verdict.detail.items() if key == "why"}
    )
    fault.permission = deed.permission
    return fault


async def _judge(caller: Caller, way: Way, deed: Deed, place: Place, works: Works) -> Verdict:
    if _holds_its_key(caller, way, deed):
        return Verdict(ALLOWED, {"grounds": "the account's own key"})
    # Every hop is decided, whatever came before: what is unknown takes as long as what is denied.
    decisions = await _decisions(caller.principal, way, deed, place, works)
    refused = [decision for decision in decisions if not decision.allowed]
    detail = _grounds(decisions)
    if None in way.found or refused:
        misses = [f"{miss.role} for {miss.member}: {miss.why}" for one in refused for miss in one.misses]
        return Verdict(DENIED, detail | ({"why": "; ".join(misses)[:MAX_DETAIL]} if misses else {}))
    passed = (*caller.chain, *way.marks)
    if len(set(passed)) != len(passed):
        # SECURITY: an account that may renew itself holds its identity for ever after one leak
        # (test_d6_53_no_account_renews_itself, test_d6_53_no_way_back).
        if not place.tenant.self_impersonation:
            return Verdict(CIRCULAR, detail)
        detail = detail | {CIRCULAR: "allowed by the tenant"}
    if len(set(passed)) > MAX_CHAIN:
        return Verdict(TOO_LONG, detail)
    return Verdict(ALLOWED, detail)


def _holds_its_key(caller: Caller, way: Way, deed: Deed) -> bool:
    """Tell whether the caller is the account and has just signed with the account's own key.

    It could exchange that signature at the token endpoint, where no permission is asked for either.
    """
    own = caller.how == callers.OWN_KEY and deed.by_own_key and len(way.names) == 1
    return own and way.found[0] is not None and way.found[0].unique_id == caller.principal.id


async def _decisions(first: Principal, way: Way, deed: Deed, place: Place, works: Works) -> list[Decision]:
    words, tenant_id = place.vocabulary, place.tenant.tenant_id
    askers = (first, *way.holders)
    permissions = (*(words.permissions.delegate for _ in way.names[1:]), deed.permission)
    made = []
    for asker, permission, name, account in zip(askers, permissions, way.names, way.found, strict=False):
        resource = accounts.resource(account, name.name)
        made.append(await works.permits.decide(tenant_id, words, asker, permission, resource, place.now))
    return made


def _grounds(decisions: list[Decision]) -> dict[str, str]:
    found = [one.grounds for one in decisions if one.grounds is not None]
    roles = [f"{one.role} for {one.member}" + (f" if {one.condition}" if one.condition else "") for one in found]
    return {"grounds": "; ".join(roles)[:MAX_DETAIL]} if roles else {}


async def _note(
    caller: Caller, way: Way, deed: Deed, verdict: Verdict, place: Place, works: Works, told: Mapping[str, str]
) -> None:
    target, words = way.found[-1], place.vocabulary
    between = ", ".join(name.name for name in way.names[:-1])
    detail = {
        "account": way.names[-1].name,
        "delegates": between,
        "credential": caller.how,
        "credential_id": caller.token_id,
        **told,
        **verdict.detail,
    }
    entry = Entry(
        tenant_id=place.tenant.tenant_id,
        entry_id=ids.ordered(place.now),
        at=place.now,
        action=deed.action,
        principal=words.display(caller.principal),
        resource=accounts.resource(target, way.names[-1].name),
        outcome=verdict.outcome,
        ref=place.ref,
        peer=place.peer,
        chain=caller.chain,
        origin=caller.origin,
        detail={name: value[:MAX_TOLD] for name, value in detail.items() if value},
    )
    await works.trail.note(entry)
