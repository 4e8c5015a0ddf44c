"""What the tests with Microsoft's clients share: an issuer over https, applications, a person, what tokens say."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from intaglio.server.devmode import seeds
from intaglio.server.model import assigned
from tests import harness, live
from tests.sdk import person, secure

TENANT = str(seeds.TENANT_ID)
OID = seeds.ALICE_ID
WEB = "11111111-2222-4333-8444-000000000001"
NATIVE = "11111111-2222-4333-8444-000000000002"
DAEMON = "11111111-2222-4333-8444-000000000003"
SPA = seeds.GUIDS["ms-spa"]
SECRET = "a-secret-of-the-web-application"
CALLBACK = "http://localhost:3210/callback"
SCOPES = ("openid", "profile", "email", "offline_access", "User.Read", "Mail.Read")
MACHINE = f"api://{DAEMON}/.default"
POLICY = "11111111-2222-4333-8444-0000000000aa"
DOMAIN = "dev.intaglio.test"
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Person(person.Person):
    """Somebody with a browser of forms, cookies and redirects, at the issuer's Microsoft-shaped address."""

    def __init__(self, site: secure.Secure, username: str = "alice") -> None:
        super().__init__(site.at("microsoft"), username)
        self.session.verify = site.ca

    def signed_in(self, page: harness.Answer) -> harness.Answer:
        """Name the account where a page asks for it, sign in and agree."""
        if 'id="realm-form"' in page.text:
            page = self.submit(page, "realm-form", username=f"{self.username}@{DOMAIN}")
        return super().signed_in(page)

    def comes_back(self, url: str, at: str = CALLBACK) -> dict[str, str]:
        """Go where the application sends the person; return the fields with which they come back, however they do."""
        given = self.through(url)
        if "form" in given:
            return dict(given["form"])
        assert given["url"].startswith(at), given
        return fields(given["url"])


def fields(url: str) -> dict[str, str]:
    """Return the fields of an answer that comes in an address."""
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query or parts.fragment, keep_blank_values=True))


class Proof:
    """An application's key and certificate, in the forms that libraries want."""

    def __init__(self, common_name: str = "application") -> None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        begins = datetime.now(UTC) - timedelta(hours=1)
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(made.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=30))
            .sign(made, hashes.SHA256())
        )
        plain = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        self.private = made
        self.key = made.private_bytes(serialization.Encoding.PEM, pkcs8, plain).decode()
        self.pkcs8 = base64.b64encode(made.private_bytes(serialization.Encoding.DER, pkcs8, plain)).decode()
        self.pem = signed.public_bytes(serialization.Encoding.PEM).decode()
        self.der = signed.public_bytes(serialization.Encoding.DER)
        self.sha256 = hashlib.sha256(self.der).hexdigest()
        self.sha1 = hashlib.sha1(self.der, usedforsecurity=False).hexdigest()
        public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(made.public_key()))
        kid = base64.urlsafe_b64encode(bytes.fromhex(self.sha1)).rstrip(b"=").decode()
        x5c = [base64.b64encode(self.der).decode()]
        thumbprint = base64.urlsafe_b64encode(bytes.fromhex(self.sha256)).rstrip(b"=").decode()
        members = {"use": "sig", "kid": kid, "x5t": kid, "x5t#S256": thumbprint, "x5c": x5c}
        self.jwk = {name: value for name, value in public.items() if name != "key_ops"} | members
        self.jwks = json.dumps({"keys": [self.jwk]})


class Federation(contextlib.AbstractContextManager["Federation"]):
    """Another issuer over https, whose tokens prove who a workload is: a cluster's, a CI system's."""

    audience = "api://AzureADTokenExchange"
    subject = "system:serviceaccount:shop:checkout"

    def __init__(self, site: secure.Secure, proof: Proof) -> None:
        self._proof = proof
        files: dict[str, tuple[str, bytes]] = {"/keys": ("application/json", proof.jwks.encode())}
        self._served = secure.Application(site, files)
        self.issuer = self._served.origin
        told = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        files["/.well-known/openid-configuration"] = ("application/json", json.dumps(told).encode())
        self.credential = {
            "name": "checkout",
            "issuer": self.issuer,
            "subject": self.subject,
            "audiences": [self.audience],
        }

    def token(self, now: int, **changes: Any) -> str:
        """Return a signed token of the workload."""
        usual = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": [self.audience],
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(usual | changes, self._proof.private, "RS256", headers={"kid": self._proof.jwk["kid"]})

    def __exit__(self, *_: object) -> None:
        self._served.__exit__()


class Entra:
    """The issuer at its Microsoft-shaped address, and the applications that are registered for the tests."""

    def __init__(self, site: secure.Secure) -> None:
        self.site = site
        self.base = site.at("microsoft")
        self.host = site.place("microsoft")
        self.authority = f"{self.base}/{TENANT}"
        self.issuer = f"{self.authority}/v2.0"
        grants = ("authorization_code", "refresh_token", "client_credentials")
        common: dict[str, Any] = {
            "sign_in_audience": "everyone",
            "scope": SCOPES,
            "redirect_uris": (CALLBACK,),
            "require_pkce": False,
        }
        site.add_client(WEB, SECRET, like="web", grant_types=grants, **common)
        native: dict[str, Any] = {"redirect_uris": (CALLBACK, "http://localhost")}
        native["grant_types"] = ("authorization_code", "refresh_token", DEVICE)
        site.add_client(NATIVE, like="native", **(common | native))
        machine: dict[str, Any] = {"grant_types": ("client_credentials",), "response_types": (), "scope": (MACHINE,)}
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

    def register_page(self, origin: str) -> None:
        """Put the seeded single-page application at an address."""
        addresses = (origin + "/", origin + "/back")
        settings = {"microsoft": {"spa": {"redirectUris": list(addresses)}}}
        self.site.change_client(
            SPA, redirect_uris=addresses, post_logout_redirect_uris=addresses[:1], dialects=settings
        )

    def certify(self, proof: Proof, client_id: str = DAEMON) -> None:
        """Register a certificate of an application."""
        self.site.change_client(client_id, jwks=proof.jwks, token_endpoint_auth_methods=METHODS)

    def shorten(self) -> None:
        """Give the web application a policy of ten minutes, the shortest there is."""
        policy = assigned.LifetimePolicy(POLICY, "Ten minutes", 600)
        self.site.change_tenant(lifetime_policies={POLICY: policy}, principal_policies={WEB: POLICY})


def federate(site: secure.Secure, federation: Federation, client_id: str = DAEMON) -> None:
    """Let an application prove itself by another issuer's tokens."""
    settings = {"microsoft": {"federatedIdentityCredentials": [federation.credential]}}
    site.change_client(client_id, dialects=settings, token_endpoint_auth_methods=METHODS)


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


@pytest.fixture(scope="module")
def entra(secure: secure.Secure) -> Iterator[Entra]:
    """The issuer, shared by a module's tests, trusted by this process."""
    with pytest.MonkeyPatch.context() as patched:
        # Where this variable is set, requests does not look at the authority that a session was given.
        patched.setenv("REQUESTS_CA_BUNDLE", secure.ca)
        yield Entra(secure)
