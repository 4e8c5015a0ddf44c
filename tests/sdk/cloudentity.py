"""What the tests with Cloudentity's clients share: a person at the workspace, and where they come back to."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.sdk import person, secure

CALLBACK = "http://localhost:9876/callback"
WORKSPACE = "/default/default"
SCOPES = ("openid", "profile", "email", "offline_access")
RESPONSE_TYPES = ("code", "code id_token", "id_token", "id_token token", "code id_token token")


class Somebody(person.Person):
    """A person who signs in at the Cloudentity port."""

    def __init__(self, site: secure.Secure) -> None:
        super().__init__(site.at("cloudentity"))
        self.session.verify = site.ca

    def comes_back(self, url: str) -> dict[str, str]:
        """Go where the application sends the person; return the fields with which they come back, however they do."""
        given = self.through(url)
        if "form" in given:
            return dict(given["form"])
        assert given["url"].startswith(CALLBACK), given
        parts = urlsplit(given["url"])
        return dict(parse_qsl(parts.query or parts.fragment, keep_blank_values=True))


def issuer(site: secure.Secure) -> str:
    """Return the seeded workspace's issuer."""
    return site.at("cloudentity") + WORKSPACE
