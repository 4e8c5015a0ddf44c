"""A sign-in that another site begins at the demo (OpenID Connect Core 4): for its own issuer, and to its own page."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests import harness

BASE = "http://localhost:8080"
LOGIN = BASE + "/demo/login"
ISSUER = BASE + "/default"


def test_begins_a_sign_in_and_ends_at_its_target(site: harness.Site) -> None:
    """With iss, login_hint and target_link_uri the person signs in under that name and arrives at the target."""
    browser = harness.Browser(site)
    target = BASE + "/demo?from=portal&x=1"
    given = {"iss": ISSUER, "login_hint": "alice", "target_link_uri": target}
    begun = browser.get(f"{LOGIN}?{urlencode(given)}")
    assert begun.location.startswith(ISSUER + "/authorize?")
    assert begun.params["login_hint"] == "alice"
    assert "target_link_uri" not in begun.params
    page = browser.follow(begun)
    assert harness.markup.by_id(harness.markup.read(page.body), "username").attributes["value"] == "alice"
    finished = browser.submit(browser.sign_in(page), "consent-form", decision="allow")
    arrived = browser.get(finished.location)
    assert arrived.location == target
    assert 'id="demo-token"' in browser.follow(arrived).text


def test_by_post_as_well(site: harness.Site) -> None:
    """A form of another site begins the same sign-in: the browser asks again by GET, with its cookies."""
    browser = harness.Browser(site)
    browser.get(BASE + "/demo")
    before = dict(browser.jar)
    given = {"iss": ISSUER, "login_hint": "bob", "target_link_uri": BASE + "/demo", "other": "x"}
    foreign = site.post(LOGIN, given, headers={"origin": "https://portal.example"})
    assert foreign.status == 303
    assert foreign.every("set-cookie") == []
    assert foreign.location.startswith(LOGIN + "?")
    assert "other" not in foreign.params
    page = browser.through(browser.get(foreign.location), "bob")
    assert 'id="demo-token"' in page.text
    assert before.items() <= browser.jar.items()


def test_without_parameters_nothing_changes(site: harness.Site) -> None:
    """The demo's own button needs none, and leads back to the demo."""
    browser = harness.Browser(site)
    assert 'id="demo-token"' in browser.through(browser.get(LOGIN)).text


@pytest.mark.parametrize(
    "iss", ["", "https://evil.example", ISSUER + "/", ISSUER.upper(), "http://localhost:8083/", ISSUER + "\x00"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_issuer_is_refused(site: harness.Site, iss: str, method: str) -> None:
    """Only the demo's issuer may be named, by GET and by POST: nobody is sent to a stranger's sign-in."""
    given = {"iss": iss, "login_hint": "alice"}
    answer = site.post(LOGIN, given) if method == "POST" else site.get(f"{LOGIN}?{urlencode(given)}")
    assert (answer.status, answer.location) == (400, "")


TARGETS = (
    "https://evil.example/",
    "//evil.example/demo",
    "/demo",
    BASE,
    BASE + "/",
    BASE + "/demo/",
    BASE + "/demo/login",
    BASE + "/demo/../default/logout",
    BASE + "/demo@evil.example",
    BASE + "/demo.evil.example",
    BASE + "/demo#x",
    BASE + "/demo?x#y",
    BASE + "/demo?\\x",
    BASE + "/demo? x",
    BASE + "/demo?<script>",
    BASE + "/demo?é",
    BASE + "/demo?" + "x" * 3000,
    BASE.replace("localhost", "localhost.") + "/demo",
    BASE.replace("http:", "https:") + "/demo",
    BASE.upper() + "/demo",
    "http://alice@localhost:8080/demo",
    "javascript:alert(1)",
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_target_outside_the_demo_is_refused(site: harness.Site, target: str, method: str) -> None:
    """OpenID Connect Core 4: the demo is no open redirector, however its own address is imitated."""
    given = {"iss": ISSUER, "target_link_uri": target}
    answer = site.post(LOGIN, given) if method == "POST" else site.get(f"{LOGIN}?{urlencode(given)}")
    assert (answer.status, answer.location) == (400, "")


def test_a_parameter_twice_is_refused(site: harness.Site) -> None:
    """Which of two issuers is meant cannot be told."""
    assert site.get(f"{LOGIN}?iss={ISSUER}&iss=https://evil.example").status == 400


def test_a_target_is_used_once(site: harness.Site) -> None:
    """A later sign-in by the demo's own button does not end at an earlier target."""
    browser = harness.Browser(site)
    given = {"iss": ISSUER, "target_link_uri": BASE + "/demo?first"}
    browser.get(f"{LOGIN}?{urlencode(given)}")
    page = browser.follow(browser.get(LOGIN))
    finished = browser.submit(browser.sign_in(page), "consent-form", decision="allow")
    assert browser.get(finished.location).location == BASE + "/demo"


def test_the_client_says_where_it_begins(site: harness.Site) -> None:
    """The demo's registered metadata name the address (OpenID Connect Registration 1.0, initiate_login_uri)."""
    assert site.client("demo").initiate_login_uri == LOGIN
