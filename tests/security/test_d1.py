"""What has gone wrong with signatures and the choice of keys elsewhere, row by row (1 to 11 of published faults).

Rows 8 to 10 (polyglots, encrypted for signed, pinned algorithm) are in `tests/tokens/test_jws.py`, row 12 (half
hashes) in `tests/tokens/test_claims.py` and `tests/validate`, row 2 also in `tests/tokens/test_hs256.py`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import itertools
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa, utils

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, certificates, jwk, jws, pem, schemes
from intaglio.tokens.sharedsecret import SharedSecret
from tests.capability import capability

ALL = tuple(algorithms.ALGORITHMS)
EVERY = (*algorithms.EVERY, "none")
PAYLOAD = b'{"iss":"https://issuer.example","sub":"u"}'
SECRET = SharedSecret("x" * 32)
ENCODING, FORM = serialization.Encoding, serialization.PublicFormat


@functools.cache
def key(alg):
    """Return a key for the algorithm, the same one throughout the run."""
    return jwk.generate(alg)


def members(alg, **more):
    """Return the key as its issuer publishes it."""
    return {**jwk.public_members(key(alg).public()), "alg": alg, "kid": "k1", "use": "sig", **more}


def keys(*algs):
    """Return the key set that an issuer with these keys publishes."""
    return jwk.read_set({"keys": [members(alg) for alg in algs]})


def token(alg="ES256", **header):
    """Return a good token."""
    return jws.sign(key(alg), {"kid": "k1", **header}, PAYLOAD)


def joined(header, signature=b"", payload=PAYLOAD):
    """Return a text of these parts, joined by hand."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return ".".join(codec.encode_base64url(part) for part in (head, payload, signature))


def refusal(text, key_set=None, allowed=ALL):
    """Return the code with which a text is refused."""
    with pytest.raises(Refused) as caught:
        jws.verify(text, keys("ES256") if key_set is None else key_set, algorithms=allowed)
    return caught.value.code


# --- 1: no signature

CASINGS = ["".join(letters) for letters in itertools.product("nN", "oO", "nN", "eE")]
SPACINGS = [
    " none",
    "none ",
    "\tnone",
    "none\n",
    "\u00a0none",
    "none\u200b",
    "no ne",
    "none\x00",
    "",
    " ",
    "null",
    "NoNe ",
]
LOOKALIKES = ["n\u043ene", "\uff4e\uff4f\uff4e\uff45", "none,RS256", "RS256,none", "none;", "HS256none", "nones"]


@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize("alg", CASINGS + SPACINGS + LOOKALIKES)
def test_d1_01_alg_none_is_refused(alg):
    """Refuse `none` in every case and spacing (CVE-2015-9235), with a signature and without, whatever is allowed."""
    for signature in (b"", b"x", b"\0" * 64):
        text = joined({"alg": alg, "kid": "k1"}, signature)
        assert refusal(text, allowed=(*EVERY, alg)) == "forbidden-algorithm"
        assert refusal(text, jwk.KeySet(()), (*EVERY, alg)) == "forbidden-algorithm"
        with pytest.raises(Refused) as caught:
            jws.verify_with_secret(text, SECRET)
        assert caught.value.code == "forbidden-algorithm"


@pytest.mark.parametrize(
    "header", [{}, {"alg": None}, {"alg": ["none"]}, {"alg": {"none": 1}}, {"alg": 0}, {"alg": False}, {"Alg": "ES256"}]
)
def test_d1_01_alg_that_is_no_text_is_refused(header):
    """Refuse an alg that is missing or no text."""
    assert refusal(joined(header), allowed=EVERY) == "token-malformed"


def test_d1_01_second_alg_is_refused():
    """Refuse a header that names two algorithms, in either order."""
    for header in (
        b'{"alg":"none","alg":"ES256"}',
        b'{"alg":"ES256","alg":"none"}',
        b'{"alg":"none","\\u0061lg":"ES256"}',
    ):
        assert refusal(joined(header), allowed=EVERY) == "token-malformed"


@pytest.mark.parametrize("alg", ALL)
def test_d1_01_signature_that_was_taken_off_is_missed(alg):
    """Refuse a token whose signature is empty, and one without the part."""
    bare = token(alg).rpartition(".")[0]
    assert refusal(bare + ".", keys(alg)) == "signature-invalid"
    assert refusal(bare, keys(alg)) == "token-malformed"


