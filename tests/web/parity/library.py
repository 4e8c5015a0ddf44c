"""What the library answers to the cases that the inspector's engine is asked, as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from intaglio import codec
from intaglio.dialects import believing
from intaglio.errors import IntaglioError, Misconfigured, Refused
from intaglio.protocol import meanings
from intaglio.tokens import encryptionkeys, jwe, jwk, jws, peek
from intaglio.tokens.sharedsecret import SharedSecret
from intaglio.validate import policy, validator
from intaglio.validate.policy import Expectation, Occasion

Case = dict[str, Any]


def _expectation(given: Mapping[str, Any], decryption: object) -> Expectation:
    rules = believing.rules(given.get("dialect", "standard"))
    secret = None if given.get("secret") is None else SharedSecret(given["secret"])
    usual = (policy.SECRET_ALGORITHM,) if secret else rules.algorithms or policy.ALL_ALGORITHMS

    def several(name: str) -> Any:
        value = given.get(name)
        return tuple(value) if isinstance(value, list) else value

    return Expectation(
        several("issuer"),
        policy.UNSAFE_ANY_AUDIENCE if given["audience"] is None else several("audience"),
        leeway=given.get("leeway", rules.leeway),
        algorithms=several("algorithms") or usual,
        also=several("also") or (),
        authorized_parties=several("authorized_parties"),
        organization=given.get("organization"),
        emails=several("emails"),
        secret=secret,
        decryption=decryption,  # type: ignore[arg-type]
        require_encrypted=given.get("require_encrypted", False),
        rules=rules,
    )


def _check(case: Case) -> Case:
    keys = None if case["keys"] is None else jwk.read_set(case["keys"])
    decryption = None if case["decryption"] is None else encryptionkeys.read_private_set(case["decryption"])
    expectation = _expectation(case["expectation"], decryption)
    occasion = Occasion(**case["occasion"])
    report = validator.check(case["token"], expectation, keys, case["now"], occasion, skew=case["skew"])
    return {"report": report.to_dict(), "text": report.to_text()}


def _peek(case: Case) -> Case:
    seen = peek.peek(case["token"])
    header, payload = (
        None if part is None else codec.encode_json(part).decode() for part in (seen.header, seen.payload)
    )
    told = {"kind": seen.kind, "parts": seen.parts, "problems": seen.problems, "text": seen.text}
    return {**told, "header": header, "payload": payload}


def _jws(case: Case) -> Case:
    verified = jws.verify(case["token"], jwk.read_set(case["keys"]), algorithms=case["algorithms"])
    return {"payload": list(verified.payload)}


def _jwe(case: Case) -> Case:
    keys = encryptionkeys.read_private_set(case["keys"])
    found = jwe.decrypt(case["token"], keys)
    return {"plaintext": list(found.plaintext), "alg": found.alg, "enc": found.enc, "skipped": list(keys.skipped)}


def _keys(case: Case) -> Case:
    found = jwk.read_set(case["keys"])
    usable = [sorted(key.usable_for) for key in found.keys]
    return {"kids": [key.kid for key in found.keys], "usable": usable, "skipped": list(found.skipped)}


def _decryption(case: Case) -> Case:
    given = case["keys"]
    if isinstance(given, str):
        found = encryptionkeys.DecryptionKeys((encryptionkeys.from_pem(given),))
    else:
        found = encryptionkeys.read_private_set(given)
    usable = [sorted(key._usable_for) for key in found.keys]
    return {"kids": [key.kid for key in found.keys], "usable": usable, "skipped": list(found.skipped)}


def _json(case: Case) -> Case:
    return {"json": codec.encode_json(codec.decode_json(bytes(case["octets"]))).decode()}


def _discovery(case: Case) -> Case:
    return {"uri": believing.discovery_uri(case["issuer"], believing.rules(case["dialect"]))}


def _guess(case: Case) -> Case:
    return {"dialect": believing.guess(case["payload"])}


def _tables(case: Case) -> Case:
    sets = {name: json.loads(codec.encode_json(believing.rules(name))) for name in believing.DIALECTS}
    own = set().union(*(believing.instants(name) for name in believing.DIALECTS))
    named = [{"name": name, "title": rules["title"]} for name, rules in sets.items()]
    return {"dialects": named, "rules": sets, "instants": sorted(meanings.INSTANTS | own)}


def _meaning(case: Case) -> Case:
    claim = case["claim"]
    told = [
        {"dialect": name, "title": believing.rules(name).title, "sentence": believing.meanings(name)[claim]}
        for name in believing.DIALECTS
        if claim in believing.meanings(name)
    ]
    return {"meanings": told or [{"dialect": "", "title": "", "sentence": meanings.meaning(claim)}]}


ANSWERS: dict[str, Callable[[Case], Case]] = {
    "check": _check,
    "peek": _peek,
    "jws": _jws,
    "jwe": _jwe,
    "keys": _keys,
    "decryption": _decryption,
    "json": _json,
    "discovery": _discovery,
    "guess": _guess,
    "tables": _tables,
    "meaning": _meaning,
}


def answer(case: Case) -> Case:
    """Return what the library says to a case; refusals by their code, rule and hint."""
    try:
        return ANSWERS[case["kind"]](case)
    except codec.CodecError as fault:
        return {"fault": str(fault)}
    except (Refused, Misconfigured) as refusal:
        return refused(refusal)


def refused(refusal: IntaglioError) -> Case:
    """Return a refusal as both sides tell it; the page has the public text of a misconfiguration as its rule."""
    rule = refusal.public if isinstance(refusal, Misconfigured) else refusal.detail.get("rule")
    told = {name: refusal.detail.get(name) for name in ("received", "expected", "name")}
    return {"code": refusal.code, "hint": refusal.hint, "rule": rule, **told}
