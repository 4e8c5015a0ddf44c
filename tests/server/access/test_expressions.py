"""Expressions: what they are worth, that nothing faulty is ever true, and that work and memory are bounded."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio.errors import Misconfigured
from intaglio.protocol.principals import Principal
from intaglio.server.access import bounds, expressions, macros
from intaglio.server.access.decide import Question
from intaglio.server.access.expressions import ExpressionFailed
from intaglio.server.model.policies import Condition
from tests.capability import capability

NAMES = frozenset({"assertion", "google", "attribute"})
TOKEN: dict[str, Any] = {
    "assertion": {
        "sub": "repo:acme/app:ref:refs/heads/main",
        "aud": ["https://one.example", "two"],
        "repository_id": "74",
        "n": 7,
        "f": 1.5,
        "yes": True,
        "nothing": None,
        "accented": "é😀",
        "arn": "arn:aws:sts::1:assumed-role/builder/i-1",
    },
    "google": {"subject": "s", "groups": ["a", "b"]},
    "attribute": {"owner": "acme"},
}


def value(text: str, variables: dict[str, Any] | None = None) -> Any:
    """Return what an expression is worth over the token."""
    return expressions.compile(text, limit=4096, variables=NAMES).evaluate(TOKEN if variables is None else variables)


@pytest.mark.parametrize(
    ("text", "problem", "line", "column"),
    [
        ("", "it is empty", 1, 1),
        ("  // nothing", "it is empty", 1, 1),
        ("asertion.sub == 'x'", "there is no variable asertion; there are: assertion, attribute, google", 1, 1),
        ("true &&\n  foo(1)", "there is no function foo", 2, 3),
        ("type(assertion.sub) == string", "there is no function type", 1, 1),
        ("cel.bind(x, 1, x)", "there is no variable cel", 1, 1),
        ("assertion.sub == 'x", "this text has no end", 1, 18),
        ("assertion.sub == 'x\n'", "this text has no end", 1, 18),
        ("(assertion.n == 1", "this bracket is never closed", 1, 1),
        ("assertion.n == 1)", "this bracket closes nothing", 1, 17),
        ("[assertion.n)", "this bracket closes nothing", 1, 13),
        ("assertion.n = 1", "the character '=' has no meaning here", 1, 13),
        ("assertion.n == 1 # one", "the character '#' has no meaning here", 1, 18),
        ("assertion.`sub`", "the character '`' has no meaning here", 1, 11),
        ("assertion.sub == “x”", r"the character '\u201c' has no meaning here", 1, 18),
        ("assertion.sub ==", "Syntax error", 1, 17),
        (".assertion.sub", "a dot stands behind a value", 1, 1),
        ("Claim{sub: 'x'}", "messages cannot be made", 1, 1),
        ("{'a': 1, 'a': 2}['a'] == 1", "a map's keys are literals, each once", 1, 10),
        ("{assertion.sub: 1} == {}", "a map's keys are literals, each once", 1, 2),
        ("all([1], x, true)", "all stands behind a list", 1, 1),
        ("[1].all(1, true)", "a macro takes a name first", 1, 9),
        ("[1].all(x, y > 0)", "there is no variable y", 1, 12),
        ("[1].all(x, true) && x", "there is no variable x", 1, 21),
        ("for", "for is a reserved word", 1, 1),
        ("[1].all(x, [2].all(y, true))", "a macro inside another", 1, 16),
        (" && ".join(["[1].all(x, true)"] * 5), "more than 4 of all", 1, 1),
        ("['a'].map(x, x + x + x + x)", "more than 2 additions in a macro", 1, 24),
        ("(['a'] + ['b']).map(x, x)", "no list that is put together goes through a macro", 1, 8),
        ("{'a': [1] + [2]}['a'].all(x, true)", "no list that is put together", 1, 11),
        ("[[1] + [2]][0].exists(x, true)", "no list that is put together", 1, 6),
        ("string([1] + [2]).split('').all(x, true)", "no list that is put together", 1, 12),
        ("assertion.l[0 + 1].all(x, true)", "no list that is put together", 1, 15),
        ("[1].all(x, " + "true && " * 60 + "true)", "more than 100 names and signs in macros", 1, 5),
        ("['a'].map(x, x).filter(x, true)", "more than one of map and filter", 1, 17),
        ("[" + "1," * 300 + "1].map(x, x)", "more than 256 members beside a macro", 1, 1),
        ("(" * 17 + "1" + ")" * 17, "more than 16 brackets", 1, 17),
        ("1" + " + 1" * 81, "more than 80 operations", 1, 323),
        ("assertion" + ".a" * 81, "more than 80 operations", 1, 170),
        ("true ? 1 : " * 81 + "1", "more than 80 operations", 1, 879),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, problem: str, line: int, column: int) -> None:
    """An expression that is wrong is refused before it runs: what is wrong, and the line and column of it."""
    with pytest.raises(Misconfigured) as met:
        value(text)
    assert met.value.code == "expression-invalid"
    assert str(met.value.detail["problem"]).startswith(problem)
    assert (met.value.detail["line"], met.value.detail["column"]) == (line, column)


def test_a_text_over_its_limit_is_refused() -> None:
    """The limit counts characters, and its last one is allowed."""
    assert expressions.compile("1 + 1", limit=5, variables=frozenset()).evaluate({}) == 2
    with pytest.raises(Misconfigured) as met:
        expressions.compile("1 + 10", limit=5, variables=frozenset())
    assert met.value.detail["problem"] == "it is longer than 5 characters"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("assertion.nope == 'x'", "there is no member 'nope'"),
        ("assertion['nope'] == 'x'", "there is no member 'nope'"),
        ("assertion.nope != 'x'", "there is no member 'nope'"),
        ("!(assertion.nope == 'x')", "there is no member 'nope'"),
        ("has(assertion.nope.deeper)", "there is no member 'nope'"),
        ("assertion.nope == 'x' || false", "there is no member 'nope'"),
        ("[1, 2].all(x, x > 0 && assertion.nope)", "there is no member 'nope'"),
        ("assertion.nope ? true : true", "there is no member 'nope'"),
        ("assertion.aud[2] == 'x'", "a place outside of a list"),
        ("assertion.aud[-1] == 'x'", "a place outside of a list"),
        ("assertion.n / 0 == 1", "a division by zero"),
        ("assertion.n + 9223372036854775807 > 0", "a number that 64 bits cannot hold"),
        ("!assertion.n", "values of types that do not go together"),
        ("assertion.n && true", "values of types that do not go together"),
        ("assertion.nothing.x == 1", "values of types that do not go together"),
        ("assertion.sub < 1", "values of types that do not go together"),
        ("assertion.n.startsWith('7')", "startsWith does not take that"),
        ("assertion.n.split(',') == []", "split takes texts"),
        ("assertion.aud.join(1) == ''", "join takes texts"),
        ("[1].join() == ''", "join takes texts"),
        ("assertion.sub.substring(40) == ''", "substring takes places within the text"),
        ("assertion.sub.substring(3, 2) == ''", "substring takes places within the text"),
        ("assertion.sub.substring(true) == ''", "substring takes an integer"),
        ("assertion.sub.extract('no place') == ''", "extract takes a template with one {name}"),
        ("assertion.sub.extract('{a}{b}') == ''", "extract takes a template with one {name}"),
        ("size(assertion.n) == 1", "size takes a text, bytes, a list or a map"),
        ("timestamp('2024-02-30T00:00:00Z') > timestamp('2024-01-01T00:00:00Z')", "a value that cannot be used so"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('Mars/Base') == 1", "there is no such time zone"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('../../etc/passwd') == 1", "there is no such time zone"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('+2') == 1", "an offset is written like +02:00"),
        ("assertion.sub.getHours() == 1", "getHours takes a timestamp"),
    ],
)
def test_what_goes_wrong_has_no_value(text: str, reason: str) -> None:
    """A missing member, a wrong type and every other fault is one exception with the reason; it is never true."""
    expression = expressions.compile(text, limit=4096, variables=NAMES)
    with pytest.raises(ExpressionFailed) as met:
        expression.evaluate(TOKEN)
    assert (met.value.code, met.value.reason) == ("expression-failed", reason)
    with pytest.raises(ExpressionFailed):
        expression.holds(TOKEN)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", "a number"),
        ("'true'", "text"),
        ("null", "null"),
        ("[true]", "a list"),
        ("{}", "a map"),
        ("1.0", "a number"),
    ],
)
def test_only_true_itself_holds(text: str, kind: str) -> None:
    """A condition whose value is not exactly true or false does not hold, whatever Python thinks of the value."""
    with pytest.raises(ExpressionFailed) as met:
        expressions.compile(text, limit=100, variables=NAMES).holds(TOKEN)
    assert met.value.reason == f"the value is {kind}, not true or false"


@capability("access-conditions", witness="examples of Google's page")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assertion.sub == 'repo:acme/app:ref:refs/heads/main'", True),
        ("assertion['sub'].startsWith('repo:acme/')", True),
        ("assertion.sub.endsWith('main') && assertion.sub.contains('acme')", True),
        ("'two' in assertion.aud && !('three' in assertion.aud)", True),
        ("'sub' in assertion && !('nope' in assertion)", True),
        ("has(assertion.n) ? 'there' : 'not'", "there"),
        ("has(assertion.nope) ? assertion.nope : 'not'", "not"),
        ("assertion.nope == 1 && false", False),
        ("assertion.nope == 1 || true", True),
        ("google.groups.exists(g, g == 'b')", True),
        ("google.groups.all(g, size(g) == 1)", True),
        ("google.groups.exists_one(g, g != 'b')", True),
        ("google.groups.filter(g, g != 'b')", ["a"]),
        ("google.groups.map(g, 'x-' + g)", ["x-a", "x-b"]),
        ("assertion.n == 7.0 && assertion.n > 6.5", True),
        ("assertion.n == '7'", False),
        ("assertion.nothing == null", True),
        ("size(assertion.accented)", 2),
        ("assertion.accented.size()", 2),
        ("size(google.groups) + size(attribute)", 3),
        ("'ÄbC'.lowerAscii() + 'äbC'.upperAscii()", "ÄbcäBC"),
        ("'a,b,c'.split(',')", ["a", "b", "c"]),
        ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("'a,b,c'.split(',', 0)", []),
        ("'abc'.split('')", ["a", "b", "c"]),
        ("'abc'.split('', 2)", ["a", "bc"]),
        ("['a', 'b'].join() + ['a', 'b'].join('-')", "aba-b"),
        ("'hello hello'.replace('he', 'we')", "wello wello"),
        ("'hello hello'.replace('he', 'we', 1)", "wello hello"),
        ("'hello'.replace('l', 'x', 0)", "hello"),
        ("'tacocat'.substring(4) + 'tacocat'.substring(0, 4) + 'ab'.substring(2)", "cattaco"),
        ("string(7) + string(true) + string(1.0) + string(1.5)", "7true11.5"),
        ("string(timestamp('2024-05-01T02:00:00+02:00'))", "2024-05-01T00:00:00Z"),
        ("string(duration('90s'))", "90s"),
        ("timestamp('2024-07-01T22:30:00Z').getHours('Europe/Berlin')", 0),
        ("timestamp('2024-07-01T22:30:00Z').getDayOfWeek('+02:00')", 2),
        ("timestamp('2024-07-07T22:30:00Z').getDayOfWeek()", 0),
        ("timestamp('2024-07-01T22:30:15.250Z').getMilliseconds()", 250),
        ("timestamp('2024-12-31T00:00:00Z').getDayOfYear()", 365),
        ("timestamp('2024-03-01T00:00:00Z').getMonth()", 2),
        ("timestamp('2024-03-01T00:00:00Z').getDate() - timestamp('2024-03-01T00:00:00Z').getDayOfMonth()", 1),
        ("timestamp('2024-01-01T00:00:00Z') + duration('1h') == timestamp('2024-01-01T01:00:00Z')", True),
        ("'contains(' + 'size(' == 'contains(size('", True),
        ("true // size(", True),
        (
            "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{a}assumed-role/') : assertion.arn",
            "arn:aws:sts::1:",
        ),
    ],
)
def test_values(text: str, expected: Any) -> None:
    """Operators and functions give what CEL and Google's page say."""
    found = value(text)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/order_date={date}/", "2019-11-03"),
        ("buckets/{name}/", "acme-orders-aaa"),
        ("/orders/{empty}order_date", ""),
        ("{start}/objects/data_lake", "projects/_/buckets/acme-orders-aaa"),
        ("orders/{end}", "order_date=2019-11-03/aef87g87ae0876"),
        ("{all}", "projects/_/buckets/acme-orders-aaa/objects/data_lake/orders/order_date=2019-11-03/aef87g87ae0876"),
        ("/orders/{none}/order_date=", ""),
        ("/orders/order_date={neither}/nothing/", ""),
        ("{}/buckets", "projects/_"),
    ],
)
def test_extract(template: str, expected: str) -> None:
    """`extract` gives what stands in the place: from the first match before it to the first match behind it."""
    name = "projects/_/buckets/acme-orders-aaa/objects/data_lake/orders/order_date=2019-11-03/aef87g87ae0876"
    assert value(f"assertion.name.extract('{template}')", {"assertion": {"name": name}}) == expected


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**40])
def test_a_number_that_would_change_is_refused(number: int) -> None:
    """Integers beyond 64 bits would become floats that equal their neighbours; they are refused wherever they stand."""
    with pytest.raises(ExpressionFailed) as met:
        value("assertion.sub == 'a'", {"assertion": {"sub": "a", "deep": [{"id": number}]}})
    assert met.value.reason == "a number that 64 bits cannot hold"
    assert value("assertion.id", {"assertion": {"id": 2**63 - 1}}) == 2**63 - 1


