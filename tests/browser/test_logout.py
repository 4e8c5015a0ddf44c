"""Signing out in a real browser: frames tell applications, the browser goes on, and a watching page notices."""

from __future__ import annotations

import functools
import http.server
import queue
import threading
import urllib.parse
from collections.abc import Callable, Iterator

import jwt
import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"
EVENT = "http://schemas.openid.net/event/backchannel-logout"

WATCHING = """<!doctype html><title>application</title><link rel="icon" href="data:,">
<p id="rp-done">Here.</p><p id="answer"></p><button id="ask">Ask</button>
<iframe id="op" hidden></iframe>
<script>
  const state = new URLSearchParams(location.search).get("session_state");
  const frame = document.getElementById("op"), answer = document.getElementById("answer");
  const ask = (text) => { answer.textContent = ""; frame.contentWindow.postMessage(text, "OP_ORIGIN"); };
  addEventListener("message", (event) => { if (event.origin === "OP_ORIGIN") answer.textContent = event.data; });
  document.getElementById("ask").onclick = () => ask("CLIENT " + state);
  frame.onload = () => ask("CLIENT " + state);
  if (state) frame.src = "FRAME";
</script>"""


class Application:
    """An application on this machine, under `localhost`: remembers what arrives, and shows its pages."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[tuple[str, str, dict[str, str]]] = queue.Queue()
        self.page = b'<!doctype html><title>application</title><link rel="icon" href="data:,"><p id="rp-done">Here.'
        application = self

        class Answering(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                parts = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                fields = dict(urllib.parse.parse_qsl(body or parts.query, keep_blank_values=True))
                application.arrived.put((self.command, parts.path, fields))
                if parts.path == "/hang":
                    application.let_go.wait(20)
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(application.page)))
                self.end_headers()
                self.wfile.write(application.page)

            do_GET = do_POST = _answer  # noqa: N815 - the names are the library's

            def log_message(self, *_: object) -> None:
                pass

        self.let_go = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self.base = f"http://localhost:{self._server.server_address[1]}"
        serve = functools.partial(self._server.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve)
        self._thread.start()

    def next(self, path: str) -> tuple[str, dict[str, str]]:
        """Return method and fields of the next request for a path, waiting some seconds."""
        while True:
            method, found, fields = self.arrived.get(timeout=8)
            if found == path:
                return method, fields

    def close(self) -> None:
        """Stop listening."""
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def application() -> Iterator[Application]:
    """An application with a port of its own."""
    listening = Application()
    yield listening
    listening.close()


Register = Callable[..., str]


@pytest.fixture
def register(filed: live.Dev, application: Application) -> Register:
    """Registers the application as a public client, by the command line."""

    def make(client_id: str, *more: str) -> str:
        words = ["client", "create", client_id, "--tenant", "default", "--client-id", client_id, "--public"]
        words += ["--redirect-uri", f"{application.base}/cb", "--scope", "openid"]
        words += ["--post-logout-redirect-uri", f"{application.base}/bye"]
        live.cli(filed, *words, *more)
        return client_id

    return make


def _sign_in(filed: live.Dev, page: sync_api.Page, application: Application, client_id: str) -> str:
    """Sign in and return the ID token."""
    callback = f"{application.base}/cb"
    begun = live.authorization(filed.issuer + "/authorize", client_id, callback, scope="openid")
    live.sign_in(page, begun.url)
    fields = application.next("/cb")[1]
    form = {
        "grant_type": "authorization_code",
        "code": fields["code"],
        "redirect_uri": callback,
        "code_verifier": begun.code_verifier,
        "client_id": client_id,
    }
    answer = requests.post(filed.issuer + "/token", data=form, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id_token"])


def _logout(filed: live.Dev, **fields: str) -> str:
    return f"{filed.issuer}/logout?{urllib.parse.urlencode(fields)}"


@capability("logout-frontchannel", witness=CHROMIUM)
@pytest.mark.parametrize("script", [True, False])
def test_frames_then_onwards(
    filed: live.Dev, visit: Callable[..., live.Visitor], application: Application, register: Register, *, script: bool
) -> None:
    """The application's frame is loaded with iss and sid, then the browser goes on; no script needed."""
    client_id = register(f"front-{script}", "--frontchannel-logout-uri", f"{application.base}/front")
    page = visit(java_script_enabled=script).tab()
    token = _sign_in(filed, page, application, client_id)
    page.goto(_logout(filed, id_token_hint=token, post_logout_redirect_uri=f"{application.base}/bye", state="s-1"))
    page.wait_for_url(f"{application.base}/bye?state=s-1")
    method, fields = application.next("/front")
    assert (method, fields) == ("GET", {"iss": filed.issuer, "sid": live.claims(token)["sid"]})
    assert application.next("/bye")[1] == {"state": "s-1"}


