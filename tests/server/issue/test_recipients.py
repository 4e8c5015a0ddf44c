"""The key that a token is encrypted to: chosen by use, alg and kid, or there is none and nothing is encrypted."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

import joserfc.jwe
import joserfc.jwk
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Refused
from intaglio.server.issue import recipients
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.tokens import encryptionkeys, jwe
from tests.capability import capability

MEMBERS = st.sampled_from("kty crv x y n e use alg kid key_ops d k keys".split())


@functools.cache
def made(kind: str) -> encryptionkeys.DecryptionKey:
    """Return a client's key."""
    return encryptionkeys.generate(kind)


def entry(kind: str, **members: Any) -> dict[str, Any]:
    """Return the published form of a client's key."""
    return {**encryptionkeys.public_members(made(kind).public()), **members}


def document(*entries: dict[str, Any]) -> str:
    """Return a key set as a client registers it."""
    return json.dumps({"keys": list(entries)})


def refusal(text: str, alg: str = "RSA-OAEP-256", enc: str = "") -> str:
    """Return the code with which the choice is refused."""
    with pytest.raises(Refused) as caught:
        recipients.choose(text, alg, enc)
    return caught.value.code


def test_a_signing_key_is_never_encrypted_to() -> None:
    """RFC 7517 4.2: `use: sig`, key_ops or an alg that sign make a key no recipient's, however well it would fit."""
    for members in ({"use": "sig"}, {"key_ops": ["verify"]}, {"alg": "RS256"}, {"use": "enc", "alg": "RS256"}):
        assert refusal(document(entry("RSA", **members))) == "encryption-key-unknown"
    both = document(entry("RSA", use="sig", kid="s"), entry("RSA", use="enc", kid="e"))
    assert recipients.choose(both, "RSA-OAEP-256").key.kid == "e"


def test_a_weak_key_is_never_encrypted_to() -> None:
    """RFC 7518 4.3: 2048 bits or more; a shorter key is passed over, and alone it leaves no recipient."""
    # A modulus of 1024 bits: the product of two primes that are long known.
    n = (2**521 - 1) * (2**607 - 1)
    weak = {"kty": "RSA", "e": "AQAB", "n": _number(n), "use": "enc", "kid": "weak"}
    assert refusal(document(weak)) == "encryption-key-unknown"
    assert recipients.choose(document(weak, entry("RSA", kid="good")), "RSA-OAEP-256").key.kid == "good"


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


def test_a_point_off_its_curve_is_never_encrypted_to() -> None:
    """An invalid curve gives the secret away: such a key is none."""
    bad = entry("P-256") | {"y": entry("P-256")["x"]}
    assert refusal(document(bad), "ECDH-ES+A256KW") == "encryption-key-unknown"


@pytest.mark.parametrize("alg", ["dir", "A128KW", "A256KW", "A256GCMKW", "RSA1_5", "PBES2-HS256+A128KW", "none", ""])
def test_a_symmetric_alg_is_refused(alg: str) -> None:
    """A client's secret is kept as a hash and is no key; RFC 8725 3.2: RSA1_5 and passwords are in no table."""
    shared = {"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAA", "use": "enc"}
    assert refusal(document(entry("RSA")), alg) == "forbidden-algorithm"
    assert refusal(document(shared), alg) == "forbidden-algorithm"


