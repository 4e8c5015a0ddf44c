"""A private network and mount namespace in which Google's host names are ours.

Official clients call fixed host names. Inside, `/etc/hosts` leads them to 127.0.0.1 and 169.254.169.254, so
a client needs no setting but the authority that it has to trust; outside nothing is changed. There is no way out of it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import pytest

from intaglio.tokens import certificates
from tests import live

METADATA = "169.254.169.254"
METADATA_NAMES = ("metadata.google.internal", "metadata")
ISSUER = "https://accounts.google.com"
APIS = "oauth2 iamcredentials sts iam www openidconnect cloudresourcemanager".split()
GOOGLE = "googleapis.com"
PERSONAL = ("GOOGLE_", "GCE_", "GCLOUD_", "CLOUDSDK_", "K_", "XDG_")
"""How variables begin by which a developer's own clients are configured."""
DEMAND = "INTAGLIO_REQUIRE_NAMESPACE"

SETUP = """
set -eu
ip link set lo up
ip addr add 169.254.169.254/32 dev lo
mount --bind "$HOSTS" /etc/hosts
echo ready
exec cat
"""


def absent(what: str) -> NoReturn:
    """Skip because something is missing, or fail where INTAGLIO_REQUIRE_NAMESPACE=1 demands it."""
    if os.environ.get(DEMAND) == "1":
        pytest.fail(f"{what}, and {DEMAND}=1 demands it")
    pytest.skip(what)


def _privileges() -> list[str]:
    return [] if os.getuid() == 0 else ["--map-root-user"]


@functools.cache
def refusal() -> str:
    """Return why no namespace can be had here; empty if one can."""
    lacking = [name for name in ("unshare", "nsenter", "ip", "mount") if shutil.which(name, path=_path()) is None]
    if lacking:
        return f"no namespace: {', '.join(lacking)} not installed"
    tried = subprocess.run(
        ["unshare", *_privileges(), "--mount", "--net", "--propagation", "private", "sh", "-c", "ip link set lo up"],
        capture_output=True,
        text=True,
        timeout=10,
        env={"PATH": _path()},
        check=False,
    )
    return "" if tried.returncode == 0 else f"no namespace: {tried.stderr.strip()[:200]}"


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def names(universe: str) -> tuple[str, ...]:
    """Return the names of a universe's hosts."""
    first = ("accounts.google.com", "www.gstatic.com") if universe == GOOGLE else (f"accounts.{universe}",)
    return (*first, *(f"{api}.{universe}" for api in APIS))


def hosts(universe: str) -> str:
    """Return the text of the namespace's `/etc/hosts`."""
    lines = ["127.0.0.1 localhost", f"{METADATA} {' '.join(METADATA_NAMES)}"]
    return "\n".join([*lines, f"127.0.0.1 {' '.join(names(universe))}", ""])


class Authority:
    """A certificate authority of the test's own, with a certificate of every name, in the forms that clients want."""

    def __init__(self, folder: pathlib.Path, hosts: tuple[str, ...]) -> None:
        folder.mkdir()
        now = int(time.time())
        key, self._octets = certificates.make_authority(now, only=hosts)
        leaf_key, chain = certificates.make_leaf(key, self._octets, hosts, now)
        self.ca = self._write(folder / "ca.pem", self._octets)
        self.chain = self._write(folder / "server.pem", chain)
        self.key = self._write(folder / "server.key", leaf_key)
        self.store = folder / "ca.p12"

    def _write(self, path: pathlib.Path, octets: bytes) -> pathlib.Path:
        path.write_bytes(octets)
        path.chmod(0o600)
        return path

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """The variables by which each language's clients are told whom to trust."""
        names = "REQUESTS_CA_BUNDLE SSL_CERT_FILE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE"
        told = dict.fromkeys(names.split(), str(self.ca))
        if (keytool := shutil.which("keytool")) is not None:
            words = [keytool, "-importcert", "-noprompt", "-alias", "test", "-storepass", "changeit"]
            words += ["-file", str(self.ca), "-keystore", str(self.store), "-storetype", "PKCS12"]
            subprocess.run(words, check=True, capture_output=True, timeout=30)
            told["JAVA_STORE"] = str(self.store)
        return told


class Namespace:
    """A running namespace: programs are run in it, and it ends with the process that holds it."""

    def __init__(self, holder: subprocess.Popen[str], folder: pathlib.Path, authority: Authority) -> None:
        self._holder = holder
        self.folder = folder
        self.authority = authority
        self.home = folder / "home"
        self.home.mkdir()

    def enter(self, words: Sequence[str]) -> list[str]:
        """Return the command line that runs a program inside."""
        user = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
        where = ["--target", str(self._holder.pid), *user, "--mount", "--net", f"--wd={self.home}"]
        return ["nsenter", *where, "--", *words]

    def environment(self, **more: str) -> dict[str, str]:
        """Return a client's environment: nobody's settings, an empty home, the authority."""
        kept = {name: value for name, value in live.environment().items() if not name.startswith(PERSONAL)}
        return kept | self.authority.environment | {"HOME": str(self.home), "PATH": _path()} | more

    def run(
        self, words: Sequence[str], *, stdin: str = "", timeout: int = 30, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside, to its end."""
        return subprocess.run(
            self.enter(words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment(**(env or {})),
            check=False,
        )

    @contextlib.contextmanager
    def background(self, words: Sequence[str], log: pathlib.Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program inside while the block lasts; what it says goes to a file."""
        with log.open("wb") as out:
            process = subprocess.Popen(
                self.enter(words), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.environment(**env)
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


@contextlib.contextmanager
def opened(folder: pathlib.Path, universe: str = GOOGLE) -> Iterator[Namespace]:
    """Make a namespace that lasts as long as the block; skips where none can be had."""
    if reason := refusal():
        absent(reason)
    listed = folder / "hosts"
    listed.write_text(hosts(universe), encoding="ascii")
    words = ["unshare", *_privileges(), "--mount", "--net", "--propagation", "private", "sh", "-c", SETUP]
    environment = {"PATH": _path(), "HOSTS": str(listed)}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != "ready\n":
            absent(f"no namespace: {holder.stderr.read().strip()[:200]}")
        yield Namespace(holder, folder, Authority(folder / "tls", names(universe)))
        # Its standard input ends with this block, and it with its input.
