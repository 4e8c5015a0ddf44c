"""Commands about projects, service accounts, policies and roles, against a real database."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
from typing import Any

import pytest
from google.oauth2 import service_account

from intaglio.cli.faults import Exit
from tests.capability import capability
from tests.cli.conftest import Run

DOMAIN = "demo-project.iam.id.example"
BUILDER, TARGET = f"builder@{DOMAIN}", f"target@{DOMAIN}"
CREATOR = "roles/iam.serviceAccountTokenCreator"


@pytest.fixture
def project(database: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return `run` with a tenant, a universe, a project and two service accounts."""
    monkeypatch.setenv("INTAGLIO_GOOGLE__LISTEN", "127.0.0.1:8081")
    monkeypatch.setenv("INTAGLIO_GOOGLE__UNIVERSE_DOMAIN", "id.example")
    for words in (
        ("tenant", "create", "default"),
        ("project", "create", "demo-project"),
        ("service-account", "create", "builder", "--project", "demo-project"),
        ("service-account", "create", "target", "--project", "demo-project"),
    ):
        assert database(*words).code == Exit.OK
    return database


def read(run: Run, *words: str) -> Any:
    """Run a command that works, and return its JSON."""
    ran = run(*words, "-o", "json")
    assert ran.code == Exit.OK, ran.err
    return json.loads(ran.out)


def policy(run: Run, verb: str, *words: str, resource: str = TARGET) -> Any:
    """Run a command on a policy."""
    return read(run, "policy", verb, "--resource", resource, *words)


def test_projects_are_created_listed_and_shown(database: Run) -> None:
    """By identifier and by number; a second one of a name is a conflict."""
    database("tenant", "create", "default")
    made = read(database, "project", "create", "demo-project", "--number", "100000000007", "--name", "Demo")
    assert read(database, "project", "list") == [made]
    assert read(database, "project", "show", "100000000007") == made
    assert database("project", "create", "demo-project").code == Exit.CONFLICT
    assert database("project", "show", "other-project").code == Exit.NOT_FOUND
    assert database("project", "create", "X").code == Exit.USAGE


@capability("service-accounts", witness="exit code and JSON on stdout")
def test_the_life_of_an_account(project: Run) -> None:
    """Created in the universe of the settings, listed, updated, disabled, enabled, deleted, had back."""
    listed = read(project, "service-account", "list", "--project", "demo-project")
    assert [one["email"] for one in listed] == [BUILDER, TARGET]
    made = read(project, "service-account", "show", BUILDER)
    assert made["resource"] == f"projects/demo-project/serviceAccounts/{made['unique_id']}"
    changed = read(project, "service-account", "update", BUILDER, "--display-name", "Builder")
    assert changed["display_name"] == "Builder"
    assert read(project, "service-account", "disable", made["unique_id"])["disabled_at"] is not None
    enabled = read(project, "service-account", "enable", BUILDER)
    assert enabled["tokens_from"] > changed["tokens_from"]
    assert enabled == changed | {"tokens_from": enabled["tokens_from"]}
    assert project("service-account", "create", "builder", "--project", "demo-project").code == Exit.CONFLICT
    unsure = project("service-account", "delete", BUILDER, stdin="y\n")
    assert (unsure.code, "confirmation-missing" in unsure.err) == (Exit.USAGE, True)
    assert project("service-account", "delete", BUILDER, "--yes").code == Exit.OK
    assert project("service-account", "show", BUILDER).code == Exit.NOT_FOUND
    back = read(project, "service-account", "undelete", made["unique_id"])
    assert back.pop("tokens_from") >= changed.pop("tokens_from")
    assert back == changed


def test_an_address_needs_a_universe(database: Run) -> None:
    """Where no address of the issuer is known, no account gets one that is nobody's."""
    database("tenant", "create", "default")
    database("project", "create", "demo-project")
    ran = database("service-account", "create", "builder", "--project", "demo-project")
    assert ran.code == Exit.USAGE
    assert "base-url-missing" in ran.err
    base = ("--base-url", "https://accounts.other.example")
    made = read(database, "service-account", "create", "builder", "--project", "demo-project", *base)
    assert made["email"] == "builder@demo-project.iam.other.example"


