"""The source keeps its own rules."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from tests.architecture import rules
from tests.capability import capability

ROOT = rules.SOURCE.parent
MODULES = list(rules.modules())
LIBRARY = ("click", "cryptography", "httpx2", "joserfc", "msgspec")
WORKPLACE = ("/" + "work/", "/" + "tmp/")


def _rule(rule: rules.Rule) -> object:
    about_vendors = capability("vendor-words", witness="a search of every module, template and statement")
    marks = [about_vendors] if rule in (rules.vendor_words, rules.dialect_names) else []
    return pytest.param(rule, id=rule.__name__, marks=marks)


@pytest.mark.parametrize("rule", [_rule(rule) for rule in rules.MODULE_RULES])
def test_source_keeps_the_rule(rule: rules.Rule) -> None:
    """No module breaks the rule."""
    found = {name: broken for name, path in MODULES if (broken := rule(name, path.read_text(encoding="utf-8")))}
    assert found == {}


@capability("vendor-words", witness="a search of every module, template and statement")
def test_statements_pages_and_scripts_have_no_vendors_words() -> None:
    """What is no Python keeps to the same: SQL, templates, styles and scripts, but for what the inspector explains."""
    kinds = {".sql", ".html", ".css", ".js", ".svg"}
    texts = [path for path in (rules.SOURCE / "intaglio").rglob("*.*") if path.suffix in kinds]
    assert len(texts) > 40
    found = {
        path.name: words
        for path in texts
        if path.name not in {"data.js", "snippets.js"}
        and (words := rules.vendor_words("intaglio.server.web", path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_there_is_source_to_look_at() -> None:
    """The rules are not kept by looking at nothing."""
    assert len(MODULES) > 20


def test_every_package_has_a_sign() -> None:
    """Every folder with modules is a package whose docstring says what it owns."""
    packages = {path.parent for _, path in MODULES}
    found = {}
    for package in sorted(packages):
        name = ".".join(package.relative_to(rules.SOURCE).parts)
        init = package / "__init__.py"
        broken = rules.sign(name, init.read_text(encoding="utf-8")) if init.is_file() else ["no __init__.py"]
        if broken:
            found[name] = broken
    assert found == {}


@capability("import-contracts", witness="import-linter")
def test_import_contracts_are_kept() -> None:
    """import-linter finds no broken contract."""
    command = pathlib.Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [command, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_library_modules_load_no_server_part() -> None:
    """Importing the library's packages loads no framework, no database driver and no template engine."""
    names = [name for name, _ in MODULES if not rules.inside(name, "server", "cli", "__main__", "testing")]
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    server = {"uvicorn", "uvloop", "httptools", "jinja2", "asyncpg", "argon2", "sqlite3", "starlette"}
    assert server.isdisjoint(done.stdout.split())


def test_no_path_of_a_machine_is_written_down() -> None:
    """Neither source nor documents name a folder of the machine they were written on."""
    files = [path for _, path in MODULES]
    files += [path for folder in ("docs", "scripts", "requirements") for path in (ROOT / folder).rglob("*.*")]
    texts = [path for path in files if path.suffix in {".py", ".md", ".sh", ".txt", ".toml", ".sql"}]
    found = [str(path) for path in texts if any(word in path.read_text(encoding="utf-8") for word in WORKPLACE)]
    assert found == []


def test_locks_hold_versions_and_hashes_and_no_address() -> None:
    """Each line of a lock is a pinned version or a hash."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        for line in lock.read_text(encoding="utf-8").splitlines():
            assert "://" not in line
            assert line.lstrip().startswith("--hash=sha256:") or "==" in line, line
