"""Routes as data, and the table that finds the one for a path.

Matching is on the raw path, segment by segment; a variable is percent-decoded alone, so an encoded slash inside it
stays inside it. A segment may go on behind its variable: `{account}:verb`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from intaglio.dialects.coding import Context
from intaglio.errors import IntaglioError
from intaglio.protocol.pages import Page
from intaglio.wire.message import Request, Response

Reader = Callable[[Request, Context], Any]
Writer = Callable[[Any, Context], Response | Page]
FaultWriter = Callable[[IntaglioError, Context], Response | Page]


class Surface(msgspec.Struct, frozen=True):
    """The face of a group of routes: how it writes faults, and the headers that each of its answers carries.

    `pages` tells that a browser gets a page where there is no route.
    """

    name: str
    write_fault: FaultWriter
    headers: tuple[tuple[str, str], ...] = ()
    pages: bool = True


class Route(msgspec.Struct, frozen=True):
    """One row of a dialect's table. `write` is None where the answer is a page that belongs to no dialect.

    `cors` is `none`, `public` (any origin, no credentials) or `client` (the origins of the client's redirect URIs).
    `limit` is the largest body in octets. HEAD is answered where `safe` says that GET changes nothing.
    `waits` says that a query may have to wait (its `wait` is true): it is given up when its client goes.
    """

    methods: tuple[str, ...]
    path: str
    read: Reader
    write: Writer | None
    surface: Surface
    fixed: Mapping[str, str] = {}
    cors: str = "none"
    limit: int = 64 * 1024
    safe: bool = False
    waits: bool = False


class Found(msgspec.Struct, frozen=True):
    """A route with the variables of the path; `allowed` lists the methods of the path where none fits."""

    route: Route | None
    words: Mapping[str, str]
    allowed: tuple[str, ...] = ()


class Table:
    """Finds the route of a method and path: literal paths by one look-up, templates by segments."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._literal: dict[str, dict[str, Route]] = {}
        self._templates: dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
        for route in routes:
            methods = self._methods_of(route.path)
            for method in route.methods:
                methods[method] = route

    def _methods_of(self, path: str) -> dict[str, Route]:
        if "{" not in path:
            return self._literal.setdefault(path, {})
        segments = tuple(path.split("/"))
        templates = self._templates.setdefault(len(segments), [])
        for known, methods in templates:
            if known == segments:
                return methods
        templates.append((segments, {}))
        return templates[-1][1]

    def find(self, method: str, path: str) -> Found:
        """Return the route, or None with the methods that the path has (empty if there is no such path)."""
        methods = self._literal.get(path)
        words: Mapping[str, str] = {}
        if methods is None:
            methods, words = self._template(path)
        if methods is None:
            return Found(None, {})
        route = methods.get(method)
        if route is None and method == "HEAD" and (get := methods.get("GET")) is not None and get.safe:
            route = get
        return Found(route, words, () if route else self._allowed(methods))

    @staticmethod
    def _allowed(methods: Mapping[str, Route]) -> tuple[str, ...]:
        head = ("HEAD",) if (get := methods.get("GET")) is not None and get.safe else ()
        return (*sorted(methods), *head, "OPTIONS")

    def _template(self, path: str) -> tuple[dict[str, Route] | None, Mapping[str, str]]:
        segments = path.split("/")
        for pattern, methods in self._templates.get(len(segments), ()):
            words = _match(pattern, segments)
            if words is not None:
                return methods, words
        return None, {}


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    words: dict[str, str] = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if not wanted.startswith("{"):
            if wanted != given:
                return None
            continue
        name, _, behind = wanted[1:].partition("}")
        if not given.endswith(behind) or len(given) == len(behind):
            return None
        try:
            words[name] = unquote_to_bytes(given[: len(given) - len(behind)]).decode("utf-8")
        except UnicodeDecodeError:
            return None
    return words
