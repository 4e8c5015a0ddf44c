"""The inspector in a real browser: what it shows, what it believes, and that nothing leaves it."""

from __future__ import annotations

import base64
import http.server
import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from intaglio.tokens import encryptionkeys, jwe, jwk, jws, sharedsecret
from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"
STATIC = "/_intaglio/static/"
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</code></td></tr></table><script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202etxet desrever\u202c",
    "\u2066\u200b\ufeff\u0007\u0000",
    "{{constructor.constructor('alert(1)')()}}",
)
LANGUAGES = {
    "intaglio": "intaglio.Validator(",
    "pyjwt": "jwt.decode(",
    "node": "jwtVerify(",
    "go": "oidc.NewProvider(",
    "java": "IDTokenValidator(",
    "csharp": "ValidateTokenAsync(",
    "curl": "intaglio token verify",
}
KEY = jwk.generate("ES256")
JWKS = json.dumps({"keys": [{**jwk.public_members(KEY.public()), "kid": "k", "alg": "ES256", "use": "sig"}]})


def _part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _unsigned(claims: Any) -> str:
    """Return a token that nobody signed: it can be read all the same."""
    header = {"alg": "RS256", "typ": "JWT", "kid": "k"}
    return f"{_part(header)}.{_part(claims)}.c2lnbmF0dXJl"


def _claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": "https://issuer.example", "sub": "s", "aud": "app", "exp": now + 3600, "iat": now - 4} | more


def _signed(**more: Any) -> str:
    return jws.sign(KEY, {"typ": "JWT", "kid": "k"}, json.dumps(_claims(**more)).encode())


def _verdict(page: sync_api.Page, words: str) -> None:
    sync_api.expect(page.locator("#inspect-verdict strong")).to_have_text(words)


def _rows(page: sync_api.Page) -> dict[str, str]:
    return {row.locator("th").inner_text(): row.inner_text() for row in page.locator("#inspect-claims tbody tr").all()}


@pytest.fixture
def inspector(dev: live.Dev, page: sync_api.Page) -> sync_api.Page:
    """The empty page."""
    page.goto(dev.base + "/inspect")
    return page


# --- reading


@capability("inspector-page", witness=CHROMIUM)
@capability("inspector-claims", witness=CHROMIUM)
def test_a_pasted_token_is_told_apart(inspector: sync_api.Page) -> None:
    """Three parts in three inks with labels, header and payload, each claim with meaning, badge and time in words."""
    token = _signed(auth_time=int(time.time()) - 3 * 86400 - 60, role="owner")
    inspector.fill("#inspect-token", f"  Bearer {token}\n")
    _verdict(inspector, "UNVERIFIED")
    sync_api.expect(inspector.locator("#inspect-kind")).to_have_text("An ID token")
    assert inspector.locator("#inspect-parts-text").inner_text() == token
    assert [inspector.locator(f"#inspect-parts .part-{n}.part").count() for n in (1, 2, 3, 4)] == [1, 1, 1, 0]
    assert inspector.locator("#inspect-parts .legend li").all_inner_texts() == ["Header", "Payload", "Signature"]
    styles = "e => getComputedStyle(e).textDecorationStyle"
    drawn = [inspector.locator(f"#inspect-parts .part-{n}.part").evaluate(styles) for n in (1, 2, 3)]
    assert len(set(drawn)) == 3
    assert '"alg": "ES256"' in inspector.locator("#inspect-parts .decoded").inner_text()
    rows = _rows(inspector)
    assert re.search(r"in (59|60) minutes", rows["exp"])
    assert "seconds ago" in rows["iat"]
    assert "3 days ago" in rows["auth_time"]
    assert "UTC" in rows["exp"]
    assert "OpenID Connect" in rows["iss"]
    assert "defines" in rows["role"]
    sync_api.expect(inspector.locator("#inspect-problems")).to_contain_text("Bearer")


@capability("inspector-worth", witness=CHROMIUM)
def test_what_validating_is_worth_is_said(inspector: sync_api.Page) -> None:
    """Beside the checks of a token: everything on a server, nothing against its user elsewhere, nothing at an API."""
    worth = inspector.locator("#inspect-worth")
    sync_api.expect(worth).to_be_hidden()
    inspector.fill("#inspect-token", _signed())
    sync_api.expect(worth).to_be_visible()
    inspector.set_viewport_size({"width": 360, "height": 740})
    said = dict(zip(worth.locator("dt").all_inner_texts(), worth.locator("dd").all_inner_texts(), strict=True))
    answers = {name.split("\n")[0]: text for name, text in said.items()}
    assert [text.split()[0].strip(".") for text in answers.values()] == ["Everything", "Something", "Nothing"]
    assert "confidential client" in worth.inner_text()
    assert "public client" in worth.inner_text()
    assert inspector.evaluate("document.documentElement.scrollWidth <= innerWidth")


