"""One person, one browser, every dialect: sessions and their cookies do not meet."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from intaglio.dialects import registry
from intaglio.dialects.dialect import Site
from intaglio.server.devmode import seeds
from tests import harness
from tests.capability import capability

DIALECTS = tuple(registry.DIALECTS)


class Door:
    """A dialect of the default tenant: where it lets people in, and how an application is asked for a code there."""

    def __init__(self, site: harness.Site, name: str) -> None:
        self.name = name
        (listener,) = [one for one in site.listeners if one.name == name]
        place = Site(listener.base_url, seeds.SLUG, seeds.TENANT_ID, seeds.OWNER)
        self.issuer = registry.DIALECTS[name].issuer(place)
        document = site.get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        assert document.status == 200, (name, document.text)
        told = document.json()
        self._endpoint, self._logout = told["authorization_endpoint"], told.get("end_session_endpoint", "")
        self._app = harness.App(site)

    def authorize(self, browser: harness.Browser, **changes: str | None) -> harness.Answer:
        """Send the browser to the authorization endpoint, and no further."""
        fields = self._app.request(**({"scope": "openid profile email"} | changes))
        return browser.get(f"{self._endpoint}?{urlencode(fields)}")

    def is_signed_in(self, browser: harness.Browser) -> bool:
        """Tell whether a silent request gets a code."""
        answer = self.authorize(browser, prompt="none")
        assert answer.location.startswith("http://127.0.0.1:9999/cb"), (self.name, answer.status, answer.text[-400:])
        return "code" in answer.params

    def sign_in(self, browser: harness.Browser, username: str = "alice") -> None:
        """Sign in and consent."""
        done = browser.through(self.authorize(browser), username)
        assert "code" in done.params, (self.name, done.status, done.location or done.text[-800:])


@pytest.fixture
def doors(site: harness.Site) -> list[Door]:
    """Every dialect that answers."""
    return [Door(site, name) for name in DIALECTS]


@capability("five-dialects", witness="one cookie jar for every port")
def test_who_signed_in_everywhere_stays_signed_in(site: harness.Site, doors: list[Door]) -> None:
    """Signing in at one dialect disturbs no other, whatever the order; each gives codes silently afterwards."""
    assert len(doors) == 5
    browser = harness.Browser(site)
    for number, door in enumerate(doors):
        assert not door.is_signed_in(browser)
        door.sign_in(browser)
        assert [one.is_signed_in(browser) for one in doors] == [n <= number for n in range(len(doors))]
    for door in reversed(doors):
        assert door.is_signed_in(browser)


def test_another_person_at_one_dialect_is_nobody_at_the_others(site: harness.Site, doors: list[Door]) -> None:
    """Bob takes alice's place at one dialect; at the others she stays."""
    browser = harness.Browser(site)
    for door in doors:
        door.sign_in(browser)
    sessions = {name: value for name, value in browser.jar.items() if "-session-" in name}
    assert len(sessions) == len(doors)
    doors[0].authorize(browser, prompt="login")
    browser.through(doors[0].authorize(browser, prompt="login"), "bob")
    changed = {name for name, value in sessions.items() if browser.jar[name] != value}
    assert len(changed) == 1
    assert all(door.is_signed_in(browser) for door in doors)
