"""Pairwise subjects: fixed vectors, one for each sector, and nothing by which two could be told to be one person."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intaglio
from intaglio.dialects import registry
from intaglio.server.issue.subjects import Subjects
from intaglio.server.keyring.vault import Vault
from intaglio.server.model.clients import Client
from tests import harness
from tests.capability import capability

USER = "7f9c1a52-3b8e-4d6f-9a10-5e2c8b7d4f36"
OTHER = "7f9c1a52-3b8e-4d6f-9a10-5e2c8b7d4f37"
SUBJECTS = Subjects(Vault(harness.MASTER_KEY).derive("pairwise-subjects"))
STANDARD = registry.DIALECTS["standard"]


def client(**changes: Any) -> Client:
    """Return a client with pairwise subjects."""
    usual: dict[str, Any] = {"subject_type": "pairwise", "sector_identifier": "app.example"}
    return msgspec.structs.replace(Client("tenant-1", "one", "One", 0), **(usual | changes))


@capability("subjects-pairwise", witness="fixed vectors")
@pytest.mark.parametrize(
    ("dialect", "subject"),
    [
        ("standard", "vzLGv-PMoMGe8Uihjz466yMD0FZ6F4oTjU7rzi6AiAw"),
        ("auth0", "auth0|54c247de3847a8cff44449b8"),
        ("google", "155095737305539460961"),
    ],
)
def test_pairwise_subjects_never_change(dialect: str, subject: str) -> None:
    """These values are kept by relying parties for ever: a change here takes everybody's account away."""
    assert SUBJECTS.of(registry.DIALECTS[dialect], client(), USER) == subject


def test_a_public_client_is_told_the_dialects_subject() -> None:
    """OpenID Connect Core 8: `public` is the same for every client; so it is where the client is not known."""
    plain = client(subject_type="public")
    assert SUBJECTS.of(STANDARD, plain, USER) == STANDARD.subject(USER) == USER
    assert SUBJECTS.of(STANDARD, None, USER) == USER
    assert SUBJECTS.sid(plain, "a-session") == SUBJECTS.sid(None, "a-session") == "a-session"


def test_one_sector_one_subject() -> None:
    """OpenID Connect Core 8.1: what counts is the sector, not the client, its redirect URIs or the clock."""
    told = SUBJECTS.of(STANDARD, client(), USER)
    another = client(client_id="two", created_at=9, redirect_uris=("https://app.example/",))
    assert SUBJECTS.of(STANDARD, another, USER) == told


@pytest.mark.parametrize(
    "changes",
    [
        {"sector_identifier": "other.example"},
        {"sector_identifier": "APP.example"},
        {"sector_identifier": ""},
        {"tenant_id": "tenant-2"},
        {"subject_type": "public"},
    ],
)
def test_another_sector_another_subject(changes: dict[str, Any]) -> None:
    """OpenID Connect Core 8.1: distinct for each sector, and each tenant."""
    assert SUBJECTS.of(STANDARD, client(**changes), USER) != SUBJECTS.of(STANDARD, client(), USER)
    assert SUBJECTS.sid(client(**changes), "a-session") != SUBJECTS.sid(client(), "a-session")


def test_a_client_without_a_sector_is_its_own() -> None:
    """A sector that is missing never makes a subject public, and never shares one with a host of the same name."""
    alone = client(sector_identifier="", client_id="app.example")
    told = {
        SUBJECTS.of(STANDARD, alone, USER),
        SUBJECTS.of(STANDARD, client(sector_identifier="", client_id="two"), USER),
        SUBJECTS.of(STANDARD, client(), USER),
        USER,
    }
    assert len(told) == 4


def test_another_installation_another_subject() -> None:
    """OpenID Connect Core 8.1: nobody without the key can make a subject, or get back from it to the user."""
    assert Subjects(bytes(32)).of(STANDARD, client(), USER) != SUBJECTS.of(STANDARD, client(), USER)
    assert repr(Subjects(bytes(32))) == "Subjects(…)"


def test_a_subject_and_a_sid_are_never_the_same_text() -> None:
    """What is derived for one purpose serves no other."""
    assert SUBJECTS.pairwise(client(), "same") != SUBJECTS.sid(client(), "same")
    assert SUBJECTS.sid(client(), "") == ""


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(st.tuples(TEXT, TEXT), st.tuples(TEXT, TEXT))
def test_no_two_pairs_share_a_subject(one: tuple[str, str], two: tuple[str, str]) -> None:
    """Whatever the words, a pair of sector and user has a subject of its own, of 43 characters of base64url."""
    told = [SUBJECTS.of(STANDARD, client(sector_identifier=sector), user) for sector, user in (one, two)]
    assert (told[0] == told[1]) == (one == two)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", subject) for subject in told)


def test_nobody_else_makes_a_subject_of_a_user() -> None:
    """One place decides what a client is told; a second one would one day tell a pairwise client who somebody is."""
    package = pathlib.Path(intaglio.__file__).parent
    callers = [path for path in sorted((package / "server").rglob("*.py")) if ".subject(" in path.read_text("utf-8")]
    assert [path.relative_to(package).as_posix() for path in callers] == ["server/issue/subjects.py"]
