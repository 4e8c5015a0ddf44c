"""Keys to encrypt to and to decrypt with: read strictly, chosen by what they are for, never printed."""

from __future__ import annotations

import pickle

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import encryptionkeys, jwe, jwe_material, jwk
from tests.tokens.test_jwe_roundtrip import CURVES, MATERIAL, private_members

FORMS = {
    "PKCS #8": serialization.PrivateFormat.PKCS8,
    "SEC 1 or PKCS #1": serialization.PrivateFormat.TraditionalOpenSSL,
}
KINDS = ("RSA", *CURVES)


def code(call, *arguments, **options):
    """Return the code with which a call is refused."""
    with pytest.raises(Refused) as caught:
        call(*arguments, **options)
    return caught.value.code


def public(kind="P-256", **more):
    """Return the public JWK of a key."""
    return encryptionkeys.public_members(MATERIAL[kind].public()) | more


def private(kind="P-256", **more):
    """Return the private JWK of a key."""
    return private_members(MATERIAL[kind]) | more


def works(key, other=None):
    """Return whether what is encrypted to `other`, or to the key's own public half, is decrypted with the key."""
    target = other or key.public()
    alg = min(key.public().usable_for - {"dir"})
    text = jwe.encrypt(b"x", target, alg=alg, enc="A128GCM")
    return jwe.decrypt(text, encryptionkeys.DecryptionKeys([key])).plaintext == b"x"


# --- reading


@pytest.mark.parametrize("kind", KINDS)
def test_private_jwk_and_public_jwk_belong_together(kind):
    """Read both halves of a key of every kind, and decrypt with one what was encrypted to the other."""
    key = encryptionkeys.read_private(private(kind, kid="k1", use="enc"))
    other = encryptionkeys.read_public(public(kind, kid="k1", use="enc"))
    assert works(key, other)
    assert (other.kid, other.use, other.alg, other.key_ops) == ("k1", "enc", None, None)
    assert encryptionkeys.public_members(other) == encryptionkeys.public_members(key.public()) == public(kind)


def test_rsa_key_without_its_primes_is_completed():
    """Read an RSA key of n, e and d alone, and refuse one that has only some of the others."""
    members = private("RSA")
    assert works(encryptionkeys.read_private({name: members[name] for name in ("kty", "n", "e", "d")}))
    assert code(encryptionkeys.read_private, {n: v for n, v in members.items() if n != "qi"}) == "malformed-key"


@pytest.mark.parametrize(
    "change",
    [
        {"d": None},
        {"d": 7},
        {"d": "Aw"},
        {"d": ""},
        {"d": "="},
        {"p": "AQ"},
        {"dp": "AQ"},
        {"qi": "AQ"},
        {"e": "AQ"},
        {"e": "Aw"},
        {"n": "AQAB"},
        {"oth": []},
        {"kty": "EC"},
        {"kty": "oct"},
        {"kty": None},
        {"alg": "RS256"},
        {"alg": "RSA1_5"},
        {"alg": "A128KW"},
        {"alg": "ECDH-ES"},
        {"alg": 7},
        {"kid": 7},
        {"use": "sig"},
        {"use": "other"},
        {"use": ["enc"]},
        {"key_ops": "decrypt"},
        {"key_ops": [7]},
        {"key_ops": []},
        {"key_ops": ["sign"]},
        {"key_ops": ["encrypt", "wrapKey"]},
    ],
)
def test_other_private_rsa_keys_are_refused(change):
    """Refuse members that are wrong, do not belong together, or say that the key is for something else."""
    assert code(encryptionkeys.read_private, private("RSA", **change)) == "malformed-key"


