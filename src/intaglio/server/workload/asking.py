"""Who may administer: the permission is decided first, then the change made, and the log tells of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from intaglio import ids
from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.protocol.faults import Forbidden, NotFound
from intaglio.protocol.iam import Asked
from intaglio.protocol.impersonation import Caller
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Plan
from intaglio.server.registry.deeds import Actor
from intaglio.server.workload import callers
from intaglio.server.workload.place import Place, Works

T = TypeVar("T")
ACTION = "administer"
"""What the log calls an attempt that was refused; what was done has names of its own."""

NOBODY = "projects/-"
"""A resource that no policy names."""

_LOOKED_FOR = {"service-account-unknown", "project-unknown", "key-unknown", "resource-unknown"}
_STATES = {"self-impersonation", "keys-too-many", "member-recycled"}


async def allowed(asked: Asked, resource: str, place: Place, works: Works, *, exists: bool = True) -> Actor:
    """Return who does it, if they may: they have the permission on the resource.

    Where it does not exist, `resource` is what it would live in: who may ask there learns that it is not there
    (`NotFound`), everybody else is told what they would be told of one that they may not touch (`Forbidden`). Raises
    `BearerFault` as `callers.caller` does.
    """
    caller = await callers.caller(asked.credential, place, works)
    if not await may(caller, asked.permission, resource, place, works):
        await note_denied(caller, asked.permission, resource, place, works)
        fault = Forbidden(
            detail={
                "expected": f"{asked.permission} on {resource}",
                "received": place.vocabulary.display(caller.principal),
            }
        )
        fault.permission = asked.permission
        raise fault
    if not exists:
        raise NotFound(detail={"expected": "something in " + resource, "received": "nothing of that name"})
    return actor(caller, place)


async def may(caller: Caller, permission: str, resource: str, place: Place, works: Works) -> bool:
    """Tell whether a caller has a permission on a resource."""
    decision = await works.permits.decide(
        place.tenant.tenant_id, place.vocabulary, caller.principal, permission, resource or NOBODY, place.now
    )
    return decision.allowed


def actor(caller: Caller, place: Place) -> Actor:
    """Return a caller as the log knows them."""
    who = place.vocabulary.display(caller.principal)
    return Actor(who, place.now, place.ref, caller.chain, caller.origin, place.peer)


async def note_denied(caller: Caller, permission: str, resource: str, place: Place, works: Works) -> None:
    """Write down that a caller was refused."""
    entry = Entry(
        tenant_id=place.tenant.tenant_id,
        entry_id=ids.ordered(place.now),
        at=place.now,
        action=ACTION,
        principal=place.vocabulary.display(caller.principal),
        resource=resource or NOBODY,
        outcome="denied",
        ref=place.ref,
        chain=caller.chain,
        origin=caller.origin,
        detail={"permission": permission},
        peer=place.peer,
    )
    await works.trail.note(entry)


async def write(works: Works, plan: Callable[..., Plan[T]], *args: Any) -> T:
    """Run a change, and forget what was remembered of what it changed; raises `ProtocolFault` for what it refuses."""
    try:
        return await works.store.write(plan, *args)
    except Misconfigured as fault:
        raise told(fault) from fault
    finally:
        works.permits.forget()
        works.memory.forget()


def told(fault: Misconfigured) -> ProtocolFault:
    """Return a refusal as somebody who may administer is told it: with what was expected."""
    expected = str(fault.detail.get("expected") or fault.detail.get("problem") or "")
    public = f"{fault.public} Expected: {expected}." if expected else fault.public
    return ProtocolFault(_code(fault.code), public, detail=fault.detail | {"code": fault.code})


def _code(code: str) -> str:
    if code in _LOOKED_FOR:
        return "not_found"
    if code.endswith("-exists"):
        return "already_exists"
    if code == "policy-changed":
        return "aborted"
    return "failed_precondition" if code in _STATES else "invalid_request"
