"""A server whose worker is missing says so."""

from __future__ import annotations

import logging

import pytest

from intaglio.server import upkeep
from intaglio.server.model import outbox
from tests import harness
from tests.capability import capability
from tests.conformance.store_suite import entry


@capability("outbox-work", witness="the log")
def test_a_missing_worker_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    """What waits for more than a moment is warned of; what waits for its next attempt is not."""
    with harness.site() as site, caplog.at_level(logging.WARNING):
        now = site.clock.now()
        assert not site.run(upkeep.look_at_outbox(site.house))
        site.write(outbox.insert, entry("later", due_at=now + 1000))
        site.write(outbox.insert, entry("now", due_at=now))
        assert not site.run(upkeep.look_at_outbox(site.house))
        site.clock.advance(upkeep.PATIENCE)
        assert site.run(upkeep.look_at_outbox(site.house))
        assert "intaglio work" in caplog.text
