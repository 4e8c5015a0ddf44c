"""Signing and checking compact signatures."""

from __future__ import annotations

import functools
import json

import joserfc.jwk
import joserfc.jws
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import utils
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk, jws, pem
from tests.capability import capability

ALL = tuple(algorithms.ALGORITHMS)
PAYLOAD = b'{"iss":"https://issuer.example","sub":"u"}'


@functools.cache
def key(alg):
    """Return a key for the algorithm, the same one throughout the run."""
    return jwk.generate(alg)


def keys(alg, kid="k1"):
    """Return the key set that the issuer of `key(alg)` publishes."""
    return jwk.read_set({"keys": [{**jwk.public_members(key(alg).public()), "alg": alg, "kid": kid, "use": "sig"}]})


def token(alg="ES256", header=None, payload=PAYLOAD):
    """Return a good token."""
    return jws.sign(key(alg), {"kid": "k1"} if header is None else header, payload)


def forge(header, payload=PAYLOAD, signature=b"x" * 64):
    """Return a text with this header and this signature, joined by hand."""
    return ".".join(codec.encode_base64url(part) for part in (json.dumps(header).encode(), payload, signature))


def refusal(text, key_set=None, allowed=ALL):
    """Return the code with which a text is refused."""
    with pytest.raises(Refused) as caught:
        jws.verify(text, keys("ES256") if key_set is None else key_set, algorithms=allowed)
    return caught.value.code


# --- D1 1


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", " none", "none ", "", "\u200bnone"])
@pytest.mark.parametrize("signature", [b"", b"x"])
def test_d1_01_alg_none_is_refused_in_any_spelling(alg, signature):
    """Refuse tokens that say they are not signed, even where somebody allows `none`."""
    assert refusal(forge({"alg": alg}, signature=signature), allowed=(*ALL, "none")) == "forbidden-algorithm"


def test_d1_01_empty_signature_is_refused():
    """Refuse a signed token whose signature was taken off."""
    assert refusal(token().rpartition(".")[0] + ".") == "signature-invalid"


# --- D1 2


def _public_encodings():
    public = key("RS256").private.public_key()
    enc, form = serialization.Encoding, serialization.PublicFormat
    yield "pem spki", public.public_bytes(enc.PEM, form.SubjectPublicKeyInfo)
    yield "pem pkcs1", public.public_bytes(enc.PEM, form.PKCS1)
    yield "der spki", public.public_bytes(enc.DER, form.SubjectPublicKeyInfo)
    yield "der pkcs1", public.public_bytes(enc.DER, form.PKCS1)
    yield "openssh", public.public_bytes(enc.OpenSSH, form.OpenSSH)
    yield "jwk", json.dumps(jwk.public_members(key("RS256").public())).encode()


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_d1_02_public_key_is_never_a_shared_secret(alg):
    """Refuse tokens that are signed with the public key as if it were a shared secret."""
    import hashlib
    import hmac

    for name, secret in _public_encodings():
        header = codec.encode_base64url(json.dumps({"alg": alg, "kid": "k1"}).encode())
        message = f"{header}.{codec.encode_base64url(PAYLOAD)}"
        mac = hmac.new(secret, message.encode(), getattr(hashlib, f"sha{alg[2:]}")).digest()
        text = f"{message}.{codec.encode_base64url(mac)}"
        assert refusal(text, keys("RS256"), (*ALL, alg)) == "forbidden-algorithm", name


# --- D1 3


@pytest.mark.parametrize("member", ["jwk", "jku", "x5c", "x5u"])
def test_d1_03_key_in_the_header_is_never_used(member):
    """Refuse a token of a stranger that brings the stranger's key along."""
    stranger = jwk.generate("ES256")
    brought = {"jwk": jwk.public_members(stranger.public())}.get(member, ["https://stranger.example/keys"])
    assert refusal(jws.sign(stranger, {"kid": "k1", member: brought}, PAYLOAD)) == "signature-invalid"
    assert refusal(jws.sign(stranger, {member: brought}, PAYLOAD), jwk.KeySet(())) == "key-unknown"


# --- D1 4