@capability("logout-frontchannel", witness=CHROMIUM)
def test_a_frame_that_hangs_keeps_nobody(
    filed: live.Dev, page: sync_api.Page, application: Application, register: Register
) -> None:
    """An application that never answers delays the way on by some seconds at most."""
    client_id = register("hangs", "--frontchannel-logout-uri", f"{application.base}/hang")
    token = _sign_in(filed, page, application, client_id)
    page.goto(
        _logout(filed, id_token_hint=token, post_logout_redirect_uri=f"{application.base}/bye"), wait_until="commit"
    )
    page.wait_for_url(f"{application.base}/bye", timeout=6000)
    application.let_go.set()


@capability("logout-backchannel", witness="Chromium, and PyJWT with the published keys")
@capability("outbox-work", witness="a running `dev`")
def test_development_tells_by_itself(
    filed: live.Dev, page: sync_api.Page, application: Application, register: Register
) -> None:
    """`dev` has no second process: a moment after the logout the application's back channel has its token."""
    client_id = register("back", "--backchannel-logout-uri", f"{application.base}/back")
    token = _sign_in(filed, page, application, client_id)
    page.goto(_logout(filed, id_token_hint=token))
    sync_api.expect(page.locator("#logged-out")).to_be_visible()
    method, fields = application.next("/back")
    assert method == "POST"
    keys = jwt.PyJWKClient(filed.issuer + "/jwks")
    told = jwt.decode(
        fields["logout_token"],
        keys.get_signing_key_from_jwt(fields["logout_token"]).key,
        algorithms=["RS256"],
        audience=client_id,
        issuer=filed.issuer,
    )
    assert told["events"] == {EVENT: {}}
    assert (told["sub"], told["sid"]) == (live.claims(token)["sub"], live.claims(token)["sid"])
    assert "nonce" not in told


@capability("session-management", witness=CHROMIUM)
def test_unchanged_then_changed(
    filed: live.Dev, visitor: live.Visitor, application: Application, register: Register
) -> None:
    """Session Management 3.1: a watching page hears `unchanged`, and after a logout in another tab `changed`."""
    live.cli(filed, "tenant", "update", "default", "--session-management")
    client_id = register("watch")
    frame = f"{filed.issuer}/session"
    text = WATCHING.replace("OP_ORIGIN", filed.base).replace("CLIENT", client_id).replace("FRAME", frame)
    application.page = text.encode()
    page = visitor.tab()
    token = _sign_in(filed, page, application, client_id)
    answer = page.locator("#answer")
    sync_api.expect(answer).to_have_text("unchanged")
    for wrong in ("nonsense", "watch", f"{client_id} a.b.c"):
        page.evaluate("text => ask(text)", wrong)
        sync_api.expect(answer).to_have_text("error")
    page.evaluate("() => ask('another ' + state)")
    sync_api.expect(answer).to_have_text("changed")
    page.click("#ask")
    sync_api.expect(answer).to_have_text("unchanged")
    other = visitor.tab()
    other.goto(_logout(filed, id_token_hint=token))
    sync_api.expect(other.locator("#logged-out")).to_be_visible()
    page.click("#ask")
    sync_api.expect(answer).to_have_text("changed")


@capability("account-sessions", witness=CHROMIUM)
@capability("account-apps", witness=CHROMIUM)
def test_sessions_and_apps_by_hand(
    filed: live.Dev, visit: Callable[..., live.Visitor], application: Application, register: Register
) -> None:
    """One browser ends the other's session and withdraws an app, then signs out everywhere."""
    client_id = register("listed")
    first, second = visit(), visit()
    page, elsewhere = first.tab(), second.tab()
    _sign_in(filed, page, application, client_id)
    elsewhere.goto(filed.issuer + "/account")
    live.log_in(elsewhere)
    sync_api.expect(elsewhere.locator("#sessions-list > li")).not_to_have_count(0)
    before = elsewhere.locator("#sessions-list > li").count()
    page.goto(filed.issuer + "/account")
    sync_api.expect(page.locator("#sessions-list")).to_contain_text("on Linux")
    sync_api.expect(page.locator("#apps-list")).to_contain_text(client_id)
    page.locator("#apps-list > li", has_text=client_id).get_by_role("button").click()
    sync_api.expect(page.locator("#apps-list")).not_to_contain_text(client_id)
    elsewhere.locator("#sessions-list > li", has_not_text="this browser").first.get_by_role("button").click()
    sync_api.expect(elsewhere.locator("#sessions-list > li")).to_have_count(before - 1)
    elsewhere.click("#account-sign-out-everywhere")
    sync_api.expect(elsewhere.locator("#logged-out")).to_be_visible()
    for tab in (page, elsewhere):
        tab.goto(filed.issuer + "/account")
        sync_api.expect(tab.locator("#login-form")).to_be_visible()
