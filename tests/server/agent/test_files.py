"""Files that others replace, accounts of users, and proofs."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from intaglio import clock as clocks
from intaglio import codec
from intaglio.errors import IntaglioError, Misconfigured, Refused
from intaglio.server.agent import accounts, proofs
from intaglio.server.agent.files import Watched
from intaglio.tokens import certificates, jwk, jws, pem, privatepem
from tests.capability import capability

NOW = 1_800_000_000
PROVIDER = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider"


def _parse(octets: bytes) -> str:
    if octets.startswith(b"bad"):
        raise Misconfigured("bad")
    return octets.decode()


@pytest.fixture
def clock() -> clocks.FixedClock:
    """A clock that stands still."""
    return clocks.FixedClock(NOW)


@capability("agent-kubernetes", witness="the file system")
def test_a_replaced_file_is_seen_at_once(tmp_path: pathlib.Path, clock: clocks.FixedClock) -> None:
    """As Kubernetes replaces it: another file behind the same symbolic link, whatever its time says."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(name, encoding="utf-8")
        os.utime(tmp_path / name, ns=(1, 1))
    (tmp_path / "token").symlink_to("one")
    watched = Watched((tmp_path / "token",), _parse, clock)
    assert watched.get() == "one"
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "token")
    assert watched.get() == "two"


def test_a_file_whose_change_cannot_be_seen_is_read_each_minute(
    tmp_path: pathlib.Path, clock: clocks.FixedClock
) -> None:
    """The same size, the same time, the same place: after 60 s it is read all the same."""
    path = tmp_path / "token"
    path.write_text("one", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    watched = Watched((path,), _parse, clock)
    assert watched.get() == "one"
    path.write_text("two", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    clock.advance(59)
    assert watched.get() == "one"
    clock.advance(1)
    assert watched.get() == "two"


@pytest.mark.parametrize("damage", ["gone", "bad", "long"])
def test_the_last_good_reading_is_kept(
    tmp_path: pathlib.Path, clock: clocks.FixedClock, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is missing or half written for a moment takes nothing away, and the log says so."""
    path = tmp_path / "token"
    path.write_text("good", encoding="utf-8")
    watched = Watched((path,), _parse, clock)
    assert watched.get() == "good"
    path.unlink() if damage == "gone" else path.write_text({"bad": "bad", "long": "x" * 70_000}[damage])
    clock.advance(61)
    assert watched.get() == "good"
    assert "kept the last good reading" in caplog.text
    path.write_text("better", encoding="utf-8")
    assert watched.get() == "better"


def test_a_file_that_never_was_good_is_a_fault(tmp_path: pathlib.Path, clock: clocks.FixedClock) -> None:
    """Named, with why."""
    with pytest.raises(Misconfigured) as caught:
        Watched((tmp_path / "absent",), _parse, clock).get()
    assert caught.value.code == "file-unusable"
    assert "absent" in str(caught.value.detail["files"])


# --- accounts


@capability("agent-accounts", witness="the machine's users")
def test_users_by_name_and_by_number() -> None:
    """Both are user numbers afterwards."""
    assert accounts.read(b'[users]\nroot = "a@p.iam.x"\n4711 = "b@p.iam.x"\n') == {0: "a@p.iam.x", 4711: "b@p.iam.x"}


@pytest.mark.parametrize(
    "text",
    [b"", b"[users]\n", b"users = 1", b"\xff", b'[users]\nnobody-of-that-name = "a@b"', b"[users]\nroot = 1",
     b'[users]\nroot = "alice"', b'[users]\n-1 = "a@b"', b'[[users]]\nroot = "a@b"'],
)  # fmt: skip
def test_a_file_of_accounts_that_is_none(text: bytes) -> None:
    """Refused as a whole: a mistake must not leave somebody with another's account."""
    with pytest.raises(Misconfigured) as caught:
        accounts.read(text)
    assert caught.value.code == "accounts-unusable"


# --- proofs

RSA = jwk.generate("RS256")


def _key_file(**members: object) -> bytes:
    usual = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": pem.private_to_pem(RSA),
        "client_email": "a@p.iam.x",
    }
    return json.dumps({**usual, **members}).encode()


def test_what_a_key_file_signs() -> None:
    """By the account's key, for five minutes: for the token endpoint, or for the API that gives ID tokens, alone."""
    key, base = proofs.read_account_key(_key_file()), "https://accounts.example.com"
    usual = {"iss": "a@p.iam.x", "sub": "a@p.iam.x", "iat": NOW, "exp": NOW + 300}
    signed = {
        key.assertion(base, NOW, ("a", "b")): usual | {"aud": "https://oauth2.example.com/token", "scope": "a b"},
        key.bearer(base, NOW): usual | {"aud": "https://iamcredentials.example.com/"},
    }
    keys = jwk.KeySet((jwk.from_public(RSA.private.public_key(), "RS256", "k1"),))
    for text, claims in signed.items():
        verified = jws.verify(text, keys, algorithms=["RS256"])
        assert codec.decode_json_object(verified.payload) == claims
        assert verified.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}


@capability("metadata-no-users", witness="a file of a person's credentials")
@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", _key_file(type="authorized_user"), _key_file(type="external_account"),
     _key_file(client_email=""), _key_file(private_key=1)],
)  # fmt: skip
def test_a_file_that_is_no_service_accounts(text: bytes) -> None:
    """A person's file is refused above all; what it holds is in no error."""
    with pytest.raises(Misconfigured) as caught:
        proofs.read_account_key(text)
    assert caught.value.code == "key-file-unusable"
    assert "PRIVATE" not in repr(caught.value.detail)


