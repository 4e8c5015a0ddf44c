"""Encryption keys from secret octets: the same each time, on the curve, different for different octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.tokens import derivedkeys, encryptionkeys, jwe
from intaglio.tokens.encryptionkeys import DecryptionKeys
from intaglio.tokens.schemes import ORDERS

ORDER = int.from_bytes(ORDERS["P-256"], "big")


@given(st.binary(min_size=48, max_size=64))
def test_one_seed_one_key(seed: bytes) -> None:
    """What is encrypted to the public half opens with the private half that is derived again."""
    first, again = derivedkeys.agreement_key(seed), derivedkeys.agreement_key(seed)
    text = jwe.encrypt(b"told", first.public(), alg="ECDH-ES", enc="A256GCM")
    assert jwe.decrypt(text, DecryptionKeys((again,))).plaintext == b"told"
    assert first.kid == again.kid


@pytest.mark.parametrize("number", [0, 1, ORDER - 2, ORDER - 1, ORDER, 2**384 - 1])
def test_the_edges_of_the_order(number: int) -> None:
    """No seed stands for zero or for the order itself."""
    members = encryptionkeys.public_members(derivedkeys.agreement_key(number.to_bytes(48, "big")).public())
    assert (members["kty"], members["crv"]) == ("EC", "P-256")


def test_other_octets_another_key() -> None:
    """One bit makes another key, and a short seed makes none."""
    assert derivedkeys.agreement_key(bytes(48)).kid != derivedkeys.agreement_key(bytes(47) + b"\1").kid
    with pytest.raises(ValueError, match="48 octets"):
        derivedkeys.agreement_key(bytes(47))