@pytest.mark.parametrize(
    "change",
    [
        {"d": None},
        {"d": "AQ"},
        {"d": "A" * 43},
        {"d": "_" * 42 + "8"},
        {"d": private("X25519")["d"]},
        {"x": private("P-256")["y"]},
        {"y": None},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"crv": "X25519"},
        {"crv": ["P-256"]},
        {"kty": "OKP"},
        {"alg": "ES256"},
        {"alg": "RSA-OAEP"},
        {"use": "sig"},
        {"key_ops": ["sign"]},
    ],
)
def test_other_private_ec_keys_are_refused(change):
    """Refuse a `d` of another key or length, points off the curve, and keys that are for something else."""
    assert code(encryptionkeys.read_private, private("P-256", **change)) == "malformed-key"


@pytest.mark.parametrize(
    "change", [{"d": None}, {"d": "AQ"}, {"d": "A" * 43}, {"x": "A" * 43}, {"crv": "Ed25519"}, {"crv": "X448"}]
)
def test_other_private_okp_keys_are_refused(change):
    """Refuse a `d` that is not the public key's, and curves that sign."""
    assert code(encryptionkeys.read_private, private("X25519", **change)) == "malformed-key"


@pytest.mark.parametrize("octets", [0, 1, 15, 17, 31, 33, 65, 128])
def test_shared_secrets_of_other_lengths_are_refused(octets):
    """Refuse secrets that no algorithm takes."""
    members = {"kty": "oct", "k": codec.encode_base64url(bytes(octets))}
    assert code(encryptionkeys.read_private, members) == "malformed-key"
    assert code(encryptionkeys.from_secret, bytes(octets)) == "malformed-key"


def test_shared_secret_fits_its_algorithm():
    """Refuse a secret whose length is not that of its alg, and let an enc stand for dir."""
    members = {"kty": "oct", "k": codec.encode_base64url(bytes(32))}
    assert code(encryptionkeys.read_private, members | {"alg": "A128KW"}) == "malformed-key"
    direct = encryptionkeys.read_private(members | {"alg": "A256GCM"})
    assert direct.fits("dir", "A256GCM")
    assert not direct.fits("dir", "A128CBC-HS256")
    assert not direct.fits("A256KW", "A256GCM")


@pytest.mark.parametrize(
    "members",
    [
        private("P-256"),
        private("RSA"),
        private("X25519"),
        {"kty": "oct", "k": "A" * 43},
        public("P-256", priv="AA"),
        public("P-256", use="sig"),
        public("P-256", alg="ES256"),
        public("P-256", key_ops=["verify"]),
        public("P-256", crv="P-521"),
        public("P-256", x=public("P-256")["y"]),
        public("RSA", use="sig"),
        public("RSA", alg="RS256"),
        public("RSA", alg="RSA1_5"),
        public("RSA", key_ops=["verify"]),
        public("RSA", key_ops=[]),
        public("X25519", crv="Ed25519"),
        public("X25519", alg="EdDSA"),
        public("X25519", x="AA"),
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {},
    ],
)
def test_other_public_keys_are_refused(members):
    """Refuse private members, keys that sign, points off the curve, and anything that is no key."""
    assert code(encryptionkeys.read_public, members) == "malformed-key"


def test_refusal_names_the_alg_that_signs():
    """Say that the alg is the fault where it is."""
    for read, members in ((encryptionkeys.read_public, public("RSA")), (encryptionkeys.read_private, private("RSA"))):
        with pytest.raises(Refused) as caught:
            read(members | {"alg": "RS256"})
        assert caught.value.detail == {"rule": "alg is not one that encrypts"}


def test_small_and_huge_rsa_keys_are_refused():
    """Refuse RSA keys under 2048 bits, in every form."""
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505  (what is refused)
    text = small.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    assert code(encryptionkeys.from_pem, text) == "malformed-key"
    assert code(encryptionkeys.DecryptionKey, small) == "malformed-key"
    with pytest.raises(Refused):
        encryptionkeys.EncryptionKey(public=small.public_key())
    huge = codec.encode_base64url(((1 << 8192) + 1).to_bytes(1025, "big"))
    assert code(encryptionkeys.read_public, {"kty": "RSA", "n": huge, "e": "AQAB"}) == "malformed-key"


# --- sets


