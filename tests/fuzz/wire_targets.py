"""The targets beside the token core: what a server reads of requests, and a client of an issuer's answers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from intaglio import codec
from intaglio.dialects import registry
from intaglio.dialects.coding import Context
from intaglio.errors import IntaglioError, Misconfigured, ProtocolFault, Unavailable
from intaglio.protocol import claimsrequest, requestobject
from intaglio.server.http import cookies
from intaglio.validate import discovery
from intaglio.wire import authorization, params, url
from intaglio.wire.flow import Reply
from intaglio.wire.message import Request
from tests.fuzz import seeds
from tests.fuzz.target import Target, demand

REGISTERED = ("https://app.example/callback", "http://127.0.0.1/callback", "com.example:/callback")
FORM = b"grant_type=authorization_code&code=c&client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2F&code_verifier=v"
QUERY = b"response_type=code&client_id=web&scope=openid+email&state=s&nonce=n&max_age=1&prompt=login"
CLAIMS = b'{"id_token":{"acr":{"essential":true,"values":["1"]}},"userinfo":{"name":null,"sub":{"value":"a"}}}'
OBJECT = b'{"iss":"web","aud":"x","response_type":"code","max_age":1,"claims":{"userinfo":{}},"scope":"openid"}'
ROUTES = tuple(route for dialect in registry.DIALECTS.values() for route in dialect.routes)
COOKIE = cookies.name("session", seeds.ISSUER, secure=True)
DISCOVERY = {"issuer": seeds.ISSUER, "jwks_uri": seeds.ISSUER + "/jwks"}


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")


def parameters(octets: bytes) -> None:
    """Read a query and a form; nothing in it is a control character, and writing gives the same fields."""
    found = params.pairs(_text(octets))
    demand(not any(re.search(r"[\x00-\x1f\x7f-\x9f]", name + value) for name, value in found), "no controls")
    demand(len(found) <= params.MAX_PARAMETERS, "bounded")
    demand(params.pairs(params.write(found)) == found, "writing and reading is the same")
    params.read_body(octets)


def headers(octets: bytes) -> None:
    """Read an Authorization header; never raise."""
    value = _text(octets)
    token, pair = authorization.bearer(value), authorization.basic(value)
    demand(token is None or pair is None, "one scheme at a time")
    demand(token is None or (token and token.isascii() and " " not in token), "one token")


def addresses(octets: bytes) -> None:
    """Compare and shape addresses; allow only what is registered."""
    uri = octets.decode("utf-8", "replace")
    for native in (False, True):
        if url.redirect_allowed(uri, REGISTERED, native=native):
            loopback = native and uri.startswith("http://127.0.0.1") and urlsplit(uri).hostname == "127.0.0.1"
            demand(uri in REGISTERED or (loopback and urlsplit(uri).path == "/callback"), "only what is registered")
    origin = url.origin(uri)
    demand(url.origin(origin) == origin, "an origin is its own origin")
    demand(not re.search(r"[\s;,]", url.form_target(uri)), "one source expression")
    url.is_loopback_host(uri)


def claims(octets: bytes) -> None:
    """Read a `claims` parameter; it is bounded, and comes back as it was kept."""
    found = claimsrequest.read(octets.decode("utf-8", "surrogateescape"))
    demand(max(len(found.id_token), len(found.userinfo)) <= claimsrequest.MAX_CLAIMS, "bounded")
    demand(claimsrequest.decode(claimsrequest.encode(found)) == found, "keeping changes nothing")


def objects(octets: bytes) -> None:
    """Read the members of a request object; nothing but known parameters comes of it, as text."""
    found = requestobject.parameters(codec.decode_json_object(octets))
    demand(found.keys() <= requestobject.PARAMETERS, "known parameters alone")
    demand(all(isinstance(value, str) for value in found.values()), "texts")


def answers(octets: bytes) -> None:
    """Read an issuer's document; it speaks for its issuer only, and leads nowhere unexpected."""
    metadata = discovery.read(discovery.members(Reply(200, (), octets, seeds.ISSUER)), seeds.ISSUER)
    demand(metadata.issuer == seeds.ISSUER, "the issuer that was asked")
    found = discovery.learned(metadata.jwks_uri, seeds.ISSUER)
    demand(found.lower().startswith("https://"), "what began with TLS ends with it")