@pytest.mark.parametrize(
    "private", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "x" * 70_000]
)
def test_a_key_that_is_none(private: str) -> None:
    """Refused, with nothing of it in the error."""
    with pytest.raises(IntaglioError) as caught:
        proofs.read_account_key(_key_file(private_key=private))
    assert caught.value.code in ("malformed-key", "key-file-unusable")


@pytest.mark.parametrize("text", [b"", b"a.b", b"a.b.c.d", b"a.b.c d", b"a.b." + b"x" * 17_000, "a.b.ü".encode()])
def test_a_token_file_that_holds_none(text: bytes) -> None:
    """Three parts of printable ASCII, or nothing is sent anywhere."""
    if text == "a.b.ü".encode():
        text = b"a.b.\x00"
    with pytest.raises(Misconfigured):
        proofs.read_token(text)
    assert proofs.read_token(b" a.b.c\n") == "a.b.c"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "ES384", "EdDSA"])
def test_a_proof_by_certificate(alg: str) -> None:
    """For the provider, for five minutes, never the same twice, with the chain in the header."""
    key = jwk.generate(alg)
    der = certificates.self_signed(key, common_name="box", not_before=NOW, lifetime=86400)
    made = proofs.read_certificate(pem.certificate_to_pem(der).encode(), pem.private_to_pem(key).encode())
    first, second = (jws.read(made.proof(PROVIDER, NOW)) for _ in range(2))
    told = codec.decode_json_object(first.payload)
    assert (told["aud"], told["exp"] - told["iat"]) == (PROVIDER, 300)
    assert told["jti"] != codec.decode_json_object(second.payload)["jti"]
    assert first.header["x5c"] == list(privatepem.chain(pem.certificate_to_pem(der).encode()))
    public = certificates.public_key(der, alg)
    assert jws.is_signed_by(public, alg, first.signature, first.signing_input)


def test_a_key_of_another_certificate_is_refused() -> None:
    """Between two replacements the files do not fit: then the last good pair is kept by whoever watches."""
    key, other = jwk.generate("ES256"), jwk.generate("ES256")
    der = certificates.self_signed(key, common_name="box", not_before=NOW, lifetime=86400)
    with pytest.raises(Misconfigured) as caught:
        proofs.read_certificate(pem.certificate_to_pem(der).encode(), pem.private_to_pem(other).encode())
    assert caught.value.code == "certificate-mismatched"
    for chain in (b"", b"x" * 70_000, pem.certificate_to_pem(der).encode() * 6):
        with pytest.raises(Refused):
            privatepem.chain(chain)
