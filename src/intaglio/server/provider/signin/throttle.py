"""Slowing down guesses: by the account that is guessed at, and by the address that guesses.

OWASP ASVS 5.0 section 6.3 (throttling); failures count in windows of fifteen minutes.
"""

from __future__ import annotations

import hashlib
import hmac

from intaglio.errors import IntaglioError
from intaglio.server.model import throttles
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import sign_in_name
from intaglio.server.provider.scene import House, Scene

WINDOW = 15 * 60
ACCOUNT_LIMIT = 10
"""Failures of one account in a window after which it has to wait."""
ADDRESS_LIMIT = 100
"""Failures from one address in a window; many people may share an address."""


class TooManyAttempts(IntaglioError):
    """There were too many failures; the right password would be refused as well."""

    code = "too_many_requests"
    public = "Too many attempts. Wait a quarter of an hour, then try again."


def _keys(username: str, scene: Scene, house: House) -> tuple[bytes, bytes]:
    def key(*words: str) -> bytes:
        return hmac.digest(house.throttle_key, "\0".join(words).encode("utf-8", "surrogatepass"), hashlib.sha256)

    tenant = scene.tenant.tenant_id
    return key("account", tenant, sign_in_name(username)), key("address", tenant, scene.peer)


def _check(account: bytes, address: bytes, since: int) -> Plan[bool]:
    of_account = yield from throttles.failures(account, since)
    of_address = yield from throttles.failures(address, since)
    return of_account < ACCOUNT_LIMIT and of_address < ADDRESS_LIMIT


def _count(account: bytes, address: bytes, now: int) -> Plan[None]:
    yield from throttles.count(account, now, now - WINDOW)
    yield from throttles.count(address, now, now - WINDOW)


async def admit(username: str, scene: Scene, house: House) -> None:
    """Let an attempt pass, or raise `TooManyAttempts`; unknown names are counted as known ones are."""
    account, address = _keys(username, scene, house)
    if not await house.store.read(_check, account, address, scene.now - WINDOW):
        raise TooManyAttempts(detail={"expected": f"fewer failures in {WINDOW} s", "received": scene.peer})


async def failed(username: str, scene: Scene, house: House) -> None:
    """Count a failure."""
    account, address = _keys(username, scene, house)
    await house.store.write(_count, account, address, scene.now)


async def succeeded(username: str, scene: Scene, house: House) -> None:
    """Forget the failures of the account; those of the address stay."""
    account, _ = _keys(username, scene, house)
    if await house.store.read(throttles.failures, account, scene.now - WINDOW):
        await house.store.write(throttles.forget, account)
