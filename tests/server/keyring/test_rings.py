"""Rings at work, over the real store: keys are made when they are needed, rotated, withdrawn, and seen at once."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from cryptography import x509

from intaglio.errors import Misconfigured
from intaglio.names import RingId
from intaglio.server import upkeep
from intaglio.server.devmode import seeds
from intaglio.server.keyring import lifecycle, rotate
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import signingkeys
from tests import harness
from tests.capability import capability

RING = RingId(seeds.TENANT_ID)


def _published(site: harness.Site) -> list[str]:
    return [key.key_id for key in site.run(site.house.keyring.published(RING))[0]]


def _signing_keys(site: harness.Site) -> list[dict[str, Any]]:
    """Return the keys of the published set that sign."""
    return [key for key in site.get("~/jwks").json()["keys"] if key["use"] == "sig"]


@capability("key-ring", witness="the published key set")
def test_a_key_is_made_when_it_is_needed(site: harness.Site) -> None:
    """A ring begins with RS256; ES256 is there once a client's token was signed with it."""
    assert [key["alg"] for key in _signing_keys(site)] == ["RS256"]
    site.change_client("web", id_token_signed_response_alg="ES256")
    harness.App(site).tokens()
    assert sorted(key["alg"] for key in _signing_keys(site)) == ["ES256", "RS256"]


def test_many_at_once_make_one_key(site: harness.Site) -> None:
    """Twenty tokens of a new algorithm at once need one key."""

    async def ask() -> set[str]:
        made = await harness.together(site.house.keyring.signing(RING, "EdDSA") for _ in range(20))
        return {key.key_id for key in made}

    assert len(site.run(ask())) == 1


@capability("key-rotation", witness="the published key set over days")
def test_rotation_over_the_store(site: harness.Site) -> None:
    """The successor is published a day before it signs; the old key stays until its last token has expired."""
    (old,) = _published(site)
    new = rotate.make(site.vault, RING, "RS256", harness.NOW)
    site.write(rotate.rotate, new, site.clock.now())
    site.settle()
    assert set(_published(site)) == {old, new.key_id}

    def signing() -> str:
        return site.run(site.house.keyring.signing(RING, "RS256")).key_id

    assert signing() == old
    site.clock.advance(24 * 3600 - 2)
    assert signing() == old
    site.clock.advance(1)
    assert signing() == new.key_id
    assert set(_published(site)) == {old, new.key_id}
    site.clock.advance(lifecycle.KEEP_BEHIND - 1)
    assert set(_published(site)) == {old, new.key_id}
    site.clock.advance(1)
    assert _published(site) == [new.key_id]


def test_upkeep_rotates_when_it_is_time(site: harness.Site) -> None:
    """89 days after its first use a key gets its successor, once, and every tenant's ring is looked at."""
    site.add_tenant("shop")
    site.clock.advance(lifecycle.ROTATE_EVERY - lifecycle.PUBLISH_AHEAD - 1)
    assert site.run(upkeep.rotate(site.house)) == 0
    site.clock.advance(1)
    assert site.run(upkeep.rotate(site.house)) == 2
    site.settle()
    assert site.run(upkeep.rotate(site.house)) == 0
    assert len(_published(site)) == 2


@capability("key-rotation", witness="a token of a withdrawn key")
def test_a_withdrawn_key_is_gone_within_a_second(site: harness.Site) -> None:
    """Its tokens are not believed as hints any more, and another key signs."""
    app = harness.App(site)
    token = app.tokens()["id_token"]
    (old,) = _published(site)
    site.write(rotate.revoke, RING, old, rotate.make(site.vault, RING, "RS256", harness.NOW), site.clock.now())
    site.settle()
    assert old not in _published(site)
    assert site.get(f"~/logout?id_token_hint={token}").error == "invalid_request"


@capability("key-certificate", witness="cryptography's X.509 reader")
def test_each_key_carries_its_certificate(site: harness.Site) -> None:
    """Self-signed, of the very key that signs, valid now and for years."""
    (key,) = _signing_keys(site)
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
    certificate.verify_directly_issued_by(certificate)
    numbers = certificate.public_key().public_numbers()
    octets = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
    assert base64.urlsafe_b64encode(octets).rstrip(b"=").decode() == key["n"]
    assert certificate.not_valid_before_utc.timestamp() <= harness.NOW < certificate.not_valid_after_utc.timestamp()


@capability("at-rest-encrypted", witness="the stored rows")
def test_private_keys_are_sealed(site: harness.Site) -> None:
    """What is stored opens under the master key, for that one key's purpose, and is not the key itself."""
    (record,) = site.read(signingkeys.of_ring, RING)
    opened = site.vault.open(record.sealed_private, rotate.PURPOSE + record.key_id)
    assert b"PRIVATE" not in record.sealed_private.encode()
    assert base64.b64encode(opened) not in record.sealed_private.encode()
    with pytest.raises(Misconfigured):
        site.vault.open(record.sealed_private, rotate.PURPOSE + "another")
    with pytest.raises(Misconfigured):
        Vault(bytes(32)).open(record.sealed_private, rotate.PURPOSE + record.key_id)
    assert record.sealed_private not in repr(record)


def test_a_moved_key_does_not_open(site: harness.Site) -> None:
    """A row that is put into another key's place is refused: the purpose holds the key's name."""
    (record,) = site.read(signingkeys.of_ring, RING)
    with pytest.raises(Misconfigured):
        site.house.keyring.open(msgspec.structs.replace(record, key_id="00000000-0000-4000-8000-00000000ffff"))
