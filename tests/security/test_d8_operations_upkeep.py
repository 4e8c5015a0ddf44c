"""What a server does by itself goes on, whatever one row, one moment or one tenant has in store for it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from intaglio.server import upkeep
from intaglio.server.limits.rates import Rate, Rates
from tests import harness


def corrupt(site: harness.Site, statement: str) -> None:
    """Do something to the database as another program."""
    connection = site.house.store._writing  # type: ignore[attr-defined]
    connection.execute(statement)


def rings(site: harness.Site) -> list[tuple[str, int]]:
    """Return how many keys each ring has."""
    connection = site.house.store._writing  # type: ignore[attr-defined]
    rows: list[tuple[str, int]] = connection.execute(
        "SELECT ring_id, COUNT(*) FROM signing_keys GROUP BY ring_id ORDER BY ring_id"
    ).fetchall()
    return rows


def test_one_tenants_broken_keys_keep_no_other_from_rotating(caplog: pytest.LogCaptureFixture) -> None:
    """A ring that cannot be read is told of in the log, and those behind it get their next keys."""
    with harness.site() as site:
        site.get("~/jwks")
        [(ring, count)] = rings(site)
        corrupt(
            site,
            "INSERT INTO signing_keys SELECT '!', key_id, alg, sealed_private, certificate, created_at, 'x',"
            " retired_at, gone_at, revoked_at FROM signing_keys",
        )
        site.clock.advance(400 * 86400)
        with caplog.at_level(logging.WARNING):
            assert site.run(upkeep.rotate(site.house)) >= 1
        assert dict(rings(site))[ring] > count
        assert "'!'" in caplog.text


def test_limits_are_shared_on_after_what_nobody_foresaw(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A counter in the database that is no number is told of in the log, and later ones are shared all the same."""
    monkeypatch.setattr(upkeep, "TOLD_EVERY", 0.005)
    with harness.site() as site, caplog.at_level(logging.WARNING):
        rates = site.house.rates = Rates({"tokens-by-client": Rate(9, 60)}, b"k" * 32)
        part = ("tokens-by-client", ("tenant", "web"))
        rates.spend(site.clock.now(), part)
        site.run(rates.exchange(site.house.store, site.clock.now()))
        corrupt(site, "UPDATE rates SET used = 'x', window_at = window_at + 60")
        rates.spend(site.clock.now(), part)

        async def go() -> None:
            task = asyncio.create_task(upkeep.exchange(site.house))
            await asyncio.sleep(0.05)
            corrupt(site, "DELETE FROM rates")
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        site.run(go())
        assert "ValueError" in caplog.text
        assert rates.fields(*part, site.clock.now())
        connection = site.house.store._writing  # type: ignore[attr-defined]
        assert connection.execute("SELECT used FROM rates").fetchall() == [(1,)]
