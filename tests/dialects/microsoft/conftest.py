"""A site with a ready-made key for the authority, and the seeded applications as their programs know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from intaglio.server.devmode import seeds
from intaglio.server.model import signingkeys
from tests import harness
from tests.harness import App, Browser, Site

BASE = "http://localhost:8082"
TENANT = str(seeds.TENANT_ID)
V2 = f"{BASE}/{TENANT}/v2.0"
WEB, SPA, NATIVE, DAEMON = (seeds.GUIDS[name] for name in ("ms-web", "ms-spa", "ms-native", "ms-daemon"))


class Application(App):
    """An application at a tenant's word, with either version of the endpoints."""

    def __init__(
        self, site: Site, client_id: str = WEB, secret: str = "ms-web-secret", *, word: str = TENANT, **given: Any
    ) -> None:
        super().__init__(site, client_id, secret, issuer=f"{BASE}/{word}", token="/oauth2/v2.0/token", **given)
        self.version = "v2.0/"

    def at(self, word: str) -> Application:
        """Return the same application at another word."""
        return Application(self.site, self.client_id, self.secret, word=word, redirect_uri=self.redirect_uri)

    def v1(self) -> Application:
        """Return the same application with the endpoints of v1.0."""
        other = self.at(self.base.rsplit("/", 1)[1])
        other.version, other._token = "", "/oauth2/token"
        return other

    def authorize(self, browser: Browser, **changes: str | None) -> harness.Answer:
        """Send the browser to the authorization endpoint, and no further."""
        return browser.get(f"{self.base}/oauth2/{self.version}authorize?{urlencode(self.request(**changes))}")

    def userinfo(self, access_token: str) -> harness.Answer:
        """Ask userinfo."""
        return self.site.get(BASE + "/oidc/userinfo", headers={"authorization": f"Bearer {access_token}"})


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A whole server; one for the tests of a module."""
    with harness.site() as opened:
        opened.write(signingkeys.insert, harness._seeded_key(f"authority:{BASE}", "RS256", harness.NOW))
        yield opened


@pytest.fixture
def web(site: Site) -> Application:
    """The seeded web application."""
    return Application(site)
