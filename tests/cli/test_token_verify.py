"""`token verify`: the report on stdout, an exit code that tells what it comes to, and no secret anywhere."""

from __future__ import annotations

import functools
import http.server
import importlib
import json
import os
import pathlib
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio import client, codec
from intaglio.cli import token, token_verify
from intaglio.cli.faults import Exit
from intaglio.dialects import believing
from intaglio.tokens import encryptionkeys, hashes, jwe, jwk, jws
from intaglio.tokens.sharedsecret import SharedSecret
from tests import live
from tests.capability import capability
from tests.cli.conftest import Ran, Run

ISSUER, AUDIENCE = "https://id.example.com", "web"
GUID = "9122040d-6c67-4c5b-b112-36a304b66dad"
AT = 1_800_000_000
SECRET = "canary-secret-canary-secret-canary-secret"
DIALECTS: dict[str, dict[str, Any]] = {
    "standard": {"iss": ISSUER},
    "google": {"iss": "https://accounts.google.com", "azp": AUDIENCE, "email": "a@b.example", "email_verified": True},
    "microsoft": {"iss": f"https://login.microsoftonline.com/{GUID}/v2.0", "tid": GUID, "ver": "2.0"},
    "auth0": {"iss": "https://acme.eu.auth0.com/", "org_id": "org_42"},
    "cloudentity": {"iss": "https://acme.authz.cloudentity.io/acme/shop", "tid": "acme", "aid": "shop"},
}
"""What a token of each vendor says besides the claims that all have."""
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "standard": ({"iss": ISSUER + "/"}, "issuer-mismatch"),
    "google": ({"azp": None}, "azp-missing"),
    "microsoft": ({"tid": GUID.replace("9", "8")}, "tenant-mismatch"),
    "auth0": ({"iss": "https://acme.eu.auth0.com"}, "issuer-mismatch"),
    "cloudentity": ({"aid": "other"}, "workspace-mismatch"),
}
"""One claim that is wrong for each vendor, and the code for it."""


@functools.cache
def signer(alg: str = "RS256") -> jwk.SigningKey:
    """Return the issuer's key."""
    return jwk.generate(alg)


def signed(alg: str = "RS256", **claims: object) -> str:
    """Return a token that was issued ten seconds before `AT`; a claim that is None is left out."""
    told = {"iss": ISSUER, "sub": "1", "aud": AUDIENCE, "iat": AT - 10, "exp": AT + 60} | claims
    payload = {name: value for name, value in told.items() if value is not None}
    return jws.sign(signer(alg), {"kid": alg}, json.dumps(payload, separators=(",", ":")).encode())


def document(*algs: str) -> dict[str, Any]:
    """Return the key set of the issuer."""
    return {
        "keys": [
            {**jwk.public_members(signer(alg).public()), "kid": alg, "alg": alg, "use": "sig"}
            for alg in algs or ("RS256",)
        ]
    }


