"""The metadata server beside a workload, as a process: proofs, users, addresses, failures; official clients ask it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from intaglio.server.devmode import seeds
from intaglio.tokens import jwk, jws
from tests import live
from tests.capability import capability
from tests.server.agent.conftest import Agent, Start

FLAVOR = {"metadata-flavor": "Google"}
POOL = "//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools"
SUBJECT = "system:serviceaccount:default:app"
TARGET = "target@demo-project.iam.intaglio.test"
PYTHON = """
import json, sys
from google.auth.transport import requests
from google.oauth2 import id_token
request = requests.Request()
token = id_token.fetch_id_token(request, sys.argv[1])
print(json.dumps(id_token.verify_token(token, request, audience=sys.argv[1], certs_url=sys.argv[2])))
"""


@pytest.fixture(scope="module")
def key_file(filed: live.Dev) -> pathlib.Path:
    """A key file of the seeded account."""
    path = filed.directory / "key.json"
    live.cli(filed, "service-account", "key", "create", seeds.ACCOUNT, "--output-file", str(path),
             "--base-url", filed.at("google"))  # fmt: skip
    return path


@pytest.fixture
def agent(filed: live.Dev, key_file: pathlib.Path, start: Start) -> Agent:
    """A metadata server that proves itself by the key file."""
    return start("--server", filed.at("google"), "--key-file", str(key_file))


def _claims(filed: live.Dev, token: str, audience: str) -> dict[str, Any]:
    """Return the claims of a token that the published keys verify."""
    keys = {key["kid"]: key for key in requests.get(filed.at("google") + "/oauth2/v3/certs").json()["keys"]}
    key = jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]])
    told: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=audience, issuer=filed.at("google"), leeway=5
    )
    return told


def _opened(process: int) -> set[str]:
    """Return what a process has open, as the kernel names it."""
    found = set()
    for link in pathlib.Path(f"/proc/{process}/fd").iterdir():
        # It may be closed while we look.
        with contextlib.suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    return found


def _get(address: str, **headers: str) -> requests.Response:
    return requests.get(address, headers=FLAVOR | headers, timeout=10, allow_redirects=False)


@capability("agent-key-file", witness="curl and PyJWT")
def test_curl_gets_an_id_token(agent: Agent, filed: live.Dev) -> None:
    """By the line of Google's page, with the address exchanged; signed by the server's key."""
    words = [
        "curl",
        "-sS",
        "--fail",
        "-H",
        "Metadata-Flavor: Google",
        agent.default + "/identity?audience=https://a?b=c",
    ]
    token = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout
    told = _claims(filed, token, "https://a?b=c")
    assert (told["email"], told["email_verified"]) == (seeds.ACCOUNT, True)
    # As from a cloud's metadata server: the number, and not the address, is the authorized party.
    assert (told["sub"], told["azp"]) == (seeds.ACCOUNT_ID, seeds.ACCOUNT_ID)


@capability("agent-key-file", witness="google-auth (Python)")
def test_python_gets_and_believes_a_token(agent: Agent, filed: live.Dev, tmp_path: pathlib.Path) -> None:
    """With the printed variables alone."""
    words = live.command(
        "metadata", "env", "--at", agent.host, "--language", "python", "--shell", "dotenv", "--no-explain"
    )
    printed = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout
    given = dict(line.split("=", 1) for line in printed.splitlines())
    command = [sys.executable, "-c", PYTHON, "https://app.example.com", filed.at("google") + "/oauth2/v1/certs"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        env=live.environment(**given, HOME=str(tmp_path)),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["email"] == seeds.ACCOUNT


@capability("agent-key-file", witness="google-auth-library and gcp-metadata (npm)")
@pytest.mark.sdk
def test_node_gets_and_believes_a_token(agent: Agent, filed: live.Dev, tmp_path: pathlib.Path) -> None:
    """Found by its own detection, which follows the directory's redirection."""
    audience = "https://app.example.com/?x=y"
    google = filed.at("google")
    settings = {"audience": audience, "certificates": google + "/oauth2/v1/certs", "issuer": google}
    script = live.NODE_MODULES.parent / "workload.mjs"
    environment = live.environment(
        GCE_METADATA_HOST=agent.host, GOOGLE_CLOUD_PROJECT="demo-project", HOME=str(tmp_path)
    )
    done = subprocess.run(
        [live.need_node(), str(script), json.dumps(settings)],
        capture_output=True, text=True, timeout=30, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["aud"] == audience


@capability("agent-key-file", witness="requests")
def test_the_tree_and_the_tokens_of_the_agent(agent: Agent) -> None:
    """What clients look up, an access token that is the same for a while, and never an ID token twice."""
    told = _get(agent.at + "/computeMetadata/v1/?recursive=true").json()
    assert told["project"]["projectId"] == "demo-project"
    assert told["instance"]["serviceAccounts"]["default"]["email"] == seeds.ACCOUNT
    first, second = (_get(agent.default + "/token").json() for _ in range(2))
    assert first["access_token"] == second["access_token"]
    assert 3000 < second["expires_in"] <= first["expires_in"] <= 3600
    assert _get(agent.at + "/computeMetadata/v1/instance/service-accounts/x@y.z/token").status_code == 404
    assert _get(agent.at + "/computeMetadata/v1/instance").headers["location"].endswith("/instance/")
    for answer in (_get(agent.default + "/nothing"), _get(agent.at + "/x"), requests.put(agent.default + "/token")):
        assert answer.headers["metadata-flavor"] == "Google"
        assert answer.status_code in (404, 405)


@capability("agent-key-file", witness="a JWK Set and the process's own files")
def test_the_agent_holds_no_signing_key_and_keeps_nothing(agent: Agent, key_file: pathlib.Path) -> None:
    """It publishes no keys, and has neither a database nor any file open but what it was given."""
    for path in ("/oauth2/v3/certs", "/token", "/.well-known/openid-configuration"):
        assert _get(agent.at + path).status_code == 404
    opened = _opened(agent.process.pid)
    assert [path for path in opened if path.endswith((".db", ".key", ".json", "-wal"))] == []
    assert key_file.read_text(encoding="utf-8")[:1] == "{"


def test_build_gives_no_id_token(filed: live.Dev, key_file: pathlib.Path, start: Start) -> None:
    """The platform of builds has an access token and no identity endpoint."""
    agent = start("--server", filed.at("google"), "--key-file", str(key_file), "--profile", "build")
    assert _get(agent.default + "/identity?audience=a").status_code == 404
    assert _get(agent.default + "/token").status_code == 200
    assert "identity" not in _get(agent.default + "/").text


# --- external identities


def _pool(filed: live.Dev, name: str, *options: str) -> str:
    live.cli(filed, "federation", "pool", "create", name, "--project", seeds.PROJECT)
    live.cli(
        filed, "federation", "provider", "create", "provider", "--pool", name, "--project", seeds.PROJECT, *options
    )
    return f"{POOL}/{name}/providers/provider"


def _grant(filed: live.Dev, member: str) -> None:
    live.cli(
        filed, "policy", "add", "--resource", TARGET, "--role", "roles/iam.workloadIdentityUser", "--member", member
    )


@capability("agent-kubernetes", witness="a token file that is replaced")
def test_a_pod_proves_itself_by_its_projected_token(filed: live.Dev, start: Start, tmp_path: pathlib.Path) -> None:
    """An ID token of the account that the pod's identity may impersonate; a bad file takes nothing away."""
    key = jwk.generate("RS256")
    public = jwk.public_members(key.public())
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [{**public, "kid": "k", "alg": "RS256", "use": "sig"}]}), encoding="utf-8")
    mapping = ("--map", "google.subject=assertion.sub", "--condition", f"assertion.sub == '{SUBJECT}'")
    provider = _pool(filed, "cluster", "--issuer", "https://kubernetes.example.com", "--jwks", str(keys), *mapping)
    _grant(filed, f"principal:{POOL}/cluster/subject/{SUBJECT}")
    now = int(time.time())
    told = {"iss": "https://kubernetes.example.com", "sub": SUBJECT, "aud": [provider], "iat": now, "exp": now + 600}
    token_file = tmp_path / "token"
    token_file.write_text(jws.sign(key, {"kid": "k"}, json.dumps(told).encode()), encoding="utf-8")
    options = (
        "--server",
        filed.at("google"),
        "--kubernetes-token",
        str(token_file),
        "--audience-of-provider",
        provider,
    )
    agent = start(*options, "--account", TARGET)
    claims = _claims(filed, _get(agent.default + "/identity?audience=https://app").text, "https://app")
    assert (claims["email"], claims["aud"]) == (TARGET, "https://app")
    assert _get(agent.at + "/computeMetadata/v1/project/numeric-project-id").text == "100000000001"
    assert _get(agent.default + "/token?scopes=https://www.googleapis.com/auth/cloud-platform").json()["access_token"]
    stranger = start(*options, "--account", seeds.ACCOUNT)
    token_file.write_text("half writ", encoding="utf-8")
    assert _get(agent.default + "/identity?audience=https://app").status_code == 200
    assert _get(stranger.default + "/identity?audience=https://app").status_code == 403


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    import datetime as dt

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Machines")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
    )  # fmt: skip
    return key, built.sign(key, hashes.SHA256())


