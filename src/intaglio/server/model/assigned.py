"""What is assigned to tenants and clients: rules that add claims to tokens, and policies for how long these live."""

from __future__ import annotations

import msgspec


class ClaimRule(msgspec.Struct, frozen=True):
    """One claim that tokens get: made by a `template` (`Hello {user.name}`) or an `expression` (CEL), one of the two.

    `condition` (CEL) has to be true for it, empty is always. `scopes`: one of these has to be granted, none is any.
    `tokens` are where it goes: `id_token`, `userinfo`.
    """

    claim: str
    template: str = ""
    expression: str = ""
    condition: str = ""
    scopes: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ("id_token", "userinfo")


class LifetimePolicy(msgspec.Struct, frozen=True):
    """How long tokens live by an object that is assigned; seconds. `is_default` is the organisation's own.

    `definition` is the text that it was made of, as its dialect has it.
    """

    policy_id: str
    name: str
    seconds: int
    is_default: bool = False
    definition: str = ""
    description: str = ""
