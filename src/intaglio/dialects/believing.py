"""The rules by which the tokens of each dialect are believed, by the dialect's name; loaded when they are asked for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from intaglio.errors import Misconfigured
from intaglio.validate import discovery
from intaglio.validate.ruleset import RuleSet

UNKNOWN = "standard"
DIALECTS = ("standard", "google", "microsoft", "auth0", "cloudentity")
"""The names of the dialects whose tokens can be validated."""


def rules(dialect: str) -> RuleSet:
    """Return the rules of a dialect; raises `Misconfigured` with code `dialect-unknown`."""
    if dialect not in DIALECTS:
        raise Misconfigured(
            "dialect-unknown",
            "There is no such dialect.",
            detail={"expected": list(DIALECTS), "received": str(dialect)[:64]},
            hint="Use one of " + ", ".join(DIALECTS) + ".",
        )
    found: RuleSet = importlib.import_module(f"intaglio.dialects.{dialect}.rules").RULES
    return found


def discovery_uri(issuer: str, using: RuleSet) -> str:
    """Return where an issuer's document lies; raises `Misconfigured` with code `issuer-unusable`."""
    if using.placeholder and f"/{using.placeholder_asks}/" in issuer:
        raise Misconfigured(
            "issuer-unusable",
            "The issuer of tokens has another name than the address that describes it.",
            detail={"expected": f"{using.placeholder} in place of {using.placeholder_asks}", "received": issuer},
            hint=f"Write {issuer.replace(using.placeholder_asks, using.placeholder)}.",
        )
    asked = issuer.replace(using.placeholder, using.placeholder_asks) if using.placeholder else issuer
    location = discovery.location(asked)
    scheme, separator, rest = location.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{using.discovery_hosts.get(host, host)}{slash}{path}"


def _explained(dialect: str) -> Any:
    return importlib.import_module(f"intaglio.dialects.{rules(dialect).name}.meanings")


def meanings(dialect: str) -> Mapping[str, str]:
    """Return what the dialect's own claims mean, a sentence each; raises `Misconfigured` (`dialect-unknown`)."""
    found: Mapping[str, str] = _explained(dialect).MEANINGS
    return found


def instants(dialect: str) -> frozenset[str]:
    """Return the dialect's own claims that hold an instant; raises `Misconfigured` with code `dialect-unknown`."""
    return frozenset(getattr(_explained(dialect), "INSTANTS", ()))


def signs(dialect: str) -> tuple[Mapping[str, str], ...]:
    """Return what tells a token of the dialect; raises `Misconfigured` with code `dialect-unknown`.

    Each sign names claims and the form that they have as a whole; nothing stands for any form.
    """
    found: tuple[Mapping[str, str], ...] = _explained(dialect).SIGNS
    return found


def guess(payload: Mapping[str, Any]) -> str:
    """Return the name of the dialect that a token's claims look like; a guess, for what to offer first."""
    return next((name for name in DIALECTS if _shows_any(signs(name), payload)), UNKNOWN)


def _shows_any(of: Iterable[Mapping[str, str]], payload: Mapping[str, Any]) -> bool:
    return any(all(_has_form(payload, name, form) for name, form in sign.items()) for sign in of)


def _has_form(payload: Mapping[str, Any], name: str, form: str) -> bool:
    value = payload.get(name)
    return name in payload if not form else isinstance(value, str) and re.fullmatch(form, value) is not None
