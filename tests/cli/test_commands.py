"""Commands that change and show records, against a real database."""

from __future__ import annotations

import json
import uuid

import pytest
import yaml

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run


@pytest.fixture
def tenant(database: Run) -> Run:
    """Return `run` with a database that holds the tenant `default`."""
    assert database("tenant", "create", "default").code == Exit.OK
    return database


RESERVED = "demo inspect static _intaglio .well-known common organizations consumers adfs admin system developer"


@capability("tenant-reserved-slugs", witness="exit code and stderr")
@pytest.mark.parametrize("slug", RESERVED.split())
def test_reserved_slug_is_refused(database: Run, slug: str) -> None:
    """A reserved slug is a usage error that says so, and nothing is kept."""
    ran = database("tenant", "create", slug)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "slug-reserved" in ran.err or "slug-invalid" in ran.err
    assert "next step" in ran.err or "expected" in ran.err or "received" in ran.err
    assert json.loads(database("tenant", "list").out) == []


def test_unknown_tenant_is_not_found(database: Run) -> None:
    """What is not there has an exit code of its own."""
    ran = database("tenant", "show", "nobody")
    assert (ran.code, ran.out) == (Exit.NOT_FOUND, "")
    assert "expected: the slug or UUID of a tenant" in ran.err
    assert "received: nobody" in ran.err


def test_second_tenant_of_a_slug_is_a_conflict(tenant: Run) -> None:
    """What is there already has an exit code of its own."""
    assert tenant("tenant", "create", "default").code == Exit.CONFLICT


@capability("cli-tenant", witness="exit code and JSON on stdout")
@capability("tenant-record", witness="exit code and JSON on stdout")
def test_tenant_is_created_shown_and_listed(database: Run) -> None:
    """A tenant that was created is shown by slug and by UUID, and is listed."""
    made = json.loads(database("tenant", "create", "acme", "--name", "Acme", "--host", "id.acme.example").out)
    assert json.loads(database("tenant", "show", "acme").out) == made
    assert json.loads(database("tenant", "show", made["tenant_id"]).out) == made
    assert json.loads(database("tenant", "list").out) == [made]
    assert made["hosts"] == ["id.acme.example"]
    assert made["owner"] == "default"
    assert str(uuid.UUID(made["tenant_id"])) == made["tenant_id"]


@capability("lists-paged", witness="a second page on stdout")
def test_list_is_paged(database: Run) -> None:
    """A full page tells where the next one begins."""
    for slug in ("a", "b", "c"):
        database("tenant", "create", slug)
    first = database("tenant", "list", "--limit", "2", "-o", "value")
    assert first.out == "a\nb\n"
    assert "--after b" in first.err
    second = database("tenant", "list", "--limit", "2", "--after", "b", "-o", "value")
    assert second.out == "c\n"
    assert second.err == ""


@capability("cli-client", witness="exit code and JSON on stdout")
def test_client_is_created_shown_and_listed(tenant: Run) -> None:
    """A client's secret is shown once, and never again."""
    made = tenant("client", "create", "Web", "--redirect-uri", "https://app.example.com/cb")
    record = json.loads(made.out)
    assert len(record["client_secret"]) == 43
    assert "once" in made.err
    shown = tenant("client", "show", record["client_id"])
    assert record["client_secret"] not in shown.out
    assert json.loads(shown.out)["redirect_uris"] == ["https://app.example.com/cb"]
    assert tenant("client", "list", "-o", "value").out == record["client_id"] + "\n"


def test_public_client_has_no_secret_and_must_use_pkce(tenant: Run) -> None:
    """`--public` makes a client without secret; PKCE cannot be waived for it."""
    ran = tenant("client", "create", "Spa", "--public", "--no-pkce", "--redirect-uri", "https://app.example.com/cb")
    record = json.loads(ran.out)
    assert "client_secret" not in record
    assert record["require_pkce"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--redirect-uri", "http://app.example.com/cb"], id="http to another machine"),
        pytest.param(["--redirect-uri", "https://app.example.com/cb#x"], id="fragment"),
        pytest.param(["--redirect-uri", "https://*.example.com/cb"], id="wildcard"),
        pytest.param([], id="no redirect URI"),
        pytest.param(["--public", "--grant-type", "client_credentials"], id="public with client credentials"),
        pytest.param(["--redirect-uri", "https://a.example/cb", "--alg", "none"], id="alg none"),
    ],
)
def test_client_that_would_be_unsafe_is_refused(tenant: Run, arguments: list[str]) -> None:
    """What would be unsafe is a usage error, and nothing is kept."""
    ran = tenant("client", "create", "Web", *arguments)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert json.loads(tenant("client", "list").out) == []


