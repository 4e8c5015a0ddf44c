"""The pages that are generated are in step, and the files of the project say what they must."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from tests.capability import capability

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.mark.parametrize("script", ["docs.py", "capabilities.py"])
def test_generated_pages_are_in_step(script: str) -> None:
    """What is generated from the source equals what is under docs/."""
    command = [sys.executable, str(ROOT / "scripts" / script), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@capability("license", witness="the text of the licence")
def test_licence_is_apache_2() -> None:
    """LICENSE holds the whole Apache License, Version 2.0, and the metadata names it."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@capability("security-policy", witness="a reader")
def test_security_policy_says_how_to_report() -> None:
    """SECURITY.md says where to report and leads to the threat model."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report it privately" in text
    assert "docs/security/threat-model.md" in text


@capability("changelog", witness="a reader")
def test_changelog_has_the_form() -> None:
    """CHANGELOG.md has an Unreleased part whose headings stand in the order that it promises."""
    order = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    part = text.partition("## [Unreleased]")[2].partition("\n## ")[0]
    headings = [line.removeprefix("### ") for line in part.splitlines() if line.startswith("### ")]
    assert headings
    assert headings == sorted(headings, key=order.index)


@capability("architecture-docs", witness="a reader")
def test_architecture_pages_are_there() -> None:
    """Architecture, glossary and decision records exist and are reached from the index."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = ["architecture.md", "glossary.md"]
    pages += [f"decisions/{path.name}" for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert len(pages) >= 6
    assert [page for page in pages if f"({page})" not in index] == []
