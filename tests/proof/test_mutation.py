"""Mutation testing works: it sees tests that notice, and tests that do not."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capability import capability

ROOT = Path(__file__).parent.parent.parent
NOTICING = "tests/validate/test_rules_google.py"
BLIND = "tests/validate/test_validator.py::test_good_token_is_believed"
pytestmark = [
    capability("mutation", witness="mutmut"),
    pytest.mark.skipif(importlib.util.find_spec("mutmut") is None, reason="mutmut is not installed"),
    pytest.mark.slow,
]


def mutate(*arguments: str) -> tuple[int, int, int]:
    """Run the script; return its exit status, how many changes were noticed, and of how many."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "mutate.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=ROOT,
    )
    found = re.search(r"^(\d+) of (\d+) changes were noticed", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout + done.stderr
    return done.returncode, int(found[1]), int(found[2])


def test_changes_of_a_function_are_noticed() -> None:
    """Notice nearly every change of the check of e-mail addresses; it is where accounts were taken over."""
    status, noticed, total = mutate("--only", "bindings", "--function", "email", "--tests", NOTICING, "--no-rules")
    assert status == 0
    assert total >= 20
    assert noticed >= 0.9 * total


def test_tests_that_refuse_nothing_notice_little() -> None:
    """Say so, and fail, where a test believes a good token and refuses none."""
    status, noticed, total = mutate("--only", "judges", "--function", "azp", "--tests", BLIND, "--no-rules")
    assert status == 1
    assert noticed < total / 2