@capability("inspector-page", witness=CHROMIUM)
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"{_part({'alg': 'RS256', 'typ': 'at+jwt'})}.{_part(_claims())}.AA", "An access token"),
        (f"{_part({'alg': 'RS256', 'typ': 'logout+jwt'})}.{_part(_claims())}.AA", "A logout token"),
        (f"{_part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.AA.AA.AA.AA", "An encrypted token"),
        ('{"payload": "e30", "signatures": []}', "A token in JSON serialization"),
        ("<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>", "A SAML message"),
        ("2YotnFZFEjr1zCsicMWpAA", "Not a token that can be read"),
    ],
)
def test_other_kinds_are_named(inspector: sync_api.Page, text: str, kind: str) -> None:
    """What is no ID token is said to be what it is, with a sentence of advice."""
    inspector.fill("#inspect-token", text)
    sync_api.expect(inspector.locator("#inspect-kind")).to_have_text(kind)
    assert len(inspector.locator("#inspect-summary").inner_text().split()) > 6


@capability("inspector-page", witness=CHROMIUM)
def test_illegal_padding_is_shown_and_said(inspector: sync_api.Page) -> None:
    """A payload that ends in '=' is decoded for the eye, named among what is odd, and refused by the checks."""
    header, _, signature = _signed().split(".")
    padded = base64.urlsafe_b64encode(json.dumps(_claims(x="ab")).encode() + b" " * 2).decode()
    while not padded.endswith("="):
        padded = base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded) + b" ").decode()
    inspector.fill("#inspect-token", f"{header}.{padded}.{signature}")
    sync_api.expect(inspector.locator("#inspect-problems")).to_contain_text("padding")
    inspector.fill("#inspect-jwks", JWKS)
    _verdict(inspector, "REFUSED")
    assert "x" in _rows(inspector)


@capability("inspector-fragment", witness=CHROMIUM)
def test_a_token_behind_the_hash(dev: live.Dev, page: sync_api.Page) -> None:
    """As the target of a fragment response the page shows the token, and fills in what came along."""
    token = _signed(nonce="n")
    page.goto(f"{dev.base}/inspect#state=st-1&code=co-1&access_token=at-1&token_type=Bearer&id_token={token}")
    _verdict(page, "UNVERIFIED")
    assert page.input_value("#inspect-token") == token
    # state is compared only where the token carries its hash: nearly every response has the one, few the other.
    filled = {name: page.input_value(f"#inspect-{name}") for name in ("state", "code", "access-token")}
    assert filled == {"state": "", "code": "co-1", "access-token": "at-1"}
    assert token in page.evaluate("location.hash")
    assert page.evaluate("[location.search, document.cookie, localStorage.length, sessionStorage.length]") == [
        "",
        "",
        0,
        0,
    ]
    page.fill("#inspect-token", "other")
    sync_api.expect(page.locator("#inspect-kind")).to_have_text("Not a token that can be read")
    assert page.evaluate("location.hash") == ""


@capability("inspector-fragment", witness=CHROMIUM)
def test_an_error_behind_the_hash(dev: live.Dev, page: sync_api.Page) -> None:
    """An error response is told, as text."""
    page.goto(f"{dev.base}/inspect#error=access_denied&error_description=%3Cb%3Eno%3C%2Fb%3E&state=s")
    sync_api.expect(page.locator("#inspect-message")).to_contain_text("access_denied: <b>no</b>")


