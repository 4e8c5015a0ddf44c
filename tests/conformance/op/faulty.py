"""How a provider is made faulty: its answers are rewritten, its tokens signed anew with its own key.

Product code knows nothing of this. A `Fault` says what it does to requests, answers and outgoing calls, and which
module has to notice it in which variant, by which finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from intaglio import codec
from intaglio.server.devmode import seeds
from intaglio.server.keyring.rings import RingId
from intaglio.tokens import jws
from intaglio.wire.flow import Call
from tests.conformance.op.checks import published
from tests.conformance.op.provider import JWT, RP, Defect, Provider
from tests.conformance.op.running import Module, Variant
from tests.harness import Answer
from tests.web import markup

Change = Callable[[dict[str, Any], dict[str, Any]], str | None]
"""Changes a token's header and claims in place; may return the whole token instead."""
NULL = object()
"""Stands for the JSON value null where None takes a claim away."""

OnRequest = Callable[["Fault", Provider, Call], "Call | Answer"]
OnAnswer = Callable[["Fault", Provider, Call, Answer], Answer]
OnOutgoing = Callable[["Fault", Provider, Call], Call]


class Fault(Defect):
    """One known defect, and who has to notice it. `memory` is what the faulty provider remembers."""

    def __init__(
        self,
        name: str,
        module: Module,
        variant: Variant,
        code: str,
        *,
        request: OnRequest | None = None,
        answer: OnAnswer | None = None,
        outgoing: OnOutgoing | None = None,
    ) -> None:
        self.name = name
        self.module = module
        self.variant = variant
        self.code = code
        self.memory: dict[str, Any] = {}
        self._request, self._answer, self._outgoing = request, answer, outgoing

    def __str__(self) -> str:
        return self.name

    def request(self, provider: Provider, call: Call) -> Call | Answer:
        """Return what reaches the provider, or the answer in its place."""
        return self._request(self, provider, call) if self._request else call

    def answer(self, provider: Provider, call: Call, answer: Answer) -> Answer:
        """Return what the tests see."""
        return self._answer(self, provider, call, answer) if self._answer else answer

    def outgoing(self, provider: Provider, call: Call) -> Call:
        """Return what a client gets from the provider."""
        return self._outgoing(self, provider, call) if self._outgoing else call


# --- looking at requests


def goes_to(provider: Provider, call: Call, endpoint: str) -> bool:
    """Tell whether a request is for an endpoint of the metadata."""
    return call.url.partition("?")[0] == provider.metadata.get(endpoint)


def asked(call: Call) -> dict[str, str]:
    """Return the parameters of a request, from its address and its form."""
    return dict(parse_qsl(urlsplit(call.url).query)) | dict(parse_qsl(call.body.decode("latin-1")))


def asking(call: Call, change: Callable[[dict[str, str]], None]) -> Call:
    """Return a request with other parameters, where it has them."""
    bare, _, query = call.url.partition("?")
    if call.method == "POST":
        form = dict(parse_qsl(call.body.decode("latin-1")))
        change(form)
        return msgspec.structs.replace(call, body=urlencode(form).encode())
    given = dict(parse_qsl(query))
    change(given)
    return msgspec.structs.replace(call, url=f"{bare}?{urlencode(given)}")


def page(status: int = 400, text: str = "<p>No.</p>") -> Answer:
    """Return a page of a provider that says no in its own way."""
    return Answer(status, (("content-type", "text/html"),), text.encode(), "")


def json_answer(status: int, body: Mapping[str, Any]) -> Answer:
    """Return a JSON answer."""
    headers = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Answer(status, headers, json.dumps(dict(body)).encode(), "")


def redirect(location: str) -> Answer:
    """Return a redirect."""
    return Answer(303, (("location", location),), b"", "")


# --- rewriting answers


def with_header(answer: Answer, name: str, value: str | None) -> Answer:
    """Return an answer with another header, or without it."""
    kept = tuple((key, held) for key, held in answer.headers if key.lower() != name)
    return msgspec.structs.replace(answer, headers=kept + (((name, value),) if value is not None else ()))


