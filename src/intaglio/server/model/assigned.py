"""What is assigned to tenants and clients: rules that add claims to tokens, and policies for how long these live."""

from __future__ import annotations

import msgspec


class ClaimRule(msgspec.Struct, frozen=True):
    """One claim that tokens get: made by a `template` (`Hello {user.claims.name}`) or an `expression` (CEL).

    One of the two is empty. `condition` (CEL) has to be true for it, empty is always. `scopes`: one of these has to be
    granted, none is any. `tokens` are where it goes: `id_token`, `userinfo`. `name` is what operators call the rule;
    several may make the same claim, and of those that apply the last one counts.
    """

    claim: str
    template: str = ""
    expression: str = ""
    condition: str = ""
    scopes: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ("id_token", "userinfo")
    name: str = ""

    @property
    def label(self) -> str:
        """What operators call the rule: its name, else its claim."""
        return self.name or self.claim


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