def test_too_much_is_refused() -> None:
    """What an expression looks at is bounded in size and depth."""
    for much in ("x" * 70_000, [[]] * 70_000, {str(n): n for n in range(40_000)}):
        with pytest.raises(ExpressionFailed) as met:
            value("true", {"assertion": much})
        assert met.value.reason == "there is too much to look at"
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(ExpressionFailed):
        value("true", {"assertion": deep})


@pytest.mark.parametrize(
    "text",
    [
        "assertion.replace('', assertion)",
        "assertion.replace('a', assertion)",
        "[assertion, assertion, assertion].join(assertion)",
        "assertion.split('')",
    ],
)
def test_what_an_expression_makes_is_bounded(text: str) -> None:
    """No function makes more than a small multiple of what it was given."""
    with pytest.raises(ExpressionFailed):
        value(text, {"assertion": "a" * 60_000})


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|aa)*b", "(a|a)*$", "(.*)(.*)(.*)(.*)(.*)x", "(a?){400}a{400}", "([a-z]+)*!", "(a{100}){10}b"],
)
def test_no_pattern_is_catastrophic(pattern: str) -> None:
    """Patterns that make a backtracking engine run for years are answered at once."""
    began = time.perf_counter()
    value(f"assertion.matches('{pattern}')", {"assertion": "a" * 4000 + "c"})
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "body",
    [
        "!assertion.s.contains('nope' + x)",
        "assertion.l == assertion.l && assertion.l == assertion.l && assertion.l == assertion.l",
        "assertion.l + assertion.l + assertion.l != []",
        "[assertion.l, assertion.l, assertion.l, assertion.l, assertion.l, assertion.l] != []",
        "assertion == assertion && assertion == assertion && assertion == assertion",
        "!(('q' + x) in assertion.l) && !(x + 'q' in assertion.l)",
    ],
)
def test_the_worst_that_may_run_is_bounded(body: str) -> None:
    """The longest lists and texts, in bodies that look at all of them for each member, end within seconds."""
    length = 256 if "+" in body else 512
    token = {"assertion": {"l": ["x"] * length, "s": "no" * 4000}}
    began = time.perf_counter()
    for count in range(4, 0, -1):
        with contextlib.suppress(Misconfigured):
            assert value(" && ".join([f"assertion.l.all(x, {body})"] * count), token)
            break
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("pattern", [".{1000}", r"^\\pL{31}$", "[^a]{999}", "(?i)[a-z]{100}", "a"])
def test_searching_again_and_again_is_bounded(pattern: str) -> None:
    """Searches cost more the larger their pattern; those of one evaluation are bounded together."""
    began = time.perf_counter()
    with pytest.raises(ExpressionFailed) as met:
        value(f"assertion.split('').all(x, !x.matches('{pattern}b'))", {"assertion": "c" * 500})
    assert met.value.reason == "matches has searched enough for one evaluation"
    assert time.perf_counter() - began < 2
    assert value(f"[1, 2, 3].all(x, !'c'.matches('{pattern}b'))")


