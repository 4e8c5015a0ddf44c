"""A development server with a database file, and metadata servers beside it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from tests import live

filed = live.filed


class Agent(msgspec.Struct, frozen=True):
    """A running metadata server."""

    process: subprocess.Popen[bytes]
    at: str
    log_file: pathlib.Path

    @property
    def log(self) -> str:
        """All that it has said."""
        return self.log_file.read_text(encoding="utf-8")

    @property
    def default(self) -> str:
        """The address of its default account."""
        return f"{self.at}/computeMetadata/v1/instance/service-accounts/default"

    @property
    def host(self) -> str:
        """Its address and port."""
        return self.at.partition("://")[2]

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


Start = Callable[..., Agent]


@pytest.fixture
def start(tmp_path: pathlib.Path) -> Iterator[Start]:
    """Starts metadata servers, and looks at what they said when they are stopped."""
    running: list[Agent] = []

    def begin(*options: str, host: str = "127.0.0.1") -> Agent:
        port = live.free_ports()
        log_file = tmp_path / f"agent-{len(running)}.log"
        words = live.command("metadata", "serve", "--listen", f"{host}:{port}", *options)
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=tmp_path, env=live.environment()
            )
        made = Agent(process, f"http://{host}:{port}", log_file)
        running.append(made)
        deadline = time.monotonic() + 15
        while "ready:" not in made.log:
            assert process.poll() is None, made.log
            assert time.monotonic() < deadline, made.log
            time.sleep(0.02)
        return made

    yield begin
    for one in running:
        with contextlib.suppress(ProcessLookupError):
            one.stop()
        assert "Traceback" not in one.log, one.log
        assert "eyJ" not in one.log, "a token in the log"
        assert "PRIVATE KEY" not in one.log


@pytest.fixture
def root() -> None:
    """Skips where the tests cannot become another user."""
    if os.getuid() != 0:
        pytest.skip("only root can start a process of another user")