# --- 2: a public key as a shared secret


def _published(alg):
    public = key(alg).private.public_key()
    certificate = certificates.self_signed(key(alg), common_name="c", not_before=1_700_000_000, lifetime=86400)
    yield public.public_bytes(ENCODING.PEM, FORM.SubjectPublicKeyInfo)
    yield public.public_bytes(ENCODING.PEM, FORM.SubjectPublicKeyInfo).strip()
    yield public.public_bytes(ENCODING.DER, FORM.SubjectPublicKeyInfo)
    yield public.public_bytes(ENCODING.OpenSSH, FORM.OpenSSH)
    yield codec.encode_json(members(alg))
    yield json.dumps(members(alg)).encode()
    yield certificate
    yield base64.b64encode(certificate)
    yield pem.certificate_to_pem(certificate).encode()
    if alg == "RS256":
        yield public.public_bytes(ENCODING.PEM, FORM.PKCS1)
        yield public.public_bytes(ENCODING.DER, FORM.PKCS1)


@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize("mac", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_d1_02_mac_under_a_public_key_is_refused(alg, mac):
    """Refuse MACs made with the issuer's public key in any form (CVE-2017-11424, CVE-2022-29217, CVE-2024-33663)."""
    for secret in _published(alg):
        message = joined({"alg": mac, "kid": "k1"}).rpartition(".")[0]
        made = hmac.new(secret, message.encode(), getattr(hashlib, f"sha{mac[2:]}")).digest()
        text = f"{message}.{codec.encode_base64url(made)}"
        assert refusal(text, keys(alg), (*EVERY, mac)) == "forbidden-algorithm"
        with pytest.raises(Refused) as caught:
            SharedSecret(secret)
        assert caught.value.code == "malformed-key"


# --- 3: a key that comes with the token


def _brought(alg):
    stranger = jwk.generate(alg)
    certificate = certificates.self_signed(stranger, common_name="c", not_before=1_700_000_000, lifetime=86400)
    x5c = [base64.b64encode(certificate).decode()]
    public = {**jwk.public_members(stranger.public()), "kid": "k1", "alg": alg, "use": "sig"}
    yield stranger, {"jwk": public}
    yield stranger, {"jwk": {**public, "x5c": x5c}}
    yield stranger, {"jwk": {"keys": [public]}}
    yield stranger, {"jku": "https://stranger.example/keys"}
    yield stranger, {"jku": "data:application/json," + json.dumps({"keys": [public]})}
    yield stranger, {"jku": "file:///dev/null"}
    yield stranger, {"x5c": x5c, "x5t": certificates.thumbprint_sha1(certificate)}
    yield stranger, {"x5c": x5c, "x5t#S256": certificates.thumbprint_sha256(certificate)}
    yield stranger, {"x5u": "https://stranger.example/cert.pem"}


@capability("key-choice", witness="tokens that an attacker would make")
@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_d1_03_key_in_the_header_is_never_used(alg):
    """Refuse a stranger's token that brings the stranger's key along (CVE-2018-0114, CVE-2026-27962)."""
    for stranger, header in _brought(alg):
        assert refusal(jws.sign(stranger, {"kid": "k1", **header}, PAYLOAD), keys(alg)) == "signature-invalid"
        assert refusal(jws.sign(stranger, header, PAYLOAD), keys(alg)) == "signature-invalid"
        assert refusal(jws.sign(stranger, {"kid": "k2", **header}, PAYLOAD), keys(alg)) == "key-unknown"
        assert refusal(jws.sign(stranger, header, PAYLOAD), jwk.KeySet(())) == "key-unknown"


def test_d1_03_secret_in_the_header_is_never_used():
    """Refuse a MAC under a secret that the token brings along."""
    brought = {"jwk": {"kty": "oct", "k": codec.encode_base64url(b"y" * 32), "alg": "HS256"}}
    text = jws.sign(SharedSecret("y" * 32), brought, PAYLOAD)
    with pytest.raises(Refused) as caught:
        jws.verify_with_secret(text, SECRET)
    assert caught.value.code == "signature-invalid"
    assert refusal(text, allowed=EVERY) == "forbidden-algorithm"


# --- 4: extensions

EXTENSIONS = [
    {"crit": ["exp"], "exp": 1},
    {"crit": ["b64"], "b64": False},
    {"crit": ["b64"], "b64": True},
    {"crit": ["alg"]},
    {"crit": ["unknown"]},
    {"crit": []},
    {"crit": None},
    {"crit": "b64"},
    {"crit": {"b64": True}},
    {"b64": False},
    {"b64": None},
]


@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize("extra", EXTENSIONS)
def test_d1_04_critical_extensions_are_refused(extra):
    """Refuse `crit` and `b64` in any form, well signed (CVE-2025-59420, CVE-2026-32597)."""
    assert refusal(token(**extra)) == "header-unsupported"
    with pytest.raises(Refused) as caught:
        jws.verify_with_secret(jws.sign(SECRET, extra, PAYLOAD), SECRET)
    assert caught.value.code == "header-unsupported"


def test_d1_04_payload_as_it_is_is_refused():
    """Refuse a payload that is not encoded, under a good signature over it (RFC 7797)."""
    head = codec.encode_base64url(codec.encode_json({"alg": "ES256", "kid": "k1", "b64": False, "crit": ["b64"]}))
    sign = schemes.sign(algorithms.find("ES256"), key("ES256").private)
    text = f"{head}.{PAYLOAD.decode()}.{codec.encode_base64url(sign(f'{head}.{PAYLOAD.decode()}'.encode()))}"
    assert refusal(text) in {"header-unsupported", "token-malformed"}
    assert refusal(text.replace(PAYLOAD.decode(), "")) == "header-unsupported"


# --- 5: forms of ECDSA signatures

FORMS = {
    "r and s zero": lambda r, s, n, half: bytes(2 * half),
    "r zero": lambda r, s, n, half: bytes(half) + s.to_bytes(half, "big"),
    "s zero": lambda r, s, n, half: r.to_bytes(half, "big") + bytes(half),
    "r the order": lambda r, s, n, half: n.to_bytes(half, "big") + s.to_bytes(half, "big"),
    "s the order": lambda r, s, n, half: r.to_bytes(half, "big") + n.to_bytes(half, "big"),
    "both the order": lambda r, s, n, half: n.to_bytes(half, "big") * 2,
    "s one above the order": lambda r, s, n, half: r.to_bytes(half, "big") + (n + 1).to_bytes(half, "big"),
    "the greatest": lambda r, s, n, half: b"\xff" * (2 * half),
    "s and r": lambda r, s, n, half: s.to_bytes(half, "big") + r.to_bytes(half, "big"),
    "one and one": lambda r, s, n, half: ((1).to_bytes(half, "big")) * 2,
    "DER": lambda r, s, n, half: utils.encode_dss_signature(r, s),
    "DER, filled up": lambda r, s, n, half: utils.encode_dss_signature(1, 1).ljust(2 * half, b"\0"),
    "DER of zeros": lambda r, s, n, half: utils.encode_dss_signature(0, 0),
    "an octet before": lambda r, s, n, half: b"\0" + r.to_bytes(half, "big") + s.to_bytes(half, "big"),
    "an octet after": lambda r, s, n, half: r.to_bytes(half, "big") + s.to_bytes(half, "big") + b"\0",
    "an octet each": lambda r, s, n, half: r.to_bytes(half + 1, "big") + s.to_bytes(half + 1, "big"),
    "an octet less": lambda r, s, n, half: (r.to_bytes(half, "big") + s.to_bytes(half, "big"))[:-1],
    "r alone": lambda r, s, n, half: r.to_bytes(half, "big"),
    "very long": lambda r, s, n, half: (r.to_bytes(half, "big") + s.to_bytes(half, "big")) * 100,
    "empty": lambda r, s, n, half: b"",
}


@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("alg", "curve"), [("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521")])
def test_d1_05_ecdsa_signature_of_another_form_is_refused(alg, curve, form):
    """Refuse zeros (CVE-2022-21449), numbers beyond the order, DER and other lengths (CVE-2019-14859)."""
    parts, order = jws.read(token(alg)), int.from_bytes(schemes.ORDERS[curve], "big")
    half = len(parts.signature) // 2
    r, s = int.from_bytes(parts.signature[:half], "big"), int.from_bytes(parts.signature[half:], "big")
    text = f"{parts.signing_input.decode()}.{codec.encode_base64url(FORMS[form](r, s, order, half))}"
    assert refusal(text, keys(alg)) == "signature-invalid"


