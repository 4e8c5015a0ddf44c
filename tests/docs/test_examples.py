"""Every command in README, tutorials and how-tos is run as it stands, against a server in development mode."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import live
from tests.capability import capability

ROOT = pathlib.Path(__file__).parent.parent.parent
BIN = pathlib.Path(sys.executable).parent
BLOCK = re.compile(r"^```sh run\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Development:
    """A server in development mode, and a folder for each page whose commands are run against it."""

    def __init__(self, folder: pathlib.Path, running: live.Dev) -> None:
        self.folder = folder
        self.running = running
        # For the how-to that starts a server of its own.
        self.spare = live.free_ports()

    def place(self, name: str) -> pathlib.Path:
        """Return a folder of a page's own, in which ./var is the server's."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "var").symlink_to(self.running.directory / "var")
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
            script = re.sub(rf"\b{8080 + offset}\b", str(self.running.port + offset), script)
        script = re.sub(r"\b8090\b", str(self.spare), script)
        environment = live.environment()
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
    for running in live.serve(tmp_path_factory.mktemp("dev")):
        yield Development(tmp_path_factory.mktemp("pages"), running)


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


@capability("encryption-demanded", witness="bash")
def test_commands_of_encrypting_run(development: Development) -> None:
    """Each command of the how-to does what it says."""
    ran = development.run("docs/howto/encrypt.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"encrypt_id_token": "always"' in ran.stdout
    assert '"userinfo_encrypted_response_alg": "ECDH-ES+A256KW"' in ran.stdout


@capability("initial-access-token", witness="bash and curl")
@capability("registration-management", witness="bash and curl")
@capability("secrets-several", witness="bash and curl")
def test_commands_of_registering_run(development: Development) -> None:
    """Each command of the how-to does what it says: a client registers itself, is managed and deleted."""
    ran = development.run("docs/howto/register.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"secret_id"' in ran.stdout


@capability("device-authorization", witness="bash and curl")
def test_commands_of_connecting_devices_run(development: Development) -> None:
    """Each command of the how-to does what it says: a device's client is made, asks, and is told to wait."""
    ran = development.run("docs/howto/devices.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "and type " in ran.stdout


@capability("prompt-create", witness="bash")
def test_commands_of_opening_sign_up_run(development: Development) -> None:
    """Each command of the how-to does what it says: sign-up is opened and closed."""
    ran = development.run("docs/howto/pages.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@capability("logout-backchannel", witness="bash")
def test_commands_of_signing_out_run(development: Development) -> None:
    """Each command of the how-to does what it says: an application is told, and a tenant lets pages watch."""
    ran = development.run("docs/howto/logout.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"session_management": true' in ran.stdout


@capability("token-preview", witness="bash")
def test_commands_of_previewing_run(development: Development) -> None:
    """Each command of the how-to does what it says: rules for each claim, a claim by name, a refusal."""
    ran = development.run("docs/howto/preview.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "claims parameter, essential (email)" in ran.stdout
    assert "unauthorized_client" in ran.stderr


@capability("serve", witness="bash and curl")
def test_commands_of_serving_run(development: Development) -> None:
    """Each command of the how-to does what it says: an issuer is configured, filled and started."""
    ran = development.run("docs/howto/serve.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f'"issuer":"http://localhost:{development.spare}/acme"' in ran.stdout.replace('": "', '":"')


@capability("serve-refuses-seeds", witness="the exit code of serve")
def test_serve_refuses_the_database_of_development(development: Development) -> None:
    """`serve` does not start over a database that holds the seeded secrets."""
    environment = live.environment() | {
        "INTAGLIO_DATABASE__URL": "sqlite:///var/intaglio.db",
        "INTAGLIO_KEYS__MASTER_KEY_FILE": "var/master.key",
        "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{development.spare}",
        "INTAGLIO_STANDARD__BASE_URL": f"http://localhost:{development.spare}",
    }
    command = live.command("serve")
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
