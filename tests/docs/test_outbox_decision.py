"""The decision on the outbox keeps its figures."""

from __future__ import annotations

import pathlib
import re

from tests.capability import capability

RECORD = pathlib.Path(__file__).parents[2] / "docs" / "decisions" / "0013-outbox.md"


@capability("outbox-decision", witness="the decision record")
def test_the_decision_keeps_its_figures() -> None:
    """Throughput on both engines, start-up, memory and losses stand beside one another, for both candidates."""
    text = RECORD.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for word in ("SQLite", "PostgreSQL", "ready", "memory", "killed"):
        (*_, row) = [line for line in rows if word in line]
        assert len(re.findall(r"\d", row)) >= 2, row
    assert "**Decision.**" in text