def test_what_is_no_key_set_is_refused() -> None:
    """Text that is no JSON, no set, or holds a private key: nothing is chosen from it."""
    private = entry("P-256") | {"d": "AAAA"}
    for text in ("", "[]", "{", '{"keys": 1}', '{"keys": ["x"]}', '{"keys": [], "keys": []}', document(private)):
        assert refusal(text, "ECDH-ES") == "malformed-key"
    assert refusal('{"keys": []}') == "encryption-key-unknown"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["RSA", "EC", "OKP", "AQAB", "enc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(MEMBERS, VALUES, max_size=9), st.sampled_from([*jwe.PUBLIC, "dir", "A128KW", ""]))
def test_whatever_a_client_publishes_is_a_key_or_refused(members: dict[str, Any], alg: str) -> None:
    """Any JSON at all: a recipient for the algorithm that was asked for, or one of three codes."""
    found: recipients.Recipient | None
    try:
        found, code = recipients.choose(json.dumps({"keys": [members]}), alg), ""
    except Refused as refused:
        found, code = None, refused.code
    if found is None:
        assert code in ("forbidden-algorithm", "encryption-key-unknown", "malformed-key")
    else:
        assert found.key.fits(alg, found.enc)


def test_an_unknown_enc_is_refused() -> None:
    """RFC 7518 5: only content encryptions that are authenticated and known."""
    assert refusal(document(entry("RSA")), enc="A128CBC") == "forbidden-algorithm"


def test_what_is_marked_for_it_comes_first() -> None:
    """`alg` before `use` before the order of the set."""
    plain, marked, exact = (
        entry("RSA", kid="plain"),
        entry("RSA", kid="marked", use="enc"),
        entry("RSA", kid="exact", alg="RSA-OAEP-256"),
    )
    assert recipients.choose(document(plain, marked, exact), "RSA-OAEP-256").key.kid == "exact"
    assert recipients.choose(document(plain, marked, exact), "RSA-OAEP").key.kid == "marked"
    assert recipients.choose(document(plain, entry("P-256")), "RSA-OAEP").key.kid == "plain"
    assert recipients.choose(document(plain, entry("P-256", kid="ec")), "ECDH-ES").key.kid == "ec"


def test_enc_has_its_default() -> None:
    """OpenID Connect Registration 1.0 section 2: A128CBC-HS256 where alg is set and enc is not."""
    assert recipients.choose(document(entry("RSA")), "RSA-OAEP").enc == "A128CBC-HS256"
    assert recipients.choose(document(entry("RSA")), "RSA-OAEP", "A256GCM").enc == "A256GCM"


# joserfc and jwcrypto have neither of the two others; jose (npm) opens those.
OPENED = [alg for alg in jwe.PUBLIC if alg not in ("RSA-OAEP-384", "RSA-OAEP-512")]
CASES = [(alg, enc) for alg in OPENED for enc in jwe.ENCRYPTIONS]


@capability("id-token-encrypted-algorithms", witness="joserfc")
@pytest.mark.parametrize(("alg", "enc"), CASES, ids=["-".join(case) for case in CASES])
def test_joserfc_opens_what_is_sealed(alg: str, enc: str) -> None:
    """The header says alg, enc, kid and that a token is inside; the one key opens it."""
    kind = "RSA" if alg.startswith("RSA") else "P-256"
    to = recipients.choose(document(entry(kind, kid="k")), alg, enc)
    sealed = recipients.seal("a.b.c", to)
    private = joserfc.jwk.import_key(_private(kind), "RSA" if kind == "RSA" else "EC")
    opened = joserfc.jwe.decrypt_compact(sealed, private, algorithms=[alg, enc])
    assert opened.plaintext == b"a.b.c"
    told = {name: opened.headers()[name] for name in ("alg", "enc", "kid", "cty", "typ")}
    assert told == {"alg": alg, "enc": enc, "kid": "k", "cty": "JWT", "typ": "JWT"}


def _private(kind: str) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made(kind).private.private_bytes(*form).decode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("client", "tenant", "front", "back"),
    [
        ("", "", False, False),
        ("front_channel", "", True, False),
        ("", "front_channel", True, False),
        ("always", "", True, True),
        ("", "always", True, True),
        ("front_channel", "always", True, True),
        ("always", "front_channel", True, True),
    ],
)
def test_what_is_demanded(client: str, tenant: str, front: bool, back: bool) -> None:
    """The stricter of the client's word and the tenant's counts: neither can take back what the other demands."""
    of, at = Client("t", "c", "C", 0, encrypt_id_token=client), Tenant("t", "t", "o", "T", 0, encrypt_id_tokens=tenant)
    assert recipients.is_demanded(of, at, front_channel=True) is front
    assert recipients.is_demanded(of, at, front_channel=False) is back
