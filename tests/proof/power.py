"""A disk that forgets, when the power goes, what was not flushed: `powercut.c`, and what is left afterwards."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.proof.world import World

_SOURCE = Path(__file__).with_name("powercut.c")


def compiler() -> str | None:
    """Return the C compiler of this machine, or None."""
    return shutil.which("cc")


class Disk:
    """A folder whose files survive a power cut as far as they were flushed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir()
        self._kept = folder / "kept"
        self._library = folder / "powercut.so"
        command = [
            compiler() or "cc",
            "-shared",
            "-fPIC",
            "-O1",
            "-o",
            str(self._library),
            str(_SOURCE),
            "-ldl",
            "-lpthread",
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def environment(self, kind: str) -> dict[str, str]:
        """Return what makes a process use this disk. `kind` is `strict`, `early` or `lies`; see powercut.c."""
        settings = {
            "LD_PRELOAD": str(self._library),
            "POWERCUT_FOLDER": str(self.folder.resolve()),
            "POWERCUT_KEPT": str(self._kept),
        }
        return settings if kind == "strict" else settings | {f"POWERCUT_{kind.upper()}": "1"}

    def settle(self) -> None:
        """Take everything that is there for flushed."""
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.folder, self._kept, ignore=shutil.ignore_patterns("*-shm"))
        for path in list(self._kept.iterdir()):
            (self._kept / f"named-{path.name}").touch()

    def cut(self) -> list[str]:
        """Leave nothing but what was flushed, and return its names. Only while nobody uses the disk."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        names = sorted(path.name.removeprefix("named-") for path in self._kept.glob("named-*"))
        for name in names:
            (self.folder / name).touch(mode=0o600)
            if (self._kept / name).exists():
                shutil.copyfile(self._kept / name, self.folder / name)
        self.settle()
        return names


class PoweredWorld(World):
    """An installation on such a disk."""

    def __init__(self, disk: Disk, *, people: int) -> None:
        self.disk = disk
        self.kind = "strict"
        super().__init__(f"sqlite:///{disk.folder}/proof.db", people=people)
        disk.settle()

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the server, and those of the disk."""
        return super().environment | self.disk.environment(self.kind)

    def cut(self) -> None:
        """End the server and take away what was not flushed."""
        self.kill()
        self.disk.cut()
