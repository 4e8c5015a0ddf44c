"""The command line as a process sees it: arguments and stdin in, exit code, stdout and stderr out."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import pytest

from intaglio.cli import main
from tests import live


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process; `stdin` is what it may read."""

    def call(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        code = main.main(list(arguments))
        captured = capsys.readouterr()
        return Ran(int(code), captured.out, captured.err)

    return call


@pytest.fixture
def database(run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return `run` with a fresh database and a master key, named by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTAGLIO_DATABASE__URL", f"sqlite:///{tmp_path}/cli.db")
    monkeypatch.setenv("INTAGLIO_KEYS__MASTER_KEY", live.MASTER_KEY)
    assert run("migrate", "up").code == 0
    return run