DROP = """([text, asFile]) => {
  const data = new DataTransfer();
  if (asFile) data.items.add(new File([text], "token.txt", {type: "text/plain"}));
  else data.setData("text/plain", text);
  for (const kind of ["dragenter", "dragover", "drop"])
    document.getElementById("inspect-drop").dispatchEvent(
      new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@capability("inspector-drop", witness=CHROMIUM)
@pytest.mark.parametrize("as_file", [True, False])
def test_a_dropped_token_and_its_keys(inspector: sync_api.Page, as_file: bool) -> None:
    """A file or a text that is dropped is read; keys go where keys belong."""
    token = _signed()
    inspector.evaluate(DROP, [token, as_file])
    _verdict(inspector, "UNVERIFIED")
    assert inspector.input_value("#inspect-token") == token
    inspector.evaluate(DROP, [JWKS, as_file])
    _verdict(inspector, "NOT DECIDED")
    assert inspector.input_value("#inspect-jwks") == JWKS
    inspector.evaluate(DROP, ["x" * 1_100_000, True])
    sync_api.expect(inspector.locator("#inspect-message")).to_contain_text("1 MiB")


# --- believing


@capability("inspector-report", witness=CHROMIUM)
def test_a_token_does_not_vouch_for_itself(inspector: sync_api.Page) -> None:
    """With good keys, what the token says of issuer and audience is not believed until a person expects the same."""
    inspector.fill("#inspect-token", _signed())
    _verdict(inspector, "UNVERIFIED")
    inspector.fill("#inspect-jwks", JWKS)
    _verdict(inspector, "NOT DECIDED")
    assert inspector.input_value("#inspect-issuer") == "https://issuer.example"
    sync_api.expect(inspector.locator("#inspect-checks > li", has_text="own word")).to_have_count(2)
    inspector.check("#inspect-issuer-mine")
    sync_api.expect(inspector.locator("#inspect-checks > li", has_text="own word")).to_have_count(1)
    _verdict(inspector, "NOT DECIDED")
    inspector.fill("#inspect-audience", "app")
    _verdict(inspector, "BELIEVED")
    sync_api.expect(inspector.locator("#inspect-audience-own")).to_be_hidden()
    assert inspector.locator("#inspect-checks > li.fail").count() == 0


@capability("inspector-report", witness=CHROMIUM)
def test_a_refused_token_says_why(inspector: sync_api.Page) -> None:
    """The check that failed stands there with what was expected and what was received, side by side."""
    inspector.fill("#inspect-token", _signed())
    inspector.fill("#inspect-jwks", JWKS)
    inspector.fill("#inspect-issuer", "https://issuer.exampel")
    inspector.fill("#inspect-audience", "app")
    _verdict(inspector, "REFUSED")
    failed = inspector.locator("#inspect-checks > li.fail")
    sync_api.expect(failed).to_have_count(1)
    assert failed.locator("dd").all_inner_texts() == ["https://issuer.exampel", "https://issuer.example"]
    assert failed.locator("mark").count() == 2
    sync_api.expect(failed).to_contain_text("failed")
    sync_api.expect(failed).to_contain_text("OpenID Connect Core")
    sync_api.expect(inspector.locator("#inspect-report .clocks")).to_contain_text("yours says")
    inspector.fill("#inspect-issuer", "https://issuer.example")
    _verdict(inspector, "BELIEVED")
    inspector.locator("details summary").click()
    inspector.fill("#inspect-at", str(int(time.time()) + 90_000))
    _verdict(inspector, "REFUSED")
    sync_api.expect(inspector.locator("#inspect-checks > li.fail").first).to_contain_text("xpiry")
    inspector.fill("#inspect-at", "now")
    inspector.fill("#inspect-nonce", "n-1")
    _verdict(inspector, "REFUSED")


@capability("inspector-report", witness=CHROMIUM)
def test_one_changed_character_is_refused(inspector: sync_api.Page) -> None:
    """A payload that was changed after signing does not pass."""
    header, _, signature = _signed().split(".")
    inspector.fill("#inspect-token", f"{header}.{_part(_claims(sub='another'))}.{signature}")
    inspector.fill("#inspect-jwks", JWKS)
    _verdict(inspector, "REFUSED")
    sync_api.expect(inspector.locator("#inspect-checks > li.fail").first).to_contain_text("ignature")


@capability("inspector-report", witness=CHROMIUM)
def test_a_client_secret_proves_a_token(inspector: sync_api.Page) -> None:
    """HS256 is checked with the secret from a field that hides it; another secret is refused, a short one is said."""
    secret = "a secret of forty octets, known to two."
    token = jws.sign(sharedsecret.SharedSecret(secret), {"typ": "JWT"}, json.dumps(_claims()).encode())
    inspector.fill("#inspect-token", token)
    inspector.fill("#inspect-issuer", "https://issuer.example")
    inspector.fill("#inspect-audience", "app")
    inspector.fill("#inspect-secret", secret)
    _verdict(inspector, "BELIEVED")
    inspector.fill("#inspect-secret", secret[::-1])
    _verdict(inspector, "REFUSED")
    inspector.fill("#inspect-secret", "short")
    sync_api.expect(inspector.locator("#inspect-report .state")).to_be_visible()
    _verdict(inspector, "UNVERIFIED")
    assert secret not in inspector.content()


@capability("inspector-report", witness=CHROMIUM)
def test_keys_that_are_none_are_said_to_be_none(inspector: sync_api.Page) -> None:
    """What cannot be read as keys leaves the token unverified, with the reason."""
    inspector.fill("#inspect-token", _signed())
    inspector.fill("#inspect-jwks", "<html>")
    _verdict(inspector, "UNVERIFIED")
    sync_api.expect(inspector.locator("#inspect-report")).to_contain_text("The keys cannot be used")


@capability("inspector-report", witness=CHROMIUM)
def test_the_report_can_be_copied(dev: live.Dev, visit: Callable[..., live.Visitor]) -> None:
    """As text and as JSON, of the library's form; and what was not decided is not told as believed."""
    page = visit(permissions=["clipboard-read", "clipboard-write"]).tab()
    page.goto(dev.base + "/inspect")
    page.fill("#inspect-token", _signed())
    page.fill("#inspect-jwks", JWKS)
    _verdict(page, "NOT DECIDED")

    def copied(name: str) -> str:
        sync_api.expect(page.locator("#inspect-report .copy", has_text="Copied")).to_have_count(0)
        page.get_by_role("button", name=name).click()
        sync_api.expect(page.locator("#inspect-report .copy", has_text="Copied")).to_have_count(1)
        return str(page.evaluate("navigator.clipboard.readText()"))

    told = json.loads(copied("Copy as JSON the report"))
    assert told["believed"] is False
    assert {"believed", "dialect", "kind", "clocks", "checks"} <= told.keys()
    page.check("#inspect-issuer-mine")
    page.check("#inspect-audience-mine")
    _verdict(page, "BELIEVED")
    text = copied("Copy as text the report")
    assert "issuer" in text
    assert "clocks:" in text
    assert json.loads(copied("Copy as JSON the report"))["believed"] is True


