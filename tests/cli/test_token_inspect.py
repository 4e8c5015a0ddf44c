"""`token inspect`: everything is shown, nothing is believed, and nothing drives the terminal."""

from __future__ import annotations

import base64
import json
import pathlib
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.cli.faults import Exit
from intaglio.tokens import encryptionkeys, jwe
from tests.capability import capability
from tests.cli.conftest import Run

UNVERIFIED = "UNVERIFIED. Nothing was checked"


def part(value: object) -> str:
    """Return a value as a segment of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(payload: dict[str, Any] | None = None, **header: object) -> str:
    """Return a token that nobody signed."""
    return f"{part({'alg': 'ES256'} | header)}.{part({'iss': 'x', 'sub': '1', 'aud': 'w'} | (payload or {}))}.AAAA"


@pytest.mark.parametrize(
    "text", ["", "hello", "a.b", "a.b.c", "a.b.c.d.e", "{}", "....", "\x1b[31m", "e30", "a" * 300_000]
)
def test_what_is_no_token_is_3(run: Run, text: str) -> None:
    """No token at all: what it looks like is said, with expected, received and the next step."""
    ran = run("token", "inspect", stdin=text)
    assert ran.code == Exit.TOKEN_INVALID
    assert json.loads(ran.out)["verified"] is False
    assert "error: This is no token in compact form (token-opaque)" in ran.err
    assert [word for word in ("expected:", "received:", "next step:") if word not in ran.err] == []
    assert "token decrypt" not in ran.err


def test_saml_is_named(run: Run) -> None:
    """A SAML message is told apart from a token, and is 3."""
    text = base64.b64encode(b'<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"/>').decode()
    ran = run("token", "inspect", text)
    assert ran.code == Exit.TOKEN_INVALID
    assert "(token-saml)" in ran.err


def test_file_that_is_not_there_is_named(run: Run, tmp_path: pathlib.Path) -> None:
    """An @file that cannot be read is a usage error with the file's name, and so is an @ alone."""
    ran = run("token", "inspect", f"@{tmp_path}/nothing.txt")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert f"{tmp_path}/nothing.txt" in ran.err
    assert run("token", "inspect", f"@{tmp_path}").code == Exit.USAGE
    for alone in ("@", "@-"):
        assert run("token", "inspect", alone).code == Exit.USAGE


@capability("cli-token-inspect", witness="exit code and JSON on stdout")
def test_json_is_complete(run: Run, tmp_path: pathlib.Path) -> None:
    """Kind, header, payload, sizes, times, meanings and problems, from argv, a file and stdin alike."""
    now = int(time.time())
    payload = {"exp": now + 3601, "iat": now - 7205.5, "auth_time": True, "nbf": 10**30, "updated_at": "1", "x": [1]}
    text = token(payload, kid="k")
    file = tmp_path / "token.txt"
    file.write_text(text + "\n", encoding="utf-8")
    ran = run("token", "inspect", text)
    assert (ran.code, ran.err.splitlines()[0][: len(UNVERIFIED)]) == (Exit.OK, UNVERIFIED)
    assert ran.out == run("token", "inspect", f"@{file}").out == run("token", "inspect", stdin=text + "\r\n").out
    told = json.loads(ran.out)
    assert (told["verified"], told["kind"], told["words"]) == (False, "id-token", "an ID token")
    assert told["header"] == {"alg": "ES256", "kid": "k"}
    assert told["payload"] == {"iss": "x", "sub": "1", "aud": "w"} | payload
    assert [one["name"] for one in told["parts"]] == ["header", "payload", "signature"]
    assert told["parts"][2] == {"name": "signature", "characters": 4, "octets": 3}
    assert set(told["times"]) == {"exp", "iat"}
    assert told["times"]["exp"]["at"] == now + 3601
    assert told["times"]["exp"]["distance"] in {"in 60 minutes", "in 59 minutes"}
    assert told["times"]["iat"]["distance"] == "2 hours ago"
    assert told["meanings"]["exp"] == "Until when it may be accepted."
    assert "x" not in told["meanings"]
    assert told["problems"] == []


@pytest.mark.parametrize(
    ("header", "payload", "kind"),
    [
        ({"typ": "at+jwt"}, {}, "an access token"),
        ({"typ": "logout+jwt"}, {}, "a logout token"),
        ({}, {}, "an ID token"),
    ],
)
def test_kind_is_in_words(run: Run, header: dict[str, Any], payload: dict[str, Any], kind: str) -> None:
    """A token of another kind is told apart in words."""
    assert run("token", "inspect", "-o", "text", token(payload, **header)).out.startswith(f"UNVERIFIED: {kind}")


