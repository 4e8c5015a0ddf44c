"""Every command in README, tutorials and how-tos is run as it stands, against a server in development mode."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import live
from tests.capability import capability

ROOT = pathlib.Path(__file__).parent.parent.parent
BIN = pathlib.Path(sys.executable).parent
BLOCK = re.compile(r"^```sh run\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Development:
    """A server in development mode, and a folder for each page whose commands are run against it."""

    def __init__(self, folder: pathlib.Path, running: live.Dev) -> None:
        self.folder = folder
        self.running = running
        # For the how-to that starts a server of its own.
        self.spare = live.free_ports()

    def place(self, name: str) -> pathlib.Path:
        """Return a folder of a page's own, in which ./var is the server's."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "var").symlink_to(self.running.directory / "var")
        return folder

    def _stand_in(self) -> pathlib.Path:
        """Return a folder with an `intaglio` for environments in which the project is not installed, only found."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        command = folder / "intaglio"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m intaglio "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        return folder

    def run(self, page: str) -> subprocess.CompletedProcess[str]:
        """Run every block of a page in one shell, in order, with the ports of this server."""
        blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
        assert blocks, f"{page} has no block to run"
        script = "\n".join(blocks).replace("docs/tutorials/", f"{ROOT}/docs/tutorials/")
        for offset in range(5):
            script = re.sub(rf"\b{8080 + offset}\b", str(self.running.port + offset), script)
        script = re.sub(r"\b8090\b", str(self.spare), script)
        script = re.sub(r"\b8091\b", str(self.spare + 1), script)
        environment = live.environment()
        environment["PATH"] = f"{BIN}:{environment['PATH']}:{self._stand_in()}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.place(pathlib.Path(page).stem),
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """Start a server in development mode and stop it at the end."""
    for running in live.serve(tmp_path_factory.mktemp("dev")):
        yield Development(tmp_path_factory.mktemp("pages"), running)


@capability("readme", witness="bash and curl")
def test_commands_of_the_readme_run(development: Development) -> None:
    """Each command of the README does what it says."""
    ran = development.run("README.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"access_token"' in ran.stdout
    assert '"believed": true' in ran.stdout


@capability("tutorial", witness="bash and curl")
def test_commands_of_the_tutorial_run(development: Development) -> None:
    """Each command of the tutorial does what it says."""
    ran = development.run("docs/tutorials/first-token.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count('"believed": true') == 1
    assert ran.stdout.count('"believed": false') == 2


@capability("howto-first-client", witness="bash and curl")
def test_commands_of_the_first_client_run(development: Development) -> None:
    """Each command of the how-to does what it says."""
    ran = development.run("docs/howto/first-client.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"access_token"' in ran.stdout
    assert ran.stderr.count("redirect-uri-invalid") == 2


@capability("leaving-client", witness="bash and curl")
@capability("leaving-tenant", witness="bash and curl")
@capability("leaving-stays", witness="bash and curl")
def test_commands_of_leaving_run(development: Development) -> None:
    """A token is dead a second after its client was disabled, and stays so; a tenant's keys are gone with it."""
    ran = development.run("docs/howto/leaving.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count('"active":true') == 1
    assert ran.stdout.count('{"active":false}') == 1
    assert "invalid_client" in ran.stdout
    assert "\n404\n" in ran.stdout


@capability("masterkey-rotate", witness="bash")
def test_commands_of_the_master_key_run(development: Development) -> None:
    """It is made, changed and retired; the state of the keys is told after each step."""
    ran = development.run("docs/howto/master-key.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("sealing") == 2
    assert "Given up" in ran.stderr


@capability("howto-configure", witness="bash")
def test_commands_of_configuring_run(development: Development) -> None:
    """Good settings are shown with where they come from; bad ones are refused, all three of them, with their lines."""
    ran = development.run("docs/howto/configure.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "INTAGLIO_SERVER__LOG_LEVEL" in ran.stdout
    assert "intaglio.toml:4" in ran.stdout
    assert ran.stdout.endswith("exit code 2\n")
    assert ran.stderr.count("wrong.toml:") == 3


@capability("howto-monitor", witness="bash and curl")
def test_commands_of_watching_run(development: Development) -> None:
    """Health, metrics and the log tell of the requests that were sent."""
    ran = development.run("docs/howto/monitor.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert 'route="/.well-known/openid-configuration"' in ran.stdout
    assert '"route":"/.well-known/openid-configuration"' in ran.stdout
    assert "ready" in ran.stdout


@capability("audit-verify", witness="bash")
def test_commands_of_the_audit_log_run(development: Development) -> None:
    """What was changed is told with before and after; the log is sealed within two seconds, and passed on."""
    ran = development.run("docs/howto/audit.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"name": "Public Library"' in ran.stdout
    assert ran.stderr.count("Whole: ") == 2
    assert "'tenant.create'" in ran.stdout


@capability("admin-bootstrap", witness="bash")
@capability("admin-api-acts", witness="bash and curl")
def test_commands_of_administering_run(development: Development) -> None:
    """A link is printed, a program administers; of two changes of one version the second is refused."""
    ran = development.run("docs/howto/administer.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"slug":"default"' in ran.stdout
    assert 'rel="next"' in ran.stdout
    assert "\n200\n412\n" in ran.stdout
    assert '"code":"request-invalid"' in ran.stdout
    assert "Deleted the tenant books" in ran.stderr


@capability("howto-command-line", witness="bash")
def test_commands_of_the_command_line_run(development: Development) -> None:
    """Each command of the how-to does what it says: pages, exit codes, a secret from stdin, and what is for good."""
    ran = development.run("docs/howto/command-line.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for code in ("user-unknown", "tenant-exists", "confirmation-missing"):
        assert ran.stderr.count(f"({code})") == 1
    assert "Deleted the tenant acme" in ran.stderr


@capability("encryption-demanded", witness="bash")
def test_commands_of_encrypting_run(development: Development) -> None:
    """Each command of the how-to does what it says."""
    ran = development.run("docs/howto/encrypt.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"encrypt_id_token": "always"' in ran.stdout
    assert '"userinfo_encrypted_response_alg": "ECDH-ES+A256KW"' in ran.stdout


@capability("cli-token-get-key", witness="bash")
@capability("cli-token-get-machine", witness="bash")
def test_commands_of_signing_in_run(development: Development) -> None:
    """Each command of the how-to that needs no browser does what it says."""
    ran = development.run("docs/howto/login.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count('"https://service.example.com"') >= 2
    assert '"compute_engine"' in ran.stdout


@capability("access-explain", witness="bash")
@capability("access-graph", witness="bash")
@capability("access-check", witness="bash")
def test_commands_of_explaining_run(development: Development) -> None:
    """Each command of the how-to does what it says: a way is drawn, one is missing, the graph and findings are told."""
    ran = development.run("docs/howto/iam.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "It works directly." in ran.stdout
    assert "not allowed: " in ran.stdout
    assert "└─ serviceAccount:target@demo-project.iam.intaglio.test" in ran.stdout


@capability("initial-access-token", witness="bash and curl")
@capability("registration-management", witness="bash and curl")
@capability("secrets-several", witness="bash and curl")
def test_commands_of_registering_run(development: Development) -> None:
    """Each command of the how-to does what it says: a client registers itself, is managed and deleted."""
    ran = development.run("docs/howto/register.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"secret_id"' in ran.stdout


@capability("device-authorization", witness="bash and curl")
def test_commands_of_connecting_devices_run(development: Development) -> None:
    """Each command of the how-to does what it says: a device's client is made, asks, and is told to wait."""
    ran = development.run("docs/howto/devices.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "and type " in ran.stdout


@capability("prompt-create", witness="bash")
def test_commands_of_opening_sign_up_run(development: Development) -> None:
    """Each command of the how-to does what it says: sign-up is opened and closed."""
    ran = development.run("docs/howto/pages.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@capability("logout-backchannel", witness="bash")
def test_commands_of_signing_out_run(development: Development) -> None:
    """Each command of the how-to does what it says: an application is told, and a tenant lets pages watch."""
    ran = development.run("docs/howto/logout.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"session_management": true' in ran.stdout


@capability("token-preview", witness="bash")
def test_commands_of_previewing_run(development: Development) -> None:
    """Each command of the how-to does what it says: rules for each claim, a claim by name, a refusal."""
    ran = development.run("docs/howto/preview.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "claims parameter, essential (email)" in ran.stdout
    assert "unauthorized_client" in ran.stderr


@capability("claim-rule-cli", witness="bash")
def test_commands_of_claims_of_your_own_run(development: Development) -> None:
    """Each command of the how-to does what it says: rules are added, previewed, tried, refused and removed."""
    ran = development.run("docs/howto/claim-rules.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "claim rule https://app.example.com/greeting of the client" in ran.stdout
    assert "Hello Alice" in ran.stdout
    assert '"large": true' in ran.stdout or '"large":true' in ran.stdout
    assert '"https://app.example.com/domain": "' in ran.stdout
    assert "claim-reserved" in ran.stderr


@capability("microsoft-certificate", witness="OpenSSL and curl")
def test_commands_of_proving_without_a_secret_run(development: Development) -> None:
    """Each command of the how-to does what it says: a certificate's key gets a token, and a credential is kept."""
    ran = development.run("docs/howto/without-secrets.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"access_token":"ig_at_' in ran.stdout
    assert '"api://AzureADTokenExchange"' in ran.stdout


@capability("lifetime-policy-cli", witness="bash")
def test_commands_of_lifetimes_run(development: Development) -> None:
    """Each command of the how-to does what it says: policies are made, assigned, seen in previews and deleted."""
    ran = development.run("docs/howto/token-lifetimes.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "600 s, set by: policy of the service principal: Ten minutes" in ran.stdout
    assert "5400 s, set by: policy of the organisation: Everybody" in ran.stdout
    assert ran.stdout.rstrip().endswith("[]")


@capability("howto-upstream", witness="bash and curl")
def test_commands_of_signing_in_elsewhere_run(development: Development) -> None:
    """Each command of the how-to does what it says: a connection is made, tried, and offered on the login page."""
    ran = development.run("docs/howto/upstream.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"issuer": "http://localhost' in ran.stdout
    assert 'href="/_intaglio/upstream/go/' in ran.stdout
    assert "trusts_email" in ran.stderr


@capability("serve", witness="bash and curl")
def test_commands_of_serving_run(development: Development) -> None:
    """Each command of the how-to does what it says: an issuer is configured, filled and started."""
    ran = development.run("docs/howto/serve.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f'"issuer":"http://localhost:{development.spare}/acme"' in ran.stdout.replace('": "', '":"')


@capability("federated-exchange", witness="bash and curl")
@capability("federated-trial", witness="bash")
def test_commands_of_federating_run(development: Development) -> None:
    """Each command of the how-to does what it says: a token of another issuer becomes an account's ID token."""
    ran = development.run("docs/howto/federate.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "accepted" in ran.stdout
    assert '{"token":"eyJ' in ran.stdout
    assert '"action": "sts.exchange"' in ran.stdout


@capability("federated-shared-issuers", witness="bash")
def test_commands_of_jobs_run(development: Development) -> None:
    """Each command of the how-to does what it says; a condition that strangers meet is refused."""
    ran = development.run("docs/howto/github-actions.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr.count("condition-open") == 1


@capability("agent-key-file", witness="bash and curl")
@capability("metadata-env", witness="bash")
def test_commands_of_the_metadata_server_run(development: Development) -> None:
    """Each command of the how-to does what it says: a token in development, and one of the server beside a workload."""
    ran = development.run("docs/howto/metadata.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "https://app.example.com" in ran.stdout
    assert "K_CONFIGURATION" in ran.stdout


@capability("service-accounts-rest", witness="curl")
@capability("policy-rest", witness="curl")
@capability("projects", witness="curl")
@capability("service-accounts", witness="bash")
@capability("service-account-keys-uploaded", witness="bash and OpenSSL")
@capability("custom-roles", witness="bash")
@capability("audit-administration", witness="bash")
def test_commands_of_service_accounts_run(development: Development) -> None:
    """Each command of the how-to does what it says, the last of them over the network."""
    ran = development.run("docs/howto/service-accounts.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr.count("policy-changed") == 1
    assert '"permissions":["iam.serviceAccounts.get"]' in ran.stdout
    assert '"projectNumber":"100000000001"' in ran.stdout
    assert "service-account.delete" in ran.stdout


@capability("act-id-token", witness="bash and curl")
@capability("act-sign-blob", witness="OpenSSL, with the published X.509 certificate")
@capability("assertion-id-token", witness="OpenSSL and curl")
@capability("revoke-held", witness="bash and curl")
def test_commands_of_acting_as_an_account_run(development: Development) -> None:
    """Each command of the how-to does what it says: tokens, a signature for OpenSSL, an assertion, the log."""
    ran = development.run("docs/howto/impersonate.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Verified OK" in ran.stdout
    assert '"id_token":"ey' in ran.stdout
    assert "act.id_token" in ran.stdout
    assert ran.stdout.rstrip().endswith("{}400")


@capability("gate-services", witness="bash and curl")
def test_commands_of_the_gate_run(development: Development) -> None:
    """Each command of the how-to does what it says: nobody, another service's, not allowed, allowed."""
    ran = development.run("docs/howto/gate.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.findall(r"^\d{3}$", ran.stdout, re.MULTILINE) == ["403", "401", "403", "200"]


@capability("serve-refuses-seeds", witness="the exit code of serve")
def test_serve_refuses_the_database_of_development(development: Development) -> None:
    """`serve` does not start over a database that holds the seeded secrets."""
    environment = live.environment() | {
        "INTAGLIO_DATABASE__URL": "sqlite:///var/intaglio.db",
        "INTAGLIO_KEYS__MASTER_KEY_FILE": "var/master.key",
        "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{development.spare}",
        "INTAGLIO_STANDARD__BASE_URL": f"http://localhost:{development.spare}",
    }
    command = live.command("serve")
    place = development.place("refused")
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2, done.stderr
    assert "development-database" in done.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/tutorials/first-token.md", "docs/howto/first-client.md"])
def test_commands_of_a_page_are_run(page: str) -> None:
    """A shell block that names our command or curl is one that the tests run; only `make` and `export` stay outside."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert re.match(r"(make|export) ", block), block


@capability("auth0-management", witness="bash and curl")
@capability("auth0-hosts", witness="bash and curl")
@capability("cli-organization", witness="bash")
@capability("cli-dialect-settings", witness="bash")
def test_commands_of_the_auth0_dialect_run(development: Development) -> None:
    """Each command of the how-to does what it says: a tenant gets a host, a lifetime is changed over the network."""
    ran = development.run("docs/howto/auth0.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "http://id.haystack.example/" in ran.stdout
    assert "'lifetime_in_seconds': 3600" in ran.stdout


@capability("howto-microsoft", witness="bash and curl")
@capability("cli-group", witness="bash")
@capability("cli-client-role", witness="bash")
def test_commands_of_the_microsoft_dialect_run(development: Development) -> None:
    """Each command of the how-to does what it says: issuers of each word, a shared application, roles, a device."""
    ran = development.run("docs/howto/microsoft.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    base = f"http://localhost:{development.running.port + 2}"
    tenant = "00000000-0000-4000-8000-000000000001"
    assert f"{base}/{tenant}/v2.0\n{base}/{tenant}/\n{base}/{{tenantid}}/v2.0" in ran.stdout
    assert "['access_token', 'expires_in', 'ext_expires_in', 'token_type']" in ran.stdout
    assert "enter the code" in ran.stdout
    assert "invalid_request [9001023]" in ran.stdout
    assert "Writer" in ran.stdout


@capability("cloudentity-services", witness="bash and curl")
@capability("cloudentity-durations", witness="bash and curl")
def test_commands_of_the_cloudentity_dialect_run(development: Development) -> None:
    """Each command of the how-to does what it says."""
    ran = development.run("docs/howto/cloudentity.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "/default/default/oauth2/token" in ran.stdout
    assert "lifetime    300 s" in ran.stdout
    assert "60 seconds" in ran.stdout
    assert '"cause": "grant_invalid"' in ran.stdout


@capability("howto-auth0-sdks", witness="bash")
def test_commands_of_auth0_s_sdks_run(development: Development) -> None:
    """Each command of the how-to registers what its samples need."""
    ran = development.run("docs/howto/auth0-sdks.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@capability("howto-cloudentity-sdks", witness="bash")
def test_commands_of_cloudentity_s_clients_run(development: Development) -> None:
    """Each command of the how-to registers what its samples need."""
    ran = development.run("docs/howto/cloudentity-sdks.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
