"""The inspector's page as it is served: its policy, the origins that may be asked for, and what its files hold."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
import urllib.parse
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intaglio.dialects import registry
from intaglio.server.http import inspector
from intaglio.server.http.tenancy import Listener
from intaglio.server.web import render
from tests import harness, live
from tests.capability import capability
from tests.web import markup

PAGE = "http://localhost:8080/inspect"
HTML = render.HTMLPages()
FOLDER = importlib.resources.files("intaglio.server.web") / "static"
MODULES = sorted(entry.name for entry in (FOLDER / "inspect").iterdir())
REFUSED = 'id="inspect-origin-problem"'
IDS = {
    *("inspect-token", "inspect-drop", "inspect-parts", "inspect-problems", "inspect-form", "inspect-jwks"),
    *("inspect-report", "inspect-fetch", "inspect-key", "inspect-compare", "inspect-issuer", "inspect-audience"),
    *("inspect-dialect", "inspect-nonce", "inspect-access-token", "inspect-code", "inspect-max-age", "inspect-leeway"),
    *("inspect-at", "inspect-secret", "inspect-verdict", "inspect-snippets"),
}

GOOD = (
    "https://issuer.example",
    "https://a.b-c.example.com",
    "https://issuer.example:8443",
    "https://xn--bcher-kva.example",
    "https://192.0.2.7",
    "https://under_score.example",
    "http://localhost",
    "http://localhost:8080",
    "http://127.0.0.1:9000",
    "http://tenant.localhost:8080",
)
BAD = (
    *("", " ", "null", "*", "https:", "https://", "https://*", "https://*.example", "'self'", "'unsafe-inline'"),
    *("https://issuer.example/", "https://issuer.example/a", "https://issuer.example?", "https://issuer.example#"),
    *(
        "https://issuer.example:",
        "https://issuer.example:443",
        "https://issuer.example:0",
        "https://issuer.example:080",
    ),
    *("https://issuer.example:65536", "https://issuer.example:8080808", "https://issuer.example:*"),
    *("http://localhost:80", "http://issuer.example", "http://localhost.example", "http://127.0.0.2", "http://[::1]"),
    *("https://[2001:db8::1]", "https://user@issuer.example", "https://issuer.example@evil.example"),
    *(
        "https://ISSUER.example",
        "HTTPS://issuer.example",
        "https://issuer.example.",
        "https://.example",
        "https://a..b",
    ),
    *("https://issuer.example;script-src *", "https://issuer.example; report-uri https://evil.example"),
    *("https://issuer.example,https://evil.example", "https://issuer.example https://evil.example"),
    *("https://issuer.example\r\nset-cookie: a=b", "https://issuer.example\n", "https://issuer.example\t"),
    *("https://issuer.example\x00", "https://issuer.example\u2028", "https://bücher.example", "https://ı.example"),
    *("https://１27.0.0.1", "https://issuer。example", "https://issuer.example%2f", "https://%69ssuer.example"),
    *(
        "https:\\\\issuer.example",
        "https:/issuer.example",
        "//issuer.example",
        "issuer.example",
        "wss://issuer.example",
    ),
    *("ftp://issuer.example", "data:", "blob:https://issuer.example", "javascript:alert(1)", "file:///"),
    *("https://127.1", "https://0x7f000001", "https://2130706433", "https://192.0.2.07", "https://192.0.2.256"),
    *("https://1.2.3.4.5", "https://issuer.123", "https://issuer.0x1", "https://-issuer.example", "https://issuer-"),
    "https://" + "a" * 64 + ".example",
    "https://" + "a.b" * 90 + ".example",
    "https://issuer.example" + "a" * 70_000,
)


@pytest.fixture(scope="module")
def site() -> Iterator[harness.Site]:
    """A site with everything that development seeds."""
    with harness.site() as opened:
        yield opened


def _policy(answer: harness.Answer) -> dict[str, str]:
    (text,) = answer.every("content-security-policy")
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def _asking(*origins: str) -> str:
    return PAGE + "?" + "&".join("origin=" + urllib.parse.quote(origin, safe="") for origin in origins)


@capability("inspector-csp", witness="the page's headers")
def test_the_page_may_connect_to_nobody(site: harness.Site) -> None:
    """Nothing but its own script and style: no connection, form, frame, markup made of strings, or referrer."""
    answer = site.get(PAGE)
    assert (answer.status, answer.header("content-type")) == (200, "text/html; charset=utf-8")
    assert _policy(answer) == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "script-src": "'self'",
        "connect-src": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert answer.every("referrer-policy") == ["no-referrer"]
    assert answer.every("x-content-type-options") == ["nosniff"]
    assert answer.header("x-frame-options") == "DENY"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("cross-origin-opener-policy") == "same-origin"
    assert answer.header("set-cookie") is None
    assert answer.header("access-control-allow-origin") is None


@capability("inspector-csp", witness="the page's headers")
@pytest.mark.parametrize("origin", GOOD)
def test_one_origin_may_be_allowed(site: harness.Site, origin: str) -> None:
    """An origin written as browsers write it is the only one that the page may connect to."""
    answer = site.get(_asking(origin))
    assert _policy(answer)["connect-src"] == origin
    assert f'data-origins="{origin}"' in answer.text
    assert REFUSED not in answer.text


@capability("inspector-csp", witness="the page's headers")
@pytest.mark.parametrize("origin", BAD)
def test_anything_else_is_refused_and_said(site: harness.Site, origin: str) -> None:
    """Paths, wildcards, other spellings, line breaks and policy text: nobody is allowed, and the page says so."""
    answer = site.get(_asking(origin))
    assert answer.status == 200
    assert _policy(answer) == _policy(site.get(PAGE))
    assert REFUSED in answer.text
    assert answer.header("set-cookie") is None
    assert "evil.example" not in answer.text


def test_two_origins_and_no_more(site: harness.Site) -> None:
    """The issuer and where it keeps its keys; a third, or a bad one among good ones, and nobody is allowed."""
    one, two, three = "https://a.example", "https://b.example", "https://c.example"
    assert _policy(site.get(_asking(one, two)))["connect-src"] == f"{one} {two}"
    assert _policy(site.get(_asking(one, one)))["connect-src"] == one
    for asked in ((one, two, three), (one, "https://b.example/"), ("*", one)):
        answer = site.get(_asking(*asked))
        assert _policy(answer)["connect-src"] == "'none'", asked
        assert REFUSED in answer.text


@given(st.text() | st.from_regex(r"https?://[\x20-\x7e]{1,30}", fullmatch=True))
@example("https://a.example\n")
def test_what_is_allowed_is_one_source_of_a_policy(text: str) -> None:
    """Whatever is asked for, what reaches the header is one host source without a character that means something."""
    if inspector.is_origin(text):
        assert re.fullmatch(r"https?://[a-z0-9._-]+(:\d{1,5})?", text, re.ASCII)
        assert urllib.parse.urlsplit(text).hostname
    else:
        assert inspector.requested("origin=" + urllib.parse.quote(text, safe=""))[0] == ()


@pytest.mark.parametrize("path", ["/inspect/", "/inspect/x", "/Inspect", "/%69nspect", "//inspect"])
def test_other_addresses_are_not_the_page(site: harness.Site, path: str) -> None:
    """The page is at one address alone; a tenant of that name keeps what is under it."""
    assert site.run(site.raw("GET", 8080, path)).status == 404


def test_only_the_standard_port_has_it(site: harness.Site) -> None:
    """The other dialects' ports answer as their providers do."""
    for port in (8081, 8083):
        assert "inspect-token" not in site.get(f"http://localhost:{port}/inspect").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent_to_it(site: harness.Site, method: str) -> None:
    """The page takes GET alone: a form that is sent by mistake is refused."""
    answer = site.request(method, PAGE)
    assert answer.status == 405
    assert answer.header("allow") == "GET, HEAD"


