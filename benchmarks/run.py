"""`make bench`: whole code flows per second beside a peer, and the hot paths beside their raw primitives.

Everything runs on this machine, one server under load at a time, the contestants in turns; ratios are of medians of one
run. Options: `--quick` (under a minute a part), `--only flows`, `--only provider`, `--only tokens`,
`--only workloads`, `--only gate`, `--only workers` or `--only growth`, `--no-peer`,
`--name NAME` (of the results).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cryptography
import uvicorn

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import contestants, gate, growth, nodes, provider, report, tokens, workers, workloads
from benchmarks.contestants import Contestant, drive
from tests import postgres
from tests.proof import wire

HERE = Path(__file__).parent
FLOOR, AIM = 1.3, 1.8
MEMORY_MIB = 120
QUIET = 0.1
"""Share of the machine that other programs may take (the kernel's own work for the sockets is in it)."""
PASSWORD_AFTER = 0.4
"""Of a turn, in its share, when somebody signs in with a password beside the load."""


def machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    node = ""
    with contextlib.suppress(OSError):
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "node": node,
        "cryptography": cryptography.__version__,
        "uvicorn": uvicorn.__version__,
        "load_before": round(os.getloadavg()[0], 2),
    }


def flows(entered: list[Contestant], rounds: int, seconds: float) -> dict[str, Any]:
    """Let the contestants run in turns (A B A B ...) and return medians and every turn."""
    turns: dict[str, list[dict[str, Any]]] = {one.name: [] for one in entered}
    for number in range(rounds):
        for one in entered:
            beside = None
            if number == rounds // 2:
                # One password hash during the load: memory is to hold with it.
                beside = threading.Timer(0.5 + PASSWORD_AFTER * seconds, one.password)
                beside.start()
            figures = one.measure(seconds)
            if beside is not None:
                beside.join()
            turns[one.name].append(figures)
            say(f"  {one.name:<26} {figures['per_second']:7.0f} flows/s")
    return {one.name: _median(turns[one.name]) | {"peak_mib": one.peak() / 2**20} for one in entered}


def _median(turns: list[dict[str, Any]]) -> dict[str, Any]:
    names = (
        "per_second",
        "p50_ms",
        "p99_ms",
        "request_p50_ms",
        "request_p99_ms",
        "processor_ms_per_flow",
        "others_share",
    )
    middle = {name: statistics.median(turn[name] for turn in turns) for name in names}
    share = statistics.median(turn["driver_processor_seconds"] / (turn["seconds"] + 0.5) for turn in turns)
    return middle | {"driver_share_of_a_core": share, "turns": [turn["per_second"] for turn in turns]}


def _ratio(measured: dict[str, Any], name: str) -> float:
    """Return the median of the rounds' ratios: neighbours in time had the same machine."""
    pairs = zip(measured[name]["turns"], measured[contestants.Peer.name]["turns"], strict=True)
    return statistics.median(ours / theirs for ours, theirs in pairs)


def token_endpoint(one: Contestant, raw: float, codes: int) -> dict[str, Any]:
    """Return the rate of the token endpoint alone: codes fetched first, then redeemed."""
    figures = drive(one.job("redeem", 0, codes=codes))
    return {"per_second": figures["per_second"], "raw_per_second": raw, "ratio": figures["per_second"] / raw}


def over_http(seconds: float, raw: float, rounds: int) -> dict[str, Any]:
    """Return the identity endpoint beside a raw signature, and the key set beside a bare function."""
    development = contestants.Development()
    keys = f"GET /default/jwks HTTP/1.1\r\nhost: localhost:{development.port}\r\n\r\n"
    identity = (
        "GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=https://app.example.com"
        f" HTTP/1.1\r\nhost: localhost:{development.port + 1}\r\nmetadata-flavor: Google\r\n\r\n"
    )
    body = asyncio.run(wire.once(development.port, wire.request("GET", "/default/jwks"))).body
    bare = contestants.Bare(body)
    rates: dict[str, list[float]] = {"keys": [], "bare": [], "identity": []}
    try:
        for _ in range(rounds):
            for name, one, port, octets in (
                ("keys", development, development.port, keys),
                ("bare", bare, bare.port, keys),
                ("identity", development, development.port + 1, identity),
            ):
                figures = drive(one.job("plain", seconds, 0.3, request=octets, port=port))
                rates[name].append(figures["per_second"])
    finally:
        development.stop()
        bare.stop()
    middle = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "identity endpoint (RS256), HTTP": _beside(middle["identity"], raw),
        "key set, HTTP": _beside(middle["keys"], middle["bare"]),
    }


def _beside(rate: float, raw: float) -> dict[str, float]:
    return {"per_second": rate, "raw_per_second": raw, "ratio": rate / raw}