@pytest.mark.parametrize(
    "extra", [{"crit": ["x"], "x": 1}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"b64": True}]
)
def test_d1_04_critical_extensions_are_refused(extra):
    """Refuse `crit` and `b64`, well signed or not."""
    assert refusal(token(header={"kid": "k1", **extra})) == "header-unsupported"


# --- D1 5


def _ecdsa_tampered(change):
    parts = jws.read(token())
    half = len(parts.signature) // 2
    r, s = int.from_bytes(parts.signature[:half], "big"), int.from_bytes(parts.signature[half:], "big")
    return parts.signing_input.decode() + "." + codec.encode_base64url(change(r, s))


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda r, s: bytes(64), id="r and s zero"),
        pytest.param(lambda r, s: bytes(32) + s.to_bytes(32, "big"), id="r zero"),
        pytest.param(lambda r, s: r.to_bytes(32, "big") + bytes(32), id="s zero"),
        pytest.param(lambda r, s: ORDER.to_bytes(32, "big") * 2, id="r and s the order"),
        pytest.param(lambda r, s: b"\xff" * 64, id="r and s above the order"),
        pytest.param(utils.encode_dss_signature, id="DER"),
        pytest.param(lambda r, s: b"\0" + r.to_bytes(32, "big") + s.to_bytes(32, "big"), id="an octet more"),
        pytest.param(lambda r, s: (r.to_bytes(32, "big") + s.to_bytes(32, "big"))[:-1], id="an octet less"),
        pytest.param(lambda r, s: (r.to_bytes(32, "big") + s.to_bytes(32, "big")) * 500, id="very long"),
        pytest.param(lambda r, s: b"", id="empty"),
    ],
)
def test_d1_05_ecdsa_signature_of_another_form_is_refused(change):
    """Refuse r or s of zero or beyond the order, DER, and other lengths."""
    assert refusal(_ecdsa_tampered(change)) == "signature-invalid"


# --- D1 6


def test_d1_06_key_on_another_curve_is_not_used():
    """Refuse an ES256 token where the only key is on P-384, and a set that calls such a key ES256."""
    members = {**jwk.public_members(key("ES384").public()), "kid": "k1"}
    assert refusal(token(), jwk.read_set({"keys": [members]})) == "key-unknown"
    with pytest.raises(Refused) as caught:
        jwk.read({**members, "alg": "ES256"})
    assert caught.value.code == "malformed-key"


def test_d1_06_short_rsa_key_is_refused():
    """Refuse RSA keys under 2048 bits, made or read."""
    with pytest.raises(Refused):
        jwk.generate("RS256", rsa_bits=1024)
    short = codec.encode_base64url((2**1023 + 1).to_bytes(128, "big"))
    with pytest.raises(Refused) as caught:
        jwk.read({"kty": "RSA", "n": short, "e": "AQAB"})
    assert caught.value.code == "malformed-key"


# --- D1 7


def test_d1_07_two_keys_with_one_kid_are_refused():
    """Refuse to guess between two different keys with the same kid."""
    members = [{**jwk.public_members(jwk.generate("ES256").public()), "kid": "k1"} for _ in range(1)]
    members.append({**jwk.public_members(key("ES256").public()), "kid": "k1"})
    assert refusal(token(), jwk.read_set({"keys": members})) == "key-unknown"


def test_d1_07_kid_shared_by_key_types_is_no_confusion():
    """Check with the key of the right type where another type shares the kid."""
    both = [{**jwk.public_members(key(alg).public()), "kid": "k1"} for alg in ("RS256", "ES256")]
    assert jws.verify(token(), jwk.read_set({"keys": both}), algorithms=ALL).payload == PAYLOAD


def test_d1_07_same_kid_with_a_new_key_is_refused():
    """Refuse a token of the key that had this kid before."""
    stranger = jws.sign(jwk.generate("ES256"), {"kid": "k1"}, PAYLOAD)
    assert refusal(stranger) == "signature-invalid"


@pytest.mark.parametrize("kid", ["../../k1", "k1' OR '1'='1", "%s%n{0}", "k1\x00", "k" * 40_000, "K1", "k1 "])
def test_d1_07_hostile_kid_finds_no_key(kid):
    """Look kids up as exact strings, whatever is in them."""
    assert refusal(token(header={"kid": kid})) == "key-unknown"


