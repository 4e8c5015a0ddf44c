"""Files that hold a secret: read whole, and refused where others on the machine can read them too."""

from __future__ import annotations

import os
import pathlib
import stat

LIMIT = 64 * 1024
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_BUT_READING_GROUP = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO


class Unusable(Exception):
    """A file that cannot be used: what was expected, what was found, what to do."""

    def __init__(self, expected: str, received: str, hint: str = "") -> None:
        super().__init__(expected)
        self.expected, self.received, self.hint = expected, received, hint


def read(path: pathlib.Path) -> str:
    """Return the text of a file without its last line break. Raises `Unusable`."""
    try:
        with path.open("rb") as stream:
            # SECURITY: what is looked at is what was opened, and no other that takes its name meanwhile
            # (test_the_file_that_was_looked_at_is_the_one_that_is_read).
            _refuse(os.fstat(stream.fileno()), path)
            octets = stream.read(LIMIT + 1)
        if len(octets) > LIMIT:
            raise Unusable(f"a file of at most {LIMIT} octets", f"{path}: a longer one")
        return octets.decode("utf-8").rstrip("\r\n")
    except IsADirectoryError:
        raise _folder(path) from None  # which is said
    except OSError as exc:
        raise Unusable("a readable file", f"{path}: {exc.strerror}", "name one that is there") from exc
    except UnicodeDecodeError:
        raise Unusable("text in UTF-8", f"{path}: something else") from None  # the cause quotes the secret


def refuse_open(path: pathlib.Path) -> None:
    """Refuse a file that others can read or write. Raises `Unusable`.

    One of our own is for us alone; one of root's, as an orchestrator or the service manager puts it there, may be read
    by our group. What is no regular file (a pipe) has no such bits.
    """
    try:
        found = path.stat()
    except OSError as exc:
        raise Unusable("a readable file", f"{path}: {exc.strerror}", "name one that is there") from exc
    _refuse(found, path)


def _refuse(found: os.stat_result, path: pathlib.Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        if stat.S_ISDIR(found.st_mode):
            raise _folder(path)
        return
    lent = found.st_uid == 0 != os.geteuid()
    if found.st_mode & (OTHERS_BUT_READING_GROUP if lent else OTHERS):
        mode = stat.S_IMODE(found.st_mode)
        raise Unusable("a file that only its owner can read", f"{path}: mode {mode:04o}", f"chmod 600 {path}")


def _folder(path: pathlib.Path) -> Unusable:
    return Unusable("a file", f"{path}: a folder")
