"""No secret on the command line: every user of a machine can read the arguments of every program."""

from __future__ import annotations

import re

import click
import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run
from tests.cli.test_manners import every_command

WORDS = re.compile(r"secret|passw|key|token|credential|pin|private|seed|assertion|cookie|bearer|code|auth")
NAMES_A_FILE = re.compile(r"-file$")
OPEN = {
    "--assertion-audience": "an address",
    "--authority": "an address",
    "--authorized-party": "a client_id",
    "--forward-auth": "an address to listen at",
    "key_id": "the public name of a key",
    "secret_id": "the beginning of a keyed hash, which `list` shows",
    "token_id": "the public name of an initial access token",
    "token": "a token to look at: also @FILE, - and stdin",
    "--token": "the name of a file with a token, - for stdin",
}
"""What sounds like a secret and is none, with the reason."""


def takes_text(parameter: click.Parameter) -> bool:
    """Return whether whatever stands behind an option or as an argument could be a secret."""
    if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.metavar == "FILE"):
        return False
    return not isinstance(parameter.type, click.Choice | click.Path | click.File) and (
        parameter.type.name in {"text", "password", "filename"} or isinstance(parameter.type, click.types.FuncParamType)
    )


@capability("cli-no-secret-argv", witness="a walk over all options of all commands")
def test_no_option_takes_a_secret() -> None:
    """Whatever sounds like a secret names a file (`-` for stdin), or is known to be none."""
    seen = set()
    for path, command in every_command():
        for parameter in command.params:
            for name in (one for one in parameter.opts if WORDS.search(one) and takes_text(parameter)):
                seen.add(name)
                assert NAMES_A_FILE.search(name) or name in OPEN, f"{' '.join(path)} {name}"
    assert set(OPEN) <= seen, "OPEN names something that is not there any more"
    assert {"--password-file", "--secret-file", "--client-secret-file"} <= seen


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("user", "create", "ada", "--password", "canary"), id="password"),
        pytest.param(("client", "create", "Web", "--secret", "canary"), id="client secret"),
        pytest.param(("client", "secret", "add", "web", "--secret", "canary"), id="another client secret"),
        pytest.param(("connection", "create", "up", "--client-secret", "canary"), id="a connection's secret"),
    ],
)
def test_a_secret_behind_an_option_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    """The short name of the option that reads a file does not stand for it, and what was given is not repeated."""
    ran = run(*arguments)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "canary" not in ran.err
