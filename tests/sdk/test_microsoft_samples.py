"""The samples of the how-to on Microsoft's libraries: each is taken from the page and run as it stands."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from intaglio.server.devmode import seeds
from tests import live
from tests.capability import capability
from tests.sdk import microsoft, official
from tests.sdk import secure as secures
from tests.sdk.secure import Secure, Talk

pytestmark = [pytest.mark.sdk, capability("howto-microsoft-sdks", witness="MSAL Python, Node, Go and Java")]
ROOT = pathlib.Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "howto" / "microsoft-sdks.md").read_text(encoding="utf-8")
SAMPLES = {(language, way): text for language, way, text in re.findall(r"(?ms)^```(\w+) (\w+)\n(.*?)^```", PAGE)}
RUN_ELSEWHERE = {("js", "page")}
"""In `test_msal_browser.py`."""
ASK = """import { begin, finish } from "./signin.mjs";
import readline from "node:readline";
const begun = await begin();
console.log(JSON.stringify(begun));
for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await finish(begun, JSON.parse(line).fields)));
  break;
}
process.exit(0);
"""
HASTY = """import runpy, sys, time
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.05))
runpy.run_path(sys.argv[1])
"""
"""Runs a sample without the seconds between a device's questions."""
secure = secures.secure


@pytest.fixture(scope="module")
def folder(secure: Secure, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return a folder with the samples, told of the port at which the server is."""
    made = tmp_path_factory.mktemp("samples")
    (made / "node_modules").symlink_to(live.NODE_MODULES)
    endings = {"python": "py", "js": "mjs", "go": "go", "java": "java"}
    for (language, way), text in SAMPLES.items():
        port = secure.place("microsoft").rsplit(":", 1)[1]
        (made / f"{way}.{endings[language]}").write_text(text.replace("8082", port), encoding="utf-8")
    (made / "ask.mjs").write_text(ASK, encoding="utf-8")
    return made


def _go(folder: pathlib.Path, sample: str) -> list[str]:
    secures.go("msal")
    binary = folder / sample
    words = ["go", "build", "-mod=readonly", "-trimpath", "-o", str(binary), str(folder / f"{sample}.go")]
    built = subprocess.run(words, cwd=official.HERE / "go", capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stderr
    return [str(binary)]


def _java(folder: pathlib.Path, sample: str) -> list[str]:
    java, _, _, _, path, _ = secures.java("MsalWitness")
    return [java, "-XX:TieredStopAtLevel=1", "-cp", path, str(folder / f"{sample}.java")]


COMMANDS: dict[str, Callable[[pathlib.Path, str], list[str]]] = {
    "python": lambda folder, sample: [sys.executable, str(folder / f"{sample}.py")],
    "js": lambda folder, sample: [live.need_node(), str(folder / f"{sample}.mjs")],
    "go": _go,
    "java": _java,
}


def _run(secure: Secure, words: list[str], **env: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=secure.environment(**env), check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _claims(told: dict[str, Any]) -> None:
    assert told["oid"] == seeds.ALICE_ID
    assert told["tid"] == seeds.TENANT_ID


def test_page_has_these_samples() -> None:
    """Each sample is run by a test of this module, or by one that it names."""
    programs = {("python", "program"), ("js", "program"), ("go", "program"), ("java", "program")}
    signing_in = {("python", "signin"), ("js", "signin")}
    assert set(SAMPLES) == programs | signing_in | {("python", "workload"), ("python", "device")} | RUN_ELSEWHERE


@pytest.mark.parametrize("language", list(COMMANDS))
def test_program(secure: Secure, folder: pathlib.Path, language: str) -> None:
    """The program gets its token and tells of it."""
    assert _run(secure, COMMANDS[language](folder, "program")).strip()


def test_signing_in_with_python(secure: Secure, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two functions of a web application, with a person between them."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca)
    spec = importlib.util.spec_from_file_location("signin", folder / "signin.py")
    assert spec is not None
    assert spec.loader is not None
    sample = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sample)
    begun = sample.begin()
    fields = microsoft.Person(secure).comes_back(begun["auth_uri"], at=seeds.WEB[1])
    _claims(sample.finish(begun, fields))
    with pytest.raises(PermissionError, match="AADSTS54005"):
        sample.finish(begun, fields)


def test_signing_in_with_node(secure: Secure, folder: pathlib.Path) -> None:
    """The same two functions in the other language."""
    with Talk([live.need_node(), str(folder / "ask.mjs")], secure.environment()) as talk:
        begun = talk.heard()
        fields = microsoft.Person(secure).comes_back(begun["url"], at=seeds.WEB[1])
        _claims(talk.say("finish", fields=fields))


def test_device(secure: Secure, folder: pathlib.Path) -> None:
    """It prints what to do, somebody does it, it prints who they are."""
    words = [sys.executable, "-c", HASTY, str(folder / "device.py")]
    device = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=secure.environment())
    try:
        assert device.stdout is not None
        message = device.stdout.readline()
        where = re.search(r"https://\S+", message)
        code = re.search(r"the code (\S+)", message)
        assert where is not None, message
        assert code is not None, message
        microsoft.Person(secure).approve(where[0], code[1])
        assert device.communicate(timeout=30)[0].strip() == "Alice Elizabeth Adams"
    finally:
        device.kill()
        device.communicate()


def test_workload(secure: Secure, folder: pathlib.Path) -> None:
    """The pod's own token, and four variables, are all that the program needs."""
    with microsoft.Federation(secure, microsoft.Proof()) as federation:
        daemon = re.findall(r'"([-0-9a-f]{36})"', SAMPLES["go", "program"])[0]
        microsoft.federate(secure, federation, daemon)
        token = folder / "token"
        token.write_text(federation.token(secure.clock.now()), encoding="ascii")
        variables = {
            "AZURE_AUTHORITY_HOST": secure.at("microsoft"),
            "AZURE_TENANT_ID": seeds.TENANT_ID,
            "AZURE_CLIENT_ID": daemon,
            "AZURE_FEDERATED_TOKEN_FILE": str(token),
        }
        assert int(_run(secure, COMMANDS["python"](folder, "workload"), **variables)) > secure.clock.now()
