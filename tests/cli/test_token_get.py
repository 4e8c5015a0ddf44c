"""`intaglio token get`: every source, every option, and what it says when there is nobody to be."""

from __future__ import annotations

import json
import pathlib
import resource
import time
import urllib.parse
from typing import Any

import pytest
from joserfc import jwk, jwt

from intaglio.server.devmode import seeds
from tests import live
from tests.capability import capability
from tests.cli.person import Browser, Terminal

filed = live.filed
AUDIENCE = "https://service.example.com/a?b=c&d=ü"
PROJECT = seeds.PROJECT


@pytest.fixture
def terminal(tmp_path: pathlib.Path) -> Terminal:
    """A terminal of somebody who has never signed in."""
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def alice(filed: live.Dev, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal where alice is signed in."""
    terminal = Terminal(tmp_path_factory.mktemp("alice"))
    assert terminal.login(filed.at("google")).code == 0
    return terminal


@pytest.fixture(scope="module")
def key_file(filed: live.Dev, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A key file of the seeded account `worker`."""
    path = tmp_path_factory.mktemp("keys") / "worker.json"
    words = ("service-account", "key", "create", seeds.ACCOUNT, "--output-file", str(path))
    live.cli(filed, *words, "--base-url", filed.at("google"))
    return str(path)


# --- somebody who signed in


@capability("cli-token-get", witness="the process's output")
@pytest.mark.parametrize(
    "words", [("token", "get"), ("print-identity-token",), ("print-identity-token", "alice@example.com")]
)
def test_the_development_token(alice: Terminal, filed: live.Dev, words: tuple[str, ...]) -> None:
    """The bare token and a line's end on stdout, nothing on stderr; it is for this program's own client."""
    done = alice.run(*words)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\n")
    assert done.out.count("\n") == 1
    claims = live.claims(done.out)
    assert (claims["iss"], claims["aud"], claims["email"]) == (filed.at("google"), seeds.CLI, "alice@example.com")


@capability("cli-token-get-audience", witness="the process's output")
@pytest.mark.parametrize("option", ["--audience", "--audiences"])
def test_an_audience_is_for_the_account_that_may_be_used(alice: Terminal, option: str) -> None:
    """There is one account that alice may use; stderr says of whom the token is, stdout only the token."""
    done = alice.run("token", "get", f"{option}={AUDIENCE}")
    assert done.code == 0, done.err
    claims = live.claims(done.out)
    assert (claims["aud"], claims["sub"]) == (AUDIENCE, seeds.TARGET_ID)
    assert "email" not in claims
    assert f"The token is one of {seeds.TARGET}, which alice@example.com may use." in done.err
    told = live.claims(alice.run("token", "get", option, AUDIENCE, "--include-email").out)
    assert told["email"] == seeds.TARGET


@capability("cli-token-get-audience", witness="the process's output")
def test_several_accounts_are_listed_and_the_choice_is_kept(filed: live.Dev, terminal: Terminal) -> None:
    """With two of them nothing is guessed; `--account` chooses, and the next time it is still chosen."""
    second = "second@demo-project.iam.intaglio.test"
    live.cli(filed, "service-account", "create", "second", "--project", PROJECT)
    role = "roles/iam.serviceAccountOpenIdTokenCreator"
    live.cli(filed, "policy", "add", "--resource", second, "--role", role, "--member", "user:alice@example.com")
    time.sleep(1.1)
    try:
        assert terminal.login(filed.at("google")).code == 0
        done = terminal.run("token", "get", "--audience", AUDIENCE)
        assert (done.code, done.out) == (2, "")
        assert seeds.TARGET in done.err
        assert second in done.err
        assert "--account" in done.err
        for words in (("--account", second), ()):
            done = terminal.run("token", "get", "--audience", AUDIENCE, *words)
            assert done.code == 0, done.err
            assert f"The token is one of {second}" in done.err
        assert json.loads(terminal.run("login", "--list", "-o", "json").out)[0]["target"] == second
    finally:
        live.cli(filed, "policy", "remove", "--resource", second, "--role", role, "--member", "user:alice@example.com")
        time.sleep(1.1)


def test_nobody_to_be_for_an_audience(filed: live.Dev, terminal: Terminal) -> None:
    """Bob may use no account: it says what is missing and whom to ask, and gives no token."""
    begun = terminal.begin("login", "--issuer", filed.at("google"), "--no-browser")
    Browser().sign_in(begun.address(), "bob")
    assert begun.end().code == 0
    done = terminal.run("token", "get", "--audience", AUDIENCE)
    assert (done.code, done.out) == (5, "")
    assert "account-missing" in done.err
    assert terminal.run("token", "get").code == 0


@capability("cli-token-get-impersonate", witness="the process's output")
def test_impersonation_by_name(alice: Terminal) -> None:
    """The account that is named, with and without its address; without an audience the token is for our client."""
    option = f"--impersonate-service-account={seeds.TARGET}"
    done = alice.run("print-identity-token", option, f"--audiences={AUDIENCE}", "--include-email")
    assert (done.code, done.err) == (0, "")
    claims = live.claims(done.out)
    assert (claims["aud"], claims["sub"], claims["email"]) == (AUDIENCE, seeds.TARGET_ID, seeds.TARGET)
    assert live.claims(alice.run("print-identity-token", option).out)["aud"] == seeds.CLI
    denied = alice.run("token", "get", f"--impersonate-service-account={seeds.ACCOUNT}")
    assert (denied.code, denied.out) == (6, "")
    assert "token-denied" in denied.err
    through = alice.run("token", "get", f"--impersonate-service-account={seeds.ACCOUNT},{seeds.TARGET}")
    assert (through.code, through.out) == (6, "")


@capability("cli-token-get-options", witness="the process's output")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--include-email",), "`--include-email` can only be used"),
        (("--token-format", "full"), "`--token-format` can only be used"),
        (("--audience", "https://a", "--token-format=standard"), "`--token-format` can only be used"),
        (("--include-license",), "`--include-license` can only be used with `--token-format=full`"),
        (("--include-license", "--token-format=standard"), "`--include-license` can only be used with"),
        (("--account", "a@b"), "`--account` can only be used"),
        (("--audiences=https://a,https://b",), "one audience"),
        (("--impersonate-service-account=a@b,,c@d",), "commas"),
        (("--token-format=other",), "standard"),
    ],
)
def test_options_without_a_meaning_are_refused(alice: Terminal, words: tuple[str, ...], told: str) -> None:
    """Usage errors, before any token is asked for."""
    done = alice.run("token", "get", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


# --- files and machines


@capability("cli-token-get-key", witness="the process's output")
def test_a_key_file(terminal: Terminal, key_file: str) -> None:
    """The account's own token for the audience, our client's without one; by its access token it acts as another."""
    named = {"GOOGLE_APPLICATION_CREDENTIALS": key_file}
    done = terminal.run("token", "get", "--audience", AUDIENCE, **named)
    assert (done.code, done.err) == (0, "")
    claims = live.claims(done.out)
    assert (claims["aud"], claims["sub"], claims["email"]) == (AUDIENCE, seeds.ACCOUNT_ID, seeds.ACCOUNT)
    assert live.claims(terminal.run("token", "get", **named).out)["aud"] == seeds.CLI
    acting = terminal.run("token", "get", f"--impersonate-service-account={seeds.TARGET}", "--include-email", **named)
    assert acting.code == 0, acting.err
    assert live.claims(acting.out)["email"] == seeds.TARGET
    refused = terminal.run("token", "get", "--include-email", **named)
    assert (refused.code, "--include-email" in refused.err) == (2, True)


def test_somebody_who_signed_in_comes_first(alice: Terminal, key_file: str) -> None:
    """A file in the environment does not take a person's place."""
    done = alice.run("token", "get", GOOGLE_APPLICATION_CREDENTIALS=key_file, GCE_METADATA_HOST="localhost:9")
    assert live.claims(done.out)["email"] == "alice@example.com"


@pytest.fixture(scope="module")
def federated(filed: live.Dev, tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, dict[str, Any], Any]:
    """A pool that trusts a key of ours and may act as `target`: a folder, the file's members, and the key."""
    folder = tmp_path_factory.mktemp("federated")
    key = jwk.RSAKey.generate_key(2048, {"kid": "k", "alg": "RS256"})
    (folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    live.cli(filed, "federation", "pool", "create", "the-pool", "--project", PROJECT)
    live.cli(
        filed,
        *("federation", "provider", "create", "the-provider", "--pool", "the-pool", "--project", PROJECT),
        *("--issuer", "https://ci.example.com", "--jwks", str(folder / "jwks.json")),
        *("--map", "google.subject=assertion.sub"),
    )
    pool = f"projects/{seeds.PROJECT_NUMBER}/locations/global/workloadIdentityPools/the-pool"
    member = f"principal://iam.googleapis.com/{pool}/subject/job-1"
    role = "roles/iam.workloadIdentityUser"
    live.cli(filed, "policy", "add", "--resource", seeds.TARGET, "--role", role, "--member", member)
    time.sleep(1.1)
    base = filed.at("google")
    members = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}/providers/the-provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": base + "/v1/token",
        "service_account_impersonation_url": f"{base}/v1/projects/-/serviceAccounts/{seeds.TARGET}:generateAccessToken",
        "credential_source": {"file": str(folder / "token")},
    }
    return folder, members, key