def with_json(answer: Answer, change: Callable[[dict[str, Any]], None]) -> Answer:
    """Return a JSON answer with other members."""
    if "json" not in (answer.header("content-type") or ""):
        return answer
    body = answer.json()
    change(body)
    return msgspec.structs.replace(answer, body=json.dumps(body).encode())


def with_fields(answer: Answer, change: Callable[[list[tuple[str, str]]], list[tuple[str, str]]]) -> Answer:
    """Return an answer to the client with other fields, whether it is a redirect or a page that posts itself."""
    if answer.location.startswith(RP):
        sign = "#" if "#" in answer.location else "?"
        bare, _, text = answer.location.partition(sign)
        return with_header(answer, "location", bare + sign + urlencode(change(parse_qsl(text))))
    if 'id="form-post"' not in answer.text:
        return answer
    found = [e.attributes for e in markup.read(answer.body) if e.tag == "input" and "form" in e.around]
    before = "".join(f'<input type="hidden" name="{e["name"]}" value="{e["value"]}">' for e in found)
    fields = change([(one["name"], one["value"]) for one in found])
    after = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields)
    head, _, rest = answer.text.partition('<form id="form-post"')
    opening, _, rest = rest.partition(">")
    assert before
    tail = rest[rest.index('<div class="actions">') :]
    text = f'{head}<form id="form-post"{opening}>{after}{tail}'
    return msgspec.structs.replace(answer, body=text.encode())


def with_field(answer: Answer, name: str, value: str | None) -> Answer:
    """Return an answer to the client with another value of one field it has, or without it."""

    def change(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(key, held if key != name else value or "") for key, held in fields if key != name or value is not None]

    return with_fields(answer, change)