@capability("inspector-report", witness=CHROMIUM)
def test_the_example_is_believed(inspector: sync_api.Page) -> None:
    """The example is a real token, made in the browser, that passes every check; clearing leaves nothing behind."""
    inspector.click("#inspect-example")
    _verdict(inspector, "BELIEVED")
    assert inspector.locator("#inspect-checks > li.pass").count() >= 8
    inspector.click("#inspect-clear")
    sync_api.expect(inspector.locator("#inspect-result")).to_be_hidden()
    fields = "[...document.querySelectorAll('textarea, input[type=text], input[type=password]')].map((e) => e.value)"
    assert set(inspector.evaluate(fields)) == {""}


# --- decryption


def _oct() -> tuple[str, str]:
    octets = bytes(range(32))
    key = encryptionkeys.from_secret(octets)
    text = jwe.encrypt(_signed().encode(), key.public(), alg="dir", enc="A256GCM", header={"cty": "JWT"})
    return text, json.dumps({"kty": "oct", "k": _part(octets)})


def _ec() -> tuple[str, str]:
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.private_numbers()
    point = {name: _part(getattr(numbers.public_numbers, name).to_bytes(32, "big")) for name in ("x", "y")}
    members = {"kty": "EC", "crv": "P-256", **point}
    text = jwe.encrypt(
        _signed().encode(),
        encryptionkeys.read_public(members),
        alg="ECDH-ES+A128KW",
        enc="A128CBC-HS256",
        header={"cty": "JWT"},
    )
    return text, json.dumps({**members, "d": _part(numbers.private_value.to_bytes(32, "big"))})


