"""The process above the workers: begins them, begins them anew, passes signals on, and ends when they have."""

from __future__ import annotations

import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests import live
from tests.capability import capability

PROGRAM = pathlib.Path(__file__).with_name("above.py")
KERNEL = "processes and signals of the kernel"
PATIENCE = 8.0


class Above:
    """The program, and the lines that it and its workers write."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=live.environment(),
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.decode().strip())

    def line(self) -> list[str]:
        """Return the words of the next line."""
        return self._lines.get(timeout=PATIENCE).split()

    def lines(self, count: int) -> list[list[str]]:
        """Return as many lines, sorted: workers speak in no order."""
        return sorted(self.line() for _ in range(count))

    def until_ready(self) -> dict[int, int]:
        """Return the process identifiers of the workers, once both are ready."""
        return {int(number): int(pid) for word, number, pid, *_ in self.lines(3)[1:] if word == "worker"}

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """See that nothing is left."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)


def is_gone(pid: int) -> bool:
    """Tell whether a process ends within a few seconds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def above(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Above]:
    """The program with the words of the test."""
    words = getattr(request, "param", ())
    made = Above(*words, str(tmp_path / "mark"))
    yield made
    made.close()


@pytest.mark.parametrize("above", [("fails",)], indirect=True)
def test_what_keeps_the_first_from_starting_is_the_end(above: Above) -> None:
    """When the first worker does not start the program ends with its exit code, and begins no other."""
    assert above.process.wait(PATIENCE) == 7


@capability("workers", witness=KERNEL)
def test_both_stop_by_one_signal(above: Above) -> None:
    """The first worker knows that it is; SIGHUP reaches each; SIGTERM ends both, and the exit code is 0."""
    first, second = sorted(above.until_ready().items())
    assert (first[0], second[0]) == (0, 1)
    assert first[1] != second[1] != above.process.pid
    above.process.send_signal(signal.SIGHUP)
    assert above.lines(2) == [["hup", "0"], ["hup", "1"]]
    assert above.end(signal.SIGTERM) == 0
    assert is_gone(first[1])
    assert is_gone(second[1])


@capability("workers", witness=KERNEL)
def test_a_killed_worker_is_replaced(above: Above) -> None:
    """A worker that is killed is followed by another in its place; the others go on; Ctrl+C ends all."""
    workers = above.until_ready()
    os.kill(workers[0], signal.SIGKILL)
    word, number, pid, is_first, _ = above.line()
    assert (word, number, is_first) == ("worker", "0", "False")
    assert int(pid) not in workers.values()
    assert not is_dead(workers[1])
    assert above.end(signal.SIGINT) == 0


def is_dead(pid: int) -> bool:
    """Tell whether there is no such process."""
    return not pathlib.Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("above", [("dies",)], indirect=True)
def test_a_short_life_is_followed_after_a_while(above: Above, tmp_path: pathlib.Path) -> None:
    """A worker that ends soon after it began is begun again, not in a hurry."""
    lines = above.lines(2)
    assert [line[0] for line in lines] == ["ready", "worker"]
    died_at = (tmp_path / "mark").stat().st_mtime
    assert above.line()[:2] == ["worker", "1"]
    assert time.time() - died_at > 0.1
    assert above.end(signal.SIGTERM) == 0


@capability("workers", witness=KERNEL)
def test_nobody_stays_behind(above: Above) -> None:
    """When the process above is killed each worker notices and ends by itself."""
    workers = above.until_ready()
    above.process.kill()
    assert above.lines(2) == [["gone", "0", "True"], ["gone", "1", "True"]]
    assert all(is_gone(pid) for pid in workers.values())


@pytest.mark.parametrize("above", [("stands",)], indirect=True)
def test_a_worker_that_stands_still_is_replaced(above: Above) -> None:
    """A worker that gives no sign of life is ended, and followed by another."""
    workers = above.until_ready()
    assert is_gone(workers[1])
    assert above.line()[:2] == ["worker", "1"]
    assert not is_dead(workers[0])
    assert above.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("above", [("stays",)], indirect=True)
def test_who_does_not_stop_is_killed(above: Above) -> None:
    """A worker that does not stop in time is killed, and the exit code says that it was."""
    workers = above.until_ready()
    assert above.end(signal.SIGTERM) == 1
    assert all(is_gone(pid) for pid in workers.values())