GUID = "9122040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("claims", "dialect"),
    [
        ({"iss": f"https://login.example/{GUID}/v2.0", "tid": GUID, "ver": "2.0"}, "microsoft"),
        ({"iss": "https://id.example/acme/shop", "aid": "shop", "tid": "acme"}, "cloudentity"),
        ({"iss": "https://accounts.google.com"}, "google"),
        ({"iss": "https://id.example/", "sub": "auth0|1"}, "auth0"),
        ({"iss": "https://id.example"}, "standard"),
        ({"iss": 1, "sub": [], "tid": None}, "standard"),
    ],
)
def test_dialect_is_guessed(run: Run, claims: dict[str, Any], dialect: str) -> None:
    """The dialect that a token looks like is told; a token like any other is a standard one."""
    assert json.loads(run("token", "inspect", token(claims)).out)["dialect"] == dialect
    text = run("token", "inspect", "-o", "text", token(claims)).out.partition("\n")[0]
    assert (f"its claims look like {dialect}'s" in text) is (dialect != "standard")


def test_claims_of_a_dialect_are_explained(run: Run) -> None:
    """What a claim means in the dialect comes before what it means in the standard; its own instants are told too."""
    claims = {"iss": "https://id.example/acme/shop", "aid": "shop", "tid": "acme", "rat": 1_000_000_000, "mine": 1}
    told = json.loads(run("token", "inspect", token(claims)).out)
    assert told["meanings"]["aid"].startswith("The workspace")
    assert told["times"]["rat"]["time"] == "2001-09-09T01:46:40Z"
    assert "mine" not in told["meanings"]
    plain = json.loads(run("token", "inspect", token({"aid": "shop", "rat": 1_000_000_000})).out)
    assert "aid" not in plain["meanings"]
    assert plain["times"] == {}


def test_encrypted_token_shows_its_header(run: Run) -> None:
    """Five parts: the header is shown, the rest is not, and how to decrypt it is said."""
    key = encryptionkeys.generate("P-256", kid="enc-1")
    text = jwe.encrypt(b"inner", key.public(), alg="ECDH-ES", enc="A128GCM", header={"cty": "JWT"})
    ran = run("token", "inspect", text)
    told = json.loads(ran.out)
    assert (ran.code, told["kind"], told["header"]["kid"], told["payload"]) == (Exit.OK, "jwe", "enc-1", None)
    assert [one["name"] for one in told["parts"]][0::4] == ["header", "tag"]
    assert "next step: intaglio token decrypt --key FILE" in ran.err
    assert "enc-1" in run("token", "inspect", "-o", "text", text).out


def test_json_serialization_is_said(run: Run) -> None:
    """A token in JSON serialization is one, though no ID token has it."""
    ran = run("token", "inspect", stdin=json.dumps({"payload": "e30", "signatures": []}))
    assert (ran.code, json.loads(ran.out)["kind"]) == (Exit.OK, "json-serialization")


def test_wrapping_is_left_out_and_said(run: Run) -> None:
    """Bearer, quotation marks, line breaks and padding are left out, each with a sentence."""
    text = token()
    ran = run("token", "inspect", stdin=f'"Bearer {text[:30]}\n  {text[30:]}="')
    assert (ran.code, json.loads(ran.out)["payload"]["iss"]) == (Exit.OK, "x")
    assert len(json.loads(ran.out)["problems"]) >= 4
    assert ran.err.count("note:") == len(json.loads(ran.out)["problems"])


@pytest.mark.parametrize("form", ["text", "table"])
def test_values_cannot_drive_the_terminal(run: Run, form: str) -> None:
    """Escape sequences, line breaks and reversed text in names and values are escaped."""
    hostile = "a\x1b]0;owned\x07b\u202ec\nBelieved\r\x9b2J"
    ran = run("token", "inspect", "-o", form, token({hostile: hostile, "iss": hostile}, kid=hostile))
    assert ran.code == Exit.OK
    assert all(letter.isprintable() or letter == "\n" for letter in ran.out + ran.err)
    assert "\nBelieved" not in ran.out


def test_text_shows_times_and_meanings(run: Run) -> None:
    """For people: the instant as a date and a distance, and under it what the claim means."""
    out = run("token", "inspect", "-o", "text", token({"exp": 1_000_000_000})).out
    assert "1000000000  2001-09-09T01:46:40Z, " in out
    assert " years ago\n" in out
    assert "Until when it may be accepted." in out


def test_value_is_the_payload(run: Run) -> None:
    """`-o value` writes the payload as compact JSON."""
    assert json.loads(run("token", "inspect", "-o", "value", token()).out) == {"iss": "x", "sub": "1", "aud": "w"}


@given(st.binary(max_size=200) | st.builds(lambda a, b: part(a).encode() + b"." + b, st.text(max_size=5), st.binary()))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_octets_are_shown_or_3(tmp_path: pathlib.Path, run: Run, octets: bytes) -> None:
    """Whatever a file holds, the answer is a document and an exit code of the token's own."""
    (tmp_path / "t").write_bytes(octets)
    ran = run("token", "inspect", f"@{tmp_path}/t")
    assert ran.code in {Exit.OK, Exit.TOKEN_INVALID}
    assert json.loads(ran.out)["verified"] is False
