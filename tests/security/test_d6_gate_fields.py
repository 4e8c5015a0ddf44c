"""Rows 41 and 55 of our list of published faults once more: fields that say one thing in front and another behind."""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from intaglio.dialects.google import gateway
from intaglio.errors import Misconfigured
from intaglio.protocol.gate import Operation
from intaglio.server.devmode import seeds
from intaglio.server.gate import connections
from intaglio.server.gate.routes import Routes
from intaglio.server.model import serviceaccounts
from tests import gates
from tests.capability import capability
from tests.gates import Gate

pytestmark = capability("gate-run", witness="requests in process")

HERE = "https://hello.example/"
APP = "https://app.example/"


@pytest.fixture
def opened() -> Iterator[Gate]:
    """A gate in front of the seeded service."""
    with gates.gate(gates.RUN) as made:
        yield made


@pytest.fixture
def proxying() -> Iterator[Gate]:
    """A gate in mode iap that a program may pass."""
    with gates.gate(gates.IAP) as made:
        made.grant("roles/iap.httpsResourceAccessor", f"serviceAccount:{seeds.TARGET}")
        yield made


@pytest.mark.parametrize("named", ["host", "Host, close", "close,HOST", "x-forwarded-host, host, authorization"])
def test_d6_41_connection_does_not_take_the_host_away(opened: Gate, named: str) -> None:
    """Whoever names Host in Connection does not choose another site of the same server."""
    assert opened.knock(HERE, headers=[("connection", named), gates.bearer(opened.of_account())]).status == 200
    seen = opened.seen
    assert seen.one("host") == "hello.example"
    assert seen.one("x-forwarded-host") == "hello.example"
    assert str(seen.one("authorization")).endswith(".SIGNATURE_REMOVED_BY_GOOGLE")


@pytest.mark.parametrize("between", "_.!#$%&'*+^`|~")
def test_d6_41_names_that_read_as_hyphens(proxying: Gate, between: str) -> None:
    """A CGI server writes one underscore for each of these signs, so that any of them reads as the proxy's header."""
    name = between.join(("x", "goog", "authenticated", "user", "email"))
    headers = [(name, "accounts.google.com:root@example.com"), gates.bearer(proxying.of_account("gate"))]
    assert proxying.knock(APP, headers=headers).status == 200
    seen = proxying.seen
    assert seen.one(name) is None
    asked = [*headers, ("host", "app.example")]
    gone = proxying.ask("/envoy/app/", asked).header("x-envoy-auth-headers-to-remove") or ""
    assert name in gone.split(",")


@pytest.mark.parametrize(
    "name",
    ["x-forwarded-user", "x-forwarded-email", "x-forwarded-client-cert", "x-forwarded-by", "x-original-forwarded-for"],
)
def test_d6_41_nobody_says_who_was_forwarded(opened: Gate, name: str) -> None:
    """The whole family of fields that proxies write is the gate's, not only those that it writes itself."""
    assert opened.knock(HERE, headers=[(name, "root"), gates.bearer(opened.of_account())]).status == 200
    assert opened.seen.one(name) is None


@capability("gate-envoy", witness="requests in process")
def test_d6_41_the_only_cookie_is_taken_away_by_envoy(proxying: Gate) -> None:
    """Where nothing is left of Cookie, Envoy is told to take it away; else it would pass the session on."""
    cookie = ("cookie", "__Host-intaglio-gate-app-session=secret")
    headers = [cookie, gates.bearer(proxying.of_account("gate")), ("host", "app.example")]
    answer = proxying.ask("/envoy/app/", headers)
    assert answer.status == 200
    assert answer.header("cookie") is None
    assert "cookie" in str(answer.header("x-envoy-auth-headers-to-remove")).split(",")
    kept = proxying.ask("/envoy/app/", [("cookie", cookie[1] + "; theme=dark"), *headers[1:]])
    assert kept.header("cookie") == "theme=dark"
    assert "cookie" not in str(kept.header("x-envoy-auth-headers-to-remove")).split(",")


