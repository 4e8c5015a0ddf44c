"""What runs on Node.js beside us: programs installed from their locks, and node's jose behind a pipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.turns import Timed

HERE = Path(__file__).parent


def missing() -> str:
    """Return why nothing of Node.js can run here, or nothing."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else ""


def installed(name: str, script: str) -> Path:
    """Return the folder with a program of `peers`, installed from its lock into a place outside the sources."""
    source = HERE / "peers" / name
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "intaglio-bench" / name
    lock = (source / "package-lock.json").read_bytes()
    if not (folder / "node_modules").is_dir() or (folder / "package-lock.json").read_bytes() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules"))
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=180)
    shutil.copy(source / script, folder)
    return folder


class Jose:
    """node's jose in a process of its own: it takes its turns as the libraries of this process do."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["node", "bench.mjs"],
            cwd=installed("jose", "bench.mjs"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def prepare(self, kind: str, **more: Any) -> None:
        """Tell it of a work: its name, its key, its text."""
        self._ask({"kind": kind, **more})

    def timed(self, name: str) -> Timed:
        """Return what lets it do a work a number of times, awaited one after the other."""
        return lambda count: float(self._ask({"run": name, "count": count})["seconds"])

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
