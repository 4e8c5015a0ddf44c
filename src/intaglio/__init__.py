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
    from intaglio.validate.verdict import TokenRefused
    from intaglio.validate.verdict import Verdict as ValidationReport

__version__ = "0.1.0"

_PLACES = {
    "IDToken": ("intaglio.tokens.claims", "IDToken"),
    "IntaglioError": ("intaglio.errors", "IntaglioError"),
    "Misconfigured": ("intaglio.errors", "Misconfigured"),
    "Refused": ("intaglio.errors", "Refused"),
    "TokenRefused": ("intaglio.validate.verdict", "TokenRefused"),
    "Unavailable": ("intaglio.errors", "Unavailable"),
    "ValidationReport": ("intaglio.validate.verdict", "Verdict"),
    "Validator": ("intaglio.client", "Validator"),
}

__all__ = [
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
