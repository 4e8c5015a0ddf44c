"""Many code flows on one database while time passes: what is left at the end has to be only what lives.

    python benchmarks/million.py --flows 1000000

Whole flows (authorize with a session, token endpoint with a refresh token) through the server's own application on an
SQLite file, with a clock that moves on by a second every so many flows, and the upkeep of each minute. Every checkpoint
prints the rows of each table and the size of the file.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

from intaglio.server import upkeep
from intaglio.server.devmode import seeds
from intaglio.server.model.tenants import Lifetimes
from tests import harness
from tests.harness import VERIFIER, App, Browser, Site

A_SECOND = 50
"""Flows in one second of the clock."""
AT_ONCE = 25
HOUR = 3600
CHECKPOINTS = 10
SHORT_LIVED = (
    "codes",
    "grants",
    "access_tokens",
    "refresh_tokens",
    "transactions",
    "device_codes",
    "throttles",
    "rates",
    "assertions",
    "pushed_requests",
    "upstream_signins",
    "sessions",
    "session_clients",
)
"""Tables whose rows end by themselves."""
DAY = 24 * 3600


def counts(file: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(names)}


async def _flow(site: Site, app: App, cookie: str) -> None:
    query = urlencode(app.request())
    answer = await site.exchange("GET", f"{app.base}/authorize?{query}", headers=[("cookie", cookie)])
    code = parse_qs(urlsplit(answer.location).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": VERIFIER,
    }
    headers = [("content-type", harness.FORM), ("authorization", harness.basic(app.client_id, app.secret))]
    told = await site.exchange("POST", f"{app.base}/token", headers=headers, body=urlencode(form).encode())
    assert told.status == 200, told.text


async def _some(site: Site, app: App, cookie: str, number: int) -> None:
    for start in range(0, number, AT_ONCE):
        await asyncio.gather(*(_flow(site, app, cookie) for _ in range(min(AT_ONCE, number - start))))


def _cookie(site: Site, app: App) -> str:
    browser = Browser(site)
    app.callback(browser)
    return "; ".join(f"{name}={value}" for name, value in browser.jar.items())


def run(flows: int, folder: Path) -> dict[str, int]:
    """Run the flows, let the rest of the time pass, and return the rows that are left of what ends by itself."""
    file = folder / "million.db"
    began = time.monotonic()
    with harness.site(url=f"sqlite:///{file}") as site:
        site.change_tenant(lifetimes=Lifetimes(access_token=HOUR, refresh_token=HOUR))
        app, signed_in_at = App(site), site.clock.now()
        cookie = _cookie(site, app)
        for second in range(-(-flows // A_SECOND)):
            site.run(_some(site, app, cookie, min(A_SECOND, flows - second * A_SECOND)))
            site.clock.advance(1)
            if second % 60 == 59:
                site.run(upkeep.sweep(site.house))
            if site.clock.now() - signed_in_at > DAY // 2:
                cookie, signed_in_at = _cookie(site, app), site.clock.now()
            if second % max(1, flows // A_SECOND // CHECKPOINTS) == 0:
                _tell(file, (second + 1) * A_SECOND, began)
        # Nothing that was given in a flow lives for longer.
        site.clock.advance(DAY)
        site.run(upkeep.sweep(site.house))
        left = {name: number for name, number in counts(file).items() if name in SHORT_LIVED and number}
        _tell(file, flows, began)
    return left


def _tell(file: Path, flows: int, began: float) -> None:
    rows = ", ".join(f"{name} {number}" for name, number in counts(file).items() if number > 1)
    size = sum(one.stat().st_size for one in file.parent.glob(file.name + "*")) / 2**20
    print(f"{flows:>9} flows, {time.monotonic() - began:.0f} s, {size:.0f} MiB: {rows}", file=sys.stderr, flush=True)


def main() -> int:
    """Run and judge; 1 if something is left that should have ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="million-") as folder:
        left = run(given.flows, Path(folder))
    print(f"left of what ends by itself: {left or 'nothing'} (tenant {seeds.SLUG})")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
