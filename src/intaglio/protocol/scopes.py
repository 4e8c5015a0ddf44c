"""Which scope releases which claim (OpenID Connect Core 5.4)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

SCOPE_CLAIMS: dict[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""OpenID Connect Core 5.4: the claims that each scope asks for."""

SCOPE_OF: dict[str, str] = {name: scope for scope, names in SCOPE_CLAIMS.items() for name in names}
"""The scope of each claim that has one."""

NO_CLAIM = frozenset({"openid", "offline_access", *SCOPE_CLAIMS} - SCOPE_OF.keys())
"""Scopes that never stand for a claim of their own name."""

ISSUERS_OWN = frozenset(
    "iss sub aud exp iat nbf jti auth_time nonce acr amr azp at_hash c_hash s_hash sid events cnf sub_jwk"
    " _claim_names _claim_sources".split()
)
"""What the issuer alone says: no record and no request puts these into a token as a claim of the person."""


def scope_of(claim: str) -> str:
    """Return the scope that releases a claim: the standard's, else the one that is called like the claim."""
    return SCOPE_OF.get(claim, claim)


class ScopeWords(msgspec.Struct, frozen=True):
    """What a scope is called on a page: a title and a sentence. With `asks` False nobody is asked for it."""

    title: str
    description: str
    asks: bool = True


class ScopeGroup(msgspec.Struct, frozen=True):
    """Scopes that belong together: the group's own name, title and sentence, and its scopes by name.

    A scope without words has the usual ones.
    """

    name: str
    title: str
    description: str
    scopes: Mapping[str, ScopeWords | None]
