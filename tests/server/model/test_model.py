"""Records and what they refuse: slugs, sign-in names, and a memory that never outlives its second."""

from __future__ import annotations

import pytest

from intaglio.errors import Misconfigured
from intaglio.server.model import users
from intaglio.server.model.clients import Client
from intaglio.server.model.recent import Recent
from intaglio.server.model.tenants import RESERVED_SLUGS, check_slug
from intaglio.server.model.users import User
from tests.capability import capability

PROMISED = (
    "demo inspect static _intaglio .well-known common organizations consumers adfs admin system developer".split()
)


@capability("tenant-reserved-slugs", witness="the list that was promised")
@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS | set(PROMISED)))
def test_reserved_slugs_are_refused(slug: str) -> None:
    """A tenant cannot take a word that a dialect or the server has a use for."""
    with pytest.raises(Misconfigured) as caught:
        check_slug(slug)
    assert caught.value.code in ("slug-reserved", "slug-invalid")


@pytest.mark.parametrize(
    "slug", ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "a b", "ä", "a\n", "a" * 64, "..", "%2e", "default "]
)
def test_what_is_no_slug(slug: str) -> None:
    """Lower-case letters, digits and hyphens inside."""
    with pytest.raises(Misconfigured, match="slug-invalid"):
        check_slug(slug)


@pytest.mark.parametrize("slug", ["a", "1", "default", "demo-shop", "a" * 63])
def test_slugs(slug: str) -> None:
    """Words that begin like a reserved one are free."""
    assert check_slug(slug) == slug


@pytest.mark.parametrize(("one", "other"), [("Alice", " alice "), ("STRASSE", "straße"), ("ALICE@X", "alice@x")])
def test_sign_in_names_meet_under_one_form(one: str, other: str) -> None:
    """Case and blanks around it do not make another person."""
    assert users.sign_in_name(one) == users.sign_in_name(other)


def test_recent_answers_within_its_second_only() -> None:
    """A change is seen a second later at the latest, and the memory is bounded."""
    recent: Recent[str] = Recent(2)
    recent.keep("a", "1", 10)
    assert (recent.get("a", 10), recent.get("a", 11), recent.get("a", 9)) == ("1", None, None)
    recent.keep("b", "2", 10)
    recent.keep("c", "3", 10)
    assert (recent.get("a", 10), recent.get("c", 10)) == (None, "3")
    recent.forget()
    assert recent.get("c", 10) is None


def test_public_clients_have_no_other_method() -> None:
    """RFC 6749 2.1: a client with a credential is confidential."""
    client = Client("t", "c", "C", 0, token_endpoint_auth_methods=("none",))
    assert client.is_public
    assert not Client("t", "c", "C", 0).is_public


def test_a_user_prints_no_details() -> None:
    """Neither the hash nor the person's claims are in its text form."""
    user = User("t", "u", "alice", 0, 0, "$argon2id$canary", {"email": "canary"})
    assert "canary" not in repr(user)
