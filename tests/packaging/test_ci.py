"""`.ci/run` and `make check` with tools that only note how they were called."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest

from tests.capability import capability

ROOT = pathlib.Path(__file__).parent.parent.parent
NOTE = '#!/bin/bash\necho "${0##*/} $* browser=$INTAGLIO_REQUIRE_BROWSER node=$INTAGLIO_REQUIRE_NODE" >> "$NOTES"\n'
SYSTEM = ("bash", "dirname", "env", "id", "cat", "sh", "timeout")
CHECKS = ("format", "lint", "types", "contracts", "docs", "inspector", "capabilities")


class Stage:
    """A copy of the scripts, and a folder of tools that note their calls."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.tools = folder / "tools"
        self.notes = folder / "notes"
        self.tools.mkdir()
        self.notes.touch()
        for part in (".ci", "scripts"):
            shutil.copytree(ROOT / part, folder / part)
        for name in SYSTEM:
            found = shutil.which(name)
            assert found is not None
            (self.tools / name).symlink_to(found)

    def tool(self, name: str, code: int = 0) -> None:
        """Put a tool there that notes its call and ends with a code."""
        path = self.tools / name
        path.write_text(f"{NOTE}exit {code}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a script with no other tools than these."""
        environment = {"PATH": str(self.tools), "NOTES": str(self.notes), "HOME": str(self.folder)}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=30, check=False
        )

    def calls(self) -> list[str]:
        """Return the calls that were noted."""
        return self.notes.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Stage:
    """Return a stage without tools."""
    return Stage(tmp_path)


@capability("ci-run", witness="bash with tools that note their calls")
def test_ci_runs_checks_and_tests_and_allows_no_skipping(stage: Stage) -> None:
    """`make check test` runs last, with the browser and Node required."""
    stage.tool("make")
    for name in ("chromium", "ruby", "jq", "nginx", "softhsm2-util"):
        stage.tool(name)
    done = stage.run("bash", ".ci/run")
    assert done.returncode == 0, done.stderr
    assert any(call.startswith("make sdk ") for call in stage.calls())
    assert stage.calls()[-1] == "make check test browser=1 node=1"
    assert not any(call.startswith("apt-get") for call in stage.calls())


def test_ci_fails_where_the_checks_fail(stage: Stage) -> None:
    """A failing make is a failing run."""
    stage.tool("make", 2)
    stage.tool("chromium")
    assert stage.run("bash", ".ci/run").returncode != 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root installs packages")
def test_ci_installs_a_missing_browser(stage: Stage) -> None:
    """Without Chromium the package lists are brought up to date, then it is installed."""
    stage.tool("make")
    stage.tool("apt-get")
    assert stage.run("bash", ".ci/run").returncode == 0
    calls = [call.partition(" browser=")[0] for call in stage.calls()]
    assert calls[0].startswith("apt-get update")
    assert calls[1].startswith("apt-get install")
    assert calls[1].endswith("--no-install-recommends chromium")


@pytest.mark.skipif(os.getuid() != 0, reason="only root installs packages")
def test_ci_goes_on_without_ruby(stage: Stage) -> None:
    """Ruby is installed where it is missing; where it cannot be had, the run goes on and says so."""
    stage.tool("make")
    stage.tool("chromium")
    stage.tool("apt-get", 100)
    done = stage.run("bash", ".ci/run")
    assert done.returncode == 0, done.stderr
    assert "Ruby could not be installed" in done.stderr
    assert "nginx could not be installed" in done.stderr
    assert stage.calls()[-1].startswith("make check test")


def test_ci_fails_where_the_browser_cannot_be_installed(stage: Stage) -> None:
    """A browser that cannot be had is a failure, not a skip."""
    stage.tool("make")
    stage.tool("apt-get", 100)
    assert stage.run("bash", ".ci/run").returncode != 0
    assert not any(call.startswith("make") for call in stage.calls())


@capability("make-check", witness="bash with tools that note their calls")
@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ("ruff", {"format", "lint"}),
        ("mypy", {"types"}),
        ("lint-imports", {"contracts"}),
        ("python", {"docs", "inspector", "capabilities"}),
        ("none", set()),
    ],
)
def test_each_check_counts_and_is_named(stage: Stage, tool: str, names: set[str]) -> None:
    """Whichever check fails, the others run all the same, and the failed ones are named at the end."""
    for name in ("ruff", "mypy", "lint-imports", "python"):
        stage.tool(name, 1 if name == tool else 0)
    done = stage.run("bash", "scripts/check.sh", str(stage.tools))
    assert [line.removeprefix("== ") for line in done.stdout.splitlines() if line.startswith("== ")] == list(CHECKS)
    assert done.returncode == (1 if names else 0)
    assert set(done.stderr.removeprefix("failed: ").split()) == names
