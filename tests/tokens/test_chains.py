"""Chains of client certificates: whatever is in x5c, there is a leaf that an anchor vouches for, or a refusal."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Refused
from intaglio.tokens import chains
from tests import authorities, harness

ANCHORS = chains.Anchors(authorities.ROOT.pem)
LEAF = authorities.make(authorities.cn("cart"), authorities.ROOT)


@given(st.lists(st.one_of(st.text(max_size=50), st.binary(max_size=50).map(lambda b: base64.b64encode(b).decode()))))
def test_any_x5c_is_refused_or_read(x5c: list[str]) -> None:
    """Strangers' octets raise nothing but refusals."""
    with pytest.raises(Refused):
        ANCHORS.judge(x5c, "ES256", None, harness.NOW)


@given(st.integers(0, 1000), st.integers(1, 255))
def test_a_changed_octet_is_never_believed(place: int, change: int) -> None:
    """Whichever octet of the certificate it is."""
    der = bytearray(base64.b64decode(LEAF.x5c[0]))
    der[place % len(der)] ^= change
    with pytest.raises(Refused):
        ANCHORS.judge([base64.b64encode(der).decode()], "ES256", None, harness.NOW)


def test_a_serial_number_is_positive() -> None:
    """RFC 5280 4.1.2.2; the library reads others, and only warns."""
    der = bytearray(base64.b64decode(LEAF.x5c[0]))
    der[15] |= 0x80
    with pytest.raises(Refused) as caught:
        ANCHORS.judge([base64.b64encode(der).decode()], "ES256", None, harness.NOW)
    assert caught.value.code == "certificate-malformed"


@given(st.text(max_size=200))
def test_any_anchors_are_refused_or_read(pem: str) -> None:
    """What is no certificate vouches for nobody."""
    with pytest.raises(Refused):
        chains.Anchors(pem)


@pytest.mark.parametrize("alg", ["RS256", "ES384", "EdDSA"])
def test_the_key_is_for_its_own_algorithm(alg: str) -> None:
    """A header cannot choose another one for it (RFC 8725 section 3.1)."""
    with pytest.raises(Refused):
        ANCHORS.judge(LEAF.x5c, alg, None, harness.NOW)


def test_several_anchors() -> None:
    """Each of them vouches."""
    both = chains.Anchors(authorities.OTHER_ROOT.pem + authorities.ROOT.pem)
    assert both.judge(LEAF.x5c, "ES256", "kid", harness.NOW).key.kid == "kid"
    assert repr(both) == "Anchors(2)"


def test_a_name_outside_of_the_authoritys_own() -> None:
    """An authority that may sign some names signs no others (RFC 5280 section 4.2.1.10)."""
    permitted = x509.NameConstraints([x509.DNSName("acme.example")], None)
    bound = authorities.make(authorities.cn("Bound root"), ca=True, constraints=permitted)
    anchors = chains.Anchors(bound.pem)
    for name, is_good in (("cart.acme.example", True), ("cart.evil.example", False)):
        leaf = authorities.make(authorities.cn("cart"), bound, alternatives=[x509.DNSName(name)])
        if is_good:
            assert anchors.judge(leaf.x5c, "ES256", None, harness.NOW).says["san"]["dns"] == [name]
        else:
            with pytest.raises(Refused):
                anchors.judge(leaf.x5c, "ES256", None, harness.NOW)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (rsa.generate_private_key(65537, 2048), "RS256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
)
def test_kinds_of_keys(key: object, alg: str) -> None:
    """RSA and curves; each with its own algorithm."""
    leaf = authorities.make(authorities.cn("cart"), authorities.ROOT, key=key)
    assert ANCHORS.judge(leaf.x5c, alg, None, harness.NOW).key.usable_for == {alg}
