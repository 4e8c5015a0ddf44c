"""The master key: what it seals opens under it alone, for one purpose alone, and unchanged alone."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.server.keyring import vault as vaults
from intaglio.server.keyring.vault import Vault
from tests import harness

VAULT = Vault(harness.MASTER_KEY)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_opens(plaintext: bytes, purpose: str) -> None:
    """Sealing and opening are each other's inverse; sealing twice gives two texts."""
    sealed = VAULT.seal(plaintext, purpose)
    assert VAULT.open(sealed, purpose) == plaintext
    assert VAULT.seal(plaintext, purpose) != sealed


@pytest.mark.parametrize(
    ("key", "purpose"),
    [(harness.MASTER_KEY, "b"), (harness.MASTER_KEY, "a/"), (harness.MASTER_KEY, ""), (bytes(32), "a")],
)
def test_another_key_or_purpose_opens_nothing(key: bytes, purpose: str) -> None:
    """`master-key-wrong`, without a word of what was sealed."""
    sealed = VAULT.seal(b"canary", "a")
    with pytest.raises(Misconfigured) as caught:
        Vault(key).open(sealed, purpose)
    assert caught.value.code == "master-key-wrong"
    assert "canary" not in f"{caught.value!r}{caught.value.detail}"


def test_a_changed_text_opens_nothing() -> None:
    """Every character counts, at every place."""
    for _ in range(5):
        sealed = VAULT.seal(b"plain", "a")
        for place, char in enumerate(sealed):
            for other in set("Ab0-_.") - {char}:
                with pytest.raises(Misconfigured):
                    VAULT.open(sealed[:place] + other + sealed[place + 1 :], "a")


def test_derived_keys_are_apart_and_never_change() -> None:
    """Client secrets and throttles hang on these values: a change would lock everybody out."""
    assert VAULT.derive("client-secrets").hex() == "51d344d8beeba08e0a57df517344eb3a7ea1c564d8980d345aa88e51279cbd0f"
    assert len({VAULT.derive(name) for name in ("a", "b", "seal/a", "client-secrets", "forms")}) == 5


@pytest.mark.parametrize("octets", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(octets: bytes) -> None:
    """32 octets."""
    with pytest.raises(Misconfigured, match="master-key-length"):
        Vault(octets)


@pytest.mark.parametrize("text", ["", "!", "canary-not-base64!", "ä" * 43])
def test_an_unreadable_key_is_not_repeated(text: str) -> None:
    """The error names the form, never the text."""
    with pytest.raises(Misconfigured) as caught:
        Vault(vaults.read_master_key(text))
    assert "canary" not in f"{caught.value!r}{caught.value.detail}{caught.value.__cause__}"


def test_both_alphabets_and_any_padding_are_read() -> None:
    """What openssl and Python print."""
    octets = bytes(range(224, 256))
    for text in (base64.b64encode(octets).decode(), base64.urlsafe_b64encode(octets).decode().rstrip("=") + "\n"):
        assert vaults.read_master_key(text) == octets


def test_a_vault_prints_nothing() -> None:
    """Neither itself nor its key."""
    assert harness.MASTER_KEY.hex() not in f"{VAULT!r}{VAULT}"
    assert repr(VAULT) == "Vault(…)"


def test_a_head_of_another_form_opens_nothing() -> None:
    """What a text names is compared letter by letter: the same members in another order name no key."""
    sealed = VAULT.seal(b"plain", "a")
    head, rest = sealed.split(".", 1)
    for members in ({"enc": "A256GCM", "alg": "dir"}, {"alg": "dir", "enc": "A256GCM", "kid": "0"}, {}):
        other = codec.encode_base64url(codec.encode_json(members))
        assert other != head
        with pytest.raises(Misconfigured, match="sealing-key-unknown"):
            VAULT.open(f"{other}.{rest}", "a")
