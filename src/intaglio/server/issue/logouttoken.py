"""The claims of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4, RFC 8417 section 2.2)."""

from __future__ import annotations

from typing import Any

from intaglio.protocol.logout import LogoutFacts

TYPE = "logout+jwt"
"""Back-Channel Logout 2.4, RFC 8725 3.11: explicit typing, so that it passes for nothing else."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def claims(facts: LogoutFacts) -> dict[str, Any]:
    """Return the claims; there is no nonce among them, so that nobody takes it for an ID token."""
    return {
        "iss": facts.issuer,
        "aud": facts.audience,
        "iat": facts.now,
        "exp": facts.now + facts.lifetime,
        "jti": facts.jti,
        "sub": facts.subject,
        "sid": facts.session_id,
        "events": {EVENT: {}},
    }
