"""Encrypted ID tokens and those with a shared secret, through the front doors: nested, or refused."""

from __future__ import annotations

import functools
import json
import time

import joserfc.jwe
import joserfc.jwk
import joserfc.jwt
import jwt
import pytest

import intaglio
from intaglio import codec
from intaglio.clock import FixedClock
from intaglio.errors import Misconfigured, Refused
from intaglio.tokens import encryptionkeys, jwe, jwk, jws
from intaglio.tokens.sharedsecret import SharedSecret
from tests.capability import capability

ISSUER, CLIENT, NOW = "https://issuer.example", "client-1", 1_700_000_000
CLAIMS = {"iss": ISSUER, "sub": "u1", "aud": CLIENT, "exp": NOW + 600, "iat": NOW}
SECRET = "a-client-secret-of-forty-octets-or-so-it-says"


@functools.cache
def signing():
    """Return the issuer's key."""
    return jwk.generate("ES256")


@functools.cache
def recipient(kind):
    """Return the client's key."""
    return encryptionkeys.generate(kind)


def published():
    """Return the issuer's key set, as read from JSON."""
    return {"keys": [{**jwk.public_members(signing().public()), "kid": "k1", "alg": "ES256", "use": "sig"}]}


def signed(**changes):
    """Return a signed token."""
    return jws.sign(signing(), {"kid": "k1", "typ": "JWT"}, codec.encode_json({**CLAIMS, **changes}))


def sealed(inner, alg="RSA-OAEP-256", enc="A256GCM", key=None, **header):
    """Return `inner` encrypted to the client."""
    key = key or recipient("RSA")
    return jwe.encrypt(inner.encode(), key.public(), alg=alg, enc=enc, header={"cty": "JWT", **header})


def validator(**options):
    """Return a validator of the issuer's tokens for the client."""
    options = {"keys": published(), "clock": FixedClock(NOW)} | options
    return intaglio.Validator(issuer=ISSUER, audience=CLIENT, **options)


def opening(**options):
    """Return a validator that can open what is encrypted to the client."""
    return validator(decryption_keys=encryptionkeys.DecryptionKeys((recipient("RSA"), recipient("P-256"))), **options)


def code(checking, token):
    """Return the code with which a token is refused, alike by both ways."""
    with pytest.raises(Refused) as caught:
        checking.validate(token)
    assert checking.explain(token).failures()[0].code == caught.value.code
    return caught.value.code


@capability("jwe-nested", witness="joserfc")
def test_nested_token_of_another_library_is_believed():
    """Open and believe a nested token that joserfc made, with each kind of key."""
    for kind, alg in (("RSA", "RSA-OAEP"), ("RSA", "RSA-OAEP-256"), ("P-256", "ECDH-ES+A256KW"), ("P-256", "ECDH-ES")):
        members = encryptionkeys.public_members(recipient(kind).public())
        header = {"alg": alg, "enc": "A128CBC-HS256", "cty": "JWT"}
        key = joserfc.jwk.import_key(members)
        token = joserfc.jwe.encrypt_compact(header, signed().encode(), key, algorithms=[alg, "A128CBC-HS256"])
        assert opening().validate(token).sub == "u1"
        report = opening().explain(token)
        check = next(each for each in report.checks if each.name == "encryption")
        assert (check.outcome, check.received) == ("pass", f"{alg}, A128CBC-HS256")
        assert report.to_dict()["believed"] is True


def test_keys_may_be_given_as_text():
    """Take the client's key as PEM, as a JWK and as a set of them."""
    members = {**encryptionkeys.public_members(recipient("P-256").public()), "kty": "EC", "crv": "P-256"}
    number = recipient("P-256").private.private_numbers().private_value
    members["d"] = codec.encode_base64url(number.to_bytes(32, "big"))
    token = sealed(signed(), "ECDH-ES", key=recipient("P-256"))
    for given in (members, {"keys": [members]}):
        assert validator(decryption_keys=given).validate(token).sub == "u1"
    from cryptography.hazmat.primitives import serialization as form

    pem = recipient("P-256").private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    assert validator(decryption_keys=pem.decode()).validate(token).sub == "u1"


def test_encrypted_token_without_a_key_says_so():
    """Tell an encrypted token apart where no key was given."""
    report = validator().explain(sealed(signed()))
    assert (report.failures()[0].code, report.kind) == ("token-encrypted", "jwe")
    assert "JWE" in report.failures()[0].received
    assert code(validator(), sealed(signed())) == "token-encrypted"


def test_signed_token_is_believed_beside_encrypted_ones_unless_they_are_required():
    """Believe a token that is only signed, unless encryption is required."""
    assert opening().validate(signed()).sub == "u1"
    assert code(opening(require_encrypted=True), signed()) == "token-not-encrypted"
    assert opening(require_encrypted=True).validate(sealed(signed())).sub == "u1"
    with pytest.raises(Misconfigured):
        validator(require_encrypted=True)


