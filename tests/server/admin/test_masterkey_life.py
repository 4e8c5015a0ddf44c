"""Any order of rotating, retiring, resealing, starting and time passing: who should open opens, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from intaglio.errors import Misconfigured
from intaglio.server.admin import masterkey, resealing
from intaglio.server.admin.resealing import Pace
from intaglio.server.keyring.masterkeys import LocalKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from tests.server.keyring.vaults import Base

KEYS = tuple(LocalKey(bytes(range(first, first + 32))) for first in (0, 70, 140))
KEEP = 30


class Life(RuleBasedStateMachine):
    """A database, the master keys that wrap its keys, processes that run since some time, and what was sealed."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Base()
        self.wrapping = [KEYS[0]]
        self.running: list[tuple[Lock, Vault]] = []
        self.sealed: list[tuple[str, int | None]] = []
        self.root = b""

    def teardown(self) -> None:
        """Let go of the database."""
        self.base.close()

    @rule(old=st.booleans())
    def begin_of_before(self, old: bool) -> None:
        """Make it a database of the version before, if nothing has begun yet."""
        if old and not self.root and not self.running:
            self.root = self.base.of_before(KEYS[0]).derive("a")

    @rule()
    def start(self) -> None:
        """Start a process with any master key that opens."""
        lock = self.base.lock(self.wrapping[-1])
        vault = self.base.run(lock.open(self.base.clock.now()))
        self.root = self.root or vault.derive("a")
        self.running.append((lock, vault))

    @rule(which=st.integers(0, 9))
    def seal(self, which: int) -> None:
        """Let some process seal something that is kept by others alone."""
        if self.running:
            _, vault = self.running[which % len(self.running)]
            self.sealed.append((vault.seal(b"x", "a"), None))

    @rule(new=st.sampled_from(KEYS))
    def rotate(self, new: LocalKey) -> None:
        """Change the master key, where it may be done."""
        if len(self.wrapping) > 1 or new in self.wrapping:
            return
        self.start()
        self.base.run(masterkey.rotate(self.base.store, self.base.lock(self.wrapping[0]), new, self.base.actor()))
        self.wrapping.append(new)

    @rule()
    def retire(self) -> None:
        """Give the old master key up; its processes are started again first, as the operator is told."""
        if len(self.wrapping) == 2:
            old = self.wrapping.pop(0)
            self.running = [one for one in self.running if one[0].master is not old]
            self.base.run(
                masterkey.retire(self.base.store, self.base.lock(self.wrapping[0]), old.name, self.base.actor())
            )

    @rule()
    def reseal(self) -> None:
        """Seal anew, where it may be done; what is kept by others alone opens for a while."""
        if len(self.wrapping) > 1 or not self.base.rows():
            return

        async def wait(seconds: float) -> None:
            self.base.clock.advance(round(seconds))
            for lock, vault in self.running:
                await lock.look(vault, self.base.clock.now())

        lock, pace = self.base.lock(self.wrapping[0]), Pace(self.base.clock.now, wait)
        self.base.run(resealing.reseal(self.base.store, lock, self.base.actor(), pace, KEEP))
        ends = self.base.clock.now() + KEEP
        self.sealed = [(text, ends if until is None else until) for text, until in self.sealed]

    @rule(seconds=st.integers(1, 40))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.base.clock.advance(seconds)

    @invariant()
    def the_right_ones_open(self) -> None:
        """Each master key that wraps opens, no other does, and what is derived never changes."""
        if not self.root:
            return
        now = self.base.clock.now()
        for key in KEYS:
            assert self.base.is_refused(key) == ("" if key in self.wrapping else "master-key-wrong")
        for lock, vault in self.running:
            self.base.run(lock.look(vault, now))
        for vault in (*(vault for _, vault in self.running), self.base.open(self.wrapping[0])):
            assert vault.derive("a") == self.root
            for text, until in self.sealed:
                if until is None or now < until:
                    assert vault.open(text, "a") == b"x"
                else:
                    with pytest.raises(Misconfigured, match="sealing-key-unknown"):
                        vault.open(text, "a")


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