@pytest.fixture
def jwks(tmp_path: pathlib.Path) -> str:
    """The file of the issuer's key set."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(document()), encoding="utf-8")
    return str(file)


def verify(run: Run, text: str, *more: str, jwks: str = "", at: str = str(AT), issuer: str = ISSUER) -> Ran:
    """Run `token verify` with the token on stdin."""
    options = ["--issuer", issuer, "--audience", AUDIENCE, "--at", at, *(("--jwks", jwks) if jwks else ()), *more]
    return run("token", "verify", *options, stdin=text)


def codes(ran: Ran) -> list[str]:
    """Return the codes of the checks that failed."""
    return [check["code"] for check in json.loads(ran.out)["checks"] if check["outcome"] == "fail"]


# --- refused


@pytest.mark.parametrize("text", ["", "hello", "a.b.c", "a.b.c.d.e", "\0", "{}", "a" * 300_000])
def test_what_is_no_token_is_3(run: Run, jwks: str, text: str) -> None:
    """Any text at all is answered with a report and 3."""
    ran = verify(run, text, jwks=jwks)
    assert ran.code == Exit.TOKEN_INVALID
    assert json.loads(ran.out)["believed"] is False


def test_octets_that_are_no_text_are_3(run: Run, jwks: str, tmp_path: pathlib.Path) -> None:
    """What is not even UTF-8 is a bad token, not a bad command."""
    (tmp_path / "t").write_bytes(b"\xff\xfe\x00")
    ran = run("token", "verify", "--issuer", ISSUER, "--audience", AUDIENCE, "--jwks", jwks, f"@{tmp_path}/t")
    assert ran.code == Exit.TOKEN_INVALID


@pytest.mark.parametrize("wrapped", ["Bearer {}", '"{}"', "{}=", "{}."])
def test_nothing_but_space_is_left_out(run: Run, jwks: str, wrapped: str) -> None:
    """Only space around a token is left out; what a program would refuse is refused."""
    assert verify(run, f" \r\n{signed()}\n\n", jwks=jwks).code == Exit.OK
    assert verify(run, wrapped.format(signed()), jwks=jwks).code == Exit.TOKEN_INVALID


def test_refusal_tells_expected_received_and_next_step(run: Run, jwks: str) -> None:
    """Each failed check is on stderr with both values and what to do; no claim and no token is repeated."""
    text = signed(aud="other", email="canary@example.com")
    ran = verify(run, text, jwks=jwks)
    assert (ran.code, codes(ran)) == (Exit.TOKEN_INVALID, ["audience-mismatch"])
    assert json.loads(ran.out)["claims"] is None
    assert "Not believed." in ran.err
    assert "audience (audience-mismatch): expected web; received other; next step: " in ran.err
    assert "canary" not in ran.out + ran.err
    assert text.split(".")[2][:20] not in ran.out + ran.err


@pytest.mark.parametrize("form", ["text", "table"])
def test_values_cannot_drive_the_terminal(run: Run, jwks: str, form: str) -> None:
    """Escape sequences and line breaks of a token are never written as they are."""
    ran = verify(run, signed(aud="a\x1b[2J\nok   signature\u202e"), "-o", form, jwks=jwks)
    assert all(letter.isprintable() or letter == "\n" for letter in ran.out + ran.err)


@capability("cli-token-verify", witness="exit code and JSON on stdout")
def test_only_expired_is_4(run: Run, jwks: str) -> None:
    """Expiry alone is 4, at the instant that is asked about; with anything else it is 3."""
    assert verify(run, signed(), jwks=jwks, at=str(AT + 119)).code == Exit.OK
    assert verify(run, signed(), jwks=jwks, at=str(AT + 120)).code == Exit.TOKEN_EXPIRED
    assert verify(run, signed(), "--leeway", "0", jwks=jwks, at=str(AT + 60)).code == Exit.TOKEN_EXPIRED
    assert verify(run, signed(), "--nonce", "n", jwks=jwks, at=str(AT + 120)).code == Exit.TOKEN_INVALID
    assert verify(run, signed(), "--max-age", "5", jwks=jwks).code == Exit.TOKEN_INVALID


def test_unreachable_issuer_is_9(run: Run) -> None:
    """Without the keys there is no telling, so 9; a malformed token is 3 whatever the keys are."""
    nobody = f"http://127.0.0.1:{live.free_ports()}"
    ran = verify(run, signed(iss=nobody), issuer=nobody)
    assert (ran.code, codes(ran)) == (Exit.UNREACHABLE, ["keys-unavailable"])
    assert "next step" in ran.err
    assert verify(run, signed(iss=nobody)[:-1] + "=", issuer=nobody).code == Exit.TOKEN_INVALID
    assert verify(run, signed(iss=nobody, exp="soon"), issuer=nobody).code == Exit.TOKEN_INVALID


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--at", "2026-01-31T12:00:00"], "--at expects"),
        (["--leeway", "301"], "301"),
        (["--max-age", "-1"], "-1"),
        (["--dialect", "keycloak"], "keycloak"),
        (["--algorithm", "none"], "'none'"),
        (["--algorithm", "HS256"], "--client-secret-file"),
        (["--require-encrypted"], "--decryption-key"),
        (["--password-file", "p"], "--decryption-key"),
        (["--require-at-hash"], "--access-token-file"),
        (["--discovery-uri", "https://id.example.com/x"], "--jwks"),
        (["--organization", "org_42"], "auth0"),
        (["--email", "a@b.example"], "google"),
        (["--nonce", ""], "nonce"),
        (["--access-token-file", "-"], "TOKEN and --access-token-file"),
        (["--access-token-file", "nothing.txt"], "nothing.txt"),
        (["--decryption-key", "nothing.jwk"], "nothing.jwk"),
        (["--audience", " web"], "audience"),
    ],
)
def test_unusable_options_are_usage_errors(run: Run, jwks: str, more: list[str], told: str) -> None:
    """What cannot be used, and what would look like a check and be none, is 2 and named; nothing is on stdout."""
    ran = verify(run, signed(), *more, jwks=jwks)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert told in ran.err
    assert "next step" in ran.err


@pytest.mark.parametrize("content", ["", "x", "[]", '{"keys": 1}', '{"keys": [], "keys": []}', "private"])
def test_unusable_key_set_is_a_usage_error(run: Run, tmp_path: pathlib.Path, content: str) -> None:
    """What is no set of public keys is 2, and nothing of it is repeated."""
    if content == "private":
        content = json.dumps({"keys": [{"kty": "oct", "k": "canary-canary-canary"}]})
    (tmp_path / "keys").write_text(content, encoding="utf-8")
    ran = verify(run, signed(), jwks=str(tmp_path / "keys"))
    assert ran.code == Exit.USAGE
    assert "--jwks expects a JSON Web Key Set" in ran.err
    assert "canary" not in ran.err


def test_issuer_and_audience_are_required(run: Run, jwks: str) -> None:
    """Neither is guessed from the token."""
    assert run("token", "verify", "--issuer", ISSUER, "--jwks", jwks, stdin=signed()).code == Exit.USAGE
    assert run("token", "verify", "--audience", AUDIENCE, "--jwks", jwks, stdin=signed()).code == Exit.USAGE


@given(place=st.integers(0), letter=st.characters(min_codepoint=33, max_codepoint=126))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_change_of_a_letter_is_3(run: Run, jwks: str, place: int, letter: str) -> None:
    """A token of which one letter was changed is never believed."""
    text = signed()
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    assert verify(run, changed, jwks=jwks).code == (Exit.OK if changed == text else Exit.TOKEN_INVALID)


# --- believed


@capability("cli-token-verify", witness="exit code and JSON on stdout")
def test_json_is_the_report_and_the_claims(run: Run, jwks: str) -> None:
    """`-o json` is what the library's report says, and the claims beside it; the token may be an argument."""
    text = signed(nonce="n", azp=AUDIENCE)
    ran = verify(run, text, "--nonce", "n", jwks=jwks)
    assert ran.code == Exit.OK, ran.err
    told = json.loads(ran.out)
    assert told.pop("claims")["nonce"] == "n"
    keys = jwk.read_set(document())
    library = client.Validator(issuer=ISSUER, audience=AUDIENCE, keys=keys).explain(text, nonce="n").to_dict()
    assert list(told) == list(library)
    assert [one["name"] for one in told["checks"]] == [one["name"] for one in library["checks"]]
    assert told["clocks"]["yours"] == AT
    options = ("--issuer", ISSUER, "--audience", AUDIENCE, "--at", str(AT), "--jwks", jwks)
    assert run("token", "verify", *options, text).code == Exit.OK


