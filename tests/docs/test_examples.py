"""Every command in README, tutorials and how-tos is run as it stands, against a server in development mode."""

from __future__ import annotations

import os
import pathlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.capability import capability

ROOT = pathlib.Path(__file__).parent.parent.parent
BIN = pathlib.Path(sys.executable).parent
BLOCK = re.compile(r"^```sh run\n(.*?)^```", re.MULTILINE | re.DOTALL)


def free_ports(count: int) -> int:
    """Return the first of `count` neighbouring ports that are free on both loopback addresses."""
    for first in range(20_000 + os.getpid() % 5000, 60_000, count):
        try:
            for port in range(first, first + count):
                for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                    with socket.socket(family) as probe:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        probe.bind((host, port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


class Development:
    """A server in development mode, in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.port = free_ports(6)
        log = (folder / "dev.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "intaglio", "dev", "--port", str(self.port)],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        log.close()

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(200):
            assert self.process.poll() is None, (self.folder / "dev.log").read_text(encoding="utf-8")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("intaglio dev did not answer")

    def place(self, name: str) -> pathlib.Path:
        """Return a folder of a page's own, in which ./var is the server's."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "var").symlink_to(self.folder / "var")
        return folder

    def _stand_in(self) -> pathlib.Path:
        """Return a folder with an `intaglio` for environments in which the project is not installed, only found."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        command = folder / "intaglio"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m intaglio "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        return folder

    def run(self, page: str) -> subprocess.CompletedProcess[str]:
        """Run every block of a page in one shell, in order, with the ports of this server."""
        blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
        assert blocks, f"{page} has no block to run"
        script = "\n".join(blocks).replace("docs/tutorials/", f"{ROOT}/docs/tutorials/")
        for offset in range(5):
            script = re.sub(rf"\b{8080 + offset}\b", str(self.port + offset), script)
        script = re.sub(r"\b8090\b", str(self.port + 5), script)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INTAGLIO_")}
        environment["PATH"] = f"{BIN}:{environment['PATH']}:{self._stand_in()}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.place(pathlib.Path(page).stem),
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """Start a server in development mode and stop it at the end."""
    server = Development(tmp_path_factory.mktemp("dev"))
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(15)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


@capability("readme", witness="bash and curl")
def test_commands_of_the_readme_run(development: Development) -> None:
    """Each command of the README does what it says."""
    ran = development.run("README.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"access_token"' in ran.stdout
    assert '"believed": true' in ran.stdout


@capability("tutorial", witness="bash and curl")
def test_commands_of_the_tutorial_run(development: Development) -> None:
    """Each command of the tutorial does what it says."""
    ran = development.run("docs/tutorials/first-token.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count('"believed": true') == 1
    assert ran.stdout.count('"believed": false') == 2


@capability("howto-first-client", witness="bash and curl")
def test_commands_of_the_first_client_run(development: Development) -> None:
    """Each command of the how-to does what it says."""
    ran = development.run("docs/howto/first-client.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"access_token"' in ran.stdout
    assert ran.stderr.count("redirect-uri-invalid") == 2


@capability("serve", witness="bash and curl")
def test_commands_of_serving_run(development: Development) -> None:
    """Each command of the how-to does what it says: an issuer is configured, filled and started."""
    ran = development.run("docs/howto/serve.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f'"issuer":"http://localhost:{development.port + 5}/acme"' in ran.stdout.replace('": "', '":"')


@capability("serve-refuses-seeds", witness="the exit code of serve")
def test_serve_refuses_the_database_of_development(development: Development) -> None:
    """`serve` does not start over a database that holds the seeded secrets."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INTAGLIO_")},
        "INTAGLIO_DATABASE__URL": "sqlite:///var/intaglio.db",
        "INTAGLIO_KEYS__MASTER_KEY_FILE": "var/master.key",
        "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{development.port + 5}",
        "INTAGLIO_STANDARD__BASE_URL": f"http://localhost:{development.port + 5}",
    }
    command = [sys.executable, "-m", "intaglio", "serve"]
    place = development.place("refused")
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2, done.stderr
    assert "development-database" in done.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/tutorials/first-token.md", "docs/howto/first-client.md"])
def test_commands_of_a_page_are_run(page: str) -> None:
    """A shell block that names our command or curl is one that the tests run; only `make` and `export` stay outside."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert re.match(r"(make|export) ", block), block
