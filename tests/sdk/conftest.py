"""Fixtures of the tests with other projects' clients (see `tests/live.py`), and the acceptance matrix."""

from __future__ import annotations

import pytest

from tests import live
from tests.sdk import cells, world

dev = live.dev
fresh = live.fresh
tls = live.tls
filed = live.filed
receiver = live.receiver
loopback = live.loopback
chromium = live.chromium
visit = live.visit
visitor = live.visitor
page = live.page
google = world.google
own = world.own
developing = world.developing


def pytest_configure(config: pytest.Config) -> None:
    """Count the cells of the matrix in this run."""
    config.addinivalue_line("markers", "cell(area): a cell of the acceptance matrix")
    config.pluginmanager.register(cells.Matrix(), "acceptance-matrix")
