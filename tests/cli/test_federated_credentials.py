"""Applications for which other issuers vouch: set by the command line, and they need no key or secret of their own."""

from __future__ import annotations

import json

import pytest

from intaglio.cli.faults import Exit
from tests.cli.conftest import Run

CREDENTIAL = {"name": "main", "issuer": "https://token.actions.test", "subject": "repo:contoso/app:ref:refs/heads/main"}
DAEMON = ("--grant-type", "client_credentials", "--scope", "api", "--auth-method", "private_key_jwt")


@pytest.fixture
def prepared(database: Run) -> Run:
    """Return `run` with a tenant in the database."""
    assert database("tenant", "create", "default").code == Exit.OK
    return database


def credentials(*entries: dict[str, str]) -> str:
    """Return the option's value."""
    return "microsoft.federatedIdentityCredentials=" + json.dumps(entries)


def test_who_is_vouched_for_needs_no_key(prepared: Run) -> None:
    """The application is made without a key set; the usual audience stands in its record."""
    ran = prepared("client", "create", "Daemon", "--client-id", "daemon", *DAEMON, "--set", credentials(CREDENTIAL))
    assert ran.code == Exit.OK, ran.err
    kept = json.loads(ran.out)["dialects"]["microsoft"]["federatedIdentityCredentials"]
    assert kept == [CREDENTIAL | {"audiences": ["api://AzureADTokenExchange"]}]
    assert "client_secret" not in json.loads(ran.out)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (credentials(), "keys-missing"),
        (credentials(CREDENTIAL | {"issuer": "http://token.actions.test"}), "setting-invalid"),
        (credentials(CREDENTIAL, CREDENTIAL), "setting-invalid"),
    ],
)
def test_what_vouches_for_nobody(prepared: Run, given: str, code: str) -> None:
    """No credential, an address without https, one twice."""
    ran = prepared("client", "create", "Daemon", "--client-id", "daemon", *DAEMON, "--set", given)
    assert (ran.code, code in ran.err) == (Exit.USAGE, True), ran.err
