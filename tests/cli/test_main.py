"""The entry point: help, errors, exit codes, formats, and what it costs."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from intaglio.cli import faults, main, output
from intaglio.cli.faults import Exit
from intaglio.errors import Denied, IntaglioError, Misconfigured, Refused, Unavailable
from intaglio.tokens import jwk, jws
from tests import live
from tests.capability import capability
from tests.cli.conftest import Run

UNSIGNED = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4IiwiZXhwIjoxfQ."
COMMAND = [sys.executable, "-m", "intaglio"]
ISSUER, AUDIENCE = "https://id.example.com", "web"


@capability("cli-exit-codes", witness="the exit code")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("signature-invalid"), 3),
        (Refused("token-expired"), 4),
        (Refused("key-unknown"), 3),
        (Refused("keys-unavailable"), 9),
        (Denied(), 6),
        (Misconfigured("tenant-unknown"), 7),
        (Misconfigured("tenant-exists"), 8),
        (Misconfigured("value-unknown"), 2),
        (Misconfigured(), 2),
        (Unavailable(), 9),
        (IntaglioError(), 1),
    ],
    ids=str,
)
def test_error_has_its_exit_code(error: IntaglioError, code: int) -> None:
    """What happened is told by the exit code."""
    assert faults.code_of(error) == code


def test_unknown_command_names_the_closest(run: Run) -> None:
    """A slip of the finger is met with the command that was meant."""
    ran = run("tokne")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "'token'" in ran.err


def test_unknown_option_is_a_usage_error(run: Run) -> None:
    """An unknown option is a usage error on stderr."""
    ran = run("token", "inspect", "--verbose")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "token inspect --help" in ran.err


@capability("version", witness="stdout")
def test_version_is_told(run: Run) -> None:
    """`--version` prints name and version."""
    assert run("--version").out.startswith("intaglio 0.")


def test_every_command_has_the_line_of_the_table() -> None:
    """The line that the lazy group shows is the first sentence of the command's own help."""
    context = click.Context(main.group)
    for name, (_, line) in main.COMMANDS.items():
        command = main.group.get_command(context, name)
        assert command is not None
        assert (command.help or "").partition("\n")[0] == line


@capability("cli-help-speed", witness="a clock around the process")
def test_help_is_quick() -> None:
    """The best of five runs of `--help` is under 200 ms, the interpreter's own start included."""
    best = 9.0
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([*COMMAND, "--help"], check=True, capture_output=True, timeout=20)
        best = min(best, time.perf_counter() - began)
    assert best < 0.2


def test_help_loads_nothing_heavy() -> None:
    """`--help` loads click and no library of ours, no event loop and no cryptography."""
    program = "import sys\nfrom intaglio.cli import main\nmain.main(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=20)
    heavy = {"asyncio", "cryptography", "msgspec", "httpx2", "joserfc", "jinja2", "uvicorn", "argon2", "sqlite3", "ssl"}
    assert heavy.isdisjoint(done.stderr.split())


@capability("cli-token-inspect", witness="exit code and JSON on stdout")
def test_inspect_shows_what_is_inside_and_believes_nothing(run: Run) -> None:
    """Data is on stdout, the warning on stderr."""
    ran = run("token", "inspect", UNSIGNED)
    assert ran.code == Exit.OK
    assert json.loads(ran.out)["payload"] == {"iss": "x", "exp": 1}
    assert "Nothing was checked" in ran.err
    assert "not signed" in ran.err


def test_inspect_reads_stdin(run: Run) -> None:
    """Without an argument, and with `-`, the token comes from stdin; a leading Bearer is left out."""
    assert run("token", "inspect", stdin=UNSIGNED).out == run("token", "inspect", "-", stdin=UNSIGNED).out
    assert json.loads(run("token", "inspect", stdin=f"Bearer {UNSIGNED}\n").out)["payload"]["iss"] == "x"


def test_inspect_table_shows_instants_as_time(run: Run) -> None:
    """In a table, an instant is told as a date."""
    assert "1970-01-01T00:00:01Z" in run("token", "inspect", "-o", "table", UNSIGNED).out


def signed(folder: pathlib.Path, **claims: object) -> tuple[str, str]:
    """Return a token by a new key, and the file of its key set."""
    key = jwk.generate("ES256")
    now = int(time.time())
    payload = {"iss": ISSUER, "sub": "1", "aud": AUDIENCE, "iat": now - 10, "exp": now + 60} | claims
    token = jws.sign(key, {"kid": "k"}, json.dumps(payload, separators=(",", ":")).encode())
    public = {**jwk.public_members(key.public()), "kid": "k", "alg": "ES256", "use": "sig"}
    file = folder / "jwks.json"
    file.write_text(json.dumps({"keys": [public]}), encoding="utf-8")
    return token, str(file)


