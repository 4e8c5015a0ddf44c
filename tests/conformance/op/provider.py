"""A thin client of the provider: what a test suite sees of it over HTTP, and an old browser that fills in forms.

Nothing in here knows how the provider works inside but `Ground`, which opens it and writes static clients into it.
Every request and every answer passes through a `Defect`, if there is one: so a faulty provider can be shown.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import msgspec
from joserfc import jwk, jwt

from intaglio.errors import Unavailable
from intaglio.server import compose
from intaglio.server.devmode import seeds
from intaglio.server.model.clients import Client, ClientSecret
from intaglio.server.run import dev
from intaglio.wire.flow import Call, Flow, Reply
from tests import harness
from tests.harness import Answer, Site
from tests.web import markup

T = TypeVar("T")
FORM = "application/x-www-form-urlencoded"
RP = "https://rp.example.com"
SECRET = "a-static-secret-of-more-than-thirty-two-octets"
_NUMBERS = itertools.count(1)


class World:
    """The web outside the provider: pages by address, and what was asked of it."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Call], Reply]] = {}
        self.asked: list[Call] = []

    async def run(self, flow: Flow[T]) -> T:
        """Run an outgoing flow of the provider against these pages."""
        reply: Reply | None = None
        fault: Unavailable | None = None
        while True:
            try:
                call = flow.throw(fault) if fault else (next(flow) if reply is None else flow.send(reply))
            except StopIteration as stop:
                return stop.value
            self.asked.append(call)
            page = self.pages.get(call.url.partition("#")[0])
            fault = Unavailable("fetch-failed", "There is no such page in this test.") if page is None else None
            reply = page(call) if page is not None else None

    async def close(self) -> None:
        """Let go of nothing."""

    def put(self, url: str, body: bytes, media_type: str = "application/json") -> None:
        """Publish a page."""
        self.pages[url] = lambda call: Reply(200, (("content-type", media_type),), body, call.url)


class Defect:
    """A way in which a provider may be wrong; this one is none. `name` says which, in the tests' names."""

    name = "none"

    def request(self, provider: Provider, call: Call) -> Call | Answer:
        """Return the request that reaches the provider, or the answer in its place."""
        return call

    def answer(self, provider: Provider, call: Call, answer: Answer) -> Answer:
        """Return the answer that reaches the tests."""
        return answer

    def outgoing(self, provider: Provider, call: Call) -> Call:
        """Return what the provider sends to a client's own address."""
        return call


class Ground:
    """One open provider over https, its clock and the web around it; many tests may stand on it."""

    def __init__(self) -> None:
        self.site = Site(listeners=dev.development_listeners(harness.STANDARD, "https"))
        self.world = World()
        self.site.house.outgoing = self.world
        self.site.change_tenant(registration="open", session_management=True)
        self.issuer = self.site.base + "/default"

    def close(self) -> None:
        """Stop everything."""
        self.site.close()

    def static(self, client_id: str, metadata: Mapping[str, Any]) -> None:
        """Register a client as an operator does, from the members of a registration."""
        sealed = metadata.get("token_endpoint_auth_method") == "client_secret_jwt"
        secret = self.site.house.secrets.keep(SECRET, self.site.clock.now(), sealed=sealed)
        self.site.write(_insert, _record(client_id, metadata, secret, self.site.clock.now()))


def _insert(record: Client) -> Any:
    from intaglio.server.model import clients

    return clients.insert(record)


def _record(client_id: str, metadata: Mapping[str, Any], secret: ClientSecret, now: int) -> Client:
    names = {field.name for field in msgspec.structs.fields(Client)}
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in metadata.items() if name in names
    }
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    given |= {
        "tenant_id": seeds.TENANT_ID,
        "client_id": client_id,
        "client_name": f"Relying party {client_id}",
        "created_at": now,
        "token_endpoint_auth_methods": (method,),
        "secrets": () if method in ("none", "private_key_jwt") else (secret,),
        "scope": seeds.SCOPE,
        "require_pkce": False,
    }
    if "jwks" in metadata:
        given["jwks"] = json.dumps(metadata["jwks"])
    return Client(**given)


def key(name: str = "first", use: str = "sig") -> jwk.RSAKey:
    """Return a relying party's RSA key of a name, made once."""
    return _key(name, use)


@functools.cache
def _key(name: str, use: str) -> jwk.RSAKey:
    # A signing key has no name: what the Foundation's suite registers has none, and a provider has to do without.
    members = {"use": "sig", "alg": "RS256"} if use == "sig" else {"use": "enc", "kid": name}
    made = jwk.RSAKey.generate_key(2048, members, private=True)
    assert isinstance(made, jwk.RSAKey)
    return made


