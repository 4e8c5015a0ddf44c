"""A whole site in one process: the server as composed, over SQLite in memory, a clock that stands still, no sockets.

`Site` holds the server and what an operator may change; `Browser` is one cookie jar that can read forms; `App` stands
for a registered client: it starts a sign-in, redeems codes, refreshes. Everything is synchronous for the tests.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec

from intaglio import clock as clocks
from intaglio import codec
from intaglio.names import ClientId, RingId, TenantId, UserId
from intaglio.protocol import pkce
from intaglio.server import compose
from intaglio.server.adminapi.front import AdministrationFront
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import seeds
from intaglio.server.devmode.demo import Demo
from intaglio.server.devmode.front import DevelopmentFront, start_page
from intaglio.server.http.app import App as ServerApp
from intaglio.server.http.tenancy import Listener
from intaglio.server.keyring import rotate
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import clients, signingkeys, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.run import dev
from intaglio.server.web.render import HTMLPages
from intaglio.wire.flow import Flow, Reply
from tests.web import markup

T = TypeVar("T")
NOW = 1_800_000_000
MASTER_KEY = bytes(range(32))
STANDARD, GOOGLE, MICROSOFT, AUTH0, CLOUDENTITY = range(8080, 8085)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
FORM = "application/x-www-form-urlencoded"


class Answer(msgspec.Struct, frozen=True):
    """What came back from the server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        """Return the one header of that name, None if it is absent; two of them are a fault."""
        found = self.every(name)
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None

    def every(self, name: str) -> list[str]:
        """Return every header of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body's JSON value."""
        return json.loads(self.body)

    @property
    def location(self) -> str:
        """The address of a redirect, empty for any other answer."""
        return self.header("location") or ""

    @property
    def params(self) -> dict[str, str]:
        """The parameters in the address of a redirect."""
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def fragment(self) -> dict[str, str]:
        """The parameters in the fragment of a redirect's address."""
        return dict(parse_qsl(urlsplit(self.location).fragment, keep_blank_values=True))

    @property
    def is_page(self) -> bool:
        """Whether this is a page for people."""
        return (self.header("content-type") or "").startswith("text/html")

    @property
    def error(self) -> str:
        """The standard error, wherever it stands: redirect, JSON or page; empty if there is none."""
        if self.location:
            return (self.params | self.fragment).get("error", "")
        if (self.header("content-type") or "") == "application/json":
            return str(self.json().get("error", ""))
        if self.is_page and 'id="oauth-error"' in self.text:
            found = markup.by_id(markup.read(self.body), "oauth-error")
            return found.text.split()[1]
        return ""


@functools.cache
def _seeded_key(ring_id: str, alg: str, now: int) -> SigningKeyRecord:
    return rotate.make(Vault(MASTER_KEY), RingId(ring_id), alg, now)


@functools.cache
def _renderer() -> HTMLPages:
    return HTMLPages()


