"""What a running server does by itself: it publishes the next signing key in time, and forgets what has expired."""

from __future__ import annotations

import asyncio
import logging

from intaglio.errors import IntaglioError
from intaglio.names import RingId
from intaglio.server.model import expiry, outbox, signingkeys
from intaglio.server.provider.scene import House

LOG = logging.getLogger("intaglio.upkeep")
EVERY = 60.0
BATCH = 500
BEHIND = 300
"""Seconds for which what has expired stays: longer than any grace in which a replay is answered."""
PAGE = 100
PATIENCE = 90
"""Seconds after which an entry of the outbox should have been taken by somebody."""


async def forever(house: House, *, warns: bool = False) -> None:
    """Keep the house until cancelled; a failure is logged and tried again a minute later.

    `warns` tells whether the outbox is another process's, which may be missing.
    """
    while True:
        await asyncio.sleep(EVERY)
        try:
            await sweep(house)
            await rotate(house)
            if warns:
                await look_at_outbox(house)
        except IntaglioError as error:
            LOG.warning("upkeep put off: %s", error)


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
            await asyncio.sleep(0)
    return total


async def rotate(house: House) -> int:
    """Publish a successor wherever a key has signed long enough; return how many were made."""
    made, after = 0, ""
    while True:
        page = await house.store.read(signingkeys.rings, after, PAGE)
        for ring_id in page:
            made += await house.keyring.rotate_due(RingId(ring_id))
        if len(page) < PAGE:
            return made
        after = page[-1]
