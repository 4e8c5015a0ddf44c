"""A certificate authority of this machine's own, made once, and the lines with which programs trust it."""

from __future__ import annotations

import os
import pathlib
import shlex

from intaglio.clock import Clock
from intaglio.tokens import certificates

HOSTS = ("localhost", "127.0.0.1", "::1")


def _write(path: pathlib.Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)


def prepare(directory: pathlib.Path, clock: Clock) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
    """Return the paths of the authority's certificate, the server's chain and the server's key.

    The authority is made once and kept; the server's certificate is made at each start.
    """
    folder = directory / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    if not (authority.exists() and authority_key.exists()):
        key, certificate = certificates.make_authority(clock.now(), only=HOSTS)
        _write(authority_key, key)
        _write(authority, certificate)
    key, chain = certificates.make_leaf(authority_key.read_bytes(), authority.read_bytes(), HOSTS, clock.now())
    _write(folder / "server.key", key)
    _write(folder / "server.pem", chain)
    return authority, folder / "server.pem", folder / "server.key"


def trust_lines(authority: pathlib.Path) -> tuple[tuple[str, str], ...]:
    """Return, by program, the line that makes it trust the authority."""
    resolved = authority.resolve()
    path, store = shlex.quote(str(resolved)), resolved.with_suffix(".p12")
    # keytool refuses an alias that is there already, and the line is pasted into more than one terminal.
    keytool = (
        f"rm -f {shlex.quote(str(store))} && keytool -importcert -noprompt -alias intaglio -file {path}"
        f" -keystore {shlex.quote(str(store))} -storepass intaglio"
    )
    # The JVM takes double quotes off by itself, so that a path may hold blanks.
    options = f'"-Djavax.net.ssl.trustStore={store}" -Djavax.net.ssl.trustStorePassword=intaglio'
    return (
        ("curl", f"export CURL_CA_BUNDLE={path}"),
        ("Python", f"export SSL_CERT_FILE={path} REQUESTS_CA_BUNDLE={path}"),
        ("Node", f"export NODE_EXTRA_CA_CERTS={path}"),
        ("Go", f"export SSL_CERT_FILE={path}"),
        ("Ruby", f"export SSL_CERT_FILE={path}"),
        ("Java", f"{keytool} && export JAVA_TOOL_OPTIONS={shlex.quote(options)}"),
    )
