"""Mode iap: sessions and tokens, what the application is told, and what nobody can tell it in the gate's place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest

from intaglio.server.devmode import seeds
from tests import gates, harness
from tests.capability import capability
from tests.gates import Gate
from tests.harness import Answer

HERE = "https://app.example/reports?year=2027"
PAGE = [("accept", "text/html,application/xhtml+xml")]
ASSERTION = "x-goog-iap-jwt-assertion"
AUDIENCE = f"/projects/{seeds.PROJECT_NUMBER}/locations/global/services/{seeds.SERVICE}"


@pytest.fixture(scope="module")
def opened() -> Iterator[Gate]:
    """A gate in front of an application that alice and the target account may use."""
    with gates.gate(gates.IAP) as made:
        made.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com", f"serviceAccount:{seeds.TARGET}")
        yield made


class Jar:
    """A browser's cookies for the application."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def take(self, answer: Answer) -> None:
        """Keep what an answer sets."""
        for line in answer.every("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            assert "HttpOnly" in line
            assert "SameSite=Lax" in line
            assert line.startswith("__Host-")
            assert "; Secure" in line
            assert "; Path=/;" in line
            self.kept.pop(name, None)
            if "Max-Age=0" not in line:
                self.kept[name] = value

    @property
    def header(self) -> list[tuple[str, str]]:
        """The Cookie header."""
        return [("cookie", "; ".join(f"{name}={value}" for name, value in self.kept.items()))] if self.kept else []


def begun(opened: Gate, jar: Jar, where: str = HERE) -> str:
    """Visit the application and return the address at the issuer."""
    answer = opened.knock(where, headers=[*PAGE, *jar.header])
    assert answer.status == 303
    assert answer.header("cache-control") == "no-store"
    jar.take(answer)
    return answer.location


def issuers_answer(opened: Gate, address: str, username: str = "alice") -> str:
    """Sign in at the issuer and return where it sends the browser."""
    browser = harness.Browser(opened.site)
    page = browser.sign_in(browser.follow(browser.get(address)), username)
    if not page.location:
        page = browser.follow(browser.submit(page, "consent-form", decision="allow"))
    assert page.location.startswith(gates.CALLBACK), page.text
    return page.location


def signed_in(opened: Gate, username: str = "alice") -> Jar:
    """Return the cookies of somebody who signed in."""
    jar = Jar()
    back = issuers_answer(opened, begun(opened, jar), username)
    answer = opened.knock(back, headers=jar.header)
    assert (answer.status, answer.location) == (303, HERE)
    jar.take(answer)
    assert len(jar.kept) == 1
    return jar


def believed(opened: Gate, assertion: str) -> dict[str, Any]:
    """Return the claims of an assertion, checked by another library with the published key."""
    keys = opened.site.get("http://localhost:8081/iap/verify/public_key-jwk").json()["keys"]
    kid = jwt.get_unverified_header(assertion)["kid"]
    (key,) = [one for one in keys if one["kid"] == kid]
    told: dict[str, Any] = jwt.decode(
        assertion,
        jwt.PyJWK(key),
        algorithms=["ES256"],
        audience=AUDIENCE,
        issuer="http://localhost:8081/iap",
        options={"verify_exp": False, "verify_iat": False},
    )
    return told


@capability("gate-iap-sign-in", witness="in process")
def test_signing_in(opened: Gate) -> None:
    """A visitor is sent to the issuer and comes back to the page that was asked for, with an assertion of who it is."""
    jar = signed_in(opened)
    assert opened.untouched
    assert opened.knock(HERE, headers=[*jar.header, ("cookie", "own=1")]).status == 200
    seen = opened.seen
    claims = believed(opened, str(seen.one(ASSERTION)))
    alice = f"accounts.google.com:{gates.ALICE_SUBJECT}"
    assert (claims["sub"], claims["email"], claims["azp"]) == (alice, "alice@example.com", AUDIENCE)
    assert claims["exp"] - claims["iat"] == 600
    assert seen.one("x-goog-authenticated-user-email") == "accounts.google.com:alice@example.com"
    assert seen.one("x-goog-authenticated-user-id") == alice
    # The session stays at the gate; the application's own cookies pass.
    assert seen.one("cookie") == "own=1"


def test_signing_in_at_the_other_dialect() -> None:
    """The subject is another one there, and the person the same."""
    with gates.gate(gates.IAP | {"sign_in": "google"}) as opened:
        opened.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com")
        jar = signed_in(opened)
        assert opened.knock(HERE, headers=jar.header).status == 200
        assert opened.seen.one("x-goog-authenticated-user-id") == f"accounts.google.com:{gates.ALICE_SUBJECT}"


def test_an_assertion_in_another_name() -> None:
    """An operator may set issuer and audience of the assertion."""
    named = {"assertion_issuer": "https://cloud.google.com/iap", "assertion_audience": "/projects/1/apps/demo"}
    with gates.gate(gates.IAP | named) as opened:
        opened.grant("roles/iap.httpsResourceAccessor", f"serviceAccount:{seeds.TARGET}")
        assert opened.knock(HERE, headers=[gates.bearer(opened.of_account("gate"))]).status == 200
        assertion = str(opened.seen.one(ASSERTION))
        claims = jwt.decode(assertion, options={"verify_signature": False})
        assert (claims["iss"], claims["aud"], claims["azp"]) == (
            "https://cloud.google.com/iap",
            "/projects/1/apps/demo",
            "/projects/1/apps/demo",
        )


@pytest.mark.parametrize(
    ("issuer", "named"),
    [
        ("https://accounts.google.com", "https://cloud.google.com/iap"),
        ("https://accounts.example.com", "https://cloud.example.com/iap"),
        ("https://accounts.example.com:8443", "https://cloud.example.com:8443/iap"),
        ("http://localhost:8081", "http://localhost:8081/iap"),
        ("https://id.accounts.google.com", "https://id.accounts.google.com/iap"),
    ],
)
def test_who_signs_assertions(issuer: str, named: str) -> None:
    """Another name than the issuer's of ID tokens, and the vendor's only for the vendor's."""
    assert gates.GOOGLE.receiving is not None
    assert gates.GOOGLE.receiving.iap.issuer(issuer) == named


def test_the_request_to_the_issuer(opened: Gate) -> None:
    """With PKCE, state and nonce, as the configured client, for an address of the application."""
    fields = dict(parse_qsl(urlsplit(begun(opened, Jar())).query))
    assert fields["code_challenge_method"] == "S256"
    assert len(fields["state"]) == len(fields["nonce"]) == len(fields["code_challenge"]) == 43
    assert (fields["client_id"], fields["redirect_uri"]) == ("gate", gates.CALLBACK)


@pytest.mark.parametrize(
    ("where", "lands"),
    [
        ("https://app.example//evil.example/x", "https://app.example/"),
        ("https://app.example/\\evil.example", "https://app.example/"),
        ("https://app.example/a//evil.example", "https://app.example/a//evil.example"),
        ("https://app.example/x?next=https://evil.example", "https://app.example/x?next=https://evil.example"),
        ("https://app.example/" + "a" * 3000, "https://app.example/"),
    ],
)
def test_where_a_sign_in_may_end(opened: Gate, where: str, lands: str) -> None:
    """On the application's own origin, whatever the address looked like."""
    jar = Jar()
    back = issuers_answer(opened, begun(opened, jar, where))
    assert opened.knock(back, headers=jar.header).location == lands


def test_a_callback_of_another_browser(opened: Gate) -> None:
    """A code that came to somebody else signs nobody in: no cookie, another state, another sign-in's cookie."""
    jar, other = Jar(), Jar()
    back = issuers_answer(opened, begun(opened, jar))
    begun(opened, other)
    for cookies in ([], other.header):
        answer = opened.knock(back, headers=cookies)
        assert (answer.status, answer.every("set-cookie")) == (403, [])
    bent = back.replace("state=", "state=x")
    assert opened.knock(bent, headers=jar.header).status == 403
    twice = back + "&" + urlencode({"state": "x"})
    assert opened.knock(twice, headers=jar.header).status == 403


def test_a_callback_of_another_issuer(opened: Gate) -> None:
    """Mix-up: an answer that names another issuer, or none, is refused and ends the sign-in."""
    for iss in ("iss=https%3A%2F%2Fevil.example", "other=1"):
        jar = Jar()
        back = issuers_answer(opened, begun(opened, jar))
        bent = "&".join(part if not part.startswith("iss=") else iss for part in back.split("&"))
        answer = opened.knock(bent, headers=jar.header)
        assert (answer.status, answer.location) == (403, "")
        jar.take(answer)
        assert jar.kept == {}


def test_a_code_twice(opened: Gate) -> None:
    """The second time there is no sign-in under way, and without its cookie removed the issuer refuses the code."""
    jar = Jar()
    back = issuers_answer(opened, begun(opened, jar))
    before = jar.header
    jar.take(opened.knock(back, headers=before))
    assert opened.knock(back, headers=jar.header).status == 403
    assert opened.knock(back, headers=before).status == 403


def test_a_sign_in_that_took_too_long() -> None:
    """Ten minutes are enough for anybody."""
    with gates.gate(gates.IAP) as opened:
        jar = Jar()
        back = issuers_answer(opened, begun(opened, jar))
        opened.site.clock.advance(601)
        assert opened.knock(back, headers=jar.header).status == 403


def test_many_tabs(opened: Gate) -> None:
    """Each tab's sign-in has its own cookie, and there are never more than a few of them."""
    jar = Jar()
    for _ in range(12):
        begun(opened, jar)
        assert 1 <= len(jar.kept) <= 5


def test_a_session_ends() -> None:
    """After its hour, and within a second when the account or the permission is gone."""
    with gates.gate(gates.IAP | {"session_seconds": 3600}) as opened:
        opened.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com")
        jar = signed_in(opened)
        assert opened.knock(HERE, headers=jar.header).status == 200
        opened.grant("roles/run.invoker", "user:alice@example.com")
        assert opened.knock(HERE, headers=jar.header).status == 403
        opened.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com")
        opened.site.change_user("alice", disabled_at=harness.NOW)
        assert opened.knock(HERE, headers=jar.header).status == 403
        opened.site.change_user("alice", disabled_at=None)
        opened.site.clock.advance(3600)
        assert opened.knock(HERE, headers=[*PAGE, *jar.header]).status == 303


@pytest.mark.parametrize(
    "change", [lambda v: v[:-2] + "AA", lambda v: v[:40], lambda v: "", lambda v: v + "=", lambda v: "x" * 9000]
)
def test_a_session_that_was_changed(opened: Gate, change: Any) -> None:
    """Opens nothing, and neither do two of them."""
    jar = signed_in(opened)
    ((name, value),) = jar.kept.items()
    assert opened.knock(HERE, headers=[("cookie", f"{name}={change(value)}")]).status == 401
    assert opened.knock(HERE, headers=[("cookie", f"{name}={value}; {name}=x")]).status == 401


def test_a_session_of_another_application() -> None:
    """Two applications behind one gate, one key: a session opens the one that it was begun for."""
    second = gates.IAP | {"name": "second", "url": "https://second.example"}
    with gates.gate(gates.IAP, second) as opened:
        opened.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com")
        jar = signed_in(opened)
        assert opened.knock(HERE, headers=jar.header).status == 200
        assert opened.knock("https://second.example/", headers=jar.header).status == 401


def test_who_is_not_sent_to_sign_in(opened: Gate) -> None:
    """A program, a script of a page, a form: 401, for a redirect would help nobody."""
    for headers in ([], [("accept", "application/json")], [*PAGE, ("sec-fetch-mode", "cors")]):
        answer = opened.knock(HERE, headers=headers)
        assert (answer.status, answer.text) == (401, "Invalid IAP credentials: empty token\n")
    assert opened.knock(HERE, method="POST", headers=PAGE, body=b"x=1").status == 401


def test_a_user_without_a_confirmed_address(opened: Gate) -> None:
    """Bob's address is not confirmed: the application would be told something that nobody checked."""
    jar = signed_in(opened, "bob")
    assert opened.knock(HERE, headers=jar.header).status == 403


@capability("gate-iap-bearer", witness="PyJWT")
@pytest.mark.parametrize("header", ["authorization", "proxy-authorization"])
def test_a_program(opened: Gate, header: str) -> None:
    """An ID token for the gate's client passes in either header, and stays at the gate."""
    token = opened.of_account("gate")
    assert opened.knock(HERE, headers=[(header, f"Bearer {token}")]).status == 200
    seen = opened.seen
    assert believed(opened, str(seen.one(ASSERTION)))["sub"] == f"accounts.google.com:{seeds.TARGET_ID}"
    assert seen.one(header) is None


def test_proxy_authorization_is_checked_first(opened: Gate) -> None:
    """Then Authorization is the application's own and passes through; a bad one is not made good by the other."""
    token = opened.of_account("gate")
    own = [("proxy-authorization", f"Bearer {token}"), ("authorization", "Bearer of-the-application")]
    assert opened.knock(HERE, headers=own).status == 200
    assert opened.seen.one("authorization") == "Bearer of-the-application"
    bad = [("proxy-authorization", "Bearer x"), gates.bearer(token)]
    assert opened.knock(HERE, headers=bad).status == 401
    assert opened.untouched


def test_a_session_beside_basic(opened: Gate) -> None:
    """Authorization in another scheme is the application's; it is not passed on, for the gate cannot tell whose."""
    jar = signed_in(opened)
    assert opened.knock(HERE, headers=[*jar.header, ("authorization", "Basic YTpi")]).status == 200
    assert opened.seen.one("authorization") == "Basic YTpi"


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (lambda g: "x", "Unable to parse JWT"),
        (
            lambda g: g.of_account("other"),
            "JWT audience doesn't match this application ('aud' claim (other) doesn't match expected value (gate))",
        ),
        (lambda g: g.of_account("gate", exp=g.site.clock.now() - 4000), "Expired JWT"),
        (lambda g: g.of_account("gate", iss="https://accounts.google.com"), "JWT could not be verified"),
        (lambda g: g.of_account("gate")[:-6] + "AAAAAA", "JWT could not be verified"),
    ],
)
def test_what_is_said_of_a_bad_token(opened: Gate, token: Any, words: str) -> None:
    """401 with the words of the vendor, and nothing reaches the application."""
    answer = opened.knock(HERE, headers=[gates.bearer(token(opened))])
    assert (answer.status, answer.text) == (401, f"Invalid IAP credentials: {words}\n")
    assert opened.untouched


