"""Back-channel logout: a notice of the outbox becomes a logout token, and is posted to its client.

OpenID Connect Back-Channel Logout 1.0 sections 2.4 to 2.8.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from intaglio.dialects.dialect import Dialect
from intaglio.errors import ProtocolFault, Unavailable
from intaglio.protocol.logout import LogoutFacts
from intaglio.server.issue import gather
from intaglio.server.keyring import rings
from intaglio.server.model import clients
from intaglio.server.model.clients import Client
from intaglio.server.model.logoutnotices import LogoutNotice
from intaglio.server.model.outbox import Undelivered
from intaglio.server.model.plan import Plan
from intaglio.server.provider import encryption
from intaglio.server.provider.scene import House
from intaglio.wire import params
from intaglio.wire.flow import Call, Flow

LIFETIME = 120
"""Seconds for which a logout token is good (Back-Channel Logout 2.4: two minutes at most)."""
TAKEN = (200, 202, 204)
"""Back-Channel Logout 2.8: 200 says that it was done; some frameworks answer 204."""

HEADERS = (
    ("content-type", "application/x-www-form-urlencoded"),
    ("accept", "application/json"),
    ("cache-control", "no-store"),
)


def _client(notice: LogoutNotice) -> Plan[Client | None]:
    """Find the client; an application of another tenant with what it is at home, and for the people of this one."""
    own = yield from clients.by_id(notice.tenant_id, notice.client_id)
    if own is None or not own.home_tenant_id:
        return own
    home = yield from clients.by_id(own.home_tenant_id, own.client_id)
    return msgspec.structs.replace(home, tenant_id=own.tenant_id) if home is not None else None


async def tell(notice: LogoutNotice, jti: str, now: int, house: House, dialects: Mapping[str, Dialect | None]) -> None:
    """Post the logout token of a notice; raises `Undelivered`.

    The token is made now, so that it is fresh however late it is; `jti` stays the same over all attempts, so that the
    client knows a token that it has seen.
    """
    dialect = dialects.get(notice.dialect)
    client = await house.store.read(_client, notice)
    if dialect is None or client is None or not client.backchannel_logout_uri:
        raise Undelivered("the client is gone, or has no backchannel_logout_uri any more", final=True)
    if house.outgoing is None:
        raise Undelivered("nothing may be called from here", final=True)
    try:
        # Back-Channel Logout 2.4: encrypted as the client's ID tokens are.
        recipient = await encryption.of_logout_token(client, house, now)
    except (ProtocolFault, Unavailable) as fault:
        raise Undelivered(f"the logout token cannot be encrypted: {fault.code}") from fault
    token = await house.mint.logout_token(
        dialect,
        rings.ring_id(dialect, notice.tenant_id, notice.issuer),
        _facts(notice, jti, now, client, dialect, house),
        recipient,
    )
    try:
        status = await house.outgoing.run(_post(client.backchannel_logout_uri, token))
    except Unavailable as fault:
        # SECURITY: an address that may not be called is not tried again (test_private_address_is_never_called).
        raise Undelivered(_words(fault), final=fault.code == "destination-refused") from fault
    if status not in TAKEN:
        raise Undelivered(f"the client answered {status}")


def _facts(notice: LogoutNotice, jti: str, now: int, client: Client, dialect: Dialect, house: House) -> LogoutFacts:
    return LogoutFacts(
        issuer=notice.issuer,
        audience=client.client_id,
        subject=house.subjects.of(dialect, client, notice.user_id),
        session_id=house.subjects.told_sid(dialect, client, notice.session_id),
        jti=jti,
        now=now,
        lifetime=LIFETIME,
        alg=gather.algorithm(client, dialect.profile),
    )


def _post(target: str, token: str) -> Flow[int]:
    # SECURITY: whatever comes back is an answer; a redirect is not followed with the token
    # (test_redirect_is_not_followed).
    reply = yield Call("POST", target, HEADERS, params.write([("logout_token", token)]).encode("ascii"))
    return reply.status


def _words(fault: Unavailable) -> str:
    cause = fault.detail.get("cause") or fault.detail.get("expected") or ""
    return f"{fault.code} {cause}".strip()
