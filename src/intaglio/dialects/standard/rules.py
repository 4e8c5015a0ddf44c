"""How standard ID tokens are believed: OpenID Connect as written. OpenID Connect Core 1.0 section 3.1.3.7."""

from __future__ import annotations

from intaglio.validate import standard

RULES = standard.STANDARD