def key_set(*keys: jwk.RSAKey) -> dict[str, Any]:
    """Return a JWK Set of public keys."""
    return {"keys": [one.as_dict(private=False) for one in keys]}


class Party(msgspec.Struct):
    """A relying party that is registered: what it was told of itself, and its keys."""

    client_id: str
    secret: str
    redirect_uri: str
    metadata: dict[str, Any]
    method: str = "client_secret_basic"
    key: Any = None
    management: tuple[str, str] | None = None
    told: dict[str, Any] = {}


class Landing(msgspec.Struct, frozen=True):
    """Where the browser ended up: `query`, `fragment` or `form_post` of a client's address, or a `page`."""

    where: str
    url: str
    fields: tuple[tuple[str, str], ...] = ()
    page: Answer | None = None

    @property
    def params(self) -> dict[str, str]:
        """The parameters that came to the client."""
        return dict(self.fields)

    @property
    def is_error_page(self) -> bool:
        """Whether the provider tells the person what is wrong."""
        return self.page is not None and 'id="oauth-error"' in self.page.text


class Provider:
    """The provider as a client reaches it."""

    def __init__(self, ground: Ground, defect: Defect | None = None) -> None:
        self.ground = ground
        self.site = ground.site
        self.world = ground.world
        self.issuer = ground.issuer
        self.defect = defect or Defect()
        self.metadata: dict[str, Any] = {}

    @property
    def now(self) -> int:
        """The instant, for both sides."""
        return self.site.clock.now()

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.site.clock.advance(seconds)

    def address(self, number: int, path: str) -> str:
        """Return an address of a run's relying party."""
        return f"{RP}/run{number}/{path}"

    def static(self, number: int, metadata: Mapping[str, Any], suffix: str) -> Party:
        """Return a client that the operator registered."""
        client_id = f"static-{number}{suffix}"
        self.ground.static(client_id, metadata)
        return Party(client_id, SECRET, metadata["redirect_uris"][0], dict(metadata))

    def send(self, call: Call) -> Answer:
        """Send a request to the provider."""
        sent = self.defect.request(self, call)
        if isinstance(sent, Answer):
            return sent
        came = msgspec.structs.replace(self.exchange(sent), url=sent.url)
        return self.defect.answer(self, call, came)

    def exchange(self, call: Call) -> Answer:
        """Carry a request to the provider and its answer back."""
        parts = urlsplit(call.url)
        port = parts.port or 443
        raw = self.site.raw(
            call.method, port, parts.path or "/", parts.query, call.headers, call.body, host=parts.netloc
        )
        return self.site.run(raw)

    def get(self, url: str, **headers: str) -> Answer:
        """Ask for an address; underscores in a header's name stand for hyphens."""
        return self.send(Call("GET", url, tuple((name.replace("_", "-"), value) for name, value in headers.items())))

    def form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Post a form, as a program does."""
        given = (("content-type", FORM), *(headers or {}).items())
        return self.send(Call("POST", url, given, urlencode(dict(fields)).encode()))

    def json(self, method: str, url: str, payload: Any, token: str = "") -> Answer:
        """Send JSON."""
        headers = (("content-type", "application/json"),) + ((("authorization", f"Bearer {token}"),) if token else ())
        return self.send(Call(method, url, headers, json.dumps(payload).encode()))

    def endpoint(self, name: str) -> str:
        """Return an address from the metadata."""
        return str(self.metadata[name])

    def token(self, party: Party, fields: Mapping[str, str], audience: str = "") -> Answer:
        """Ask the token endpoint as the party, in the way that it is registered for."""
        form, headers = dict(fields), {}
        if party.method == "client_secret_basic":
            # RFC 6749 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(party.client_id, safe='')}:{quote(party.secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif party.method == "client_secret_post":
            form |= {"client_id": party.client_id, "client_secret": party.secret}
        elif party.method == "none":
            form["client_id"] = party.client_id
        else:
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            form["client_assertion"] = self.assertion(party, audience or self.endpoint("token_endpoint"))
        return self.form(self.endpoint("token_endpoint"), form, headers)

    def assertion(self, party: Party, audience: str) -> str:
        """Return a client assertion (OpenID Connect Core 9)."""
        claims = {
            "iss": party.client_id,
            "sub": party.client_id,
            "aud": audience,
            "jti": f"assertion-{next(_NUMBERS)}",
            "iat": self.now,
            "exp": self.now + 60,
        }
        if party.method == "client_secret_jwt":
            return jwt.encode({"alg": "HS256"}, claims, jwk.OctKey.import_key(party.secret))
        return jwt.encode({"alg": "RS256"}, claims, party.key)

    def deliver(self) -> None:
        """Let the provider send what it has put aside for later."""
        self.site.run(compose.engine(self.site.house).drain())

    def userinfo(self, access_token: str) -> Answer:
        """Ask UserInfo with the token in the header."""
        return self.get(self.endpoint("userinfo_endpoint"), authorization=f"Bearer {access_token}")


def number() -> int:
    """Return a number that no other test has."""
    return next(_NUMBERS)


class Agent:
    """An old browser: cookies, redirects and forms, no modules, no fetch. Its person is alice and says yes."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.jar: dict[str, str] = {}
        self.seen: list[str] = []
        self.pages: list[Answer] = []
        self.frames: list[str] = []

    def open(
        self, url: str, method: str = "GET", form: Mapping[str, str] | None = None, *, act: bool = True
    ) -> Landing:
        """Open an address and do what the pages ask, until the client's address or a page that asks nothing."""
        origin = RP if method == "POST" else ""
        answer = self._send(method, url, list((form or {}).items()), origin)
        for _ in range(20):
            if answer.status in (301, 302, 303, 307) and answer.location:
                target = urljoin(answer.url, answer.location)
                if not self.is_own(target):
                    return _landing(target)
                answer = self._send("GET", target)
                continue
            self.pages.append(answer)
            onward = self._refresh(answer)
            if onward and not self.is_own(onward):
                return _landing(onward)
            step = self._next(answer) if act else None
            if step is None:
                return self._rest(answer)
            answer = step
        raise AssertionError("the provider leads in circles")

    def is_own(self, url: str) -> bool:
        """Tell whether an address is the provider's."""
        return urlsplit(url).netloc == urlsplit(self.provider.issuer).netloc

    def _send(self, method: str, url: str, fields: Iterable[tuple[str, str]] = (), origin: str = "") -> Answer:
        headers = [("accept", "text/html,application/xhtml+xml")]
        # SameSite=Lax: a form that another site posts comes without cookies (RFC 6265bis 5.6.7).
        if self.jar and not (method == "POST" and origin == RP):
            headers.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
        if method == "POST":
            # An old engine tells the origin of a form only where it is another site's, if at all.
            headers += [("content-type", FORM), *([("origin", origin)] if origin else [])]
        body = urlencode(list(fields)).encode() if method == "POST" else b""
        answer = self.provider.send(Call(method, url, tuple(headers), body))
        for line in answer.every("set-cookie"):
            pair, *flags = [part.strip() for part in line.split(";")]
            name, _, value = pair.partition("=")
            if any(flag.lower() == "max-age=0" for flag in flags):
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return answer

    def _refresh(self, page: Answer) -> str:
        """Load a page's frames, and return where it sends an old browser by itself, empty if nowhere."""
        elements = markup.read(page.body) if page.is_page else []
        self.frames += [one.attributes.get("src", "") for one in markup.tagged(elements, "iframe")]
        for one in markup.tagged(elements, "meta"):
            if one.attributes.get("http-equiv", "").lower() == "refresh":
                return urljoin(page.url, one.attributes["content"].partition("url=")[2])
        return ""

    def _next(self, page: Answer) -> Answer | None:
        if not page.is_page:
            return None
        for form_id, kind, button, filled in (
            ("login-form", "login", "submit-login", {"username": "alice", "password": "alice-password"}),
            ("consent-form", "consent", "submit-consent", {}),
            ("logout-form", "logout", "submit-logout", {}),
        ):
            if f'id="{form_id}"' in page.text:
                self.seen.append(kind)
                return self.press(page, form_id, button, filled)
        return None

    def press(self, page: Answer, form_id: str, button: str, filled: Mapping[str, str]) -> Answer:
        """Fill in a form and press one of its buttons."""
        action, fields = harness.read_form(page, form_id)
        own = [(name, filled.get(name, value)) for name, value in fields]
        pressed = markup.by_id(markup.read(page.body), button).attributes
        own += [(pressed["name"], pressed.get("value", ""))] if "name" in pressed else []
        return self._send("POST", urljoin(page.url, action), own)

    def _rest(self, page: Answer) -> Landing:
        if page.is_page and 'id="form-post"' in page.text:
            action, fields = harness.read_form(page, "form-post")
            return Landing("form_post", action, tuple(fields), page)
        for kind in ("oauth-error", "logged-out", "login-form", "consent-form", "logout-form"):
            if f'id="{kind}"' in page.text:
                self.seen.append(kind)
        return Landing("page", page.url, (), page)


def _landing(target: str) -> Landing:
    address, hash_sign, fragment = target.partition("#")
    if hash_sign:
        return Landing("fragment", address, tuple(parse_qsl(fragment, keep_blank_values=True)))
    bare, _, query = address.partition("?")
    return Landing("query", bare, tuple(parse_qsl(query, keep_blank_values=True)))


JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""What a signed token looks like in any text."""
