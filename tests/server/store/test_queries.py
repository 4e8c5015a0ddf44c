"""SQL in files: what the loader refuses, what it makes of values' marks, and that plans and queries fit together."""

from __future__ import annotations

import asyncio
import inspect
import pkgutil
import sqlite3
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.server import model
from intaglio.server.model.plan import Ask
from intaglio.server.store import open as opening
from intaglio.server.store import queries
from tests.capability import capability
from tests.conformance import store_suite


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- name: a\nSELECT 1;", "description"),
        ("-- name: a\n-- A.\nSELECT 1", "semicolon"),
        ("-- name: a\n-- A.\nSELECT 1; SELECT 2;", "one statement"),
        ("-- name: a\n-- A.\n", "one statement"),
        ("-- name: A\n-- A.\nSELECT 1;", "head"),
        ("-- name: a [mysql]\n-- A.\nSELECT 1;", "head"),
        ("-- name: a\n-- A.\nSELECT 1;\n-- name: a\n-- A.\nSELECT 2;", "already"),
        ("-- name: a [sqlite]\n-- A.\nSELECT 1;\n-- name: a\n-- A.\nSELECT 2;", "already"),
        ("-- name: a [sqlite]\n-- A.\nSELECT 1;", "lacks the variant"),
        ("-- name: a [sqlite]\n-- A.\nSELECT :a;\n-- name: a [postgresql]\n-- A.\nSELECT :b;", "different values"),
    ],
)
def test_faulty_files_are_refused(text: str, problem: str) -> None:
    """A query without description, end, variant or a name of its own stops the program at its start."""
    with pytest.raises(ValueError, match=problem):
        queries.parse({"a.sql": text}, "sqlite")


def test_variant_of_the_engine_is_chosen() -> None:
    """Each engine has its own text where there are two."""
    text = "-- name: a [sqlite]\n-- A.\nSELECT 1;\n-- name: a [postgresql]\n-- B.\nSELECT 2;"
    assert queries.parse({"a.sql": text}, "sqlite")["a"].text == "SELECT 1"
    assert queries.parse({"a.sql": text}, "postgresql")["a"].text == "SELECT 2"


def test_a_variant_for_sqlite_may_have_several_statements() -> None:
    """What PostgreSQL does in one question SQLite does in several, with the same values; PostgreSQL has one alone."""
    one = "-- name: a [postgresql]\n-- A.\nSELECT :b, :a;\n"
    found = queries.parse(
        {"a.sql": one + "-- name: a [sqlite]\n-- A.\nUPDATE t SET x = :a\nRETURNING x;\nSELECT :b;"}, "sqlite"
    )
    query = found["a"]
    assert (query.parameters, query.more, query.gives, query.writes) == (("a", "b"), ("SELECT :b",), True, True)
    assert (
        queries.parse({"a.sql": one + "-- name: a [sqlite]\n-- A.\nSELECT :a; SELECT :b;"}, "sqlite")["a"].gives
        is False
    )
    with pytest.raises(ValueError, match="different values"):
        queries.parse({"a.sql": one + "-- name: a [sqlite]\n-- A.\nSELECT :a; SELECT :c;"}, "sqlite")
    with pytest.raises(ValueError, match="one statement"):
        queries.parse({"a.sql": "-- name: a [postgresql]\n-- A.\nSELECT 1; SELECT 2;"}, "sqlite")


def test_marks_become_numbers_only_where_they_are_values() -> None:
    """Casts, literals, quoted names and comments keep their colons; a value used twice has one number."""
    text = """SELECT :b, x::text, ':b', 'it''s :b', ":b", :a /* :b */ -- :b\n + :b"""
    assert queries.translate(text, "postgresql") == (
        """SELECT $1, x::text, ':b', 'it''s :b', ":b", $2 /* :b */ -- :b\n + $1""",
        ("b", "a"),
    )
    assert queries.translate(text, "sqlite") == (text, ("b", "a"))


@given(st.text(alphabet="ab ;':\"-/*\n", max_size=40))
def test_splitting_never_invents_text(text: str) -> None:
    """What comes out of splitting was there, in order, and no statement is empty."""
    found = queries.statements(text)
    assert all(found)
    rest = iter(text)
    assert all(letter in rest for statement in found for letter in statement)