@capability("id-token-lifetime", witness="exit code and JSON on stdout")
def test_lifetimes_in_force_are_shown_with_what_set_them(database: Run) -> None:
    """The client's choice stands over the tenant's, a grant's over both; each is shown with its origin."""
    database("tenant", "create", "acme", "--id-token-lifetime", "1200", "--access-token-lifetime", "700")
    grants = ("--grant-type", "authorization_code", "--grant-type", "refresh_token")
    own = ("--id-token-lifetime", "900", "--grant-lifetime", "refresh_token:id_token=300")
    uri = ("--redirect-uri", "https://a.example/cb")
    made = database("client", "create", "Web", "--tenant", "acme", "--client-id", "web", *uri, *grants, *own)
    assert made.code == Exit.OK, made.err
    shown = json.loads(database("client", "show", "web", "--tenant", "acme").out)["lifetimes_in_force"]
    assert shown["standard"]["authorization_code"]["id_token"] == {"seconds": 900, "origin": "client"}
    assert shown["standard"]["refresh_token"]["id_token"] == {"seconds": 300, "origin": "client, refresh_token"}
    assert shown["standard"]["refresh_token"]["access_token"] == {"seconds": 700, "origin": "tenant"}
    assert shown["standard"]["authorization_code"]["refresh_token"]["origin"] == "dialect"
    assert set(shown) >= {"standard", "auth0"}


@pytest.mark.parametrize("text", ["x", "refresh_token:session=60", "refresh_token:id_token=5", "password:id_token=60"])
def test_lifetime_of_a_grant_is_refused(database: Run, text: str) -> None:
    """Another form, another grant and another span are usage errors."""
    assert database("tenant", "create", "acme", "--grant-lifetime", text).code == Exit.USAGE


def test_own_secret_comes_from_stdin_and_is_not_repeated(tenant: Run) -> None:
    """A secret that the operator has already is not printed."""
    secret = "canary-canary-canary"
    uri = ("--redirect-uri", "https://a.example/cb")
    ran = tenant("client", "create", "Web", *uri, "--secret-file", "-", stdin=secret + "\n")
    assert ran.code == Exit.OK
    assert secret not in ran.out + ran.err


@capability("cli-user", witness="exit code and JSON on stdout")
def test_user_is_created_shown_and_listed(tenant: Run) -> None:
    """A user is shown with claims, and with whether there is a password, never its hash."""
    claims = ("--claim", "name=Ada Lovelace", "--claim", "email_verified=true")
    made = tenant("user", "create", "ada", "--password-file", "-", *claims, stdin="correct horse\n")
    assert made.code == Exit.OK, made.err
    record = json.loads(made.out)
    assert record["claims"] == {"name": "Ada Lovelace", "email_verified": True}
    assert record["has_password"] is True
    assert "argon2" not in made.out
    assert json.loads(tenant("user", "show", "ADA").out) == record
    assert tenant("user", "list", "-o", "value").out == "ada\n"


def test_second_user_of_a_name_is_a_conflict(tenant: Run) -> None:
    """Upper and lower case make no second user."""
    tenant("user", "create", "ada", "--no-password")
    assert tenant("user", "create", "ADA", "--no-password").code == Exit.CONFLICT


def test_next_page_of_users_begins_where_the_last_one_ended(tenant: Run) -> None:
    """Names are listed without regard to case, and the word behind `--after` is the one that was told."""
    for name in ("Zoe", "ada", "Bob"):
        tenant("user", "create", name, "--no-password")
    seen: list[str] = []
    after = ""
    for _ in range(4):
        ran = tenant("user", "list", "-o", "value", "--limit", "1", "--after", after)
        seen += ran.out.split()
        if not ran.err:
            break
        after = ran.err.rpartition("--after ")[2].strip()
    assert seen == ["ada", "Bob", "Zoe"]


