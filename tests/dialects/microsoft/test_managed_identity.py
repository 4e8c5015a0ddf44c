"""Tokens of the machine: who may ask, for what, and in which form the answer comes (row 12 of the checklist)."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.server.devmode import seeds
from tests import harness
from tests.capability import capability
from tests.harness import Site

BASE = "http://localhost:8082"
PATH = "/metadata/identity/oauth2/token"
RESOURCE = f"api://{seeds.ATTACHED}"
USUAL = f"?api-version=2018-02-01&resource={RESOURCE}"
TRUE = {"Metadata": "true"}


def ask(site: Site, query: str = USUAL, path: str = PATH, headers: Any = TRUE) -> harness.Answer:
    """Ask for a token of the machine."""
    return site.get(BASE + path + query, headers=headers)


@capability("microsoft-managed-identity", witness="the answer's members")
@pytest.mark.parametrize("path", [PATH, "/" + PATH, PATH + "/"])
def test_s9_12_texts_with_double_or_trailing_slash(site: Site, path: str) -> None:
    """Each member is a text, the instants agree with one another, and the token is the attached application's."""
    told = ask(site, path=path).json()
    now = site.clock.now()
    assert all(isinstance(value, str) for value in told.values())
    assert (told["client_id"], told["resource"], told["token_type"]) == (seeds.ATTACHED, RESOURCE, "Bearer")
    assert int(told["expires_on"]) == now + int(told["expires_in"])
    assert int(told["not_before"]) == now - 300
    assert ask(site, USUAL + f"&client_id={seeds.ATTACHED.upper()}").json()["client_id"] == seeds.ATTACHED
    userinfo = site.get(BASE + "/oidc/userinfo", headers={"Authorization": f"Bearer {told['access_token']}"})
    assert userinfo.status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Metadata": "True"},
        {"Metadata": "false"},
        TRUE | {"X-Forwarded-For": "192.0.2.1"},
        TRUE | {"Origin": "http://localhost:8082"},
        TRUE | {"Via": "1.1 proxy"},
        [("Metadata", "true"), ("Metadata", "true")],
        [("Metadata", "true"), ("Host", "localhost:8082"), ("Host", "rebound.example")],
        TRUE | {"Host": "rebound.example"},
        TRUE | {"Host": "rebound.example@localhost:8082"},
        TRUE | {"Host": "localhost:8082/x"},
        TRUE | {"Host": "localhost.rebound.example:8082"},
    ],
    ids=str,
)
def test_s9_12_neither_pages_nor_proxies_ask(site: Site, headers: Any) -> None:
    """Without the header, or with what a browser or a proxy adds, there is no token: 400."""
    answer = ask(site, headers=headers)
    assert (answer.status, answer.json()["error"]) == (400, "bad_request_102")
    assert "access_token" not in answer.text


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "invalid_request"),
        (f"?resource={RESOURCE}", "invalid_request"),
        ("?api-version=2018-02-01", "invalid_request"),
        (USUAL + "&resource=x", "invalid_request"),
        ("?api-version=2018-02-01&resource=" + "x" * 601, "invalid_request"),
        ("?api-version=2018-02-01&resource=https://other.example", "invalid_resource"),
        (USUAL + f"&client_id={seeds.GUIDS['ms-web']}", "invalid_request"),
        (USUAL + "&object_id=1", "invalid_request"),
        (USUAL + "&msi_res_id=/subscriptions/x", "invalid_request"),
    ],
    ids=str,
)
def test_what_is_not_the_machines_is_refused(site: Site, query: str, error: str) -> None:
    """Other APIs, other identities and requests that lack something: 400 in the form that clients read."""
    answer = ask(site, query)
    assert (answer.status, answer.json()["error"]) == (400, error)


def test_only_the_listener_says_whose_token_it_is(site: Site) -> None:
    """No tenant's address has it, nor a listener without an application, nor one whose application is disabled."""
    assert ask(site, path=f"/{seeds.TENANT_ID}{PATH}").status == 404
    assert site.get("http://localhost:8083" + PATH + USUAL, headers=TRUE).status == 404
    site.change_client(seeds.ATTACHED, disabled_at=1)
    assert ask(site).status == 404
    site.change_client(seeds.ATTACHED, disabled_at=None)
    assert ask(site).status == 200
