"""openid-client (npm), unmodified, with an ID token and UserInfo that are encrypted to a key of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability

pytestmark = [pytest.mark.sdk, pytest.mark.browser]
NODE = pathlib.Path(__file__).parent / "node"
WITNESS = "openid-client (npm)"
CASES = [
    ("RSA-OAEP", "A128CBC-HS256", "", False),
    ("RSA-OAEP-256", "A256GCM", "RS256", False),
    ("RSA-OAEP-384", "A128GCM", "RS256", True),
    ("RSA-OAEP-512", "A256CBC-HS512", "RS256", True),
    ("ECDH-ES", "A192CBC-HS384", "RS256", False),
    ("ECDH-ES+A128KW", "A192GCM", "RS256", True),
    ("ECDH-ES+A192KW", "A128CBC-HS256", "RS256", True),
    ("ECDH-ES+A256KW", "A256GCM", "RS256", False),
]


def _change_client(running: live.Dev, **changes: Any) -> None:
    """Change the seeded web client in the server's database, and wait until the server has looked at it again."""
    (database,) = [
        path for path in (running.directory / "var").iterdir() if path.suffix in (".db", ".sqlite", ".sqlite3")
    ]
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        (record,) = connection.execute("SELECT record FROM clients WHERE client_id = 'web'").fetchone()
        changed = json.dumps(json.loads(record) | changes).encode()
        connection.execute("UPDATE clients SET record = ? WHERE client_id = 'web'", (changed,))
    time.sleep(1.1)


@contextlib.contextmanager
def _party(settings: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    words = [live.need_node(), str(NODE / "encrypted.mjs"), json.dumps(settings)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=live.environment()) as process:
        try:
            yield process
            assert process.wait(5) == 0
        finally:
            process.kill()


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=5)[1]
    told: dict[str, Any] = json.loads(line)
    return told


@capability("id-token-encrypted-openid-client", witness=WITNESS)
@capability("userinfo-encrypted", witness=WITNESS)
@capability("userinfo-signed", witness=WITNESS)
@pytest.mark.parametrize(("alg", "enc", "signed", "is_userinfo_too"), CASES, ids=[case[0] for case in CASES])
def test_opens_id_token_and_userinfo(
    filed: live.Dev, page: Any, alg: str, enc: str, signed: str, is_userinfo_too: bool
) -> None:
    """It decrypts the ID token, believes what is inside, and reads UserInfo: encrypted, signed, or both."""
    with _party({"issuer": filed.issuer, "alg": alg, "enc": enc}) as process:
        _change_client(
            filed,
            jwks=json.dumps({"keys": [_said(process)]}),
            id_token_encrypted_response_alg=alg,
            id_token_encrypted_response_enc=enc,
            userinfo_signed_response_alg=signed,
            userinfo_encrypted_response_alg=alg if is_userinfo_too else "",
            userinfo_encrypted_response_enc=enc if is_userinfo_too else "",
        )
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        live.sign_in(page, _said(process)["go"])
        told = _said(process)
        assert told["parts"] == 5
        assert told["claims"]["aud"] == "web"
        assert told["claims"]["nonce"]
        assert told["person"]["sub"] == told["claims"]["sub"]
        assert told["person"]["email"] == "alice@example.com"
