"""Other providers for the tests of sign-ins there: another tenant of the same site, and one that lies as it is told."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec

from intaglio import codec
from intaglio.errors import Unavailable
from intaglio.names import ClientId, TenantId
from intaglio.server.devmode import seeds
from intaglio.server.model import clients, connections, identities
from intaglio.server.model.clients import Client
from intaglio.server.model.connections import Connection
from intaglio.server.model.identities import Identity
from intaglio.server.registry import connectionrules
from intaglio.tokens import hashes, jwk, jws
from intaglio.wire.flow import Call, Flow, Reply
from tests import harness

T = TypeVar("T")
BASE = "http://localhost:8080"
CALLBACK = BASE + "/_intaglio/upstream/callback/default/"
SECRET = "upstream-secret"
OP = "https://op.example"
CLIENT = "at-op"


def connect(site: harness.Site, name: str = "partner", issuer: str = BASE + "/partner", **members: Any) -> Connection:
    """Keep a connection of the default tenant."""
    sealed = site.vault.seal(SECRET.encode(), connectionrules.SECRET)
    usual: dict[str, Any] = {"client_id": "broker", "sealed_secret": sealed, "display_name": name.title()}
    tenant_id = members.pop("tenant_id", seeds.TENANT_ID)
    made = Connection(tenant_id, f"con_{name}", name, harness.NOW, issuer, **(usual | members))
    site.write(connections.insert, made)
    site.settle()
    return made


def change(site: harness.Site, name: str = "partner", **members: Any) -> None:
    """Change a connection of the default tenant; in force at once, for the clock moves on by a second."""
    (found,) = [one for one in site.read(connections.of_tenant, seeds.TENANT_ID) if one.name == name]
    assert site.write(connections.replace, msgspec.structs.replace(found, **members))
    site.settle()


def partner(site: harness.Site, **members: Any) -> Connection:
    """Make a tenant `partner` with a client for us, and a connection of the default tenant to it."""
    tenant = site.add_tenant("partner")
    broker(site, tenant.tenant_id, CALLBACK + "partner")
    site.house.outgoing = harness.InProcess(site)
    return connect(site, **members)


def broker(site: harness.Site, tenant_id: str, *redirect_uris: str, **members: Any) -> None:
    """Register us as a client of another tenant."""
    secret = site.house.secrets.keep(SECRET, harness.NOW)
    usual: dict[str, Any] = {
        "redirect_uris": redirect_uris,
        "secrets": (secret,),
        "scope": seeds.SCOPE,
        "consent": "implicit",
        "development": True,
    }
    made = Client(TenantId(tenant_id), ClientId("broker"), "Broker", harness.NOW, **(usual | members))
    site.write(clients.insert, made)


def identity(site: harness.Site, issuer: str, subject: str) -> Identity | None:
    """Return who somebody of another provider is in the default tenant."""
    found: Identity | None = site.read(identities.by_subject, seeds.TENANT_ID, issuer, subject)
    return found


# --- a provider that lies


@functools.cache
def key(alg: str = "ES256") -> jwk.SigningKey:
    """Return the key of the provider for an algorithm."""
    return jwk.generate(alg)


Lie = Callable[[dict[str, Any]], None]


class Liar:
    """The provider at https://op.example, and whatever it says of somebody; other calls go to the site itself."""

    def __init__(self, site: harness.Site) -> None:
        self.site = site
        self.own = harness.InProcess(site)
        self.claims: dict[str, Any] = {"sub": "u1", "name": "Una", "email": "una@op.example", "email_verified": True}
        self.header: dict[str, Any] = {"kid": "k1"}
        self.metadata: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.without: tuple[str, ...] = ()
        self.answer: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self._signed
        self.alg = "ES256"
        self.paths: dict[str, dict[str, Any]] = {}
        self.guard: Callable[[str], None] = lambda _: None
        self.calls: list[Call] = []
        self.asked: dict[str, str] = {}
        site.house.outgoing = self

    def document(self) -> dict[str, Any]:
        """Return its metadata."""
        return {
            "issuer": OP,
            "jwks_uri": OP + "/keys",
            "authorization_endpoint": OP + "/authorize",
            "token_endpoint": OP + "/token",
            "userinfo_endpoint": OP + "/userinfo",
            "end_session_endpoint": OP + "/logout",
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        reply: Reply | None = None
        while True:
            try:
                call = next(flow) if reply is None else flow.send(reply)
            except StopIteration as stop:
                value: T = stop.value
                return value
            self.calls.append(call)
            try:
                self.guard(call.url)
            except Unavailable as fault:
                flow.throw(fault)
            reply = await self._reply(call)

    async def _reply(self, call: Call) -> Reply:
        if not call.url.startswith(OP):
            given = await self.site.exchange(call.method, call.url, headers=call.headers, body=call.body)
            return Reply(given.status, given.headers, given.body, call.url)
        found: dict[str, Callable[[Call], Any]] = {
            "/.well-known/openid-configuration": lambda _: self.document(),
            "/keys": lambda _: {"keys": [{**jwk.public_members(key(self.alg).public()), "kid": "k1", "alg": self.alg}]},
            "/token": self._token,
            "/userinfo": lambda _: self.userinfo,
        }
        path = urlsplit(call.url).path
        body = self.document() | self.paths[path] if path in self.paths else found[path](call)
        return Reply(body.pop(":status", 200), (), json.dumps(body).encode(), call.url)

    def _token(self, call: Call) -> dict[str, Any]:
        self.form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        now = self.site.clock.now()
        usual = {"iss": OP, "aud": CLIENT, "exp": now + 600, "iat": now, "nonce": self.asked["nonce"]}
        usual["at_hash"] = hashes.half_hash(self.alg, "at-1")
        claims = {name: value for name, value in (usual | self.claims).items() if name not in self.without}
        usual_answer = {"access_token": "at-1", "token_type": "Bearer", "id_token": self.sign(self.header, claims)}
        return usual_answer | self.answer

    def _signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jws.sign(key(self.alg), header, codec.encode_json(claims))

    def connect(self, **members: Any) -> Connection:
        """Keep a connection of the default tenant to it."""
        return connect(self.site, **({"name": "op", "issuer": OP, "client_id": CLIENT} | members))

    def leave(self, browser: harness.Browser, name: str = "op", **changes: str | None) -> harness.Answer:
        """Send a browser from an application to the login page and on to it; return the redirect that leads there."""
        page = browser.follow(harness.App(self.site).authorize(browser, **changes))
        if not page.location:
            way = [link for link in links(page) if link.endswith(f"/{name}")]
            page = browser.get(BASE + way[0])
        assert page.location.startswith(OP), (page.status, page.location or page.text[-800:])
        self.asked = page.params
        return page

    def back(self, browser: harness.Browser, **changes: str | None) -> harness.Answer:
        """Send the browser back from it with a code; return the answer of ours."""
        usual: dict[str, str | None] = {"state": self.asked["state"], "code": "code-1", "iss": OP}
        fields = {name: value for name, value in (usual | changes).items() if value is not None}
        return browser.get(f"{self.asked['redirect_uri']}?{urlencode(fields)}")

    def sign_in(self, browser: harness.Browser, **changes: str | None) -> harness.Answer:
        """Sign in there and come back, up to the application."""
        self.leave(browser, **changes)
        return browser.through(self.back(browser))


def links(page: harness.Answer) -> list[str]:
    """Return the addresses of the ways to other providers on a login page."""
    parts = page.text.split('href="/_intaglio/upstream/go/')[1:]
    return ["/_intaglio/upstream/go/" + part.split('"')[0] for part in parts]


def fields(location: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(location).query))