@pytest.mark.parametrize("cty", [None, "json", "at+jwt", "JWT+x", 1, "", "application/jwt"])
def test_other_content_is_refused(cty):
    """Refuse an encrypted text that does not say that it holds a token (RFC 7519 5.2)."""
    header = {} if cty is None else {"cty": cty}
    token = jwe.encrypt(signed().encode(), recipient("RSA").public(), alg="RSA-OAEP-256", enc="A256GCM", header=header)
    assert code(opening(), token) == "header-unsupported"


def test_d1_9_encryption_is_no_signature():
    """Refuse claims that were encrypted to us and signed by nobody: the key to do so is public."""
    bare = json.dumps(CLAIMS)
    unsigned = "eyJhbGciOiJub25lIn0." + codec.encode_base64url(bare.encode()) + "."
    assert code(opening(), sealed(bare)) == "token-malformed"
    assert code(opening(), sealed(unsigned)) == "forbidden-algorithm"
    assert code(opening(), sealed(sealed(signed()))) == "token-malformed"
    stranger = jws.sign(jwk.generate("ES256"), {"kid": "k1"}, codec.encode_json(CLAIMS))
    assert code(opening(), sealed(stranger)) == "signature-invalid"


def test_every_fault_of_decryption_has_one_face():
    """Refuse a broken seal, another key and a broken wrapped key alike."""
    token = sealed(signed())
    parts = token.split(".")
    for place in range(1, 5):
        changed = [*parts]
        changed[place] = ("B" if changed[place][0] != "B" else "C") + changed[place][1:]
        assert code(opening(), ".".join(changed)) == "decryption-failed"
    other = encryptionkeys.DecryptionKeys((encryptionkeys.generate("RSA"),))
    assert code(validator(decryption_keys=other), token) == "decryption-failed"


def test_expired_inside_is_expired():
    """Report what is wrong with the token inside as with any other."""
    report = opening().explain(sealed(signed(exp=NOW - 61)))
    assert report.only_failure() == "token-expired"


@capability("alg-hs256", witness="PyJWT, joserfc")
def test_client_secret_checks_what_others_made_with_it():
    """Believe HS256 tokens of PyJWT and joserfc with the client's secret, and refuse those of another secret."""
    checking = validator(client_secret=SECRET, keys=None)
    now = int(time.time())
    live = {**CLAIMS, "iat": now, "exp": now + 600}
    key = joserfc.jwk.OctKey.import_key(SECRET)
    for token in (
        jwt.encode(CLAIMS, SECRET, "HS256"),
        joserfc.jwt.encode({"alg": "HS256"}, CLAIMS, key, algorithms=["HS256"]),
    ):
        assert checking.validate(token).sub == "u1"
    assert code(checking, jwt.encode(CLAIMS, SECRET + "x", "HS256")) == "signature-invalid"
    assert code(checking, jwt.encode(CLAIMS, SECRET * 2, "HS512")) == "forbidden-algorithm"
    assert code(checking, signed()) == "forbidden-algorithm"
    assert code(validator(), jwt.encode(CLAIMS, SECRET, "HS256")) == "forbidden-algorithm"
    assert jwt.decode(jws_of_ours(live), SECRET, algorithms=["HS256"], audience=CLIENT, issuer=ISSUER)["sub"] == "u1"


def jws_of_ours(claims):
    """Return an HS256 token that the test makes by hand with the standard library alone."""
    import hashlib
    import hmac

    message = b"eyJhbGciOiJIUzI1NiJ9." + codec.encode_base64url(codec.encode_json(claims)).encode()
    mac = hmac.new(SECRET.encode(), message, hashlib.sha256).digest()
    return (message + b"." + codec.encode_base64url(mac).encode()).decode()


def test_secret_and_keys_side_by_side_stay_apart():
    """Allow both kinds only when both are named, each with its own key."""
    checking = validator(client_secret=SECRET, algorithms=("ES256", "HS256"))
    assert checking.validate(signed()).sub == "u1"
    assert checking.validate(jws_of_ours(CLAIMS)).sub == "u1"
    report = checking.explain(jws_of_ours(CLAIMS))
    assert next(check for check in report.checks if check.name == "key").received == "the client's secret"
    with pytest.raises(Misconfigured):
        validator(algorithms=("HS256",))


@pytest.mark.parametrize("secret", ["short", "x" * 31, "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"])
def test_secret_that_is_none_is_refused(secret):
    """Refuse a secret that is too short, and one that looks like a public key."""
    with pytest.raises(Refused):
        validator(client_secret=secret)
    with pytest.raises(Refused):
        SharedSecret(secret)


def test_secrets_do_not_print():
    """Keep secrets and private keys out of texts."""
    checking = opening(client_secret=SECRET, algorithms=("HS256",))
    assert SECRET not in repr(vars(checking)) + repr(checking._expectation)
