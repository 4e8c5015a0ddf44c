"""What PostgreSQL's errors mean to us. The driver quotes values in its messages, so none of them is passed on.

PostgreSQL documentation, appendix A: SQLSTATE codes and their classes.
"""

from __future__ import annotations

import asyncpg

from intaglio.errors import Misconfigured
from intaglio.server.model.plan import Ask, Conflict
from intaglio.server.store import driving

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_REFUSED = ("22", "23")
_TOO_LARGE = "54"
_CONFIGURED = ("28", "3D")


def reason(error: BaseException) -> str:
    """Return the SQLSTATE of an error, or the name of its kind: neither holds a value."""
    return getattr(error, "sqlstate", None) or type(error).__name__


def during(error: BaseException, ask: Ask) -> Exception:
    """Return our error for one that a question met: `Conflict`, `ProtocolFault`, `IntaglioError` or `Unavailable`."""
    state = reason(error)
    if isinstance(error, asyncpg.UniqueViolationError):
        return Conflict()
    if state.startswith(_TOO_LARGE):
        return driving.unstorable(ask)
    if state.startswith(_REFUSED) or isinstance(error, asyncpg.DataError):
        return driving.refused(ask, state)
    return driving.unavailable(state, query=ask.name)


def connecting(error: BaseException) -> Exception:
    """Return our error for one met while connecting: `Misconfigured` or `Unavailable`; it never holds the URL."""
    state = reason(error)
    if state.startswith(_CONFIGURED) or isinstance(error, ValueError):
        return Misconfigured(
            "database-unusable",
            "PostgreSQL cannot be used with the database URL of the configuration.",
            detail={"expected": "postgresql://user:password@host/database", "reason": state},
            hint="Check user, password, host and database in the URL; it is not shown because it may hold a password.",
        )
    return driving.unavailable(state)
