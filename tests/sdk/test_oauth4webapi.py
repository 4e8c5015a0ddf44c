"""oauth4webapi and openid-client (npm), unmodified, feature by feature: each registers itself for what it uses."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability
from tests.sdk import matrix
from tests.sdk.person import Person

pytestmark = [pytest.mark.sdk]
NODE = pathlib.Path(__file__).parent / "node"
ALICE = "00000000-0000-4000-8000-000000000101"
ROWS = {
    "oauth4webapi": capability("rp-oauth4webapi", witness="oauth4webapi (npm)"),
    "openid-client": capability("rp-openid-client-matrix", witness="openid-client (npm)"),
}


@pytest.fixture(scope="module")
def opened(filed: live.Dev) -> live.Dev:
    """A development server where clients may register themselves."""
    live.cli(filed, "tenant", "update", "default", "--registration", "open")
    return filed


class Party:
    """A relying party in a process of Node's; a line each way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def said(self) -> dict[str, Any]:
        """Return what it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate(timeout=5)[1]
        told: dict[str, Any] = json.loads(line)
        assert "failed" not in told, told
        return told

    def tell(self, event: dict[str, Any]) -> None:
        """Send it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def _party(**settings: str) -> Iterator[Party]:
    words = [live.need_node(), str(NODE / "matrix.mjs"), json.dumps(settings)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=live.environment()) as process:
        try:
            yield Party(process)
            assert process.wait(5) == 0
        finally:
            process.kill()


def _done(party: Party, person: Person) -> dict[str, Any]:
    while True:
        told = party.said()
        if "go" in told:
            party.tell(person.through(told["go"]))
        elif "device" in told:
            person.approve(told["device"]["verification_uri"], told["device"]["user_code"])
            party.tell({})
        elif "leave" in told:
            party.tell({"frames": person.sign_out(told["leave"])})
        else:
            done: dict[str, Any] = told["done"]
            return done


@pytest.mark.parametrize("feature", matrix.FEATURES)
@pytest.mark.parametrize("library", [pytest.param(name, marks=row) for name, row in ROWS.items()])
def test_feature(opened: live.Dev, library: str, feature: str) -> None:
    """The library registers, sends its person, and believes what it gets; the claims are alice's."""
    with _party(library=library, feature=feature, issuer=opened.issuer) as party:
        done = _done(party, Person(opened.base))
    assert done["claims"]["sub"] == ALICE
    assert done["claims"]["iss"] == opened.issuer
    if "parts" in done:
        assert done["parts"] == (5 if feature == "encrypted_id_token" else 3)
    if feature == "implicit":
        assert done["claims"]["email"] == "alice@example.com"
    elif feature.endswith("logout"):
        assert done["logout"]["same"]
        assert done["logout"].get("event", {}) == {}
        assert done["logout"].get("nonce") is None
    else:
        assert done["person"]["email"] == "alice@example.com"
    matrix.note(library, feature)