@capability("service-account-keys-created", witness="google-auth")
def test_a_key_is_written_once(project: Run, tmp_path: pathlib.Path) -> None:
    """To a new file that only its owner reads, or to stdout; never over a file, and not shown again."""
    old = os.umask(0)
    try:
        made = read(project, "service-account", "key", "create", BUILDER, "--output-file", "key.json")
    finally:
        os.umask(old)
    file = tmp_path / "key.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = service_account.Credentials.from_service_account_file(str(file))  # type: ignore[no-untyped-call]
    assert (found.service_account_email, found.universe_domain) == (BUILDER, "id.example")
    assert "PRIVATE KEY" not in json.dumps(made)
    listed = project("service-account", "key", "list", BUILDER)
    assert "PRIVATE KEY" not in listed.out
    assert [one["key_id"] for one in json.loads(listed.out)] == [made["key_id"]]
    ran = project("service-account", "key", "create", BUILDER, "--output-file", "key.json")
    assert (ran.code, "output-exists" in ran.err) == (Exit.CONFLICT, True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert project("service-account", "key", "create", BUILDER, "--output-file", "link").code == Exit.CONFLICT
    assert not (tmp_path / "elsewhere").exists()
    assert len(read(project, "service-account", "key", "list", BUILDER)) == 1
    piped = project("service-account", "key", "create", BUILDER, "--output-file", "-", "--days", "30")
    assert json.loads(piped.out)["client_email"] == BUILDER


@capability("service-account-keys-uploaded", witness="OpenSSL")
@capability("service-account-keys-disabled", witness="exit code and JSON on stdout")
def test_a_certificate_is_uploaded_and_switched(project: Run, tmp_path: pathlib.Path) -> None:
    """From a file or stdin; disabled, enabled, deleted."""
    words = "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -subj /CN=builder -days 3650"
    subprocess.run(["openssl", *words.split()], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    key = ("service-account", "key")
    made = read(project, *key, "upload", BUILDER, "--certificate-file", "own.pem")
    assert made["certificate"] == (tmp_path / "own.pem").read_text()
    again = project(*key, "upload", BUILDER, "--certificate-file", "-", stdin=(tmp_path / "own.pem").read_text())
    assert again.code == Exit.CONFLICT
    assert project(*key, "upload", BUILDER, "--certificate-file", "own.key").code == Exit.USAGE
    assert read(project, *key, "disable", BUILDER, made["key_id"])["disabled_at"] is not None
    assert read(project, *key, "enable", BUILDER, made["key_id"]) == made
    assert project(*key, "delete", TARGET, made["key_id"], "--yes").code == Exit.NOT_FOUND
    assert project(*key, "delete", BUILDER, made["key_id"], "--yes").code == Exit.OK
    assert read(project, *key, "list", BUILDER) == []


@capability("policy-etag", witness="exit code and JSON on stdout")
def test_a_policy_is_set_over_what_was_read(project: Run, tmp_path: pathlib.Path) -> None:
    """`show` writes what `set` takes back; an older version is a conflict, none at all a slip."""
    member = f"serviceAccount:{BUILDER}"
    first = policy(project, "show")
    assert first["bindings"] == []
    added = policy(project, "add", "--role", CREATOR, "--member", member)
    assert added["bindings"] == [{"role": CREATOR, "members": [member]}]
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(first))
    stale = project("policy", "set", "--resource", TARGET, "--file", "policy.json")
    assert (stale.code, "policy-changed" in stale.err) == (Exit.CONFLICT, True)
    file.write_text(json.dumps({"bindings": []}))
    assert "etag-missing" in project("policy", "set", "--resource", TARGET, "--file", "policy.json").err
    file.write_text(json.dumps(added))
    same = policy(project, "set", "--file", "policy.json")
    assert same["bindings"] == added["bindings"]
    file.write_text('{"bindings": [], "surprise": 1}')
    assert "policy-invalid" in project("policy", "set", "--resource", TARGET, "--file", "policy.json").err
    binding = {"role": CREATOR, "members": [member], "conditions": {"title": "x", "expression": "false"}}
    file.write_text(json.dumps({"bindings": [binding]}))
    misspelt = project("policy", "set", "--resource", TARGET, "--file", "policy.json", "--overwrite")
    assert (misspelt.code, "policy-invalid" in misspelt.err) == (Exit.USAGE, True)
    file.write_text('{"bindings": []}')
    assert policy(project, "set", "--file", "policy.json", "--overwrite")["bindings"] == []


def test_roles_are_given_and_taken(project: Run) -> None:
    """With and without a condition, on accounts, projects and what is named otherwise."""
    member = f"serviceAccount:{BUILDER}"
    given = ("--role", CREATOR, "--member", member)
    soon = ("--condition", "request.time < timestamp('2090-01-01T00:00:00Z')", "--condition-title", "soon")
    conditional = policy(project, "add", *given, *soon)
    assert conditional["version"] == 3
    assert conditional["bindings"][0]["condition"]["title"] == "soon"
    assert len(policy(project, "add", *given)["bindings"]) == 2
    assert project("policy", "remove", "--resource", TARGET, *given, "--condition-title", "x").code == Exit.NOT_FOUND
    assert len(policy(project, "remove", *given, "--condition-title", "soon")["bindings"]) == 1
    assert policy(project, "remove", *given)["bindings"] == []
    assert policy(project, "add", *given, resource="demo-project")["resource"] == "projects/demo-project"
    assert project("policy", "show", "--resource", "nothing").code == Exit.NOT_FOUND
    assert project("policy", "add", "--resource", TARGET, *given, "--condition-title", "x").code == Exit.USAGE
    broken = ("--condition", "request.time <")
    assert "expression-invalid" in project("policy", "add", "--resource", TARGET, *given, *broken).err


@capability("self-impersonation-refused", witness="exit code and stderr")
def test_the_switch_of_the_tenant_is_audited(project: Run) -> None:
    """Refused with the command that would allow it; allowed with a warning, and the log has both switches."""
    own = ("policy", "add", "--resource", TARGET, "--role", CREATOR, "--member", f"serviceAccount:{TARGET}")
    ran = project(*own)
    assert (ran.code, "tenant update default --self-impersonation" in ran.err) == (Exit.USAGE, True)
    switched = project("tenant", "update", "default", "--self-impersonation")
    assert "renew their tokens without end" in switched.err
    assert "warning" in project(*own).err
    assert project("tenant", "update", "default", "--no-self-impersonation").code == Exit.OK
    entries = read(project, "audit", "list", "--action", "tenant.update")
    assert [entry["detail"] for entry in entries] == [{"self_impersonation": word} for word in ("false", "true")]
    assert all(entry["principal"].startswith("operator") for entry in entries)


@capability("custom-roles", witness="exit code and JSON on stdout")
def test_roles_of_a_project(project: Run) -> None:
    """Created, listed, changed, deleted; predefined ones are listed beside them."""
    made = ("role", "create", "callers", "--project", "demo-project", "--permission", "run.routes.invoke")
    role = read(project, *made)["role"]
    assert role == "projects/demo-project/roles/callers"
    assert [one["role"] for one in read(project, "role", "list", "--custom")] == [role]
    assert CREATOR in [one["role"] for one in read(project, "role", "list")]
    changed = read(project, "role", "update", role, "--permission", "cloudfunctions.functions.invoke")
    assert changed["permissions"] == ["cloudfunctions.functions.invoke"]
    assert project("role", "delete", role, "--yes").code == Exit.OK
    assert project("role", "delete", role, "--yes").code == Exit.NOT_FOUND


@capability("audit-administration", witness="JSON on stdout")
def test_the_log_is_read_by_page_and_filter(project: Run) -> None:
    """The newest first; by action and resource; the next page begins behind the last."""
    every = read(project, "audit", "list")
    assert {entry["action"] for entry in every} == {"tenant.create", "project.create", "service-account.create"}
    page = project("audit", "list", "--limit", "2", "-o", "json")
    assert "--after" in page.err
    last = json.loads(page.out)[-1]["entry_id"]
    rest = read(project, "audit", "list", "--before", last)
    assert [*json.loads(page.out), *rest] == every
    resource = read(project, "service-account", "show", BUILDER)["resource"]
    (entry,) = read(project, "audit", "list", "--resource", resource)
    assert entry["detail"] == {"email": BUILDER}
    assert read(project, "audit", "list", "--principal", "nobody") == []
