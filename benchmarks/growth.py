"""What growth costs: a small installation beside one with 10,000 tenants and 100,000 users, in turns.

Both are `intaglio serve` on SQLite files with the same client and the same few people who sign in. Compared are times:
of making one more tenant, of a page of tenants and of users over the administration API, of a sign-in with a password,
of a discovery document, of whole code flows. The memory of the large one's worker is told at the end.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import contestants
from benchmarks.contestants import CONNECTIONS, Contestant, Intaglio
from intaglio import ids
from intaglio.names import TenantId, UserId
from intaglio.protocol.administration import API
from intaglio.server import compose
from intaglio.server.admin import administrators, clients, tenants
from intaglio.server.admin.administrators import Appointment
from intaglio.server.admin.clients import NewClient
from intaglio.server.model import tenants as tenant_records
from intaglio.server.model import users as user_records
from intaglio.server.model.administrators import SCOPE
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.registry.deeds import Actor
from intaglio.server.settings import load as settings
from tests.proof import wire
from tests.proof.browser import Browser

TENANTS, USERS = 10_000, 100_000
SHARE = 0.5
"""Of the users, how many are in the tenant where people sign in; the rest is spread over the others."""
BATCH = 500
LESS, MEMORY_MIB = 0.10, 150
EACH = 40
PAGE = 51


def _tenants(numbers: range, now: int) -> Plan[None]:
    for number in numbers:
        slug = f"grown-{number:06}"
        yield from tenant_records.insert(Tenant(TenantId(ids.new_uuid()), slug, "default", slug, now))


def _users(tenant_ids: list[TenantId], numbers: range, now: int) -> Plan[None]:
    for number in numbers:
        tenant_id, name = tenant_ids[number % len(tenant_ids)], f"person-{number:06}"
        claims = {"name": f"Person {number}", "email": f"{name}@example.com", "email_verified": True}
        yield from user_records.insert(User(tenant_id, UserId(ids.new_uuid()), name, now, now, "", claims))


async def plant(store: Store, home: TenantId, now: int) -> None:
    """Fill a database with tenants and users; half of the users are in `home`."""
    others: list[TenantId] = []
    for start in range(0, TENANTS - 1, BATCH):
        await store.write(_tenants, range(start, min(start + BATCH, TENANTS - 1)), now)
        others += [one.tenant_id for one in await store.read(tenant_records.page, f"grown-{start - 1:06}", BATCH)]
    others = [one for one in others if one != home]
    at_home = int(USERS * SHARE)
    for start in range(0, USERS, BATCH):
        numbers = range(start, start + BATCH)
        await store.write(_users, [home] if start < at_home else others, numbers, now)


async def plant_a_page(store: Store, home: TenantId, now: int) -> None:
    """Put a page's worth of tenants and users into a small database: reading a page is to read as many records."""
    await store.write(_tenants, range(PAGE), now)
    await store.write(_users, [home], range(PAGE), now)


class Grown(Intaglio):
    """A server on a file, and its database opened beside it."""

    def __init__(self, name: str, *, large: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="growth-"))
        self.large = large
        super().__init__(name, f"sqlite:///{self.folder / 'growth.db'}")
        asyncio.run(self._plant())
        self.bearer = asyncio.run(self.appoint())

    async def _plant(self) -> None:
        async with compose.administration(settings.load(None, self.world.environment)) as a:
            home = await tenants.show(a.store, self.world.path[1:])
            await (plant if self.large else plant_a_page)(a.store, home.tenant_id, a.clock.now())

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def appoint(self) -> str:
        """Make a program an administrator and return its access token."""
        async with compose.administration(settings.load(None, self.world.environment)) as a:
            home = await tenants.show(a.store, self.world.path[1:])
            scope, secret = (SCOPE,), ids.Secret(ids.opaque())
            wanted = NewClient(
                client_name="Ops",
                client_id="ops",
                client_secret=secret,
                grant_types=("client_credentials",),
                response_types=(),
                scope=scope,
            )
            await clients.create(a.store, a.clock, a.secrets, home.tenant_id, wanted)
            actor = Actor("operator", a.clock.now())
            await administrators.add(a.store, actor, Appointment(home.slug, "client", "ops"), "owner")
        form = urlencode({"grant_type": "client_credentials", "scope": SCOPE})
        basic = base64.b64encode(f"ops:{secret.reveal()}".encode()).decode()
        asked = wire.request("POST", f"{self.world.path}/token", {"authorization": f"Basic {basic}"}, form)
        answer = await wire.once(self.port, asked)
        return str(answer.json()["access_token"])

    async def administer(self, times: int) -> dict[str, float]:
        """Return the median milliseconds of an administrator's acts over the API."""
        connection = await wire.Connection.open(self.port)
        bearer = {"authorization": f"Bearer {self.bearer}"}

        async def ask(method: str, path: str, expected: int, record: dict[str, str] | None = None) -> None:
            headers = bearer | ({"content-type": "application/json"} if record else {})
            body = json.dumps(record) if record else None
            answer = await connection.ask(wire.request(method, API + path, headers, body))
            assert answer.status == expected, answer

        async def create(number: int) -> None:
            await ask("POST", "/tenants", 201, {"slug": f"more-{time.monotonic_ns() % 10**12}-{number}"})

        async def page(number: int) -> None:
            after = f"grown-{number * 37 % TENANTS:06}" if self.large else "a"
            await ask("GET", f"/tenants?after={after}", 200)

        async def people(number: int) -> None:
            after = f"person-{number * 37 % USERS:06}" if self.large else "a"
            await ask("GET", f"/tenants{self.world.path}/users?after={after}", 200)

        async def one(number: int) -> None:
            name = self.world.names[number % len(self.world.names)]
            await ask("GET", f"/tenants{self.world.path}/users/{name}", 200)

        figures = {
            "create a tenant": await _median(create, times),
            "a page of tenants": await _median(page, times),
            "a page of users": await _median(people, times),
            "find a user": await _median(one, times),
        }
        connection.close()
        return figures

    async def visit(self, times: int) -> dict[str, float]:
        """Return the median milliseconds of a sign-in and of a discovery document."""
        person = await Browser.open(self.port, self.world.path, "openid")

        async def sign_in(number: int) -> None:
            person.cookies.clear()
            await person.sign_in(self.world.names[number % len(self.world.names)])

        async def discover(number: int) -> None:
            request = wire.request("GET", f"{self.world.path}/.well-known/openid-configuration")
            answer = await wire.once(self.port, request)
            assert answer.status == 200, answer

        figures = {"sign in": await _median(sign_in, times), "discovery": await _median(discover, 10 * times)}
        person.close()
        return figures