@given(st.lists(st.sampled_from(["SELECT 1", "SELECT ';'", 'SELECT ";"', "SELECT 1 /* ; */", "SELECT 2 -- ;\n"])))
def test_splitting_agrees_with_sqlite(parts: list[str]) -> None:
    """SQLite takes each statement as one."""
    found = queries.statements(";".join(parts))
    assert len(found) == len(parts)
    connection = sqlite3.connect(":memory:")
    try:
        for statement in found:
            connection.execute("EXPLAIN " + statement)
    finally:
        connection.close()


def _plans() -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(model.__path__):
        if module.name == "plan":
            continue
        loaded = import_module(f"{model.__name__}.{module.name}")
        for name, one in vars(loaded).items():
            if inspect.isgeneratorfunction(one) and not name.startswith("_") and one.__module__ == loaded.__name__:
                found.add(f"{module.name}.{name}")
    return found


def _asked() -> dict[str, list[list[Ask]]]:
    asked: dict[str, list[list[Ask]]] = {}

    async def walk() -> None:
        store = await opening.open_store("sqlite:///:memory:")
        for plan, args, _ in store_suite.WALK:
            seen: list[Ask] = []
            await store.write(store_suite.recording(plan, seen), *args)
            asked.setdefault(f"{plan.__module__.rpartition('.')[2]}.{plan.__name__}", []).append(seen)
        await store.close()

    asyncio.run(walk())
    return asked


def test_the_walk_calls_every_plan() -> None:
    """No plan is left out of the walk, so that the tests below see all of them."""
    assert set(_asked()) == _plans()


@pytest.mark.parametrize("engine", queries.ENGINES)
def test_plans_and_queries_fit(engine: queries.Engine) -> None:
    """Every query is asked by a plan and every question has its query, with exactly the values that it takes."""
    asks = [ask for runs in _asked().values() for seen in runs for ask in seen]
    known = queries.load(engine)
    assert {ask.name for ask in asks} == set(known)
    for ask in asks:
        assert set(ask.values) == set(known[ask.name].parameters), ask.name


def test_single_plans_ask_once() -> None:
    """A plan that is marked `single` asks exactly one question; a lock alone would be let go at once."""
    for name, runs in _asked().items():
        module, _, function = name.partition(".")
        plan = getattr(import_module(f"{model.__name__}.{module}"), function)
        counts = {len(seen) for seen in runs}
        assert not getattr(plan, "single", False) or counts == {1}, name
    assert not hasattr(store_suite.signingkeys.lock_ring, "single")


BOUNDED = ("CONSTANT ROW", "SCAN ready", "SCAN ranked", "SCAN (subquery-5)")
"""Scans of rows that a query has picked by an index itself."""


def test_lookups_and_sweeps_use_an_index() -> None:
    """No query scans a whole table: each finds its rows by an index."""
    store = asyncio.run(opening.open_store("sqlite:///:memory:"))
    for query in queries.load("sqlite").values():
        values = dict.fromkeys(query.parameters, 1)
        plan = store.connection.execute(f"EXPLAIN QUERY PLAN {query.text}", values).fetchall()  # type: ignore[attr-defined]
        scans = [row[3] for row in plan if row[3].startswith("SCAN") and not row[3].endswith(BOUNDED)]
        assert scans == [], query.name
    asyncio.run(store.close())


@capability("finding-email", witness="EXPLAIN QUERY PLAN of SQLite")
@pytest.mark.parametrize("name", ["users_by_confirmed_email", "user_has_email"])
def test_people_are_found_by_the_index_of_addresses(name: str) -> None:
    """Whoever looks for an address does not look at all users of the tenant."""
    store = asyncio.run(opening.open_store("sqlite:///:memory:"))
    query = queries.load("sqlite")[name]
    values = dict.fromkeys(query.parameters, 1)
    plan = store.connection.execute(f"EXPLAIN QUERY PLAN {query.text}", values).fetchall()  # type: ignore[attr-defined]
    assert "SEARCH users USING INDEX users_by_email (tenant_id=? AND <expr>=?)" in [row[3] for row in plan]
    asyncio.run(store.close())
