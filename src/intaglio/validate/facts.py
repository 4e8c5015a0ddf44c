"""What judges look at, and what a judge is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from intaglio.tokens.jwk import VerificationKey
from intaglio.validate.policy import Expectation, Occasion


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What the judges look at: the token's decoded claims and header, what is expected, and the key that signed it.

    `key` is None where no signature was checked.
    """

    claims: Mapping[str, Any]
    header: Mapping[str, Any]
    expectation: Expectation
    occasion: Occasion
    now: int
    key: VerificationKey | None = None


Settings: TypeAlias = Mapping[str, Any]
Judge: TypeAlias = Callable[[Facts, Settings], str | None]
"""Returns the code of what is wrong, or None."""
