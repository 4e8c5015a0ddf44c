"""openid-client and oauth4webapi (npm), unmodified, as devices, with their person in Chromium."""

from __future__ import annotations

import json
import pathlib
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability

pytestmark = [pytest.mark.sdk, pytest.mark.browser]
NODE = pathlib.Path(__file__).parent / "node"
WITNESS = "openid-client and oauth4webapi (npm), Chromium"
ALICE = "00000000-0000-4000-8000-000000000101"
LIBRARIES = ("openid-client", "oauth4webapi")


class Device:
    """A device in a process of Node's, which tells its steps in lines."""

    def __init__(self, issuer: str, library: str, patience: float = 5) -> None:
        settings = {
            "issuer": issuer,
            "library": library,
            "scope": "openid profile offline_access",
            "patience": patience,
        }
        words = [live.need_node(), str(NODE / "device.mjs"), json.dumps(settings)]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=live.environment()
        )

    def said(self) -> dict[str, Any]:
        """Return what it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=5)[1]
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate(timeout=5)


@pytest.fixture
def device(dev: live.Dev) -> Iterator[Callable[..., Device]]:
    """Starts devices, and ends them after the test."""
    started: list[Device] = []

    def start(library: str, patience: float = 5) -> Device:
        started.append(Device(dev.issuer, library, patience))
        return started[-1]

    yield start
    for one in started:
        one.close()


@capability("device-authorization", witness=WITNESS)
@capability("device-page", witness=WITNESS)
@capability("device-grant", witness=WITNESS)
@capability("seed-client-tv", witness=WITNESS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_person_types_the_code_on_a_phone(
    device: Callable[..., Device], visit: Callable[..., live.Visitor], library: str
) -> None:
    """At phone width and without script: code, sign-in, question, done; the device gets its tokens and uses them."""
    told = device(library)
    begun = told.said()["begun"]
    page = visit(java_script_enabled=False, viewport={"width": 360, "height": 740}).tab()
    page.goto(begun["verification_uri"])
    page.fill("#device-code", begun["user_code"].lower().replace("-", " "))
    page.click("#device-submit")
    live.log_in(page)
    page.wait_for_selector("#device-decision")
    assert begun["user_code"] in page.locator("main").inner_text()
    page.click("#device-confirm")
    page.wait_for_selector("#device-done")
    end = told.said()
    assert end["claims"]["sub"] == end["person"]["sub"] == ALICE
    assert end["claims"]["aud"] == "tv"
    assert end["person"]["name"] == "Alice Elizabeth Adams"
    if library == "openid-client":
        assert end["refreshed"]["sub"] == ALICE
    else:
        assert set(end["errors"]) <= {"authorization_pending"}


@capability("device-page", witness=WITNESS)
@capability("device-grant", witness=WITNESS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_person_declines(device: Callable[..., Device], visitor: live.Visitor, library: str) -> None:
    """The device of somebody who says no is told `access_denied` at its next poll."""
    told = device(library)
    begun = told.said()["begun"]
    page = visitor.tab()
    page.goto(begun["verification_uri_complete"])
    page.click("#device-submit")
    live.log_in(page)
    page.click("#device-deny")
    page.wait_for_selector("#device-done")
    assert told.said()["refused"] == "access_denied"


@capability("device-grant", witness=WITNESS)
def test_hasty_device_is_slowed_down(device: Callable[..., Device], visitor: live.Visitor) -> None:
    """A device that polls every half second hears `slow_down` and gets its tokens all the same."""
    told = device("oauth4webapi", patience=0.5)
    begun = told.said()["begun"]
    page = visitor.tab()
    page.goto(begun["verification_uri_complete"])
    page.click("#device-submit")
    live.log_in(page)
    page.click("#device-confirm")
    page.wait_for_selector("#device-done")
    end = told.said()
    assert end["claims"]["sub"] == ALICE
    assert end["errors"][:2] == ["authorization_pending", "slow_down"]
