"""The hot paths inside one process, each beside the raw primitive that bounds it, taken in turns.

Run as a process of its own: prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from intaglio import codec, ids
from intaglio.clock import SystemClock
from intaglio.dialects import registry
from intaglio.names import GrantId, RingId, TenantId
from intaglio.protocol.facts import Facts, Person
from intaglio.server import compose
from intaglio.server.issue import mint as minting
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import grants
from intaglio.server.model.grants import Code
from intaglio.tokens import jws
from intaglio.validate import validator
from intaglio.validate.policy import Expectation, Occasion

RING = RingId("bench")
TENANT = TenantId("00000000-0000-4000-8000-00000000000b")
ISSUER = "https://id.example.com/bench"
ROWS = 64


def in_turns(seconds: float, ours: Callable[[int], None], raw: Callable[[int], None], step: int) -> dict[str, float]:
    """Run two functions of a count in turns; return their rates and the median of the turns' ratios."""
    rates: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    ours(step)
    raw(step)
    while time.perf_counter() < end or len(rates) < 3:
        pair = []
        for function in (ours, raw):
            began = time.perf_counter()
            function(step)
            pair.append(step / (time.perf_counter() - began))
        rates.append((pair[0], pair[1]))
    return {
        "per_second": statistics.median(rate for rate, _ in rates),
        "raw_per_second": statistics.median(rate for _, rate in rates),
        "ratio": statistics.median(one / other for one, other in rates),
    }


def facts(alg: str, now: int) -> Facts:
    """Return what the ID token of a sign-in says."""
    return Facts(
        issuer=ISSUER,
        tenant_id=TENANT,
        tenant_slug="bench",
        owner="default",
        audience="shop",
        now=now,
        lifetime=3600,
        alg=alg,
        person=Person("00000000-0000-4000-8000-0000000000aa", "alice", {}, now, now),
        scope=("openid",),
        nonce="n-0S6_WzA2Mj",
        auth_time=now,
        amr=("pwd",),
        session_id=ids.opaque(16),
        at_hash=minting.at_hash(alg, "ig_at_" + ids.opaque()),
    )


async def mint_and_validate(seconds: float) -> dict[str, Any]:
    """Mint and validate with RS256 and ES256."""
    clock = SystemClock()
    store = await compose.open_store("sqlite:///:memory:", clock, create=True)
    keyring = Keyring(store, Vault(bytes(32)), clock)
    mint, dialect = minting.Mint(keyring), registry.DIALECTS["standard"]
    found: dict[str, Any] = {}
    for alg in ("RS256", "ES256"):
        said = facts(alg, clock.now())
        token = await mint.id_token(dialect, RING, said)
        private = keyring.open(await keyring.signing(RING, alg)).private
        await keyring.published(RING)
        sign, verify = _raw(alg, private, token)

        signer = jws.Signer(keyring.open(await keyring.signing(RING, alg)), {"typ": "JWT", "kid": "k" * 43})

        # One thread on both sides: what a thread beside the event loop gains shows in the flows, not here.
        def ours(count: int, said: Facts = said, signer: jws.Signer = signer) -> None:
            for _ in range(count):
                signer.sign(codec.encode_json(dialect.id_token(said)))

        step = 50 if alg == "RS256" else 400
        found[f"mint {alg}"] = in_turns(seconds, ours, sign, step)
        record = await keyring.signing(RING, alg)
        keys = await keyring.verification(RING, {record.key_id: dialect.kid(keyring.public(record))})
        expectation = Expectation(issuer=ISSUER, audience="shop", algorithms=(alg,))
        occasion = Occasion(nonce="n-0S6_WzA2Mj")
        validator.validate(token, expectation, keys, clock.now(), occasion)

        def checks(
            count: int,
            token: str = token,
            expectation: Expectation = expectation,
            keys: Any = keys,
            occasion: Occasion = occasion,
        ) -> None:
            now = clock.now()
            for _ in range(count):
                validator.validate(token, expectation, keys, now, occasion)

        found[f"validate {alg}"] = in_turns(seconds, checks, verify, 400)
    await store.close()
    return found


def _raw(alg: str, private: Any, token: str) -> tuple[Callable[[int], None], Callable[[int], None]]:
    message, _, last = token.rpartition(".")
    octets, signature, public = message.encode(), codec.decode_base64url(last), private.public_key()
    if alg == "RS256":
        arguments: tuple[Any, ...] = (padding.PKCS1v15(), hashes.SHA256())
    else:
        arguments = (ec.ECDSA(hashes.SHA256()),)
        signature = private.sign(octets, *arguments)

    def sign(count: int) -> None:
        for _ in range(count):
            private.sign(octets, *arguments)

    def verify(count: int) -> None:
        for _ in range(count):
            public.verify(signature, octets, *arguments)

    return sign, verify


def _code(number: int, now: int) -> Code:
    return Code(
        digest=ids.digest(f"{number}{ids.opaque()}"),
        grant_id=GrantId(ids.opaque(16)),
        tenant_id=TENANT,
        issuer=ISSUER,
        client_id="shop",
        user_id="00000000-0000-4000-8000-0000000000aa",
        session_id="",
        redirect_uri="https://shop.example.com/callback",
        code_challenge="c" * 43,
        scope="openid",
        nonce="n",
        auth_time=now,
        acr="",
        amr="pwd",
        created_at=now,
        expires_at=now + 60,
    )


async def storage(url: str, seconds: float) -> dict[str, Any]:
    """Return rates of one row in (16 at once) and one row out."""
    clock = SystemClock()
    store = await compose.open_store(url, clock, create=True)
    now = clock.now()
    kept = [_code(number, now) for number in range(ROWS)]
    for code in kept:
        await store.write(grants.code_insert, code)
    written, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        await asyncio.gather(*(store.write(grants.code_insert, _code(number, now)) for number in range(16)))
        written += 16
    writes = written / spent
    read, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for code in kept:
            await store.read(grants.code_by_digest, code.digest)
        read += ROWS
    await store.close()
    return {"write": {"per_second": writes}, "read": {"per_second": read / spent}}


def bare_sqlite(path: Path, seconds: float) -> dict[str, float]:
    """Return what the driver alone does on the same disk: one row in and flushed, one row out."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (a BLOB PRIMARY KEY, b TEXT) WITHOUT ROWID")
    number, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        connection.execute("INSERT INTO t VALUES (?, ?)", (ids.digest(str(number)), "x" * 400))
        number += 1
    writes = number / spent
    digest = ids.digest("0")
    number, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        connection.execute("SELECT a, b FROM t WHERE a = ?", (digest,)).fetchall()
        number += 1
    connection.close()
    return {"write": writes, "read": number / spent}


async def main(seconds: float, postgres: str) -> dict[str, Any]:
    """Measure everything."""
    found = await mint_and_validate(seconds)
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        bare = bare_sqlite(folder / "bare.db", seconds)
        ours = await storage(f"sqlite:///{folder / 'ours.db'}", seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, figures in ours.items():
        figures |= {"raw_per_second": bare[name], "ratio": figures["per_second"] / bare[name]}
        found[f"storage {name}, SQLite"] = figures
    if postgres:
        for name, figures in (await storage(postgres, seconds)).items():
            found[f"storage {name}, PostgreSQL"] = figures
    return found


if __name__ == "__main__":
    json.dump(uvloop.run(main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")), sys.stdout)
