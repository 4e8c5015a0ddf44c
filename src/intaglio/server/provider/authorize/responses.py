"""Response types and modes: what a request wants in return, and how it travels.

OAuth 2.0 Multiple Response Type Encoding Practices 1.0 sections 2.1, 3 and 5, OAuth 2.0 Form Post Response Mode 1.0,
OpenID Connect Core 3.
"""

from __future__ import annotations

import itertools

from intaglio.protocol.authorize import RESPONSE_MODES, RESPONSE_TYPES, AuthorizeQuery

_NORMAL = {" ".join(words): name for name in RESPONSE_TYPES for words in itertools.permutations(name.split(" "))}
_WORDS = {name: frozenset(name.split(" ")) for name in _NORMAL}
_NOTHING: frozenset[str] = frozenset()
_GRANT_TYPES = {
    name: ("authorization_code",) * ("code" in words) + ("implicit",) * bool(words - {"code"})
    for name, words in _WORDS.items()
}
TOKENS = frozenset({"id_token", "token"})
"""The words that bring a token through the browser."""


def normal(response_type: str) -> str:
    """Return a response type with its words in order, since their order has no meaning (RFC 6749 section 3.1.1).

    One that does not exist is left as it is.
    """
    return _NORMAL.get(response_type, response_type)


def words(response_type: str) -> frozenset[str]:
    """Return what a response type asks for: of `code`, `id_token` and `token`; empty for one that does not exist."""
    return _WORDS.get(response_type, _NOTHING)


def grant_types(response_type: str) -> tuple[str, ...]:
    """Return the grant types that a response type needs (OpenID Connect Registration 1.0 section 2)."""
    return _GRANT_TYPES.get(response_type, ())


def default_mode(response_type: str) -> str:
    """Return how an answer travels unless the request says otherwise: by fragment if it could hold a token."""
    return "query" if response_type == "code" or TOKENS.isdisjoint(response_type.split(" ")) else "fragment"


def mode(query: AuthorizeQuery, offered: tuple[str, ...] = RESPONSE_MODES) -> str:
    """Return how the answer travels, for errors too, of the modes that are offered."""
    usual = default_mode(query.response_type)
    # SECURITY: whatever was asked for, a token is never put into a query, which servers and browsers keep
    # (test_no_token_travels_in_a_query). Multiple Response Type Encoding Practices 1.0, sections 3 and 5.
    if query.response_mode not in offered or (query.response_mode == "query" and usual == "fragment"):
        return usual
    return query.response_mode
