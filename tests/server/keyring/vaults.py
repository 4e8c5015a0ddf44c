"""Databases in memory and master keys, for tests of the vault's keys."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from intaglio import clock as clocks
from intaglio.errors import Misconfigured
from intaglio.server import compose
from intaglio.server.keyring import datakeys, unlocking
from intaglio.server.keyring.datakeys import Bundle
from intaglio.server.keyring.masterkeys import LocalKey, MasterKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation, vaultkeys
from intaglio.server.model.plan import Ask, Plan
from intaglio.server.model.vaultkeys import WrappedKeys
from intaglio.server.registry.deeds import Actor

T = TypeVar("T")
NOW = 1_800_000_000
OLD, NEW, THIRD = (LocalKey(bytes(range(first, first + 32))) for first in (0, 100, 200))


def with_next(bundle: Bundle) -> Bundle:
    """Return a bundle with one more key, which seals at once."""
    return datakeys.with_next(bundle, NOW, NOW)


class Base:
    """An empty database, and what tests do with it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.clock = clocks.FixedClock(NOW)
        self.store = self.run(compose.open_store("sqlite:///:memory:", self.clock, create=True))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self._runner.run(coroutine)

    def read(self, plan: Callable[..., Any], *args: Any) -> Any:
        """Ask the database."""
        return self.run(self.store.read(plan, *args))

    def write(self, plan: Callable[..., Any], *args: Any) -> Any:
        """Write to the database."""
        return self.run(self.store.write(plan, *args))

    def sql(self, name: str, **values: Any) -> Any:
        """Ask one query, whatever it does."""

        def plan() -> Plan[Any]:
            return (yield Ask(name, values))

        return self.write(plan)

    def lock(self, master: MasterKey = OLD) -> Lock:
        """Return what a process has that was started with this master key."""
        return Lock(self.store, master)

    def open(self, master: MasterKey = OLD) -> Vault:
        """Return the vault, as a process gets it that starts now."""
        return self.run(self.lock(master).open(self.clock.now()))

    def is_refused(self, master: MasterKey = OLD) -> str:
        """Return the code by which a start is refused, empty if it is not."""
        try:
            self.open(master)
        except Misconfigured as fault:
            return fault.code
        return ""

    def of_before(self, master: LocalKey = OLD) -> Vault:
        """Make it a database of the version that knew one key alone, and return its vault."""
        vault = Vault(master.octets)
        self.write(installation.keep_fact, unlocking.PROOF, vault.seal(unlocking.PROOF_TEXT, unlocking.PROOF))
        return vault

    def rows(self) -> dict[str, WrappedKeys]:
        """Return the wrapped keys by master key."""
        return {row.wrapped_by: row for row in self.read(vaultkeys.every)}

    def put(self, *rows: WrappedKeys) -> None:
        """Let the database hold these wrapped keys and no others, as somebody does who can write to it."""
        self.write(vaultkeys.delete_every)
        for row in rows:
            self.write(vaultkeys.insert, row)

    def actor(self) -> Actor:
        """Return who acts now."""
        return Actor("operator:test", self.clock.now())

    def close(self) -> None:
        """Let go of it."""
        self.run(self.store.close())
        self._runner.close()


@contextlib.contextmanager
def base() -> Iterator[Base]:
    """Give an empty database."""
    made = Base()
    try:
        yield made
    finally:
        made.close()