def hot_paths(seconds: float, postgres: str) -> dict[str, Any]:
    """Return the hot paths of one process, measured in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, str(HERE / "hot.py"), str(seconds), postgres],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def token_core(*, quick: bool) -> dict[str, Any]:
    """Return the token core beside the raw primitives and other libraries, measured in a process of its own."""
    arguments = ("0.7", "5") if quick else ("8", "20")
    done = subprocess.run(
        [sys.executable, str(HERE / "tokens.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def judge(found: dict[str, Any]) -> list[str]:
    """Return what falls short of what was promised."""
    short = tokens.short_of(found["tokens"]) if "tokens" in found else []
    if "flows" in found:
        short += _judge_flows(found)
    if "workloads" in found:
        short += workloads.short_of(found["workloads"])
    if "gate" in found:
        short += gate.short_of(found["gate"])
    if "growth" in found:
        short += growth.short_of(found["growth"])
    if "workers" in found:
        short += workers.short_of(found["workers"])
    return short + provider.disturbed(found.get("provider", {}), QUIET)


def _judge_flows(found: dict[str, Any]) -> list[str]:
    short = []
    ratio = found.get("ratio_sqlite_to_peer")
    if ratio is not None and ratio < FLOOR:
        short.append(f"{ratio:.2f} x the peer is below the floor of {FLOOR}")
    for name, figures in found["flows"].items():
        if figures["others_share"] > QUIET and "PostgreSQL" not in name:
            short.append(
                f"{name}: other programs took {100 * figures['others_share']:.0f} % of the machine; run it alone"
            )
        if name.startswith("Intaglio") and figures["peak_mib"] >= MEMORY_MIB:
            short.append(f"{name}: {figures['peak_mib']:.0f} MiB, not under {MEMORY_MIB}")
    return short


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def _enter(*, peer: bool) -> tuple[list[Contestant], str]:
    entered: list[Contestant] = []
    try:
        entered.append(contestants.SQLite())
        why = nodes.missing() if peer else "left out"
        if not why:
            entered.append(contestants.Peer())
        if postgres.programs() is not None:
            entered.append(contestants.PostgreSQL())
    except BaseException:
        for one in entered:
            one.stop()
        raise
    return entered, why


def measure(*, quick: bool, peer: bool, only: str = "") -> dict[str, Any]:
    """Measure everything, or only one part, and return it."""
    found: dict[str, Any] = {"machine": machine(), "quick": quick}
    if only in ("", "tokens"):
        say("token core …")
        found["tokens"] = token_core(quick=quick)
    if only in ("", "flows"):
        found |= whole_flows(quick=quick, peer=peer)
    if only in ("", "provider"):
        found |= beside_the_flow(quick=quick, peer=peer)
    if only in ("", "workloads"):
        say("workloads, in turns …")
        found["workloads"] = workloads.measure(1 if quick else 5, 1.0 if quick else 2.5, say)
    if only in ("", "gate"):
        say("nginx with the gate and without, in turns …")
        found["gate"] = gate.measure(1 if quick else 5, 1.0 if quick else 3.0, say)
    if only in ("", "workers"):
        say("one worker and two, in turns …")
        found["workers"] = workers.measure(2 if quick else 7, 2.0 if quick else 5.0, say)
    if only == "growth":
        found["growth"] = growth.measure(2 if quick else 6, 1.0 if quick else 3.0, say)
    return found


def whole_flows(*, quick: bool, peer: bool) -> dict[str, Any]:
    """Measure the hot paths of a server and whole code flows."""
    found: dict[str, Any] = {}
    say("hot paths …")
    entered, why = _enter(peer=peer)
    database = next((one for one in entered if isinstance(one, contestants.PostgreSQL)), None)
    try:
        url = database.database.create("storage") if database is not None else ""
        hot = hot_paths(0.4 if quick else 2.0, url)
        raw = hot["mint RS256"]["raw_per_second"]
        say("HTTP …")
        hot |= over_http(0.7 if quick else 2.0, raw, 1 if quick else 3)
        for one in entered:
            if isinstance(one, contestants.Intaglio):
                engine = one.name.split(", ")[1].split(" ")[0]
                hot[f"token endpoint, {engine}, HTTP"] = token_endpoint(one, raw, 30 if quick else 150)
        say("whole code flows, in turns …")
        found["flows"] = flows(entered, 2 if quick else 7, 2.5 if quick else 6.0)
    finally:
        for one in entered:
            one.stop()
    found["hot"] = hot
    if contestants.Peer.name in found["flows"]:
        found["ratio_sqlite_to_peer"] = _ratio(found["flows"], entered[0].name)
        if database is not None:
            found["ratio_postgresql_to_peer"] = _ratio(found["flows"], database.name)
    else:
        found["peer_missing"] = why
    return found


def beside_the_flow(*, quick: bool, peer: bool) -> dict[str, Any]:
    """Measure what a provider does beside the code flow; there is nothing to say of it without the peer."""
    why = nodes.missing() if peer else "the peer was left out"
    if why:
        return {"provider_missing": why}
    say("beside the code flow, in turns …")
    return {"provider": provider.measure(2 if quick else 5, 0.6 if quick else 2.0, say)}


def main() -> int:
    """Measure, print a table, write the results of a full run; 1 if something falls short of what was promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a rough look, under a minute a part; nothing is kept without --name"
    )
    parser.add_argument(
        "--only",
        choices=("flows", "provider", "tokens", "workloads", "gate", "workers", "growth"),
        default="",
        help="one part alone; growth runs only when it is named",
    )
    parser.add_argument("--no-peer", action="store_true", help="without node oidc-provider")
    parser.add_argument("--name", default="", help="name of the result files")
    options = parser.parse_args()
    began = time.monotonic()
    found = measure(quick=options.quick, peer=not options.no_peer, only=options.only)
    found["taken_at"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    found["seconds"] = round(time.monotonic() - began)
    found["short_of"] = judge(found)
    text = report.markdown(found)
    print(text)
    if not options.quick or options.name:
        _keep(found, text, options.name or options.only or "bench")
    return 1 if found["short_of"] else 0


def _keep(found: dict[str, Any], text: str, name: str) -> None:
    stem = HERE / "results" / f"{dt.datetime.now(dt.UTC).date().isoformat()}-{name}"
    stem.parent.mkdir(exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n")
    stem.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
