"""What is not decrypted: other algorithms, other keys, changed texts, and everything that attacks a recipient."""

from __future__ import annotations

import json
import time
import zlib

import joserfc.jwe
import joserfc.jwk
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import encryptionkeys, jwe, jwe_agreement, jwe_content, jwe_keys, jwk, jws, publickeys
from tests.capability import capability

SECRET = encryptionkeys.from_secret(bytes(range(32)))
SHORT = encryptionkeys.from_secret(bytes(range(16)))
RSA = encryptionkeys.generate("RSA")
P256 = encryptionkeys.generate("P-256")
X25519 = encryptionkeys.generate("X25519")
EVERY_KEY = encryptionkeys.DecryptionKeys([SECRET, SHORT, RSA, P256, X25519])
CASES = [
    ("dir", "A256GCM", SECRET),
    ("A256KW", "A128CBC-HS256", SECRET),
    ("A256GCMKW", "A256CBC-HS512", SECRET),
    ("RSA-OAEP-256", "A128GCM", RSA),
    ("ECDH-ES", "A256GCM", P256),
    ("ECDH-ES+A128KW", "A192CBC-HS384", X25519),
]
BAD_HEADERS = [
    (b"not JSON", "token-malformed"),
    (b"[]", "token-malformed"),
    (b"{}", "token-malformed"),
    (b'{"alg":"dir"}', "token-malformed"),
    (b'{"enc":"A256GCM"}', "token-malformed"),
    (b'{"alg":["dir"],"enc":"A256GCM"}', "token-malformed"),
    (b'{"alg":"dir","enc":null}', "token-malformed"),
    (b'{"alg":"dir","enc":"A256GCM","kid":7}', "token-malformed"),
    (b'{"alg":"dir","alg":"dir","enc":"A256GCM"}', "token-malformed"),
    (b'{"alg":"dir","enc":"A256GCM","x":"' + b"a" * 8192 + b'"}', "token-malformed"),
    (b'{"alg":"dir","enc":"A256GCM","crit":["exp"]}', "header-unsupported"),
    (b'{"alg":"dir","enc":"A256GCM","crit":[]}', "header-unsupported"),
    (b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}', "header-unsupported"),
    (b'{"alg":"dir","enc":"A256GCM","b64":false}', "header-unsupported"),
    (b'{"alg":"none","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"None","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"DIR","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"dir","enc":"none"}', "forbidden-algorithm"),
    (b'{"alg":"dir","enc":"A128CBC"}', "forbidden-algorithm"),
    (b'{"alg":"RSA1_5","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000,"p2s":"AAAAAAAAAAAAAAAA"}', "forbidden-algorithm"),
    (b'{"alg":"HS256","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"ECDH-1PU","enc":"A256GCM"}', "forbidden-algorithm"),
    (b'{"alg":"A192KW","enc":"A256GCM"}', "decryption-key-unknown"),
    (b'{"alg":"dir","enc":"A256CBC-HS512"}', "decryption-key-unknown"),
]


def refusal(text, keys=EVERY_KEY, **options):
    """Return the error with which a text is refused."""
    with pytest.raises(Refused) as caught:
        jwe.decrypt(text, keys, **options)
    return caught.value


def encrypted(alg="dir", enc="A256GCM", key=SECRET, payload=b"payload", **options):
    """Return a good token."""
    return jwe.encrypt(payload, key.public(), alg=alg, enc=enc, **options)


def with_header(text, header):
    """Return a token under another header."""
    octets = header if isinstance(header, bytes) else codec.encode_json(header)
    return codec.encode_base64url(octets) + "." + text.partition(".")[2]


def with_part(text, position, octets):
    """Return a token with one part replaced."""
    parts = text.split(".")
    parts[position] = codec.encode_base64url(octets)
    return ".".join(parts)


def test_every_case_is_decrypted_unchanged():
    """Decrypt the tokens that the other tests change."""
    for alg, enc, key in CASES:
        assert jwe.decrypt(encrypted(alg, enc, key), EVERY_KEY).plaintext == b"payload"


@pytest.mark.parametrize(("alg", "enc", "key"), CASES, ids=[case[0] for case in CASES])
def test_every_changed_character_is_refused(alg, enc, key):
    """Refuse a token in which any one character is another."""
    text = encrypted(alg, enc, key)
    only = encryptionkeys.DecryptionKeys([key])
    for position, character in enumerate(text):
        for other in {"A", "z", "."} - {character}:
            refusal(text[:position] + other + text[position + 1 :], only)
        refusal(text[:position] + text[position + 1 :], only)


@pytest.mark.parametrize(("header", "code"), BAD_HEADERS, ids=[each[0][:60].decode() for each in BAD_HEADERS])
def test_other_headers_are_refused(header, code):
    """Refuse a header that is malformed, extended, compressed or under another algorithm, before any key is tried."""
    assert refusal(with_header(encrypted(), header)).code == code