class Site:
    """The server with everything that development mode seeds."""

    def __init__(
        self,
        *,
        development: bool = True,
        listeners: tuple[Listener, ...] | None = None,
        keys: bool = True,
        url: str = "sqlite:///:memory:",
    ) -> None:
        self._runner = asyncio.Runner()
        self.clock = clocks.FixedClock(NOW)
        self.vault = Vault(MASTER_KEY)
        self.passwords = Passwords(memory_kib=8, passes=1)
        self.listeners = listeners or dev.development_listeners(STANDARD, "http")
        self.store = self.run(compose.open_store(url, self.clock, create=True))
        self.hall = compose.assemble(self.store, self.vault, self.clock, self.passwords, development=development)
        self.hall.pages = _renderer()
        self.house = self.hall.house
        self.base = self.listeners[0].base_url
        if keys:
            self.write(signingkeys.insert, _seeded_key(seeds.TENANT_ID, "RS256", NOW))
        self.run(seeds.plant(self.store, self.base, self.house.secrets, self.passwords, NOW))
        front = None
        if development:
            demo = Demo(self.base, lambda: InProcess(self), self.clock)
            front = DevelopmentFront(start_page("0", self.listeners, ()), self.listeners, demo)
        doors = {STANDARD + i: one for i, one in enumerate(self.listeners)}
        self.app = ServerApp(self.hall, doors, AdministrationFront(behind=front))

    def __repr__(self) -> str:
        return "Site()"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something of the server to its end."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Stop everything."""
        self.passwords.close()
        self.run(self.store.close())
        self._runner.close()

    def read(self, plan: Callable[..., Any], *args: Any) -> Any:
        """Ask the store."""
        return self.run(self.store.read(plan, *args))

    def write(self, plan: Callable[..., Any], *args: Any) -> Any:
        """Write to the store."""
        return self.run(self.store.write(plan, *args))

    def settle(self) -> None:
        """Let a second pass, after which every change of a record is seen."""
        self.clock.advance(1)

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        peer: str = "192.0.2.1",
    ) -> Answer:
        """Send one request to the ASGI application and return its answer. `url` is absolute."""
        parts = urlsplit(url)
        path = parts.path or "/"
        return await self.raw(method, parts.port or STANDARD, path, parts.query, headers, body, peer, parts.netloc)

    async def raw(
        self,
        method: str,
        port: int,
        path: str,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        peer: str = "192.0.2.1",
        host: str = "",
    ) -> Answer:
        """Send a request whose path and query are taken as they are."""
        given = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if not any(name == b"host" for name, _ in given):
            given.insert(0, (b"host", (host or f"localhost:{port}").encode()))
        if body and not any(name == b"content-length" for name, _ in given):
            given.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": given,
            "client": (peer, 50000),
            "server": ("127.0.0.1", port),
        }
        sent: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await self.app(scope, receive, send)
        start, rest = sent[0], sent[1:]
        told = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
        octets = b"".join(message.get("body", b"") for message in rest)
        return Answer(start["status"], told, octets, f"http://localhost:{port}{path}" + (f"?{query}" if query else ""))

    def request(
        self,
        method: str,
        where: str,
        *,
        form: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        payload: Any = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        peer: str = "192.0.2.1",
    ) -> Answer:
        """Send one request without cookies; `where` is a path of the default tenant's issuer, or an absolute URL."""
        given = list(headers.items() if isinstance(headers, Mapping) else headers)
        if form is not None:
            given.append(("content-type", FORM))
            body = urlencode(list(form.items()) if isinstance(form, Mapping) else list(form)).encode()
        if payload is not None:
            given.append(("content-type", "application/json"))
            body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.run(self.exchange(method, self.url(where), headers=given, body=body, peer=peer))

    def get(self, where: str, **given: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", where, **given)

    def post(self, where: str, form: Any = None, **given: Any) -> Answer:
        """Send a POST of a form."""
        return self.request("POST", where, form={} if form is None and "payload" not in given else form, **given)

    def url(self, where: str) -> str:
        """Return an absolute URL: paths that begin with `~` belong to the default tenant's issuer."""
        if where.startswith("~"):
            return f"{self.base}/default{where[1:]}"
        return where if "://" in where else self.base + where

    # --- what an operator may change

    def client(self, client_id: str, tenant_id: str = seeds.TENANT_ID) -> Client:
        """Return a registered client."""
        found = self.read(clients.by_id, tenant_id, client_id)
        assert isinstance(found, Client)
        return found

    def add_client(self, client_id: str, secret: str = "", like: str = "web", **changes: Any) -> Client:
        """Register a client like another one."""
        given = msgspec.structs.replace(self.client(like), client_id=ClientId(client_id), client_name=client_id)
        kept = (self.house.secrets.keep(secret, NOW),) if secret else ()
        made = msgspec.structs.replace(given, **({"secrets": kept} | changes))
        self.write(clients.insert, made)
        return made

    def change_client(self, client_id: str, **changes: Any) -> None:
        """Change a client's record; it is in force at once, for the clock moves on by a second."""
        assert self.write(clients.replace, msgspec.structs.replace(self.client(client_id), **changes))
        self.settle()

    def user(self, username: str, tenant_id: str = seeds.TENANT_ID) -> User:
        """Return a user."""
        found = self.read(users.by_name, tenant_id, username)
        assert isinstance(found, User)
        return found

    def change_user(self, username: str, **changes: Any) -> None:
        """Change a user's record; it is in force at once, for the clock moves on by a second."""
        assert self.write(users.replace, msgspec.structs.replace(self.user(username), **changes))
        self.settle()

    def change_tenant(self, **changes: Any) -> None:
        """Change the default tenant's record, which no command can do yet."""
        changed = msgspec.structs.replace(self.read(tenants.by_id, seeds.TENANT_ID), **changes)
        connection = self.store._writing
        connection.execute(
            "UPDATE tenants SET record = ? WHERE tenant_id = ?", (msgspec.json.encode(changed), seeds.TENANT_ID)
        )
        self.settle()

    def add_tenant(self, slug: str, **members: Any) -> Tenant:
        """Make a tenant with a client `web` (secret `other-secret`) and a user `alice` (`other-password`)."""
        made = Tenant(TenantId(f"00000000-0000-4000-8000-{slug.encode().hex()[:12]:0<12}"), slug, "default", slug, NOW)
        made = msgspec.structs.replace(made, **members)
        secret = self.house.secrets.keep("other-secret", NOW)
        web = msgspec.structs.replace(self.client("web"), tenant_id=made.tenant_id, secrets=(secret,))
        hashed = self.passwords.hash_now("other-password")
        alice = User(made.tenant_id, UserId(made.tenant_id.replace("-8000-", "-9000-")), "alice", NOW, NOW, hashed)
        self.write(signingkeys.insert, _seeded_key(made.tenant_id, "RS256", NOW))
        self.write(tenants.insert, made)
        self.write(clients.insert, web)
        self.write(users.insert, alice)
        return made

    def keys(self, alg: str = "RS256", now: int = NOW) -> None:
        """Give the default tenant's ring a ready-made key of an algorithm."""
        self.write(signingkeys.insert, _seeded_key(seeds.TENANT_ID, alg, now))


class InProcess:
    """Runs outgoing flows against the site itself."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        reply: Reply | None = None
        while True:
            try:
                call = next(flow) if reply is None else flow.send(reply)
            except StopIteration as stop:
                return stop.value
            given = await self._site.exchange(call.method, call.url, headers=call.headers, body=call.body)
            reply = Reply(given.status, given.headers, given.body, call.url)


class Browser:
    """One cookie jar. A host has one jar for all its ports and paths, as browsers do it."""

    def __init__(self, site: Site, peer: str = "192.0.2.1") -> None:
        self.site = site
        self.peer = peer
        self.jar: dict[str, str] = {}

    def request(self, method: str, where: str, *, headers: Mapping[str, str] | None = None, **given: Any) -> Answer:
        """Send a request with the jar's cookies, and keep those that come back."""
        told = dict(headers or {})
        told.setdefault("accept", "text/html,application/xhtml+xml")
        if self.jar:
            told["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer = self.site.request(method, where, headers=told, peer=self.peer, **given)
        for line in answer.every("set-cookie"):
            pair, *flags = line.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in flags:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return answer

    def get(self, where: str, **given: Any) -> Answer:
        """Open an address."""
        return self.request("GET", where, **given)

    def post(self, where: str, form: Any, **given: Any) -> Answer:
        """Send a form from nowhere in particular."""
        return self.request("POST", where, form=form, **given)

    def follow(self, answer: Answer) -> Answer:
        """Follow redirects while they stay at the server's own ports."""
        while answer.status in (302, 303) and self.is_own(answer.location):
            answer = self.get(absolute(answer.url, answer.location))
        return answer

    def is_own(self, location: str) -> bool:
        """Tell whether an address leads to this server (and not to a client's callback)."""
        parts = urlsplit(location)
        return not parts.scheme or (parts.hostname == "localhost" and parts.port in range(8080, 8085))

    def submit(self, page: Answer, form_id: str, *, origin: str | None = "own", **changes: Any) -> Answer:
        """Send the form of a page as a browser does; `changes` set fields, None takes one away."""
        action, fields = read_form(page, form_id)
        target = absolute(page.url, action)
        for name, value in changes.items():
            fields = [(key, held) for key, held in fields if key != name]
            values = [] if value is None else [value] if isinstance(value, str) else list(value)
            fields += [(name, one) for one in values]
        parts = urlsplit(target)
        own = f"{parts.scheme}://{parts.netloc}"
        headers = {} if origin is None else {"origin": own if origin == "own" else origin}
        return self.request("POST", target, form=fields, headers=headers)

    def sign_in(self, page: Answer, username: str = "alice", password: str = "") -> Answer:
        """Fill in the login page and follow to what comes next."""
        password = password or f"{username}-password"
        return self.follow(self.submit(page, "login-form", username=username, password=password, decision="login"))

    def consent(self, page: Answer, **changes: Any) -> Answer:
        """Agree on the consent page and follow to what comes next."""
        return self.follow(self.submit(page, "consent-form", **({"decision": "allow"} | changes)))

    def through(self, answer: Answer, username: str = "alice", password: str = "") -> Answer:
        """Take every step that is asked for, until the client's callback or an error."""
        answer = self.follow(answer)
        if 'id="login-form"' in answer.text:
            answer = self.sign_in(answer, username, password)
        if 'id="consent-form"' in answer.text:
            answer = self.consent(answer)
        return answer

    def session_of(self, issuer: str) -> str:
        """Return the value of the session cookie of an issuer, empty if there is none."""
        from intaglio.server.http import cookies

        return self.jar.get(cookies.name("session", issuer, secure=False), "")


class App:
    """A registered client at one issuer: what its program would do."""

    def __init__(
        self,
        site: Site,
        client_id: str = "web",
        secret: str = "web-secret",
        *,
        redirect_uri: str = "http://127.0.0.1:9999/cb",
        issuer: str = "http://localhost:8080/default",
        token: str = "/token",
    ) -> None:
        self.site = site
        self.client_id = client_id
        self.secret = secret
        self.redirect_uri = redirect_uri
        self.issuer = issuer
        self.base = issuer.rstrip("/")
        self._token = token

    def request(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of an authorization request; a change to None leaves one out."""
        usual: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile email offline_access",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": pkce.challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def authorize(self, browser: Browser, **changes: str | None) -> Answer:
        """Send the browser to the authorization endpoint, and no further."""
        return browser.get(f"{self.base}/authorize?{urlencode(self.request(**changes))}")

    def callback(self, browser: Browser | None = None, username: str = "alice", **changes: str | None) -> Answer:
        """Let somebody sign in and consent; return the redirect that carries the code."""
        browser = browser or Browser(self.site)
        return browser.through(self.authorize(browser, **changes), username)

    def code(self, browser: Browser | None = None, username: str = "alice", **changes: str | None) -> str:
        """Return a fresh code."""
        answer = self.callback(browser, username, **changes)
        assert "code" in answer.params, (answer.status, answer.location or answer.text[-1500:])
        return answer.params["code"]

    def token(self, form: Mapping[str, str], **given: Any) -> Answer:
        """Send a request to the token endpoint as this client, by Basic if it has a secret."""
        return self.site.post(self.base + self._token, dict(form) | self.named(), headers=self.headers(), **given)

    def named(self) -> dict[str, str]:
        """Return the form members by which a public client names itself."""
        return {} if self.secret else {"client_id": self.client_id}

    def headers(self) -> dict[str, str]:
        """Return the header by which a confidential client names itself."""
        return {"authorization": basic(self.client_id, self.secret)} if self.secret else {}

    def redeem(self, code: str, **changes: str | None) -> Answer:
        """Redeem a code."""
        usual: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return self.token({name: value for name, value in (usual | changes).items() if value is not None})

    def tokens(self, browser: Browser | None = None, username: str = "alice", **changes: str | None) -> dict[str, Any]:
        """Go through a whole sign-in and return the token answer."""
        answer = self.redeem(self.code(browser, username, **changes))
        assert answer.status == 200, answer.text
        return dict(answer.json())

    def refresh(self, refresh_token: str, **more: str) -> Answer:
        """Use a refresh token."""
        return self.token({"grant_type": "refresh_token", "refresh_token": refresh_token, **more})

    def userinfo(self, access_token: str) -> Answer:
        """Ask UserInfo."""
        return self.site.get(self.base + "/userinfo", headers={"authorization": f"Bearer {access_token}"})

    def introspect(self, token: str) -> Any:
        """Ask what the server knows of a token."""
        return self.site.post(self.base + "/introspect", {"token": token}, headers=self.headers()).json()

    def revoke(self, token: str) -> Answer:
        """Revoke a token."""
        return self.site.post(self.base + "/revoke", {"token": token} | self.named(), headers=self.headers())


def spa(site: Site) -> App:
    """Return the seeded single-page app."""
    return App(site, "spa", "", redirect_uri="http://localhost:3000/callback")


def auth0_app(site: Site) -> App:
    """Return the seeded web app as it knows the server of the auth0 port."""
    return App(site, issuer="http://localhost:8083/", token="/oauth/token")


def basic(client_id: str, secret: str) -> str:
    """Return the Authorization header of a client (RFC 6749 section 2.3.1)."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def absolute(base: str, location: str) -> str:
    """Return a location as an absolute URL."""
    parts = urlsplit(base)
    return location if "://" in location else f"{parts.scheme}://{parts.netloc}{location}"


def read_form(page: Answer, form_id: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the action of a form and the fields that a browser would send, buttons left out."""
    elements = markup.read(page.body)
    form = markup.by_id(elements, form_id)
    fields = []
    for element in elements[elements.index(form) + 1 :]:
        given = element.attributes
        if "form" not in element.around:
            break
        if element.tag != "input" or "name" not in given or "disabled" in given:
            continue
        if given.get("type") == "checkbox" and "checked" not in given:
            continue
        fields.append((given["name"], given.get("value", "")))
    return form.attributes["action"], fields


def payload(token: str) -> dict[str, Any]:
    """Return the claims of a token without believing it."""
    return codec.decode_json_object(codec.decode_base64url(token.split(".")[1]))


class Log(logging.Handler):
    """Collects what the server writes to its log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.traces: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))
        if record.exc_info:
            self.traces.append(self.lines[-1])

    def of(self, ref: str) -> dict[str, Any]:
        """Return the entry that a reference leads to."""
        found = [line for line in self.lines if ref in line and "refused {" in line]
        assert len(found) == 1, f"{ref} is in {len(found)} lines"
        entry = json.loads(found[0][found[0].index("{") :])
        assert isinstance(entry, dict)
        return entry


@contextmanager
def logged() -> Iterator[Log]:
    """Collect the server's log for a while."""
    log, root = Log(), logging.getLogger("intaglio")
    before = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(before)


@contextmanager
def site(**given: Any) -> Iterator[Site]:
    """Open a site and close it again."""
    opened = Site(**given)
    try:
        yield opened
    finally:
        opened.close()


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """Run many calls at once."""
    return list(await asyncio.gather(*calls))
