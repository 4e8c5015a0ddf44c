"""RFC 7520 section 5, section 6 and the Curve25519 example decide as our decryption does, but for listed exceptions."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from intaglio.errors import Refused
from intaglio.tokens import encryptionkeys, jwe
from tests.capability import capability

FOLDER = os.environ.get("INTAGLIO_VECTORS")
NESTED = "6.nesting_signatures_and_encryption"
JSON_ONLY = "JSON serialization alone; only the compact one is read"
# Examples that are refused, to the code and the reason.
REFUSED = {
    "5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2": ("forbidden-algorithm", "RSA1_5 is refused by design"),
    "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2": (
        "forbidden-algorithm",
        "PBES2 is refused by design",
    ),
    "5_9.compressed_content": ("header-unsupported", "zip is refused by design"),
    "5_10.including_additional_authentication_data": ("token-malformed", JSON_ONLY),
    "5_11.protecting_specific_header_fields": ("token-malformed", JSON_ONLY),
    "5_12.protecting_content_only": ("token-malformed", JSON_ONLY),
    "5_13.encrypting_to_multiple_recipients": ("token-malformed", JSON_ONLY),
}
EVERY_KEY = {
    "keys": [
        {"kty": "oct", "kid": f"any-{octets}", "k": "A" * (octets * 4 // 3 + (1 if octets % 3 else 0))}
        for octets in (24, 48)
    ]
}


def _read(path):
    document = json.loads(path.read_text())
    return document["encrypt"] if path.stem == NESTED else document


def _examples():
    if FOLDER is None:
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="INTAGLIO_VECTORS names no folder of vectors"))]
    folder = pathlib.Path(FOLDER) / "cookbook"
    paths = [
        *sorted((folder / "jwe").glob("*.json")),
        folder / f"{NESTED}.json",
        folder / "curve25519" / "ecdh-es.json",
    ]
    return [pytest.param(path.stem, _read(path), id=path.stem) for path in paths]


def _keys(example):
    members = example["input"].get("key")
    if not isinstance(members, dict):
        return encryptionkeys.read_private_set(EVERY_KEY)
    return encryptionkeys.read_private_set({"keys": [members, *EVERY_KEY["keys"]]})


@capability("vectors-rfc7520", witness="RFC 7520")
@pytest.mark.parametrize(("name", "example"), _examples())
def test_example_is_decided_as_listed(name, example):
    """Decrypt the compact form to the plaintext that is printed, or refuse it with the code that is listed."""
    text = example["output"].get("compact") or json.dumps(example["output"]["json"])
    if name in REFUSED:
        with pytest.raises(Refused) as caught:
            jwe.decrypt(text, _keys(example))
        assert caught.value.code == REFUSED[name][0]
        return
    found = jwe.decrypt(text, _keys(example))
    assert found.plaintext.decode() == example["input"]["plaintext"]
    assert (found.alg, found.enc) == (example["input"]["alg"], example["input"]["enc"])


@pytest.mark.parametrize(("name", "example"), [each for each in _examples() if each.values[0] not in REFUSED])
def test_example_can_be_encrypted_again(name, example):
    """Encrypt the printed plaintext to the printed key, and decrypt it with that key."""
    given = example["input"]
    key = encryptionkeys.read_private(given["key"])
    text = jwe.encrypt(given["plaintext"].encode(), key.public(), alg=given["alg"], enc=given["enc"])
    assert jwe.decrypt(text, encryptionkeys.DecryptionKeys([key])).plaintext.decode() == given["plaintext"]


def test_every_exception_is_an_example():
    """List no exception for an example that does not exist."""
    if FOLDER is None:
        pytest.skip("INTAGLIO_VECTORS names no folder of vectors")
    assert REFUSED.keys() <= {parameters.values[0] for parameters in _examples()}
    assert len(_examples()) == 15
