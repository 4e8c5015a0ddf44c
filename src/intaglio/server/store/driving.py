"""Driving a plan: questions out, rows in, conflicts thrown where they arose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from intaglio import errors
from intaglio.server.model.plan import Ask, Conflict, Plan, Row, Value
from intaglio.server.store.queries import Query

T = TypeVar("T")


def drive(plan: Plan[T], answer: Callable[[Ask], list[Row]]) -> T:
    """Run a plan to its end without any suspension and return its result.

    `answer` raises `Conflict` for a row that must be unique; the plan may catch it at its `yield` and go on.
    """
    try:
        ask = next(plan)
        while True:
            try:
                rows = answer(ask)
            except Conflict as conflict:
                ask = plan.throw(conflict)
            else:
                ask = plan.send(rows)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()


def find(queries: Mapping[str, Query], ask: Ask, *, reading: bool) -> Query:
    """Return the query that is asked for.

    Raises `IntaglioError` (`storage-unknown-query`, `storage-read-writes`): both are faults of the program.
    """
    query = queries.get(ask.name)
    if query is None:
        raise errors.IntaglioError("storage-unknown-query", detail={"query": ask.name})
    if reading and query.writes:
        raise errors.IntaglioError("storage-read-writes", detail={"query": ask.name})
    return query


def is_storable(values: Mapping[str, Value]) -> bool:
    """Whether both engines can hold every text: PostgreSQL has no U+0000, and neither has unpaired surrogates."""
    for value in values.values():
        if type(value) is str and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return False
        if type(value) is str and "\0" in value:
            return False
    return True


def unstorable(ask: Ask) -> errors.ProtocolFault:
    """Return the error for a value that no engine can keep: the fault is the requester's."""
    return errors.ProtocolFault(
        "invalid_request",
        "The request holds text that cannot be kept.",
        detail={"query": ask.name, "expected": "text without U+0000 and unpaired surrogates, of moderate length"},
    )


def refused(ask: Ask, reason: str) -> errors.IntaglioError:
    """Return the error for a row that the database refused for another reason than uniqueness."""
    return errors.IntaglioError(
        "storage-refused", "The request could not be kept.", detail={"query": ask.name, "reason": reason}
    )


def unavailable(reason: str, **detail: object) -> errors.Unavailable:
    """Return the error for a database that cannot be used now; nothing is known to be kept."""
    return errors.Unavailable(
        "storage-unavailable",
        "The storage does not answer. Try again.",
        detail={**detail, "reason": reason},
        hint="Look at the database: is it running, is its disk full, is it locked by another program?",
    )
