"""An issuer of one universe, made and filled by the command line alone, and another issuer whose jobs it lets in.

worker   the account that the metadata server is for; it may act as target, and as middle
middle   may act as faraway
lonely   nobody may act as it
a pool   whose provider is an issuer of the tests' own; its subject `job` may act as target

Outside Google's universe there are worker, target and the pool.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import pathlib
import secrets
import subprocess
import sys
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from intaglio.server.devmode import seeds
from tests import live
from tests.sdk import namespace

ROOT = pathlib.Path(__file__).parent.parent.parent
DATABASE = "INTAGLIO_DATABASE__URL"
PROJECT, NUMBER = "demo-project", 100000000001
FOREIGN = "https://ci.example.com"
POOL, PROVIDER = "build-jobs", "our-builds"
_NAME = f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/{POOL}"
AUDIENCE = f"{_NAME}/providers/{PROVIDER}"
JOB = f"principal:{_NAME}/subject/job"
CREATOR = "roles/iam.serviceAccountTokenCreator"


def python_path() -> str:
    """Return the path by which programs of the tests find what these tests find."""
    return os.pathsep.join([str(ROOT), *filter(None, sys.path)])


class Foreign:
    """Another issuer, whose jobs prove themselves by its tokens."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        numbers = self._key.public_key().public_numbers()
        self.public = {"kty": "RSA", "kid": "foreign-1", "alg": "RS256", "use": "sig"}
        self.public |= {"n": _number(numbers.n), "e": _number(numbers.e)}

    def token(self, *, kid: str = "foreign-1", key: rsa.RSAPrivateKey | None = None, **changes: Any) -> str:
        """Return a job's token; a claim that is None is left out."""
        now = int(time.time())
        claims = {"iss": FOREIGN, "sub": "job", "aud": f"https:{AUDIENCE}", "ref": "main", "iat": now, "exp": now + 600}
        said = {name: value for name, value in (claims | changes).items() if value is not None}
        parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": kid}, said)]
        signature = (key or self._key).sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, _encoded(signature)])


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Installation:
    """Settings and a database, and the command line that works on them."""

    def __init__(self, inside: namespace.Namespace, universe: str = namespace.GOOGLE) -> None:
        self.universe = universe
        self.is_google = universe == namespace.GOOGLE
        self.issuer = f"https://accounts.{'google.com' if self.is_google else universe}"
        self.folder = inside.folder / "var"
        self.folder.mkdir()
        self.foreign = Foreign()
        key = self.folder / "master.key"
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        key.chmod(0o600)
        self.settings = {
            DATABASE: f"sqlite:///{self.folder / 'intaglio.db'}",
            "INTAGLIO_KEYS__MASTER_KEY_FILE": str(key),
            "INTAGLIO_GOOGLE__LISTEN": "127.0.0.1:443",
            "INTAGLIO_GOOGLE__BASE_URL": self.issuer,
            "INTAGLIO_GOOGLE__ALLOW_GOOGLE_ISSUER": "true" if self.is_google else "false",
            "INTAGLIO_TLS__CERTIFICATE_FILE": str(inside.authority.chain),
            "INTAGLIO_TLS__KEY_FILE": str(inside.authority.key),
        }

    def address(self, account: str) -> str:
        """Return the e-mail address of an account of the project."""
        domain = "iam.gserviceaccount.com" if self.is_google else f"iam.{self.universe}"
        return f"{account}@{PROJECT}.{domain}"

    @functools.cache  # noqa: B019 - as long as the tests
    def number(self, account: str) -> str:
        """Return the number of an account, which is the subject of its tokens."""
        found: str = json.loads(self.cli("service-account", "show", account, "-o", "json"))["unique_id"]
        return found

    def cli(self, *words: str, stdin: str = "") -> str:
        """Run a command and return what it wrote; it has to succeed."""
        done = subprocess.run(
            live.command(*words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            cwd=self.folder,
            env=live.environment(**self.settings, PYTHONPATH=python_path()),
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def fill(self) -> None:
        """Make the accounts, and say who may act as whom."""
        self.cli("migrate", "up")
        self.cli("tenant", "create", seeds.SLUG)
        self.cli("project", "create", PROJECT, "--number", str(NUMBER))
        for account in ("worker", "target", *(("middle", "faraway", "lonely") if self.is_google else ())):
            self.cli("service-account", "create", account, "--project", PROJECT)
        self.cli("federation", "pool", "create", POOL, "--project", PROJECT)
        foreign = self.folder / "foreign.json"
        foreign.write_text(json.dumps({"keys": [self.foreign.public]}), encoding="utf-8")
        told = ["--issuer", FOREIGN, "--jwks", str(foreign), "--map", "google.subject=assertion.sub"]
        told += ["--condition", "assertion.ref == 'main'"]
        self.cli("federation", "provider", "create", PROVIDER, "--project", PROJECT, "--pool", POOL, *told)
        self.may_act(JOB, self.address("target"), "roles/iam.workloadIdentityUser")
        chain = (("worker", "middle"), ("middle", "faraway")) if self.is_google else ()
        for who, whom in (("worker", "target"), *chain):
            self.may_act(f"serviceAccount:{self.address(who)}", self.address(whom))

    def may_act(self, member: str, account: str, role: str = CREATOR) -> None:
        """Let a member act as an account."""
        self.cli("policy", "add", "--resource", account, "--role", role, "--member", member)