def reached(answer: Answer) -> dict[str, str]:
    """Return the fields that go to the client with this answer, empty if it is none."""
    seen: dict[str, str] = {}

    def look(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        seen.update(fields)
        return fields

    with_fields(answer, look)
    return seen


# --- rewriting tokens


def signed(provider: Provider, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Return claims signed with the tenant's own key."""
    keyring = provider.site.house.keyring
    record = provider.site.run(keyring.signing(RingId(seeds.TENANT_ID), "RS256"))
    bare = {name: value for name, value in header.items() if name != "alg"}
    return jws.sign(keyring.open(record), bare, codec.encode_json(dict(claims)))


def unsigned(claims: Mapping[str, Any], alg: str = "none") -> str:
    """Return claims in a token that nobody signed."""
    head = codec.encode_base64url(codec.encode_json({"alg": alg, "typ": "JWT"}))
    return f"{head}.{codec.encode_base64url(codec.encode_json(dict(claims)))}."


def _altered(provider: Provider, text: str, change: Change) -> str:
    def one(found: Any) -> str:
        try:
            head, body, _ = found.group().split(".")
            header = codec.decode_json_object(codec.decode_base64url(head))
            claims = codec.decode_json_object(codec.decode_base64url(body))
        except codec.CodecError:
            return str(found.group())
        if "sub" not in claims and "sid" not in claims:
            return str(found.group())
        before = (dict(header), json.dumps(claims))
        whole = change(header, claims)
        if whole is None and (header, json.dumps(claims)) == before:
            return str(found.group())
        return signed(provider, header, claims) if whole is None else whole

    return JWT.sub(one, text)


def tokens(change: Change) -> OnAnswer:
    """Return what alters each token in an answer."""

    def answer(_: Fault, provider: Provider, __: Call, came: Answer) -> Answer:
        return with_tokens(provider, came, change)

    return answer


def with_tokens(provider: Provider, came: Answer, change: Change) -> Answer:
    """Return an answer with other tokens in it."""
    if came.location.startswith(RP):
        return with_header(came, "location", _altered(provider, came.location, change))
    if b"eyJ" in came.body:
        return msgspec.structs.replace(came, body=_altered(provider, came.text, change).encode())
    return came


def claim(name: str, value: Any) -> OnAnswer:
    """Return what sets a claim in each token (from what it is, if `value` is a function), or takes it away."""

    def change(_: dict[str, Any], claims: dict[str, Any]) -> None:
        new = value(claims.get(name)) if callable(value) else value
        if new is None:
            claims.pop(name, None)
        else:
            claims[name] = None if new is NULL else new

    return tokens(change)


def head(name: str, value: Any) -> OnAnswer:
    """Return what sets a member of each token's header, or takes it away."""

    def change(header: dict[str, Any], _: dict[str, Any]) -> None:
        header.pop(name, None)
        header.update({} if value is None else {name: value})

    return tokens(change)


def whole(make: Callable[[dict[str, Any], dict[str, Any]], str]) -> OnAnswer:
    """Return what puts another token in each one's place."""
    return tokens(make)


def at(endpoint: str, change: Callable[[Answer], Answer]) -> OnAnswer:
    """Return what alters the answers of one endpoint."""

    def answer(_: Fault, provider: Provider, call: Call, came: Answer) -> Answer:
        return change(came) if goes_to(provider, call, endpoint) else came

    return answer


def members(endpoint: str, change: Callable[[dict[str, Any]], None]) -> OnAnswer:
    """Return what alters the good JSON answers of one endpoint."""
    return at(endpoint, lambda came: with_json(came, change) if came.status in (200, 201) else came)


def metadata(change: Callable[[dict[str, Any]], None]) -> OnAnswer:
    """Return what alters the metadata."""

    def answer(_: Fault, __: Provider, call: Call, came: Answer) -> Answer:
        return with_json(came, change) if call.url.endswith(published.DISCOVERY_TAIL) else came

    return answer


def keys(change: Callable[[list[dict[str, Any]]], None]) -> OnAnswer:
    """Return what alters the key set."""
    return members("jwks_uri", lambda body: change(body["keys"]))


def callbacks(name: str, value: str | Callable[[str], str] | None) -> OnAnswer:
    """Return what alters one field of each answer to the client."""

    def answer(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
        held = reached(came).get(name)
        if held is None:
            return came
        return with_field(came, name, value(held) if callable(value) else value)

    return answer


def asks(endpoint: str, change: Callable[[dict[str, str]], None]) -> OnRequest:
    """Return what alters the requests to one endpoint."""

    def request(_: Fault, provider: Provider, call: Call) -> Call:
        return asking(call, change) if goes_to(provider, call, endpoint) else call

    return request


def refuses(endpoint: str, when: Callable[[Call], object], answer: Answer | None = None) -> OnRequest:
    """Return what answers some requests of an endpoint in the provider's place."""

    def request(_: Fault, provider: Provider, call: Call) -> Call | Answer:
        mine = goes_to(provider, call, endpoint) and when(call)
        return (answer or page()) if mine else call

    return request


def added(name: str, value: str) -> OnAnswer:
    """Return what adds a field to each answer to the client."""

    def answer(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
        return with_fields(came, lambda fields: [*fields, (name, value)]) if reached(came) else came

    return answer


def nonce_made_up(_: Fault, op: Provider, call: Call) -> Call:
    """Put a nonce into a request that has none."""
    if not goes_to(op, call, "authorization_endpoint"):
        return call
    return asking(call, lambda given: given.update(nonce=given.get("nonce", "made-up")))


def drops(*names: str) -> OnRequest:
    """Return what leaves parameters out of authorization requests."""

    def change(given: dict[str, str]) -> None:
        for name in names:
            given.pop(name, None)

    return asks("authorization_endpoint", change)


def header(endpoint: str, name: str, value: str | None) -> OnAnswer:
    """Return what sets a header of an endpoint's answers, or takes it away."""
    return at(endpoint, lambda came: with_header(came, name, value))


def status(endpoint: str, status: int) -> OnAnswer:
    """Return what gives an endpoint's answers another status."""
    return at(endpoint, lambda came: msgspec.structs.replace(came, status=status))