@pytest.mark.parametrize("curve", schemes.ORDERS)
def test_d1_05_numbers_out_of_range_never_reach_the_library(curve):
    """Refuse r and s of zero, of the order and beyond before anything is computed with them."""
    order = schemes.ORDERS[curve]
    good, beyond = bytes(len(order) - 1) + b"\x01", b"\xff" * len(order)
    for bad in (bytes(len(order)), order, beyond):
        for raw in (bad + good, good + bad, bad + bad):
            with pytest.raises(InvalidSignature):
                schemes.to_der(raw, order)


@pytest.mark.parametrize(("curve", "half"), [("P-256", 32), ("P-384", 48), ("P-521", 66)])
def test_d1_05_numbers_are_written_as_the_library_reads_them(curve, half):
    """Write r and s in DER as the cryptography library does, short, long, and with the first bit set."""
    order = int.from_bytes(schemes.ORDERS[curve], "big")
    assert len(schemes.ORDERS[curve]) == half
    bits = order.bit_length()
    numbers = [1, 127, 128, 255, 256, order - 1, order // 2, *(1 << bit for bit in range(0, bits - 1, 7))]
    for r, s in itertools.product(numbers, numbers):
        raw = r.to_bytes(half, "big") + s.to_bytes(half, "big")
        assert schemes.to_der(raw, schemes.ORDERS[curve]) == utils.encode_dss_signature(r, s)
        assert schemes.from_der(utils.encode_dss_signature(r, s), half) == raw


# --- 6: keys that do not fit


@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize(("alg", "other"), [(alg, other) for alg in ALL for other in ALL if alg != other])
def test_d1_06_key_for_one_algorithm_checks_no_other(alg, other):
    """Refuse a token under any other algorithm's key, and a header that was rewritten to name that algorithm."""
    assert refusal(token(alg), keys(other)) == "key-unknown"
    _, body, last = token(alg).split(".")
    text = f"{codec.encode_base64url(codec.encode_json({'alg': other, 'kid': 'k1'}))}.{body}.{last}"
    assert refusal(text, keys(other)) == "signature-invalid"
    assert refusal(text, keys(alg)) == "key-unknown"


@pytest.mark.parametrize("curve", ["ES256", "ES384", "ES512"])
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "EdDSA", "RS256"])
def test_d1_06_key_that_calls_itself_something_else_is_left_out(curve, alg):
    """Leave out keys whose alg does not fit their curve or type."""
    if alg != curve:
        found = jwk.read_set({"keys": [{**members(curve), "alg": alg}]})
        assert (len(found), len(found.skipped)) == (0, 1)
        assert refusal(jws.sign(key(curve), {"kid": "k1"}, PAYLOAD), found) == "key-unknown"