@pytest.mark.parametrize("form", ["text", "table", "yaml", "value"])
def test_forms(run: Run, jwks: str, form: str) -> None:
    """Text and table list the checks; the value is the claims."""
    out = verify(run, signed(), "-o", form, jwks=jwks).out
    assert ('"sub":"1"' if form == "value" else "signature") in out


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tokens_of_each_dialect(run: Run, jwks: str, dialect: str) -> None:
    """A good token is believed under its own dialect's rules; one wrong claim is refused with its code."""
    claims, (wrong, code) = DIALECTS[dialect], WRONG[dialect]
    good = verify(run, signed(**claims), "--dialect", dialect, jwks=jwks, issuer=claims["iss"])
    assert (good.code, json.loads(good.out)["dialect"]) == (Exit.OK, dialect), good.err
    bad = verify(run, signed(**claims | wrong), "--dialect", dialect, jwks=jwks, issuer=claims["iss"])
    assert bad.code == Exit.TOKEN_INVALID
    assert code in codes(bad)


def test_dialect_sets_the_leeway(run: Run, jwks: str) -> None:
    """Microsoft's five minutes hold under its dialect alone, and less where less is asked for."""
    text, issuer = signed(**DIALECTS["microsoft"]), DIALECTS["microsoft"]["iss"]
    later = {"jwks": jwks, "issuer": issuer, "at": str(AT + 300)}
    assert verify(run, text, "--dialect", "microsoft", **later).code == Exit.OK
    assert verify(run, text, "--dialect", "microsoft", "--leeway", "60", **later).code == Exit.TOKEN_EXPIRED
    assert verify(run, text, **later).code == Exit.TOKEN_EXPIRED


