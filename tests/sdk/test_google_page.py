"""The samples of Google's page, as they stand there, against our metadata server and our APIs under Google's names."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

from tests import live
from tests.capability import capability
from tests.sdk import cells, official, samples
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
AUDIENCE = "http://www.example.com"
DONE = "Generated ID token."


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_only_white_space_is_added(name: str) -> None:
    """A sample that is run is the page's text, but for ends of lines and indentation."""
    assert samples.squeezed(samples.restored(name)) == samples.squeezed(samples.raw(name))


@cells.cell("page")
@capability("official-page", witness="curl")
def test_curl(google: World) -> None:
    """The line for curl prints a token for the audience that was put in."""
    script = samples.restored("curl").replace("AUDIENCE", AUDIENCE)
    done = google.inside.run(["bash", "-c", script])
    assert claims(done.stdout)["aud"] == AUDIENCE


@cells.cell("page")
@capability("official-page", witness="google-auth (Python)")
def test_python(google: World) -> None:
    """The function for Python gets a token; the page leaves the call to the reader."""
    program = google.file("page.py", samples.restored("Python") + f"\nidtoken_from_metadata_server({AUDIENCE!r})\n")
    done = google.inside.run([sys.executable, str(program)])
    assert (done.stdout.strip(), done.returncode) == (DONE, 0), done.stderr


@cells.cell("page")
@capability("official-page", witness="googleauth (Debian's ruby-googleauth)")
def test_ruby(google: World) -> None:
    """The method for Ruby gets a token; the page leaves the call to the reader."""
    ruby = official.COMMANDS["Ruby"]()[0]
    call = f"\nauth_cloud_idtoken_metadata_server url: {AUDIENCE!r}\n"
    program = google.file("page.rb", samples.restored("Ruby") + call)
    done = google.inside.run([ruby, str(program)])
    assert (done.stdout.strip(), done.returncode) == (DONE, 0), done.stderr


@cells.cell("page")
@capability("official-page", witness="google-auth-library (npm)")
def test_node(google: World) -> None:
    """The script for Node gets a token, once its first line is uncommented, as it says itself."""
    script = samples.restored("Node").replace("// const targetAudience", "const targetAudience")
    program = google.file("page.cjs", script)
    (google.inside.home / "node_modules").symlink_to(live.NODE_MODULES)
    done = google.inside.run([live.need_node(), str(program)], env=google.clients.environment())
    assert (done.stdout.strip(), done.returncode) == (DONE, 0), done.stderr


@cells.cell("page")
@capability("official-page", witness="google-auth-library-oauth2-http (Java)")
def test_java(google: World) -> None:
    """The class for Java gets a token, as it stands."""
    official.COMMANDS["Java"]()
    program = google.file("IdTokenFromMetadataServer.java", samples.restored("Java"))
    words = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{official.JAVA}/lib/*", str(program)]
    done = google.inside.run(words, env=google.clients.environment())
    assert (done.stdout.strip(), done.returncode) == (DONE, 0), done.stderr


MAIN = """package main

import (
	"fmt"
	"os"
)

func main() {
	if err := getIdTokenFromMetadataServer(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
"""


@cells.cell("page")
@capability("official-page", witness="google.golang.org/api/idtoken")
def test_go(google: World, tmp_path: pathlib.Path) -> None:
    """The function for Go gets a token; the page leaves package and call to the reader."""
    official.COMMANDS["Go"]()
    (tmp_path / "page.go").write_text("package main\n\n" + samples.restored("Go"), encoding="utf-8")
    (tmp_path / "main.go").write_text(MAIN, encoding="utf-8")
    sources = [str(tmp_path / name) for name in ("page.go", "main.go")]
    words = ["go", "build", "-mod=readonly", "-trimpath", "-o", str(tmp_path / "page"), *sources]
    built = subprocess.run(words, cwd=official.HERE / "go", capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stderr
    done = google.inside.run([str(tmp_path / "page"), AUDIENCE])
    assert (done.stdout.strip(), done.returncode) == (DONE, 0), done.stderr


@cells.cell("page")
@capability("official-page", witness="curl and jq")
def test_generate_id_token(google: World) -> None:
    """The lines for Bash get the token of the account that was put in, with an exchanged token."""
    if shutil.which("jq") is None:
        official.absent("jq is not installed")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": google.provider,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": google.foreign.token(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    words = [word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}")]
    exchanged = google.clients.curl(*words, "https://sts.googleapis.com/v1/token")
    script = samples.restored("generateIdToken").replace("SERVICE_ACCOUNT_EMAIL", google.target)
    script = script.replace('"AUDIENCE"', f'"{AUDIENCE}"')
    token = exchanged.partition('"access_token":"')[2].partition('"')[0]
    done = google.inside.run(["bash", "-c", script], env={"STS_TOKEN": token})
    told = claims(done.stdout.strip())
    assert (told["aud"], told["sub"]) == (AUDIENCE, google.number(google.target))


@capability("official-page", witness="PowerShell")
def test_powershell(google: World) -> None:
    """The lines for PowerShell are run where it is installed."""
    found = shutil.which("pwsh")
    if found is None:
        pytest.skip("PowerShell is not installed; neither Debian, PyPI nor npm has it")
    program = google.file("page.ps1", samples.restored("PowerShell").replace("AUDIENCE", AUDIENCE))
    done = google.inside.run([found, "-NoProfile", "-File", str(program)])
    assert claims(done.stdout.strip())["aud"] == AUDIENCE