def test_d1_07_kid_that_is_no_string_is_malformed():
    """Refuse a kid that is a number, a list or null."""
    for kid in (1, ["k1"], None, {"k": 1}):
        assert refusal(forge({"alg": "ES256", "kid": kid})) == "token-malformed"


def test_without_kid_at_most_ten_keys_are_tried():
    """Find the key among ten without a kid, and stop there."""
    others = tuple(jwk.generate("ES256").public() for _ in range(10))
    ours, text = (key("ES256").public(),), token(header={})
    assert jws.verify(text, jwk.KeySet(others[:9] + ours), algorithms=ALL).payload == PAYLOAD
    assert refusal(text, jwk.KeySet(others + ours)) == "signature-invalid"


def test_key_of_one_algorithm_checks_no_other():
    """Refuse PS256 with a key that its owner published for RS256."""
    text = jws.sign(jwk.SigningKey("PS256", key("RS256").private), {"kid": "k1"}, PAYLOAD)
    assert refusal(text, keys("RS256")) == "key-unknown"


@pytest.mark.parametrize("members", [{"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": []}])
def test_key_for_another_use_is_not_used(members):
    """Refuse signatures by keys that are not for signatures."""
    published = {**jwk.public_members(key("ES256").public()), "kid": "k1", **members}
    assert refusal(token(), jwk.read_set({"keys": [published]})) == "key-unknown"


# --- D1 8, 9, 10


def test_d1_08_json_serialization_and_polyglots_are_refused():
    """Refuse JSON serialization, and texts that are compact and JSON at once."""
    head, body, mac = token().split(".")
    flat = json.dumps({"protected": head, "payload": body, "signature": mac})
    for text in (flat, "{}" + token(), token() + "{}", f'{{"{head}.{body}.{mac}":1}}', f'{head}.{{"payload":1}}.{mac}'):
        assert refusal(text) == "token-malformed"


def test_d1_09_encrypted_token_is_not_taken_for_a_signed_one():
    """Refuse five parts, and three parts that carry encryption's header."""
    assert refusal("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.." + "a.a.a") == "token-malformed"
    assert refusal(token(header={"kid": "k1", "enc": "A256GCM"})) == "header-unsupported"
    assert refusal(token(header={"kid": "k1", "zip": "DEF"})) == "header-unsupported"


def test_d1_10_algorithm_is_pinned():
    """Refuse a well-signed token by an algorithm that was not registered."""
    assert refusal(token(), allowed=("RS256",)) == "forbidden-algorithm"


# --- D3 22, 23


@pytest.mark.parametrize("text", ["." * 60_000, "." * 2, "", ".", "a.b", "a.b.c.d", "a" * 70_000, "é.a.a"])
def test_d3_22_wrong_number_of_parts_is_refused_at_once(text):
    """Refuse thousands of dots and other counts."""
    assert refusal(text) == "token-malformed"


def test_d3_23_oversized_token_is_refused():
    """Refuse a well-signed token of more than 64 KiB, in text and in octets."""
    text = token(payload=b"x" * 60_000)
    assert refusal(text) == "token-malformed"
    assert refusal(text.encode()) == "token-malformed"


def test_d3_23_refusals_do_not_repeat_the_token():
    """Name the rule in a refusal, never the token's text."""
    for text in (token() + "!", token(header={"kid": "k2"}), token()[:-5] + "AAAAA"):
        with pytest.raises(Refused) as caught:
            jws.verify(text, keys("ES256"), algorithms=ALL)
        told = f"{caught.value} {caught.value!r} {caught.value.detail} {caught.value.hint}"
        assert not any(part in told for part in text.split("."))


# --- the rest


def test_header_of_one_call_does_not_reach_another():
    """Hand out headers that a caller may alter without harm."""
    for header in ({"kid": "k1"}, {"kid": "k1", "x": {"y": []}}):
        text = token(header=header)
        first = jws.verify(text, keys("ES256"), algorithms=ALL)
        first.header["alg"] = "none"
        first.header.get("x", {}).clear()
        assert jws.verify(text, keys("ES256"), algorithms=ALL).header == {"alg": "ES256", **header}


