"""At which line of a TOML file a key stands, which its reader does not tell.

TOML 1.0. The text was read by `tomllib` before, so only its outline is looked at; strings and comments are stepped
over.
"""

from __future__ import annotations

import re

_PIECES = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*|[\[\]{}]|\n",
    re.DOTALL,
)
_HEADER = re.compile(r"\s*\[{1,2}([^\[\]\n]+)\]")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[\w-]+|"[^"\n]*"|'[^'\n]*'))*)\s*=""")


def of_keys(text: str) -> dict[str, int]:
    """Return the line (from 1) of each table and each key, by dotted name; the first where one stands twice."""
    text = text.replace("\r\n", "\n")
    found: dict[str, int] = {}
    table = ""
    for start in _statements(text):
        header, key = _HEADER.match(text, start), _KEY.match(text, start)
        if header is not None:
            table = name = _dotted(header[1])
        elif key is not None:
            name = f"{table}.{_dotted(key[1])}".lstrip(".")
        else:
            continue
        at = (header or key).start(1)  # type: ignore[union-attr]
        found.setdefault(name, text.count("\n", 0, at) + 1)
    return found


def _statements(text: str) -> list[int]:
    """Return where a statement may begin: behind each line break that is not inside a string, an array or a table."""
    starts, depth = [0], 0
    for piece in _PIECES.finditer(text):
        if piece[0] in "[{":
            depth += 1
        elif piece[0] in "]}":
            depth -= 1
        elif piece[0] == "\n" and depth <= 0:
            starts.append(piece.end())
    return starts


def _dotted(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
