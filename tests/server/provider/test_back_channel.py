"""Back-channel logout: who is told, what the token says, and what no receiver can make the server do."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest

from intaglio.errors import Refused
from intaglio.server import compose
from intaglio.server.model import outbox
from intaglio.server.settings.records import Outgoing
from intaglio.tokens import jwk
from intaglio.validate import validator
from intaglio.validate.policy import Expectation
from tests import harness, live
from tests.capability import capability

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Receiver:
    """A client's back channel on this machine: keeps what arrives and answers as it is told."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str, str]] = []
        self.answers: list[tuple[int, dict[str, str], float]] = []
        receiver = self

        class Answering(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                receiver.arrived.append((self.path, self.headers.get("content-type") or "", body))
                status, headers, pause = receiver.answers.pop(0) if receiver.answers else (200, {}, 0)
                time.sleep(pause)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                receiver.arrived.append((self.path, "GET", ""))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/backchannel"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def tokens(self) -> list[str]:
        """Return the logout tokens that arrived."""
        return [parse_qs(body)["logout_token"][0] for _, _, body in self.arrived if body]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A client's back channel."""
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture
def told(site: harness.Site, receiver: Receiver) -> harness.Site:
    """A site whose client `web` has a back channel, and which may call this machine, for a second at most."""
    outward = compose.Outward(Outgoing(allow=("127.0.0.0/8",), time_limit_seconds=1))
    site.house.outgoing = outward
    site.change_client("web", backchannel_logout_uri=receiver.url, backchannel_logout_session_required=True)
    return site


def _work(site: harness.Site) -> None:
    site.run(compose.engine(site.house).drain())


def _sign_out(site: harness.Site, client_id: str = "web", **more: Any) -> dict[str, Any]:
    browser = harness.Browser(site)
    app = harness.App(site) if client_id == "web" else harness.App(site, client_id, **more)
    tokens: dict[str, Any] = app.tokens(browser)
    browser.get("~/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    return tokens


def _waits(site: harness.Site) -> bool:
    return site.read(outbox.oldest, site.clock.now() + 100_000) is not None


def _believed(site: harness.Site, token: str) -> dict[str, Any]:
    """Judge a logout token as Back-Channel Logout 2.6 says, with PyJWT and the published keys."""
    keys = {key["kid"]: key for key in site.get("~/jwks").json()["keys"]}
    head = jwt.get_unverified_header(token)
    assert head["typ"] == "logout+jwt"
    found: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(keys[head["kid"]]),
        algorithms=[head["alg"]],
        audience="web",
        issuer="http://localhost:8080/default",
        options={"require": ["iss", "aud", "iat", "exp", "jti", "events"], "verify_exp": False, "verify_iat": False},
    )
    return found


@capability("logout-backchannel", witness="PyJWT, and an HTTP receiver of the standard library")
def test_the_client_is_told(told: harness.Site, receiver: Receiver) -> None:
    """Back-Channel Logout 2.4, 2.5: a form with one signed token, that says whose session ended and nothing more."""
    tokens = _sign_out(told)
    assert receiver.arrived == []
    _work(told)
    ((path, media_type, body),) = receiver.arrived
    assert (path, media_type) == ("/backchannel", "application/x-www-form-urlencoded")
    assert list(parse_qs(body)) == ["logout_token"]
    claims = _believed(told, receiver.tokens()[0])
    signed_in = harness.payload(tokens["id_token"])
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}
    assert (claims["sub"], claims["sid"]) == (signed_in["sub"], signed_in["sid"])
    assert claims["events"] == {EVENT: {}}
    assert claims["iat"] == told.clock.now()
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert not _waits(told)


