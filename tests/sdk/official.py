"""Google's own clients in five languages, and gcloud and curl, run inside the namespace against a running issuer."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any, NoReturn

import msgspec
import pytest

from tests import live
from tests.sdk import namespace

HERE = pathlib.Path(__file__).parent
GO = HERE / "go" / "build" / "witness"
JAVA = HERE / "java" / "build"
DEMAND = "INTAGLIO_REQUIRE_SDK"
PROJECT = "demo-project"


def absent(what: str) -> NoReturn:
    """Skip because a client is missing, or fail where INTAGLIO_REQUIRE_SDK=1 demands it."""
    if os.environ.get(DEMAND) == "1":
        pytest.fail(f"{what}, and {DEMAND}=1 demands it")
    pytest.skip(what)


def _python() -> list[str]:
    return [sys.executable, str(HERE / "python" / "client.py")]


def _node() -> list[str]:
    return [live.need_node(), str(HERE / "node" / "google.mjs")]


def _go() -> list[str]:
    if not GO.is_file():
        absent("the Go clients are not built (make sdk)")
    return [str(GO)]


def _java() -> list[str]:
    if not (JAVA / "classes").is_dir():
        absent("the Java clients are not built (make sdk)")
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{JAVA}/classes:{JAVA}/lib/*", "Witness"]


def _ruby() -> list[str]:
    ruby = shutil.which("ruby")
    tried = [ruby or "false", "-e", 'require "googleauth"']
    if ruby is None or subprocess.run(tried, capture_output=True, check=False).returncode != 0:
        absent("the Ruby client is not installed (ruby-googleauth)")
    return [ruby, str(HERE / "ruby" / "client.rb")]


COMMANDS = {"Python": _python, "Node": _node, "Go": _go, "Java": _java, "Ruby": _ruby}


class Said(msgspec.Struct, frozen=True):
    """How a run of a client ended: what it told as JSON, line by line, or why it failed."""

    lines: tuple[dict[str, Any], ...]
    code: int
    stderr: str

    @property
    def told(self) -> dict[str, Any]:
        """The one answer of a run that has to have succeeded."""
        assert self.code == 0, self.stderr[-3000:]
        assert len(self.lines) == 1, self.lines
        return self.lines[0]

    @property
    def token(self) -> str:
        """The token that was told; the run has to have succeeded."""
        found: str = self.told["token"]
        return found

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says, unverified."""
        return live.claims(self.token)


class Clients:
    """Runs the clients of all languages inside a namespace."""

    def __init__(self, inside: namespace.Namespace) -> None:
        self.inside = inside

    def words(self, language: str, flow: str, **parameters: Any) -> list[str]:
        """Return the command line of a flow in a language."""
        return [*COMMANDS[language](), flow, json.dumps(parameters)]

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a client's environment needs: the Java authority, and no search for a project."""
        store = self.inside.authority.environment.get("JAVA_STORE", "")
        trusted = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"
        return {"JDK_JAVA_OPTIONS": trusted, "GOOGLE_CLOUD_PROJECT": PROJECT} | more

    def run(
        self, language: str, flow: str, *, stdin: str = "", env: dict[str, str] | None = None, **parameters: Any
    ) -> Said:
        """Run a flow in a language and return what it said."""
        words = self.words(language, flow, **parameters)
        done = self.inside.run(words, stdin=stdin, env=self.environment(**(env or {})))
        lines = tuple(json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
        return Said(lines, done.returncode, done.stderr)

    def verify(self, language: str, how: str, *wanted: tuple[str, str]) -> list[dict[str, Any]]:
        """Have tokens verified for audiences by one process; return its answers in order."""
        lines = "".join(json.dumps({"token": token, "audience": audience}) + "\n" for token, audience in wanted)
        said = self.run(language, "verify", stdin=lines, how=how)
        assert said.code == 0, said.stderr[-3000:]
        assert len(said.lines) == len(wanted), said.stderr[-3000:]
        return list(said.lines)

    def curl(self, *words: str) -> str:
        """Return what curl prints."""
        done = self.inside.run(["curl", "-sS", "--max-time", "10", *words])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def gcloud(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run gcloud with settings of its own, or skip where it is not installed."""
        if shutil.which("gcloud") is None:
            pytest.skip("gcloud is not installed; neither Debian nor PyPI has it")
        quiet = {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true"}
        quiet |= {"CLOUDSDK_CONFIG": str(self.inside.home / "gcloud"), "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "true"}
        return self.inside.run(["gcloud", *words], env=quiet | env, timeout=60)
