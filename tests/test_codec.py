"""Base64url and JSON in the one form that is accepted."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intaglio import codec

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    "text", ["QQ==", "QQ=", "Q", "QR", "QQJ", "Q Q", "QQ\n", "Q+Q", "Q/Q", "é", "Q.Q", '"', "\\", "\0"]
)
def test_other_than_canonical_base64url_is_refused(text):
    """Refuse padding, foreign characters, impossible lengths and unused bits that are set."""
    with pytest.raises(codec.CodecError):
        codec.decode_base64url(text)


@given(st.binary(max_size=300))
def test_base64url_round_trip(octets):
    """Decode what was encoded, to the same octets."""
    assert codec.decode_base64url(codec.encode_base64url(octets)) == octets


@given(st.text(alphabet=ALPHABET + '+/=. \n"\\é', max_size=12))
@example("")
def test_only_canonical_texts_are_decoded(text):
    """Decode exactly the texts that encoding gives back."""
    try:
        octets = codec.decode_base64url(text)
    except codec.CodecError:
        canonical = None
        with contextlib.suppress(ValueError):
            canonical = codec.encode_base64url(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        assert canonical != text
    else:
        assert codec.encode_base64url(octets) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1, "a":2}',
        '{"x":{"a":1,"\\u0061":2}}',
        '[{"a":1,"a":1}]',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":1e400}',
        '"\\ud800"',
        "{'a':1}",
        '{"a":1,}',
        '{"a":1}x',
        '\ufeff{"a":1}',
        "",
        "[" * 65 + "]" * 65,
        '{"a":' * 70 + "1" + "}" * 70,
        "[" * 100_000,
        "[" * 30_000 + "]" * 30_000,
    ],
)
def test_other_than_strict_json_is_refused(text):
    """Refuse duplicates at any depth, NaN, infinities, lone surrogates, more after the end, and deep nesting."""
    with pytest.raises(codec.CodecError):
        codec.decode_json(text.encode())


def test_octets_that_are_no_utf8_are_refused():
    """Refuse JSON in another encoding."""
    for octets in (b'"\xff"', '{"a":1}'.encode("utf-16"), b'"\xc0\x80"', b'"\xed\xa0\x80"'):
        with pytest.raises(codec.CodecError):
            codec.decode_json(octets)


def test_only_objects_are_objects():
    """Refuse lists and numbers where members are wanted."""
    for octets in (b"[]", b"1", b"null", b'"a"'):
        with pytest.raises(codec.CodecError):
            codec.decode_json_object(octets)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_json_round_trip(value):
    """Decode what was encoded, by us or by the standard library with its spaces."""
    assert codec.decode_json(codec.encode_json(value)) == value
    assert codec.decode_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=100))
def test_decoder_raises_its_own_error_only(octets):
    """Raise nothing but `CodecError` for any octets."""
    for decode in (codec.decode_json, codec.decode_base64url):
        try:
            decode(octets)
        except codec.CodecError as fault:
            assert fault.__cause__ is None  # noqa: PT017  (either outcome is right; this one must not quote)


def test_sixty_four_levels_are_read():
    """Read nesting up to the bound."""
    text = b"[" * 64 + b"]" * 64
    assert codec.encode_json(codec.decode_json(text)) == text
