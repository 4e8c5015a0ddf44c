"""Acts over the network: what is asked for, what is made of the answers, and whom a token is shown to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from intaglio.cli import credentials, faults, remote
from intaglio.cli.credentials import Account
from intaglio.cli.faults import Exit
from intaglio.errors import IntaglioError
from intaglio.ids import Secret
from intaglio.server.admin.acts import table
from intaglio.server.adminapi.routing import Routes
from intaglio.wire.flow import Call, Reply
from tests.cli.conftest import Run

SERVER = "https://id.example.com"
BEARER = Secret("canary-bearer")
PROBLEM = (("content-type", "application/problem+json; charset=utf-8"),)


def call(name: str, server: str = SERVER, /, **fields: Any) -> Call:
    """Return the call that an act becomes."""
    return next(remote.asked(server, BEARER, table.BY_NAME[name], fields))


def answered(reply: Reply, name: str = "tenant.show", **fields: Any) -> dict[str, Any]:
    """Return what is made of an answer."""
    flow = remote.asked(SERVER, BEARER, table.BY_NAME[name], fields or {"tenant": "acme"})
    next(flow)
    try:
        flow.send(reply)
    except StopIteration as end:
        found: dict[str, Any] = end.value
        return found
    raise AssertionError("one call is enough")


def test_words_of_the_path_are_escaped() -> None:
    """A name cannot lead to another place of the API."""
    asked = call("client.show", tenant="a/b?c", client_id="../x#y")
    assert asked.url == f"{SERVER}/_intaglio/admin/v1/tenants/a%2Fb%3Fc/clients/..%2Fx%23y"
    assert asked.method == "GET"
    assert asked.body == b""
    assert dict(asked.headers)["authorization"] == "Bearer canary-bearer"
    assert "canary" not in repr(asked)


@given(st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=3))
def test_the_server_reads_the_names_that_were_meant(tenant: str, client_id: str) -> None:
    """Whatever is in a name, the API's own routing finds the same act and the same words."""
    assume(not {tenant, client_id} & {".", ".."})
    asked = call("client.show", tenant=tenant, client_id=client_id)
    assert asked.url.isascii()
    found = Routes(table.ACTS).find(asked.method, asked.url.removeprefix(SERVER))
    assert (found.act.name, found.words) == ("client.show", {"tenant": tenant, "client_id": client_id})


def test_the_rest_stands_in_the_query_or_in_the_body() -> None:
    """GET and DELETE ask by query, POST and PATCH by JSON; the version that was seen goes into If-Match."""
    assert call("user.list", tenant="acme", after="é &", limit=5).url.endswith("/users?after=%C3%A9+%26&limit=5")
    assert call("audit.list", tenant="acme", since=None).url.endswith("/audit")
    made = call("user.create", tenant="acme", username="ada", password=Secret("hunter22"))
    assert json.loads(made.body) == {"username": "ada", "password": "hunter22"}
    assert dict(made.headers)["content-type"] == "application/json"
    changed = call("user.update", tenant="acme", user="ada", etag="abc", claims={"name": None})
    assert (changed.method, json.loads(changed.body)) == ("PATCH", {"claims": {"name": None}})
    assert dict(changed.headers)["if-match"] == '"abc"'
    anyhow = call("user.update", tenant="acme", user="ada", etag="*")
    assert dict(anyhow.headers)["if-match"] == "*"


@pytest.mark.parametrize("server", [SERVER, f"{SERVER}/_intaglio/admin/v1"])
def test_the_address_may_be_the_api_itself(server: str) -> None:
    """The address of the issuer and that of its API lead to the same."""
    assert call("tenant.list", server).url == f"{SERVER}/_intaglio/admin/v1/tenants"


def test_an_answer_is_the_record() -> None:
    """JSON is what was told; 204 is nothing."""
    assert answered(Reply(200, (("content-type", "application/json"),), b'{"slug": "acme"}')) == {"slug": "acme"}
    assert answered(Reply(204), "client.secret.delete", tenant="a", client_id="b", secret_id="c") == {}


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "slug-invalid", Exit.USAGE),
        (401, "invalid_token", Exit.NOT_AUTHENTICATED),
        (403, "right-missing", Exit.DENIED),
        (404, "tenant-unknown", Exit.NOT_FOUND),
        (409, "tenant-exists", Exit.CONFLICT),
        (412, "record-changed", Exit.CONFLICT),
        (413, "body-too-large", Exit.USAGE),
        (429, "rate-limited", Exit.UNREACHABLE),
        (500, "unexpected", Exit.UNEXPECTED),
        (503, "storage-unavailable", Exit.UNREACHABLE),
    ],
)
def test_a_problem_is_the_error_that_it_tells_of(
    capsys: pytest.CaptureFixture[str], status: int, code: str, exit_code: Exit
) -> None:
    """Code, words, expected, received, next step and reference are told as they would be beside the database."""
    problem = {"code": code, "title": "No.", "expected": "a\x1b[31m", "received": "b", "hint": "c\n", "ref": "r1"}
    with pytest.raises(IntaglioError) as told:
        answered(Reply(status, PROBLEM, json.dumps(problem).encode()))
    assert faults.code_of(told.value) == exit_code
    faults.tell(told.value)
    words = capsys.readouterr().err
    assert f"error: No. ({code})" in words
    assert "received: b" in words
    assert "ref: r1" in words
    assert "\x1b" not in words


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(404, (("content-type", "text/html"),), b"<p>no"), id="a page"),
        pytest.param(Reply(302, (("location", "https://evil.example/"),)), id="leads elsewhere"),
        pytest.param(Reply(200, (("content-type", "text/html"),), b"<p>hi"), id="a page that was found"),
        pytest.param(Reply(200, (), b"[]"), id="no object"),
        pytest.param(Reply(500, PROBLEM, b"not JSON"), id="no problem"),
    ],
)
def test_what_is_no_administration_api(reply: Reply) -> None:
    """Whatever else answers there is named, with the status and no word of what it said."""
    with pytest.raises(IntaglioError) as told:
        answered(reply)
    assert told.value.code == "administration-silent"
    assert faults.code_of(told.value) == Exit.UNREACHABLE


