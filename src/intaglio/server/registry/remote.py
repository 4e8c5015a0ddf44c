"""What has to be fetched before a client is kept: its sector's document, and its keys where something is encrypted.

OpenID Connect Registration 1.0 section 5 (`sector_identifier_uri`), OpenID Connect Core 8.1, RFC 7517 section 5.
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.errors import Refused, Unavailable
from intaglio.server.model.clients import Client
from intaglio.server.registry import fields, keysets
from intaglio.tokens import jwk
from intaglio.tokens.jwk import KeySet
from intaglio.validate import discovery
from intaglio.wire.flow import Flow, Reply

MAXIMUM_OCTETS = 64 * 1024
_OK = 200


class FetchedKeys(msgspec.Struct, frozen=True):
    """A client's key set as it was fetched: its JSON text, the keys that check signatures, and how it may be kept."""

    text: str
    keys: KeySet
    cache_control: str | None


def is_needed(client: Client) -> bool:
    """Tell whether anything has to be fetched before the client is kept."""
    return bool(client.sector_identifier_uri) or (bool(client.jwks_uri) and bool(_algs(client)))


def confirm(client: Client) -> Flow[None]:
    """Look at what the client's addresses hold.

    Raises `Misconfigured`: `sector-invalid` for a sector document that is none or lacks a redirect URI, `keys-missing`
    for a key set without a key to encrypt to, `address-silent` where an address did not answer or may not be called.
    """
    if client.sector_identifier_uri:
        yield from _sector(client)
    if client.jwks_uri and _algs(client):
        try:
            found = yield from key_set(client.jwks_uri)
        except Unavailable as fault:
            raise _silent("jwks_uri", fault) from fault
        for what, alg in _algs(client).items():
            keysets.check_recipient(what, found.text, alg)


def _algs(client: Client) -> dict[str, str]:
    algs = {what: getattr(client, f"{what}_encrypted_response_alg") for what in keysets.ENCRYPTED}
    return {what: alg for what, alg in algs.items() if alg}


def _sector(client: Client) -> Flow[None]:
    uri = client.sector_identifier_uri
    try:
        listed = _strings((yield from discovery.document(uri)))
    except Unavailable as fault:
        raise _silent("sector_identifier_uri", fault) from fault
    # OpenID Connect Registration 5: every redirect URI stands in the document, not the other way round.
    missing = [one for one in client.redirect_uris if one not in listed]
    if missing:
        expected = "a JSON array that holds every redirect URI"
        raise fields.refuse("sector-invalid", "The sector does not know a redirect URI.", expected, missing[0])


def _strings(reply: Reply) -> list[str]:
    expected = "a JSON array of strings"
    if reply.status != _OK or len(reply.body) > MAXIMUM_OCTETS:
        received = f"status {reply.status}, {len(reply.body)} octets"
        raise fields.refuse("sector-invalid", "The sector's document cannot be used.", expected, received)
    try:
        value = codec.decode_json(reply.body)
    except codec.CodecError as fault:
        raise fields.refuse("sector-invalid", "The sector's document cannot be read.", expected, fault) from fault
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise fields.refuse("sector-invalid", "The sector's document cannot be used.", expected, "another value")
    return value


def _silent(field: str, fault: Unavailable) -> Exception:
    # SECURITY: one text for an address that is refused, silent or wrong: it maps no network (test_ssrf_tells_nothing).
    return fields.refuse("address-silent", f"What {field} leads to cannot be used.", "an answer", fault.code)


def key_set(uri: str) -> Flow[FetchedKeys]:
    """Fetch a key set; raises `Unavailable`: `bad-answer` for what is no set, is too long, or holds a private key."""
    reply = yield from discovery.document(uri)
    place = uri.partition("?")[0]
    if len(reply.body) > MAXIMUM_OCTETS:
        raise Unavailable("bad-answer", detail={"url": place, "rule": "longer than 64 KiB"})
    members = discovery.members(reply)
    try:
        keys = jwk.read_set(members)
    except Refused as refusal:
        raise Unavailable("bad-answer", detail={"url": place, **refusal.detail}) from refusal
    return FetchedKeys(codec.encode_json({"keys": members["keys"]}).decode(), keys, reply.header("cache-control"))