def test_who_may_not(opened: Gate) -> None:
    """403 for an account that is known, and for the development token of the command line 401."""
    worker = opened.of_account("gate", number=seeds.ACCOUNT_ID, email=seeds.ACCOUNT)
    assert opened.knock(HERE, headers=[gates.bearer(worker)]).status == 403
    assert opened.knock(HERE, headers=[gates.bearer(opened.of_user())]).status == 401


def test_what_nobody_else_can_say(opened: Gate) -> None:
    """Every header of the proxy's prefix is taken away, in any spelling; the gate's own comes once."""
    token = opened.of_account("gate")
    lies = [
        (ASSERTION, "forged"),
        ("x-goog-authenticated-user-email", "accounts.google.com:root@example.com"),
        ("X-GOOG-AUTHENTICATED-USER-ID", "accounts.google.com:1"),
        ("x-goog-anything", "1"),
        ("x_goog_authenticated_user_email", "accounts.google.com:root@example.com"),
        ("x-goog_authenticated-user-email", "accounts.google.com:root@example.com"),
        ("connection", ASSERTION),
    ]
    assert opened.knock(HERE, headers=[*lies, gates.bearer(token)]).status == 200
    seen = opened.seen
    assert believed(opened, str(seen.one(ASSERTION)))["email"] == seeds.TARGET
    assert seen.one("x-goog-authenticated-user-email") == f"accounts.google.com:{seeds.TARGET}"
    assert {name for name, _ in seen.headers if "goog" in name} == {
        ASSERTION,
        "x-goog-authenticated-user-email",
        "x-goog-authenticated-user-id",
    }