def _rsa() -> tuple[str, str]:
    private = rsa.generate_private_key(65537, 2048)
    numbers = private.public_key().public_numbers()
    members = {"kty": "RSA", "n": _part(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    text = jwe.encrypt(
        _signed().encode(),
        encryptionkeys.read_public(members),
        alg="RSA-OAEP-256",
        enc="A256GCM",
        header={"cty": "JWT"},
    )
    return text, private.private_bytes(*PEM).decode()


@capability("inspector-decrypt", witness=CHROMIUM)
@pytest.mark.parametrize("made", [_oct, _ec, _rsa])
def test_an_encrypted_token_is_opened_here(
    inspector: sync_api.Page, visitor: live.Visitor, made: Callable[[], tuple[str, str]]
) -> None:
    """Five parts; with the private key the inner token is shown and checked, and nobody is asked for anything."""
    text, key = made()
    inspector.fill("#inspect-token", text)
    sync_api.expect(inspector.locator("#inspect-kind")).to_have_text("An encrypted token")
    assert inspector.locator("#inspect-parts .legend li").count() == 5
    asked = len(visitor.requests)
    inspector.evaluate(DROP, [key, True])
    sync_api.expect(inspector.locator("#inspect-inner")).to_contain_text("An ID token")
    assert _rows(inspector)["sub"]
    inspector.fill("#inspect-jwks", JWKS)
    inspector.fill("#inspect-issuer", "https://issuer.example")
    inspector.fill("#inspect-audience", "app")
    _verdict(inspector, "BELIEVED")
    assert len(visitor.requests) == asked
    inspector.fill("#inspect-key", json.dumps({"kty": "oct", "k": _part(bytes(32))}))
    sync_api.expect(inspector.locator("#inspect-inner")).to_contain_text("could not be opened")


# --- comparison and lines for other languages


@capability("inspector-compare", witness=CHROMIUM)
def test_two_tokens_side_by_side(inspector: sync_api.Page) -> None:
    """Claims of both beside each other; what differs is said in words, and the rest can be left out."""
    now = int(time.time())
    inspector.fill("#inspect-token", _signed(exp=now + 600, role="a"))
    inspector.fill("#inspect-other", _signed(exp=now + 7800, sub="another", team="x"))
    table = inspector.locator("#inspect-compared")
    sync_api.expect(table).to_be_visible()
    words = {
        row.locator("th").inner_text(): row.locator("td").last.inner_text() for row in table.locator("tbody tr").all()
    }
    assert words["exp"] == "≠ the other is later, by 2 hours"
    assert words["sub"] == "≠ differs"
    assert words["role"] == "≠ only in this"
    assert words["team"] == "≠ only in the other"
    assert words["iss"] == "= the same"
    inspector.check("#inspect-only")
    assert {row.locator("th").inner_text() for row in table.locator("tbody tr:visible").all()} >= {"exp", "sub", "role"}
    sync_api.expect(table.locator("tbody tr:visible", has_text="issuer.example")).to_have_count(0)


@capability("inspector-snippets", witness=CHROMIUM)
def test_lines_for_every_language(dev: live.Dev, visit: Callable[..., live.Visitor]) -> None:
    """Issuer and audience are filled in, safely; the token is in none of them; each can be copied."""
    page = visit(permissions=["clipboard-read", "clipboard-write"]).tab()
    page.goto(dev.base + "/inspect")
    token = _signed(aud='x"; import os #\u202e', nonce="secret-nonce")
    page.fill("#inspect-token", token)
    page.fill("#inspect-audience", 'x";os#\u202e\\')
    sync_api.expect(page.locator("#inspect-snippet")).to_contain_text("os#")
    for name, word in LANGUAGES.items():
        page.click(f"label[for=inspect-language-{name}]")
        lines = page.locator("#inspect-snippet")
        sync_api.expect(lines).to_contain_text(word)
        text = lines.text_content() or ""
        assert "https://issuer.example" in text
        assert '"x";' not in text
        assert all(" " <= sign <= "~" or sign in "\n\t" for sign in text)
        assert not any(part in text for part in (*token.split("."), "secret-nonce"))
        page.locator("#inspect-snippets .copy").click()
        sync_api.expect(page.locator("#inspect-snippets .copy")).to_contain_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text


# --- fetching keys


class Issuer:
    """An issuer on a port of 127.0.0.1 that does what it is told, and writes down every octet that it is asked with.

    It passes `/inspect` and its files on to a development server, so that it sees what the page's own server sees.
    """

    def __init__(self, behind: str = "") -> None:
        self.seen: list[str] = []
        self.paths: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                outer.seen.append(f"{self.requestline}\n{self.headers}")
                status, headers, body = outer.answer(self.path, behind)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def answer(self, path: str, behind: str) -> tuple[int, dict[str, str], bytes]:
        """Return what was told for the path, or what the server behind says."""
        if path in self.answers:
            return self.answers[path]
        if not behind or not path.startswith(("/inspect", "/_intaglio/")):
            return 404, {"access-control-allow-origin": "*"}, b""
        with urllib.request.urlopen(behind + path, timeout=10) as got:
            kept = ("content-type", "content-security-policy", "referrer-policy", "cache-control")
            return 200, {name: got.headers[name] for name in kept if got.headers[name]}, got.read()

    def say(self, path: str, document: Any, *, cors: bool = True, status: int = 200, **headers: str) -> None:
        """Answer a path with a document."""
        allow = {"access-control-allow-origin": "*"} if cors else {}
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers[path] = (status, {"content-type": "application/json", **allow, **headers}, body)

    def discovery(self, jwks_uri: str = "", issuer: str = "", *, cors: bool = True) -> None:
        """Publish a discovery document."""
        document = {"issuer": issuer or self.origin, "jwks_uri": jwks_uri or self.origin + "/jwks"}
        self.say("/.well-known/openid-configuration", document, cors=cors)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def issuers(dev: live.Dev) -> Iterator[Callable[..., Issuer]]:
    """Starts issuers, and stops them at the end."""
    started: list[Issuer] = []

    def start(*, behind: bool = False) -> Issuer:
        started.append(Issuer(dev.base if behind else ""))
        return started[-1]

    yield start
    for one in started:
        one.close()


def _quiet(chromium: sync_api.Browser) -> Iterator[sync_api.Page]:
    """Give a page of a browser whose complaints are expected: it reports each refused connection."""
    context = chromium.new_context()
    context.set_default_timeout(live.STEP)
    yield context.new_page()
    context.close()


quiet = pytest.fixture(_quiet)


@capability("inspector-fetch-keys", witness=CHROMIUM)
@capability("demo-sign-in", witness=CHROMIUM)
def test_from_the_demo_to_a_believed_token(fresh: live.Dev, visitor: live.Visitor) -> None:
    """The demo's token opens in the inspector; the button fetches the issuer's keys; two ticks, and it is believed."""
    page = visitor.tab()
    page.goto(fresh.base + "/demo")
    page.click("#demo-signin")
    live.log_in(page)
    live.allow(page, done="#demo-token")
    token = page.locator("#demo-token").inner_text()
    page.click("#demo-inspect")
    _verdict(page, "UNVERIFIED")
    assert page.input_value("#inspect-token") == token
    assert page.input_value("#inspect-issuer") == fresh.issuer
    before = len(visitor.requests)
    page.click("#inspect-fetch")
    _verdict(page, "NOT DECIDED")
    assert urllib.parse.urlsplit(page.url).query == "origin=" + urllib.parse.quote(fresh.base, safe="")
    asked = [url.split("#")[0] for url in visitor.requests[before:]]
    assert f"{fresh.issuer}/.well-known/openid-configuration" in asked
    assert f"{fresh.issuer}/jwks" in asked
    assert not any(token.split(".")[1] in url for url in asked)
    page.check("#inspect-issuer-mine")
    page.check("#inspect-audience-mine")
    _verdict(page, "BELIEVED")
    assert page.evaluate("sessionStorage.length") == 0


@capability("inspector-fetch-keys", witness=CHROMIUM)
@capability("inspector-offline", witness="the sockets of every server")
@capability("inspector-fragment", witness="the sockets of every server")
def test_keys_at_another_origin_and_no_octet_of_the_token(issuers: Callable[..., Issuer], page: sync_api.Page) -> None:
    """Nobody hears anything before the button; a second origin is asked for; and no server is ever sent the token."""
    home, issuer, elsewhere = issuers(behind=True), issuers(), issuers()
    issuer.discovery(jwks_uri=elsewhere.origin + "/keys")
    elsewhere.say("/keys", json.loads(JWKS))
    token = _signed(iss=issuer.origin, nonce="nonce-of-mine")
    page.goto(f"{home.origin}/inspect#id_token={token}&access_token=access-of-mine")
    _verdict(page, "UNVERIFIED")
    page.fill("#inspect-audience", "app")
    page.fill("#inspect-nonce", "nonce-of-mine")
    page.wait_for_timeout(300)
    assert (issuer.seen, elsewhere.seen) == ([], [])
    page.click("#inspect-fetch")
    page.click("#inspect-allow")
    _verdict(page, "NOT DECIDED")
    assert page.evaluate("location.search").count("origin=") == 2
    # What was typed before has come along; the audience stays the person's own, the issuer the token's.
    assert page.input_value("#inspect-nonce") == "nonce-of-mine"
    sync_api.expect(page.locator("#inspect-audience-own")).to_be_hidden()
    page.check("#inspect-issuer-mine")
    _verdict(page, "BELIEVED")
    assert set(issuer.paths) == {"/.well-known/openid-configuration"}
    assert elsewhere.paths == ["/keys"]
    everything = "\n".join(home.seen + issuer.seen + elsewhere.seen)
    secrets = (*token.split("."), "access-of-mine", "nonce-of-mine")
    assert [part for part in secrets if part in everything] == []
    for one in (issuer, elsewhere):
        assert not any(re.search(r"^(cookie|referer):", text, re.IGNORECASE | re.MULTILINE) for text in one.seen)


@capability("inspector-fetch-keys", witness=CHROMIUM)
def test_a_link_fetches_nothing_by_itself(issuers: Callable[..., Issuer], page: sync_api.Page) -> None:
    """Whoever is led to an address that allows an origin has asked for nothing yet, and expects nothing yet."""
    home, issuer = issuers(behind=True), issuers()
    issuer.discovery()
    issuer.say("/jwks", json.loads(JWKS))
    origin = urllib.parse.quote(issuer.origin, safe="")
    page.goto(f"{home.origin}/inspect?origin={origin}#id_token={_signed(iss=issuer.origin)}")
    _verdict(page, "UNVERIFIED")
    page.wait_for_timeout(300)
    assert issuer.seen == []
    page.click("#inspect-fetch")
    _verdict(page, "NOT DECIDED")


@capability("inspector-fetch-keys", witness=CHROMIUM)
def test_keys_of_another_issuer_are_dropped(issuers: Callable[..., Issuer], page: sync_api.Page) -> None:
    """Fetched keys prove nothing about another issuer's tokens: they go when the issuer is changed."""
    home, issuer = issuers(behind=True), issuers()
    issuer.discovery()
    issuer.say("/jwks", json.loads(JWKS))
    page.goto(f"{home.origin}/inspect#id_token={_signed(iss=issuer.origin)}")
    page.click("#inspect-fetch")
    _verdict(page, "NOT DECIDED")
    page.fill("#inspect-issuer", "https://issuer.example")
    _verdict(page, "UNVERIFIED")
    assert page.input_value("#inspect-jwks") == ""


@capability("inspector-fetch-keys", witness=CHROMIUM)
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("cors", "CORS"),
        ("missing", "answered 404"),
        ("redirect", "redirects"),
        ("another", "speaks for another issuer"),
        ("html", "not a JSON object"),
        ("huge", "longer than 512 KiB"),
        ("nowhere", "does not say where the keys are"),
        ("file", "not an https address"),
    ],
)
def test_what_cannot_be_fetched_is_explained(
    issuers: Callable[..., Issuer], quiet: sync_api.Page, told: str, words: str
) -> None:
    """Each failure is said in words; where the browser may not read the answer, a line for the terminal helps."""
    home, issuer = issuers(behind=True), issuers()
    where = "/.well-known/openid-configuration"
    issuer.discovery(cors=told != "cors", issuer="https://evil.example" if told == "another" else "")
    if told == "missing":
        issuer.say(where, {}, status=404)
    elif told == "redirect":
        issuer.say(where, {}, status=302, location=issuer.origin + "/elsewhere")
    elif told == "html":
        issuer.say(where, b"<html>")
    elif told == "huge":
        issuer.say(where, b" " * 600_000)
    elif told == "nowhere":
        issuer.say(where, {"issuer": issuer.origin})
    elif told == "file":
        issuer.discovery(jwks_uri="file:///etc/passwd")
    quiet.goto(f"{home.origin}/inspect#id_token={_signed(iss=issuer.origin)}")
    quiet.click("#inspect-fetch")
    status = quiet.locator("#inspect-fetch-status")
    sync_api.expect(status).to_contain_text(words)
    assert ("curl -fgsS" in status.inner_text()) is (told in ("cors", "missing", "redirect"))
    _verdict(quiet, "UNVERIFIED")
    assert "/elsewhere" not in issuer.paths


