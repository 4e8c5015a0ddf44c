"""One question to a program of our own on this machine or beside it: plain HTTP, one answer, no redirects.

RFC 9112. It asks the address that the operator configured and no other, and loads nothing that takes time.
"""

from __future__ import annotations

import socket

from intaglio.errors import Unavailable

ANSWER_LIMIT = 4096


def get(host: str, port: int, path: str, seconds: float) -> tuple[int, str]:
    """Return status and text of what answers at a path; raises `Unavailable` (`no-answer`)."""
    question = f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n".encode("ascii")
    try:
        with socket.create_connection((host, port), seconds) as opened:
            opened.settimeout(seconds)
            opened.sendall(question)
            octets = _read(opened)
        head, _, body = octets.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body.decode("utf-8", "replace").strip()
    except (OSError, ValueError, IndexError) as exc:
        raise Unavailable(
            "no-answer",
            f"Nothing answers at {host}, port {port}.",
            detail={"expected": "an answer in HTTP", "received": type(exc).__name__},
            hint="Is the server running, and is this its operations.listen?",
        ) from exc


def _read(opened: socket.socket) -> bytes:
    octets = b""
    while len(octets) < ANSWER_LIMIT:
        more = opened.recv(ANSWER_LIMIT)
        if not more:
            break
        octets += more
    return octets
