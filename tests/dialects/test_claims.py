"""The claims of each dialect, and subjects that can never change."""

from __future__ import annotations

import re

import msgspec
import pytest

from intaglio.dialects import registry
from intaglio.dialects.auth0 import claims as auth0
from intaglio.dialects.google import claims as google
from intaglio.dialects.standard import claims as standard
from intaglio.protocol.facts import Facts, Person, Workload
from intaglio.server.devmode import seeds
from tests.capability import capability

USER = "7f9c1a52-3b8e-4d6f-9a10-5e2c8b7d4f36"
PERSON = Person(USER, "alice", seeds.ALICE, updated_at=1_800_000_000, created_at=1_700_000_000)
FACTS = Facts(
    issuer="https://id.example.com/default",
    tenant_id=seeds.TENANT_ID,
    tenant_slug="default",
    owner="default",
    audience="web",
    now=1_800_000_000,
    lifetime=3600,
    alg="RS256",
    person=PERSON,
    scope=("openid", "profile"),
    nonce="n",
    auth_time=1_799_999_000,
    amr=("pwd",),
    session_id="sid",
    at_hash="hash",
)


@capability("subject-stable", witness="fixed vectors")
@pytest.mark.parametrize(
    ("dialect", "subject"),
    [
        ("standard", "7f9c1a52-3b8e-4d6f-9a10-5e2c8b7d4f36"),
        ("auth0", "auth0|1cc5798a13a55d84c78bd725"),
        ("google", "168383856101302208164"),
    ],
)
def test_subjects_never_change(dialect: str, subject: str) -> None:
    """These values are kept by relying parties for ever: a change here takes everybody's account away."""
    assert registry.DIALECTS[dialect].subject(USER) == subject


def test_subjects_have_their_dialects_form() -> None:
    """21 digits; a connection and 24 hex digits; a UUID. OpenID Connect Core 2: at most 255 ASCII characters."""
    for number in range(200):
        user_id = f"00000000-0000-4000-8000-{number:012}"
        assert re.fullmatch(r"1\d{20}", google.subject(user_id))
        assert re.fullmatch(r"auth0\|[0-9a-f]{24}", auth0.subject(user_id))
        assert standard.subject(user_id) == user_id


def test_standard_id_token() -> None:
    """OpenID Connect Core 2: aud is one text; the scopes' claims are at UserInfo, for an access token is issued."""
    assert standard.id_token(FACTS) == {
        "iss": "https://id.example.com/default",
        "sub": USER,
        "aud": "web",
        "exp": 1_800_003_600,
        "iat": 1_800_000_000,
        "auth_time": 1_799_999_000,
        "nonce": "n",
        "at_hash": "hash",
        "amr": ["pwd"],
        "sid": "sid",
    }


def test_absent_facts_are_absent_claims() -> None:
    """No claim is null or empty."""
    bare = msgspec.structs.replace(FACTS, nonce="", at_hash="", amr=(), session_id="")
    assert set(standard.id_token(bare)) == {"iss", "sub", "aud", "exp", "iat", "auth_time"}


def test_claims_go_into_the_token_where_there_is_no_userinfo() -> None:
    """OpenID Connect Core 5.4: without an access token they could be fetched nowhere."""
    alone = standard.id_token(msgspec.structs.replace(FACTS, delivered_with_access_token=False))
    assert alone["name"] == "Alice Elizabeth Adams"
    assert "email" not in alone


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", set()),
        ("profile", set(standard.PROFILE)),
        ("email", {"email", "email_verified"}),
        ("phone", {"phone_number", "phone_number_verified"}),
        ("address", {"address"}),
        ("offline_access unheard-of", set()),
    ],
)
def test_scopes_release_their_claims_and_no_other(scope: str, names: set[str]) -> None:
    """OpenID Connect Core 5.4: all 14 profile claims, and the pairs."""
    assert set(standard.person_claims(PERSON, tuple(scope.split()))) == names


def test_unknown_claims_are_left_out() -> None:
    """A user without details has the two that every user has."""
    nobody = Person(USER, "bob", {"email": None}, updated_at=5)
    found = standard.person_claims(nobody, ("profile", "email"))
    assert found == {"preferred_username": "bob", "updated_at": 5}


def test_auth0_id_token() -> None:
    """The scopes' claims are in it, updated_at is text, and there is no at_hash."""
    claims = auth0.id_token(FACTS)
    assert claims["sub"].startswith("auth0|")
    assert claims["updated_at"] == "2027-01-15T08:00:00.000Z"
    assert {"nickname", "name", "picture", "family_name", "given_name"} <= set(claims)
    assert not {"at_hash", "amr", "email"} & set(claims)


def test_google_workload_token() -> None:
    """The `standard` format: azp and sub are the account's number."""
    account = Workload("worker@p.iam.example", "100000000000000000001", "p")
    claims = google.id_token(msgspec.structs.replace(FACTS, person=None, workload=account, audience="https://x"))
    assert claims == {
        "aud": "https://x",
        "azp": "100000000000000000001",
        "email": "worker@p.iam.example",
        "email_verified": True,
        "exp": 1_800_003_600,
        "iat": 1_800_000_000,
        "iss": "https://id.example.com/default",
        "sub": "100000000000000000001",
    }


def test_a_person_at_google_has_googles_subject() -> None:
    """The same person has another subject at each dialect."""
    assert google.id_token(FACTS)["sub"] == google.subject(USER)
