"""Unlocking: from a master key and a database to the vault, at the start of a process and while it runs.

A database that was made when the master key was the only key has no wrapped keys until `masterkey rotate`; there the
master key goes on being the first key. Every other has them from its beginning.
"""

from __future__ import annotations

import asyncio
import logging

from intaglio.clock import Clock
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.keyring import datakeys, envelope
from intaglio.server.keyring.datakeys import Bundle
from intaglio.server.keyring.masterkeys import LocalKey, MasterKey
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation, sealed, vaultkeys
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.vaultkeys import WrappedKeys

LOG = logging.getLogger("intaglio.keyring")
PROOF = "master-key-proof"
PROOF_TEXT = b"intaglio"
LOOK_SECONDS = 1.0
SAY_SECONDS = 60
"""How often a running process says which master key it runs with."""


def _state() -> Plan[tuple[str | None, list[WrappedKeys], bool]]:
    proof = yield from installation.fact(PROOF)
    rows = yield from vaultkeys.every()
    return proof, rows, (yield from sealed.is_anything_sealed())


def _begin(proof: str, keys: WrappedKeys) -> Plan[None]:
    yield from vaultkeys.lock()
    try:
        yield from installation.begin_fact(PROOF, proof)
    except Conflict:
        return  # another process was quicker: its keys are read next
    yield from vaultkeys.insert(keys)


class Lock:
    """A database's vault and the master key that unlocks it, for one process. Does not print the key."""

    def __init__(self, store: Store, master: MasterKey) -> None:
        self._store = store
        self.master = master
        self._row: WrappedKeys | None = None
        self._between = b""

    def __repr__(self) -> str:
        return f"Lock({self.master.name})"

    async def open(self, now: int) -> Vault:
        """Return the vault; a database without one gets it now.

        Raises `Misconfigured` (`master-key-wrong`, `vault-keys-unusable`, `vault-keys-missing`), `Unavailable`.
        """
        for _ in range(3):
            proof, rows, used = await self._store.read(_state)
            if proof is None and not rows:
                if used:
                    raise _missing()
                await self._begin(now)
                continue
            bundle = await self._bundle(rows)
            vault = Vault.holding(bundle, now)
            if proof is not None:
                # It opens under a key of any age: whoever reseals replaces it last.
                Vault.holding(bundle, now, closed=True).open(proof, PROOF)
                return vault
        raise _missing()

    async def _begin(self, now: int) -> None:
        """Make the keys of a new database; another process may do it at the same time, and one of the two wins."""
        bundle = datakeys.fresh(now)
        keys, _ = await asyncio.to_thread(envelope.new, bundle, self.master, now)
        await self._store.write(_begin, Vault.holding(bundle, now).seal(PROOF_TEXT, PROOF), keys)

    async def _bundle(self, rows: list[WrappedKeys]) -> Bundle:
        own = next((row for row in rows if row.wrapped_by == self.master.name), None)
        if own is not None:
            return await asyncio.to_thread(self._opened, own)
        if not rows and isinstance(self.master, LocalKey):
            return datakeys.of_master_key(self.master.octets)
        raise wrong(self.master, rows)

    def _opened(self, row: WrappedKeys) -> Bundle:
        """Return what a row holds. The master key is asked only for a key that it has not unwrapped before."""
        if self._row is None or self._row.wrapped != row.wrapped:
            self._between = envelope.between_of(row, self.master)
        bundle = envelope.opened(row, self._between)
        self._row = row
        return bundle

    async def read(self, now: int) -> tuple[Vault, WrappedKeys | None]:
        """Return the vault, and the row that it was read from; None where the master key is the only key.

        Raises as `open` does.
        """
        vault = await self.open(now)
        return vault, self._row

    def again(self, bundle: Bundle, row: WrappedKeys) -> WrappedKeys:
        """Return the row with other keys; the master key need not be asked."""
        return envelope.again(bundle, row, self._between)

    # --- while the process runs

    async def look(self, vault: Vault, now: int) -> None:
        """Let the vault go on with what the database holds now; raises as `open` does.

        Where the master key's row is gone the vault keeps what it has: the process works until it is started again.
        """
        row = await self._store.read(vaultkeys.of, self.master.name)
        if row is None and self._row is not None:
            LOG.warning("the master key of this process was retired: start it again with the new one")
            self._row = None
        if row is None or row == self._row:
            vault.adopt(vault.bundle, now)
            return
        vault.adopt(await asyncio.to_thread(self._opened, row), now)

    async def follow(self, vault: Vault, clock: Clock) -> None:
        """Look each second, until cancelled; say each minute that this master key is in use."""
        said_at = 0
        told = ""
        while True:
            now = clock.now()
            try:
                await self.look(vault, now)
                # Where there is no row yet it is said as soon as there is one.
                if self._row is not None and now - said_at >= SAY_SECONDS:
                    await self._store.write(vaultkeys.use, self.master.name, now)
                    said_at = now
                told = ""
            except IntaglioError as error:
                if told != error.code:
                    LOG.warning("the keys of the vault were not read again: %s", error)
                told = error.code
            except Exception:
                # Who looks no more would one day open nothing that others have sealed.
                if told != "unexpected":
                    LOG.exception("the keys of the vault were not read again")
                told = "unexpected"
            await asyncio.sleep(LOOK_SECONDS)


def wrong(master: MasterKey, rows: list[WrappedKeys]) -> Misconfigured:
    """Return the error of a master key that wraps no keys of this database."""
    names = ", ".join(row.wrapped_by for row in rows)
    return Misconfigured(
        "master-key-wrong",
        "The keys of this database are wrapped by another master key.",
        detail={"expected": names or "the master key that the database was made with", "received": master.name},
        hint="Start with the master key that is named there; if it is lost, see: intaglio masterkey recover --help",
    )


def _missing() -> Misconfigured:
    return Misconfigured(
        "vault-keys-missing",
        "The keys of this database are missing, though something was sealed under them.",
        detail={"expected": "rows in vault_keys, or the fact master-key-proof", "received": "neither"},
        hint="Restore a backup; if there is none, see: intaglio masterkey recover --help",
    )
