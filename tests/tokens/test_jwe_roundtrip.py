"""What is encrypted is decrypted: by ourselves, and by joserfc and jwcrypto in both directions."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess

import joserfc.jwe
import joserfc.jwk
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import encryptionkeys, jwe, jwe_content, jwe_keys, jwe_material
from tests.capability import capability

CURVES = ("P-256", "P-384", "P-521", "X25519", "X448")
MATERIAL = {kind: encryptionkeys.generate(kind) for kind in ("RSA", *CURVES)}
# Neither joserfc nor jwcrypto has these two; OpenSSL does.
WITH_LONG_HASHES = {"RSA-OAEP-384": "sha384", "RSA-OAEP-512": "sha512"}


def key_for(alg, enc, curve="P-256"):
    """Return a key that fits."""
    algorithm = jwe_keys.ALGORITHMS[alg]
    if algorithm.family == "rsa-oaep":
        return MATERIAL["RSA"]
    if algorithm.family == "ecdh-es":
        return MATERIAL[curve]
    octets = jwe_content.ENCRYPTIONS[enc].key_octets if alg == "dir" else algorithm.octets
    return encryptionkeys.from_secret(bytes(range(octets)))


def private_members(key):
    """Return the private JWK of a key, as another library reads it."""
    if isinstance(key.private, jwe_material.OctetKey):
        return {"kty": "oct", "k": codec.encode_base64url(key.private.reveal())}
    public = encryptionkeys.public_members(key.public())
    if public["kty"] == "OKP":
        return public | {"d": codec.encode_base64url(key.private.private_bytes_raw())}
    numbers = key.private.private_numbers()
    if public["kty"] == "EC":
        octets = len(codec.decode_base64url(public["x"]))
        return public | {"d": codec.encode_base64url(numbers.private_value.to_bytes(octets, "big"))}
    parts = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    return public | {
        name: codec.encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for name, number in parts.items()
    }


def keys(*members):
    """Return a set of keys."""
    return encryptionkeys.DecryptionKeys(members)


MARKS = {
    "rsa-oaep": capability("jwe-rsa-oaep", witness="joserfc"),
    "ecdh-es": capability("jwe-ecdh-es", witness="joserfc"),
    "aes-kw": capability("jwe-aes-kw", witness="joserfc"),
    "aes-gcm-kw": capability("jwe-aes-gcm-kw", witness="joserfc"),
    "dir": capability("jwe-dir", witness="joserfc"),
}
EVERY = [(alg, enc) for alg in jwe_keys.ALGORITHMS for enc in jwe_content.ENCRYPTIONS]


@pytest.mark.parametrize(("alg", "enc"), EVERY)
def test_every_algorithm_with_every_encryption(alg, enc):
    """Decrypt what was encrypted, with the header that was given, and never encrypt twice alike."""
    key = key_for(alg, enc)
    one, two = (jwe.encrypt(b"payload", key.public(), alg=alg, enc=enc, header={"cty": "JWT"}) for _ in range(2))
    found = jwe.decrypt(one, keys(key), algorithms=[alg], encryptions=[enc])
    assert (found.plaintext, found.alg, found.enc, found.header["cty"]) == (b"payload", alg, enc, "JWT")
    assert one != two
    assert jwe.decrypt(one.encode(), keys(key)) == found


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A256KW"])
def test_every_curve(alg, curve):
    """Agree on every curve, with the parties' names in the header."""
    key = key_for(alg, "A128GCM", curve)
    header = {"apu": "QWxpY2U", "apv": "Qm9i"}
    text = jwe.encrypt(b"payload", key.public(), alg=alg, enc="A128GCM", header=header)
    found = jwe.decrypt(text, keys(key))
    assert found.plaintext == b"payload"
    assert found.header["epk"]["crv"] == curve
    assert found.header["epk"].keys() == {"kty", "crv", "x"} | (set() if curve.startswith("X") else {"y"})


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(sorted(jwe_content.ENCRYPTIONS)))
def test_any_payload(payload, enc):
    """Decrypt payloads of every length, whole blocks and none at all among them."""
    key = key_for("dir", enc)
    assert jwe.decrypt(jwe.encrypt(payload, key.public(), alg="dir", enc=enc), keys(key)).plaintext == payload


@capability("jwe-enc", witness="joserfc")
@pytest.mark.parametrize(
    ("alg", "enc"),
    [
        pytest.param(alg, enc, marks=MARKS[jwe_keys.ALGORITHMS[alg].family])
        for alg, enc in EVERY
        if alg not in WITH_LONG_HASHES
    ],
)
def test_joserfc_reads_ours_and_we_read_theirs(alg, enc):
    """Encrypt so that another implementation decrypts it, and decrypt what it encrypts."""
    key = key_for(alg, enc)
    other = joserfc.jwk.import_key(private_members(key))
    ours = jwe.encrypt(b"payload", key.public(), alg=alg, enc=enc)
    assert joserfc.jwe.decrypt_compact(ours, other, algorithms=[alg, enc]).plaintext == b"payload"
    theirs = joserfc.jwe.encrypt_compact({"alg": alg, "enc": enc}, b"payload", other, algorithms=[alg, enc])
    assert jwe.decrypt(theirs, keys(key)).plaintext == b"payload"


