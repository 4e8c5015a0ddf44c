"""Slowing down guesses: by the account that is guessed at, and by the address that guesses.

OWASP ASVS 5.0 section 6.3 (throttling); failures count in windows of fifteen minutes.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from intaglio.server.limits.rates import TooMany
from intaglio.server.model import throttles
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import sign_in_name
from intaglio.server.provider.scene import House, Scene
from intaglio.wire import addresses

WINDOW = 15 * 60
ACCOUNT_LIMIT = 10
"""Failures of one account in a window after which it has to wait."""
ADDRESS_LIMIT = 100
"""Failures from one address in a window; many people may share an address."""


class TooManyAttempts(TooMany):
    """There were too many failures; the right password would be refused as well."""

    public = "Too many attempts. Wait a quarter of an hour, then try again."
    fields = (("retry-after", str(WINDOW)),)


def _key(house: House, *words: str) -> bytes:
    return hmac.digest(house.throttle_key, "\0".join(words).encode("utf-8", "surrogatepass"), hashlib.sha256)


def _keys(username: str, scene: Scene, house: House) -> tuple[bytes, bytes]:
    tenant = scene.tenant.tenant_id
    account = _key(house, "account", tenant, sign_in_name(username))
    return account, _key(house, "address", tenant, addresses.customer(scene.peer))


def _admit(account: bytes, address: bytes, now: int) -> Plan[bool]:
    since = now - WINDOW
    if (yield from throttles.count(address, now, since)) > ADDRESS_LIMIT:
        return False
    return (yield from throttles.count(account, now, since)) <= ACCOUNT_LIMIT


async def admit(username: str, scene: Scene, house: House) -> None:
    """Let an attempt pass, or raise `TooManyAttempts`; unknown names are counted as known ones are.

    SECURITY: the attempt is counted before the password is looked at, so that many at once cannot all slip through
    (test_parallel_guesses_are_counted).
    """
    account, address = _keys(username, scene, house)
    if not await house.store.write(_admit, account, address, scene.now):
        raise TooManyAttempts(detail={"expected": f"at most {ACCOUNT_LIMIT} in {WINDOW} s", "received": scene.peer})


def _succeeded(account: bytes, address: bytes) -> Plan[None]:
    yield from throttles.forget(account)
    yield from throttles.forgive(address)


async def succeeded(username: str, scene: Scene, house: House) -> None:
    """Forget the failures of the account, and take this attempt off the address; its failures stay."""
    await house.store.write(_succeeded, *_keys(username, scene, house))


class Allowance(msgspec.Struct, frozen=True):
    """How often something may be tried in a window: from one address, and at a tenant altogether."""

    name: str
    from_address: int
    altogether: int


def _allowance_keys(allowance: Allowance, scene: Scene, house: House) -> tuple[bytes, bytes]:
    tenant = scene.tenant.tenant_id
    one = _key(house, allowance.name, "address", tenant, addresses.customer(scene.peer))
    return one, _key(house, allowance.name, "altogether", tenant)


def _spend(one: bytes, every: bytes, allowance: Allowance, now: int) -> Plan[bool]:
    since = now - WINDOW
    # An address that has used up its own part uses up nobody else's.
    if (yield from throttles.count(one, now, since)) > allowance.from_address:
        return False
    return (yield from throttles.count(every, now, since)) <= allowance.altogether


async def spend(allowance: Allowance, scene: Scene, house: House) -> None:
    """Let an attempt pass, or raise `TooManyAttempts`; it is counted before anything is looked at."""
    if not await house.store.write(_spend, *_allowance_keys(allowance, scene, house), allowance, scene.now):
        expected = f"at most {allowance.from_address} from an address and {allowance.altogether} altogether"
        raise TooManyAttempts(detail={"expected": f"{expected} in {WINDOW} s", "received": scene.peer})


def _give_back(one: bytes, every: bytes) -> Plan[None]:
    yield from throttles.forgive(one)
    yield from throttles.forgive(every)


async def give_back(allowance: Allowance, scene: Scene, house: House) -> None:
    """Take an attempt that turned out well off the count."""
    await house.store.write(_give_back, *_allowance_keys(allowance, scene, house))
