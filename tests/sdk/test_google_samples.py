"""The samples of the how-to on ID tokens: each is taken from the page and run where its language is installed."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from tests import live
from tests.capability import capability
from tests.sdk import official
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
ROOT = pathlib.Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "howto" / "get-an-id-token.md").read_text(encoding="utf-8")
SAMPLES = {(language, way): text for language, way, text in re.findall(r"(?ms)^```(\w+) (\w+)\n(.*?)^```", PAGE)}
LANGUAGES = ("sh", "powershell", "java", "go", "js", "python", "ruby")
WAYS = ("metadata", "impersonation", "federation", "receiving")
AUDIENCE = "https://orders.example.com"


def _sh(own: World, program: pathlib.Path) -> list[str]:
    return ["bash", "-euo", "pipefail", str(program)]


def _powershell(own: World, program: pathlib.Path) -> list[str]:
    found = shutil.which("pwsh")
    if found is None:
        pytest.skip("PowerShell is not installed; neither Debian, PyPI nor npm has it")
    return [found, "-NoProfile", "-File", str(program)]


def _java(own: World, program: pathlib.Path) -> list[str]:
    official.COMMANDS["Java"]()
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{official.JAVA}/lib/*", str(program)]


def _go(own: World, program: pathlib.Path) -> list[str]:
    official.COMMANDS["Go"]()
    binary = program.with_suffix("")
    words = ["go", "build", "-mod=readonly", "-trimpath", "-o", str(binary), str(program)]
    built = subprocess.run(words, cwd=official.HERE / "go", capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stderr
    return [str(binary)]


def _js(own: World, program: pathlib.Path) -> list[str]:
    modules = own.inside.home / "node_modules"
    if not modules.exists():
        modules.symlink_to(live.NODE_MODULES)
    return [live.need_node(), str(program)]


def _python(own: World, program: pathlib.Path) -> list[str]:
    return [sys.executable, str(program)]


def _ruby(own: World, program: pathlib.Path) -> list[str]:
    return [official.COMMANDS["Ruby"]()[0], str(program)]


RUNNERS = {
    "sh": (_sh, "sh"),
    "powershell": (_powershell, "ps1"),
    "java": (_java, "java"),
    "go": (_go, "go"),
    "js": (_js, "mjs"),
    "python": (_python, "py"),
    "ruby": (_ruby, "rb"),
}


def _run(own: World, language: str, way: str, **env: str) -> subprocess.CompletedProcess[str]:
    make, suffix = RUNNERS[language]
    program = own.file(f"{way}.{suffix}", SAMPLES[language, way])
    return own.inside.run(make(own, program), env=own.clients.environment(**env))


def test_there_is_a_sample_of_every_way_in_every_language() -> None:
    """The page has a sample for each way and language, and no other than these and the configuration."""
    assert SAMPLES.keys() == {(language, way) for language in LANGUAGES for way in WAYS} | {("json", "federation")}


def test_no_line_is_too_wide_for_the_page() -> None:
    """A sample can be read without scrolling."""
    wide = [line for text in SAMPLES.values() for line in text.splitlines() if len(line) > 120]
    assert [line for line in wide if '"audience": "//' not in line] == []


@capability("howto-id-token", witness="curl, Java, Go, Node, Python and Ruby")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", WAYS[:3])
def test_a_sample_gets_a_token(own: World, way: str, language: str) -> None:
    """The sample prints a token for the audience that it names, of the account that it is."""
    own.file("subject.jwt", own.foreign.token())
    env = {}
    if way == "federation":
        env["GOOGLE_APPLICATION_CREDENTIALS"] = str(own.file("federation.json", SAMPLES["json", "federation"]))
    done = _run(own, language, way, **env)
    assert done.returncode == 0, done.stderr[-3000:]
    told = claims(done.stdout.strip())
    expected = own.worker if way == "metadata" else own.target
    assert (told["iss"], told["aud"], told["sub"]) == (own.issuer, AUDIENCE, own.number(expected))
    assert told.get("email") == (None if way == "federation" else expected)


@capability("howto-id-token", witness="curl, Java, Go, Node, Python and Ruby")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_believes_the_right_token_alone(own: World, language: str) -> None:
    """The sample tells the subject of a good token, and fails for one of another audience or with another signature."""
    good = _minted(own, AUDIENCE)
    done = _run(own, language, "receiving", ID_TOKEN=good)
    assert done.returncode == 0, done.stderr[-3000:]
    assert own.number(own.worker) in done.stdout
    changed = good[:-10] + ("A" * 10 if not good.endswith("A" * 10) else "B" * 10)
    wrong = {"changed": changed} | ({} if language == "sh" else {"another's": _minted(own, AUDIENCE + "x")})
    for name, token in wrong.items():
        assert _run(own, language, "receiving", ID_TOKEN=token).returncode != 0, name


def _minted(own: World, audience: str) -> str:
    at = "http://metadata/computeMetadata/v1/instance/service-accounts/default/identity?audience="
    return own.clients.curl("-H", "Metadata-Flavor: Google", at + audience)