@pytest.mark.parametrize(
    "text",
    ["", ".", "....", "a.b.c.d.e", "a.b.c", "a.b.c.d.e.f", "é....", "\ud800....", b"\xff....", "=" * 9, "{}"],
)
def test_other_texts_are_refused(text):
    """Refuse anything that is not five parts of base64url."""
    assert refusal(text).code == "token-malformed"


def test_flood_of_dots_is_refused_at_once():
    """Refuse thousands of dots without taking them apart, and long texts without looking at them."""
    started = time.perf_counter()
    for text in ("." * (256 * 1024), "." * 10_000_000, "a" * 10_000_000, encrypted() + "." * 200_000):
        assert refusal(text).code == "token-malformed"
    assert time.perf_counter() - started < 0.5


@capability("jwe-refused", witness="tokens that other libraries made")
def test_pbes2_with_a_huge_count_is_refused_at_once():
    """Refuse PBES2 without counting, however often the sender says that we should (CVE-2023-52428)."""
    header = {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 2**31 - 1, "p2s": "AAAAAAAAAAAAAAAA"}
    started = time.perf_counter()
    assert refusal(with_header(encrypted(), header)).code == "forbidden-algorithm"
    assert time.perf_counter() - started < 0.1


@capability("jwe-refused", witness="tokens that other libraries made")
def test_compressed_bomb_is_refused():
    """Refuse a token that is compressed, good as its seal may be (CVE-2024-28180)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = compressor.compress(bytes(50_000_000)) + compressor.flush()
    protected = codec.encode_base64url(b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}')
    sealed = jwe_content.encrypt(jwe_content.find("A256GCM"), bytes(range(32)), bomb, protected.encode())
    text = ".".join((protected, "", *map(codec.encode_base64url, (sealed.iv, sealed.body, sealed.tag))))
    assert refusal(text).code == "header-unsupported"


@capability("jwe-refused", witness="tokens that other libraries made")
def test_d3_24_rsa1_5_is_refused_before_any_key_is_tried():
    """Refuse RSA1_5 that is otherwise good, so that there is no padding to ask about (RFC 8725 3.2)."""
    encryption, cek = jwe_content.find("A128CBC-HS256"), bytes(32)
    protected = codec.encode_base64url(b'{"alg":"RSA1_5","enc":"A128CBC-HS256"}')
    sealed = jwe_content.encrypt(encryption, cek, b"payload", protected.encode())
    wrapped = RSA.private.public_key().encrypt(cek, padding.PKCS1v15())
    text = ".".join((protected, *map(codec.encode_base64url, (wrapped, sealed.iv, sealed.body, sealed.tag))))
    assert refusal(text).code == "forbidden-algorithm"
    assert refusal(text, algorithms=["RSA1_5"]).code == "forbidden-algorithm"


def test_algorithms_that_are_not_allowed_are_refused():
    """Refuse supported algorithms that the caller does not allow."""
    assert refusal(encrypted(), algorithms=["RSA-OAEP"]).code == "forbidden-algorithm"
    assert refusal(encrypted(), encryptions=["A128GCM"]).code == "forbidden-algorithm"


# --- keys


def test_token_for_the_public_signing_key_is_nothing():
    """Accept a token that was encrypted to a signing key neither as signed nor as encrypted (CVE-2023-51774)."""
    signing = jwk.generate("RS256")
    claims = b'{"iss":"https://issuer.example","sub":"admin"}'
    other = joserfc.jwk.RSAKey.import_key(jwk.public_members(signing.public()))
    header = {"alg": "RSA-OAEP", "enc": "A256GCM"}
    text = joserfc.jwe.encrypt_compact(header, claims, other, algorithms=["RSA-OAEP", "A256GCM"])
    with pytest.raises(Refused) as caught:
        jws.verify(text, jwk.KeySet((signing.public(),)), algorithms=["RS256"])
    assert caught.value.code == "token-malformed"
    assert refusal(text).code == "decryption-failed"
    with pytest.raises(Refused) as caught:
        encryptionkeys.DecryptionKey(signing.private, use="sig")
    assert caught.value.code == "malformed-key"


def test_keys_in_the_header_are_never_used():
    """Refuse a token whose header brings the key that opens it."""
    stranger = encryptionkeys.from_secret(bytes(32))
    header = {"alg": "dir", "enc": "A256GCM", "jwk": {"kty": "oct", "k": codec.encode_base64url(bytes(32))}}
    protected = codec.encode_base64url(codec.encode_json(header | {"jku": "https://evil.example", "x5c": ["AA"]}))
    sealed = jwe_content.encrypt(jwe_content.find("A256GCM"), stranger.private.reveal(), b"x", protected.encode())
    text = ".".join((protected, "", *map(codec.encode_base64url, (sealed.iv, sealed.body, sealed.tag))))
    assert refusal(text).code == "decryption-failed"


def test_key_of_another_name_is_not_tried():
    """Choose keys by kid where there is one; keys without a name stand in only where none has the name."""
    one, two = (encryptionkeys.from_secret(bytes((number,)) * 32, kid=f"k{number}") for number in (1, 2))
    nameless = encryptionkeys.from_secret(bytes((1,)) * 32)
    text = encrypted(key=one)
    assert refusal(text, encryptionkeys.DecryptionKeys([two])).code == "decryption-key-unknown"
    assert jwe.decrypt(text, encryptionkeys.DecryptionKeys([two, one])).plaintext == b"payload"
    assert jwe.decrypt(text, encryptionkeys.DecryptionKeys([two, nameless])).plaintext == b"payload"
    assert refusal(text, encryptionkeys.DecryptionKeys([])).code == "decryption-key-unknown"


def test_key_is_for_its_own_algorithm():
    """Try no key whose alg, or whose key_ops, say something else."""
    bound = encryptionkeys.from_secret(bytes(range(32)), alg="A256KW")
    wrapping = encryptionkeys.DecryptionKey(SECRET.private, key_ops=("unwrapKey",))
    for key in (bound, wrapping):
        assert refusal(encrypted(), encryptionkeys.DecryptionKeys([key])).code == "decryption-key-unknown"
        assert jwe.decrypt(encrypted("A256KW"), encryptionkeys.DecryptionKeys([key])).plaintext == b"payload"


def test_keys_without_a_kid_are_tried_in_turn():
    """Find the one of several keys that opens a token which names none, and try no more than ten."""
    others = [encryptionkeys.from_secret(bytes((number,)) * 32) for number in range(100, 109)]
    assert jwe.decrypt(encrypted(), encryptionkeys.DecryptionKeys([*others, SECRET])).plaintext == b"payload"
    eleven = encryptionkeys.DecryptionKeys([*others, others[0], SECRET])
    assert refusal(encrypted(), eleven).code == "decryption-failed"


# --- one answer


def epk_of(text):
    """Return the header of a token, to be changed."""
    return json.loads(codec.decode_base64url(text.partition(".")[0]))


def bad_epks():
    """Return ephemeral keys that must not be agreed with."""
    good = jwe_agreement.public_members(P256.private.public_key(), "P-256")
    other = jwe_agreement.public_members(ec.generate_private_key(ec.SECP384R1()).public_key(), "P-384")
    x = codec.encode_base64url(bytes(32))
    return [
        None,
        "epk",
        [],
        {},
        good | {"y": good["x"]},
        good | {"x": x, "y": x},
        good | {"x": good["x"][:-4]},
        good | {"x": 7},
        good | {"d": good["x"]},
        good | {"kid": "x"},
        good | {"crv": "P-384"},
        good | {"crv": "secp256k1"},
        good | {"crv": ["P-256"]},
        good | {"kty": "OKP"},
        {name: good[name] for name in ("kty", "crv", "x")},
        other,
        {"kty": "OKP", "crv": "X25519", "x": x},
        {"kty": "OKP", "crv": "X25519", "x": x, "y": x},
    ]


@pytest.mark.parametrize("key", [P256, X25519], ids=["P-256", "X25519"])
@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A256KW"])
@pytest.mark.parametrize("position", range(18))
def test_d3_25_bad_ephemeral_key_is_refused(alg, key, position):
    """Refuse points off the curve, of another curve or of small order, and any member too many (CVE-2017-16007)."""
    text = encrypted(alg, "A256GCM", key)
    changed = with_header(text, epk_of(text) | {"epk": bad_epks()[position]})
    assert refusal(changed).code == "decryption-failed"


def test_d3_25_secret_of_small_order_is_refused_even_when_the_seal_is_good():
    """Refuse the all-zero secret of X25519, with which anyone could have sealed (RFC 8037 3.2)."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}
    protected = codec.encode_base64url(codec.encode_json(header))
    key = jwe_agreement.derive("A256GCM", 32, bytes(32), header)
    sealed = jwe_content.encrypt(jwe_content.find("A256GCM"), key, b"x", protected.encode())
    text = ".".join((protected, "", *map(codec.encode_base64url, (sealed.iv, sealed.body, sealed.tag))))
    assert refusal(text).code == "decryption-failed"


