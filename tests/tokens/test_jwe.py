"""Sealing at rest under a key of 32 octets."""

from __future__ import annotations

import json

import joserfc.jwe
import joserfc.jwk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import jwe
from tests.capability import capability

KEY = bytes(range(32))


def refusal(text, key=KEY, **options):
    """Return the code with which a text is refused."""
    with pytest.raises(Refused) as caught:
        jwe.decrypt_direct(key, text, **options)
    return caught.value.code


@given(st.binary(max_size=200))
def test_sealed_octets_come_back(payload):
    """Open what was sealed, and never seal twice alike."""
    one, two = (jwe.encrypt_direct(KEY, payload, {"kid": "m1"}) for _ in range(2))
    assert jwe.decrypt_direct(KEY, one) == payload
    assert one != two
    assert jwe.peek_header(one)["kid"] == "m1"


@settings(max_examples=100)
@given(st.data())
def test_any_changed_character_is_refused(data):
    """Refuse a text in which any one character is another."""
    text = jwe.encrypt_direct(KEY, b"secret", {"kid": "m1"})
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(max_codepoint=127).filter(lambda character: character != text[position]))
    assert refusal(text[:position] + other + text[position + 1 :]) == "decryption-failed"


def test_text_for_one_place_opens_in_no_other():
    """Refuse a sealed text whose header is not the one that its place requires."""
    text = jwe.encrypt_direct(KEY, b"secret", {"place": "key 1"})
    assert jwe.decrypt_direct(KEY, text, require={"place": "key 1"}) == b"secret"
    assert refusal(text, require={"place": "key 2"}) == "decryption-failed"


def test_another_key_is_refused():
    """Refuse another key and one of the wrong length."""
    text = jwe.encrypt_direct(KEY, b"secret")
    assert refusal(text, bytes(32)) == "decryption-failed"
    for key in (b"", bytes(16), bytes(33)):
        with pytest.raises(ValueError, match="32 octets"):
            jwe.decrypt_direct(key, text)


@pytest.mark.parametrize("header", [{"zip": "DEF"}, {"crit": ["x"]}, {"alg": "dir"}, {"enc": "A128GCM"}])
def test_header_of_the_caller_sets_no_algorithm(header):
    """Refuse to seal with other algorithms, compression or extensions."""
    with pytest.raises(ValueError, match="not the caller's"):
        jwe.encrypt_direct(KEY, b"secret", header)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A256GCM", "zip": "DEF"},
        {"alg": "dir", "enc": "A256GCM", "crit": ["x"]},
        {"alg": "A256KW", "enc": "A256GCM"},
        {"alg": "dir", "enc": "A256CBC-HS512"},
        {},
        [],
    ],
)
def test_other_headers_are_refused(header):
    """Refuse any other algorithm, compression and extensions before anything is decrypted."""
    first = codec.encode_base64url(json.dumps(header).encode())
    assert refusal(first + "." + jwe.encrypt_direct(KEY, b"x").partition(".")[2]) == "decryption-failed"


@pytest.mark.parametrize("text", ["", ".", "....", "a.b.c", "." * 100_000, "a" * 300_000, "é....", "a.b.c.d.e.f"])
def test_other_texts_are_refused(text):
    """Refuse anything that is not five parts."""
    assert refusal(text) == "decryption-failed"


@capability("at-rest-encrypted", witness="joserfc")
def test_joserfc_opens_what_we_seal_and_the_other_way():
    """Seal so that another implementation opens it, and open what it seals."""
    other = joserfc.jwk.OctKey.import_key(KEY)
    ours = jwe.encrypt_direct(KEY, b"secret", {"kid": "m1"})
    assert joserfc.jwe.decrypt_compact(ours, other, algorithms=["dir", "A256GCM"]).plaintext == b"secret"
    theirs = joserfc.jwe.encrypt_compact(
        {"alg": "dir", "enc": "A256GCM"}, b"secret", other, algorithms=["dir", "A256GCM"]
    )
    assert jwe.decrypt_direct(KEY, theirs) == b"secret"
