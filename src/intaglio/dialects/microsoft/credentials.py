"""How applications prove themselves besides a secret: by an assertion of their own or of an issuer that they trust.

Microsoft's pages "Certificate credentials" and "Workload identity federation".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio.dialects.microsoft import authority
from intaglio.protocol.trusted import TrustedIssuer


def trusted_issuers(settings: Mapping[str, Any]) -> tuple[TrustedIssuer, ...]:
    """Return the issuers of an application's federated identity credentials."""
    return tuple(
        TrustedIssuer(one["issuer"], one["subject"], audience)
        for one in settings.get("federatedIdentityCredentials", ())
        for audience in one["audiences"]
    )


def audiences(base_url: str, tenant_id: str, domains: tuple[str, ...]) -> frozenset[str]:
    """Return every address that means the token endpoint of a tenant, and its issuers."""
    words = [tenant_id, *domains, authority.COMMON, authority.ORGANIZATIONS]
    words += [authority.CONSUMERS] if tenant_id == authority.PERSONAL else []
    endpoints = {f"{base_url}/{word}/oauth2/{version}token" for word in words for version in ("v2.0/", "")}
    return frozenset(endpoints | {f"{base_url}/{tenant_id}/v2.0", f"{base_url}/{tenant_id}/"})
