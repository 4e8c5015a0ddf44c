"""Development mode for the conformance suite: the tenant and the suite's configuration come of one generator."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from intaglio.server.devmode import conformance, seeds, suiteplans
from intaglio.server.devmode.conformancefront import PATH, ROTATE, ConformanceFront
from intaglio.server.devmode.front import DevelopmentFront
from tests import harness, live
from tests.capability import capability
from tests.web import markup

WITNESS = "the suite's configuration, held against the server"
SUITE = "https://suite.example:8443"


class Suite:
    """A site with the suite's tenant."""

    def __init__(self, site: harness.Site) -> None:
        self.site = site
        self.keys = conformance.new_keys()
        house = site.house
        site.run(conformance.plant(site.store, SUITE, house.secrets, site.passwords, self.keys, harness.NOW))
        front = ConformanceFront(site.base, SUITE, self.keys, site.store, site.vault, site.clock)
        development = site.app._front._behind  # type: ignore[union-attr]
        assert isinstance(development, DevelopmentFront)
        development._conformance = front
        self.front = front

    def ask(self, path: str, method: str = "GET", peer: str = "127.0.0.1", **given: Any) -> harness.Answer:
        """Ask the server as a program on this machine."""
        return self.site.request(method, self.site.base + path, peer=peer, **given)

    def app(self, section: dict[str, Any]) -> harness.App:
        """Return the client of a section of the configuration."""
        issuer = f"{self.site.base}/conformance"
        callback = conformance.base(SUITE) + "/callback"
        return harness.App(
            self.site, section["client_id"], section.get("client_secret", ""), redirect_uri=callback, issuer=issuer
        )


@pytest.fixture
def suite(site: harness.Site) -> Suite:
    """The suite's tenant beside what is always seeded."""
    return Suite(site)


@capability("dev-conformance", witness=WITNESS)
def test_every_plan_has_its_configuration(suite: Suite) -> None:
    """The list names every plan with its variants, and each configuration is served as it is printed."""
    listed = suite.ask(PATH).json()
    printed = suite.front.configurations()
    assert len(listed["plans"]) == len(printed) == 33
    words = " ".join(printed)
    for kind in ("config", "basic", "implicit", "hybrid", "formpost-basic", "formpost-implicit", "formpost-hybrid",
                 "dynamic", "3rdparty-init-login", "rp-initiated-logout", "session-management",
                 "frontchannel-rp-initiated-logout", "backchannel-rp-initiated-logout"):  # fmt: skip
        assert f"oidcc-{kind}-certification-test-plan" in words
    for one in listed["plans"]:
        served = suite.ask(urlsplit(one["configuration"]).path)
        assert served.status == 200
        assert served.header("cache-control") == "no-store"
        assert served.json() == json.loads(json.dumps(printed[one["plan"]]))


@capability("dev-conformance", witness=WITNESS)
def test_the_configuration_names_what_is_there(suite: Suite) -> None:
    """The discovery address answers, and every page and field that the scripted browser works on is a real one."""
    plan = next(one for one in suiteplans.plans() if "basic" in one.name and "static" in one.slug)
    told = suiteplans.configuration(plan, suite.site.base, SUITE, suite.keys)
    assert suite.ask(urlsplit(told["server"]["discoveryUrl"]).path).json()["issuer"].endswith("/conformance")
    tasks = [task for entry in told["browser"] for task in entry["tasks"]]
    browser, app = harness.Browser(suite.site), suite.app(told["client"])
    page = browser.follow(app.authorize(browser))
    login, consent = tasks[0], tasks[1]
    assert _matches(login["match"], page.url)
    _has(page, login["commands"])
    fields = {command[2]: command[3] for command in login["commands"] if command[0] == "text"}
    page = browser.follow(browser.submit(page, "login-form", decision="login", **fields))
    assert _matches(consent["match"], page.url)
    _has(page, consent["commands"])
    done = browser.consent(page)
    assert done.location.startswith(conformance.base(SUITE) + "/callback?")
    assert _matches(tasks[2]["match"], done.location)
    for entry in told["browser"]:
        assert entry["match"].startswith(suite.site.base + "/conformance/")
    out = browser.follow(browser.get(f"{app.issuer}/logout"))
    _has(out, tasks[3]["commands"])


