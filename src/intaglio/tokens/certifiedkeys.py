"""Key sets made of certificates: the keys in them, by the names that assertions call certificates.

RFC 7517 sections 4.7 to 4.9 and 5 (`x5c`, `x5t`, `x5t#S256`), RFC 7468 section 5 (certificates as text).
"""

from __future__ import annotations

import base64
import re
from typing import Any

from intaglio.errors import Refused
from intaglio.tokens import certificates, jwk, pem

MAXIMUM_CERTIFICATES = 20
BEGIN = "-----BEGIN CERTIFICATE-----"
_ONE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,16384}-----END CERTIFICATE-----")


def key_set(text: str) -> dict[str, Any]:
    """Return a JWK Set of the certificates in a PEM text; whatever stands between them is left out.

    Raises `Refused` with code `malformed-key` for none or more than 20, and for a key that is not supported.
    """
    found = _ONE.findall(text)
    if not 1 <= len(found) <= MAXIMUM_CERTIFICATES:
        raise Refused("malformed-key", detail={"rule": f"1 to {MAXIMUM_CERTIFICATES} certificates in PEM"})
    return {"keys": [_key(pem.certificate_from_pem(one)) for one in found]}


def _key(der: bytes) -> dict[str, Any]:
    thumbprint = certificates.thumbprint_sha1(der)
    return {
        **jwk.public_members(certificates.public_key(der, None)),
        "use": "sig",
        "kid": thumbprint,
        "x5t": thumbprint,
        "x5t#S256": certificates.thumbprint_sha256(der),
        "x5c": [base64.b64encode(der).decode("ascii")],
    }
