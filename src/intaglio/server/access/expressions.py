"""CEL: expressions that operators write, over what is known of a token or of a request.

CEL language definition; the only module that knows the library. What is refused, and why, is in `bounds`.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Mapping
from typing import Any

from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.access import bounds, lexemes, patterns, spending
from intaglio.server.access.decide import Question
from intaglio.server.model.policies import Condition

CONDITION_LIMIT = 4096
"""Characters of a condition."""

HEAVIEST = 65_536
"""How much an expression is evaluated over: characters of all texts, and one for each member."""

HEAVIEST_FOR_MACROS = 16_384
"""The same, where something is done for each member of a list."""

_SMALLEST, _GREATEST = -(2**63), 2**63 - 1
_DEEPEST = 32
# To ask of these whether they are a Mapping would take longer than all the rest.
_PLAIN = frozenset({float, type(None), dt.datetime})


class ExpressionFailed(IntaglioError):
    """An expression has no value for what it was evaluated over; `detail` has the reason and no value of a claim."""

    code = "expression-failed"
    public = "The expression has no value here."

    def __init__(self, reason: str) -> None:
        super().__init__(detail={"reason": reason})
        self.reason = reason


class Expression:
    """A compiled expression; evaluated as often as you like, over other variables each time."""

    __slots__ = ("_called", "_heaviest", "_longest", "_program", "text")

    def __init__(self, text: str, program: Any, longest: int | None) -> None:
        self.text = text
        self._program = program
        self._called = frozenset(program.functions())
        self._heaviest = HEAVIEST if longest is None else HEAVIEST_FOR_MACROS
        self._longest = longest or HEAVIEST

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the value: bool, int, float, str, bytes, list, dict, datetime, timedelta or None.

        Variables are what JSON knows, and instants as aware `datetime`. Raises `ExpressionFailed`
        (`expression-failed`) for whatever goes wrong, a missing member included.
        """
        import cel  # noqa: PLC0415 - as below

        _weigh(variables, self._heaviest, self._longest)
        known = spending.metered(self._called, self._longest, _search)
        try:
            return self._program.execute(cel.Context(variables=dict(variables), functions=known))
        except Exception as exc:  # noqa: BLE001 - the library raises eight types; none of them may mean "true"
            raise ExpressionFailed(_reason(exc)) from None  # its text may hold claims of a stranger's token

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Tell whether the value is true itself; raises `ExpressionFailed` for a value that is no boolean."""
        value = self.evaluate(variables)
        if not isinstance(value, bool):
            raise ExpressionFailed(f"the value is {_kind(value)}, not true or false")
        return value


def compile(text: str, *, limit: int, variables: frozenset[str]) -> Expression:  # noqa: A001 - it is what it does
    """Return the expression of a text of at most `limit` characters, over these variables and no others.

    Raises `Misconfigured` (`expression-invalid`) that tells what is wrong and where.
    """
    if len(text) > limit:
        lexemes.refuse(f"it is longer than {limit} characters", text, limit)
    return _compiled(text, variables)


@functools.lru_cache(maxsize=1024)
def _compiled(text: str, variables: frozenset[str]) -> Expression:
    import cel  # noqa: PLC0415 - programs that judge no condition do not wait for it

    # The library logs what a function of ours says, at its own discretion; our callers log what is to be logged.
    logging.getLogger("cel").setLevel(logging.CRITICAL)
    found = lexemes.read(text)
    longest = bounds.check(text, found, variables)
    try:
        cel.compile(text)
        program = cel.compile(bounds.rewrite(text, found))
    except Exception as exc:  # noqa: BLE001 - as above
        raise _syntax(text, exc) from None  # what the library says is in the detail
    _agree(text, program)
    return Expression(text, program, longest)


def _agree(text: str, program: Any) -> None:
    """Refuse a text of which the library reads another function than we do."""
    called = {name for name in program.functions() if name.isidentifier()}
    if not called <= bounds.THEIRS | {bounds.own(name) for name in bounds.OWN}:
        lexemes.refuse("it can be read in two ways", text, 0)


def _syntax(text: str, exc: Exception) -> Misconfigured:
    """Return the refusal with the place that the library names as `<input>:line:column: words`."""
    _, _, told = str(exc).partition("<input>:")
    line, _, rest = told.partition(":")
    column, _, words = rest.partition(":")
    detail: dict[str, object] = {"problem": words.split("\n")[0].strip()[:200] or "it cannot be parsed"}
    if line.isdecimal() and column.isdecimal():
        detail |= {"line": int(line), "column": int(column)}
    return Misconfigured(
        "expression-invalid", "The expression cannot be used.", detail=detail | {"received": text[:200]}
    )


def _search(text: str, pattern: str) -> bool:
    """Tell whether a part of the text matches; the engine is the library's own, which never backtracks."""
    try:
        return bool(_searching().execute({"text": text, "pattern": pattern}))
    except RuntimeError:
        raise patterns.PatternRefused("matches takes a pattern as RE2 has it") from None  # it may hold a claim


