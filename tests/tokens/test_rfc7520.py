"""The signatures of RFC 7520, RFC 8037 and RFC 7797 are decided as printed, but for listed exceptions."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk, jws
from intaglio.tokens.sharedsecret import SharedSecret
from tests.capability import capability

FOLDER = os.environ.get("INTAGLIO_VECTORS")
FOLDERS = ("jws", "curve25519", "rfc7797")
PRIVATE = {*jwk.PRIVATE_MEMBERS}
# Compact examples that are refused: file to (code, reason).
REFUSED = {
    "4_5.signature_with_detached_content": (
        "signature-invalid",
        "the payload is detached; an ID token carries its own",
    ),
    "hmac-sha2_b64_false": ("header-unsupported", "b64 and crit: an ID token's payload is encoded"),
}


def _skipped():
    return [pytest.param(None, marks=pytest.mark.skip(reason="INTAGLIO_VECTORS names no folder of vectors"))]


def _is_signed(example, form):
    return "signing" in example and form in example["output"]


def _examples(form):
    if FOLDER is None:
        return _skipped()
    files = [file for name in FOLDERS for file in sorted((pathlib.Path(FOLDER) / "cookbook" / name).glob("*.json"))]
    read = [(file.stem, json.loads(file.read_text())) for file in files]
    return [pytest.param((stem, example), id=stem) for stem, example in read if _is_signed(example, form)]


def _keys():
    if FOLDER is None:
        return _skipped()
    files = sorted((pathlib.Path(FOLDER) / "cookbook" / "jwk").glob("*.json"))
    return [pytest.param(json.loads(file.read_text()), id=file.stem) for file in files]


def _check(text, members):
    if members["kty"] == "oct":
        return jws.verify_with_secret(text, SharedSecret(codec.decode_base64url(members["k"])))
    public = {name: value for name, value in members.items() if name not in PRIVATE}
    return jws.verify(text, jwk.read_set({"keys": [public]}), algorithms=tuple(algorithms.ALGORITHMS))


@capability("vectors-rfc7520", witness="RFC 7520")
@pytest.mark.parametrize("example", _examples("compact"))
def test_compact_example(example):
    """Believe the compact examples, but for those that are listed."""
    name, document = example
    given, text = document["input"], document["output"]["compact"]
    if name in REFUSED:
        with pytest.raises(Refused) as refusal:
            _check(text, given["key"])
        assert refusal.value.code == REFUSED[name][0]
    else:
        assert _check(text, given["key"]).payload == given["payload"].encode()


@pytest.mark.parametrize("form", ["json", "json_flat"])
def test_json_serialization_is_refused(form):
    """Refuse every example in JSON serialization: an ID token is compact."""
    for parameters in _examples(form):
        if parameters.values[0] is None:
            pytest.skip("INTAGLIO_VECTORS names no folder of vectors")
        _, document = parameters.values[0]
        members = document["input"]["key"]
        members = members[0] if isinstance(members, list) else members
        with pytest.raises(Refused) as refusal:
            _check(json.dumps(document["output"][form]), members)
        assert refusal.value.code == "token-malformed"


@pytest.mark.parametrize("members", _keys())
def test_key_example(members):
    """Read the public keys as they are written; refuse private and shared ones."""
    if PRIVATE & members.keys():
        with pytest.raises(Refused) as refusal:
            jwk.read(members)
        assert refusal.value.code == "malformed-key"
    else:
        key = jwk.read(members)
        assert key.kid == members["kid"]
        assert jwk.public_members(key).items() <= members.items()


@capability("vectors-rfc7520", witness="RFC 7520")
@pytest.mark.skipif(FOLDER is None, reason="INTAGLIO_VECTORS names no folder of vectors")
def test_nested_example_of_section_6():
    """Believe the signature that section 6 nests."""
    document = json.loads((pathlib.Path(FOLDER) / "cookbook" / "6.nesting_signatures_and_encryption.json").read_text())
    given, text = document["sign"]["input"], document["sign"]["output"]["compact"]
    assert codec.decode_json_object(_check(text, given["key"]).payload)["iss"] == "hobbiton.example"