def test_organization_and_address_are_checked(run: Run, jwks: str) -> None:
    """The organization and the e-mail address that were asked for must be the token's."""
    for dialect, option, good, bad in (
        ("auth0", "--organization", "org_42", "org_43"),
        ("google", "--email", "a@b.example", "c@b.example"),
    ):
        text, issuer = signed(**DIALECTS[dialect]), DIALECTS[dialect]["iss"]
        options = ("--dialect", dialect, option)
        assert verify(run, text, *options, good, jwks=jwks, issuer=issuer).code == Exit.OK
        assert verify(run, text, *options, bad, jwks=jwks, issuer=issuer).code == Exit.TOKEN_INVALID


def test_audiences_and_parties(run: Run, jwks: str) -> None:
    """Another audience needs `--also`; azp may be bounded; `--audience` may be given again."""
    text = signed(aud=[AUDIENCE, "api"], azp=AUDIENCE)
    assert codes(verify(run, text, jwks=jwks)) == ["audience-foreign"]
    assert verify(run, text, "--also", "api", jwks=jwks).code == Exit.OK
    assert verify(run, text, "--audience", "api", jwks=jwks).code == Exit.OK
    assert codes(verify(run, text, "--also", "api", "--authorized-party", "api", jwks=jwks)) == ["azp-mismatch"]


def test_companions_are_compared(run: Run, jwks: str, tmp_path: pathlib.Path) -> None:
    """Access token, code and state must fit their hashes; their files may end in a line break."""
    text = signed(**{f"{name}_hash": hashes.half_hash("RS256", f"canary-{name}") for name in ("at", "c", "s")})
    for name in ("at", "c", "wrong"):
        (tmp_path / name).write_text(f"canary-{name}\n", encoding="utf-8")
    good = ("--access-token-file", f"{tmp_path}/at", "--code-file", f"{tmp_path}/c", "--state", "canary-s")
    ran = verify(run, text, *good, "--require-at-hash", jwks=jwks)
    assert ran.code == Exit.OK, ran.err
    assert "canary" not in ran.out + ran.err
    for option in ("--access-token-file", "--code-file"):
        bad = verify(run, text, option, f"{tmp_path}/wrong", jwks=jwks)
        assert bad.code == Exit.TOKEN_INVALID
        assert "canary" not in bad.out + bad.err
    assert codes(verify(run, text, "--state", "other", jwks=jwks)) == ["s-hash-mismatch"]


def test_algorithms_are_bounded(run: Run, tmp_path: pathlib.Path) -> None:
    """Without a choice what the dialect has is allowed; with one, only that."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(document("RS256", "ES256")), encoding="utf-8")
    assert verify(run, signed("ES256"), jwks=str(file)).code == Exit.OK
    assert codes(verify(run, signed("ES256"), "--algorithm", "RS256", jwks=str(file))) == ["forbidden-algorithm"]
    both = ("--algorithm", "RS256", "--algorithm", "ES256")
    assert verify(run, signed("ES256"), *both, jwks=str(file)).code == Exit.OK


def test_single_key_is_a_set_of_one(run: Run, tmp_path: pathlib.Path) -> None:
    """A file with one JWK serves as well as a set."""
    file = tmp_path / "key.json"
    file.write_text(json.dumps(document()["keys"][0]), encoding="utf-8")
    assert verify(run, signed(), jwks=str(file)).code == Exit.OK


def keyed(secret: str = SECRET) -> str:
    """Return a token by the client's secret."""
    payload = {"iss": ISSUER, "sub": "1", "aud": AUDIENCE, "iat": AT - 10, "exp": AT + 60}
    return jws.sign(SharedSecret(secret), {}, json.dumps(payload).encode())