def learned(octets: bytes) -> None:
    """Take an address from an answer: https, with a host, without userinfo."""
    found = discovery.learned(_text(octets), "https://issuer.example/a")
    parts = urlsplit(found)
    demand(parts.scheme == "https" and parts.hostname and "@" not in parts.netloc, "https, a host, nobody's name")


def located(octets: bytes) -> None:
    """Take an issuer from a configuration."""
    found = discovery.location(octets.decode("utf-8", "replace"))
    demand(found.endswith("/.well-known/openid-configuration"), "the known path")


def dated(octets: bytes) -> None:
    """Read the other side's clock; never raise."""
    date, _, age = _text(octets).partition("|")
    discovery.answered_at(Reply(200, (("Date", date), ("Age", age or "0"))))


def cookie(octets: bytes) -> None:
    """Read a cookie; what is read is one of ours by its form."""
    found = cookies.read(Request("GET", "/", headers=(("cookie", _text(octets)),)), COOKIE)
    demand(not found or re.fullmatch(r"[A-Za-z0-9_\-]{20,128}", found, re.ASCII), "the form of ours")


def requests(octets: bytes) -> None:
    """Read a request by the reader of any route of any dialect: the first octet chooses, then query, header, body."""
    route = ROUTES[(octets[0] if octets else 0) % len(ROUTES)]
    query, header, body = (*octets[1:].split(b"\n", 2), b"", b"", b"")[:3]
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    found = (("host", "metadata.google.internal"), ("content-type", kind), ("authorization", _text(header)))
    request = Request(route.methods[-1], route.path, _text(query), (*found, ("metadata-flavor", "Google")), body)
    words = dict.fromkeys(re.findall(r"\{(\w+)\}", route.path), "default")
    route.read(request, Context(seeds.NOW, "ref", seeds.ISSUER, seeds.ISSUER, "t", words, route.fixed))


_DATE = b"Fri, 20 Nov 2026 10:00:00 GMT|5"
_BASIC = b"Basic d2ViOnNlY3JldA=="
_REQUESTS = tuple(bytes((number,)) + b"\n".join((QUERY, _BASIC, FORM)) for number in range(len(ROUTES)))
TARGETS = (
    Target("params.read", parameters, (params.ParamsError,), (FORM, QUERY, b"a=%C3%A9&b=+", b"a=%00")),
    Target("authorization", headers, (), (_BASIC, b"Bearer abc.def", b"bearer  x=", b"Basic Og==")),
    Target("url", addresses, (), (*(uri.encode() for uri in REGISTERED), b"http://127.0.0.1:81/callback", b"//x@y")),
    Target("claims", claims, (claimsrequest.ClaimsError,), (CLAIMS, b"{}", b'{"id_token":{"a":null}}')),
    Target("request object", objects, (requestobject.RequestObjectError, codec.CodecError), (OBJECT, b"{}")),
    Target("discovery.read", answers, (Unavailable,), seeds.json(DISCOVERY)),
    Target(
        "discovery.learned",
        learned,
        (Unavailable,),
        (b"/jwks", b"//h/x", b"https://u@h/", b"http://h/", b"https://h:0/"),
    ),
    Target("discovery.location", located, (Misconfigured,), (seeds.ISSUER.encode(), b"https://[::1]:443")),
    Target("discovery.answered_at", dated, (), (_DATE,)),
    Target("cookies.read", cookie, (), (f"a=b; {COOKIE}={'x' * 43}".encode(), f"{COOKIE}=short".encode())),
    Target("requests of every dialect", requests, (ProtocolFault, IntaglioError), _REQUESTS),
)