@capability("inspector-csp", witness=CHROMIUM)
def test_the_browser_holds_the_page_to_its_policy(issuers: Callable[..., Issuer], quiet: sync_api.Page) -> None:
    """Even a script of the page's own connects to nobody, its server included, and can make no markup of a string."""
    home, issuer, other = issuers(behind=True), issuers(), issuers()
    issuer.say("/x", {})
    other.say("/x", {})
    tries = "(urls) => Promise.all(urls.map((url) => fetch(url).then(() => true, () => false)))"
    urls = [issuer.origin + "/x", other.origin + "/x", home.origin + "/inspect"]
    quiet.goto(home.origin + "/inspect")
    assert quiet.evaluate(tries, urls) == [False, False, False]
    quiet.goto(f"{home.origin}/inspect?origin={urllib.parse.quote(issuer.origin, safe='')}")
    assert quiet.evaluate(tries, urls) == [True, False, False]
    markup = "() => { try { document.body.innerHTML = '<b>'; return 'made'; } catch (fault) { return fault.name; } }"
    assert quiet.evaluate(markup) == "TypeError"
    assert other.seen == []


# --- hostile tokens


@capability("inspector-offline", witness=CHROMIUM)
def test_hostile_texts_stay_texts(inspector: sync_api.Page, visitor: live.Visitor) -> None:
    """Markup in names and values is shown as text, and characters without a shape are spelt out."""
    claims = _claims(**{text: text for text in HOSTILE}) | {"nested": {"a": list(HOSTILE)}, "__proto__": "x"}
    inspector.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    token = _unsigned(claims)
    inspector.fill("#inspect-token", token)
    inspector.fill("#inspect-other", _unsigned(claims | {"iss": HOSTILE[0]}))
    rows = _rows(inspector)
    assert HOSTILE[0] in rows
    assert "__proto__" in rows
    assert any("U+202E" in name for name in rows)
    assert "\u202e" not in inspector.locator("main").inner_text()
    assert inspector.locator("main img, main script, main iframe, main a").count() == 0
    inspector.fill("#inspect-token", HOSTILE[1])
    sync_api.expect(inspector.locator("#inspect-kind")).to_have_text("Not a token that can be read")
    paths = {urllib.parse.urlsplit(url).path for url in visitor.requests}
    assert {path for path in paths if not path.startswith(STATIC)} <= {"/inspect", "/favicon.ico"}


