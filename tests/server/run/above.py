"""A process with two workers that do nothing but what the test asks, by the words behind the program's name."""

from __future__ import annotations

import os
import pathlib
import select
import signal
import sys
import time

from intaglio.server.run import supervisor
from intaglio.server.run.seats import Seat
from intaglio.server.run.supervisor import Supervisor
from intaglio.server.run.systemd import Notifier

WORDS = sys.argv[1:]


def tell(*words: object) -> None:
    """Write a line for the test."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def work(seat: Seat) -> int:
    """Be a worker until told to stop, or until the process above is gone."""
    if "fails" in WORDS:
        return 7
    if "dies" in WORDS and seat.number == 1 and not pathlib.Path(WORDS[-1]).exists():
        pathlib.Path(WORDS[-1]).touch()
        seat.ready()
        time.sleep(0.05)
        os._exit(3)
    signal.signal(signal.SIGHUP, lambda *_: tell("hup", seat.number))
    if "stays" not in WORDS:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell("worker", seat.number, os.getpid(), seat.is_first, seat.all_go())
    seat.ready()
    while True:
        if "stands" not in WORDS or seat.number == 0:
            seat.beat()
        gone, _, _ = select.select([seat.life], [], [], 0.05)
        if gone:
            seat.lost()
            tell("gone", seat.number, seat.all_go())
            return 0


def main() -> int:
    """Supervise two workers, patiently or not."""
    supervisor.STUCK_SECONDS = 0.5 if "stands" in WORDS else supervisor.STUCK_SECONDS
    supervisor.BEYOND_SECONDS = 0.3 if "stays" in WORDS else supervisor.BEYOND_SECONDS
    above = Supervisor(2, [], Notifier(), drain_seconds=0, on_ready=lambda: tell("ready", os.getpid()))
    outcome = above.run()
    return outcome if isinstance(outcome, int) else work(outcome)


if __name__ == "__main__":
    sys.exit(main())
