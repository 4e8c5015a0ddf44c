"""Servers to prove things against: one on an SQLite file, one on PostgreSQL, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Server, postgres_server
from tests.proof.world import World

__all__ = ["postgres_server"]


def sqlite_url(folder: Path) -> str:
    """Return the URL of a new database file."""
    return f"sqlite:///{folder / 'proof.db'}"


@pytest.fixture(scope="module")
def sqlite_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a running server on an SQLite file."""
    made = World(sqlite_url(tmp_path_factory.mktemp("world")))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def postgres_world(postgres_server: Server, request: pytest.FixtureRequest) -> Iterator[World]:
    """Yield a running server on a database of its own in PostgreSQL."""
    made = World(postgres_server.create("proof_" + request.module.__name__.rpartition(".")[2]))
    made.start()
    yield made
    made.stop()
