"""The wheel: what is in it, and what it brings along."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
import urllib.error
import urllib.request
import zipfile

import pytest

from tests import live
from tests.capability import capability
from tests.packaging.conftest import Environment

pytestmark = pytest.mark.slow

SERVER_PARTS = {"uvicorn", "uvloop", "httptools", "asyncpg", "argon2-cffi", "jinja2"}
TOKEN = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4IiwiZXhwIjoxfQ."


@capability("wheel", witness="pip in a clean environment")
def test_wheel_holds_everything_and_nothing_else(wheel: pathlib.Path) -> None:
    """Code, templates, static files, SQL, the typing marker and the licence; no tests and no documents."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"intaglio"}
    assert "intaglio/py.typed" in names
    for suffix in (".sql", ".html", ".css", ".svg"):
        assert any(name.endswith(suffix) for name in names), suffix
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("__pycache__" in name or name.endswith(".db") for name in names)


@capability("install-library", witness="pip in a clean environment")
def test_library_brings_no_part_of_the_server(library: Environment) -> None:
    """No framework, no driver, no template engine; and no more than a handful of distributions."""
    installed = library.distributions()
    assert SERVER_PARTS.isdisjoint(installed)
    assert len(installed) <= 16, installed


def test_library_has_the_token_commands(library: Environment) -> None:
    """`intaglio token inspect` works with the library alone."""
    ran = library.run("token", "inspect", stdin=TOKEN)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["payload"]["iss"] == "x"


def test_library_validates(library: Environment) -> None:
    """The library's front door opens with the library alone."""
    program = (
        "import intaglio\n"
        "v = intaglio.Validator(issuer='http://127.0.0.1:9', audience='web')\n"
        f"print(v.explain({TOKEN!r}).to_dict()['believed'])"
    )
    done = subprocess.run(
        [library.python, "-c", program], cwd=library.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "False\n", done.stderr


def test_library_names_what_a_server_command_lacks(library: Environment) -> None:
    """A command that needs the server says how to install it, without a stack trace."""
    ran = library.run("dev", "--memory")
    assert ran.returncode == 2
    assert "intaglio[server]" in ran.stderr
    assert "Traceback" not in ran.stderr


@capability("install-server", witness="pip in a clean environment")
def test_server_extra_brings_the_server(server: Environment) -> None:
    """`intaglio[server]` installs what the server needs, and it answers from an empty folder."""
    assert server.distributions() >= SERVER_PARTS
    port = live.free_ports()
    command = [str(server.folder / "bin" / "intaglio"), "dev", "--memory", "--port", str(port)]
    with subprocess.Popen(command, cwd=server.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert _status(f"http://127.0.0.1:{port}/", process) == 200
        finally:
            process.terminate()
            process.wait(15)


def _status(url: str, process: subprocess.Popen[bytes]) -> int:
    for _ in range(200):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")
