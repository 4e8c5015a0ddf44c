"""What the gate adds to nginx: the same requests at the same pace, with `auth_request` and without, in turns.

The configuration is the how-to's own; behind nginx answers nginx itself, so that the difference is the gate's.
`python benchmarks/gate.py` prints the figures by itself.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.contestants import drive
from tests import live
from tests.gate import conftest, test_proxies
from tests.gate.conftest import World

RATE = 500
CONNECTIONS = 16
WARM_UP = 0.5
ADDS_P50_MS, ADDS_P99_MS = 1.0, 5.0
MORE = """
upstream back {{ server 127.0.0.1:{back}; keepalive 32; }}
server {{
    listen 127.0.0.1:{bare};
    location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }}
}}
server {{ listen 127.0.0.1:{back}; keepalive_requests 1000000; location / {{ return 200 "ok"; }} }}
"""


class Back:
    """What stands behind nginx: nginx."""

    def __init__(self) -> None:
        self.port = conftest.free_port()


@contextlib.contextmanager
def opened() -> Iterator[tuple[World, int, int]]:
    """Run the development server, a gate, and nginx; give the ports without the gate and with it."""
    folder, back = Path(tempfile.mkdtemp(prefix="bench-")), Back()
    listen, questions, bare, guarded = (conftest.free_port() for _ in range(4))
    (folder / "dev").mkdir()
    try:
        with contextlib.ExitStack() as stack:
            dev = stack.enter_context(contextlib.contextmanager(live.serve)(folder / "dev"))
            conftest.prepare(dev, listen)
            world = World(dev, back, dev.directory, listen, questions)  # type: ignore[arg-type]
            text = conftest.CONFIG.format(
                listen=listen, questions=questions, echo=back.port, browsers=conftest.BROWSERS
            )
            (dev.directory / "gate.toml").write_text(text, encoding="utf-8")
            words = live.command("gate", "gate.toml", "--development-port", str(dev.port))
            stack.enter_context(conftest.running(words, dev.directory, "gate", lambda told: "ready:" in told))
            server = conftest.adapted(conftest.blocks("nginx")[0], world, guarded)
            kept = 'proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";'
            server = re.sub(rf"proxy_pass http://127.0.0.1:{back.port};", kept, server)
            server += MORE.format(back=back.port, bare=bare)
            (folder / "nginx.conf").write_text(
                test_proxies.NGINX.format(folder=folder, server=server), encoding="utf-8"
            )
            program = [conftest.need("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
            stack.enter_context(conftest.running(program, folder, "nginx", conftest.listens(guarded)))
            yield world, bare, guarded
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the times of both, in the middle of the rounds, and every turn."""
    if not (shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")):
        return {"missing": "nginx is not installed here"}
    turns: dict[str, list[dict[str, float]]] = {"nginx": [], "nginx with the gate": []}
    with opened() as (world, bare, guarded):
        head = f"GET /x HTTP/1.1\r\nhost: hello.example.com\r\nauthorization: Bearer {world.token()}\r\n\r\n"
        for _ in range(rounds):
            for name, port in (("nginx", bare), ("nginx with the gate", guarded)):
                job = {"kind": "paced", "connections": CONNECTIONS, "port": port, "warm_up": WARM_UP, "rate": RATE}
                found = drive(job | {"seconds": seconds, "request": head, "text": "ok", "mark": world.dev.process.pid})
                turns[name].append({"p50_ms": found["p50_ms"], "p99_ms": found["p99_ms"]})
                say(f"  {name:<20} p50 {found['p50_ms']:6.2f} ms   p99 {found['p99_ms']:6.2f} ms")
    middle = {
        name: {key: statistics.median(turn[key] for turn in of) for key in ("p50_ms", "p99_ms")}
        for name, of in turns.items()
    }
    adds = {key: middle["nginx with the gate"][key] - middle["nginx"][key] for key in ("p50_ms", "p99_ms")}
    return {"rate": RATE, **middle, "adds": adds, "turns": turns}


def short_of(found: dict[str, Any]) -> list[str]:
    """Return what falls short of what was promised."""
    if "missing" in found:
        return [f"gate: {found['missing']}"]
    promised = {"p50_ms": ADDS_P50_MS, "p99_ms": ADDS_P99_MS}
    return [
        f"gate: adds {found['adds'][key]:.2f} ms at the {key.removesuffix('_ms')}, not under {most}"
        for key, most in promised.items()
        if found["adds"][key] >= most
    ]


def lines(found: dict[str, Any], table: Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]) -> list[str]:
    """Return the section's lines."""
    if "missing" in found:
        return ["", "## The gate", "", f"Not measured: {found['missing']}."]
    names = ("nginx", "nginx with the gate", "adds")
    rows = [(name, f"{found[name]['p50_ms']:.2f}", f"{found[name]['p99_ms']:.2f}") for name in names]
    about = (
        f"`auth_request` of the how-to, mode run, at {found['rate']} requests a second over {CONNECTIONS} connections."
    )
    return ["", "## The gate", "", about, "", *table(("", "p50 ms", "p99 ms"), rows)]


if __name__ == "__main__":
    told = measure(3, 2.0, print)
    told.pop("turns", None)
    print(json.dumps(told, indent=2), short_of(told))
