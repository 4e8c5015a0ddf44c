"""A second name for programs inside a network: one issuer, browsers' endpoints by the one name, theirs by the other."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from intaglio.errors import Misconfigured
from intaglio.server.run import dev
from intaglio.server.settings import load
from tests import assertions, harness, live
from tests.capability import capability

INSIDE = "http://idp.internal:{port}"
BROWSERS = {"authorization_endpoint", "end_session_endpoint", "check_session_iframe"}
METADATA = {
    "standard": "/default/.well-known/openid-configuration",
    "google": "/.well-known/openid-configuration",
    "microsoft": "/fa15d692-e9c7-4460-a743-29f2956fd429/v2.0/.well-known/openid-configuration",
    "auth0": "/.well-known/openid-configuration",
    "cloudentity": "/default/default/.well-known/openid-configuration",
}


@pytest.fixture(scope="module")
def site() -> Iterator[harness.Site]:
    """A server of which every dialect has a second name."""
    doors = tuple(
        msgspec.structs.replace(one, backchannel_base_url=INSIDE.format(port=harness.STANDARD + number))
        for number, one in enumerate(dev.development_listeners(harness.STANDARD, "http"))
    )
    with harness.site(listeners=doors) as opened:
        assertions.pair_client(opened)
        yield opened


def metadata(site: harness.Site, name: str, host: str = "") -> dict[str, Any]:
    """Return the metadata of a dialect as they are told to who asks by a host."""
    port = harness.STANDARD + [one.name for one in site.listeners].index(name)
    path = METADATA[name]
    if name == "microsoft":
        path = path.replace("fa15d692-e9c7-4460-a743-29f2956fd429", site.client("web").tenant_id)
    headers = [("host", host)] if host else []
    answer = site.run(site.raw("GET", port, path, headers=headers))
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@capability("backchannel-base-url", witness="the metadata by either name")
@pytest.mark.parametrize("name", METADATA)
def test_who_asks_inside_is_told_names_of_the_inside(site: harness.Site, name: str) -> None:
    """By the second name, programs' endpoints are at the second name, browsers' at the first, and the issuer is one."""
    port = harness.STANDARD + list(METADATA).index(name)
    outside, inside = metadata(site, name), metadata(site, name, f"idp.internal:{port}")
    assert inside["issuer"] == outside["issuer"]
    assert set(inside) == set(outside)
    differing = {member for member in inside if inside[member] != outside[member]}
    addresses = {member for member, value in inside.items() if isinstance(value, str) and value.startswith("http")}
    assert differing == addresses - BROWSERS - {"issuer"}
    assert {"token_endpoint", "jwks_uri", "userinfo_endpoint"} <= differing
    for member in differing:
        assert inside[member].startswith(f"http://idp.internal:{port}/"), member
        assert urlsplit(inside[member]).path == urlsplit(outside[member]).path


def test_a_host_makes_no_address(site: harness.Site) -> None:
    """Any other Host is told the public names alone; what is told is configured, whatever Host says."""
    public = metadata(site, "standard")
    for host in ("evil.example", "idp.internal", "idp.internal:9", "idp.internal:8080.evil.example", "IDP.INTERNAL:80"):
        assert metadata(site, "standard", host) == public
    assert metadata(site, "standard", "IDP.internal:8080") == metadata(site, "standard", "idp.internal:8080")


@capability("backchannel-base-url", witness="a whole sign-in whose program calls the second name")
def test_both_names_answer(site: harness.Site) -> None:
    """A browser signs in at the public name; its program redeems, asks and revokes at the other; `iss` is one."""
    app = harness.App(site)
    told = metadata(site, "standard", "idp.internal:8080")
    callback = app.callback()
    assert callback.params["iss"] == told["issuer"]
    code = callback.params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    form["code_verifier"] = harness.VERIFIER
    answer = site.request("POST", told["token_endpoint"], form=form, headers=app.headers())
    assert answer.status == 200, answer.text
    tokens = answer.json()
    assert live.claims(tokens["id_token"])["iss"] == told["issuer"]
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    for endpoint in (told["userinfo_endpoint"], metadata(site, "standard")["userinfo_endpoint"]):
        assert site.get(endpoint, headers=bearer).json()["sub"] == live.claims(tokens["id_token"])["sub"]
    inside, outside = site.get(told["jwks_uri"]), site.get(metadata(site, "standard")["jwks_uri"])
    assert inside.body == outside.body


@capability("backchannel-base-url", witness="PyJWT")
@pytest.mark.parametrize(
    ("audience", "status"),
    [
        ("http://localhost:8080/default", 200),
        ("http://localhost:8080/default/token", 200),
        ("http://idp.internal:8080/default/token", 200),
        ("http://idp.internal:8080/default/par", 200),
        ("http://idp.internal:8080/default", 401),
        ("http://idp.internal:8080/other/token", 401),
        ("http://idp.internal:8083/oauth/token", 401),
        (["http://idp.internal:8080/default/token", "http://evil.example"], 401),
    ],
)
def test_assertions_may_name_either_endpoint(site: harness.Site, audience: object, status: int) -> None:
    """A client's assertion may be for the token endpoint by either name; never for another tenant's, nor for two."""
    assertion = assertions.signed(aud=audience, jti=str(audience))
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": assertions.ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    assert site.request("POST", "http://idp.internal:8080/default/token", form=form).status == status


@pytest.mark.parametrize("audience", ["http://idp.internal:8080/default/token", "http://idp.internal:8080/default/par"])
def test_an_inside_name_counts_inside_alone(site: harness.Site, audience: str) -> None:
    """CVE-2025-27370: names inside are no one's alone, so at the public name an assertion has to name that.

    Another installation of the same inside name, to which the client proved itself there, gets nowhere with it here.
    """
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": assertions.ASSERTION_TYPE,
        "client_assertion": assertions.signed(aud=audience, jti=f"outside {audience}"),
    }
    assert site.request("POST", "http://localhost:8080/default/token", form=form).status == 401
    assert site.request("POST", "http://idp.internal:8080/default/token", form=form).status == 200


def test_a_second_name_is_checked_at_the_start(tmp_path: pathlib.Path) -> None:
    """It is https unless the operator says otherwise, a name of its own, and no more than scheme, host and path."""
    base = {
        "INTAGLIO_STANDARD__LISTEN": "127.0.0.1:8080",
        "INTAGLIO_STANDARD__BASE_URL": "https://id.example.com",
        "INTAGLIO_AUTH0__LISTEN": "127.0.0.1:8083",
        "INTAGLIO_AUTH0__BASE_URL": "https://login.example.com",
    }

    def read(address: str, **more: str) -> str:
        given = base | {"INTAGLIO_STANDARD__BACKCHANNEL_BASE_URL": address} | more
        return load.load(None, given).listeners[0].backchannel_base_url

    assert read("https://idp.internal:8443/") == "https://idp.internal:8443"
    assert read("http://localhost:8080") == "http://localhost:8080"
    assert read("http://idp:8080", INTAGLIO_SERVER__ALLOW_HTTP_BACKCHANNEL="true") == "http://idp:8080"
    for wrong in ("http://idp:8080", "https://login.example.com", "https://id.example.com", "https://x/?a=b", "idp"):
        with pytest.raises(Misconfigured) as caught:
            read(wrong)
        assert "INTAGLIO_STANDARD__BACKCHANNEL_BASE_URL" in str(caught.value.detail)
