"""`make mutate`: change the validation a little, many times, and see whether a test notices.

Two kinds of change. mutmut alters the functions, one expression at a time. The rules, though, are data, which it leaves
alone: for those this script takes each rule out of each dialect in turn, and alters each setting. What no test notices
is a survivor, and is listed. The work is done on a copy; the sources stay as they are.

`--only judges,bindings` names modules of `validate`; `--tests` what is to notice; `--floor` the least share that is to
be noticed, in per cent.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = Path("src/intaglio/validate")
TABLES = "src/intaglio/dialects/*/rules.py"
TESTS = "tests/validate"
FLOOR = 90
COPIED = ("src", "tests", "docs", "scripts", "benchmarks", "pyproject.toml", "README.md")
MUTMUT = """
[tool.mutmut]
source_paths = ["src/intaglio/"]
only_mutate = {modules}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:randomly"]
pytest_add_cli_args_test_selection = {tests}
also_copy = ["tests", "docs", "scripts", "benchmarks", "README.md"]
"""
SHOW = """
import sys
from mutmut.__main__ import get_diff_for_mutant
for name in sys.argv[1:]:
    print("\\0" + name)
    print(get_diff_for_mutant(name))
"""


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, flush=True)


def copy(into: Path) -> Path:
    """Return a copy of what the tests need."""
    for name in COPIED:
        source, target = ROOT / name, into / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        elif source.exists():
            shutil.copy(source, target)
    return into


def run(command: list[str], folder: Path, seconds: int) -> subprocess.CompletedProcess[str]:
    """Run a command that sees the copy's package before the installed one."""
    more = {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=os.environ | more, capture_output=True, text=True, timeout=seconds, check=False
    )


# The functions, by mutmut.


def functions(folder: Path, modules: list[str], tests: list[str], options: argparse.Namespace) -> tuple[int, list[str]]:
    """Return how many changes of functions there were, and those that nobody noticed."""
    chosen = [str(PACKAGE / f"{name}.py") for name in modules]
    config = folder / "pyproject.toml"
    config.write_text(config.read_text() + MUTMUT.format(modules=json.dumps(chosen), tests=json.dumps(tests)))
    mutmut = [sys.executable, "-m", "mutmut"]
    wanted = [f"intaglio.validate.{name}.x_{options.function}__mutmut_*" for name in modules if options.function]
    done = run([*mutmut, "run", "--max-children", str(options.jobs), *wanted], folder, options.seconds)
    run([*mutmut, "export-cicd-stats"], folder, 60)
    figures = folder / "mutants" / "mutmut-cicd-stats.json"
    if done.returncode or not figures.exists():
        raise SystemExit(f"mutmut ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    told = json.loads(figures.read_text())
    total = sum(int(told[name]) for name in ("killed", "survived", "no_tests", "suspicious", "timeout", "segfault"))
    listed = run([*mutmut, "results"], folder, 60).stdout.splitlines()
    # A change that makes the tests hang was noticed.
    names = [line.strip().partition(":")[0] for line in listed if line.strip().endswith(("survived", "no tests"))]
    # One process shows them all: each start of mutmut takes a second.
    shown = run([sys.executable, "-c", SHOW, *names], folder, 600).stdout.split("\0")[1:]
    return total, [_shortened(one) for one in shown] if len(shown) == len(names) else names


def _shortened(shown: str) -> str:
    name, *lines = shown.strip().splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("---", "+++")]
    return "\n".join([name, *(f"    {line}" for line in changed)])


# The rules, which are data.