def after_the_key():
    """Return texts that fail at every step after the key was chosen."""
    direct, wrapped, gcm = encrypted(), encrypted("A256KW"), encrypted("A256GCMKW")
    rsa, agreed = encrypted("RSA-OAEP", key=RSA), encrypted("ECDH-ES", key=P256)
    cbc = encrypted("A256KW", "A256CBC-HS512")
    long = {"apu": codec.encode_base64url(bytes(513))}
    return [
        *(with_part(text, 1, octets) for text in (wrapped, gcm, rsa) for octets in (b"", b"x", bytes(40), bytes(256))),
        *(with_part(text, 1, bytes(40)) for text in (direct, agreed)),
        *(with_part(text, 2, bytes(octets)) for text in (direct, cbc) for octets in (0, 11, 12, 13, 15, 16, 17)),
        *(with_part(text, 3, bytes(octets)) for text in (direct, cbc) for octets in (0, 1, 16, 31)),
        *(with_part(text, 4, bytes(octets)) for text in (direct, cbc) for octets in (0, 4, 12, 15, 16, 17, 32, 64)),
        *(with_header(gcm, epk_of(gcm) | change) for change in ({"iv": "AA"}, {"iv": 7}, {"tag": ""}, {"tag": "="})),
        with_header(agreed, epk_of(agreed) | long),
        with_header(agreed, epk_of(agreed) | {"apv": 7}),
        with_header(agreed, {"alg": "ECDH-ES", "enc": "A256GCM"}),
        with_header(direct, {"alg": "dir", "enc": "A256GCM", "more": 1}),
    ]


