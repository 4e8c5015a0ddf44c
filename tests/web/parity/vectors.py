"""The cases of Wycheproof, of RFC 7520, of the standards' own examples and of a vendor's samples."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterable, Iterator

from intaglio.dialects import believing
from intaglio.tokens import algorithms, jwk
from tests.tokens import test_jwe_rfc, test_rfc, test_standards_examples
from tests.web.parity import cases
from tests.web.parity.library import Case
from tests.web.parity.tokens import GUEST, TENANT, case

FOLDER = os.environ.get("INTAGLIO_VECTORS")


def sampled(samples: Iterable[str]) -> Iterator[Case]:
    """Make checks of a vendor's samples under every dialect."""
    for text in samples:
        for issuer in (f"https://sts.windows.net/{GUEST}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"):
            for dialect in believing.DIALECTS:
                expectation = {"issuer": issuer, "audience": "6cb04018-a3f5-46a7-b995-940c78f5aef3", "dialect": dialect}
                yield case(text, expectation, now=1536274800)
        yield from ({"kind": "peek", "token": wrapped} for wrapped in cases.wrapped(text))


def printed() -> Iterator[Case]:
    """Make the cases of the examples that the standards print."""
    every, examples = list(algorithms.ALGORITHMS), test_standards_examples
    for text, members in (
        (test_rfc.JWS_A2, {"kty": "RSA", "n": test_rfc.N_A2, "e": "AQAB"}),
        (test_rfc.JWS_A3, test_rfc.EC_A3),
        (test_rfc.JWS_8037, test_rfc.ED_8037),
        (test_rfc.HS256_7519, test_rfc.EC_A3),
        (f"eyJhbGciOiJub25lIn0.{test_rfc.BODY}.", test_rfc.EC_A3),
        *((text, examples.OP) for text in (examples.TOKEN_A2, examples.TOKEN_A3, examples.TOKEN_A4, examples.TOKEN_A6)),
    ):
        keys = {"keys": [members]}
        yield {"kind": "jws", "token": text, "keys": keys, "algorithms": every}
        yield {"kind": "peek", "token": text}
        yield case(text, {"issuer": "joe", "audience": None, "dialect": "standard"}, keys=keys, now=1300819000)
    expectation = {"issuer": "https://server.example.com", "audience": "s6BhdRkqt3", "dialect": "standard"}
    came = {"nonce": "n-0S6_WzA2Mj", "access_token": examples.ACCESS_TOKEN, "code": examples.CODE}
    for text in (examples.TOKEN_A2, examples.TOKEN_A3, examples.TOKEN_A4, examples.TOKEN_A6):
        for occasion in ({}, came, {name: came[name] for name in ("nonce", "access_token")}):
            yield case(text, expectation, keys={"keys": [examples.OP]}, now=1311281000, occasion=occasion)
    yield {"kind": "jwe", "token": test_jwe_rfc.JWE_A1, "keys": test_jwe_rfc.RSA_A1}
    yield {"kind": "jwe", "token": test_jwe_rfc.JWE_A3, "keys": test_jwe_rfc.OCT_A3}


def _wycheproof(name: str) -> list[Case]:
    assert FOLDER is not None
    document = json.loads((pathlib.Path(FOLDER) / "wycheproof" / f"{name}.json").read_text())
    return [{**each, "group": group} for group in document["testGroups"] for each in group["tests"]]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_set(found: Case) -> Case:
    return found if "keys" in found else {"keys": [found]}


def vectors() -> Iterator[Case]:
    """Make the cases of Wycheproof and of RFC 7520."""
    for name in ("json_web_signature_test", "json_web_crypto_test", "json_web_key_test", "json_web_encryption_test"):
        for each in _wycheproof(name):
            group = each["group"]
            if "jws" in each and group.get("public"):
                keys, every = _as_set(group["public"]), list(algorithms.ALGORITHMS)
                yield {"kind": "jws", "token": _text(each["jws"]), "keys": keys, "algorithms": every}
                expectation = {"issuer": "https://issuer.example", "audience": None}
                yield case(_text(each["jws"]), expectation, keys=keys) | {"may_refuse_keys": True}
                yield {"kind": "keys", "keys": keys}
            if "jwe" in each:
                yield {"kind": "jwe", "token": _text(each["jwe"]), "keys": _as_set(group["private"])}
            yield {"kind": "peek", "token": _text(each.get("jws", each.get("jwe", "")))}
    yield from _cookbook()


def _cookbook() -> Iterator[Case]:
    assert FOLDER is not None
    folder = pathlib.Path(FOLDER) / "cookbook"
    for path in (*sorted((folder / "jwe").glob("*.json")), folder / "curve25519" / "ecdh-es.json"):
        example = json.loads(path.read_text())
        key = example["input"].get("key")
        text = example["output"].get("compact") or json.dumps(example["output"]["json"])
        keys = {"keys": [key]} if isinstance(key, dict) else {"keys": []}
        yield {"kind": "jwe", "token": text, "keys": keys}
        yield {"kind": "peek", "token": text}
    for path in sorted((folder / "jws").glob("*.json")):
        example = json.loads(path.read_text())
        text = example["output"].get("compact") or json.dumps(example["output"]["json"])
        key = example["input"].get("key")
        private = {} if not isinstance(key, dict) else key
        public = {name: value for name, value in private.items() if name not in jwk.PRIVATE_MEMBERS}
        yield {"kind": "jws", "token": text, "keys": {"keys": [public]}, "algorithms": list(algorithms.ALGORITHMS)}
        yield {"kind": "peek", "token": text}