@pytest.mark.parametrize("bits", [1024, 2040])
def test_d1_06_short_rsa_key_is_refused(bits):
    """Refuse RSA keys under 2048 bits in every form: generated, JWK, DER, PEM, certificate."""
    private = rsa.generate_private_key(65537, bits)
    numbers, public = private.public_key().public_numbers(), private.public_key()
    published = {"kty": "RSA", "e": "AQAB", "n": codec.encode_base64url(numbers.n.to_bytes(bits // 8, "big"))}
    for function, argument in (
        (jwk.read, published),
        (jwk.from_public, public),
        (pem.public_from_der, public.public_bytes(ENCODING.DER, FORM.SubjectPublicKeyInfo)),
        (pem.public_from_pem, public.public_bytes(ENCODING.PEM, FORM.SubjectPublicKeyInfo).decode()),
        (lambda short: jwk.SigningKey("RS256", short), private),
        (lambda size: jwk.generate("RS256", rsa_bits=size), bits),
    ):
        with pytest.raises(Refused) as caught:
            function(argument)
        assert caught.value.code == "malformed-key"


# --- 7: kid


@capability("key-choice", witness="key sets with one kid twice")
@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "ML-DSA-44"])
def test_d1_07_two_keys_with_one_kid_are_refused(alg):
    """Refuse to guess between two keys of one type with the same kid, in either order."""
    other = {**jwk.public_members(jwk.generate(alg).public()), "kid": "k1", "alg": alg}
    for both in ([members(alg), other], [other, members(alg)]):
        assert refusal(token(alg), jwk.read_set({"keys": both})) == "key-unknown"


def test_d1_07_same_key_twice_is_one_key():
    """Believe where a document lists one key twice under its kid."""
    twice = jwk.read_set({"keys": [members("ES256"), members("ES256")]})
    assert jws.verify(token(), twice, algorithms=ALL).payload == PAYLOAD


def test_d1_07_kid_shared_by_all_types_is_no_confusion():
    """Check each token with the key of its own type where all types share one kid."""
    types = ("RS256", "ES256", "ES384", "EdDSA", "ML-DSA-44")
    for alg in types:
        assert jws.verify(token(alg), keys(*types), algorithms=ALL).header["alg"] == alg
        stranger = jws.sign(jwk.generate(alg), {"kid": "k1"}, PAYLOAD)
        assert refusal(stranger, keys(*types)) == "signature-invalid"


HOSTILE = [
    "../../k1",
    "/dev/null",
    "k1\x00",
    "k1' OR '1'='1",
    "k1'; DROP TABLE keys; --",
    "k1' UNION SELECT 'x",
    "%s%s%n",
    "{0.__class__}",
    "${jndi:ldap://x}",
    "$(id)",
    "k1|id",
    "K1",
    "k1 ",
    " k1",
    "k\u0661",
    "ｋ1",
    "",
    "\ud7ff\ue000",
    "k" * 40_000,
]


@capability("security-d1", witness="tokens that an attacker would make")
@pytest.mark.parametrize("kid", HOSTILE)
def test_d1_07_hostile_kid_finds_no_key(kid):
    """Look a kid up as the exact string that it is, whatever is in it, and tell it shortened."""
    with pytest.raises(Refused) as caught:
        jws.verify(token(kid=kid), keys("ES256"), algorithms=ALL)
    assert caught.value.code == "key-unknown"
    assert len(str(caught.value.detail["received"])) <= 128


def test_d1_07_kid_of_a_megabyte_is_refused_unread():
    """Refuse a kid of 1 MB by its length, in a token and when it is only looked at."""
    text = joined({"alg": "ES256", "kid": "k" * 1_000_000})
    assert refusal(text) == "token-malformed"
    assert jws.peek_kid(text) is None


# --- 11: comparison of MACs


@capability("security-d1", witness="tokens that an attacker would make")
def test_d1_11_macs_are_compared_in_constant_time(monkeypatch):
    """Compare the whole MAC with the library's constant-time comparison (CVE-2016-7036)."""
    seen, real = [], hmac.compare_digest

    def spy(one, other):
        seen.append((bytes(one), bytes(other)))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    message = joined({"alg": "HS256"}).rpartition(".")[0]
    with pytest.raises(Refused):
        jws.verify_with_secret(f"{message}.{codec.encode_base64url(bytes(32))}", SECRET)
    assert seen == [(SECRET.mac(message.encode()), bytes(32))]


# --- every change of one octet

CHANGED = {"RS256": range(256), "ES256": range(256), "EdDSA": range(256), "HS256": range(256), "ML-DSA-44": None}


@capability("every-byte", witness="every other value of every octet")
@pytest.mark.parametrize("alg", CHANGED)
def test_any_changed_octet_is_refused(alg):
    """Refuse a token in which any one octet is any other one; with ML-DSA, in which any one bit is."""
    secret = SECRET if alg == "HS256" else None
    text = jws.sign(secret or key(alg), {}, b'{"sub":"u"}').encode()
    found = jwk.KeySet(()) if secret else jwk.KeySet((key(alg).public(),))

    def believed(changed):
        try:
            if secret:
                jws.verify_with_secret(changed, secret)
            else:
                jws.verify(changed, found, algorithms=(alg,))
        except Refused:
            return False
        return True

    assert believed(text)
    for position, right in enumerate(text):
        others = CHANGED[alg] or [right ^ 1 << bit for bit in range(8)]
        head, tail = text[:position], text[position + 1 :]
        assert not any(believed(head + bytes((other,)) + tail) for other in others if other != right), position
        assert not believed(head + tail), position
        assert not believed(head + bytes((right, right)) + tail), position
