"""The samples of the how-to on Auth0's SDKs: each is taken from the page and run as it stands."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from auth0.authentication.exceptions import TokenValidationError

from tests import live
from tests.capability import capability
from tests.sdk import official, person
from tests.sdk import secure as secures
from tests.sdk.secure import Application, Secure

pytestmark = [pytest.mark.sdk, capability("howto-auth0-sdks", witness="Auth0's SDKs in four languages")]
ROOT = pathlib.Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "howto" / "auth0-sdks.md").read_text(encoding="utf-8")
SAMPLES = {(language, way): text for language, way, text in re.findall(r"(?ms)^```(\w+) (\w+)\n(.*?)^```", PAGE)}
SECRET = "a-secret-of-the-manager"
secure = secures.secure


@pytest.fixture(scope="module")
def folder(secure: Secure, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return a folder with the samples, told of the port at which the server is, and their applications."""
    made = tmp_path_factory.mktemp("samples")
    (made / "node_modules").symlink_to(live.NODE_MODULES)
    endings = {"python": "py", "js": "mjs", "go": "go", "java": "java"}
    port = secure.place("auth0").rsplit(":", 1)[1]
    for (language, way), text in SAMPLES.items():
        if language in endings:
            (made / f"{way}.{endings[language]}").write_text(text.replace("8083", port), encoding="utf-8")
    told = {"audiences": (secure.at("auth0") + "/api/v2/",), "scope": ("read:clients", "update:clients")}
    secure.add_client("manager", SECRET, like="machine", **told)
    return made


def test_page_has_these_samples() -> None:
    """Each sample is run by a test of this module; the commands are run with those of the other pages."""
    lifetimes = {("python", "lifetime"), ("js", "lifetime"), ("go", "lifetime"), ("java", "lifetime")}
    assert set(SAMPLES) == lifetimes | {("python", "signin"), ("js", "web"), ("js", "page"), ("sh", "run")}


def _go(folder: pathlib.Path) -> list[str]:
    secures.go("auth0")
    binary = folder / "lifetime"
    words = ["go", "build", "-mod=readonly", "-trimpath", "-o", str(binary), str(folder / "lifetime.go")]
    built = subprocess.run(words, cwd=official.HERE / "go", capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stderr
    return [str(binary)]


def _java(folder: pathlib.Path) -> list[str]:
    java, *_, path, _ = secures.java("Auth0Witness")
    return [java, "-XX:TieredStopAtLevel=1", "-cp", path, str(folder / "lifetime.java")]


LIFETIMES: dict[str, Callable[[pathlib.Path], list[str]]] = {
    "python": lambda folder: [sys.executable, str(folder / "lifetime.py")],
    "js": lambda folder: [live.need_node(), str(folder / "lifetime.mjs")],
    "go": _go,
    "java": _java,
}


def test_lifetime(secure: Secure, folder: pathlib.Path) -> None:
    """Each of the programs changes the setting and tells of it."""
    environment, pipe = secure.environment(MANAGER_SECRET=SECRET), subprocess.PIPE
    # They run side by side: most of what each needs is its start.
    started = {
        language: subprocess.Popen(words(folder), stdout=pipe, stderr=pipe, text=True, env=environment)
        for language, words in LIFETIMES.items()
    }
    said = {language: one.communicate(timeout=60) for language, one in started.items()}
    assert {language: out.strip() for language, (out, _) in said.items()} == dict.fromkeys(LIFETIMES, "3600"), said
    assert secure.client("web").lifetimes.id_token == 3600


class Somebody(person.Person):
    """A person at the Auth0 port."""

    def __init__(self, site: Secure) -> None:
        super().__init__(site.at("auth0"))
        self.session.verify = site.ca


def test_signing_in_with_python(secure: Secure, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two functions of a web application, with a person between them."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca)
    spec = importlib.util.spec_from_file_location("signin", folder / "signin.py")
    assert spec is not None
    assert spec.loader is not None
    sample: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sample)
    begun, somebody = sample.begin(), Somebody(secure)
    fields = dict(parse_qsl(urlsplit(somebody.through(begun["url"])["url"]).query))
    assert sample.finish(begun, fields)["name"] == "Alice Elizabeth Adams"
    with pytest.raises(PermissionError):
        sample.finish(begun | {"state": "another"}, fields)
    again = sample.begin()
    fields = dict(parse_qsl(urlsplit(somebody.through(again["url"])["url"]).query))
    with pytest.raises(TokenValidationError):
        sample.finish(again | {"nonce": "another"}, fields)


def test_web_application(secure: Secure, folder: pathlib.Path) -> None:
    """It sends a person away, believes the ID token that the browser posts, and shows who they are."""
    port = live.free_ports()
    at = f"http://localhost:{port}"
    sample = folder / "web.mjs"
    sample.write_text(sample.read_text().replace("3000", str(port)) + '\nconsole.log("ready");\n')
    told = {"redirect_uris": (at + "/callback",), "response_types": ("id_token",), "grant_types": ("implicit",)}
    secure.add_client("storefront", like="native", application_type="web", **told)
    words = [live.need_node(), str(sample)]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=secure.environment())
    try:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        browser, somebody = requests.Session(), Somebody(secure)
        browser.trust_env = False
        away = browser.get(at + "/profile", allow_redirects=False, timeout=10)
        back = somebody.through(away.headers["location"])["form"]
        shown = browser.post(at + "/callback", data=back, timeout=10)
        assert shown.url == at + "/profile"
        assert shown.json()["email"] == "alice@example.com"
        browser.close()
    finally:
        started.kill()
        started.communicate()


@pytest.mark.browser
def test_page(secure: Secure, folder: pathlib.Path, visit: Callable[..., live.Visitor]) -> None:
    """The page's script, before and after somebody signed in."""
    live.need_node()
    sdk = live.NODE_MODULES / "@auth0" / "auth0-spa-js" / "dist" / "auth0-spa-js.production.js"
    script = (folder / "page.mjs").read_text() + "\nObject.assign(window, { client, person });"
    shell = (
        '<!doctype html><title>application</title><link rel="icon" href="data:,"><p id="rp-done">Here.'
        f'<script src="/sdk.js"></script><script type="module">{script}</script>'
    )
    files = {"/": ("text/html", shell.encode()), "/sdk.js": ("text/javascript", sdk.read_bytes())}
    with Application(secure, files) as served:
        told = {"redirect_uris": (served.origin + "/",), "allowed_origins": (served.origin,)}
        secure.add_client("page", like="spa", **told)
        page = visit(ignore_https_errors=True).tab()
        page.goto(served.origin + "/")
        page.wait_for_function("'client' in window")
        assert page.evaluate("window.person") is None
        page.evaluate("void client.loginWithRedirect()")
        live.log_in(page)
        live.allow(page)
        page.wait_for_function("window.person")
        assert page.evaluate("person.email") == "alice@example.com"
        assert json.loads(page.evaluate("JSON.stringify(location.search)")) == ""
