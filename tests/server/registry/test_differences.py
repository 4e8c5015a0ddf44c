"""What the audit log tells of a change: what differs, and never a secret."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from intaglio.names import ClientId, TenantId, UserId
from intaglio.server.model.clients import Client, ClientSecret
from intaglio.server.model.connections import Connection
from intaglio.server.model.tenants import ClaimSource, Lifetimes, Tenant
from intaglio.server.model.users import User
from intaglio.server.registry import differences

TENANT = TenantId("00000000-0000-4000-8000-000000000001")
CLIENT = Client(TENANT, ClientId("shop"), "Shop", 5)
USER = User(TENANT, UserId("u1"), "alice", 5, 5, password_hash="$argon2id$x", claims={"email": "a@example.com"})


def test_nothing_that_stayed_is_told() -> None:
    """Two equal records have no differences."""
    assert differences.between(CLIENT, CLIENT) == ({}, {})
    assert differences.between(None, None) == ({}, {})


def test_both_sides_of_a_change_are_told() -> None:
    """A member that changed is there as it was and as it is, a switched-off demand too."""
    changed = msgspec.structs.replace(CLIENT, redirect_uris=("https://shop.example/cb",), require_pkce=False)
    was, became = differences.between(CLIENT, changed)
    assert was == {"redirect_uris": [], "require_pkce": True}
    assert became == {"redirect_uris": ["https://shop.example/cb"], "require_pkce": False}


def test_what_was_made_or_is_gone_is_told_without_defaults() -> None:
    """Of one side alone those members are there that differ from their default."""
    public = msgspec.structs.replace(CLIENT, require_pkce=False)
    told = {"tenant_id": TENANT, "client_id": "shop", "client_name": "Shop", "created_at": 5, "require_pkce": False}
    assert differences.between(None, public) == ({}, told)
    assert differences.between(public, None) == (told, {})


def test_of_a_mapping_only_the_entries_that_changed_are_told() -> None:
    """Claims and settings are told entry by entry; what came and what went have one side."""
    changed = msgspec.structs.replace(USER, claims={"email": "b@example.com", "name": "Alice"})
    assert differences.between(USER, changed) == (
        {"claims": {"email": "a@example.com"}},
        {"claims": {"email": "b@example.com", "name": "Alice"}},
    )


def test_secrets_are_redacted_and_their_change_is_told() -> None:
    """Hashes, sealed texts and secrets are never told, but that they changed is; the instants beside them stay."""
    fresh = msgspec.structs.replace(CLIENT, secrets=(ClientSecret(b"\x01" * 32, 7, 9, "sealed-canary"),))
    was, became = differences.between(CLIENT, fresh)
    assert was == {"secrets": []}
    secret = {"digest": "(redacted)", "created_at": 7, "expires_at": 9, "sealed": "(redacted)"}
    assert became == {"secrets": [secret]}
    other = msgspec.structs.replace(USER, password_hash="$argon2id$y")
    assert differences.between(USER, other) == ({"password_hash": "(redacted)"},) * 2
    assert "argon2" not in json.dumps(differences.between(None, USER))


def test_secrets_of_connections_and_claim_sources_are_redacted() -> None:
    """What was given for other parties is not told either."""
    one = Connection(TENANT, "c", "corp", 1, "https://idp.example", "us", sealed_secret="canary", sealed_jwks="canary")
    source = ClaimSource(("age",), jwt={"alice": "canary"}, access_token="canary")
    tenant = Tenant(TENANT, "demo", "default", "Demo", 1, claim_sources={"gov": source})
    told = json.dumps([differences.between(None, one), differences.between(None, tenant)])
    assert "canary" not in told
    assert "https://idp.example" in told
    assert '"age"' in told


def test_policies_that_only_sound_like_secrets_are_told() -> None:
    """Lifetimes of tokens, what is encrypted, how a client authenticates: the log has them."""
    changed = msgspec.structs.replace(
        CLIENT,
        encrypt_id_token="always",
        token_endpoint_auth_methods=("none",),
        lifetimes=Lifetimes(access_token=60),
    )
    _, became = differences.between(CLIENT, changed)
    assert became["encrypt_id_token"] == "always"
    assert became["token_endpoint_auth_methods"] == ["none"]
    assert became["lifetimes"] == {"access_token": 60}


def test_private_members_of_keys_are_redacted() -> None:
    """In a JWK that somebody noted anywhere, the private members are not told, the public ones are."""
    key = {"kty": "EC", "crv": "P-256", "x": "public", "d": "canary"}
    changed = msgspec.structs.replace(USER, app_metadata={"keys": [key]})
    _, became = differences.between(USER, changed)
    assert became == {"app_metadata": {"keys": [{"kty": "EC", "crv": "P-256", "x": "public", "d": "(redacted)"}]}}


def test_of_keys_a_digest_is_told() -> None:
    """Key sets and certificates are long, and public: the log says which they were."""
    changed = msgspec.structs.replace(CLIENT, jwks='{"keys":[]}')
    was, became = differences.between(CLIENT, changed)
    assert was == {"jwks": ""}
    assert became["jwks"].startswith("sha256:")


NAMES = st.sampled_from(["client_secret", "password", "api_key", "refresh_token", "cookie", "name", "city"])
NOTED = st.recursive(
    st.text(max_size=5) | st.integers() | st.none(),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


def _texts(value: Any, *, secret: bool) -> list[str]:
    """Return the texts under names of secrets."""
    if isinstance(value, dict):
        kept = [_texts(one, secret=secret or name not in ("name", "city")) for name, one in value.items()]
        return [text for texts in kept for text in texts]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one, secret=secret)]
    return [value] if secret and isinstance(value, str) and value else []


@given(st.dictionaries(NAMES, NOTED), st.dictionaries(NAMES, NOTED))
def test_no_text_under_a_secrets_name_comes_through(before: dict[str, Any], after: dict[str, Any]) -> None:
    """At whatever depth it stands, of what is called like a secret only `(redacted)` is left."""
    for side in differences.between(before, after):
        assert set(_texts(side, secret=False)) <= {"(redacted)"}
