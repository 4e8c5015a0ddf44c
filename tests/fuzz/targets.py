"""The list of targets: every decoder that reads what others wrote. Three drivers use it.

`scripts/fuzz.py` with atheris, `test_targets.py` with Hypothesis, and the replay of a file.
"""

from __future__ import annotations

from tests.fuzz import canary, token_targets, wire_targets
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*token_targets.TARGETS, *wire_targets.TARGETS)
"""Every target, in order."""
BY_NAME = {target.name: target for target in (*TARGETS, canary.TARGET)}
"""Those, and the one with a planted fault, which is asked for by its name only."""