@capability("cli-no-secret-argv", witness="exit code and JSON on stdout")
def test_client_secret_allows_hs256_alone(run: Run, tmp_path: pathlib.Path, jwks: str) -> None:
    """With the secret nobody is asked for keys, and other algorithms are refused; it is not repeated."""
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    options = ("--client-secret-file", str(file))
    ran = verify(run, keyed(), *options)
    assert ran.code == Exit.OK, ran.err
    assert codes(verify(run, keyed("another-" + SECRET), *options)) == ["signature-invalid"]
    assert codes(verify(run, signed(), *options, jwks=jwks)) == ["forbidden-algorithm"]
    assert codes(verify(run, keyed(), jwks=jwks)) == ["forbidden-algorithm"]
    assert "canary" not in ran.out + ran.err


def test_client_secret_from_stdin(run: Run, tmp_path: pathlib.Path) -> None:
    """The secret may come from stdin where the token does not."""
    (tmp_path / "t").write_text(keyed(), encoding="utf-8")
    options = ("--issuer", ISSUER, "--audience", AUDIENCE, "--at", str(AT), "--client-secret-file", "-")
    assert run("token", "verify", *options, f"@{tmp_path}/t", stdin=SECRET + "\n").code == Exit.OK
    both = run("token", "verify", *options, stdin=SECRET)
    assert both.code == Exit.USAGE
    assert "TOKEN and --client-secret-file" in both.err


@pytest.mark.parametrize("secret", ["canary", "-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----\n"])
def test_unusable_client_secret_is_a_usage_error(run: Run, tmp_path: pathlib.Path, secret: str) -> None:
    """A short secret and a public key are 2, and not repeated."""
    file = tmp_path / "secret"
    file.write_text(secret, encoding="utf-8")
    ran = verify(run, keyed(), "--client-secret-file", str(file))
    assert ran.code == Exit.USAGE
    assert "--client-secret-file expects" in ran.err
    assert "canary" not in ran.out + ran.err


def test_encrypted_token_is_opened_and_checked(run: Run, jwks: str, tmp_path: pathlib.Path) -> None:
    """A nested token needs the key; `--require-encrypted` refuses a signed one."""
    key = encryptionkeys.generate("P-256", kid="e")
    numbers = key.private.private_numbers().private_value  # type: ignore[union-attr]
    octets = numbers.to_bytes(32, "big")
    members = {**encryptionkeys.public_members(key.public()), "kid": "e", "d": codec.encode_base64url(octets)}
    file = tmp_path / "key.jwk"
    file.write_text(json.dumps(members), encoding="utf-8")
    text = jwe.encrypt(signed().encode(), key.public(), alg="ECDH-ES", enc="A128GCM", header={"cty": "JWT"})
    options = ("--decryption-key", str(file))
    ran = verify(run, text, *options, jwks=jwks)
    assert ran.code == Exit.OK, ran.err
    assert verify(run, text, jwks=jwks).code == Exit.TOKEN_INVALID
    assert verify(run, signed(), *options, jwks=jwks).code == Exit.OK
    assert codes(verify(run, signed(), *options, "--require-encrypted", jwks=jwks)) == ["token-not-encrypted"]
    assert members["d"] not in ran.out + ran.err


# --- keys from the issuer


