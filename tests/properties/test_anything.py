"""Whatever is sent to whichever endpoint: 2xx, 3xx or 4xx, soon, without a trace in the log."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from intaglio.dialects import registry
from tests import harness
from tests.capability import capability

MUCH = settings(
    max_examples=600,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
SECONDS = 2.0

BASES = {
    "standard": (8080, "/default"),
    "google": (8081, ""),
    "microsoft": (8082, "/common"),
    "auth0": (8083, ""),
    "cloudentity": (8084, "/default/default"),
}
PATHS = [
    (BASES[name][0], BASES[name][1] + route.path.replace("{account}", "default"))
    for name, dialect in registry.DIALECTS.items()
    for route in dialect.routes
] + [
    (8080, path)
    for path in (
        "/",
        "/demo",
        "/demo/login",
        "/demo/callback",
        "/demo/refresh",
        "/demo/logout",
        "/_intaglio/login/x",
        "/_intaglio/consent/x",
        "/_intaglio/logout",
        "/_intaglio/static/style.css",
        "/_intaglio/",
        "/favicon.ico",
        "/.well-known/oauth-authorization-server/default",
    )
]
PATHS += [(8082, "/"), (8082, "/00000000-0000-4000-8000-000000000001/oauth2/token")]
PATHS += [(8084, "/x"), (8083, "/_intaglio/login/x")]

NASTY = st.sampled_from(
    [
        "",
        " ",
        "\0",
        "\r\n",
        "%00",
        "%ff",
        "é",
        "漢字",
        "\ud7ff",
        "\u2028",
        "../../etc/passwd",
        "'; DROP TABLE users; --",
        "{{7*7}}",
        "<script>",
        "a" * 300,
        "a" * 5000,
        "-1",
        "0",
        "1e999",
        "99999999999999999999999",
        "null",
        "true",
        "[]",
        "x.y.z",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA",
        "." * 3000,
        "web",
        "spa",
        "web-secret",
        "code",
        "openid",
        "openid profile offline_access",
        "none",
        "login",
        "S256",
        "plain",
        "form_post",
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "http://127.0.0.1:9999/cb",
        "00000000-0000-4000-8000-000000000001",
        "default",
    ]
)
VALUES = NASTY | st.text(max_size=30)
NAMES = st.sampled_from(
    "client_id client_secret redirect_uri response_type response_mode scope state nonce prompt max_age login_hint"
    " id_token_hint acr_values code_challenge code_challenge_method request request_uri registration grant_type code"
    " code_verifier refresh_token token token_type_hint access_token post_logout_redirect_uri returnTo csrf decision"
    " username password tenant audience format recursive iss error".split()
) | st.text(max_size=10)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "X", "PROPFIND"])
QUERIES = FIELDS.map(lambda fields: urlencode(fields, errors="surrogatepass")) | st.text(
    st.characters(max_codepoint=255), max_size=60
)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            "authorization authorization cookie origin host accept content-type content-length referer x-forwarded-for"
            " x-forwarded-proto forwarded metadata-flavor if-none-match access-control-request-method"
            " access-control-request-headers range expect transfer-encoding".split()
        ),
        LATIN
        | st.sampled_from(
            [
                "Basic d2ViOndlYi1zZWNyZXQ=",
                "Basic ÿ",
                "Basic !!!!",
                "Bearer x",
                "Bearer é",
                "Google",
                "text/html",
                "application/json",
                harness.FORM,
                harness.FORM + "; charset=utf-16",
                "multipart/form-data; boundary=x",
                "http://localhost:3000",
                "null",
                "localhost:8080",
                "-1",
                "999999999999999999999",
                "POST",
                "intaglio-session-031a1f1dc6cbc074=" + "a" * 43,
            ]
        ),
    ),
    max_size=6,
)
BODIES = (
    st.binary(max_size=80)
    | FIELDS.map(lambda fields: urlencode(fields, errors="surrogatepass").encode())
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b"a=b&" * 200, b"{" * 100, b"[" * 5000, b'{"grant_type":"x","grant_type":"y"}', b"\xff\xfe"])
)
TARGETS = st.sampled_from(PATHS) | st.tuples(
    st.sampled_from([8080, 8081, 8082, 8083, 8084]),
    LATIN.map(lambda text: "/" + quote(text, safe="/%;.{}~!$&'()*+,=:@")),
)


def _ask(site: harness.Site, method: str, port: int, path: str, query: str, headers: list, body: bytes):
    query = "".join(char for char in query if char not in "#\0\r\n")
    given = [(name, value) for name, value in headers if not set(value) & set("\0\r\n")]
    with harness.logged() as log:
        begun = time.perf_counter()
        answer = site.run(site.raw(method, port, path, query, given, body))
        took = time.perf_counter() - begun
    return answer, log, took


def _check(answer: harness.Answer, log: harness.Log, took: float) -> None:
    assert 200 <= answer.status < 500, (answer.status, answer.text, log.lines)
    assert took < SECONDS
    assert log.traces == []
    assert not re.search(r"Traceback|\.py\"", answer.text)
    for name, value in answer.headers:
        assert not set(name + value) & set("\r\n\0")
    if answer.status >= 400 and (answer.header("content-type") or "") == "application/json" and answer.body:
        body = answer.json()
        assert isinstance(body["error"], str)
        assert body["error"]
        # One dialect has a GUID there that begins with the reference's digits, another has nothing in some errors.
        ref = body.get("ref") or body.get("trace_id", "")
        if not ref:
            return
        ref = ref if ref.startswith("ref_") else "ref_" + ref.replace("-", "")[:14]
        entry = log.of(ref)
        # Microsoft's numbers and Auth0's management go with words of their own; the log has the standard's.
        assert entry["code"] in (body["error"], "") or "error_codes" in body or "statusCode" in body
        assert isinstance(entry["detail"], dict)
        assert answer.header("cache-control") == "no-store"
    if answer.location:
        parts = urlsplit(answer.location)
        own = parts.netloc in ("", *(f"localhost:{port}" for port in range(8080, 8085)))
        assert own or answer.location.startswith(("http://127.0.0.1:9999/", "http://localhost:3000/"))


@capability("errors-fuzz", witness="Hypothesis")
@MUCH
@given(METHODS, TARGETS, QUERIES, HEADERS, BODIES)
@example(
    "GET",
    (8081, "/computeMetadata/v1/instance/service-accounts/default/"),
    "recursive=%ff",
    [("metadata-flavor", "Google")],
    b"",
)
@example("POST", (8080, "/default/token"), "", [("authorization", "Basic ÿ"), ("content-type", harness.FORM)], b"a=b")
@example(
    "POST",
    (8083, "/oauth/token"),
    "",
    [("content-type", "application/json")],
    b'{"client_id":"\\u0000","grant_type":"x"}',
)
def test_anything_to_anywhere(site: harness.Site, method, target, query, headers, body) -> None:
    """Arbitrary methods, addresses, parameters, headers and bodies."""
    port, path = target
    answer, log, took = _ask(site, method, port, path, query, headers, body)
    event(f"status {answer.status // 100}xx")
    _check(answer, log, took)


@MUCH
@given(st.sampled_from(PATHS), FIELDS, st.sampled_from(["web", "machine", "spa"]), st.booleans())
def test_any_form_to_every_endpoint(site: harness.Site, target, fields, client, by_get) -> None:
    """Well-formed forms of an authenticated client with any fields, as query and as body."""
    port, path = target
    known = [("authorization", harness.basic(client, f"{client}-secret")), ("content-type", harness.FORM)]
    text = urlencode(fields, errors="surrogatepass")
    if by_get:
        answer, log, took = _ask(site, "GET", port, path, text, known[1:], b"")
    else:
        answer, log, took = _ask(site, "POST", port, path, "", known, text.encode())
    _check(answer, log, took)


@MUCH
@given(FIELDS, st.booleans())
def test_any_authorization_request(site: harness.Site, fields, by_get) -> None:
    """A right request with any fields put in its place or beside it."""
    form = [*harness.App(site).request().items(), *fields]
    text = urlencode(list(dict(form).items()) if len(fields) % 2 else form, errors="surrogatepass")
    headers = [("content-type", harness.FORM)]
    if by_get:
        answer, log, took = _ask(site, "GET", 8080, "/default/authorize", text, [], b"")
    else:
        answer, log, took = _ask(site, "POST", 8080, "/default/authorize", "", headers, text.encode())
    _check(answer, log, took)
    if "error" in answer.params:
        assert answer.params["iss"] == "http://localhost:8080/default"
        ref = re.search(r"ref_[0-9a-f]+", answer.params["error_description"])
        assert ref is not None
        log.of(ref.group())


@MUCH
@given(FIELDS, st.sampled_from(["login", "consent", "logout"]), st.booleans())
def test_any_form_on_the_pages(site: harness.Site, fields, which, with_token) -> None:
    """A person's pages with any fields: nothing but an answer, and no code without a sign-in."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    action, own = harness.read_form(page, "login-form")
    target = action.replace("/login/", f"/{which}/") if which != "logout" else "/_intaglio/logout?tenant=default"
    form = [*(own if with_token else []), *fields]
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    headers = [("content-type", harness.FORM), ("cookie", cookie)]
    path, _, query = target.partition("?")
    body = urlencode(form, errors="surrogatepass").encode()
    answer, log, took = _ask(site, "POST", 8080, path, query, headers, body)
    site.clock.advance(1)
    assert answer.status < 500
    assert log.traces == []
    assert took < SECONDS
    assert "code" not in answer.params
    assert not any("intaglio-session" in line for line in answer.every("set-cookie"))


