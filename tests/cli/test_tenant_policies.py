"""What a tenant demands and lets happen is set when it is created, and changed one by one."""

from __future__ import annotations

import json
import pathlib

import pytest

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

POLICIES = {
    "encrypt_id_tokens": "front_channel",
    "registration": "token",
    "sign_up": True,
    "session_management": False,
    "id_token_budget": 2048,
}
GIVEN = (
    "--encrypt-id-tokens",
    "front_channel",
    "--registration",
    "token",
    "--sign-up",
    "--no-session-management",
    "--id-token-budget",
    "2048",
)


@capability("cli-tenant", witness="exit code and JSON on stdout")
@pytest.mark.parametrize("command", ["create", "update"])
def test_policies_are_set(database: Run, command: str) -> None:
    """Creating and updating take the same options, and `show` tells what came of them."""
    if command == "update":
        database("tenant", "create", "acme")
    assert database("tenant", command, "acme", *GIVEN).code == Exit.OK
    shown = json.loads(database("tenant", "show", "acme").out)
    assert {name: shown[name] for name in POLICIES} == POLICIES


def test_what_is_not_given_stays(database: Run) -> None:
    """An update changes what it names alone; `never` takes the demand for encryption back."""
    before = json.loads(database("tenant", "create", "acme", *GIVEN).out)
    after = json.loads(database("tenant", "update", "acme", "--no-sign-up", "--name", "Acme Ltd").out)
    assert after.pop("etag") != before.pop("etag")
    assert after == before | {"sign_up": False, "name": "Acme Ltd"}
    again = json.loads(database("tenant", "update", before["tenant_id"], "--encrypt-id-tokens", "never").out)
    again.pop("etag")
    assert again == after | {"encrypt_id_tokens": ""}
    unchanged = json.loads(database("tenant", "update", "acme").out)
    assert unchanged.pop("etag")
    assert unchanged == again


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--registration", "anybody"), Exit.USAGE),
        (("--encrypt-id-tokens", "sometimes"), Exit.USAGE),
        (("--id-token-budget", "1"), Exit.USAGE),
        (("--name", "a\u202eb"), Exit.USAGE),
    ],
)
def test_values_that_do_not_exist(database: Run, arguments: tuple[str, ...], code: Exit) -> None:
    """An unknown value is refused, and nothing is changed."""
    before = json.loads(database("tenant", "create", "acme").out)
    assert database("tenant", "update", "acme", *arguments).code == code
    assert json.loads(database("tenant", "show", "acme").out) == before


def test_unknown_tenant(database: Run, tmp_path: pathlib.Path) -> None:
    """There is nothing to change where no such tenant is."""
    assert database("tenant", "update", "nobody", "--sign-up").code == Exit.NOT_FOUND


def test_lifetimes_of_the_device_grant(database: Run) -> None:
    """A grant whose name is a URN has lifetimes like any other."""
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    made = json.loads(database("tenant", "create", "acme", "--grant-lifetime", f"{grant}:id_token=600").out)
    assert made["grant_lifetimes"][grant]["id_token"] == 600


def test_hosts_are_changed(database: Run) -> None:
    """Those that are given take the place of those before; one belongs to one tenant."""
    for slug in ("acme", "other"):
        database("tenant", "create", slug)
    changed = json.loads(database("tenant", "update", "acme", "--host", "id.acme.example", "--host", "b.example").out)
    assert changed["hosts"] == ["id.acme.example", "b.example"]
    assert "(domain-taken)" in database("tenant", "update", "other", "--host", "b.example").err
    assert "(host-invalid)" in database("tenant", "update", "other", "--host", "https://b.example").err
    assert json.loads(database("tenant", "update", "acme", "--host", "").out)["hosts"] == []
    assert json.loads(database("tenant", "update", "other", "--host", "b.example").out)["hosts"] == ["b.example"]