class _Answers(http.server.BaseHTTPRequestHandler):
    """An issuer whose document is where the first path segment says."""

    def do_GET(self) -> None:
        base = f"http://{self.headers['host']}"
        told = document() if self.path == "/keys" else {"issuer": base, "jwks_uri": f"{base}/keys"}
        found = self.path in ("/keys", "/.well-known/openid-configuration", "/elsewhere")
        octets = json.dumps(told).encode() if found else b"{}"
        self.send_response(200 if found else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def issuer() -> Iterator[str]:
    """An issuer on the loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.02))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_keys_are_found_by_discovery(run: Run, issuer: str) -> None:
    """Without `--jwks` the issuer is asked, where `--discovery-uri` says if that is given."""
    text = signed(iss=issuer)
    assert verify(run, text, issuer=issuer).code == Exit.OK
    assert verify(run, text, "--discovery-uri", f"{issuer}/elsewhere", issuer=issuer).code == Exit.OK
    assert verify(run, text, "--discovery-uri", f"{issuer}/nowhere", issuer=issuer).code == Exit.UNREACHABLE


def test_clocks_are_compared_only_as_of_now(run: Run, issuer: str) -> None:
    """The issuer's clock is in the report, but not beside an instant that was only asked about."""
    now = int(time.time())
    text = signed(iss=issuer, iat=now - 5, exp=now + 60)
    told = run("token", "verify", "--issuer", issuer, "--audience", AUDIENCE, stdin=text)
    assert told.code == Exit.OK
    assert abs(json.loads(told.out)["clocks"]["skew"]) <= 2
    assert json.loads(verify(run, text, issuer=issuer, at="+10s").out)["clocks"]["skew"] is None


def test_keys_are_fetched_from_an_address(run: Run, issuer: str) -> None:
    """`--jwks` with an address asks there, and not the issuer."""
    text = signed(iss=f"{issuer}/a")
    ran = verify(run, text, jwks=f"{issuer}/keys", issuer=f"{issuer}/a")
    assert ran.code == Exit.OK, ran.err


# --- as a process


def test_help_is_complete_and_loads_little() -> None:
    """Each command's line in the group is its own; help has examples, and loads neither cryptography nor the engine."""
    program = "import sys\nfrom intaglio.cli import main\nmain.main(sys.argv[1:])\nprint(*sys.modules, file=sys.stderr)"
    for words in ([], *([name] for name in token.COMMANDS)):
        command = [sys.executable, "-c", program, "token", *words, "--help"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
        assert {"cryptography", "msgspec", "asyncio", "intaglio.client"}.isdisjoint(done.stderr.split())
        assert not words or f"Examples:\n    intaglio token {words[0]} " in done.stdout
    for name, (module, line) in token.COMMANDS.items():
        own = importlib.import_module(module).command
        assert (own.name, (own.help or "").partition("\n")[0]) == (name, line)


def test_dialects_are_those_of_the_library() -> None:
    """The command offers what the library knows."""
    assert token_verify.DIALECTS == believing.DIALECTS


def test_process_exits_with_the_code(jwks: str) -> None:
    """The exit code is the process's own, the data on stdout, the words on stderr."""
    options = ["--issuer", ISSUER, "--audience", AUDIENCE, "--jwks", jwks, "--at", str(AT)]
    for audience, code in ((AUDIENCE, 0), ("other", 3)):
        done = subprocess.run(
            [sys.executable, "-m", "intaglio", "token", "verify", *options],
            input=signed(aud=audience),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert json.loads(done.stdout)["believed"] is (code == 0)


# --- on a terminal


def typed(arguments: list[str], keys: bytes) -> tuple[int, str, str]:
    """Run a command whose stdin is a terminal on which somebody types; return code, stdout and stderr with the echo."""
    controller, terminal = pty.openpty()
    # A session of its own: the prompt must not find the terminal of whoever runs the tests.
    process = subprocess.Popen(
        [sys.executable, "-m", "intaglio", "token", *arguments],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(terminal)
    assert process.stderr is not None
    first = process.stderr.read1(200)  # type: ignore[attr-defined]
    os.write(controller, keys)
    out, err = process.communicate(timeout=20)
    # By then the terminal may be gone with what it echoed still in it, or with nothing.
    try:
        echo = os.read(controller, 4096)
    except OSError:
        echo = b""
    os.close(controller)
    return process.returncode, out.decode(), (first + err + echo).decode()


def test_token_is_asked_for_on_a_terminal() -> None:
    """Without an argument, on a terminal, somebody is told what to do."""
    code, out, err = typed(["inspect"], b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.\n\x04")
    assert code == Exit.OK, err
    assert "Paste the token" in err
    assert json.loads(out)["payload"] == {"iss": "x"}


def test_secret_is_asked_for_and_not_echoed(tmp_path: pathlib.Path) -> None:
    """`--client-secret-file -` on a terminal asks once, and shows nothing of what is typed."""
    (tmp_path / "t").write_text(keyed(), encoding="utf-8")
    options = ["--issuer", ISSUER, "--audience", AUDIENCE, "--at", str(AT), "--client-secret-file", "-"]
    code, _, err = typed(["verify", *options, f"@{tmp_path}/t"], SECRET.encode() + b"\n")
    assert code == Exit.OK, err
    assert "Client secret" in err
    assert "canary" not in err