def _replaced(source: str, node: ast.expr, text: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    begin = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    octets = source.encode()
    return (octets[:begin] + text.encode() + octets[end:]).decode()


def _altered(value: ast.expr) -> str | None:
    if isinstance(value, ast.Constant):
        if isinstance(value.value, bool):
            return repr(not value.value)
        return repr(value.value + 1) if isinstance(value.value, int) else "'altered'"
    return "()" if isinstance(value, ast.Tuple) else "[]" if isinstance(value, ast.List) else None


def changes(source: str) -> Iterator[tuple[str, str]]:
    """Yield what is changed in a table of rules, and its whole text after that."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Name) and call.func.id in ("Rule", "RuleSet")):
            continue
        given = {word.arg: word.value for word in call.keywords}
        name = given.get("name")
        label = str(name.value) if isinstance(name, ast.Constant) else call.func.id
        if isinstance(rules := given.get("rules"), ast.Tuple):
            for rule in rules.elts:
                left = ast.unparse(ast.Tuple([one for one in rules.elts if one is not rule], ast.Load()))
                yield f"{label}: without {_called(rule)}", _replaced(source, rules, left)
        if isinstance(settings := given.get("settings"), ast.Dict):
            for key, value in zip(settings.keys, settings.values, strict=True):
                if key is not None and (text := _altered(value)) is not None:
                    yield f"{label}: {ast.unparse(key)} is {text}", _replaced(source, value, text)
        for word in ("leeway", "algorithms", "bare_issuer", "placeholder", "tenant_claim"):
            if word in given and (text := _altered(given[word])) is not None:
                yield f"{label}: {word} is {text}", _replaced(source, given[word], text)


def _called(rule: ast.expr) -> str:
    named = [word.value for word in getattr(rule, "keywords", []) if word.arg == "name"]
    return ast.unparse(named[0] if named else rule)


def tables(folder: Path, tests: list[str], dialect: str) -> tuple[int, list[str]]:
    """Return how many changes of rules there were, and those that nobody noticed."""
    survivors: list[str] = []
    total = 0
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=no", *tests]
    first = run(command, folder, 600)
    if first.returncode:
        raise SystemExit(f"the tests fail before anything is changed:\n{first.stdout[-1000:]}")
    every = (folder / PACKAGE / "standard.py", *sorted(folder.glob(TABLES)))
    for path in [path for path in every if dialect in ("", path.stem, path.parent.name)]:
        source = path.read_text()
        for label, text in changes(source):
            total += 1
            path.write_text(text)
            if run(command, folder, 600).returncode == 0:
                survivors.append(f"{path.relative_to(folder)}: {label}")
                say(f"  survived: {survivors[-1]}")
        path.write_text(source)
    return total, survivors


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="modules of validate, with commas between; without it all")
    parser.add_argument("--function", default="", help="this function of theirs alone")
    parser.add_argument("--tests", action="append", default=[], help=f"tests that are to notice; {TESTS} if not given")
    parser.add_argument("--floor", type=int, default=FLOOR, help="the least share of noticed changes, in per cent")
    parser.add_argument("--seconds", type=int, default=5400, help="the most that mutmut may take")
    parser.add_argument("--jobs", type=int, default=2, help="changes of functions that are tried at the same time")
    parser.add_argument("--dialect", default="", help="the rules of this dialect alone")
    parser.add_argument("--no-rules", action="store_true", help="leave the rules as they are")
    parser.add_argument("--no-functions", action="store_true", help="leave the functions as they are")
    return parser.parse_args()


def main() -> int:
    """Change, test, list what survived; 1 if fewer were noticed than the floor demands."""
    options = _options()
    every = sorted(path.stem for path in (ROOT / PACKAGE).glob("*.py") if path.stem not in ("__init__", "standard"))
    modules, tests = options.only.split(",") if options.only else every, options.tests or [TESTS]
    if unknown := set(modules) - set(every):
        say(f"no such module: {', '.join(sorted(unknown))}; one of: {', '.join(every)}")
        return 2
    total, survivors, began = 0, [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutate-") as made:
        folder = copy(Path(made))
        if not options.no_functions:
            say(f"functions of {', '.join(modules)} …")
            number, left = functions(folder, modules, tests, options)
            total, survivors = total + number, survivors + left
            say(
                "\n".join([f"  {number - len(left)} of {number} were noticed", *(f"  survived: {one}" for one in left)])
            )
        if not options.no_rules:
            say("rules of every dialect …")
            number, left = tables(folder, tests, options.dialect)
            total, survivors = total + number, survivors + left
    noticed = 100 * (total - len(survivors)) / max(1, total)
    good, spent = total - len(survivors), round(time.monotonic() - began)
    say(f"{good} of {total} changes were noticed ({noticed:.1f} %, floor {options.floor} %) in {spent} s")
    return 0 if total and noticed >= options.floor else 1


if __name__ == "__main__":
    sys.exit(main())
