"""Tokens of a sender who does everything right but one thing: each would open if that one thing were not looked at."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import encryptionkeys, jwe, jwe_agreement, jwe_content
from intaglio.tokens.jwe_content import Sealed
from tests.tokens.test_jwe_roundtrip import MATERIAL, private_members

OCTETS = bytes(range(32))
SECRET = encryptionkeys.from_secret(OCTETS)
SHORT = encryptionkeys.from_secret(OCTETS[:16])
KEYS = encryptionkeys.DecryptionKeys([SECRET, MATERIAL["P-256"], MATERIAL["X25519"]])


def opens(text, keys=KEYS):
    """Return whether a token is decrypted; if it is refused, then with the one code there is."""
    try:
        jwe.decrypt(text, keys)
    except Refused as refusal:
        assert refusal.code == "decryption-failed"  # noqa: PT017  (both outcomes are looked at)
        return False
    return True


def token(header, seal, wrapped=b""):
    """Return a token whose content `seal` makes of the additional data."""
    protected = codec.encode_base64url(codec.encode_json(header))
    sealed = seal(protected.encode())
    return ".".join((protected, *map(codec.encode_base64url, (wrapped, sealed.iv, sealed.body, sealed.tag))))


def gcm(key, iv=bytes(12)):
    """Return what seals with AES-GCM, of any key and any length of the IV."""

    def seal(aad):
        sealed = AESGCM(key).encrypt(iv, b"payload", aad)
        return Sealed(iv, sealed[:-16], sealed[-16:])

    return seal


def cbc(padded, key=OCTETS):
    """Return what seals with A128CBC-HS256, of any padding and any length."""

    def seal(aad):
        cipher = Cipher(algorithms.AES(key[16:]), modes.CBC(bytes(16))).encryptor()
        whole = len(padded) // 16 * 16
        body = cipher.update(padded[:whole]) + cipher.finalize() + padded[whole:]
        message = aad + bytes(16) + body + (len(aad) * 8).to_bytes(8, "big")
        return Sealed(bytes(16), body, hmac.digest(key[:16], message, "sha256")[:16])

    return seal


@pytest.mark.parametrize("iv", [8, 11, 13, 16, 32])
def test_iv_of_another_length(iv):
    """Refuse an IV that is not of 96 bits, though AES-GCM takes it."""
    header = {"alg": "dir", "enc": "A256GCM"}
    assert opens(token(header, gcm(OCTETS)))
    assert not opens(token(header, gcm(OCTETS, bytes(iv))))


@pytest.mark.parametrize("shift", [-4, -1, 1, 4])
def test_border_between_body_and_tag_moves(shift):
    """Refuse a token whose tag begins elsewhere, though body and tag together are the same."""
    protected, wrapped, iv, body, tag = token({"alg": "dir", "enc": "A256GCM"}, gcm(OCTETS)).split(".")
    whole = codec.decode_base64url(body) + codec.decode_base64url(tag)
    parts = map(codec.encode_base64url, (whole[: -16 + shift], whole[-16 + shift :]))
    assert not opens(".".join((protected, wrapped, iv, *parts)))


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"payload",
        b"payload" + bytes(9),
        b"payload" + b"\x09" * 8 + b"\x08" + b"\x09" * 15 + b"\x11",
        b"payload........\x02",
        b"payload.\x07........"[:15] + b"\x10",
        b"\x11" * 16,
        b"\xff" * 32,
        b"\x10" * 15 + b"\x0f",
        b"payload" + b"\x09" * 9 + b"odd",
    ],
)
def test_padding_that_is_none(padded):
    """Refuse content without padding, with a wrong one, and of no whole blocks, though its tag is good."""
    header = {"alg": "dir", "enc": "A128CBC-HS256"}
    assert opens(token(header, cbc(b"payload" + b"\x09" * 9)))
    assert opens(token(header, cbc(b"\x10" * 16)))
    assert not opens(token(header, cbc(padded)))


@pytest.mark.parametrize("octets", [16, 24])
def test_content_key_of_another_length(octets):
    """Refuse a content key that makes A128GCM of A256GCM."""
    header = {"alg": "A256KW", "enc": "A256GCM"}
    cek = OCTETS[:octets]
    assert opens(token(header, gcm(OCTETS), keywrap.aes_key_wrap(OCTETS, OCTETS)))
    assert not opens(token(header, gcm(cek), keywrap.aes_key_wrap(OCTETS, cek)))


@pytest.mark.parametrize("iv", [8, 13, 16])
def test_wrapping_iv_of_another_length(iv):
    """Refuse a key wrapped under an IV that is not of 96 bits."""

    def wrapped(octets):
        sealed = AESGCM(OCTETS).encrypt(bytes(octets), OCTETS, None)
        header = {"alg": "A256GCMKW", "enc": "A256GCM", "iv": codec.encode_base64url(bytes(octets))}
        return token(header | {"tag": codec.encode_base64url(sealed[-16:])}, gcm(OCTETS), sealed[:-16])

    assert opens(wrapped(12))
    assert not opens(wrapped(iv))


def test_border_between_wrapped_key_and_its_tag_moves():
    """Refuse a wrapped key whose tag begins elsewhere."""
    sealed = AESGCM(OCTETS).encrypt(bytes(12), OCTETS, None)
    header = {"alg": "A256GCMKW", "enc": "A256GCM", "iv": codec.encode_base64url(bytes(12))}
    assert not opens(token(header | {"tag": codec.encode_base64url(sealed[-12:])}, gcm(OCTETS), sealed[:-12]))


@pytest.mark.parametrize("alg", ["dir", "ECDH-ES"])
def test_encrypted_key_where_there_is_none(alg):
    """Refuse a token that brings a key where the key is agreed or known."""
    key = SECRET if alg == "dir" else MATERIAL["P-256"]
    text = jwe.encrypt(b"x", key.public(), alg=alg, enc="A256GCM")
    assert opens(text)
    assert not opens(text.replace("..", ".AAAA."))


def agreed(curve, change):
    """Return a token of ECDH-ES whose ephemeral key is written otherwise."""
    ephemeral = jwe_agreement.generate(curve)
    epk = change(jwe_agreement.public_members(ephemeral.public_key(), curve))
    shared = jwe_agreement.exchange(ephemeral, MATERIAL[curve].private.public_key(), curve)
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk}
    return token(header, gcm(jwe_agreement.derive("A256GCM", 32, shared, header)))


def moved(epk):
    """Return a point whose y begins one octet later."""
    x, y = codec.decode_base64url(epk["x"]), codec.decode_base64url(epk["y"])
    return epk | {"x": codec.encode_base64url(x + y[:1]), "y": codec.encode_base64url(y[1:])}


@pytest.mark.parametrize("curve", ["P-256", "X25519"])
@pytest.mark.parametrize(
    "more", [{"d": "AA"}, {"kid": "k"}, {"alg": "ECDH-ES"}, {"use": "enc"}, {"key_ops": []}, {"x5c": ["AA"]}]
)
def test_ephemeral_key_with_more_members(curve, more):
    """Refuse an ephemeral key with a private member, a name, or anything else that has no business there."""
    assert opens(agreed(curve, lambda epk: epk))
    assert not opens(agreed(curve, lambda epk: epk | more))


def test_ephemeral_key_of_odd_lengths():
    """Refuse coordinates that are not of full length, though together they are the point."""
    assert not opens(agreed("P-256", moved))
    with pytest.raises(Refused):
        encryptionkeys.read_public(moved(encryptionkeys.public_members(MATERIAL["P-256"].public())))
    assert not opens(agreed("X25519", lambda epk: epk | {"y": "AA"}))


def test_private_number_of_another_length():
    """Refuse a `d` with an octet more, though its value is the same."""
    members = private_members(MATERIAL["P-256"])
    assert encryptionkeys.read_private(members)
    longer = codec.encode_base64url(b"\0" + codec.decode_base64url(members["d"]))
    with pytest.raises(Refused):
        encryptionkeys.read_private(members | {"d": longer})


def test_token_above_the_bound():
    """Refuse a token of more than 256 KiB, good as it may be, before it is taken apart."""

    def seal(aad):
        return jwe_content.encrypt(jwe_content.find("A256GCM"), OCTETS, bytes(200 * 1024), aad)

    with pytest.raises(Refused) as caught:
        jwe.decrypt(token({"alg": "dir", "enc": "A256GCM"}, seal), KEYS)
    assert caught.value.code == "token-malformed"
    assert caught.value.detail == {"rule": "longer than 256 KiB"}


def test_key_that_wraps_is_not_the_content_key():
    """Refuse a token of `dir` sealed with a part of the key, and one of another length."""
    only = encryptionkeys.DecryptionKeys([SECRET, SHORT])
    assert opens(token({"alg": "dir", "enc": "A128GCM"}, gcm(OCTETS[:16])), only)
    assert not opens(token({"alg": "dir", "enc": "A256GCM"}, gcm(OCTETS[:16])), only)
