"""Fixtures of the stories: see `tests/live.py`."""

from __future__ import annotations

from tests import live

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