def test_d3_24_everything_after_the_key_fails_alike():
    """Answer with one code, one text and one detail, whatever is wrong (RFC 7516 11.5)."""
    answers = {(e.code, e.public, e.hint, json.dumps(e.detail), e.__cause__) for e in map(refusal, after_the_key())}
    assert len(answers) == 1
    assert next(iter(answers))[0] == "decryption-failed"


@pytest.mark.parametrize("enc", sorted(jwe_content.ENCRYPTIONS))
def test_random_key_stands_in_for_one_that_cannot_be_unwrapped(enc):
    """Go on with a random content key of the right length where there is none, another one each time."""
    encryption = jwe_content.find(enc)
    for alg, key in (("RSA-OAEP", RSA), ("A256KW", SECRET), ("A256GCMKW", SECRET), ("ECDH-ES", P256)):
        found = {jwe_keys.unwrap(jwe_keys.find(alg), encryption, key.recipient, {}, bytes(40)) for _ in range(3)}
        assert {len(cek) for cek in found} == {encryption.key_octets}
        assert len(found) == 3


def test_content_key_of_another_length_is_refused():
    """Refuse a wrapped key that would make another algorithm of the one that is named."""
    text = encrypted("A256KW", "A128GCM")
    long = jwe_keys.wrap(jwe_keys.find("A256KW"), jwe_content.find("A256GCM"), SECRET.recipient, {})
    assert refusal(with_part(text, 1, long.encrypted_key)).code == "decryption-failed"


# --- any input at all


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400), st.text(alphabet="ab.=eyJ", max_size=60)))
def test_any_text_is_refused(text):
    """Refuse any text at all with one of the codes."""
    assert refusal(text).code == "token-malformed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(CASES),
    st.dictionaries(st.sampled_from("epk iv tag apu apv p2c p2s kid typ cty x5c jwk".split()), JSON, min_size=1),
    st.lists(st.binary(max_size=64), min_size=4, max_size=4),
)
def test_any_header_and_parts_are_refused(case, members, parts):
    """Refuse any members and any parts with one of the codes."""
    alg, enc, _ = case
    header = json.dumps({"alg": alg, "enc": enc} | members).encode()
    text = ".".join(map(codec.encode_base64url, (header, *parts)))
    assert refusal(text).code in {"token-malformed", "decryption-failed", "decryption-key-unknown"}


def test_nothing_secret_is_printed():
    """Show neither plaintext nor key where a record is printed."""
    found = jwe.decrypt(encrypted(payload=b"very secret"), EVERY_KEY)
    wrapped = jwe_keys.wrap(jwe_keys.find("dir"), jwe_content.find("A256GCM"), SECRET.recipient, {})
    for each in (found, wrapped, SECRET, SECRET.public(), SECRET.public().recipient, SECRET.private, EVERY_KEY):
        assert "secret" not in repr(each).replace("OctetKey", "").lower()
        assert "\\x1f" not in repr(each)


def test_every_algorithm_is_asymmetric_or_wraps_with_aes():
    """Support no algorithm beyond those that were chosen."""
    assert sorted(jwe.ALL) == sorted(
        "RSA-OAEP RSA-OAEP-256 RSA-OAEP-384 RSA-OAEP-512 ECDH-ES ECDH-ES+A128KW ECDH-ES+A192KW ECDH-ES+A256KW "
        "A128KW A192KW A256KW A128GCMKW A192GCMKW A256GCMKW dir".split()
    )
    assert publickeys.CURVES.keys() <= jwe_agreement.COORDINATE_OCTETS.keys()