def _matches(pattern: str, address: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), address) is not None


def _has(page: harness.Answer, commands: list[list[Any]]) -> None:
    for command in commands:
        assert markup.by_id(markup.read(page.body), command[2]) is not None


@capability("dev-conformance", witness=WITNESS)
def test_two_clients_for_each_method(suite: Suite) -> None:
    """Each of the ten clients of the list is registered so, without PKCE, for all six response types."""
    found = suite.ask(PATH).json()["clients"]
    assert list(found) == list(conformance.METHODS)
    for method, pair in found.items():
        assert len({one["client_id"] for one in pair}) == 2
        for one in pair:
            client = suite.site.client(one["client_id"], conformance.TENANT_ID)
            assert client.token_endpoint_auth_methods == (method,)
            assert not client.require_pkce
            assert set(client.response_types) == set(conformance.RESPONSE_TYPES)
            if "client_secret" in one:
                assert suite.site.house.secrets.verify(client.secrets, one["client_secret"], harness.NOW)
                assert len(one["client_secret"]) >= 32
            if "jwks" in one:
                (private,), (public,) = one["jwks"]["keys"], json.loads(client.jwks)["keys"]
                assert {name: value for name, value in private.items() if name != "d"} == public


@capability("dev-conformance", witness=WITNESS)
@pytest.mark.parametrize("method", ["client_secret_basic"])
def test_a_sign_in_without_pkce(suite: Suite, method: str) -> None:
    """A client of the list signs alice in without PKCE, and gets every claim of every scope from UserInfo."""
    section = suite.ask(PATH).json()["clients"][method][0]
    app = suite.app(section)
    scope = "openid profile email phone address"
    code = app.code(None, "alice", code_challenge=None, code_challenge_method=None, scope=scope)
    told = app.redeem(code, code_verifier=None).json()
    person = app.userinfo(told["access_token"]).json()
    assert set(seeds.ALICE) | {"sub", "updated_at"} == set(person)


@capability("dev-conformance", witness=WITNESS)
def test_clients_register_themselves(suite: Suite) -> None:
    """The tenant's registration is open, and a client that registers gets by without PKCE."""
    at = f"{suite.site.base}/conformance"
    asked = {"redirect_uris": [conformance.base(SUITE) + "/callback"], "response_types": ["code"]}
    made = suite.site.post(at + "/register", payload=asked)
    assert made.status == 201, made.text
    app = suite.app(made.json())
    code = app.code(None, "alice", code_challenge=None, code_challenge_method=None, scope="openid")
    assert "id_token" in app.redeem(code, code_verifier=None).json()


@capability("dev-conformance", witness=WITNESS)
def test_no_limit_counts_what_succeeds(suite: Suite) -> None:
    """More sign-ins from one address than guesses are allowed, one after the other, are never slowed down."""
    app = suite.app(suite.ask(PATH).json()["clients"]["client_secret_basic"][0])
    for _ in range(130):
        assert "code" in app.callback(None, "alice", scope="openid").params


@capability("dev-rotate-keys", witness="the published key set")
def test_rotation_publishes_a_new_key_and_keeps_the_old_one(suite: Suite) -> None:
    """After the call the set has a new key, which signs at once; the old one is still there; again and again."""
    app = suite.app(suite.ask(PATH).json()["clients"]["client_secret_basic"][0])
    seen: set[str] = set()
    for number in range(1, 4):
        before = app.tokens(None, "alice", scope="openid")["id_token"]
        suite.site.settle()
        made = suite.ask(ROTATE, "POST")
        assert made.status == 200
        assert [one["alg"] for one in made.json()["made"]] == ["RS256"]
        suite.site.settle()
        kids = {key["kid"] for key in suite.ask("/conformance/jwks").json()["keys"] if key["use"] == "sig"}
        assert seen < kids
        assert len(kids) == number + 1
        seen = kids
        after = app.tokens(None, "alice", scope="openid")["id_token"]
        assert _kid(before) != _kid(after)
        assert {_kid(before), _kid(after)} <= kids


