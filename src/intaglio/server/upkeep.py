"""What a running server does by itself: it publishes the next signing key in time, and forgets what has expired."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from intaglio import ids
from intaglio.errors import IntaglioError, Unavailable
from intaglio.names import RingId
from intaglio.server.model import duties, expiry, outbox, signingkeys
from intaglio.server.provider.scene import House

LOG = logging.getLogger("intaglio.upkeep")
EVERY = 60.0
HELD = 150
"""Seconds for which the process that keeps the house goes on doing so; when it dies another takes over."""
BATCH = 500
PAUSE = 0.02
"""Seconds between two batches, in which others use the database."""
TOLD_EVERY = 1.0
BEHIND = 300
"""Seconds for which what has expired stays: longer than any grace in which a replay is answered."""
PAGE = 100
PATIENCE = 90
"""Seconds after which an entry of the outbox should have been taken by somebody."""


async def forever(house: House, *, warns: bool = False) -> None:
    """Keep the house until cancelled; a failure is logged and tried again a minute later.

    Of several processes on one database one does it. `warns` tells whether the outbox is another process's, which may
    be missing.
    """
    holder = ids.opaque()
    try:
        while True:
            await asyncio.sleep(EVERY)
            try:
                if not await house.store.write(duties.take, "upkeep", holder, house.clock.now(), HELD):
                    continue
                await sweep(house)
                await rotate(house)
                if warns:
                    await look_at_outbox(house)
            except IntaglioError as error:
                LOG.warning("upkeep put off: %s", error)
            except Exception:
                # Nobody would notice a house that is kept no more.
                LOG.exception("upkeep put off")
    finally:
        with contextlib.suppress(IntaglioError):
            await house.store.write(duties.lay_down, "upkeep", holder)


async def exchange(house: House) -> None:
    """Tell the other processes about once a second what was used up here of the limits, until cancelled."""
    while not house.rates.is_open:
        await asyncio.sleep(TOLD_EVERY)
        try:
            await house.rates.exchange(house.store, house.clock.now())
        except IntaglioError as error:
            LOG.warning("limits are not shared for now: %s", error)
        except Exception:
            # As above (test_limits_are_shared_on_after_what_nobody_foresaw).
            LOG.exception("limits are not shared for now")


async def look_at_outbox(house: House) -> bool:
    """Warn if something has waited for long that `intaglio work` should have done; tell whether it has."""
    now = house.clock.now()
    due_at = await house.store.read(outbox.oldest, now)
    if due_at is None or now - due_at < PATIENCE:
        return False
    LOG.warning("something waits in the outbox since %s s: is `intaglio work` running?", now - due_at)
    return True


async def sweep(house: House) -> int:
    """Delete what has expired, in small batches; return how many rows went."""
    total = 0
    for query in expiry.QUERIES:
        while True:
            gone = await house.store.write(expiry.sweep, query, house.clock.now() - BEHIND, BATCH)
            total += gone
            if gone < BATCH:
                break
            await asyncio.sleep(PAUSE)
    return total


async def rotate(house: House) -> int:
    """Publish a successor wherever a key has signed long enough; return how many were made."""
    made, after = 0, ""
    while True:
        page = await house.store.read(signingkeys.rings, after, PAGE)
        for ring_id in page:
            # SECURITY: what is wrong with one tenant's keys keeps no other tenant on old ones
            # (test_one_tenants_broken_keys_keep_no_other_from_rotating).
            try:
                made += await house.keyring.rotate_due(RingId(ring_id))
            except Unavailable:
                raise
            except Exception:
                LOG.exception("the keys of the ring %r are not rotated for now", ring_id)
        if len(page) < PAGE:
            return made
        after = page[-1]
