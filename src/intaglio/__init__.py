"""Intaglio: OpenID Connect ID tokens, issued and believed.

The public names of the library; each is loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intaglio.client import Validator
    from intaglio.errors import IntaglioError, Misconfigured, Refused, Unavailable
    from intaglio.tokens.claims import IDToken
    from intaglio.validate.policy import UNSAFE_ANY_AUDIENCE
    from intaglio.validate.report import Check, TokenRefused, ValidationReport

__version__ = "0.1.0"

_PLACES = {
    "Check": ("intaglio.validate.report", "Check"),
    "IDToken": ("intaglio.tokens.claims", "IDToken"),
    "IntaglioError": ("intaglio.errors", "IntaglioError"),
    "Misconfigured": ("intaglio.errors", "Misconfigured"),
    "Refused": ("intaglio.errors", "Refused"),
    "TokenRefused": ("intaglio.validate.report", "TokenRefused"),
    "UNSAFE_ANY_AUDIENCE": ("intaglio.validate.policy", "UNSAFE_ANY_AUDIENCE"),
    "Unavailable": ("intaglio.errors", "Unavailable"),
    "ValidationReport": ("intaglio.validate.report", "ValidationReport"),
    "Validator": ("intaglio.client", "Validator"),
}

__all__ = [
    "UNSAFE_ANY_AUDIENCE",
    "Check",
    "IDToken",
    "IntaglioError",
    "Misconfigured",
    "Refused",
    "TokenRefused",
    "Unavailable",
    "ValidationReport",
    "Validator",
    "__version__",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(place[0]), place[1])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
