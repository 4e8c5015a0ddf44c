"""What goes with every command: `-q`, `--no-input`, `--no-color` and NO_COLOR; and questions before what is final."""

from __future__ import annotations

import io
import sys

import click
import pytest

from intaglio.cli import asking, faults, main, manners
from intaglio.cli.faults import Exit
from intaglio.errors import Misconfigured
from tests.capability import capability
from tests.cli.conftest import Run


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that somebody sits there."""
        return True


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    manners.reset()
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


def every_command(
    group: click.Group | None = None, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    """Return every command with the words that lead to it."""
    group = group or main.group
    context, found = click.Context(group), []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += every_command(command, (*path, name))
    return found


def test_every_command_takes_them() -> None:
    """There is no command that would refuse one of the options that go with all."""
    for path, command in every_command():
        names = [name for parameter in command.params for name in parameter.opts]
        assert {"-q", "--quiet", "--no-input", "--no-color"} <= set(names), path
        assert len(names) == len(set(names)), path


@capability("cli-manners", witness="stderr")
@pytest.mark.parametrize("before", [True, False], ids=["before the command", "behind it"])
def test_quiet_leaves_words_out_but_no_error(database: Run, *, before: bool) -> None:
    """`-q` leaves out what was done, wherever it stands; errors are told."""

    def call(*words: str) -> tuple[int, str]:
        ran = database("-q", *words) if before else database(*words, "--quiet")
        return ran.code, ran.err

    assert call("tenant", "create", "acme") == (Exit.OK, "")
    code, words = call("tenant", "create", "acme")
    assert code == Exit.CONFLICT
    assert words.startswith("error: ")
    assert "Created" in database("tenant", "create", "other").err


def test_no_input_never_asks(database: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--no-input` a terminal is not asked: neither for a secret nor for a yes."""
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    assert manners.may_ask()
    database("tenant", "create", "default")
    ran = database("user", "create", "ada", "--no-input")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "secret-missing" in ran.err


def test_without_a_terminal_nothing_final_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked, `--yes` is needed: a yes on a pipe is none."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(Misconfigured) as refused:
        asking.sure("Really?", yes=False)
    assert refused.value.code == "confirmation-missing"
    assert "--yes" in refused.value.hint
    asking.sure("Really?", yes=True)
    asking.name_again("Really?", "acme", yes=True)


@pytest.mark.parametrize(("typed", "done"), [("acme\n", True), ("other\n", False), ("\n", False), ("y\n", False)])
def test_name_is_typed_again(monkeypatch: pytest.MonkeyPatch, typed: str, *, done: bool) -> None:
    """What is lost for ever is done only for its name, typed again."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    if done:
        asking.name_again("Delete it?", "acme", yes=False)
        return
    with pytest.raises(Misconfigured) as refused:
        asking.name_again("Delete it?", "acme", yes=False)
    assert refused.value.code == "confirmation-wrong"


def test_colours_only_on_a_terminal_that_wants_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is coloured on a terminal, and nowhere else; NO_COLOR, TERM=dumb and `--no-color` say no."""

    def told(*options: str) -> str:
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        assert main.main([*options, "completion", "tcsh"]) == Exit.USAGE
        return terminal.getvalue()

    assert "\x1b[31m" in told()
    assert "\x1b" not in told("--no-color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in told()
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in told()
    monkeypatch.undo()
    assert "\x1b" not in run("completion", "tcsh").err


def test_words_behind_the_colour_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first word is coloured; without colours the line is what was written."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    faults.insist("warning: look: here")
    faults.insist("words: as they are")
    assert click.unstyle(terminal.getvalue()) == "warning: look: here\nwords: as they are\n"
    assert terminal.getvalue().count("\x1b[33m") == 1