def test_signing_out(opened: Gate) -> None:
    """By the application's own page alone."""
    jar = signed_in(opened)
    page = "https://app.example/_intaglio/gate/sign-out"
    assert opened.knock(page, headers=jar.header).status == 200
    for origin in ([], [("origin", "https://evil.example")], [("origin", "null")]):
        answer = opened.knock(page, method="POST", headers=[*jar.header, *origin])
        assert (answer.status, answer.every("set-cookie")) == (403, [])
    answer = opened.knock(page, method="POST", headers=[*jar.header, ("origin", "https://app.example")])
    assert answer.status == 200
    jar.take(answer)
    assert jar.kept == {}
    assert opened.untouched


def test_questions_of_other_proxies(opened: Gate) -> None:
    """Where the proxy can pass a redirect on the browser is sent to the issuer, nginx is told 401 and asks again."""
    uri = [("x-original-uri", "/reports"), ("x-original-method", "GET"), ("x-original-host", "app.example")]
    assert opened.ask("/nginx/app", [*PAGE, *uri]).status == 401
    assert opened.ask("/sign-in/app", [*PAGE, *uri]).status == 303
    forwarded = [("x-forwarded-uri", "/"), ("x-forwarded-method", "GET"), ("x-forwarded-host", "app.example")]
    assert opened.ask("/traefik/app", [*PAGE, *forwarded]).status == 303
    assert opened.ask("/envoy/app/reports", [*PAGE, ("host", "app.example")]).status == 303
    jar = signed_in(opened)
    answer = opened.ask("/nginx/app", [*jar.header, ("cookie", "own=1"), (ASSERTION, "forged"), *uri])
    assert answer.status == 200
    assert believed(opened, str(answer.header(ASSERTION)))["email"] == "alice@example.com"
    assert answer.header("cookie") == "own=1"
    again = opened.ask("/sign-in/app", [*jar.header, *uri])
    assert (again.status, again.location, again.header(ASSERTION)) == (303, "/reports", None)
    lies = [("host", "app.example"), ("x-goog-other", "1"), ("x_goog_other", "1"), ("authorization", "Basic x")]
    gone = opened.ask("/envoy/app/reports", [*jar.header, *lies]).header("x-envoy-auth-headers-to-remove")
    assert {"x-goog-other", "x_goog_other", "proxy-authorization"} <= set(str(gone).split(","))


def test_public_keys(opened: Gate) -> None:
    """Two forms of one key, which is in no other published set: an ID token in ES256 is no assertion."""
    pem = opened.site.get("http://localhost:8081/iap/verify/public_key")
    assert str(pem.header("cache-control")).startswith("public, max-age=")
    jwks = opened.site.get("http://localhost:8081/iap/verify/public_key-jwk").json()["keys"]
    assert {key["kid"] for key in jwks} == set(pem.json())
    assert {(key["kty"], key["crv"], key["alg"], key["use"]) for key in jwks} == {("EC", "P-256", "ES256", "sig")}
    assert all(text.startswith("-----BEGIN PUBLIC KEY-----") for text in pem.json().values())
    elsewhere = opened.site.get("http://localhost:8080/default/jwks").json()["keys"]
    assert {key["x"] for key in jwks} & {key.get("x") for key in elsewhere} == set()
    certs = opened.site.get("http://localhost:8081/oauth2/v3/certs").json()["keys"]
    assert json.dumps(certs).count("P-256") == 0