# --- whose token


def keep(*accounts: Account) -> None:
    """Write sign-ins into this person's file."""
    with credentials.changing() as held:
        held[0] = credentials.Book(accounts=accounts)


def account(issuer: str, scope: str = "openid intaglio.admin") -> Account:
    """Return a sign-in at an issuer where nobody answers."""
    return Account(issuer, "intaglio-cli", "1", "canary-refresh", f"{issuer}/token", 0, "ada@example.com", scope=scope)


@pytest.fixture
def home(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person of whom nothing is known."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("INTAGLIO_SERVER", "INTAGLIO_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("signed_in", "told"),
    [
        pytest.param((), "nobody is signed in there", id="nobody"),
        pytest.param((account("https://other.example"),), "nobody is signed in there", id="elsewhere"),
        pytest.param((account("http://id.example.com/operators"),), "nobody is signed in there", id="another scheme"),
        pytest.param((account("https://id.example.com:8443/o"),), "nobody is signed in there", id="another port"),
        pytest.param((account(f"{SERVER}/operators", "openid"),), "without it", id="without the scope"),
    ],
)
def test_a_sign_in_elsewhere_is_not_shown_to_a_server(run: Run, signed_in: tuple[Account, ...], told: str) -> None:
    """Only a sign-in at the server's own origin, with the scope, is used; else nothing is sent, and the way is told."""
    keep(*signed_in)
    ran = run("tenant", "list", "--server", SERVER)
    assert (ran.code, ran.out) == (Exit.NOT_AUTHENTICATED, "")
    assert told in ran.err
    assert "intaglio login --issuer https://id.example.com/operators" in ran.err
    assert "canary" not in ran.err


@pytest.mark.usefixtures("home")
def test_a_server_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A server that does not answer is 9; so is an issuer that is asked for a token."""
    token = tmp_path / "token"
    token.write_text("canary-token\n", encoding="utf-8")
    nowhere = "http://127.0.0.1:9"
    ran = run("tenant", "list", "--server", nowhere, "--token-file", str(token))
    assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")
    monkeypatch.setenv("INTAGLIO_TOKEN_FILE", str(token))
    monkeypatch.setenv("INTAGLIO_SERVER", nowhere)
    assert run("tenant", "list").code == Exit.UNREACHABLE
    keep(account(nowhere))
    monkeypatch.delenv("INTAGLIO_TOKEN_FILE")
    assert run("tenant", "list").code == Exit.UNREACHABLE
    assert "canary" not in ran.err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("text", ["", "two words", "a\r\nHost: evil.example", "tökn"])
def test_a_file_that_holds_no_token(run: Run, text: str) -> None:
    """What cannot stand in a header is refused before anything is sent, and not repeated."""
    ran = run("tenant", "list", "--server", "http://127.0.0.1:9", "--token-file", "-", stdin=text)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "token-invalid" in ran.err
    assert not text or text not in ran.err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("server", ["http://id.example.com", "ftp://id.example.com", "id.example.com", "https://u@h/"])
def test_a_token_goes_over_tls_alone(run: Run, server: str) -> None:
    """An address without TLS is refused, but for this machine; so is what is no address."""
    ran = run("tenant", "list", "--server", server, "--token-file", "-", stdin="canary")
    assert ran.code in {Exit.USAGE, Exit.UNREACHABLE}
    assert ran.out == ""
    assert "canary" not in ran.err


@pytest.mark.usefixtures("home")
def test_one_thing_comes_from_stdin(run: Run) -> None:
    """A token and a password cannot both be what stands there."""
    words = ("user", "create", "ada", "--password-file", "-", "--token-file", "-", "--server", "http://127.0.0.1:9")
    ran = run(*words, stdin="canary")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "stdin" in ran.err


def test_every_act_can_be_asked_for() -> None:
    """Each act of the table becomes a call at its own place."""
    for act in table.ACTS:
        words: Mapping[str, str] = dict.fromkeys(act.words, "x")
        made = call(act.name, **words)
        assert made.method == act.method
        assert "{" not in made.url
