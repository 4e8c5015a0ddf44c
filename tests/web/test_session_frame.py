"""The frame's own SHA-256 agrees with Node's, and every message gets one of three answers, or none."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess

from tests import live
from tests.capability import capability

FOLDER = pathlib.Path(__file__).parent
SCRIPT = FOLDER.parents[1] / "src" / "intaglio" / "server" / "web" / "static" / "session_frame.js"


@capability("session-management", witness="Node's SHA-256")
def test_the_frames_answers() -> None:
    """Unchanged for the right hash alone; changed for another origin or client; error for noise."""
    node = live.need_node(clients=False)
    done = subprocess.run(
        [node, FOLDER / "session_frame.mjs", SCRIPT], capture_output=True, text=True, timeout=30, check=True
    )
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["counted"] > 700


def test_old_engines_can_read_it() -> None:
    """ECMAScript 5: the browsers of test suites are old."""
    for name in ("session_frame.js", "logged_out.js"):
        text = SCRIPT.with_name(name).read_text(encoding="utf-8")
        assert re.findall(r"=>|`|\?\.|\?\?|\b(?:let|const|class|async|await)\b", re.sub(r"//.*", "", text)) == []
