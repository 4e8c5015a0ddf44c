"""Cases at the edge of single rules, which chance would seldom find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intaglio import codec
from intaglio.tokens import encryptionkeys, jwe, jwe_content, jwe_keys, jwk, jws, peek, schemes
from tests.web.parity import tokens
from tests.web.parity.library import Case
from tests.web.parity.tokens import GOOD, GUEST, NOW, TENANT, Raw, case, published, signing, token

INSTANTS = (
    f"{NOW}.0 {NOW}.5 {NOW}.9999999 {NOW}.99999949 1e3 1.7e9 -0 -0.0 -1 -1.0000005 -1.5 0.5 1.9999995 1.0000005"
    " 2.5e-7 1e300 9007199254740991 9007199254740992 9007199254740991.0 253402300799 253402300799.9999999 253402300800"
    " -62135596800 -62135596801 -62135596800.5 -30000000000 100000000000000000000"
).split()


def _with(dialect: str, more: Case, **changes: Any) -> Iterator[Case]:
    alg, claims, expectation = GOOD[dialect]
    keys = more.pop("keys", published("ES256", "RS256"))
    yield case(token(alg, {**claims, **changes}), expectation | more, keys=keys)


def _times() -> Iterator[Case]:
    for claim in ("exp", "iat", "nbf", "auth_time"):
        for text in INSTANTS:
            yield from _with("standard", {}, **{claim: Raw(text)})
    for leeway in (0, 60):
        for apart in (-1, 0, 1):
            yield from _with("standard", {"leeway": leeway}, exp=NOW - leeway + apart)
            yield from _with("standard", {"leeway": leeway}, iat=NOW + leeway + apart)
            yield from _with("standard", {"leeway": leeway}, nbf=NOW + leeway + apart)
    for lifetime in (86_399, 86_400, 86_401):
        yield from _with("google", {}, iat=NOW, exp=NOW + lifetime)


def _parties() -> Iterator[Case]:
    for dialect in GOOD:
        for also in ([], ["client-3"]):
            for azp in ("client-1", "client-3", "client-4", ""):
                yield from _with(dialect, {"also": also}, aud=["client-1", "client-3"], azp=azp)
            yield from _with(dialect, {"also": also}, aud=["client-1", "client-3"])
            yield from _with(dialect, {"audience": None, "also": also}, aud=["client-1", "client-3"], azp="x")
        yield from _with(dialect, {}, events={peek.LOGOUT_EVENT: {}})
        yield from _with(dialect, {}, events={"other": {}})
        yield from _with(dialect, {}, events=None)
        yield from _with(dialect, {}, sub="x" * 255)
        yield from _with(dialect, {}, sub="x" * 256)


def _owners() -> Iterator[Case]:
    key = published("RS256")["keys"][0]
    for of in ("{tenantid}", TENANT, GUEST):
        for issuer in ("{tenantid}", TENANT):
            expected = f"https://login.microsoftonline.com/{issuer}/v2.0"
            owned = {"keys": [{**key, "issuer": f"https://login.microsoftonline.com/{of}/v2.0"}]}
            yield from _with("microsoft", {"issuer": expected, "keys": owned})
            yield from _with("microsoft", {"issuer": expected, "keys": owned}, tid=GUEST)


def _candidates() -> Iterator[Case]:
    others = [jwk.public_members(signing("ES256", number).public()) for number in range(1, 13)]
    ours = jwk.public_members(signing("ES256").public())
    alg, claims, expectation = GOOD["standard"]
    empty = token(alg, claims, kid="")
    for keys in ([*others[:9], ours], [*others[:10], ours], [ours, *others]):
        yield case(token(alg, claims), expectation, keys={"keys": [{**key, "kid": "ES256"} for key in keys]})
        yield case(empty, expectation, keys={"keys": [{**key, "kid": ""} for key in keys]})
        yield case(_unnamed(claims), expectation, keys={"keys": keys})
    kids = {"keys": [{**ours, "kid": f"kid-{number}"} for number in range(25)]}
    yield case(token(alg, claims), expectation, keys=kids)


def _unnamed(claims: Case) -> str:
    return jws.sign(signing("ES256"), {}, codec.encode_json(claims))


def _signatures() -> Iterator[Case]:
    keys = published("ES256", "ES384", "ES512", "RS256", "EdDSA")
    for alg, curve in (("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521"), ("RS256", ""), ("EdDSA", "")):
        signed, _, last = token(alg, b"{}").rpartition(".")
        good, order = codec.decode_base64url(last), schemes.ORDERS.get(curve, b"")
        half, size = len(good) // 2, len(good)
        made = [
            good,
            bytes(size),
            good[:half] + bytes(half),
            bytes(half) + good[half:],
            good[:-1],
            good + b"\0",
            b"\0" + good,
            b"",
        ]
        made += [
            order + good[half:],
            good[:half] + order,
            order + order,
            b"\xff" * size,
            good[:-1] + bytes((good[-1] ^ 1,)),
        ]
        for signature in made:
            text = f"{signed}.{codec.encode_base64url(signature)}"
            yield {
                "kind": "jws",
                "token": text,
                "keys": keys,
                "algorithms": ["ES256", "ES384", "ES512", "RS256", "EdDSA"],
            }


def _sealed(kind: str, alg: str, enc: str, *, epk: Case | None = None, **header: object) -> str:
    """Return a text as no sender should make it: with other members in its header, or in `epk`."""
    key = encryptionkeys.read_private(tokens.decryption_key(kind)).public()
    algorithm, encryption = jwe_keys.find(alg), jwe_content.find(enc)
    members = {"alg": alg, "enc": enc, **header}
    wrapped = jwe_keys.wrap(algorithm, encryption, key.recipient, members)
    made = {**members, **wrapped.members}
    if epk is not None:
        made["epk"] = {**made["epk"], **epk}
    protected = codec.encode_base64url(codec.encode_json(made))
    sealed = jwe_content.encrypt(encryption, wrapped.cek, b"content", protected.encode())
    parts = (wrapped.encrypted_key, sealed.iv, sealed.body, sealed.tag)
    return ".".join((protected, *map(codec.encode_base64url, parts)))


def _envelopes() -> Iterator[Case]:
    p256 = tokens.decryption_key("P-256")
    for alg in ("ECDH-ES", "ECDH-ES+A128KW"):
        for epk in ({}, {"kid": "x"}, {"d": "AA"}, {"crv": "P-384"}, {"kty": "OKP"}, {"y": "AA"}):
            yield {"kind": "jwe", "token": _sealed("P-256", alg, "A128GCM", epk=epk), "keys": p256}
        for party in ("", "QUJD", codec.encode_base64url(bytes(512))):
            yield {"kind": "jwe", "token": _sealed("P-256", alg, "A128GCM", apu=party, apv=party), "keys": p256}
        for more in (
            {"cty": "JWT"},
            {"crit": []},
            {"zip": "DEF"},
            {"b64": True},
            {"kid": "x"},
            {"kid": 1},
            {"x": "a" * 9000},
        ):
            text = _sealed("P-256", alg, "A128GCM", **more)
            for keys in (p256, {**p256, "kid": "x"}, {**p256, "kid": "y"}, {"keys": [{**p256, "kid": "x"}, p256]}):
                yield {"kind": "jwe", "token": text, "keys": keys}
    secret = {"kty": "oct", "k": codec.encode_base64url(bytes(16))}
    direct = jwe.encrypt(b"content", encryptionkeys.read_private(secret).public(), alg="dir", enc="A128GCM")
    agreed = _sealed("P-256", "ECDH-ES", "A128GCM")
    for text, key in ((direct, secret), (agreed, p256)):
        yield {"kind": "jwe", "token": text.replace("..", ".QUJD."), "keys": key}
        yield {"kind": "jwe", "token": text[:-1], "keys": key}
        yield {"kind": "jwe", "token": text + ".", "keys": key}
    for enc in jwe_content.ENCRYPTIONS:
        if "192" not in enc:
            yield from _cut(_sealed("P-256", "ECDH-ES+A128KW", enc), p256)
    yield from _cut(_sealed("RSA", "RSA-OAEP", "A128GCM"), tokens.decryption_key("RSA"))


def _cut(text: str, key: Case) -> Iterator[Case]:
    """Make each part a little shorter, and each bit of the tag another in turn."""
    parts = text.split(".")
    for at in range(1, 5):
        octets = codec.decode_base64url(parts[at])
        for other in (
            octets[:-1],
            octets + b"\0",
            b"",
            bytes((octets[0] ^ 128,)) + octets[1:],
            octets[:-1] + bytes((octets[-1] ^ 1,)),
        ):
            changed = [*parts[:at], codec.encode_base64url(other), *parts[at + 1 :]]
            yield {"kind": "jwe", "token": ".".join(changed), "keys": key}


def edges() -> Iterator[Case]:
    """Make all of them."""
    for make in (_times, _parties, _owners, _candidates, _signatures, _envelopes):
        yield from make()