def test_d6_35_what_was_dead_stays_dead_at_the_gate(opened: Gate) -> None:
    """A token from before an account was deleted opens nothing when the account comes back; a later one does."""
    token = opened.of_account()
    assert opened.knock(HERE, headers=[gates.bearer(token)]).status == 200
    account = opened.site.read(serviceaccounts.by_email, seeds.TENANT_ID, seeds.TARGET)
    later = opened.site.clock.now() + 10
    opened.site.write(serviceaccounts.replace, msgspec.structs.replace(account, tokens_from=later))
    opened.site.settle()
    assert opened.knock(HERE, headers=[gates.bearer(token)]).status == 403
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_account(iat=later))]).status == 200


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("\u4f8b@example.com", "%E4%BE%8B@example.com"),
        ("\u00fc@example.com", "%C3%BC@example.com"),
        ("%C3%BC@example.com", "%25C3%25BC@example.com"),
        ("a\r\nx-goog-authenticated-user-id: 1@example.com", "a%0D%0Ax-goog-authenticated-user-id: 1@example.com"),
    ],
)
def test_d6_44_an_address_is_one_line_of_ascii(proxying: Gate, email: str, told: str) -> None:
    """Whatever somebody's address holds, it ends no line, breaks nothing, and reads as nobody else's."""
    proxying.site.change_user("alice", claims={"email": email, "email_verified": True})
    proxying.grant("roles/iap.httpsResourceAccessor", "allAuthenticatedUsers")
    token = gates.bearer(proxying.of_user("gate", email=None, email_verified=None))
    for answer in (proxying.knock(APP, headers=[token]), proxying.ask("/envoy/app/", [token, ("host", "app.example")])):
        assert answer.status == 200
    assert proxying.seen.one("x-goog-authenticated-user-email") == f"accounts.google.com:{told}"
    assert answer.header("x-goog-authenticated-user-email") == f"accounts.google.com:{told}"


# --- routes


@pytest.mark.parametrize("path", ["/users/7", "/USERS/7", "/uSers/me", "/Users/ME", "/%55SERS/7"])
def test_d6_41_case_does_not_lead_to_another_route(path: str) -> None:
    """A server that does not mind case would answer with the guarded route what the open one let through."""
    made = Routes((Operation("GET", "/Users/{id}", ()), Operation("GET", "/Users/me", ()), _open("/{a}/{b}")))
    assert made.find("GET", path).operation is None
    assert made.find("GET", path).code == "path-ambiguous"


def test_d6_41_case_that_means_one_thing() -> None:
    """Letters of variables are anybody's, and two routes that differ in case alone are both there."""
    made = Routes((_open("/Users/{id}"), _open("/a"), _open("/A"), _open("/B/{x}"), _open("/b/{x}")))
    for path in ("/Users/ME", "/Users/me", "/a", "/A", "/B/Q", "/b/q"):
        assert made.find("GET", path).operation is not None, path


def _open(path: str) -> Operation:
    return Operation("GET", path, ())


@pytest.mark.parametrize("path", ["/v1/{name}:{verb}", "/v1/{name}.json", "/v1/x{name}", "/v1/{name", "/v1/name}"])
def test_d6_41_half_a_variable_is_refused(path: str) -> None:
    """A segment that is a variable in part would be taken for the whole, and match what another route guards."""
    with pytest.raises(Misconfigured) as caught:
        gateway.read({"openapi": "3.0.0", "paths": {path: {"get": {}}}})
    assert caught.value.code == "openapi-unusable"
    assert gateway.read({"openapi": "3.0.0", "paths": {"/v1/{name}": {"get": {}}}})


# --- on the wire

TRAILED = (
    b"POST / HTTP/1.1\r\nHost: hello.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nab\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nX-Serverless-Authorization: Bearer x\r\n\r\n"
)


async def test_d6_41_fields_behind_the_body_are_no_header() -> None:
    """Trailer fields are dropped: nobody in front has looked at them (RFC 9110 6.5.1)."""
    seen: list[list[tuple[bytes, bytes]]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        seen.append(list(scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    made = connections.config(app, tls=None)
    state: Any = type("State", (), {"connections": set(), "tasks": set(), "default_headers": [], "total_requests": 0})()
    loop = asyncio.get_running_loop()
    factory: Any = made.http_protocol_class
    server = await loop.create_server(lambda: factory(config=made, server_state=state, app_state={}), "127.0.0.1", 0)
    for pieces in ((TRAILED,), (TRAILED[:90], TRAILED[90:])):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.05)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")
        writer.close()
    server.close()
    assert [[name for name, _ in headers] for headers in seen] == [[b"host", b"transfer-encoding"]] * 2


def test_a_service_for_other_proxies_hides_none(tmp_path: pathlib.Path) -> None:
    """Of two services without an address the one that is passed on is reached, wherever the other one stands."""
    (tmp_path / "api.json").write_text(json.dumps({"openapi": "3.0.0", "paths": {"/": {"get": {}}}}), encoding="utf-8")
    first = {"mode": "endpoints", "name": "one", "upstream": "http://127.0.0.1:9", "openapi": "api.json"}
    second = {"mode": "endpoints", "name": "two", "openapi": "api.json"}
    for wards in ((first, second), (second, first)):
        with gates.gate(*wards, folder=tmp_path) as made:
            assert made.knock("https://any.example/").status == 200
