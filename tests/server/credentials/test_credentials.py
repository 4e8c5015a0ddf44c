"""Passwords and client secrets: kept as hashes, compared in one way whatever is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import argon2
import pytest

from intaglio.errors import Unavailable
from intaglio.server.credentials import passwords as module
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.credentials.passwords import Passwords
from tests.capability import capability

SECRETS = ClientSecrets(b"k" * 32)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Cheap hashes, so that the tests are quick."""
    made = Passwords(memory_kib=8, passes=1)
    yield made
    made.close()


async def test_only_the_password_itself_is_right(passwords: Passwords) -> None:
    """Case, blanks and length count."""
    encoded = await passwords.hash("correct horse ÄÖ")
    assert await passwords.verify(encoded, "correct horse ÄÖ")
    for other in ("", "correct horse", "Correct horse ÄÖ", "correct horse ÄÖ ", "correct horse ÄÖ\0"):
        assert not await passwords.verify(encoded, other)


@pytest.mark.parametrize("encoded", ["", "x", "$argon2id$", "$2b$12$abc", "correct"])
async def test_what_is_no_hash_lets_nobody_in(passwords: Passwords, encoded: str) -> None:
    """An unknown user, or a row that cannot be read, is no empty password."""
    assert not await passwords.verify(encoded, "")
    assert not await passwords.verify(encoded, "decoyx")
    assert not await passwords.verify(encoded, encoded)


async def test_a_password_without_an_end_is_refused(passwords: Passwords) -> None:
    """1024 characters are looked at whole, more are refused rather than cut."""
    encoded = await passwords.hash("a" * 1024)
    assert await passwords.verify(encoded, "a" * 1024)
    assert not await passwords.verify(encoded, "a" * 1025)


def test_argon2id_with_recommended_cost() -> None:
    """RFC 9106; the costs of OWASP's recommendation, and a salt of its own each time."""
    made = Passwords()
    encoded = made.hash_now("x")
    made.close()
    found = argon2.extract_parameters(encoded)
    assert (found.type, found.memory_cost, found.time_cost) == (argon2.low_level.Type.ID, 19 * 1024, 2)
    assert encoded != made.hash_now("x")


@capability("login", witness="a stopwatch")
async def test_an_unknown_user_costs_a_hash() -> None:
    """The shortest times of a wrong password and of an unknown user lie within a third of each other."""
    made = Passwords()
    encoded = await made.hash("right")
    await made.verify("", "warm")

    async def timed(kept: str) -> float:
        begun = time.perf_counter()
        await made.verify(kept, "wrong")
        return time.perf_counter() - begun

    pairs = [(await timed(encoded), await timed("")) for _ in range(9)]
    made.close()
    known, unknown = (min(column) for column in zip(*pairs, strict=True))
    assert 0.67 < unknown / known < 1.5


async def test_the_event_loop_goes_on_while_a_hash_is_made() -> None:
    """Hashing happens beside the loop."""
    made = Passwords(memory_kib=64 * 1024, passes=3)
    task = asyncio.ensure_future(made.hash("x"))
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    made.close()
    assert ticks > 3


async def test_d3_27_the_queue_of_hashes_has_an_end(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood is told to come again, and those who wait are served."""
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    found = await asyncio.gather(*(passwords.hash("x") for _ in range(9)), return_exceptions=True)
    assert sum(isinstance(one, Unavailable) for one in found) == 4
    assert await passwords.verify(await passwords.hash("y"), "y")


def test_client_secrets_are_keyed_hashes() -> None:
    """What is stored is not the secret, and depends on the key."""
    kept = SECRETS.keep("s3cret", 100)
    assert b"s3cret" not in kept.digest
    assert len(kept.digest) == 32
    assert ClientSecrets(b"j" * 32).digest("s3cret") != kept.digest


@pytest.mark.parametrize("secret", ["", "s3creT", "s3cret ", " s3cret", "s3cre", "s3crett", "\0"])
def test_another_client_secret_is_wrong(secret: str) -> None:
    """The very text, and nothing like it."""
    assert not SECRETS.verify((SECRETS.keep("s3cret", 0),), secret, 100)


def test_a_client_without_secrets_has_no_right_one() -> None:
    """No secret kept means that none is right, the empty one neither."""
    assert not SECRETS.verify((), "", 100)


def test_secrets_expire_and_two_may_be_good() -> None:
    """While a secret is being changed, both are good; an expired one is not, from its very second on."""
    kept = (SECRETS.keep("old", 0, 100), SECRETS.keep("new", 50))
    assert SECRETS.verify(kept, "old", 99)
    assert not SECRETS.verify(kept, "old", 100)
    assert SECRETS.verify(kept, "new", 99)
