"""Wycheproof's JOSE vectors decide as our reader and verifier do, but for a list of exceptions with reasons."""

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
FILES = ("json_web_signature_test", "json_web_crypto_test", "json_web_key_test")
ALL = tuple(algorithms.ALGORITHMS)
MISNAMED = "the key's alg is ES521, which no registry has; keys of unknown algorithms are skipped"
ONE_ALGORITHM = "the key's alg is PS256 and the token's PS384; a key is for one algorithm"
FOREIGN = "a `?` inside base64url (RFC 7515 section 2 has no such character), and the MAC is not over that text"
# By rule: algorithms that are left out on purpose.
UNSUPPORTED = {"HS384": "HS256 is the one algorithm with a shared secret", "HS512": "as HS384"}
# Vectors that Wycheproof calls valid and we refuse: (file, tcId) to the reason.
REFUSED_THOUGH_VALID = {
    ("json_web_signature_test", 347): MISNAMED,
    ("json_web_signature_test", 351): MISNAMED,
    ("json_web_signature_test", 346): ONE_ALGORITHM,
    ("json_web_signature_test", 350): ONE_ALGORITHM,
    ("json_web_signature_test", 372): FOREIGN,
    ("json_web_signature_test", 373): FOREIGN,
}
# Vectors that Wycheproof calls invalid and we accept: (file, tcId) to the valid vector with the very same text. The
# padding that their comments speak of is missing from the file; `test_padding_that_the_vectors_lost` has it.
SAME_AS_VALID = {("json_web_signature_test", 367): 357, ("json_web_signature_test", 370): 357}


def _vectors():
    if FOLDER is None:
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="INTAGLIO_VECTORS names no folder of vectors"))]
    found = []
    for name in FILES:
        document = json.loads((pathlib.Path(FOLDER) / "wycheproof" / f"{name}.json").read_text())
        for group in document["testGroups"]:
            for vector in group["tests"]:
                if "jws" in vector:
                    case = f"{name}-{vector['tcId']}-{vector['comment']}"
                    found.append(pytest.param(name, {**vector, "group": group}, id=case))
    return found


def _private(group):
    private = group.get("private") or {}
    return private.get("keys", [private])


def _keys(group):
    published = group.get("public")
    if published is None:
        # Groups of shared secrets hold nothing that could be published.
        return jwk.KeySet(())
    return jwk.read_set(published if "keys" in published else {"keys": [published]})


def _secret(text, group):
    """Return the secret of the client that the token names, None where there is none or it is not clear which."""
    keys = _private(group)
    if any(key.get("kty") != "oct" or key.get("alg") not in algorithms.KEYED for key in keys):
        return None
    named = [key for key in keys if len(keys) == 1 or key["kid"] == jws.peek_kid(text)]
    return SharedSecret(codec.decode_base64url(named[0]["k"])) if len(named) == 1 else None


def _accepts(text, group) -> bool:
    try:
        if "public" in group:
            jws.verify(text, _keys(group), algorithms=ALL)
        else:
            secret = _secret(text, group)
            if secret is None:
                return False
            jws.verify_with_secret(text, secret)
    except Refused:
        return False
    return True


def _verify_the_other_way(text, group):
    if "public" in group:
        jws.verify_with_secret(text, SharedSecret(bytes(32)))
    else:
        jws.verify(text, _keys(group), algorithms=(*ALL, *algorithms.KEYED))


@capability("vectors-wycheproof", witness="Wycheproof")
@pytest.mark.parametrize(("name", "vector"), _vectors())
def test_wycheproof_vector_is_decided_alike(name, vector):
    """Accept what Wycheproof calls valid and refuse what it calls invalid, but for the listed exceptions."""
    group = vector["group"]
    text = vector["jws"] if isinstance(vector["jws"], str) else json.dumps(vector["jws"])
    unsupported = any(key.get("alg") in UNSUPPORTED for key in _private(group))
    case = (name, vector["tcId"])
    valid = vector["result"] == "valid" and not unsupported and case not in REFUSED_THOUGH_VALID
    valid = valid or case in SAME_AS_VALID
    assert _accepts(text, group) is valid
    # Whatever a shared secret signs is refused where key pairs are checked, and the other way round.
    with pytest.raises(Refused):
        _verify_the_other_way(text, group)


@pytest.mark.skipif(FOLDER is None, reason="INTAGLIO_VECTORS names no folder of vectors")
def test_every_exception_excuses_something():
    """Keep no exception for a vector that is not what the exception says."""
    found = {(name, vector["tcId"]): vector for name, vector in (each.values for each in _vectors())}
    assert all(found[case]["result"] == "valid" for case in REFUSED_THOUGH_VALID)
    for (name, number), twin in SAME_AS_VALID.items():
        assert found[name, number]["result"] == "invalid"
        assert found[name, twin]["result"] == "valid"
        assert found[name, number]["jws"] == found[name, twin]["jws"]


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("padding", ["=", "=="])
def test_padding_that_the_vectors_lost(part, padding):
    """Refuse padding in any part, with a MAC over the padded text."""
    secret = SharedSecret(bytes(32))
    parts = jws.sign(secret, {}, b"Test").split(".")
    parts[part] += padding
    if part < 2:
        parts[2] = codec.encode_base64url(secret.mac(".".join(parts[:2]).encode()))
    with pytest.raises(Refused) as refusal:
        jws.verify_with_secret(".".join(parts), secret)
    assert refusal.value.code == "token-malformed"
