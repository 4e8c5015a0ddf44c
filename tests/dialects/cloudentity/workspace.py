"""A client of the seeded tenant at its Cloudentity issuer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests import harness

ISSUER = "http://localhost:8084/default/default"


class App(harness.App):
    """What a client's program does, at the paths of a workspace."""

    def __init__(self, site: harness.Site, client_id: str = "web", secret: str = "web-secret", **given: Any) -> None:
        super().__init__(site, client_id, secret, **({"issuer": ISSUER, "token": "/oauth2/token"} | given))

    def authorize(self, browser: harness.Browser, **changes: str | None) -> harness.Answer:
        """Send the browser to the authorization endpoint, and no further."""
        return browser.get(f"{self.base}/oauth2/authorize?{urlencode(self.request(**changes))}")

    def introspect(self, token: str) -> Any:
        """Ask what the server knows of a token."""
        return self.site.post(self.base + "/oauth2/introspect", {"token": token}, headers=self.headers()).json()

    def revoke(self, token: str) -> harness.Answer:
        """Revoke a token."""
        form = {"token": token} | self.named()
        return self.site.post(self.base + "/oauth2/revoke", form, headers=self.headers())

    def push(self, **changes: str | None) -> harness.Answer:
        """Push an authorization request."""
        return self.site.post(self.base + "/par", self.request(**changes), headers=self.headers())


def metadata(site: harness.Site, issuer: str = ISSUER) -> Any:
    """Return the discovery document."""
    return site.get(issuer + "/.well-known/openid-configuration").json()


def keys(site: harness.Site, issuer: str = ISSUER) -> Any:
    """Return the key set."""
    return site.get(issuer + "/.well-known/jwks.json").json()["keys"]