def _leaf(authority: ec.EllipticCurvePrivateKey, issuer: x509.Certificate) -> tuple[bytes, bytes]:
    import datetime as dt

    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box-1")]))
        .issuer_name(issuer.subject).public_key(key.public_key()).serial_number(2)
        .not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )  # fmt: skip
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return built.public_bytes(serialization.Encoding.PEM), key.private_bytes(*form)


@capability("agent-certificate", witness="an authority made with cryptography")
def test_a_machine_proves_itself_by_its_certificate(filed: live.Dev, start: Start, tmp_path: pathlib.Path) -> None:
    """The chain is in the proof, the authority is the provider's; a certificate of another authority gets nothing."""
    authority, certificate = _authority()
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    provider = _pool(filed, "machines", "--trust-anchors", str(anchors), "--map",
                     "google.subject=assertion.subject.dn.cn")  # fmt: skip
    _grant(filed, f"principal:{POOL}/machines/subject/box-1")
    for name, signs, issuer in [("own", authority, certificate), ("other", *_authority())]:
        chain, key = _leaf(signs, issuer)
        (tmp_path / f"{name}.pem").write_bytes(chain)
        (tmp_path / f"{name}.key").write_bytes(key)

    def begin(name: str) -> Agent:
        files = ("--certificate", str(tmp_path / f"{name}.pem"), "--key", str(tmp_path / f"{name}.key"))
        who = ("--audience-of-provider", provider, "--account", TARGET)
        return start("--server", filed.at("google"), *files, *who)

    claims = _claims(filed, _get(begin("own").default + "/identity?audience=https://app").text, "https://app")
    assert claims["email"] == TARGET
    assert _get(begin("other").default + "/identity?audience=https://app").status_code == 403


