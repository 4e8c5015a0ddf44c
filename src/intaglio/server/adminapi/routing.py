"""Which act a request is for. Paths are matched as they came, segment by segment (RFC 3986 section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

import msgspec

from intaglio.protocol.administration import API
from intaglio.protocol.faults import MethodNotAllowed, NotFound
from intaglio.server.admin.acts.act import Act


class Found(msgspec.Struct, frozen=True):
    """An act, and the words that stand in the path."""

    act: Act
    words: dict[str, str]


class Routes:
    """Acts by the shape of their paths."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self._by_shape: dict[tuple[str, ...], dict[str, Act]] = {}
        for act in acts:
            by_method = self._by_shape.setdefault(_shape(act.path), {})
            if act.method in by_method:
                raise ValueError(f"two acts at {act.method} {act.path}")
            by_method[act.method] = act

    def find(self, method: str, path: str) -> Found:
        """Return the act of a method and path; HEAD is GET. Raises `NotFound`, `MethodNotAllowed`."""
        segments = path.removeprefix(API).split("/")[1:]
        by_method = next((acts for shape, acts in self._by_shape.items() if _fits(shape, segments)), None)
        if by_method is None:
            raise NotFound(detail={"received": path[:200]})
        act = by_method.get("GET" if method == "HEAD" else method)
        if act is None:
            fault = MethodNotAllowed(detail={"expected": " ".join(by_method), "received": method[:20]})
            fault.allowed = tuple(by_method) + (("HEAD",) if "GET" in by_method else ())
            raise fault
        return Found(act, _words(act, segments))


def _shape(path: str) -> tuple[str, ...]:
    return tuple("" if part.startswith("{") else part for part in path.split("/")[1:])


def _fits(shape: tuple[str, ...], segments: list[str]) -> bool:
    return len(shape) == len(segments) and all(
        bool(segment) if not part else part == segment for part, segment in zip(shape, segments, strict=True)
    )


def _words(act: Act, segments: list[str]) -> dict[str, str]:
    pairs = zip(act.path.split("/")[1:], segments, strict=True)
    try:
        return {part[1:-1]: unquote(segment, errors="strict") for part, segment in pairs if part.startswith("{")}
    except UnicodeDecodeError as exc:
        raise NotFound(detail={"expected": "percent-encoded UTF-8"}) from exc
