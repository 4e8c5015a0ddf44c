"""The thread that signs beside the event loop: everybody gets their own, a fault of one is nobody else's."""

from __future__ import annotations

import asyncio

import pytest

from intaglio.server.issue import signing
from intaglio.server.issue.signing import SignerThread


class Echo:
    """Signs by repeating; what it is told to refuse it refuses."""

    def sign(self, payload: bytes) -> str:
        """Return the payload as text."""
        if payload == b"refuse":
            raise ValueError("refused")
        return payload.decode()


def run(*payloads: bytes) -> list[object]:
    """Sign payloads at once and return what each got."""

    async def signed() -> list[object]:
        thread = SignerThread()
        try:
            futures = [thread.sign(Echo(), payload) for payload in payloads]
            return list(await asyncio.gather(*futures, return_exceptions=True))
        finally:
            thread.close()

    return asyncio.run(signed())


@pytest.mark.parametrize("number", [1, signing.TOGETHER, signing.TOGETHER + 1, 3 * signing.TOGETHER + 5])
def test_everybody_gets_their_own(number: int) -> None:
    """In their order, however many are told together."""
    wanted = [str(one) for one in range(number)]
    assert run(*(one.encode() for one in wanted)) == wanted


def test_a_fault_is_its_own_only() -> None:
    """The one that is refused raises, the others are signed."""
    first, second, third = run(b"a", b"refuse", b"c")
    assert (first, third) == ("a", "c")
    assert isinstance(second, ValueError)


def test_who_gave_up_disturbs_nobody() -> None:
    """A cancelled future is left alone."""

    async def some() -> str:
        thread = SignerThread()
        given_up, waiting = thread.sign(Echo(), b"a"), thread.sign(Echo(), b"b")
        given_up.cancel()
        try:
            return await waiting
        finally:
            thread.close()

    assert asyncio.run(some()) == "b"


def test_a_closed_loop_is_nobody() -> None:
    """What was asked for by a loop that has ended is dropped, and the thread serves the next one."""
    thread = SignerThread()

    async def ask_and_leave() -> None:
        thread.sign(Echo(), b"a")
        await asyncio.sleep(0)

    async def ask() -> str:
        return await thread.sign(Echo(), b"b")

    for _ in range(20):
        asyncio.run(ask_and_leave())
    assert asyncio.run(ask()) == "b"
    thread.close()