@functools.cache
def _searching() -> Any:
    import cel  # noqa: PLC0415 - as below

    return cel.compile("text.matches(pattern)")


def _reason(exc: Exception) -> str:
    if isinstance(exc, KeyError):
        return f"there is no member {str(exc.args[0])[:80]!a}" if exc.args else "a member is missing"
    reasons = {
        IndexError: "a place outside of a list",
        OverflowError: "a number that 64 bits cannot hold",
        ZeroDivisionError: "a division by zero",
        TypeError: "values of types that do not go together",
    }
    for kind, words in reasons.items():
        if isinstance(exc, kind):
            return words
    told = str(exc)
    if "Python function call failed: " in told:
        # Ours: their words hold no value.
        told = told.partition("Python function call failed: ")[2].partition(": ")[2]
        return told.removesuffix(". Check function arguments and their types.")
    if told.startswith("Undefined variable"):
        name = told.partition("'")[2].partition("'")[0]
        return f"{name} does not take that" if name in bounds.KNOWN else "a variable that was not given"
    return "a value that cannot be used so"


def _kind(value: object) -> str:
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a map", type(None): "null"}
    return kinds.get(type(value), "something else")


def _weigh(variables: Mapping[str, Any], heaviest: int, longest: int) -> None:
    """Refuse what is too much, too deep, or would change its value on the way (integers beyond 64 bits)."""
    weight = 1
    waiting: list[tuple[Any, int]] = [(variables, 1)]
    while waiting:
        value, depth = waiting.pop()
        inside = [*value, *value.values()] if isinstance(value, dict | Mapping) else value
        if longest < heaviest and len(value) > longest:
            raise ExpressionFailed(f"a macro goes through at most {longest} members")
        weight += len(inside)
        for one in inside:
            if isinstance(one, str | bytes):
                weight += len(one)
            elif isinstance(one, int):
                _fits(one)
            elif one.__class__ not in _PLAIN and isinstance(one, dict | list | tuple | Mapping):
                waiting.append((one, depth + 1))
        if weight > heaviest or (inside and depth > _DEEPEST):
            raise ExpressionFailed("there is too much to look at")


def _fits(number: int) -> None:
    if not _SMALLEST <= number <= _GREATEST:
        raise ExpressionFailed("a number that 64 bits cannot hold")


CONDITION_VARIABLES = frozenset({"request.time", "resource.name", "resource.type", "resource.service"})


def condition(text: str) -> Expression:
    """Return the expression of a binding's condition; raises `Misconfigured` (`expression-invalid`)."""
    return compile(text, limit=CONDITION_LIMIT, variables=CONDITION_VARIABLES)


def judge(asked: Condition, question: Question) -> str:
    """Return why a condition does not hold, empty if it does; a condition that cannot be judged does not hold."""
    try:
        holds = condition(asked.expression).holds(
            {
                "request": {"time": dt.datetime.fromtimestamp(question.now, dt.UTC)},
                "resource": {
                    "name": question.resource,
                    "type": question.resource_type,
                    "service": question.resource_service,
                },
            }
        )
    except (ExpressionFailed, Misconfigured) as exc:
        reason = exc.detail.get("reason") or exc.detail.get("problem")
        return f"the condition '{asked.title}' cannot be judged: {reason}"
    return "" if holds else f"the condition '{asked.title}' is false: {asked.expression}"
