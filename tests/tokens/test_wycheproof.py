"""Wycheproof's JOSE vectors decide as our reader and verifier do, but for a list of exceptions with reasons."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk, jws

FOLDER = os.environ.get("INTAGLIO_VECTORS")
FILES = ("json_web_signature_test", "json_web_crypto_test", "json_web_key_test")
SHARED_SECRET = "an algorithm with a shared secret, which asymmetric keys must never be used with"
MISNAMED = "the key's alg is ES521, which no registry has; keys of unknown algorithms are skipped"
# Vectors that Wycheproof calls valid and we refuse: (file, tcId) to the reason.
REFUSED_THOUGH_VALID = {
    ("json_web_signature_test", 347): MISNAMED,
    ("json_web_signature_test", 351): MISNAMED,
    ("json_web_signature_test", 346): "the key's alg is PS256 and the token's PS384; a key is for one algorithm",
    ("json_web_signature_test", 350): "the key's alg is PS256 and the token's PS384; a key is for one algorithm",
}


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


def _keys(group):
    published = group.get("public")
    if published is None:
        # Groups of shared secrets hold nothing that could be published; what they sign must be refused.
        return jwk.KeySet(())
    return jwk.read_set(published if "keys" in published else {"keys": [published]})


def _accepts(vector) -> bool:
    try:
        text = vector["jws"] if isinstance(vector["jws"], str) else json.dumps(vector["jws"])
        jws.verify(text, _keys(vector["group"]), algorithms=tuple(algorithms.ALGORITHMS))
    except Refused:
        return False
    return True


def _is_shared_secret(vector) -> bool:
    private = vector["group"].get("private") or {}
    keys = private.get("keys", [private])
    return "public" not in vector["group"] and any(key.get("kty") == "oct" for key in keys)


@pytest.mark.parametrize(("name", "vector"), _vectors())
def test_wycheproof_vector_is_decided_alike(name, vector):
    """Accept what Wycheproof calls valid and refuse what it calls invalid, but for the listed exceptions."""
    valid = vector["result"] == "valid"
    if _is_shared_secret(vector) or (name, vector["tcId"]) in REFUSED_THOUGH_VALID:
        valid = False
    assert _accepts(vector) is valid