# --- who may ask


def _as(user: int, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)


@capability("agent-accounts", witness="processes of other Unix users")
@pytest.mark.usefixtures("root")
def test_each_user_has_its_own_account_or_none(
    filed: live.Dev, key_file: pathlib.Path, start: Start, tmp_path: pathlib.Path
) -> None:
    """Told by the kernel; a user who is not listed gets nothing at all, and a changed list is in force at once."""
    listed = tmp_path / "accounts.toml"
    listed.write_text(f'[users]\n4711 = "{seeds.ACCOUNT}"\n4712 = "{TARGET}"\n', encoding="utf-8")
    agent = start("--server", filed.at("google"), "--key-file", str(key_file), "--accounts-file", str(listed))
    curl = ("curl", "-sS", "-o", "-", "-w", " %{http_code}", "-H", "Metadata-Flavor: Google")
    assert _as(4711, *curl, agent.default + "/email").stdout == f"{seeds.ACCOUNT} 200"
    assert _as(4712, *curl, agent.default + "/email").stdout == f"{TARGET} 200"
    assert _as(4711, *curl, agent.default + "/identity?audience=a").stdout.endswith(" 200")
    # The key is another account's: it is not given in place of theirs.
    assert _as(4712, *curl, agent.default + "/identity?audience=a").stdout.endswith(" 403")
    others = f"{agent.at}/computeMetadata/v1/instance/service-accounts/{seeds.ACCOUNT}/identity?audience=a"
    assert _as(4712, *curl, others).stdout.endswith(" 404")
    for path in ("/email", "/identity?audience=a", "/token", "/"):
        assert _as(4713, *curl, agent.default + path).stdout.endswith(" 403")
    assert _as(4713, *curl, agent.at + "/").stdout.endswith(" 200")
    listed.write_text(f'[users]\n4713 = "{seeds.ACCOUNT}"\n', encoding="utf-8")
    assert _as(4713, *curl, agent.default + "/email").stdout == f"{seeds.ACCOUNT} 200"
    assert _as(4711, *curl, agent.default + "/email").stdout.endswith(" 403")