def _kid(token: str) -> str:
    from intaglio import codec

    found = codec.decode_json_object(codec.decode_base64url(token.partition(".")[0]))["kid"]
    assert isinstance(found, str)
    return found


@capability("dev-rotate-keys", witness="the answer's status")
@pytest.mark.parametrize("path", [PATH, ROTATE, PATH + "/oidcc-config.json"])
@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.1", {}),
        ("127.0.0.1", {"host": "rebound.example:8080"}),
        ("127.0.0.1", {"host": "localhost"}),
        ("127.0.0.1", {"origin": "https://evil.example"}),
        ("127.0.0.1", {"origin": "http://localhost:8080"}),
        ("127.0.0.1", {"origin": "null"}),
        ("127.0.0.1", {"forwarded": "for=192.0.2.1"}),
    ],
)
def test_nobody_else_may_ask(suite: Suite, path: str, peer: str, headers: dict[str, str]) -> None:
    """Not from another machine, not through a proxy, not by a name that leads here, not from a page."""
    answer = suite.ask(path, "POST" if path == ROTATE else "GET", peer=peer, headers=headers)
    assert answer.status == 403
    assert "secret" not in answer.text


@capability("dev-rotate-keys", witness="the answer's status")
def test_methods(suite: Suite) -> None:
    """Reading is GET, rotating POST, and an unknown plan is not there."""
    assert suite.ask(ROTATE).status == 405
    assert suite.ask(PATH, "POST").status == 405
    assert suite.ask(PATH + "/oidcc-nothing.json").status == 404
    assert suite.ask(PATH + "/oidcc-config.json").status == 200


@capability("serve-refuses-seeds", witness="the stored records")
def test_the_tenant_is_known_again(suite: Suite) -> None:
    """`serve` refuses a database that holds the suite's tenant, whatever else was changed in it."""
    site = suite.site
    found = site.run(seeds.known_secrets(site.store, site.house.secrets, site.passwords, harness.NOW)).what
    assert "the tenant of the conformance suite" in found


def test_without_the_flag_there_is_nothing(site: harness.Site) -> None:
    """Plain development mode and a served issuer know neither the tenant nor the addresses."""
    for development in (True, False):
        with harness.site(development=development) as plain:
            for path in (PATH, ROTATE, PATH + "/oidcc-config.json", PATH + "/.well-known/openid-configuration"):
                for method in ("GET", "POST"):
                    assert plain.request(method, plain.base + path, peer="127.0.0.1").status in (404, 405)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Dev]:
    """A development server for the suite, with a further authority for its own calls."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "suite.pem").write_bytes(_authority())
    yield from live.serve(folder, "--memory", "--tls", "--conformance", "--ca-file", str(folder / "suite.pem"))


def _authority() -> bytes:
    from intaglio.tokens import certificates

    return certificates.make_authority(harness.NOW, only=("suite.example",))[1]


@capability("dev-conformance", witness="a process, its stdout, and requests over TLS")
@capability("dev-rotate-keys", witness="a process and requests over TLS")
def test_the_command_prints_and_serves(running: live.Dev) -> None:
    """stdout holds the list and every configuration as JSON; the same is served; keys are rotated by the call."""
    text = running.log
    printed, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    ca = str(running.directory / "var" / "tls" / "ca.pem")
    served = requests.get(running.base + PATH, verify=ca, timeout=10).json()
    assert {name: printed[name] for name in served} == served
    assert set(printed["configurations"]) == {one["plan"] for one in served["plans"]}
    assert requests.post(running.base + ROTATE, verify=ca, timeout=10).json()["made"]
    both = (running.directory / "var" / "tls" / "outgoing.pem").read_text()
    assert both.count("BEGIN CERTIFICATE") == 2


@capability("dev-conformance", witness="exit code and stderr")
def test_options_that_go_with_the_flag(tmp_path: pathlib.Path) -> None:
    """`--suite` without `--conformance` is a usage error, and `serve` has no such option."""
    import subprocess

    for words in (("dev", "--suite", SUITE), ("serve", "--conformance")):
        done = subprocess.run(
            live.command(*words), capture_output=True, text=True, timeout=20, cwd=tmp_path, check=False
        )
        assert done.returncode == 2, done.stderr
