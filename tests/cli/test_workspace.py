"""Workspaces of the cloudentity dialect by the command line: services, spans, algorithms, requests that are pushed."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

WITNESS = "exit code and JSON on stdout"
SERVICES = {"accounts": {"name": "Accounts", "scopes": ["accounts.read"]}}


@pytest.fixture
def workspace(database: Run) -> Run:
    """A tenant `shop` of the owner `acme` with a client `web`."""
    assert database("tenant", "create", "shop", "--owner", "acme").code == Exit.OK
    words = ("--client-id", "web", "--redirect-uri", "https://a.example/cb", "--tenant", "shop")
    assert database("client", "create", "Web", *words).code == Exit.OK
    return database


@capability("cloudentity-services", witness=WITNESS)
def test_services_are_set_shown_and_taken_away(workspace: Run) -> None:
    """In Cloudentity's own words; what cannot be used is refused, and nothing is changed by it."""
    setting = f"cloudentity.services={json.dumps(SERVICES)}"
    made = json.loads(workspace("tenant", "update", "shop", "--set", setting).out)
    assert made["dialects"]["cloudentity"]["services"]["accounts"]["scopes"][0]["name"] == "accounts.read"
    bad = json.dumps({"profile": SERVICES["accounts"]})
    refused = workspace("tenant", "update", "shop", "--set", f"cloudentity.services={bad}")
    assert (refused.code, "setting-invalid" in refused.err) == (Exit.USAGE, True)
    assert json.loads(workspace("tenant", "show", "shop").out)["dialects"] == made["dialects"]
    assert workspace("client", "update", "web", "--tenant", "shop", "--set", setting).code == Exit.USAGE
    gone = json.loads(workspace("tenant", "update", "shop", "--set", "cloudentity.services=").out)
    assert gone["dialects"] == {}


@capability("cloudentity-durations", witness=WITNESS)
def test_lifetimes_are_spans(workspace: Run) -> None:
    """Seconds or spans, for the tenant and for the client; `default` takes one away, what is not named stays."""
    spans = ("--id-token-lifetime", "1h30m", "--access-token-lifetime", "600", "--code-lifetime", "90s")
    made = json.loads(workspace("tenant", "update", "shop", *spans, "--refresh-token-lifetime", "168h0m0s").out)
    told = workspace("tenant", "update", "shop", *spans).err
    assert "ID tokens live for 1h30m0s; access tokens live for 10m0s; refresh tokens live for 168h0m0s" in told
    expected = {"id_token": 5400, "access_token": 600, "refresh_token": 604_800, "session": None, "code": 90}
    assert made["lifetimes"] == expected
    left = json.loads(workspace("tenant", "update", "shop", "--access-token-lifetime", "default").out)
    assert left["lifetimes"] == expected | {"access_token": None}
    workspace("client", "update", "web", "--tenant", "shop", "--id-token-lifetime", "5m", "--code-lifetime", "1m")
    shown = json.loads(workspace("client", "show", "web", "--tenant", "shop").out)
    assert (shown["lifetimes"]["id_token"], shown["lifetimes"]["code"]) == (300, 60)
    in_force = shown["lifetimes_in_force"]["cloudentity"]["authorization_code"]
    assert in_force["id_token"] == {"seconds": 300, "origin": "client"}
    assert in_force["access_token"] == {"seconds": 3600, "origin": "dialect"}
    given = ("--id-token-lifetime", "default", "--grant-lifetime", "authorization_code:id_token=2m")
    again = json.loads(workspace("client", "update", "web", "--tenant", "shop", *given).out)
    assert (again["lifetimes"]["id_token"], again["lifetimes"]["code"]) == (None, 60)
    assert again["grant_lifetimes"]["authorization_code"]["id_token"] == 120


@pytest.mark.parametrize(
    "words",
    [
        ("--id-token-lifetime", "soon"),
        ("--id-token-lifetime", "0"),
        ("--id-token-lifetime", "-5"),
        ("--id-token-lifetime", "25h"),
        ("--id-token-lifetime", "500ms"),
        ("--code-lifetime", "11m"),
        ("--session-lifetime", "9s"),
        ("--refresh-token-lifetime", "9000h"),
    ],
)
def test_spans_that_nobody_can_have(workspace: Run, words: tuple[str, str]) -> None:
    """No span, no time at all, or more than may be: a usage error, and the tenant stays as it is."""
    before = workspace("tenant", "show", "shop").out
    assert workspace("tenant", "update", "shop", *words).code == Exit.USAGE
    assert workspace("tenant", "show", "shop").out == before


@capability("signing-default", witness=WITNESS)
def test_an_algorithm_is_named_or_not(workspace: Run) -> None:
    """Nothing, RS256 for every dialect, and nothing again."""
    found = []
    for words in ((), ("--alg", "RS256"), ("--alg", "default")):
        told = workspace("client", "update", "web", "--tenant", "shop", "--name", "Web", *words)
        assert told.code == Exit.OK, told.err
        found.append(json.loads(told.out)["id_token_signed_response_alg"])
    assert found == ["", "RS256", ""]


@capability("pushed-required", witness=WITNESS)
def test_a_client_that_has_to_push(workspace: Run) -> None:
    """Set and taken away."""
    for option, value in (("--require-par", True), ("--no-require-par", False)):
        told = json.loads(workspace("client", "update", "web", "--tenant", "shop", option).out)
        assert told["require_pushed_authorization_requests"] is value