def _listening(process: int) -> set[str]:
    """Return the addresses at which a process listens, as the kernel has them."""
    inodes = _opened(process)
    found = set()
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{process}/net/{name}").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].partition(":")[0])
    return found


@capability("agent-binding", witness="the kernel's list of listening sockets")
def test_only_loopback_is_listened_on(agent: Agent) -> None:
    """One socket, of 127.0.0.1."""
    assert _listening(agent.process.pid) == {"0100007F"}


@capability("agent-binding", witness="the command's exit code")
@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "8.8.8.8", "example.com"])  # noqa: S104 - refused
def test_other_addresses_are_refused(filed: live.Dev, key_file: pathlib.Path, host: str) -> None:
    """With what may be given instead; nothing is begun."""
    words = live.command("metadata", "serve", "--server", filed.at("google"), "--key-file", str(key_file),
                         "--listen", f"{host}:18181")  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 2
    assert "address-open" in done.stderr


@capability("agent-binding", witness="curl in a network namespace, by the line of Google's page")
@pytest.mark.usefixtures("root")
def test_the_address_of_the_cloud_itself(tmp_path: pathlib.Path) -> None:
    """169.254.169.254 in a namespace of its own: no variable is needed, and the page's line works as it stands."""
    need = [name for name in ("unshare", "ip", "curl") if shutil.which(name) is None]
    if need:
        pytest.skip(f"{need[0]} is not installed")
    intaglio = " ".join(shlex.quote(word) for word in live.command())
    script = f"""
    ip link set lo up && ip address add 169.254.169.254/32 dev lo
    {intaglio} dev --port 18080 > dev.log 2>&1 & server=$!
    trap 'kill $server $agent 2>/dev/null; wait' EXIT
    for i in $(seq 100); do curl -sf -o /dev/null http://localhost:18081/ && break; sleep 0.1; done
    {intaglio} service-account key create {seeds.ACCOUNT} --output-file key.json \\
      --base-url http://localhost:18081 > /dev/null
    {intaglio} metadata serve --server http://localhost:18081 --key-file key.json \\
      --listen 169.254.169.254:80 > agent.log 2>&1 & agent=$!
    for i in $(seq 100); do curl -sf -o /dev/null http://169.254.169.254/ && break; sleep 0.1; done
    curl -sS --fail --resolve metadata:80:169.254.169.254 -H "Metadata-Flavor: Google" \\
      'http://metadata/computeMetadata/v1/instance/service-accounts/default/identity?audience=AUDIENCE'
    """
    words = ["unshare", "-n", "bash", "-euc", script]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=live.environment(agent=""), check=False
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("no namespaces on this machine")
    assert done.returncode == 0, done.stderr
    assert live.claims(done.stdout)["aud"] == "AUDIENCE"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--key-file", "K", "--kubernetes-token", "K"),
        ("--kubernetes-token", "K", "--account", "a@b"),
        ("--certificate", "K", "--audience-of-provider", "p", "--account", "a@b"),
        ("--key-file", "K", "--audience-of-provider", "p"),
        ("--kubernetes-token", "K", "--audience-of-provider", "p"),
        ("--key-file", "K", "--account", "a@b", "--accounts-file", "K"),
        ("--key-file", "K", "--account", "somebody@else.iam.x"),
        ("--key-file", "K", "--listen", "nonsense"),
    ],
)
def test_options_that_do_not_go_together(key_file: pathlib.Path, options: tuple[str, ...]) -> None:
    """Told before anything is begun."""
    given = [str(key_file) if word == "K" else word for word in options]
    words = live.command("metadata", "serve", "--server", "http://localhost:1", *given)
    done = subprocess.run(words, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 2, done.stderr
    assert "error:" in done.stderr


# --- when things go wrong


@capability("agent-failing", witness="a clock, and a server that is not there")
def test_a_server_that_is_gone_is_told_quickly(key_file: pathlib.Path, start: Start) -> None:
    """503 well within what clients wait, and at once for those who come next; the start says so too."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        agent = start("--server", f"http://127.0.0.1:{silent.getsockname()[1]}", "--key-file", str(key_file))
        began = time.monotonic()
        assert _get(agent.default + "/identity?audience=a").status_code == 503
        assert time.monotonic() - began < 3
        began = time.monotonic()
        for _ in range(3):
            assert _get(agent.default + "/identity?audience=a").status_code == 503
        assert time.monotonic() - began < 0.5
        assert _get(agent.default + "/email").text == seeds.ACCOUNT
    assert "warning: no token yet" in agent.log


@capability("metadata-waiting", witness="sockets that hang up, and SIGTERM")
def test_who_hangs_up_is_released_and_a_stop_releases_all(agent: Agent) -> None:
    """A hundred wait, as many sockets are open; ninety go, ten remain; the stop lets those go at once."""
    host, _, port = agent.host.rpartition(":")

    async def story() -> None:
        request = (
            f"GET /computeMetadata/v1/instance/?recursive=true&wait_for_change=true HTTP/1.1\r\n"
            f"host: {agent.host}\r\nmetadata-flavor: Google\r\n\r\n"
        ).encode()
        waiting = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
        for _, writer in waiting:
            writer.write(request)
        await _until(lambda: _open(agent) == 100)
        for _, writer in waiting[:90]:
            writer.close()
        await _until(lambda: _open(agent) == 10)
        began = time.monotonic()
        agent.process.send_signal(signal.SIGTERM)
        answers = [await asyncio.wait_for(reader.read(), 5) for reader, _ in waiting[90:]]
        assert all(answer.startswith(b"HTTP/1.1 503") for answer in answers)
        assert time.monotonic() - began < 1
        for _, writer in waiting[90:]:
            writer.close()

    asyncio.run(story())
    assert agent.process.wait(5) == 0


async def _until(holds: Any) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def _open(agent: Agent) -> int:
    """Return how many connections of others the kernel has for the process, the listening socket left out."""
    inodes = _opened(agent.process.pid)
    lines = pathlib.Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    port = f"{int(agent.host.rpartition(':')[2]):04X}"
    rows = [line.split() for line in lines]
    return sum(row[1].endswith(":" + port) and row[3] != "0A" and f"socket:[{row[9]}]" in inodes for row in rows)


@capability("metadata-waiting", witness="sockets")
def test_waiting_ends_in_time_and_at_once_where_the_state_is_another(agent: Agent) -> None:
    """`last_etag=0` is answered at once, `timeout_sec=1` after a second, both with the tag to go on with."""
    where = agent.at + "/computeMetadata/v1/instance/?recursive=true&wait_for_change=true"
    began = time.monotonic()
    first = _get(where + "&last_etag=0")
    assert time.monotonic() - began < 0.9
    began = time.monotonic()
    second = _get(f"{where}&timeout_sec=1&last_etag={first.headers['etag']}")
    assert 0.9 < time.monotonic() - began < 3
    assert first.headers["etag"] == second.headers["etag"]
    assert _get(where + "&timeout_sec=x").status_code == 400


@capability("metadata-env", witness="sh, and what it then has")
@pytest.mark.parametrize("language", ["python", "node", "go", "java", "ruby", "gcloud"])
def test_the_printed_environment(language: str) -> None:
    """A shell takes it as it stands; each line says why it is there."""
    words = live.command("metadata", "env", "--at", "127.0.0.1:8181", "--language", language)
    printed = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout
    done = subprocess.run(["sh", "-euc", printed + "\nenv"], capture_output=True, text=True, timeout=10, check=True)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert told["GCE_METADATA_HOST"] == "127.0.0.1:8181"
    needed = {"ruby": "K_SERVICE", "python": "GCE_METADATA_IP", "gcloud": "GCE_METADATA_ROOT"}
    assert needed.get(language, "GCE_METADATA_HOST") in told
    lines = printed.splitlines()
    assert sum(line.startswith("# ") for line in lines) == 1 + sum(not line.startswith("#") for line in lines)


def test_the_environment_of_other_shells() -> None:
    """Each shell's own way to write a variable."""
    for shell, line in [
        ("powershell", "$env:GCE_METADATA_HOST = 'a''b:1'"),
        ("fish", "set -gx GCE_METADATA_HOST 'a'\"'\"'b:1'"),
        ("dotenv", "GCE_METADATA_HOST='a'\"'\"'b:1'"),
    ]:
        words = live.command("metadata", "env", "--at", "a'b:1", "--language", "go", "--shell", shell, "--no-explain")
        assert subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout.strip() == line