@pytest.mark.parametrize("size", [8_000, 60_000, 65_537, 300_000])
def test_large_things_take_bounded_time(site: harness.Site, size: int) -> None:
    """Long addresses, headers, cookies and bodies."""
    tries = [
        ("GET", "/default/" + "a" * size, "", [], b""),
        ("GET", "/" + "a/" * (size // 2), "", [], b""),
        ("GET", "/default/authorize", "state=" + "a" * size, [], b""),
        ("GET", "/default/authorize", "&".join(["a=b"] * (size // 4)), [], b""),
        ("GET", "/default/authorize", "%41" * (size // 3), [], b""),
        ("GET", "/default/userinfo", "", [("authorization", "Bearer " + "a" * size)], b""),
        ("GET", "/default/userinfo", "", [("authorization", "Basic " + "a" * size)], b""),
        ("GET", "/default/authorize", "", [("cookie", "a=b;" * (size // 4))], b""),
        ("POST", "/default/token", "", [("content-type", harness.FORM)], b"a" * size),
        ("POST", "/default/token", "", [("content-type", harness.FORM)], b"&" * size),
        ("GET", "/default/logout", "id_token_hint=" + "." * size, [], b""),
    ]
    for method, path, query, headers, body in tries:
        _check(*_ask(site, method, 8080, path, query, headers, body))
    answer, log, took = _ask(
        site, "POST", 8083, "/oauth/token", "", [("content-type", "application/json")], b"[" * size
    )
    _check(answer, log, took)
