"""Wycheproof's encryption vectors decide as our decryption does, but for a list of exceptions with reasons."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import encryptionkeys, jwe
from tests.capability import capability

FOLDER = os.environ.get("INTAGLIO_VECTORS")
FILES = ("json_web_encryption_test", "json_web_crypto_test")
KEY_FILES = (*FILES, "json_web_key_test", "json_web_signature_test")
RSA1_5 = "RSA1_5 is refused by design"
# Vectors that Wycheproof calls valid and we refuse: (file, tcId) to the reason.
REFUSED_THOUGH_VALID = {
    **{("json_web_encryption_test", number): RSA1_5 for number in (100, 101, 102, 103, 104, 105, 112, 128)},
    ("json_web_encryption_test", 135): "compressed; zip is refused by design",
}
CODES = {
    "token-malformed",
    "header-unsupported",
    "forbidden-algorithm",
    "decryption-key-unknown",
    "decryption-failed",
}


def _document(name):
    return json.loads((pathlib.Path(FOLDER) / "wycheproof" / f"{name}.json").read_text())


def _vectors():
    if FOLDER is None:
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="INTAGLIO_VECTORS names no folder of vectors"))]
    return [
        pytest.param(name, {**vector, "private": group["private"]}, id=f"{name}-{vector['tcId']}-{vector['comment']}")
        for name in FILES
        for group in _document(name)["testGroups"]
        for vector in group["tests"]
        if "jwe" in vector
    ]


def _decrypt(vector):
    text = vector["jwe"] if isinstance(vector["jwe"], str) else json.dumps(vector["jwe"])
    private = vector["private"]
    document = private if "keys" in private else {"keys": [private]}
    return jwe.decrypt(text, encryptionkeys.read_private_set(document))


@capability("vectors-wycheproof", witness="Wycheproof")
@pytest.mark.parametrize(("name", "vector"), _vectors())
def test_wycheproof_vector_is_decided_alike(name, vector):
    """Decrypt what Wycheproof calls valid, refuse what it calls invalid, but for the listed exceptions."""
    if vector["result"] == "valid" and (name, vector["tcId"]) not in REFUSED_THOUGH_VALID:
        found = _decrypt(vector)
        assert "pt" not in vector or found.plaintext.hex() == vector["pt"]
        return
    with pytest.raises(Refused) as caught:
        _decrypt(vector)
    assert caught.value.code in CODES


def test_every_exception_is_a_valid_vector():
    """List no exception for a vector that does not exist or that Wycheproof refuses as well."""
    if FOLDER is None:
        pytest.skip("INTAGLIO_VECTORS names no folder of vectors")
    valid = {(p.values[0], p.values[1]["tcId"]) for p in _vectors() if p.values[1]["result"] == "valid"}
    assert REFUSED_THOUGH_VALID.keys() <= valid
    assert len(_vectors()) > 150


def test_no_signing_key_decrypts_or_is_encrypted_to():
    """Read none of Wycheproof's signing keys as a key for encryption, private or public."""
    if FOLDER is None:
        pytest.skip("INTAGLIO_VECTORS names no folder of vectors")
    count = 0
    for group in (group for name in KEY_FILES for group in _document(name)["testGroups"]):
        for half, read in (("private", encryptionkeys.read_private), ("public", encryptionkeys.read_public)):
            published = group.get(half) or {"keys": []}
            for members in published.get("keys", [published]):
                if members.get("use") == "sig":
                    count += 1
                    with pytest.raises(Refused):
                        read(members)
    assert count > 50


def test_key_of_the_bad_generator_is_refused_in_every_form():
    """Refuse the RSA key that can be factored, as a JWK and as PEM (CVE-2017-15361)."""
    if FOLDER is None:
        pytest.skip("INTAGLIO_VECTORS names no folder of vectors")
    groups = (group for group in _document("json_web_crypto_test")["testGroups"] if "roca" in group.get("comment", ""))
    members = {name: value for name, value in next(groups)["private"].items() if name not in ("alg", "use", "kid")}
    number = {name: int.from_bytes(codec.decode_base64url(members[name])) for name in "n e d p q dp dq qi".split()}
    public = rsa.RSAPublicNumbers(number["e"], number["n"])
    private = rsa.RSAPrivateNumbers(
        *(number[name] for name in "p q d dp dq qi".split()), public_numbers=public
    ).private_key()
    form = serialization.PrivateFormat.PKCS8
    text = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    for read, given in ((encryptionkeys.read_private, members), (encryptionkeys.from_pem, text)):
        with pytest.raises(Refused) as caught:
            read(given)
        assert "CVE-2017-15361" in caught.value.detail["rule"]