def _foreign(folder: pathlib.Path, members: dict[str, Any], key: Any, **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": "https://ci.example.com", "sub": "job-1", "aud": members["audience"], "iat": now, "exp": now + 600}
    (folder / "token").write_text(jwt.encode({"alg": "RS256", "kid": "k"}, claims | changes, key) + "\n")
    (folder / "external.json").write_text(json.dumps(members))
    return str(folder / "external.json")


@capability("cli-token-get-federated", witness="joserfc (PyPI) as the foreign issuer")
def test_a_federated_identity(terminal: Terminal, federated: tuple[pathlib.Path, dict[str, Any], Any]) -> None:
    """The token in the file is exchanged, and the account's ID token is printed; a token of another subject is not."""
    folder, members, key = federated
    named = _foreign(folder, members, key)
    done = terminal.run("token", "get", "--audience", AUDIENCE, GOOGLE_APPLICATION_CREDENTIALS=named)
    assert done.code == 0, done.err
    assert (live.claims(done.out)["aud"], live.claims(done.out)["sub"]) == (AUDIENCE, seeds.TARGET_ID)
    in_json = members | {
        "credential_source": {
            "file": str(folder / "token.json"),
            "format": {"type": "json", "subject_token_field_name": "jwt"},
        }
    }
    named = _foreign(folder, in_json, key)
    (folder / "token.json").write_text(json.dumps({"jwt": (folder / "token").read_text().strip()}))
    assert terminal.run("token", "get", "--audience", AUDIENCE, GOOGLE_APPLICATION_CREDENTIALS=named).code == 0
    named = _foreign(folder, members, key, sub="job-2")
    assert terminal.run("token", "get", "--audience", AUDIENCE, GOOGLE_APPLICATION_CREDENTIALS=named).code == 6
    alone = {name: value for name, value in members.items() if name != "service_account_impersonation_url"}
    named = _foreign(folder, alone, key)
    done = terminal.run("token", "get", GOOGLE_APPLICATION_CREDENTIALS=named)
    assert (done.code, "No identity token can be obtained" in done.err) == (2, True)
    option = f"--impersonate-service-account={seeds.TARGET}"
    assert terminal.run("token", "get", option, GOOGLE_APPLICATION_CREDENTIALS=named).code == 0


def test_a_persons_file(terminal: Terminal, alice: Terminal, filed: live.Dev) -> None:
    """`authorized_user` gives the person's token; for an audience it needs an account that is named."""
    kept = json.loads(alice.file.read_text())["accounts"][0]
    members = {
        "type": "authorized_user",
        "client_id": seeds.CLI,
        "client_secret": "",
        "refresh_token": kept["refresh_token"],
        "token_uri": filed.at("google") + "/token",
    }
    path = terminal.home / "user.json"
    path.write_text(json.dumps(members))
    named = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
    assert live.claims(terminal.run("token", "get", **named).out)["email"] == "alice@example.com"
    done = terminal.run("token", "get", "--audience", AUDIENCE, **named)
    assert (done.code, "--impersonate-service-account" in done.err) == (2, True)
    option = f"--impersonate-service-account={seeds.TARGET}"
    assert terminal.run("token", "get", option, **named).code == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "a JSON object"),
        ("{}", "type service_account"),
        ('{"type": "service_account"}', "client_email"),
        (
            '{"type": "service_account", "client_email": "a", "private_key": "hush", "token_uri": "ftp://a"}',
            "token_uri",
        ),
        ('{"type": "external_account", "credential_source": {"executable": {"command": "x"}}}', "a file or a url"),
        ('{"type": "authorized_user", "client_id": 1}', "client_id"),
    ],
)
def test_files_that_cannot_be_used(terminal: Terminal, content: str, told: str) -> None:
    """What is expected is told, and never what is in it."""
    path = terminal.home / "bad.json"
    path.write_text(content)
    done = terminal.run("token", "get", GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "hush" not in done.err


def test_a_key_that_is_none(terminal: Terminal, key_file: str) -> None:
    """A private key that cannot be read is told without a letter of it."""
    members = json.loads(pathlib.Path(key_file).read_text()) | {"private_key": "-----BEGIN hush"}
    path = terminal.home / "bad.json"
    path.write_text(json.dumps(members))
    done = terminal.run("token", "get", GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert done.code == 3
    assert "malformed-key" in done.err
    assert "hush" not in done.err


@capability("cli-token-get-machine", witness="a development server as a process")
def test_the_machine(terminal: Terminal, filed: live.Dev) -> None:
    """The attached account's token; full tells of the machine, and what the server may not do is refused."""
    named = {"GCE_METADATA_HOST": urllib.parse.urlsplit(filed.at("google")).netloc}
    done = terminal.run("token", "get", "--audience", AUDIENCE, **named)
    assert (done.code, done.err) == (0, "")
    claims = live.claims(done.out)
    assert (claims["aud"], claims["email"]) == (AUDIENCE, seeds.ACCOUNT)
    assert "google" not in claims
    full = live.claims(terminal.run("token", "get", "--token-format=full", "--include-license", **named).out)
    assert full["google"]["compute_engine"]["project_id"] == PROJECT
    assert terminal.run("token", "get", "--include-email", **named).code == 2
    assert terminal.run("token", "get", GCE_METADATA_HOST="127.0.0.1:9").code == 9
    assert terminal.run("token", "get", GCE_METADATA_HOST="[::1").code == 2
    assert terminal.run("token", "get", GCE_METADATA_HOST="user@example.com").code == 9


@capability("cli-token-get-nobody", witness="the process's output")
def test_nobody_at_all(terminal: Terminal) -> None:
    """Each source with why it was skipped, and the next command."""
    done = terminal.run("token", "get")
    assert (done.code, done.out) == (5, "")
    assert f"a sign-in: none is kept in {terminal.file}" in done.err
    assert "GOOGLE_APPLICATION_CREDENTIALS: not set" in done.err
    assert "GCE_METADATA_HOST: not set" in done.err
    assert "next step: intaglio login" in done.err


def test_a_file_that_is_named_and_absent_is_told(terminal: Terminal) -> None:
    """Nobody else takes its place."""
    done = terminal.run("token", "get", GOOGLE_APPLICATION_CREDENTIALS="/nowhere/key.json", GCE_METADATA_HOST="x:1")
    assert (done.code, "/nowhere/key.json" in done.err) == (2, True)


@capability("cli-token-get-quick", witness="the kernel's account of processor time")
def test_it_is_quick(alice: Terminal) -> None:
    """What it needs besides waiting for the server: processor time, of which other programs' load takes none."""
    spans = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert alice.run("token", "get").code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spans.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spans) < 0.2, spans
