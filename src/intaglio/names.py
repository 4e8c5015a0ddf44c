"""Names for identifiers that must not be mixed up."""

from __future__ import annotations

from typing import NewType

Issuer = NewType("Issuer", str)
"""An issuer identifier: an exact string, compared byte for byte (OpenID Connect Core 2, `iss`)."""

Subject = NewType("Subject", str)
"""A subject identifier as one issuer shows it to one client."""

ClientId = NewType("ClientId", str)
TenantId = NewType("TenantId", str)
"""A tenant's UUID in its canonical text form."""

UserId = NewType("UserId", str)
"""A user's UUID in its canonical text form; never shown as a subject unless the dialect says so."""

GrantId = NewType("GrantId", str)
"""A family of tokens that began with one authorization."""

SessionId = NewType("SessionId", str)
"""The public identifier of a sign-in session (`sid`); not the secret in the cookie."""

RingId = NewType("RingId", str)
"""A key ring: a tenant's own, or an authority's that several tenants share."""

Kid = NewType("Kid", str)