@pytest.mark.parametrize("curve", CURVES)
def test_joserfc_agrees_on_every_curve(curve):
    """Agree with another implementation on every curve."""
    key = MATERIAL[curve]
    other = joserfc.jwk.import_key(private_members(key))
    allowed = ["ECDH-ES+A128KW", "A128GCM"]
    ours = jwe.encrypt(b"payload", key.public(), alg=allowed[0], enc=allowed[1])
    assert joserfc.jwe.decrypt_compact(ours, other, algorithms=allowed).plaintext == b"payload"
    header = {"alg": allowed[0], "enc": allowed[1]}
    theirs = joserfc.jwe.encrypt_compact(header, b"payload", other, algorithms=allowed)
    assert jwe.decrypt(theirs, keys(key)).plaintext == b"payload"


def test_jwcrypto_reads_ours_and_we_read_theirs():
    """Encrypt so that a third implementation decrypts it, and decrypt what it encrypts, with every algorithm."""
    pytest.importorskip("jwcrypto")
    their_jwe, their_jwk = (importlib.import_module(f"jwcrypto.{name}") for name in ("jwe", "jwk"))
    for alg, enc in ((alg, enc) for alg, enc in EVERY if alg not in WITH_LONG_HASHES):
        key = key_for(alg, enc)
        other = their_jwk.JWK(**private_members(key))
        reader = their_jwe.JWE(algs=[alg, enc])
        reader.deserialize(jwe.encrypt(b"payload", key.public(), alg=alg, enc=enc), key=other)
        assert reader.payload == b"payload"
        writer = their_jwe.JWE(b"payload", json.dumps({"alg": alg, "enc": enc}), algs=[alg, enc])
        writer.add_recipient(other)
        assert jwe.decrypt(writer.serialize(compact=True), keys(key)).plaintext == b"payload"


@capability("jwe-rsa-oaep", witness="OpenSSL")
@pytest.mark.parametrize(("alg", "digest"), WITH_LONG_HASHES.items())
def test_openssl_unwraps_the_key_that_we_wrap(alg, digest, tmp_path):
    """Wrap a content key so that OpenSSL unwraps it, with the hashes that the libraries do not have."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command")
    form = serialization.PrivateFormat.PKCS8
    text = MATERIAL["RSA"].private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(text)
    token = jwe.encrypt(b"payload", MATERIAL["RSA"].public(), alg=alg, enc="A256GCM")
    protected, *rest = token.split(".")
    wrapped, iv, body, tag = map(codec.decode_base64url, rest)
    options = [f"rsa_{name}" for name in ("padding_mode:oaep", f"oaep_md:{digest}", f"mgf1_md:{digest}")]
    command = ["openssl", "pkeyutl", "-decrypt", "-inkey", str(tmp_path / "key.pem")]
    command += [part for option in options for part in ("-pkeyopt", option)]
    cek = subprocess.run(command, input=wrapped, capture_output=True, check=True).stdout
    assert AESGCM(cek).decrypt(iv, body + tag, protected.encode()) == b"payload"


def test_kid_of_the_key_goes_into_the_header():
    """Name the key that a token is encrypted to, unless the caller names it otherwise."""
    key = encryptionkeys.from_secret(bytes(32), kid="one")
    given_by_key = jwe.encrypt(b"", key.public(), alg="dir", enc="A256GCM")
    given_by_caller = jwe.encrypt(b"", key.public(), alg="dir", enc="A256GCM", header={"kid": "two"})
    assert jwe.peek_header(given_by_key)["kid"] == "one"
    assert jwe.peek_header(given_by_caller)["kid"] == "two"


@pytest.mark.parametrize("name", "alg enc zip crit b64 epk iv tag p2s p2c jwk jku x5c x5u".split())
def test_header_of_the_caller_sets_no_member_of_ours(name):
    """Refuse to write a header member that belongs to the algorithms or that would carry a key."""
    key = encryptionkeys.from_secret(bytes(32)).public()
    with pytest.raises(ValueError, match="not the caller's"):
        jwe.encrypt(b"", key, alg="dir", enc="A256GCM", header={name: "x"})


@pytest.mark.parametrize("apu", ["=", 7, "A" * 684])
def test_bad_party_is_not_encrypted_with(apu):
    """Refuse names of the parties that are not base64url or too long to be read back."""
    with pytest.raises(ValueError, match=r"apu|base64url"):
        jwe.encrypt(b"", MATERIAL["P-256"].public(), alg="ECDH-ES", enc="A256GCM", header={"apu": apu})


def test_text_that_nobody_would_read_is_not_written():
    """Refuse to write more than 256 KiB."""
    key = encryptionkeys.from_secret(bytes(32)).public()
    with pytest.raises(ValueError, match="256 KiB"):
        jwe.encrypt(bytes(200 * 1024), key, alg="dir", enc="A256GCM")


@pytest.mark.parametrize(
    ("alg", "enc", "code"),
    [
        ("RSA1_5", "A256GCM", "forbidden-algorithm"),
        ("PBES2-HS256+A128KW", "A256GCM", "forbidden-algorithm"),
        ("none", "A256GCM", "forbidden-algorithm"),
        ("dir", "none", "forbidden-algorithm"),
        ("RSA-OAEP", "A256GCM", "encryption-key-unknown"),
        ("dir", "A128GCM", "encryption-key-unknown"),
        ("A128KW", "A128GCM", "encryption-key-unknown"),
    ],
)
def test_nothing_is_encrypted_with_what_does_not_fit(alg, enc, code):
    """Refuse an unknown algorithm, and a key of another type or length."""
    with pytest.raises(Refused) as caught:
        jwe.encrypt(b"", encryptionkeys.from_secret(bytes(32)).public(), alg=alg, enc=enc)
    assert caught.value.code == code
