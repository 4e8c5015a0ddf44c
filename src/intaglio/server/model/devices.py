"""Devices that wait for a person's decision (RFC 8628).

The device code is kept as a digest, the user code as a keyed one: it is short enough to be guessed from a plain digest.
A used code is kept until it is swept, so that a second use can end what the first one gave.
"""

from __future__ import annotations

import msgspec

from intaglio.names import ClientId, GrantId, TenantId
from intaglio.server.model.plan import Ask, Plan, Row, single


class DeviceCode(msgspec.Struct, frozen=True):
    """A device's request. `decision` is empty, `approved` or `denied`; what follows it comes of the decision.

    `origin` is the address that the request came from. `poll_seconds` is the interval that the device has to keep.
    """

    digest: bytes
    user_code: bytes
    grant_id: GrantId
    tenant_id: TenantId
    issuer: str
    client_id: ClientId
    scope: str
    origin: str
    created_at: int
    expires_at: int
    poll_seconds: int
    polled_at: int | None = None
    decision: str = ""
    user_id: str = ""
    session_id: str = ""
    granted: str = ""
    auth_time: int = 0
    acr: str = ""
    amr: str = ""
    used_at: int | None = None
    circumstances: str = ""

    def __repr__(self) -> str:
        return f"DeviceCode({self.client_id})"


class Decision(msgspec.Struct, frozen=True):
    """What a person decided: `approved` with the scopes that were `granted`, or `denied`.

    `tenant_id` is the tenant in which they did, for a device that asked where several are.
    """

    digest: bytes
    decision: str
    now: int
    user_id: str = ""
    session_id: str = ""
    granted: str = ""
    auth_time: int = 0
    acr: str = ""
    amr: str = ""
    circumstances: str = ""
    tenant_id: str = ""


INITIAL = DeviceCode.__struct_fields__[:11]


def _device(rows: list[Row]) -> DeviceCode | None:
    return DeviceCode(bytes(rows[0][0]), bytes(rows[0][1]), *rows[0][2:]) if rows else None


@single
def insert(device: DeviceCode) -> Plan[None]:
    """Keep a new request; `Conflict` if the user code is in use."""
    yield Ask("device_insert", {name: getattr(device, name) for name in INITIAL})


@single
def by_digest(digest: bytes) -> Plan[DeviceCode | None]:
    """Find a request by the device's code, decided, used and expired or not."""
    return _device((yield Ask("device_by_digest", {"digest": digest})))


@single
def by_user_code(user_code: bytes, now: int) -> Plan[DeviceCode | None]:
    """Find a request that still waits for its person's decision."""
    return _device((yield Ask("device_by_user_code", {"user_code": user_code, "now": now})))


@single
def poll(digest: bytes, now: int) -> Plan[int]:
    """Note a poll and return the interval from now on: 5 seconds longer than before if the poll came too early.

    A second is let go, for instants are whole seconds and networks are not even.
    """
    rows = yield Ask("device_poll", {"digest": digest, "now": now})
    return int(rows[0][0]) if rows else 0


@single
def decide(decision: Decision) -> Plan[bool]:
    """Write down the decision; False unless the request still waited. One decision of several wins."""
    return bool((yield Ask("device_decide", msgspec.structs.asdict(decision))))


@single
def use(digest: bytes, now: int) -> Plan[DeviceCode | None]:
    """Mark an approved request used and return it; None unless it was unused, unexpired and its session goes on.

    One caller of many wins.
    """
    return _device((yield Ask("device_use", {"digest": digest, "now": now})))