@pytest.mark.parametrize(
    "text",
    [
        _unsigned({f"c{number}": number for number in range(15_000)}),
        _unsigned(_claims(long="x" * 65_536)),
        f"{_part({'alg': 'RS256'})}.{_part(b'[' * 20_000 + b']' * 20_000)}.AA",
        f"{_part({'alg': 'RS256'})}.{_part(b'{%ca%c:' % (34, 34) * 900 + b'1' + b'}' * 900)}.AA",
        "." * 1_000_000,
        "\u202e" * 100_000,
        _unsigned(_claims(exp=10**400, iat=-(10**12), nbf="soon", auth_time=1e300)),
        f"{_part({'alg': 'RS256'})}.{_part(b'{%ca%c: NaN}' % (34, 34))}.AA",
    ],
    ids=["claims", "long", "lists", "objects", "dots", "reversed", "times", "nan"],
)
def test_hostile_sizes_do_not_freeze_the_page(inspector: sync_api.Page, text: str) -> None:
    """Whatever is pasted, the page answers within seconds, says what it leaves out, and stays of a bounded size."""
    begun = time.monotonic()
    put = "(e, text) => { e.value = text; e.dispatchEvent(new Event('input')); }"
    inspector.locator("#inspect-token").evaluate(put, text)
    sync_api.expect(inspector.locator("#inspect-kind")).to_be_visible()
    inspector.wait_for_timeout(200)
    inspector.evaluate("new Promise(requestAnimationFrame)")
    assert time.monotonic() - begun < 8
    assert inspector.evaluate("document.querySelectorAll('*').length") < 12_000
    assert inspector.locator("#inspect-claims tbody tr").count() <= 500


