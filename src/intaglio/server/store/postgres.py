"""The store on PostgreSQL: a pool of connections, a plan at a time on each, one statement alone where one will do."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg

from intaglio import errors
from intaglio.server.model.plan import Ask, Conflict, Plan, Row, Value
from intaglio.server.store import driving, postgres_faults, postgres_pool, queries
from intaglio.server.store.queries import Engine

T = TypeVar("T")

POOL = 8
RETRIES = 3
PATIENCE_SECONDS = 10.0
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_SETTINGS = {"application_name": "intaglio", "default_transaction_isolation": "read committed"}
# NOTE: a server may be configured to acknowledge before it has flushed; a stronger setting than `on` is left alone.
_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"


class _AgainWithSavepoints(Exception):
    """A plan went on after a conflict, which PostgreSQL allows only with a savepoint before the statement."""


async def _connect(url: str, **options: Any) -> Any:
    """Connect; the driver's messages may quote the URL with its password, so none of them is passed on."""
    try:
        connection = await asyncpg.connect(url, timeout=PATIENCE_SECONDS, server_settings=_SETTINGS, **options)
        await connection.execute(_DURABLE)
    except (*postgres_faults.FAILURES, ValueError) as exc:
        raise postgres_faults.connecting(exc) from None
    return connection


class PostgresStore:
    """Runs plans on a PostgreSQL database; belongs to the event loop in which it was connected.

    The isolation level is READ COMMITTED: of several transactions that change one row, each tests its condition again
    on what the one before it left, so a conditional UPDATE has one winner.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._queries = queries.load("postgresql")

    @classmethod
    async def connect(cls, url: str, size: int = POOL) -> PostgresStore:
        """Connect to a database with at most `size` connections.

        Raises `Misconfigured` (`database-unusable`) and `Unavailable` (`storage-unavailable`), never with the URL.
        """
        connect = functools.partial(
            _connect,
            url,
            command_timeout=PATIENCE_SECONDS,
            statement_cache_size=1024,
            max_cached_statement_lifetime=0,
        )
        pool = postgres_pool.Pool(connect, size, PATIENCE_SECONDS)
        # The first connection is made now, so that a wrong URL is known at the start.
        pool.give(await pool.take(), sound=True)
        return cls(pool)

    async def read(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan that changes nothing; see `model.plan.Store`. Raises `Unavailable` (`storage-unavailable`)."""
        return await self._run(plan, args, reading=True)

    async def write(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan as one transaction; see `model.plan.Store`. Raises `Unavailable` (`storage-unavailable`)."""
        return await self._run(plan, args, reading=False)

    async def close(self) -> None:
        """Wait for what is under way, then close every connection."""
        with contextlib.suppress(*postgres_faults.FAILURES):
            await self._pool.close()

    async def _run(self, plan: Callable[..., Plan[T]], args: tuple[Any, ...], *, reading: bool) -> T:
        savepoints = False
        retries = 0
        while True:
            try:
                return await self._once(plan, args, reading=reading, savepoints=savepoints)
            except _AgainWithSavepoints:
                savepoints = True
            except postgres_faults.RETRIED as exc:
                retries += 1
                if retries > RETRIES:
                    # The driver's message may quote values.
                    raise driving.unavailable(postgres_faults.reason(exc)) from None
            except postgres_faults.FAILURES as exc:
                # The driver's message may quote values.
                raise driving.unavailable(postgres_faults.reason(exc)) from None

    async def _take(self) -> Any:
        try:
            return await self._pool.take()
        except errors.Misconfigured as exc:
            # A password that was changed, say: at run time that is a database which cannot be used now. What a plan
            # itself raises of this kind is not meant.
            raise driving.unavailable(str(exc.detail.get("reason", exc.code))) from exc

    async def _once(self, plan: Callable[..., Plan[T]], args: tuple[Any, ...], *, reading: bool, savepoints: bool) -> T:
        connection = await self._take()
        sound = True
        try:
            talk = _Talk(connection, self._queries, reading=reading, savepoints=savepoints)
            if getattr(plan, "single", False):
                return await talk.alone(plan(*args))
            return await talk.transaction(plan(*args))
        except (asyncio.CancelledError, TimeoutError, errors.Unavailable):
            sound = False
            raise
        finally:
            self._pool.give(connection, sound=sound)


class _Talk:
    """One run of one plan on one connection."""

    def __init__(self, connection: Any, known: Mapping[str, queries.Query], *, reading: bool, savepoints: bool) -> None:
        self._connection = connection
        self._queries = known
        self._reading = reading
        self._savepoints = savepoints

    async def alone(self, plan: Plan[T]) -> T:
        """Run a plan of one question as a statement that is its own transaction."""
        try:
            ask = next(plan)
            try:
                rows = await self._answer(ask)
            except Conflict as conflict:
                plan.throw(conflict)
            else:
                plan.send(rows)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            plan.close()
        raise driving.refused(ask, "a plan that is marked `single` asked twice")

    async def transaction(self, plan: Plan[T]) -> T:
        """Run a plan between BEGIN and COMMIT."""
        await self._connection.execute(_READING if self._reading else _WRITING)
        try:
            value = await self._converse(plan)
            # NOTE: PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
            if await self._connection.execute("COMMIT") != "COMMIT":
                raise driving.unavailable("rolled-back")  # noqa: TRY301 -- the same end as for every other failure
        except Exception:
            if not self._connection.is_closed() and self._connection.is_in_transaction():
                with contextlib.suppress(*postgres_faults.FAILURES):
                    await self._connection.execute("ROLLBACK")
            raise
        return value

    async def _converse(self, plan: Plan[T]) -> T:
        conflicts = False
        try:
            ask = next(plan)
            while True:
                try:
                    rows = await self._answer_in_savepoint(ask) if self._savepoints else await self._answer(ask)
                except Conflict as conflict:
                    conflicts = not self._savepoints
                    ask = plan.throw(conflict)
                else:
                    ask = plan.send(rows)
                if conflicts:
                    raise _AgainWithSavepoints
        except StopIteration as stop:
            if conflicts:
                raise _AgainWithSavepoints from None  # StopIteration says nothing.
            result: T = stop.value
            return result
        finally:
            plan.close()

    async def _answer_in_savepoint(self, ask: Ask) -> list[Row]:
        await self._connection.execute("SAVEPOINT ask")
        try:
            rows = await self._answer(ask)
        except Conflict:
            await self._connection.execute("ROLLBACK TO ask")
            raise
        await self._connection.execute("RELEASE ask")
        return rows

    async def _answer(self, ask: Ask) -> list[Row]:
        query = driving.find(self._queries, ask, reading=self._reading)
        if not driving.is_storable(ask.values):
            if query.writes:
                raise driving.unstorable(ask)
            # No row can hold what cannot be kept.
            return []
        try:
            values = [ask.values[name] for name in query.parameters]
            rows: list[Row] = await self._connection.fetch(query.text, *values)
        except postgres_faults.RETRIED:
            raise
        except (*postgres_faults.FAILURES, KeyError) as exc:
            # The driver's message may quote values.
            raise postgres_faults.during(exc, ask) from None
        return rows


class PostgresDatabase:
    """One PostgreSQL connection for `migrate`."""

    engine: Engine = "postgresql"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @property
    def connection(self) -> Any:
        """The connection, for what is no migration."""
        return self._connection

    async def begin(self) -> None:
        """Begin a transaction."""
        await self._connection.execute("BEGIN")

    async def run(self, statement: str, values: Mapping[str, Value]) -> Sequence[Row]:
        """Run one statement; values are in the order in which it uses them."""
        try:
            rows: list[Row] = await self._connection.fetch(statement, *values.values())
        except postgres_faults.FAILURES as exc:
            raise driving.unavailable(postgres_faults.reason(exc)) from exc
        return rows

    async def end(self, *, keep: bool) -> None:
        """Commit or roll back."""
        await self._connection.execute("COMMIT" if keep else "ROLLBACK")

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def connect_for_migrations(url: str) -> PostgresDatabase:
    """Connect once; raises as `PostgresStore.connect` does."""
    return PostgresDatabase(await _connect(url))