def test_it_is_served_in_production() -> None:
    """`serve` has the page as well, with the same policy, and over https under a name of its own."""
    listener = Listener(dialect=registry.DIALECTS["standard"], name="standard", base_url="https://id.example.com")
    with harness.site(development=False, listeners=(listener,)) as site:
        answer = site.run(site.raw("GET", 8080, "/inspect", host="id.example.com"))
        assert answer.status == 200
        assert answer.header("strict-transport-security") == "max-age=31536000"
        assert _policy(answer)["connect-src"] == "'none'"


@capability("inspector-page", witness="a reader of the markup")
def test_the_ids_of_the_contract_are_there(site: harness.Site) -> None:
    """Scripts and tests of users find the elements by these ids; every field has a label and none has a name."""
    elements = markup.read(site.get(PAGE).body)
    ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert set(ids) >= IDS
    labelled = {element.attributes["for"] for element in markup.tagged(elements, "label")}
    fields = markup.tagged(elements, "input", "textarea", "select")
    assert {field.attributes["id"] for field in fields} == labelled
    # A field without a name is in no submission (HTML 4.10.21.4): nothing typed can be sent by the form.
    assert [field.attributes["id"] for field in fields if "name" in field.attributes] == []
    assert markup.by_id(elements, "inspect-secret").attributes["type"] == "password"


def test_without_script_it_names_the_commands(site: harness.Site) -> None:
    """Whoever has no script is told of the command line."""
    text = "".join(e.text for e in markup.tagged(markup.read(site.get(PAGE).body), "noscript"))
    assert "intaglio token inspect" in text
    assert "intaglio token verify" in text