@pytest.mark.parametrize("macro", ["map(x, x + assertion.t + assertion.t)", "filter(x, true)", "map(x, assertion.t)"])
def test_lists_and_texts_that_grow_are_bounded(macro: str) -> None:
    """The library copies a list once for each of its members: only short ones are gone through, in little time."""
    began = time.perf_counter()
    for text in (f"assertion.s.split('').{macro}.size() == 256", f"assertion.l.{macro}.size() == 256"):
        longest = {"s": "a" * 256, "l": ["a"] * 256, "t": "b" * 8_000}
        assert value(text, {"assertion": longest})
        for longer in ({"s": "a" * 257, "l": []}, {"s": "", "l": ["a"] * 257}):
            with pytest.raises(ExpressionFailed) as met:
                value(f"assertion.s.split('').{macro}.size() == 256", {"assertion": longer | {"t": ""}})
            assert met.value.reason == "a macro goes through at most 256 members"
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    "text",
    [
        "assertion.l.all(x, size(assertion.l) > 0)",
        "assertion.l.all(x, size([[assertion.l]]) == 1)",
        "assertion.l.all(x, size(assertion.m) == 1)",
        "assertion.l.all(x, assertion.l.join(',').split(',') == assertion.l)",
    ],
)
def test_calling_again_and_again_is_bounded(text: str) -> None:
    """What passes between the library and our functions is copied: there is a bound on all of it together."""
    began = time.perf_counter()
    with pytest.raises(ExpressionFailed) as met:
        value(text, {"assertion": {"l": ["x"] * 512, "m": {"a": ["x"] * 512}, "t": "x" * 4000}})
    assert met.value.reason == "the functions have been called enough for one evaluation"
    assert time.perf_counter() - began < 3