async def _median(act: Callable[[int], Awaitable[None]], times: int) -> float:
    spent = []
    for number in range(times):
        began = time.perf_counter()
        await act(number)
        spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent)


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return for each act the medians of both, the ratio of neighbouring rounds, and the worker's memory."""
    say(f"planting {TENANTS} tenants and {USERS} users …")
    both: list[Grown] = []
    turns: dict[str, dict[str, list[float]]] = {}
    try:
        both = [Grown("small", large=False), Grown("10,000 tenants", large=True)]
        for number in range(rounds):
            say(f"round {number + 1} of {rounds} …")
            # Who is first in one round is last in the next.
            for one in both if number % 2 else both[::-1]:
                found = asyncio.run(one.administer(EACH)) | asyncio.run(one.visit(EACH))
                found["a code flow"] = 1000 / Contestant.measure(one, seconds)["per_second"]
                for name, figure in found.items():
                    turns.setdefault(name, {}).setdefault(one.name, []).append(figure)
        asyncio.run(_all_tenants(both[1]))
        memory = contestants.memory(both[1].pid, "VmHWM") / 2**20
    finally:
        for one in both:
            one.stop()
    acts = {name: _compared(found, both) for name, found in turns.items()}
    return {"acts": acts, "worker_mib": memory, "tenants": TENANTS, "users": USERS, "connections": CONNECTIONS}


async def _all_tenants(large: Grown) -> None:
    """Ask for the discovery document of each tenant once, so that whatever is remembered of tenants is remembered."""
    connection = await wire.Connection.open(large.port)
    for number in range(TENANTS - 1):
        path = f"/grown-{number:06}/.well-known/openid-configuration"
        answer = await connection.ask(wire.request("GET", path))
        assert answer.status == 200, answer
    connection.close()


def _compared(found: dict[str, list[float]], both: list[Grown]) -> dict[str, float]:
    small, large = (found[one.name] for one in both)
    ratio = statistics.median(big / little for little, big in zip(small, large, strict=True))
    return {"small_ms": statistics.median(small), "large_ms": statistics.median(large), "ratio": ratio}


def short_of(found: dict[str, Any]) -> list[str]:
    """Return what falls short of what was promised."""
    short = [
        f"growth: {name} takes {one['ratio']:.2f} x as long with {TENANTS} tenants"
        for name, one in found["acts"].items()
        if one["ratio"] > 1 + LESS
    ]
    if found["worker_mib"] >= MEMORY_MIB:
        short.append(f"growth: a worker takes {found['worker_mib']:.0f} MiB, not under {MEMORY_MIB}")
    return short


def markdown(found: dict[str, Any]) -> list[str]:
    """Return the table of a report."""
    lines = [
        f"## Growth: a small installation beside one of {found['tenants']:,} tenants and {found['users']:,} users",
        "",
        "| act | small, ms | grown, ms | ratio |",
        "|---|---|---|---|",
    ]
    for name, one in found["acts"].items():
        lines.append(f"| {name} | {one['small_ms']:.2f} | {one['large_ms']:.2f} | {one['ratio']:.2f} |")
    lines += ["", f"Peak memory of the grown worker, after every tenant was asked for: {found['worker_mib']:.0f} MiB."]
    return lines