def test_the_start_page_leads_to_it(site: harness.Site) -> None:
    """Development's start page links the inspector."""
    assert f'href="{PAGE}"' in site.get("http://localhost:8080/").text


def test_modules_are_served_together(site: harness.Site) -> None:
    """Each module comes as script, and names the others with the hash of them all, so that two releases never mix."""
    versions = set()
    for name in MODULES:
        answer = site.get(f"http://localhost:8080{render.STATIC_PATH}inspect/{name}")
        assert answer.status == 200, name
        assert answer.header("content-type") == "text/javascript; charset=utf-8"
        imported = re.findall(r'^(?:import|export|\}).*?"(\./[^"]+)";$', answer.text, re.MULTILINE)
        assert all(re.fullmatch(r"\./[a-z]+\.js\?v=[\w-]{16}", one) for one in imported), (name, imported)
        assert {one.split("?")[0][2:] for one in imported} <= set(MODULES), name
        versions |= {one.split("=")[1] for one in imported}
    assert len(versions) == 1
    assert site.get(f"http://localhost:8080{render.STATIC_PATH}inspect/../render.py").status == 404
    assert site.get(f"http://localhost:8080{render.STATIC_PATH}inspect/").status == 404


@pytest.mark.parametrize("name", MODULES)
def test_scripts_build_no_markup(name: str) -> None:
    """No module makes markup or code of text, and none but the one that fetches keys can connect anywhere."""
    text = (FOLDER / "inspect" / name).read_text(encoding="utf-8")
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|srcdoc"
    )
    assert re.search(sinks, text) is None
    sockets = r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|RTCPeer|importScripts|new Worker|\bimport\("
    lines = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert name in ("issuerkeys.js", "snippets.js") or re.search(sockets, lines) is None
    assert "localStorage" not in text
    assert "indexedDB" not in text


def test_style_sheet_is_small_and_has_no_ink_of_its_own() -> None:
    """The page's style sheet stays small, loads nothing, and uses the tested inks alone."""
    text = (FOLDER / "inspect.css").read_text(encoding="utf-8")
    assert len(text.encode()) < 20_000
    assert re.search(r"#[0-9A-Fa-f]{3,8}\b(?=[^{]*\})|url\(|@import|rgb|hsl", text) is None


# --- lines for other languages

HOSTILE = (
    'a"b',
    "a'b",
    "a\\b",
    "a\\",
    "a\nb",
    "a\r\nimport os",
    "$(touch x)",
    "`touch x`",
    "${x}",
    "%s{x}#{x}",
    "a\u0000b",
    "\\u0022+x+\\u0022",
    "a\u202eb\u2066c",
    "bücher",
    "\U0001f600",
    "\u2028",
    "'; touch x; '",
    "--flag",
    "*/ x /*",
)


def _quoted(texts: list[str]) -> list[dict[str, str]]:
    """Let Node run the module itself and return each text as every language writes it."""
    path = FOLDER / "inspect" / "snippets.js"
    code = (
        "const {quote} = await import(process.argv[1]); const texts = JSON.parse(process.argv[2]);"
        "const all = texts.map((t) => Object.fromEntries(Object.entries(quote).map(([n, q]) => [n, q(t)])));"
        "console.log(JSON.stringify(all));"
    )
    command = [live.need_node(clients=False), "--input-type=module", "-e", code, f"file://{path}", json.dumps(texts)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@capability("inspector-snippets", witness="Python, Node and bash")
def test_what_is_filled_in_stays_inside_its_quotation_marks() -> None:
    """Each language's own reader gets the text back, and the lines hold nothing but printable ASCII."""
    for text, quoted in zip(HOSTILE, _quoted(list(HOSTILE)), strict=True):
        for name, literal in quoted.items():
            assert re.fullmatch(r"[ -~]+", literal), (name, text)
        assert eval(quoted["python"], {"__builtins__": {}}) == text  # noqa: S307 - this is the reader in question
        if "\0" not in text:
            bash = subprocess.run(
                ["bash", "-c", f"printf %s {quoted['shell']}"], capture_output=True, timeout=5, check=True
            )
            assert bash.stdout.decode() == text
        assert json.loads(quoted["node"]) == text
        for name in ("go", "java", "csharp"):
            inside = quoted[name][1:-1]
            assert re.fullmatch(r'(?:[^"\\]|\\["\\]|\\u[0-9A-F]{4}|\\U[0-9A-F]{8}|\\[0-3][0-7]{2})*', inside), (
                name,
                text,
            )
        # Java reads \uXXXX before anything else: none may stand for a sign below U+0100.
        assert re.search(r"(?<!\\)(?:\\\\)*\\u00", quoted["java"]) is None