def test_public_set_leaves_out_what_signs():
    """Read the keys of a set that encrypt, in their order, and skip every other."""
    signing = jwk.public_members(jwk.generate("ES256").public())
    document = {
        "keys": [
            signing | {"use": "sig"},
            public("RSA", kid="r", use="enc"),
            {"kty": "unknown"},
            signing | {"alg": "ES256"},
            public("P-256", kid="p"),
        ]
    }
    assert [key.kid for key in encryptionkeys.read_public_set(document)] == ["r", "p"]


@pytest.mark.parametrize(
    "document", [None, [], {}, {"keys": {}}, {"keys": [7]}, {"keys": [{}] * 101}, {"keys": [public(), private()]}]
)
def test_documents_that_are_no_public_set_are_refused(document):
    """Refuse what is no set, what is too long, and a set with a private member."""
    assert code(encryptionkeys.read_public_set, document) == "malformed-key"


def test_private_set_names_its_keys():
    """Read a set or a single JWK, tell what was skipped, and find keys by kid."""
    keys = encryptionkeys.read_private_set(
        {"keys": [private("RSA", kid="r"), private("P-256", kid="p"), private("P-384", use="sig"), {"kty": "x"}]}
    )
    assert (len(keys), [key.kid for key in keys.keys]) == (2, ["r", "p"])
    assert [reason.partition(":")[0] for reason in keys.skipped] == ["key 2", "key 3"]
    assert keys.named("p") == (keys.keys[1],)
    assert keys.named("x") == ()
    assert len(encryptionkeys.read_private_set(private("X25519"))) == 1
    assert code(encryptionkeys.read_private_set, private("P-256", use="sig")) == "malformed-key"
    assert code(encryptionkeys.read_private_set, public("P-256")) == "malformed-key"
    assert code(encryptionkeys.read_private_set, {"keys": 7}) == "malformed-key"


def test_first_key_that_fits_is_the_recipient():
    """Choose by type, alg, use and key_ops; refuse where there is none."""
    keys = [
        encryptionkeys.EncryptionKey(public=MATERIAL["P-256"].private.public_key(), use="sig", kid="signs"),
        encryptionkeys.read_public(public("RSA", kid="other", alg="RSA-OAEP")),
        encryptionkeys.read_public(public("RSA", kid="first", key_ops=["wrapKey"])),
        encryptionkeys.read_public(public("RSA", kid="second", alg="RSA-OAEP-256")),
        encryptionkeys.read_public(public("X25519", kid="agrees", key_ops=[])),
        encryptionkeys.from_secret(bytes(32), kid="shared").public(),
    ]
    assert encryptionkeys.choose_recipient(keys, "RSA-OAEP-256").kid == "first"
    assert encryptionkeys.choose_recipient(keys, "RSA-OAEP").kid == "other"
    assert encryptionkeys.choose_recipient(keys, "ECDH-ES").kid == "agrees"
    assert encryptionkeys.choose_recipient(keys, "dir").kid == "shared"
    assert code(encryptionkeys.choose_recipient, keys, "dir", "A128GCM") == "encryption-key-unknown"
    assert code(encryptionkeys.choose_recipient, keys, "A128KW") == "encryption-key-unknown"
    assert code(encryptionkeys.choose_recipient, [], "RSA-OAEP") == "encryption-key-unknown"
    assert code(encryptionkeys.choose_recipient, keys, "RSA1_5") == "forbidden-algorithm"


def test_nothing_is_encrypted_to_a_signing_key():
    """Refuse to encrypt to a key whose use is another, however it was made."""
    key = encryptionkeys.EncryptionKey(public=MATERIAL["RSA"].private.public_key(), use="sig")
    with pytest.raises(Refused) as caught:
        jwe.encrypt(b"x", key, alg="RSA-OAEP", enc="A256GCM")
    assert caught.value.code == "encryption-key-unknown"


# --- making, PEM


@pytest.mark.parametrize("kind", KINDS)
def test_generated_keys_work(kind):
    """Make a key of every kind, for encryption, with the names that are given."""
    key = encryptionkeys.generate(kind, kid="k1")
    assert works(key)
    assert (key.kid, key.use, key.public().kid, key.public().use) == ("k1", "enc", "k1", "enc")


