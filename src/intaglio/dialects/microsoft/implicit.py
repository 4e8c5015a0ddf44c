"""Which response types an application's settings switch on (Microsoft's page "Implicit grant flow")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def enables(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the response types that `web.implicitGrantSettings` switches on."""
    switches = settings.get("web", {}).get("implicitGrantSettings", {})
    id_token, token = (switches.get(name) is True for name in ("enableIdTokenIssuance", "enableAccessTokenIssuance"))
    found: tuple[str, ...] = ("id_token", "code id_token") if id_token else ()
    found += ("code token",) if token else ()
    return (*found, "id_token token", "code id_token token") if id_token and token else found
