"""Passwords, hashed with Argon2id (RFC 9106), one at a time beside the event loop."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
import argon2.exceptions
import argon2.low_level

from intaglio import ids
from intaglio.errors import Unavailable

T = TypeVar("T")

MAX_WAITING = 100
"""Hashes that may wait for their turn, some two seconds' worth."""

MAX_LENGTH = 1024
"""Characters of a password that are accepted; longer ones are refused rather than cut."""


def _decoy(memory_kib: int, passes: int) -> str:
    """Return a PHC string that no password fits, and that costs as much to find out as any other."""
    salt, octets = (base64.b64encode(ids.random_octets(n)).rstrip(b"=").decode() for n in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${octets}"


class Passwords:
    """Hashes and verifies passwords; at most `lanes` hashes run at once, so that a flood cannot take the memory.

    19 MiB, two passes, one lane: the smaller of the profiles that OWASP's password storage page recommends.
    """

    def __init__(self, *, lanes: int = 1, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=argon2.low_level.Type.ID
        )
        self._threads = ThreadPoolExecutor(max_workers=lanes, thread_name_prefix="passwords")
        self._decoy = _decoy(memory_kib, passes)
        self._waiting = 0

    def hash_now(self, password: str) -> str:
        """Return the PHC string of a password, blocking for some 30 ms."""
        return self._hasher.hash(password)

    def verify_now(self, encoded: str, password: str) -> bool:
        """Tell whether the password is the one behind the PHC string, blocking for some 30 ms."""
        try:
            return self._hasher.verify(encoded, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def hash(self, password: str) -> str:
        """Return the PHC string of a password; raises `Unavailable` (`too-busy`)."""
        return await self._queued(self.hash_now, password)

    async def _queued(self, work: Callable[..., T], *args: str) -> T:
        # SECURITY: a queue without an end would let a flood of sign-ins take the memory and everybody's time.
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too-busy", "Too many people are signing in at this moment. Try again.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1

    async def verify(self, encoded: str, password: str) -> bool:
        """Tell whether the password is the one behind `encoded`.

        With an empty `encoded` (an unknown user, or one without a password) a decoy is hashed, so that the answer
        takes as long as any other and is always False.
        """
        if len(password) > MAX_LENGTH:
            password, encoded = "", ""
        if not encoded:
            await self._queued(self.verify_now, self._decoy, password + "x")
            return False
        return await self._queued(self.verify_now, encoded, password)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
