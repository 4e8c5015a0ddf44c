"""The claims that no rule makes in this dialect: dropped in silence, as its documents say.

Auth0's page on custom claims; `session_expiry` is what its kit for browsers reads as the end of the session.
"""

from __future__ import annotations

NAMES = frozenset(
    "acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash client_id cnf cty dest"
    " entitlements events exp groups gty htm htu iat internalService iss jcard jku jti jwe jwk kid may_act mky nbf"
    " nonce object_id org_id org_name orig origid permissions roles rph s_hash session_expiry sid sip_* sub sub_jwk"
    " toe txn typ uuid vot vtm x5t#S256".split()
)
"""Names; what stands for any text is a star."""

NAMESPACES = frozenset(
    [
        f"{scheme}://{host}{rest}"
        for scheme in ("http", "https")
        for domain in ("auth0.com", "webtask.io", "webtask.run")
        for host in (domain, f"*.{domain}")
        for rest in ("", "/*")
    ]
    + ["urn:auth0", "urn:auth0:*"]
)
"""The vendor's own namespaces, which are nobody else's."""

CLAIMS = NAMES | NAMESPACES
"""All of them."""
