"""`token decrypt`: the inner token bare on stdout, everything else on stderr, refusals with their code."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from intaglio import codec
from intaglio.cli.faults import Exit
from intaglio.tokens import encryptionkeys, jwe
from tests.capability import capability
from tests.cli.conftest import Ran, Run

INNER = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."
PASSWORD = "canary-password"


class Pair:
    """A key to decrypt with in every form that a file can have, and one to encrypt to it."""

    def __init__(self, folder: pathlib.Path, kid: str | None = "e") -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.folder, self.kid = folder, kid
        octets = self.private.private_numbers().private_value.to_bytes(32, "big")
        self.d = codec.encode_base64url(octets)
        key = encryptionkeys.DecryptionKey(self.private, kid=kid)
        self.public = key.public()
        self.jwk: dict[str, Any] = {**encryptionkeys.public_members(self.public), "d": self.d}
        if kid is not None:
            self.jwk["kid"] = kid

    def encrypted(self, inner: bytes = INNER.encode(), **header: object) -> str:
        """Return a token that is encrypted to the key."""
        return jwe.encrypt(inner, self.public, alg="ECDH-ES", enc="A128GCM", header={"cty": "JWT"} | header)

    def pem(self, password: str = "") -> str:
        """Return the file of the key as PEM."""
        kept = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        return self.file(self.private.private_bytes(serialization.Encoding.PEM, form, kept).decode())

    def file(self, content: object) -> str:
        """Return a file with a text, or with JSON."""
        path = self.folder / f"key-{len(list(self.folder.iterdir()))}"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def kept(self, ran: Ran) -> bool:
        """Tell whether nothing of the key or its password was written."""
        return self.d not in ran.out + ran.err and "canary" not in ran.out + ran.err and "BEGIN" not in ran.err


@pytest.fixture
def pair(tmp_path: pathlib.Path) -> Pair:
    """A new key."""
    return Pair(tmp_path)


# --- refused


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "token-malformed"),
        ("hello", "token-malformed"),
        ("a.b.c.d.e", "token-malformed"),
        (INNER, "token-not-encrypted"),
        ("\x1b[2J....", "token-malformed"),
    ],
)
def test_what_is_not_encrypted_is_3(run: Run, pair: Pair, text: str, code: str) -> None:
    """What has not five parts that can be read is refused; a signed token is told apart."""
    ran = run("token", "decrypt", "--key", pair.file(pair.jwk), stdin=text)
    assert (ran.code, ran.out) == (Exit.TOKEN_INVALID, "")
    assert f"({code})" in ran.err
    assert "next step" in ran.err


@capability("cli-token-decrypt", witness="exit code and JSON on stdout")
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"zip": "DEF"}, "header-unsupported"),
        ({"alg": "RSA1_5"}, "forbidden-algorithm"),
        ({"alg": "PBES2-HS256+A128KW"}, "forbidden-algorithm"),
        ({"alg": "none"}, "forbidden-algorithm"),
        ({"enc": "A128CBC"}, "forbidden-algorithm"),
        ({"crit": ["x"]}, "header-unsupported"),
        ({"kid": "other\x1b[2J"}, "decryption-key-unknown"),
    ],
)
def test_refused_by_design(run: Run, pair: Pair, header: dict[str, Any], code: str) -> None:
    """Compression, weak algorithms, extensions and other people's keys are refused, and nothing drives the terminal."""
    protected, _, rest = pair.encrypted().partition(".")
    members = json.loads(codec.decode_base64url(protected)) | header
    text = f"{codec.encode_base64url(json.dumps(members).encode())}.{rest}"
    ran = run("token", "decrypt", "--key", pair.file(pair.jwk), text)
    assert (ran.code, ran.out) == (Exit.TOKEN_INVALID, "")
    assert f"({code})" in ran.err
    assert all(letter.isprintable() or letter == "\n" for letter in ran.err)
    assert pair.kept(ran)


def test_another_key_and_an_altered_token_have_one_answer(run: Run, pair: Pair, tmp_path: pathlib.Path) -> None:
    """A key that does not open it and a token that was changed are not told apart."""
    other = Pair(tmp_path)
    text = pair.encrypted()
    head, _, tag = text.rpartition(".")
    changed = f"{head}.{'A' if tag[0] != 'A' else 'B'}{tag[1:]}"
    answers = {
        run("token", "decrypt", "--key", other.file(other.jwk), text),
        run("token", "decrypt", "--key", pair.file(pair.jwk), changed),
    }
    (answer,) = answers
    assert (answer.code, answer.out) == (Exit.TOKEN_INVALID, "")
    assert "(decryption-failed)" in answer.err


def test_octets_that_are_no_text_are_3(run: Run, pair: Pair) -> None:
    """What is decrypted and is no text is not written."""
    ran = run("token", "decrypt", "--key", pair.file(pair.jwk), pair.encrypted(b"\xff\x00canary"))
    assert (ran.code, ran.out) == (Exit.TOKEN_INVALID, "")
    assert "(content-not-text)" in ran.err
    assert "canary" not in ran.err


