"""Plant many service accounts, and many bindings on one, into a database that development mode has seeded.

    python benchmarks/plant.py sqlite:///var/intaglio.db --accounts 10000 --bindings 1000

Planting again adds nothing: addresses and numbers are the same each time.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import msgspec

from intaglio.clock import SystemClock
from intaglio.names import TenantId
from intaglio.server import compose
from intaglio.server.devmode import seeds
from intaglio.server.model import policies, serviceaccounts
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import etags

TENANT = TenantId(seeds.TENANT_ID)
ROLES = ("roles/iam.serviceAccountOpenIdTokenCreator", "roles/iam.serviceAccountTokenCreator")
BATCH = 1000


def account(number: int, now: int) -> ServiceAccount:
    """Return the planted account of a number."""
    email = f"planted-{number:06}@{seeds.PROJECT}.iam.intaglio.test"
    return ServiceAccount(TENANT, email, f"2{number:020}", seeds.PROJECT, now)


def _accounts(numbers: range, now: int) -> Plan[None]:
    for number in numbers:
        made = account(number, now)
        if not (yield from serviceaccounts.replace(made)):
            yield from serviceaccounts.insert(made)


def _bindings(resource: str, count: int, now: int) -> Plan[Policy]:
    """Give roles to `count` planted accounts, a binding each, beside whoever has one already."""
    known = yield from policies.of_resource(TENANT, resource)
    before = known or Policy(TENANT, resource, (), "", 0)
    stands = tuple(one for one in before.bindings if not any("planted-" in member for member in one.members))
    made = [account(number, now) for number in range(count)]
    names = {f"serviceAccount:{one.email}": one.unique_id for one in made}
    # In front of those that were there: what is asked about stands last.
    planted = tuple(Binding(ROLES[number % len(ROLES)], (name,)) for number, name in enumerate(names))
    policy = msgspec.structs.replace(
        before,
        bindings=(*planted, *stands),
        identities=names | before.identities,
        etag=etags.new(),
        changed_at=now,
    )
    yield from policies.write(policy, known.etag if known is not None else "")
    return policy


async def plant(store: Store, *, accounts: int, bindings: int, now: int) -> Policy:
    """Plant accounts, and bindings on the seeded account that others may act as."""
    total = max(accounts, bindings)
    for start in range(0, total, BATCH):
        await store.write(_accounts, range(start, min(start + BATCH, total)), now)
    target = await store.read(serviceaccounts.by_email, TENANT, seeds.TARGET)
    if target is None:
        raise SystemExit("This database was not seeded by development mode.")
    return await store.write(_bindings, target.resource, bindings, now)


async def _main(url: str, accounts: int, bindings: int) -> None:
    clock = SystemClock()
    store = await compose.open_store(url, clock, create=False)
    try:
        began = time.monotonic()
        policy = await plant(store, accounts=accounts, bindings=bindings, now=clock.now())
        took = time.monotonic() - began
        print(f"{accounts} accounts, {len(policy.bindings)} bindings on {policy.resource} in {took:.1f} s")
    finally:
        await store.close()


def main() -> None:
    """Read the command line and plant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="URL of the database")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--bindings", type=int, default=1_000)
    given = parser.parse_args()
    asyncio.run(_main(given.url, given.accounts, given.bindings))


if __name__ == "__main__":
    main()
