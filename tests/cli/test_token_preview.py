"""`intaglio token preview`: what a request would be given, asked of a real database from the command line."""

from __future__ import annotations

import json
import pathlib

import pytest

from intaglio.cli.faults import Exit
from intaglio.dialects import registry
from tests.capability import capability
from tests.cli.conftest import Run

pytestmark = capability("token-preview", witness="exit code, stdout and the database's octets")


@pytest.fixture
def asked(database: Run) -> Run:
    """Return `run` with a tenant, a client and a user in the database."""
    assert database("tenant", "create", "default").code == Exit.OK
    words = ("--redirect-uri", "https://app.example.com/cb", "--scope", "openid profile email", "--no-pkce")
    assert database("client", "create", "Web", "--client-id", "web", *words).code == Exit.OK
    words = ("--claim", "name=Ada", "--claim", "email=ada@example.com", "--no-password")
    assert database("user", "create", "ada", *words).code == Exit.OK

    def call(*words: str, stdin: str = "") -> object:
        base = ("--base-url", "https://id.example.com") if "--base-url" not in words else ()
        return database("token", "preview", "--client", "web", "--user", "ada", *base, *words, stdin=stdin)

    return call  # type: ignore[return-value]


def test_claims_come_with_their_rules(asked: Run) -> None:
    """JSON: issuer, scope, header, claims, and for each claim its rules and the origins of its value."""
    told = json.loads(asked("--scope", "openid email", "--nonce", "n", "--claims", '{"id_token":{"name":null}}').out)
    (token,) = told["id_tokens"]
    assert (told["issuer"], told["scope"]) == ("https://id.example.com/default", "openid email")
    assert (token["claims"]["iss"], token["claims"]["aud"], token["claims"]["nonce"]) == (told["issuer"], "web", "n")
    assert token["header"] == {"alg": "RS256", "rule": "dialect standard, for the client names none"}
    assert token["claims"]["name"] == "Ada"
    assert "email" not in token["claims"]
    assert token["reasons"]["name"] == {
        "rules": ["claims parameter, voluntary (name)"],
        "origins": ["the user's record: name"],
    }
    assert set(token["reasons"]) == set(token["claims"])


def test_a_table_for_people(asked: Run) -> None:
    """One row a claim: its value, the rule, and where the value comes from."""
    told = asked("--scope", "openid", "-o", "table").out
    assert "issuer         https://id.example.com/default" in told
    rows = {line.split()[0]: line for line in told.splitlines() if line}
    assert "always" in rows["iss"]
    assert "the ID token's lifetime of 3600 s, set by: dialect" in rows["exp"]
    assert "(hash of the access token)" in rows["at_hash"]


@pytest.mark.parametrize("dialect", list(registry.DIALECTS))
def test_each_dialect_answers(asked: Run, database: Run, dialect: str) -> None:
    """Every dialect shows its own issuer and subject."""
    told = json.loads(asked("--dialect", dialect).out)
    tenant_id = json.loads(database("tenant", "show", "default").out)["tenant_id"]
    issuer = {
        "standard": "/default",
        "google": "",
        "microsoft": f"/{tenant_id}/v2.0",
        "auth0": "/",
        "cloudentity": "/default/default",
    }[dialect]
    assert told["id_tokens"][0]["claims"]["iss"] == told["issuer"] == "https://id.example.com" + issuer


def test_the_version_of_the_endpoints_counts(asked: Run) -> None:
    """Where a dialect has two, `--variant` says which: issuer and claims are that version's."""
    told = json.loads(asked("--dialect", "microsoft", "--variant", "1.0").out)
    claims = told["id_tokens"][0]["claims"]
    assert (claims["ver"], claims["iss"].endswith("/v2.0")) == ("1.0", False)


def test_a_refused_request_is_refused(asked: Run) -> None:
    """The standard error that the client would get, an exit code of its own, and nothing on stdout."""
    ran = asked("--response-type", "id_token", "--nonce", "n")
    assert (ran.code, ran.out) == (Exit.DENIED, "")
    assert "unauthorized_client" in ran.err
    assert "preview-refused" in ran.err


@pytest.mark.parametrize("words", [("--client", "nobody"), ("--user", "nobody"), ("--tenant", "nobody")])
def test_what_is_not_there_is_not_found(asked: Run, words: tuple[str, str]) -> None:
    """An unknown client, user or tenant."""
    assert asked(*words).code == Exit.NOT_FOUND


def test_an_address_is_needed(asked: Run) -> None:
    """Without a configured address nobody can tell the issuer."""
    ran = asked("--base-url", "")
    assert (ran.code, "base-url-missing" in ran.err) == (Exit.USAGE, True)


def test_nothing_is_written(asked: Run, tmp_path: pathlib.Path) -> None:
    """The database is octet for octet what it was."""

    def octets() -> list[bytes]:
        return [path.read_bytes() for path in sorted(tmp_path.glob("cli.db*"))]

    before = octets()
    assert asked("--scope", "openid profile").code == Exit.OK
    assert octets() == before