@pytest.mark.parametrize("kind", ["public", "signing", "set of signing", "text", "empty", "other type"])
def test_unusable_key_is_a_usage_error(run: Run, pair: Pair, kind: str) -> None:
    """A file without a key to decrypt with is 2, says what was expected, and repeats nothing of it."""
    content: object = {
        "public": {name: value for name, value in pair.jwk.items() if name != "d"},
        "signing": pair.jwk | {"use": "sig"},
        "set of signing": {"keys": [pair.jwk | {"use": "sig"}]},
        "text": "canary",
        "empty": {"keys": []},
        "other type": pair.jwk | {"kty": "canary"},
    }[kind]
    ran = run("token", "decrypt", "--key", pair.file(content), pair.encrypted())
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert "--key expects a private JWK, a JWK Set or PEM to decrypt with; received " in ran.err
    assert pair.kept(ran)


def test_password_is_asked_for_and_not_told(run: Run, pair: Pair) -> None:
    """An encrypted PEM without its password, with a wrong one, and a password for JSON are 2."""
    wrong, text = pair.file("canary-wrong"), pair.encrypted()
    missing = run("token", "decrypt", "--key", pair.pem(PASSWORD), text)
    assert (missing.code, "--password-file FILE" in missing.err) == (Exit.USAGE, True)
    for key in (pair.pem(PASSWORD), pair.file(pair.jwk), pair.pem()):
        ran = run("token", "decrypt", "--key", key, "--password-file", wrong, text)
        assert (ran.code, ran.out) == (Exit.USAGE, "")
        assert pair.kept(ran)


def test_only_one_thing_comes_from_stdin(run: Run, pair: Pair) -> None:
    """Token and key cannot both be stdin, and a key that is not there is named."""
    ran = run("token", "decrypt", "--key", "-", stdin="x")
    assert ran.code == Exit.USAGE
    assert "TOKEN and --key" in ran.err
    assert "nothing.jwk" in run("token", "decrypt", "--key", "nothing.jwk", pair.encrypted()).err
    assert run("token", "decrypt", pair.encrypted()).code == Exit.USAGE


# --- decrypted


@capability("cli-token-decrypt", witness="exit code and JSON on stdout")
def test_inner_token_is_bare_on_stdout(run: Run, pair: Pair) -> None:
    """The token alone on stdout; on stderr the header, and that nothing was checked."""
    password = pair.file(PASSWORD + "\n")
    keys = (
        ("--key", pair.file(pair.jwk)),
        ("--key", pair.file({"keys": [pair.jwk, {"kty": "unknown"}]})),
        ("--key", pair.pem()),
        ("--key", pair.pem(PASSWORD), "--password-file", password),
    )
    for key in keys:
        ran = run("token", "decrypt", *key, stdin=f" {pair.encrypted()}\n")
        assert (ran.code, ran.out) == (Exit.OK, INNER + "\n"), ran.err
        assert '"alg":"ECDH-ES"' in ran.err
        assert "UNVERIFIED" in ran.err
        assert pair.kept(ran)


def test_key_comes_from_stdin(run: Run, pair: Pair, tmp_path: pathlib.Path) -> None:
    """The key may come from stdin where the token does not; what is left out of a set is said."""
    (tmp_path / "t").write_text(pair.encrypted(), encoding="utf-8")
    keys = json.dumps({"keys": [{"kty": "unknown"}, pair.jwk]})
    ran = run("token", "decrypt", "--key", "-", f"@{tmp_path}/t", stdin=keys)
    assert (ran.code, ran.out) == (Exit.OK, INNER + "\n")
    assert "note: --key: left out key 0" in ran.err


def test_json_has_all_of_it(run: Run, pair: Pair) -> None:
    """`-o json` has header, alg, enc and token."""
    told = json.loads(run("token", "decrypt", "-o", "json", "--key", pair.file(pair.jwk), pair.encrypted()).out)
    assert (told["alg"], told["enc"], told["token"]) == ("ECDH-ES", "A128GCM", INNER)
    assert told["header"]["kid"] == "e"
    assert set(told) == {"header", "alg", "enc", "token"}


def test_content_that_is_no_token_is_said(run: Run, pair: Pair) -> None:
    """Claims that nobody signed are printed, with a note that nothing tells who wrote them."""
    ran = run("token", "decrypt", "--key", pair.file(pair.jwk), pair.encrypted(b'{"iss":"x"}'))
    assert (ran.code, ran.out) == (Exit.OK, '{"iss":"x"}\n')
    assert "nothing tells who wrote it" in ran.err


def test_processes_are_joined_by_a_pipe(pair: Pair) -> None:
    """What `decrypt` writes is what `inspect` reads."""
    command = [sys.executable, "-m", "intaglio", "token"]
    decrypt, text = [*command, "decrypt", "--key", pair.file(pair.jwk)], pair.encrypted().encode()
    opened = subprocess.run(decrypt, input=text, capture_output=True, timeout=20, check=True)
    shown = subprocess.run([*command, "inspect"], input=opened.stdout, capture_output=True, timeout=20, check=True)
    assert json.loads(shown.stdout)["payload"] == {"iss": "x"}
