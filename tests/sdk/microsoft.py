"""What the tests with Microsoft's clients share: an issuer over https, applications, a person, and what tokens have to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from intaglio.server.devmode import seeds
from intaglio.server.model import assigned
from tests import harness, live
from tests.sdk import person, secure

TENANT = str(seeds.TENANT_ID)
OID = seeds.ALICE_ID
WEB = "11111111-2222-4333-8444-000000000001"
NATIVE = "11111111-2222-4333-8444-000000000002"
DAEMON = "11111111-2222-4333-8444-000000000003"
SPA = "11111111-2222-4333-8444-000000000004"
SECRET = "a-secret-of-the-web-application"
CALLBACK = "http://localhost:3210/callback"
SCOPES = ("openid", "profile", "email", "offline_access", "User.Read", "Mail.Read")
MACHINE = f"api://{DAEMON}/.default"
POLICY = "11111111-2222-4333-8444-0000000000aa"
DOMAIN = "dev.intaglio.test"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Person(person.Person):
    """Somebody with a browser of forms, cookies and redirects, who signs in at the issuer's Microsoft-shaped address."""

    def __init__(self, site: secure.Secure, username: str = "alice") -> None:
        super().__init__(site.at("microsoft"), username)
        self.session.verify = site.ca

    def signed_in(self, page: harness.Answer) -> harness.Answer:
        """Name the account where a page asks for it, sign in and agree."""
        if 'id="realm-form"' in page.text:
            page = self.submit(page, "realm-form", username=f"{self.username}@{DOMAIN}")
        return super().signed_in(page)

    def comes_back(self, url: str) -> dict[str, str]:
        """Go where the application sends the person; return the fields with which they come back, however they do."""
        given = self.through(url)
        if "form" in given:
            return dict(given["form"])
        parts = urlsplit(given["url"])
        assert given["url"].startswith(CALLBACK), given
        return dict(parse_qsl(parts.query or parts.fragment, keep_blank_values=True))


class Entra:
    """The issuer at its Microsoft-shaped address, and the applications that are registered for the tests."""

    def __init__(self, site: secure.Secure) -> None:
        self.site = site
        self.base = site.at("microsoft")
        self.host = site.place("microsoft")
        self.authority = f"{self.base}/{TENANT}"
        self.issuer = f"{self.authority}/v2.0"
        grants = ("authorization_code", "refresh_token", "client_credentials")
        common = {"scope": SCOPES, "redirect_uris": (CALLBACK,), "require_pkce": False}
        site.add_client(WEB, SECRET, like="web", grant_types=grants, **common)
        native = {"grant_types": ("authorization_code", "refresh_token", DEVICE)}
        site.add_client(NATIVE, like="native", **(common | native))
        machine = {"grant_types": ("client_credentials",), "response_types": (), "scope": (MACHINE,)}
        site.add_client(DAEMON, SECRET, like="machine", **machine)

    def authority_of(self, segment: str) -> str:
        """Return the authority of a tenant's word: its GUID, a domain, `common` …"""
        return f"{self.base}/{segment}"

    def person(self, username: str = "alice") -> Person:
        """Return somebody with an empty browser."""
        return Person(self.site, username)

    def opening(self, client_id: str = WEB, **more: Any) -> dict[str, Any]:
        """Return with what a client in a process of its own is opened."""
        secret = {"secret": SECRET} if client_id in (WEB, DAEMON) else {}
        return {"clientId": client_id, "authority": self.authority, "host": self.host} | secret | more

    def shorten(self) -> None:
        """Give the web application a policy of ten minutes, the shortest there is."""
        policy = assigned.LifetimePolicy(POLICY, "Ten minutes", 600)
        self.site.change_tenant(lifetime_policies={POLICY: policy}, principal_policies={WEB: POLICY})


def checked(told: dict[str, Any], client_id: str = WEB, nonce: str | None = None, **others: Any) -> dict[str, Any]:
    """Hold what a library tells of a sign-in against what an ID token of v2.0 has to say; return the token's claims."""
    claims = live.claims(told["idToken"])
    assert claims["aud"] == client_id
    assert claims["ver"] == "2.0"
    assert claims["tid"] == TENANT
    assert claims["oid"] == OID
    assert claims["iss"].endswith(f"/{TENANT}/v2.0")
    assert (claims["nbf"], type(claims["iat"])) == (claims["iat"], int)
    assert claims.get("nonce") == nonce
    assert claims["sub"] != OID
    assert len(claims["sub"]) == 43
    assert claims | others == claims
    account = told.get("account")
    assert account is None or account["id"] == f"{OID}.{TENANT}"
    return claims


secured = secure.secure


@pytest.fixture(scope="module")
def entra(secure: secure.Secure) -> Iterator[Entra]:
    """The issuer, shared by a module's tests."""
    return Entra(secure)
