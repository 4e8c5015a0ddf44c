"""What workloads ask for, under load: the identity endpoint, impersonation, the exchange of a foreign token.

Each beside raw RSA signing in the same run, in turns; once with the seeds alone, once with 10,000 accounts and 1,000
bindings on the impersonated one; and at half of the rate that was reached, for the times of answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from benchmarks import contestants
from benchmarks.contestants import Contestant, drive
from intaglio import ids
from intaglio.clock import SystemClock
from intaglio.dialects import registry
from intaglio.names import TenantId
from intaglio.server import compose
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import seeds
from intaglio.server.http import dispatch
from intaglio.server.http.tenancy import Listener
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import policies, pools, serviceaccounts
from intaglio.server.model.plan import Plan
from intaglio.server.model.policies import Binding
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.run import loop
from intaglio.tokens import jwk, jws
from intaglio.wire.message import Request
from tests.proof import wire

ACCOUNTS, BINDINGS = 10_000, 1_000
WARM_UP = 0.3
TREE = "/computeMetadata/v1/instance/service-accounts/default"
CREATOR = "roles/iam.serviceAccountOpenIdTokenCreator"
POOL, PROVIDER, FOREIGN = "bench-pool", "bench-provider", "https://ci.example.com"
FLOORS = {"identity": 0.65, "impersonation": 0.55}
AIMS = {"identity": 0.75}
IN_PROCESS = 0.90
EXCHANGES = 1500
WITHIN_MS, LESS = 20.0, 0.10


class Server(Contestant):
    """`intaglio dev` on an SQLite file (synchronous=FULL), with the seeds, and with many more records if `crowded`."""

    def __init__(self, *, crowded: bool) -> None:
        super().__init__()
        self.name = "10,000 accounts" if crowded else "seeds"
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = contestants._five_free_ports()
        self.google = self.port + 1
        self.process = subprocess.Popen(
            [sys.executable, "-m", "intaglio", "dev", "--port", str(self.port)],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self.process.pid
        try:
            contestants.listening(self.google, self.process)
            # Its sockets listen before its seeds are planted; its first answer comes after.
            self.ask("GET", "/oauth2/v3/certs", {})
            self.subject_token = asyncio.run(self._plant(crowded=crowded))
            self.token = self.ask("GET", TREE + "/token", {"metadata-flavor": "Google"})["access_token"]
        except BaseException:
            self.stop()
            raise

    async def _plant(self, *, crowded: bool) -> str:
        key = jwk.generate("RS256")
        clock = SystemClock()
        store = await compose.open_store(f"sqlite:///{self.folder / 'var' / 'intaglio.db'}", clock, create=False)
        try:
            now = clock.now()
            await store.write(federation, key, now)
            if crowded:
                await store.write(crowd, now)
        finally:
            await store.close()
        # What was read in this second is read anew in the next.
        await asyncio.sleep(1.1)
        claims = {"iss": FOREIGN, "sub": "build-7", "aud": audience(), "iat": now, "exp": now + 3600, "jti": "one"}
        return jws.Signer(key, {"typ": "JWT", "kid": "bench"}).sign(json.dumps(claims).encode())

    def octets(self, method: str, path: str, headers: dict[str, str], body: str = "") -> str:
        """Return a request's octets."""
        fields = {"host": f"localhost:{self.google}", **headers} | ({"content-length": str(len(body))} if body else {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}"

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Any:
        """Send a request once and return the answer's JSON."""
        octets = self.octets(method, path, headers, body).encode()
        answer = asyncio.run(wire.once(self.google, octets))
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
        return answer.json()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def audience() -> str:
    """Return the name of the provider, which its tokens are for."""
    return (
        f"//iam.googleapis.com/projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/{POOL}"
        f"/providers/{PROVIDER}"
    )


def federation(key: jwk.SigningKey, now: int) -> Plan[None]:
    """Keep a pool whose provider's keys are known."""
    keys = json.dumps({"keys": [{**jwk.public_members(key.public()), "kid": "bench", "alg": "RS256", "use": "sig"}]})
    yield from pools.insert(Pool(seeds.TENANT_ID, seeds.PROJECT, POOL, now))
    provider = PoolProvider(
        seeds.TENANT_ID,
        seeds.PROJECT,
        POOL,
        PROVIDER,
        now,
        issuer=FOREIGN,
        jwks=keys,
        attribute_mapping={"google.subject": "assertion.sub"},
        attribute_condition="assertion.sub.startsWith('build-')",
    )
    yield from pools.insert_provider(provider)


def crowd(now: int) -> Plan[None]:
    """Keep many accounts, and many bindings on the one that is impersonated."""
    tenant = TenantId(seeds.TENANT_ID)
    made = []
    for number in range(ACCOUNTS):
        email = f"crowd-{number}@demo-project.iam.intaglio.test"
        made.append(ServiceAccount(tenant, email, ids.digits(21), seeds.PROJECT, now))
        yield from serviceaccounts.insert(made[-1])
    target = yield from serviceaccounts.by_email(tenant, seeds.TARGET)
    assert target is not None
    policy = yield from policies.of_resource(tenant, target.resource)
    assert policy is not None
    more = tuple(Binding(CREATOR, (f"serviceAccount:{one.email}",)) for one in made[:BINDINGS])
    known = {f"serviceAccount:{one.email}": one.unique_id for one in made[:BINDINGS]}
    kept = yield from policies.write(
        policies.Policy(
            tenant,
            target.resource,
            (*more, *policy.bindings),
            ids.opaque(8),
            now,
            identities={**policy.identities, **known},
        ),
        policy.etag,
    )
    assert kept


def apart(what: str, seconds: float) -> float:
    """Return what a function of this module measures, in a process of its own: `sign_for`, `minting_for`."""
    code = f"from benchmarks import workloads; import sys; print(workloads.{what}(float(sys.argv[1])))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    return float(done.stdout)


def sign_for(seconds: float) -> float:
    """Return the rate of raw signatures."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text, scheme, digest = b"x" * 400, padding.PKCS1v15(), hashes.SHA256()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(50):
            key.sign(text, scheme, digest)
        count += 50
    return count / (time.perf_counter() - began)


async def _minting(seconds: float) -> float:
    """Return the rate of the identity endpoint inside this process: read, answered, written, without sockets."""
    clock, vault = SystemClock(), Vault(ids.random_octets(32))
    store = await compose.open_store("sqlite:///:memory:", clock, create=True)
    passwords = Passwords()
    hall = compose.assemble(store, vault, clock, passwords, development=True)
    await seeds.plant(store, "http://localhost:8080", hall.house.secrets, passwords, clock.now())
    listener = Listener(
        dialect=registry.DIALECTS["google"],
        name="google",
        base_url="http://localhost:8081",
        tenant=seeds.SLUG,
        account=seeds.ACCOUNT,
    )
    headers = (("host", "localhost:8081"), ("metadata-flavor", "Google"))
    request = Request("GET", TREE + "/identity", "audience=https://app.example.com&format=standard", headers)
    assert (await dispatch.answer(request, listener, hall)).status == 200
    began = time.perf_counter()

    async def asks() -> int:
        count = 0
        while time.perf_counter() - began < seconds:
            await dispatch.answer(request, listener, hall)
            count += 1
        return count

    counts = await asyncio.gather(*(asks() for _ in range(contestants.CONNECTIONS)))
    rate = sum(counts) / (time.perf_counter() - began)
    hall.house.mint.close()
    passwords.close()
    await store.close()
    return rate


def minting_for(seconds: float) -> float:
    """Return the rate of the identity endpoint inside this process, which waits for threads as the server does."""
    sys.setswitchinterval(loop.SWITCH_SECONDS)
    return uvloop.run(_minting(seconds))


def _identity(one: Server) -> tuple[str, str]:
    octets = one.octets(
        "GET", TREE + "/identity?audience=https://app.example.com&format=standard", {"metadata-flavor": "Google"}
    )
    return octets, "eyJ"


def _impersonation(one: Server) -> tuple[str, str]:
    path = f"/v1/projects/-/serviceAccounts/{seeds.TARGET}:generateIdToken"
    body = json.dumps({"audience": "https://app.example.com", "includeEmail": True})
    headers = {"authorization": f"Bearer {one.token}", "content-type": "application/json"}
    return one.octets("POST", path, headers, body), '"token":"eyJ'


def _exchange(one: Server) -> tuple[str, str]:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": audience(),
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": one.subject_token,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return one.octets("POST", "/v1/token", headers, urlencode(form)), '"access_token":"'


WORKS: dict[str, Callable[[Server], tuple[str, str]]] = {
    "identity": _identity,
    "impersonation": _impersonation,
    "exchange": _exchange,
}
"""By name: the request, and what only a good answer has."""


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return for each work the rates with few records and many, beside raw signing, and its times at half load."""
    turns: dict[str, dict[str, list[dict[str, Any]]]] = {work: {} for work in WORKS}
    raw: list[float] = []
    inside: list[float] = []
    entered: list[Server] = []
    halves: dict[str, dict[str, Any]] = {}
    try:
        entered = [Server(crowded=False), Server(crowded=True)]
        for _ in range(rounds):
            raw.append(apart("sign_for", seconds))
            inside.append(apart("minting_for", seconds))
            say(f"  {'raw RSA signing':<33} {raw[-1]:7.0f} /s")
            say(f"  {'identity, inside the process':<33} {inside[-1]:7.0f} /s")
            for work, request in WORKS.items():
                for one in entered:
                    octets, text = request(one)
                    job = one.job("plain", seconds, WARM_UP, request=octets, port=one.google, text=text)
                    figures = drive(job)
                    turns[work].setdefault(one.name, []).append(figures)
                    say(f"  {work:<14} {one.name:<18} {figures['per_second']:7.0f} /s")
        for work, request in WORKS.items():
            one = entered[0]
            octets, text = request(one)
            rate = statistics.median(turn["per_second"] for turn in turns[work][one.name]) / 2
            halves[work] = drive(
                one.job("paced", 2 * seconds, WARM_UP, request=octets, port=one.google, text=text, rate=rate)
            )
    finally:
        for one in entered:
            one.stop()
    middle = {work: _middle(found, raw, halves[work]) for work, found in turns.items()}
    middle["identity"] |= {
        "in_process_per_second": statistics.median(inside),
        "in_process": statistics.median(one / bare for one, bare in zip(inside, raw, strict=True)),
    }
    return {"raw_per_second": statistics.median(raw), "raw": raw} | middle


def _middle(found: dict[str, list[dict[str, Any]]], raw: list[float], half: dict[str, Any]) -> dict[str, Any]:
    few, many = found.values()
    return {
        "per_second": statistics.median(turn["per_second"] for turn in few),
        "ratio": statistics.median(turn["per_second"] / one for turn, one in zip(few, raw, strict=True)),
        "crowded_per_second": statistics.median(turn["per_second"] for turn in many),
        "crowded_ratio": statistics.median(
            more["per_second"] / turn["per_second"] for turn, more in zip(few, many, strict=True)
        ),
        "half": {name: half[name] for name in ("per_second", "p50_ms", "p99_ms")},
        "others_share": max(turn["others_share"] for turn in (*few, *many)),
        "turns": [turn["per_second"] for turn in few],
        "crowded_turns": [turn["per_second"] for turn in many],
    }


def short_of(found: dict[str, Any]) -> list[str]:
    """Return what falls short of what was promised."""
    short = []
    for work, floor in FLOORS.items():
        if found[work]["ratio"] < floor:
            short.append(f"{work}: {found[work]['ratio']:.2f} of raw signing is below the floor of {floor}")
    if found["identity"]["in_process"] < IN_PROCESS:
        short.append(f"identity: {found['identity']['in_process']:.2f} in process is below the floor of {IN_PROCESS}")
    if found["exchange"]["per_second"] < EXCHANGES:
        short.append(f"exchange: {found['exchange']['per_second']:.0f} a second is below the floor of {EXCHANGES}")
    for work in WORKS:
        if found[work]["half"]["p99_ms"] >= WITHIN_MS:
            short.append(f"{work}: p99 {found[work]['half']['p99_ms']:.1f} ms at half load, not under {WITHIN_MS}")
        if found[work]["crowded_ratio"] < 1 - LESS:
            short.append(f"{work}: many records take {100 * (1 - found[work]['crowded_ratio']):.0f} % of the rate")
    return short


def lines(found: dict[str, Any], table: Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]) -> list[str]:
    """Return the section's lines."""
    head = (
        "",
        "per second",
        "ratio to raw RSA",
        "with 10,000 accounts",
        "ratio",
        "half load",
        "p50 ms",
        "p99 ms",
        "turns",
    )
    rows = [
        (
            work,
            f"{one['per_second']:.0f}",
            f"{one['ratio']:.2f}",
            f"{one['crowded_per_second']:.0f}",
            f"{one['crowded_ratio']:.2f}",
            f"{one['half']['per_second']:.0f}",
            f"{one['half']['p50_ms']:.1f}",
            f"{one['half']['p99_ms']:.1f}",
            " ".join(f"{rate:.0f}" for rate in one["turns"]),
        )
        for work, one in ((work, found[work]) for work in WORKS)
    ]
    about = (
        "One worker, SQLite (synchronous=FULL), 16 connections, in turns with raw RSA-2048 signing on one core"
        f" ({found['raw_per_second']:.0f} a second). identity: the metadata server's, signed afresh. impersonation:"
        " generateIdToken with the policy's check and an entry of the audit log. exchange: a foreign RS256 token,"
        " its key known, for an access token, with mapping, condition and an entry of the audit log."
        f" Inside the process the identity endpoint is {found['identity']['in_process']:.2f} of raw signing."
    )
    return ["", "## Workloads", "", about, "", *table(head, rows)]