def test_signer_refuses_another_algorithm_in_the_header():
    """Take the algorithm from the key alone."""
    with pytest.raises(ValueError, match="another algorithm"):
        jws.Signer(key("ES256"), {"alg": "RS256"})


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_octet_is_refused(data):
    """Refuse a token in which any one octet is another."""
    text = bytearray(token().encode())
    position = data.draw(st.integers(0, len(text) - 1))
    text[position] = data.draw(st.integers(0, 255).filter(lambda octet: octet != text[position]))
    with pytest.raises(Refused):
        jws.verify(bytes(text), keys("ES256"), algorithms=ALL)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_reader_only_refuses(text):
    """Raise nothing but a refusal for any text and any octets."""
    with pytest.raises(Refused):
        jws.verify(text, keys("ES256"), algorithms=ALL)
    assert jws.peek_kid(text) is None


# Algorithms that PyJWT does not know under these names; `test_mldsa.py` has witnesses for ML-DSA.
UNKNOWN_ELSEWHERE = ("Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
FAMILIES = {
    "RS": capability("alg-rsa", witness="PyJWT and joserfc"),
    "PS": capability("alg-rsa", witness="PyJWT and joserfc"),
    "ES": capability("alg-ecdsa", witness="PyJWT and joserfc"),
    "Ed": capability("alg-eddsa", witness="PyJWT and joserfc"),
}
ROWS = {"RS256": "id-token-rs256", "ES256": "id-token-es256", "PS256": "id-token-ps256", "EdDSA": "id-token-eddsa"}


def _sides(alg):
    # joserfc warns of the older name of Ed25519, which the issuers of today use.
    older = [pytest.mark.filterwarnings("ignore:EdDSA is deprecated")]
    witnessed = [FAMILIES[alg[:2]]]
    if alg in ROWS:
        witnessed.append(capability(ROWS[alg], witness="PyJWT and joserfc"))
    return pytest.param(alg, marks=[*older, *witnessed])


@pytest.mark.parametrize("alg", [_sides(alg) for alg in ALL if alg not in UNKNOWN_ELSEWHERE])
def test_other_libraries_believe_what_we_sign(alg):
    """Sign so that PyJWT and joserfc believe it."""
    text = token(alg, payload=b'{"sub":"u"}')
    public = key(alg).private.public_key()
    assert jwt.decode(text, public, algorithms=[alg]) == {"sub": "u"}
    known = joserfc.jwk.import_key(jwk.public_members(key(alg).public()))
    assert joserfc.jws.deserialize_compact(text, known, algorithms=[alg]).payload == b'{"sub":"u"}'


@pytest.mark.parametrize("alg", [_sides(alg) for alg in ALL if alg not in UNKNOWN_ELSEWHERE])
def test_we_believe_what_other_libraries_sign(alg):
    """Believe what PyJWT and joserfc sign."""
    private = serialization.load_der_private_key(pem.private_to_der(key(alg)), None)
    theirs = jwt.encode({"sub": "u"}, private, algorithm=alg, headers={"kid": "k1"})
    assert codec.decode_json(jws.verify(theirs, keys(alg), algorithms=ALL).payload) == {"sub": "u"}
    kind = {"rsa": "RSA", "ecd": "EC", "edd": "OKP"}[algorithms.find(alg).family[:3]]
    der = pem.private_to_der(key(alg))
    text = serialization.load_der_private_key(der, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    known = joserfc.jwk.import_key(text.decode(), kind)
    theirs = joserfc.jws.serialize_compact({"alg": alg, "kid": "k1"}, PAYLOAD, known, algorithms=[alg])
    assert jws.verify(theirs, keys(alg), algorithms=ALL).payload == PAYLOAD


@pytest.mark.parametrize("alg", ALL)
def test_every_algorithm_signs_and_checks(alg):
    """Believe our own signatures, and not over another payload."""
    text = token(alg)
    assert jws.verify(text, keys(alg), algorithms=(alg,)).payload == PAYLOAD
    head, _, mac = text.split(".")
    assert refusal(f"{head}.{codec.encode_base64url(b'{}')}.{mac}", keys(alg)) == "signature-invalid"
