"""A key in every public form from which a dialect makes its own."""

from __future__ import annotations

import base64

from intaglio.protocol.facts import PublishedKey
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.tokens import certificates, jwk, pem


def published(record: SigningKeyRecord) -> PublishedKey:
    """Return the public forms of a key; they come from its certificate, so the private part stays sealed."""
    members = jwk.public_members(certificates.public_key(record.certificate, record.alg))
    return PublishedKey(
        key_id=record.key_id,
        alg=record.alg,
        members=members,
        thumbprint=jwk.thumbprint(members),
        x5c=base64.b64encode(record.certificate).decode("ascii"),
        x5t=certificates.thumbprint_sha1(record.certificate),
        x5t_s256=certificates.thumbprint_sha256(record.certificate),
        serial=certificates.serial(record.certificate),
        pem=pem.certificate_to_pem(record.certificate),
    )
