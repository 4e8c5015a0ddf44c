"""The keys of a client: a set by value or by address, and whether it has what its other fields need.

OpenID Connect Registration 1.0 section 2 (`jwks`, `jwks_uri`, `*_encrypted_response_alg`), RFC 7517 section 9.2.
"""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects import registry
from intaglio.errors import Misconfigured, Refused
from intaglio.server.issue import recipients
from intaglio.server.registry import fields, settings
from intaglio.server.registry.wanted import Wanted
from intaglio.tokens import certifiedkeys, encryptionkeys, jwe, jwk
from intaglio.tokens.jwk import KeySet

MAXIMUM_OCTETS = 64 * 1024
ENCRYPTED = ("id_token", "userinfo")
"""What may be encrypted for a client."""


def check(wanted: Wanted) -> dict[str, object]:
    """Return the fields of keys and algorithms as they are kept.

    Raises `Misconfigured`: `keys-twice` for a set by value and by address, `keys-invalid` for what is no set, holds a
    private key or no usable one, `keys-missing` where another field needs one, `value-unknown`, `uri-invalid`.
    """
    if wanted.jwks and wanted.jwks_uri:
        # OpenID Connect Registration 2: the two must not be used together.
        raise fields.refuse("keys-twice", "There are two key sets.", "jwks or jwks_uri", "both")
    text, keys = read(wanted.jwks) if wanted.jwks else ("", jwk.KeySet(()))
    _check_signing(wanted, keys)
    found: dict[str, object] = {"jwks": text, "jwks_uri": fields.https("jwks_uri", wanted.jwks_uri)}
    for what in ENCRYPTED:
        alg = getattr(wanted, f"{what}_encrypted_response_alg")
        found[f"{what}_encrypted_response_enc"] = _encryption(
            what, alg, getattr(wanted, f"{what}_encrypted_response_enc")
        )
        if alg and not wanted.jwks_uri:
            check_recipient(what, text, alg)
    demand = fields.one_of("encrypt_id_token", wanted.encrypt_id_token, fields.ENCRYPT)
    if demand and not wanted.id_token_encrypted_response_alg:
        expected = "id_token_encrypted_response_alg beside encrypt_id_token"
        raise fields.refuse("keys-missing", "Nothing says how ID tokens are to be encrypted.", expected, demand)
    return found


def read(text: str) -> tuple[str, KeySet]:
    """Return a JWK Set as it is kept (JSON text), with the keys in it that check signatures.

    Raises `Misconfigured` (`keys-invalid`), in which no key is told.
    """
    try:
        if len(text) > MAXIMUM_OCTETS:
            raise _invalid("at most 64 KiB")
        members = codec.decode_json_object(text.encode())
        keys = jwk.read_set(members)
        usable = len(keys) + len(encryptionkeys.read_public_set(members))
    except (codec.CodecError, UnicodeEncodeError):
        raise _invalid("a JWK Set as a JSON object") from None  # the cause may quote the text
    except Refused as refusal:
        # RFC 7517 9.2: a private key that was handed over is private no more.
        raise _invalid(str(refusal.detail.get("rule"))) from refusal
    if not usable:
        raise _invalid("at least one public key of a supported type; " + "; ".join(keys.skipped)[:120])
    return codec.encode_json({"keys": members["keys"]}).decode(), keys


def of_text(text: str) -> str:
    """Return the key set that somebody hands over as text: it itself, or that of certificates in PEM.

    Raises `Misconfigured` (`keys-invalid`).
    """
    if certifiedkeys.BEGIN not in text:
        return text.strip()
    try:
        return codec.encode_json(certifiedkeys.key_set(text)).decode()
    except Refused as refusal:
        raise _invalid(str(refusal.detail.get("rule"))) from refusal


def _invalid(rule: str) -> Misconfigured:
    return fields.refuse("keys-invalid", "The key set cannot be used.", "a JWK Set of public keys", rule)


def _check_signing(wanted: Wanted, keys: KeySet) -> None:
    methods, alg = wanted.token_endpoint_auth_methods, wanted.token_endpoint_auth_signing_alg
    allowed = (
        *(fields.KEYED_ALGORITHMS if "private_key_jwt" not in methods or "client_secret_jwt" in methods else ()),
        *(fields.PAIR_ALGORITHMS if "client_secret_jwt" not in methods or "private_key_jwt" in methods else ()),
    )
    fields.one_of("token_endpoint_auth_signing_alg", alg, ("", *allowed))
    if "private_key_jwt" in methods and not _is_vouched_for(wanted):
        _check_pair("private_key_jwt", alg if alg in fields.PAIR_ALGORITHMS else "", wanted, keys)
    objects = wanted.request_object_signing_alg
    if objects in fields.PAIR_ALGORITHMS:
        _check_pair("request_object_signing_alg", objects, wanted, keys)


def _is_vouched_for(wanted: Wanted) -> bool:
    """Tell whether other issuers vouch for the client, which then needs no key of its own."""
    kept = settings.check("client", wanted.dialects)
    readers = ((registry.DIALECTS[name].trusted_issuers, held) for name, held in kept.items())
    return any(read is not None and read(held) for read, held in readers)


def _check_pair(what: str, alg: str, wanted: Wanted, keys: KeySet) -> None:
    if wanted.jwks_uri:
        return
    algs = {alg} if alg else set(fields.PAIR_ALGORITHMS)
    if not any(algs & key.usable_for for key in keys.keys):
        expected = f"jwks with a key for {alg or 'signatures'}, or jwks_uri"
        raise fields.refuse("keys-missing", f"{what} needs a key of the client.", expected, "none")


def _encryption(what: str, alg: str, enc: str) -> str:
    fields.one_of(f"{what}_encrypted_response_alg", alg, ("", *jwe.PUBLIC))
    fields.one_of(f"{what}_encrypted_response_enc", enc, ("", *jwe.ENCRYPTIONS))
    if enc and not alg:
        # OpenID Connect Registration 2: an enc stands beside its alg.
        expected = f"{what}_encrypted_response_alg beside {what}_encrypted_response_enc"
        raise fields.refuse("value-unknown", f"{what}_encrypted_response_enc stands alone.", expected, enc)
    return enc or (recipients.DEFAULT_ENC if alg else "")


def check_recipient(what: str, document: str, alg: str) -> None:
    """Check that a key set has a key that content is encrypted to; raises `Misconfigured` (`keys-missing`)."""
    try:
        recipients.choose(document or '{"keys":[]}', alg)
    except Refused as refusal:
        expected = f"a key set with a public key for {alg}"
        raise fields.refuse("keys-missing", f"{what} cannot be encrypted.", expected, refusal.code) from refusal
