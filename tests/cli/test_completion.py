"""Completion: the scripts of four shells, what they ask for, and bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from intaglio.cli import main
from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

SHELLS = ("bash", "zsh", "fish", "powershell")
PROGRAM = '#!/bin/sh\nexec {python} -m intaglio "$@"\n'


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which `intaglio` is a program."""
    folder = tmp_path_factory.mktemp("bin")
    file = folder / "intaglio"
    file.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    file.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("shell", SHELLS)
def test_script_names_the_command(run: Run, shell: str) -> None:
    """The script of each shell is printed, with the name by which it asks for words."""
    ran = run("completion", shell)
    assert ran.code == Exit.OK
    assert "_INTAGLIO_COMPLETE" in ran.out
    assert f"{shell}_complete" in ran.out


def test_unknown_shell_is_a_usage_error(run: Run) -> None:
    """A shell that is not known is refused, and the known ones are named."""
    ran = run("completion", "tcsh")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert all(shell in ran.err for shell in SHELLS)


@capability("cli-completion", witness="bash")
def test_bash_completes_commands_and_options(program: dict[str, str]) -> None:
    """Bash itself, with the script evaluated, completes a command, one below it and an option."""
    script = """
    eval "$(intaglio completion bash)"
    complete_line() {
        COMP_WORDS=($1); [[ $1 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMPREPLY=(); _intaglio_completion intaglio; echo "${COMPREPLY[*]}"
    }
    complete_line 'intaglio ten'
    complete_line 'intaglio user dis'
    complete_line 'intaglio user list --lim'
    complete_line 'intaglio user list -o '
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=program, timeout=60, check=True)
    assert done.stdout.splitlines() == ["tenant", "disable", "--limit", "table json yaml value"]


ZSH = """
compdef() { : }
_describe() { print -rl -- ${(P)3%%:*} }
compadd() { : }
eval "$(intaglio completion zsh)"
words=(intaglio user dis); CURRENT=3; _intaglio_completion
"""
FISH = """
intaglio completion fish | source
complete -C "intaglio user dis" | string split -f 1 \\t
"""
POWERSHELL = """
intaglio completion powershell | Out-String | Invoke-Expression
(TabExpansion2 "intaglio user dis" 17).CompletionMatches.CompletionText
"""


@pytest.mark.parametrize(
    ("shell", "options", "script"),
    [("zsh", ["-f", "-c"], ZSH), ("fish", ["--no-config", "-c"], FISH), ("pwsh", ["-NoProfile", "-c"], POWERSHELL)],
    ids=["zsh", "fish", "powershell"],
)
def test_other_shells_complete(program: dict[str, str], shell: str, options: list[str], script: str) -> None:
    """The shell itself, with the script evaluated, completes a command; skipped where it is not installed."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [found, *options, script], capture_output=True, text=True, env=program, timeout=60, check=False
    )
    assert done.stdout.split() == ["disable"], done.stderr


def words(instruction: str, line: str, index: int) -> list[str]:
    """Return what the program answers a shell that completes a line."""
    asked = {**os.environ, "_INTAGLIO_COMPLETE": instruction, "COMP_WORDS": line, "COMP_CWORD": str(index)}
    command = [sys.executable, "-X", "importtime", "-m", "intaglio"]
    done = subprocess.run(command, capture_output=True, text=True, env=asked, timeout=20, check=False)
    assert done.returncode == 0
    assert "msgspec" not in done.stderr
    return done.stdout.splitlines()


def test_commands_are_completed_without_loading_them() -> None:
    """All commands are offered with their line of help, and none of them is imported for it."""
    lines = words("zsh_complete", "intaglio ", 1)
    assert lines[1::3] == list(main.COMMANDS)
    assert lines[2::3] == [line for _, line in main.COMMANDS.values()]


def test_powershell_is_answered() -> None:
    """PowerShell is told the kind, the word and its help, a line each."""
    assert words("powershell_complete", "intaglio compl", 1)[:2] == ["plain", "completion"]