# --- for everybody


@capability("inspector-page", witness="the accessibility tree")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_names_every_control(
    dev: live.Dev, visit: Callable[..., live.Visitor], scheme: str
) -> None:
    """At 360 px nothing needs sideways scrolling, whatever the token holds; every control has a name and a size."""
    page = visit(viewport={"width": 360, "height": 740}, color_scheme=scheme).tab()
    page.goto(dev.base + "/inspect")
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) == 0
    page.fill("#inspect-token", _signed(**{"n" * 300: "v" * 3000}, aud="https://" + "a" * 400))
    page.fill("#inspect-other", _signed(aud="b" * 300))
    page.fill("#inspect-jwks", JWKS)
    _verdict(page, "NOT DECIDED")
    page.locator("details summary").click()
    for name in LANGUAGES:
        page.click(f"label[for=inspect-language-{name}]")
        assert page.evaluate(sideways) == 0, name
    for width in (320, 768, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate(sideways) == 0, width
    for control in page.locator(
        "button:visible, input:visible, textarea:visible, select:visible, summary:visible"
    ).all():
        sync_api.expect(control).to_have_accessible_name(re.compile(r"\w"))
    small = "(all) => all.filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML)"
    assert (
        page.locator("#inspect button:visible, #inspect .field input:visible, textarea:visible").evaluate_all(small)
        == []
    )


@capability("inspector-page", witness="the keyboard")
def test_it_works_by_keyboard(inspector: sync_api.Page) -> None:
    """From the token to the verdict without a mouse; the result is announced where it changes."""
    inspector.focus("#inspect-token")
    inspector.keyboard.insert_text(_signed())
    _verdict(inspector, "UNVERIFIED")
    assert inspector.locator("#inspect-verdict").get_attribute("role") == "status"
    inspector.focus("#inspect-jwks")
    inspector.keyboard.insert_text(JWKS)
    _verdict(inspector, "NOT DECIDED")
    for name in ("issuer", "audience"):
        inspector.focus(f"#inspect-{name}-mine")
        inspector.keyboard.press("Space")
    inspector.focus("#inspect-nonce")
    inspector.keyboard.press("Enter")
    _verdict(inspector, "BELIEVED")
    assert inspector.evaluate("document.activeElement.id") == "inspect-report"
    inspector.focus("#inspect-language-intaglio")
    inspector.keyboard.press("ArrowRight")
    sync_api.expect(inspector.locator("#inspect-snippet")).to_contain_text("jwt.decode(")


def test_without_script_it_says_what_to_do(dev: live.Dev, visit: Callable[..., live.Visitor]) -> None:
    """With scripts off the page names the commands that do the same."""
    page = visit(java_script_enabled=False).tab()
    page.goto(dev.base + "/inspect")
    sync_api.expect(page.locator("#inspect-noscript")).to_be_visible()
    sync_api.expect(page.locator("noscript dl")).to_contain_text("intaglio token verify")