@capability("logout-backchannel", witness="jose (npm)")
def test_jose_believes_it(told: harness.Site, receiver: Receiver) -> None:
    """A library in another language finds signature, type, issuer, audience and age as they should be."""
    _sign_out(told)
    _work(told)
    given = {
        "token": receiver.tokens()[0],
        "keys": told.get("~/jwks").json(),
        "issuer": "http://localhost:8080/default",
        "audience": "web",
        "now": told.clock.now(),
    }
    script = live.NODE_MODULES.parent / "logout.mjs"
    done = subprocess.run(
        [live.need_node(), script, json.dumps(given)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["payload"]["events"] == {EVENT: {}}


def test_pairwise_clients_are_told_in_their_own_words(told: harness.Site, receiver: Receiver) -> None:
    """`sub` and `sid` are those of the client's own ID token."""
    told.change_client("web", subject_type="pairwise", sector_identifier="rp.example")
    signed_in = harness.payload(_sign_out(told)["id_token"])
    _work(told)
    claims = _believed(told, receiver.tokens()[0])
    assert (claims["sub"], claims["sid"]) == (signed_in["sub"], signed_in["sid"])
    assert claims["sub"] != told.user("alice").user_id


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_signed_as_its_id_tokens(told: harness.Site, receiver: Receiver, alg: str) -> None:
    """Back-Channel Logout 2.4: with the algorithm that the client registered for ID tokens."""
    told.keys(alg)
    told.change_client("web", id_token_signed_response_alg=alg)
    _sign_out(told)
    _work(told)
    assert jwt.get_unverified_header(receiver.tokens()[0])["alg"] == alg
    _believed(told, receiver.tokens()[0])


@pytest.mark.parametrize("response_type", ["id_token", "code id_token", "id_token token"])
def test_tokens_of_the_front_channel_count(told: harness.Site, receiver: Receiver, response_type: str) -> None:
    """A client that got its ID token through the browser is told as well."""
    told.change_client("web", response_types=("code", response_type), grant_types=("authorization_code", "implicit"))
    browser = harness.Browser(told)
    answer = browser.through(harness.App(told).authorize(browser, response_type=response_type))
    assert "id_token=" in answer.location
    page = browser.get("~/logout")
    browser.submit(page, "logout-form", decision="logout")
    _work(told)
    assert len(receiver.tokens()) == 1


def test_another_dialect_tells_in_its_own_name(told: harness.Site, receiver: Receiver) -> None:
    """The token's issuer, subject and key are those of the dialect that the person signed in by."""
    app, browser = harness.auth0_app(told), harness.Browser(told)
    signed_in = harness.payload(app.tokens(browser)["id_token"])
    browser.submit(browser.get("http://localhost:8083/oidc/logout"), "logout-form", decision="logout")
    _work(told)
    (token,) = receiver.tokens()
    keys = told.get("http://localhost:8083/.well-known/jwks.json").json()["keys"]
    head = jwt.get_unverified_header(token)
    (key,) = [key for key in keys if key["kid"] == head["kid"]]
    claims = jwt.decode(
        token, jwt.PyJWK(key), algorithms=["RS256"], audience="web", options={"verify_exp": False, "verify_iat": False}
    )
    assert (claims["iss"], claims["sub"], claims["sid"]) == (signed_in["iss"], signed_in["sub"], signed_in["sid"])


def test_only_clients_of_the_session_are_told(told: harness.Site, receiver: Receiver) -> None:
    """A client that got no token in the session hears nothing; one that did is told once, however often it asked."""
    browser = harness.Browser(told)
    told.add_client("shop", "shop-secret", backchannel_logout_uri=receiver.url + "/shop")
    told.add_client("idle", "idle-secret", backchannel_logout_uri=receiver.url + "/idle")
    for client_id, secret in (("web", "web-secret"), ("web", "web-secret"), ("shop", "shop-secret")):
        harness.App(told, client_id, secret).tokens(browser)
    browser.submit(browser.get("~/logout"), "logout-form", decision="logout")
    _work(told)
    assert sorted(path for path, _, _ in receiver.arrived) == ["/backchannel", "/backchannel/shop"]


def test_somebody_else_signs_in(told: harness.Site, receiver: Receiver) -> None:
    """When another person takes the browser over, the session that they end is told of too."""
    browser = harness.Browser(told)
    app = harness.App(told)
    tokens = app.tokens(browser)
    page = browser.follow(app.authorize(browser, prompt="login"))
    browser.sign_in(page, "bob")
    _work(told)
    assert _believed(told, receiver.tokens()[0])["sid"] == harness.payload(tokens["id_token"])["sid"]


@capability("logout-backchannel", witness="the library's own validator")
def test_a_logout_token_is_no_id_token(told: harness.Site, receiver: Receiver) -> None:
    """RFC 8725 3.12: nobody can sign in with one; the library refuses it by its type and by its event."""
    _sign_out(told)
    _work(told)
    token = receiver.tokens()[0]
    keys = jwk.read_set(told.get("~/jwks").json())
    for issuer in ("http://localhost:8080/default", "http://localhost:8080/other"):
        expected = Expectation(issuer=issuer, audience="web")
        with pytest.raises(Refused) as met:
            validator.validate(token, expected, keys, told.clock.now())
        assert met.value.code == "token-type-mismatch"


def test_a_logout_token_opens_nothing_here(told: harness.Site, receiver: Receiver) -> None:
    """Not UserInfo, and as a hint it is not an ID token: the session of another browser goes on."""
    browser = harness.Browser(told)
    harness.App(told).tokens(browser)
    _sign_out(told)
    _work(told)
    token = receiver.tokens()[0]
    assert told.get("~/userinfo", headers={"authorization": f"Bearer {token}"}).status == 401
    answer = browser.get("~/logout?" + urlencode({"id_token_hint": token}))
    assert answer.error == "invalid_request"
    assert "code" in harness.App(told).authorize(browser, prompt="none").params


# --- receivers that are broken, slow or hostile


@capability("outbox-bounded", witness="an HTTP receiver of the standard library")
@pytest.mark.parametrize("status", [500, 400, 404, 301, 429])
def test_failures_are_tried_again(told: harness.Site, receiver: Receiver, status: int) -> None:
    """Whatever is not 200 is tried again later, with a fresh token of the same name."""
    receiver.answers = [(status, {"location": receiver.url + "/elsewhere"}, 0)]
    _sign_out(told)
    _work(told)
    assert len(receiver.arrived) == 1
    _work(told)
    assert len(receiver.arrived) == 1
    told.clock.advance(5)
    _work(told)
    first, second = (_believed(told, token) for token in receiver.tokens())
    assert first["jti"] == second["jti"]
    assert second["iat"] == first["iat"] + 5
    assert not _waits(told)


def test_redirect_is_not_followed(told: harness.Site, receiver: Receiver) -> None:
    """The token goes to the registered address alone."""
    receiver.answers = [(status, {"location": receiver.url + "/elsewhere"}, 0) for status in (302, 307, 308)]
    _sign_out(told)
    for _ in range(3):
        _work(told)
        told.clock.advance(60)
    assert {path for path, _, _ in receiver.arrived} == {"/backchannel"}


@capability("outbox-bounded", witness="a receiver that never answers")
def test_a_receiver_that_hangs(told: harness.Site, receiver: Receiver) -> None:
    """It is cut off, tried again, and keeps nobody else waiting."""
    receiver.answers = [(200, {}, 3)]
    _sign_out(told)
    begun = time.monotonic()
    _work(told)
    assert time.monotonic() - begun < 2.5
    assert _waits(told)
    told.clock.advance(5)
    _work(told)
    assert not _waits(told)


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/logout",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/logout",
        "http://localhost:22/",
        "https://192.168.1.1/",
        "file:///etc/passwd",
    ],
)
def test_private_address_is_never_called(
    site: harness.Site, receiver: Receiver, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The guard's refusal is final, and stands in the log with the entry's reference; no token does."""
    site.house.outgoing = compose.Outward(Outgoing())
    site.change_client("web", backchannel_logout_uri=target)
    _sign_out(site)
    _work(site)
    assert not _waits(site)
    (line,) = [record.getMessage() for record in caplog.records if "gave up" in record.getMessage()]
    assert "destination-refused" in line
    assert "eyJ" not in caplog.text


def test_a_client_that_is_gone(told: harness.Site, receiver: Receiver) -> None:
    """Without its address there is nobody to tell."""
    _sign_out(told)
    told.change_client("web", backchannel_logout_uri="")
    _work(told)
    assert receiver.arrived == []
    assert not _waits(told)


@capability("outbox-bounded", witness="an HTTP receiver of the standard library")
def test_a_dead_letter_is_in_the_log(told: harness.Site, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """After the last attempt one line says to whom what could not be told, and why; attempts are counted."""
    receiver.answers = [(503, {}, 0)] * 20
    _sign_out(told)
    for _ in range(12):
        _work(told)
        told.clock.advance(4600)
    assert not _waits(told)
    assert 2 <= len(receiver.arrived) <= 8
    (line,) = [record.getMessage() for record in caplog.records if "gave up" in record.getMessage()]
    assert "the client answered 503" in line
    assert '"ref": "' in line


def test_nothing_is_written_for_clients_without(site: harness.Site) -> None:
    """A client without logout addresses costs no row."""
    _sign_out(site)
    connection = site.store._writing
    assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM session_clients").fetchone() == (0,)