def options(jwks: str, audience: str = AUDIENCE) -> list[str]:
    """Return the options of `token verify`."""
    return ["--issuer", ISSUER, "--audience", audience, "--jwks", jwks]


@capability("cli-token-verify", witness="exit code and JSON on stdout")
def test_verify_believes_a_good_token(run: Run, tmp_path: pathlib.Path) -> None:
    """Every check is listed, and the claims are those of the token."""
    token, jwks = signed(tmp_path)
    ran = run("token", "verify", token, *options(jwks))
    assert ran.code == Exit.OK, ran.err
    report = json.loads(ran.out)
    assert report["believed"] is True
    assert report["claims"]["sub"] == "1"
    assert len(report["checks"]) > 5


def test_verify_refuses_another_audience(run: Run, tmp_path: pathlib.Path) -> None:
    """Expected and received are told, and no claim is repeated."""
    token, jwks = signed(tmp_path)
    ran = run("token", "verify", token, *options(jwks, "other"))
    assert ran.code == Exit.TOKEN_INVALID
    report = json.loads(ran.out)
    assert report["claims"] is None
    (failed,) = [check for check in report["checks"] if check["outcome"] == "fail"]
    assert "other" in failed["expected"]
    assert AUDIENCE in failed["received"]


def test_verify_tells_an_expired_token_apart(run: Run, tmp_path: pathlib.Path) -> None:
    """Only expired is 4; expired and for somebody else is 3."""
    token, jwks = signed(tmp_path, iat=1_000_000_000, exp=1_000_000_100)
    assert run("token", "verify", token, *options(jwks)).code == Exit.TOKEN_EXPIRED
    assert run("token", "verify", token, *options(jwks, "other")).code == Exit.TOKEN_INVALID


def test_verify_refuses_a_forged_signature(run: Run, tmp_path: pathlib.Path) -> None:
    """A token by another key is refused."""
    token, _ = signed(tmp_path)
    _, jwks = signed(tmp_path)
    assert run("token", "verify", token, *options(jwks)).code == Exit.TOKEN_INVALID


def test_verify_of_an_issuer_that_is_not_there(run: Run, tmp_path: pathlib.Path) -> None:
    """An issuer that cannot be reached is 9, not a bad token."""
    token, _ = signed(tmp_path)
    ran = run("token", "verify", token, "--issuer", "http://127.0.0.1:9", "--audience", AUDIENCE)
    assert ran.code in {Exit.UNREACHABLE, Exit.TOKEN_INVALID}
    assert ran.code == Exit.UNREACHABLE, ran.out


def test_config_show_hides_secrets(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Secrets are shown as being set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTAGLIO_KEYS__MASTER_KEY", live.MASTER_KEY)
    monkeypatch.setenv("INTAGLIO_DATABASE__URL", "postgresql://u:canary@h/d")
    ran = run("config", "show")
    assert "canary" not in ran.out + ran.err
    assert live.MASTER_KEY not in ran.out + ran.err
    rows = {row["key"]: row for row in json.loads(ran.out)}
    assert rows["keys.master_key"]["value"] == "(set)"
    assert rows["keys.master_key"]["where"] == "INTAGLIO_KEYS__MASTER_KEY"


def test_config_check_lists_every_fault(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Nothing configured is three faults, on stderr."""
    monkeypatch.chdir(tmp_path)
    ran = run("config", "check")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert ran.err.count("  - ") == 3


def test_closed_pipe_is_no_error() -> None:
    """Whoever stops reading causes no stack trace."""
    with subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_command_whose_reader_left_succeeds() -> None:
    """A reader that has had enough (`… | head -1`) is no failure of the command."""
    with subprocess.Popen([*COMMAND, "completion", "bash"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == Exit.OK


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
        max_leaves=12,
    )
)
def test_yaml_reads_back(value: object) -> None:
    """What is written as YAML is read back the same by another implementation."""
    assert yaml.safe_load(output.yaml(value)) == value


def test_table_escapes_control_characters() -> None:
    """Data cannot drive the terminal or turn the direction of writing."""
    shown = output.table([{"name": "a\x1b[31mb\u202ec\nd"}], ("name",))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown.splitlines()) == 2
