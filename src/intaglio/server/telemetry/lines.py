"""The program's own messages as lines of JSON, beside the lines of requests."""

from __future__ import annotations

import logging
import sys

import msgspec

from intaglio.server.telemetry import requestlog

ALWAYS = "intaglio.serve"
"""The name under which is said what an operator waits for, whatever the level: that it is ready, and what is odd."""
TEXT = "%(asctime)s %(name)s %(message)s"


class JSONLines(logging.Formatter):
    """One object a message. A message that carries `told` (a dict) tells its members in place of its text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": requestlog.stamp(int(record.created)),
            "level": record.levelname.lower(),
            "event": "log",
            "logger": record.name,
        }
        told = getattr(record, "told", None)
        if isinstance(told, dict):
            line |= {"event": "refused"} | told
        else:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure(level: str, form: str) -> None:
    """Write the program's messages to stderr from a level on, as `json` or `text`."""
    writer = logging.StreamHandler(sys.stderr)
    writer.setFormatter(JSONLines() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level.upper(), handlers=[writer])
    logging.getLogger(ALWAYS).setLevel(logging.INFO)
