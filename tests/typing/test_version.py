"""The version is told in one voice."""

from __future__ import annotations

import tomllib
from pathlib import Path

import intaglio

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_package_and_project_agree_on_the_version() -> None:
    """The version that the package tells is the one that the project file states."""
    assert tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"] == intaglio.__version__
