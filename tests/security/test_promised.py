"""Every test that a comment in the source promises is there."""

from __future__ import annotations

import ast
import pathlib
import re

from tests.architecture import rules

TESTS = pathlib.Path(__file__).parent.parent
PROMISE = re.compile(r"\((test_[a-z0-9_]+)\)")


def _defined() -> set[str]:
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
        found.add(path.stem)
    return found


def test_every_promised_test_is_there() -> None:
    """A check of security names the test that fails without it; here the names are looked up."""
    sources = {name: path.read_text(encoding="utf-8") for name, path in rules.modules()}
    promised = {name: set(PROMISE.findall(text)) for name, text in sources.items()}
    defined = _defined()
    missing = {name: tests - defined for name, tests in promised.items() if tests - defined}
    assert missing == {}
    assert sum(map(len, promised.values())) >= 10


def test_every_security_comment_of_the_sign_in_promises_a_test() -> None:
    """Where people sign in, a comment marked SECURITY has its test."""
    for name, path in rules.modules():
        if not rules.inside(name, "server.provider", "server.http.interaction"):
            continue
        for block in path.read_text(encoding="utf-8").split("SECURITY:")[1:]:
            assert PROMISE.search(block[:400]), (name, block[:120])