def test_other_kinds_are_not_generated():
    """Refuse other kinds, and an alg that does not fit."""
    for kind in ("Ed25519", "secp256k1", "oct", "", "EC"):
        assert code(encryptionkeys.generate, kind) == "malformed-key"
    assert code(encryptionkeys.generate, "P-256", alg="RSA-OAEP") == "malformed-key"
    assert code(encryptionkeys.generate, "RSA", alg="RS256") == "malformed-key"


@pytest.mark.parametrize("password", [None, "pass wörd"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "X25519"])
def test_pem_is_read(kind, form, password):
    """Read PKCS #8, PKCS #1 and SEC 1, with a password where there is one and only then."""
    if kind == "X25519":
        form = "PKCS #8"
    encryption = (
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password.encode())
    )
    text = MATERIAL[kind].private.private_bytes(serialization.Encoding.PEM, FORMS[form], encryption).decode()
    key = encryptionkeys.from_pem(text, password=password, kid="k1")
    assert works(key, MATERIAL[kind].public())
    assert key.kid == "k1"
    for wrong in ("other", None if password else "needless"):
        assert code(encryptionkeys.from_pem, text, password=wrong) == "malformed-key"


def pem(private_key):
    """Return the PEM text of a private key."""
    form = serialization.PrivateFormat.PKCS8
    return private_key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "é",
        "\ud800",
        "a" * 100_000,
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(ec.generate_private_key(ec.SECP256K1())),
        MATERIAL["RSA"]
        .private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
    ids=["empty", "nothing", "accent", "surrogate", "long", "Ed25519", "secp256k1", "public"],
)
def test_other_pem_texts_are_refused(text):
    """Refuse what is no private key, and keys that do not decrypt."""
    assert code(encryptionkeys.from_pem, text) == "malformed-key"


# --- secrecy


@pytest.mark.parametrize("key", [*MATERIAL.values(), encryptionkeys.from_secret(bytes(range(32)))])
def test_keys_neither_print_nor_travel(key):
    """Refuse to pickle and to encode a key, and show nothing of it."""
    half = key.public()
    for each in (key, half, key.private if isinstance(key.private, jwe_material.OctetKey) else key):
        for call in (pickle.dumps, msgspec.json.encode, msgspec.msgpack.encode):
            with pytest.raises(TypeError):
                call(each)
    assert repr(key) == "DecryptionKey(kid=None, alg=None, …)"
    assert repr(half) == "EncryptionKey(kid=None, alg=None, …)"


def test_a_shared_secret_is_not_published():
    """Refuse to write the members of a shared secret."""
    with pytest.raises(ValueError, match="not published"):
        encryptionkeys.public_members(encryptionkeys.from_secret(bytes(32)).public())


def test_other_objects_are_no_keys():
    """Refuse keys of types that do not encrypt."""
    for private_key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1()), "key", None):
        assert code(encryptionkeys.DecryptionKey, private_key) == "malformed-key"
    assert works(encryptionkeys.DecryptionKey(x25519.X25519PrivateKey.generate()))


MEMBERS = st.dictionaries(
    st.sampled_from("kty crv x y n e d p q dp dq qi k alg use key_ops kid".split()),
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "X25519"]),
)


def outcome(read, members):
    """Return the use of a key that is read, or the code with which its members are refused."""
    try:
        return read(members).use
    except Refused as refusal:
        return refusal.code


@settings(max_examples=300, deadline=None)
@given(MEMBERS, st.sampled_from(KINDS))
def test_any_members_are_refused_or_read(members, kind):
    """Answer any members at all with a key for encryption or with one code."""
    for document in (members, private(kind) | members):
        assert outcome(encryptionkeys.read_private, document) in (None, "enc", "malformed-key")
    for document in (members, public(kind) | members):
        assert outcome(encryptionkeys.read_public, document) in (None, "enc", "malformed-key")