def test_the_longest_chain_does_not_end_the_process() -> None:
    """The deepest expressions that are allowed run on a stack of a quarter of a megabyte."""
    script = """
import threading
from intaglio.server.access import expressions
chains = ["1" + "+1" * 79 + " == 80", "x" + ".a" * 79 + " == 1", "(" * 16 + "x" + ".a" * 62 + ")" * 16 + " == 1"]
def go():
    for text in chains:
        try:
            expressions.compile(text, limit=4096, variables=frozenset({"x"})).evaluate({"x": {}})
        except expressions.ExpressionFailed:
            pass
    print("done")
expressions.compile("1", limit=9, variables=frozenset())
threading.stack_size(256 * 1024)
thread = threading.Thread(target=go)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_compiled_once() -> None:
    """The same text over the same variables is compiled once; the memory of them is bounded."""
    first = expressions.compile("assertion.n == 1", limit=99, variables=NAMES)
    assert expressions.compile("assertion.n == 1", limit=50, variables=NAMES) is first
    assert expressions.compile("assertion.n == 1", limit=50, variables=frozenset({"assertion"})) is not first
    assert expressions._compiled.cache_info().maxsize == 1024
    assert repr(first) == "Expression('assertion.n == 1')"


def test_no_claim_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the fault nor the log holds a value of the token."""
    secret = {"assertion": {"sub": "s3cret-value", "n": 1}}
    with caplog.at_level(logging.DEBUG):
        for text in (
            "assertion.sub.substring(99)",
            "int(assertion.sub)",
            "assertion.sub + 1",
            "timestamp(assertion.sub)",
            "assertion.n.matches(assertion.sub)",
            "'a'.matches('[' + assertion.sub)",
            "{}[assertion.n]",
        ):
            with pytest.raises(ExpressionFailed) as met:
                value(text, secret)
            assert "s3cret" not in f"{met.value} {met.value.detail} {met.value.__cause__}"
            assert met.value.__suppress_context__
    assert "s3cret" not in caplog.text


