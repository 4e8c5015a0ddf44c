"""The public names, what importing them costs, and what their types promise."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import intaglio
from tests.architecture import rules

ROOT = rules.SOURCE.parent


def test_public_names_are_those_documented() -> None:
    """The public names are sorted, constants first, and each can be had."""
    assert list(intaglio.__all__) == sorted(intaglio.__all__, key=lambda name: (not name.isupper(), name))
    assert all(getattr(intaglio, name) is not None for name in intaglio.__all__)


def test_importing_the_package_loads_next_to_nothing() -> None:
    """`import intaglio` loads no module of ours beyond itself."""
    program = "import sys, intaglio\nprint(*[m for m in sys.modules if m.startswith('intaglio')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.split() == ["intaglio"]


def test_types_hold_for_programs_that_use_the_library() -> None:
    """mypy accepts what the documents show and refuses the mistakes."""
    mypy = pathlib.Path(sys.executable).parent / "mypy"
    command = [mypy, "--no-error-summary", "tests/typing/public_names.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("tests/")]
    assert found == []
