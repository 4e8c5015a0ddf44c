"""A process that writes until it is killed, and says on stdout what was acknowledged. Run by the crash tests."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from intaglio.server.model import grants, throttles
from intaglio.server.model.plan import Store
from intaglio.server.store import open as opening
from tests.conformance import store_suite


async def _write_for_ever(store: Store, prefix: str, worker: int) -> None:
    for number in itertools.count():
        name = f"{prefix}-{worker}-{number}"
        await store.write(grants.access_insert, store_suite.access(name.encode()))
        # One write(2) for each line: what the reader sees was acknowledged, and nothing waits in a buffer.
        os.write(1, f"{name}\n".encode())


async def _count(store: Store, times: int) -> None:
    for _ in range(times):
        await store.write(throttles.count, b"shared", store_suite.NOW, store_suite.NOW - 60)
        await store.write(store_suite.increment)


async def main(url: str, prefix: str, times: int) -> None:
    """Write for ever, or count `times` in rows that other processes count in too."""
    store = await opening.open_store(url)
    os.write(1, b"ready\n")
    if times:
        await asyncio.gather(*(_count(store, times) for _ in range(4)))
    else:
        await asyncio.gather(*(_write_for_ever(store, prefix, worker) for worker in range(4)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
