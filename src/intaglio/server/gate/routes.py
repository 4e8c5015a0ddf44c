"""Finding the operation of an API that a request means; a path that can be read in two ways means none.

OpenAPI 3.1 section 4.8.8 (path templating): literal segments come before variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

import msgspec

from intaglio.protocol.gate import Operation
from intaglio.server.gate import asked

Pattern = tuple[str, ...]


class Match(msgspec.Struct, frozen=True):
    """An operation; or, without one, the code of what is wrong."""

    operation: Operation | None
    code: str = ""


class Routes:
    """The operations of an API."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._literal: dict[str, dict[str, Operation]] = {}
        self._templates: dict[Pattern, dict[str, Operation]] = {}
        for operation in operations:
            self._methods(operation.path)[operation.method] = operation
        self._folded = frozenset(path.lower() for path in self._literal)
        # Of two templates the one with the earlier literal segment is meant.
        ordered = sorted(self._templates, key=lambda pattern: [segment.startswith("{") for segment in pattern])
        self._patterns = [(pattern, _lowered(pattern)) for pattern in ordered]

    def _methods(self, path: str) -> dict[str, Operation]:
        if "{" not in path:
            return self._literal.setdefault(path, {})
        return self._templates.setdefault(tuple(path.split("/")), {})

    def find(self, method: str, path: str) -> Match:
        """Return the operation of a method and raw path."""
        # SECURITY: the service may resolve dots and slashes after the gate has looked (test_paths_in_disguise).
        if asked.is_ambiguous(path) or self._is_another_decoded(path):
            return Match(None, "path-ambiguous")
        methods = self._methods_of(path)
        if methods is None:
            return Match(None, "path-unknown")
        found = methods.get(method)
        return Match(found, "" if found is not None else "method-unknown")

    def _methods_of(self, path: str) -> dict[str, Operation] | None:
        known = self._literal.get(path)
        if known is not None:
            return known
        pattern = self._pattern(path)
        return None if pattern is None else self._templates[pattern]

    def _is_another_decoded(self, path: str) -> bool:
        """Tell whether the service could take a path for another route, for it decodes it or does not mind case."""
        if path in self._literal:
            return False
        decoded = unquote(path)
        if decoded.lower() in self._folded or self._methods_of(decoded) is not self._methods_of(path):
            return True
        # SECURITY: letters of a template's literal segments, too (test_d6_41_case_does_not_lead_to_another_route).
        return _lowered(self._pattern(path)) != _lowered(self._pattern(decoded, minds_case=False))

    def _pattern(self, path: str, *, minds_case: bool = True) -> Pattern | None:
        segments = (path if minds_case else path.lower()).split("/")
        for pattern, lowered in self._patterns:
            wanted = pattern if minds_case else lowered
            if len(wanted) == len(segments) and all(map(_fits, wanted, segments)):
                return pattern
        return None


def _lowered(pattern: Pattern | None) -> Pattern:
    return tuple(map(str.lower, pattern or ()))


def _fits(wanted: str, given: str) -> bool:
    return bool(given) if wanted.startswith("{") and wanted.endswith("}") else wanted == given