@capability("cli-no-secret-argv", witness="a command without terminal, stdin or file")
def test_password_is_never_an_argument(tenant: Run) -> None:
    """Without a terminal, a file or `-` there is no password, and the error names the ways."""
    ran = tenant("user", "create", "ada")
    assert ran.code == Exit.USAGE
    assert "--password-file" in ran.err
    assert tenant("user", "create", "ada", "--password", "x").code == Exit.USAGE


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_password_of_a_wrong_length_is_refused(tenant: Run, password: str) -> None:
    """Fewer than 8 and more than 1024 characters are refused, and not repeated."""
    ran = tenant("user", "create", "ada", "--password-file", "-", stdin=password)
    assert ran.code == Exit.USAGE
    assert password not in ran.out + ran.err


@pytest.mark.parametrize("claim", ["sub=x", "amr=[]", "email=nobody", "email_verified=maybe", "novalue"])
def test_claim_that_a_user_cannot_have_is_refused(tenant: Run, claim: str) -> None:
    """What the issuer says is no claim of a user, and each claim has its form."""
    assert tenant("user", "create", "ada", "--no-password", "--claim", claim).code == Exit.USAGE


@capability("cli-key", witness="exit code and JSON on stdout")
def test_key_is_rotated_and_listed(tenant: Run) -> None:
    """The first key signs at once; the second waits a day, and a third is not made."""
    first = json.loads(tenant("key", "rotate", "--alg", "ES256").out)
    second = json.loads(tenant("key", "rotate", "--alg", "ES256").out)
    third = json.loads(tenant("key", "rotate", "--alg", "ES256").out)
    assert (first["state"], second["state"]) == ("current", "next")
    assert second["active_at"] - first["active_at"] >= 86_400
    assert third["key_id"] == second["key_id"]
    listed = json.loads(tenant("key", "list").out)
    assert [key["key_id"] for key in listed] == [first["key_id"], second["key_id"]]


@capability("cli-key-revoke", witness="exit code and JSON on stdout")
def test_key_is_revoked_and_what_is_out_is_told(tenant: Run) -> None:
    """A revoked key tells when its last token has expired; another key signs at once."""
    key = json.loads(tenant("key", "rotate", "--alg", "ES256").out)
    ran = tenant("key", "revoke", key["key_id"], "--yes")
    assert ran.code == Exit.OK, ran.err
    assert "expires by" in ran.err
    states = {k["key_id"]: k["state"] for k in json.loads(tenant("key", "list").out)}
    assert states.pop(key["key_id"]) == "revoked"
    assert list(states.values()) == ["current"]


def test_unknown_key_is_not_found(tenant: Run) -> None:
    """Revoking a key that is not there changes nothing and says so."""
    assert tenant("key", "revoke", "nothing", "--yes").code == Exit.NOT_FOUND


@capability("cli-migrate", witness="exit code and JSON on stdout")
def test_migrations_are_applied_once_and_listed(database: Run) -> None:
    """A second `up` changes nothing, and `status` lists everything as applied."""
    before = database("migrate", "status")
    assert database("migrate", "up").code == Exit.OK
    assert database("migrate", "status").out == before.out
    assert {row["state"] for row in json.loads(before.out)} == {"applied"}


@capability("cli-output", witness="PyYAML and json")
def test_output_formats_say_the_same(tenant: Run) -> None:
    """JSON and YAML hold the same data, a table the same rows, `value` the one that scripts want."""
    as_json = json.loads(tenant("tenant", "list", "-o", "json").out)
    as_yaml = yaml.safe_load(tenant("tenant", "list", "-o", "yaml").out)
    table = tenant("tenant", "list", "-o", "table").out.splitlines()
    assert as_yaml == as_json
    assert table[0].split() == ["SLUG", "NAME", "OWNER", "TENANT_ID", "CREATED_AT", "DISABLED_AT"]
    assert table[1].split()[3] == as_json[0]["tenant_id"]
    assert tenant("tenant", "list", "-o", "value").out == "default\n"


def test_database_that_is_not_there_is_a_usage_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Without settings and without ./var the next step is told."""
    monkeypatch.chdir(str(tmp_path))
    ran = run("tenant", "list")
    assert ran.code == Exit.USAGE
    assert "intaglio dev" in ran.err