@given(st.text(max_size=60) | st.text(alphabet="assertion.sub()[]{}'\"\\ &|!=?:+-*/,<>0123rb\n", max_size=60))
@settings(max_examples=400, deadline=None)
def test_no_text_brings_it_down(text: str) -> None:
    """Any text is refused, has no value, or has one; any other exception fails this test."""
    with contextlib.suppress(Misconfigured, ExpressionFailed):
        value(text)


QUESTION = Question(
    Principal("user", "1"),
    frozenset(),
    "p",
    "projects/acme/serviceAccounts/1",
    1_800_000_000,
    resource_type="iam.googleapis.com/ServiceAccount",
    resource_service="iam.googleapis.com",
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("request.time < timestamp('2027-01-15T08:00:01Z')", ""),
        ("resource.name.startsWith('projects/acme/')", ""),
        ("resource.type == 'iam.googleapis.com/ServiceAccount' && resource.service == 'iam.googleapis.com'", ""),
        (
            "request.time < timestamp('2027-01-15T08:00:00Z')",
            "the condition 't' is false: request.time < timestamp('2027-01-15T08:00:00Z')",
        ),
        ("'true'", "the condition 't' cannot be judged: the value is text, not true or false"),
        ("request.host == 'a'", "the condition 't' cannot be judged: of request there is only: request.time"),
        ("request == 1", "the condition 't' cannot be judged: of request there is only: request.time"),
        ("request.time() == 1", "the condition 't' cannot be judged: of request there is only: request.time"),
        ("resource.name.time() == 1", "the condition 't' cannot be judged: there is no function time"),
        ("(", "the condition 't' cannot be judged: this bracket is never closed"),
        ("true || " * 600 + "true", "the condition 't' cannot be judged: it is longer than 4096 characters"),
    ],
)
def test_judging_a_condition(text: str, why: str) -> None:
    """A condition holds if it is true; else there is a reason, also where it cannot be judged."""
    assert expressions.judge(Condition("t", text), QUESTION) == why


def test_the_library_is_imported_late_and_here_only() -> None:
    """Importing the module does not import the library; one that judges nothing does not need it."""
    script = "import sys; from intaglio.server.access import expressions; sys.exit('cel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_instants_are_values_too() -> None:
    """An instant of the server's is a timestamp in expressions."""
    at = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)
    assert value(
        "assertion.at.getDate() == 29 && assertion.at < timestamp('2024-03-01T00:00:00Z')", {"assertion": {"at": at}}
    )


def test_every_known_function_is_there() -> None:
    """Whatever the bounds let through as a function exists."""
    assert not bounds.THEIRS & bounds.OWN
    for name in bounds.KNOWN - macros.NAMES - {"has"}:
        with pytest.raises(ExpressionFailed) as met:
            value(f"{name}(null, null, null, null)")
        assert "variable" not in met.value.reason
