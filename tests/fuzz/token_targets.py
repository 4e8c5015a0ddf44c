"""The targets of the token core: codecs, keys, signed and encrypted tokens, and the validation itself."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn

from intaglio import codec
from intaglio.dialects import believing
from intaglio.errors import Refused
from intaglio.tokens import certificates, encryptionkeys, jwe, jwk, jws, peek, pem
from intaglio.tokens import claims as claim_types
from intaglio.tokens.sharedsecret import SharedSecret
from intaglio.validate import validator
from intaglio.validate.policy import Expectation, Occasion
from tests.fuzz import seeds
from tests.fuzz.target import Broken, Target, demand

KINDS = frozenset("id-token access-token logout-token jws jwe json-serialization saml opaque".split())


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        _refuse("twice")
    return dict(pairs)


# The codecs.


def base64url(octets: bytes) -> None:
    """Accept exactly what the standard library writes."""
    decoded = b""
    try:
        text = octets.decode("ascii")
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        canonical = base64.urlsafe_b64encode(decoded).rstrip(b"=") == octets
    except (ValueError, binascii.Error):
        canonical = False
    try:
        found = codec.decode_base64url(octets)
    except codec.CodecError:
        demand(not canonical, "canonical base64url is accepted")
        raise
    demand(canonical and found == decoded, "what is accepted is canonical")
    demand(codec.encode_base64url(found).encode() == octets, "encoding gives the text back")


def json_text(octets: bytes) -> None:
    """Accept JSON, never a duplicate, NaN or depth, and read it as the standard library does."""
    value = codec.decode_json(octets)
    again = json.loads(octets, object_pairs_hook=_unique, parse_constant=_refuse)
    demand(value == again, "the standard library reads the same")
    demand(codec.decode_json(codec.encode_json(value)) == value, "writing and reading gives the same value")


# Signed and encrypted tokens.


def signed(octets: bytes) -> None:
    """Take a compact token apart so that its parts put together are the text."""
    parts = jws.read(octets)
    demand(b".".join((parts.signing_input, codec.encode_base64url(parts.signature).encode())) == octets, "same text")
    demand(parts.signing_input.endswith(b"." + codec.encode_base64url(parts.payload).encode()), "same payload")
    jws.peek_kid(octets)


def decrypted(octets: bytes) -> None:
    """Open nothing but what was sealed."""
    opened = jwe.decrypt(octets, seeds.decryption_keys())
    known = {text.encode() for text in seeds.encrypted()}
    demand(octets in known, "nothing else opens")
    demand(opened.plaintext == seeds.tokens()[0].encode(), "it holds what was sealed")


def direct(octets: bytes) -> None:
    """Open nothing under our own key, which sealed nothing."""
    jwe.decrypt_direct(seeds.SECRET[::-1], octets.decode("utf-8", "replace"))
    raise Broken("a text opened that was never sealed")


def peeked(octets: bytes) -> None:
    """Look at anything and never raise."""
    found = peek.peek(octets.decode("utf-8", "surrogateescape"))
    demand(found.kind in KINDS, "the kind is one of the known ones")
    codec.encode_json(found.problems)


# Keys.


def _document(octets: bytes) -> dict[str, Any]:
    return codec.decode_json_object(octets)


def public_key(octets: bytes) -> None:
    """Read a public JWK; what is read is written as the same key."""
    key = jwk.read(_document(octets))
    members = jwk.public_members(key)
    demand(not {"d", "p", "q", "k", "priv"} & members.keys(), "nothing private is written")
    demand(jwk.public_members(jwk.read(members)) == members, "writing and reading gives the same key")
    jwk.thumbprint(members)


def key_set(octets: bytes) -> None:
    """Read a JWK Set; a private key is never in it."""
    found = jwk.read_set(codec.decode_json(octets))
    demand(len(found) + len(found.skipped) <= 100, "bounded")
    for key in found.keys:
        demand(key.usable_for <= key.checks.keys(), "each key checks what it is usable for")


def encryption_key(octets: bytes) -> None:
    """Read a JWK to encrypt to."""
    key = encryptionkeys.read_public(_document(octets))
    members = encryptionkeys.public_members(key)
    demand(encryptionkeys.public_members(encryptionkeys.read_public(members)) == members, "the same key again")


def decryption_key(octets: bytes) -> None:
    """Read private JWKs and sets of them; none prints itself."""
    document = codec.decode_json(octets)
    found = encryptionkeys.read_private_set(document)
    demand(repr(found) == f"DecryptionKeys({len(found)} keys)", "keys do not print themselves")
    try:
        published = encryptionkeys.read_public_set(document)
    except Refused:
        return
    demand(not any(key.kid == "private" for key in published), "a set with a private member is refused whole")


def public_pem(octets: bytes) -> None:
    """Read a public key or certificate in PEM."""
    key = pem.public_from_pem(octets.decode("latin-1"))
    demand(pem.public_to_der(pem.public_from_pem(pem.public_to_pem(key))) == pem.public_to_der(key), "the same key")


def public_der(octets: bytes) -> None:
    """Read a public key in DER."""
    key = pem.public_from_der(octets)
    demand(pem.public_to_der(pem.public_from_der(pem.public_to_der(key))) == pem.public_to_der(key), "the same key")


def private_pem(octets: bytes) -> None:
    """Read a private key in PEM."""
    encryptionkeys.from_pem(octets.decode("latin-1"))


def certificate(octets: bytes) -> None:
    """Read a certificate in DER and in PEM."""
    try:
        certificates.public_key(octets, None)
        certificates.serial(octets)
    except Refused:
        certificates.public_key(pem.certificate_from_pem(octets.decode("latin-1")), None)


def secret(octets: bytes) -> None:
    """Take a client secret; never a public key, never a short one."""
    SharedSecret(octets)
    demand(len(octets) >= 32 and b"-----BEGIN" not in octets, "long, and no PEM")


def claims(octets: bytes) -> None:
    """Read claims."""
    found = claim_types.read(_document(octets))
    demand(found.sub and found.aud and found.iss, "the required claims hold something")
    demand(0 <= found.iat < 2**53 and 0 <= found.exp < 2**53, "instants are exact")


# Believing.


def _expectation(choice: int) -> Expectation:
    dialect = believing.DIALECTS[choice % len(believing.DIALECTS)]
    issuer = seeds.VENDORS[dialect].get("iss", seeds.ISSUER)
    if dialect == "microsoft" and choice & 64:
        issuer = issuer.replace(seeds.TENANT, "{tenantid}")
    return Expectation(
        issuer,
        seeds.CLIENT if choice & 16 else (seeds.CLIENT, "client-2"),
        leeway=0 if choice & 32 else 60,
        algorithms=("EdDSA", "ES256"),
        decryption=seeds.decryption_keys() if choice & 128 else None,
        rules=believing.rules(dialect),
    )


EXPECTATIONS = tuple(_expectation(choice) for choice in range(256))
OCCASIONS = (
    Occasion(),
    Occasion(nonce="n"),
    Occasion(nonce="m"),
    Occasion(access_token="at", max_age=60),
    Occasion(access_token="at", require_at_hash=True, code="c", state="s"),
)
KEYS = jwk.read_set(seeds.document())


def _believed(text: bytes, expectation: Expectation, occasion: Occasion) -> bool:
    try:
        validator.validate(text, expectation, KEYS, seeds.NOW, occasion)
    except Refused as refusal:
        demand(refusal.code != "internal", "both ways refuse alike")
        return False
    return True


def validated(octets: bytes) -> None:
    """Believe nothing but good tokens, and by both ways alike, whatever is expected."""
    # The first two octets choose what is expected.
    expectation, occasion = EXPECTATIONS[octets[0] if octets else 0], OCCASIONS[(octets[1:2] or b"\0")[0] % 5]
    text = octets[2:]
    believed = _believed(text, expectation, occasion)
    report = validator.check(text, expectation, KEYS, seeds.NOW, occasion)
    failures = report.failures()
    demand(believed == (not failures), "the report says the same")
    demand(len(report.checks) == 5 + len(expectation.rules.rules), "every check is listed")
    demand(len(report.to_text()) < 64 * 1024, "the report stays short")
    codec.encode_json(report.to_dict())
    # Only what was signed is believed; a signature's second spelling (s negated) is out of reach of chance.
    known = {one.encode() for one in (*seeds.tokens(), *seeds.encrypted())}
    demand(not believed or text in known, "nothing else is believed")


def signed_by_us(octets: bytes) -> None:
    """Judge any payload under a good signature: both ways alike, the claims never a surprise."""
    expectation, occasion = EXPECTATIONS[octets[0] if octets else 0], OCCASIONS[(octets[1:2] or b"\0")[0] % 5]
    text = jws.sign(seeds.signing_keys()["EdDSA"], {"kid": "EdDSA"}, octets[2:]).encode()
    believed = _believed(text, expectation, occasion)
    report = validator.check(text, expectation, KEYS, seeds.NOW, occasion)
    demand(believed == (not report.failures()), "the report says the same")
    report.to_text()


def _chosen(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(bytes((position | 16, 0)) + text.encode() for position, text in enumerate(texts))


REFUSED = (Refused, codec.CodecError)
_JWKS = seeds.document()["keys"]
TARGETS = (
    Target("codec.decode_base64url", base64url, (codec.CodecError,), (b"", b"AA", b"-_8", b"AB", b"A", b"AA==")),
    Target(
        "codec.decode_json",
        json_text,
        (codec.CodecError,),
        (b'{"a":[1,2.5e3,null],"b":"\\u00e9"}', b"[[]]", b'{"a":1,"a":2}'),
    ),
    Target("jws.read", signed, (Refused,), tuple(text.encode() for text in seeds.tokens()[:4])),
    Target("jwe.decrypt", decrypted, (Refused,), tuple(text.encode() for text in seeds.encrypted())),
    Target("jwe.decrypt_direct", direct, (Refused,), (jwe.encrypt_direct(seeds.SECRET, b"x").encode(),)),
    Target(
        "peek.peek",
        peeked,
        (),
        (seeds.tokens()[0].encode(), seeds.encrypted()[0].encode(), b"Bearer a.b.c", b'{"signatures":[]}'),
    ),
    Target("jwk.read", public_key, REFUSED, seeds.json(*_JWKS)),
    Target("jwk.read_set", key_set, REFUSED, seeds.json(seeds.document())),
    Target("encryptionkeys.read_public", encryption_key, REFUSED, seeds.json(seeds.encryption_members())),
    Target(
        "encryptionkeys.read_private_set",
        decryption_key,
        REFUSED,
        seeds.json(*seeds.private_members(), {"keys": [*seeds.private_members()]}),
    ),
    Target("encryptionkeys.from_pem", private_pem, (Refused,), (seeds.private_pem(),)),
    Target("pem.public_from_pem", public_pem, (Refused,), seeds.public_pems()),
    Target(
        "pem.public_from_der",
        public_der,
        (Refused,),
        tuple(pem.public_to_der(key.public()) for key in seeds.signing_keys().values()),
    ),
    Target(
        "certificates.public_key",
        certificate,
        (Refused,),
        seeds.certificates(),
    ),
    Target("sharedsecret", secret, (Refused,), (seeds.SECRET, *seeds.public_pems())),
    Target("claims.read", claims, REFUSED, seeds.json(seeds.CLAIMS)),
    Target("validator.validate", validated, (), _chosen((*seeds.tokens()[:5], *seeds.encrypted()))),
    Target(
        "validator.validate of a signed payload",
        signed_by_us,
        (),
        tuple(
            bytes((position, 0)) + octets
            for position, octets in enumerate(
                seeds.json(*({**seeds.CLAIMS, **more} for more in seeds.VENDORS.values()))
            )
        ),
    ),
)
