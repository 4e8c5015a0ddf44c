"""The wheel, built once, and environments that hold nothing but what the wheel brings."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import venv

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
OFFLINE = re.compile("NameResolution|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def pip(*arguments: str) -> str:
    """Run pip; without a network (and without a cache that has everything) the test is skipped with the reason."""
    done = subprocess.run([*PIP, *arguments], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode and OFFLINE.search(done.stdout + done.stderr):
        pytest.skip("the package index cannot be reached, and pip's cache does not hold everything")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Build the wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("flit_core") else []
    pip("wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", str(folder), str(ROOT))
    (made,) = folder.glob("*.whl")
    return made


class Environment:
    """A clean environment with the wheel in it."""

    def __init__(self, folder: pathlib.Path, requirement: str) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        # The versions of the lock, without its hashes: pip would ask for one of the wheel that was just built.
        lines = (ROOT / "requirements" / "server.txt").read_text(encoding="utf-8").splitlines()
        pins = [line.removesuffix("\\").strip() for line in lines if "==" in line and not line.startswith(" ")]
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        pip(
            *("--python", str(self.python), "install", "--quiet", "--only-binary", ":all:", "--no-compile"),
            *("--constraint", str(constraints), requirement),
        )

    def distributions(self) -> set[str]:
        """Return the names of what is installed."""
        listed = json.loads(pip("--python", str(self.python), "list", "--format", "json"))
        return {entry["name"].casefold().replace("_", "-") for entry in listed}

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the installed `intaglio` in the environment's folder."""
        command = [str(self.folder / "bin" / "intaglio"), *arguments]
        return subprocess.run(
            command, cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture(scope="session")
def library(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install the wheel as it is."""
    return Environment(tmp_path_factory.mktemp("library"), str(wheel))


@pytest.fixture(scope="session")
def server(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install the wheel with its server part."""
    return Environment(tmp_path_factory.mktemp("server"), f"{wheel}[server]")
