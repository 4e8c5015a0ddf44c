"""What is kept sealed, wherever it is: page by page, and one sealed text put in the place of another.

A record is exchanged octet for octet, so that members that this version does not know stay as they are; and only if it
is still as it was read, so that nothing that changed meanwhile is lost.
"""

from __future__ import annotations

import msgspec

from intaglio.server.model.plan import Ask, Plan, single


class Place(msgspec.Struct, frozen=True):
    """A row that holds something sealed: its key, and the text or the record in which it is."""

    key: tuple[str, ...]
    text: bytes

    def __repr__(self) -> str:
        return f"Place({self.key})"


@single
def is_anything_sealed() -> Plan[bool]:
    """Tell whether a signing key is kept, which is the first thing that is sealed anywhere."""
    return bool((yield Ask("sealed_anything")))


@single
def signing_keys(after: tuple[str, ...], limit: int) -> Plan[list[Place]]:
    """List signing keys behind one (ring and key)."""
    rows = yield Ask("sealed_signing_keys", {"after_ring": after[0], "after_key": after[1], "limit": limit})
    return [Place((row[0], row[1]), str(row[2]).encode()) for row in rows]


@single
def exchange_signing_key(place: Place, text: bytes) -> Plan[bool]:
    """Replace the sealed form of a signing key; False if it is another by now."""
    values = {"ring_id": place.key[0], "key_id": place.key[1]}
    return bool((yield Ask("signing_key_reseal", {**values, "before": place.text.decode(), "after": text.decode()})))


@single
def clients(after: tuple[str, ...], limit: int) -> Plan[list[Place]]:
    """List clients behind one (tenant and client)."""
    rows = yield Ask("sealed_clients", {"after_tenant": after[0], "after_client": after[1], "limit": limit})
    return [Place((row[0], row[1]), bytes(row[2])) for row in rows]


@single
def exchange_client(place: Place, record: bytes) -> Plan[bool]:
    """Replace the record of a client; False if it is another by now."""
    values = {"tenant_id": place.key[0], "client_id": place.key[1]}
    return bool((yield Ask("client_exchange", {**values, "before": place.text, "record": record})))


@single
def connections(after: tuple[str, ...], limit: int) -> Plan[list[Place]]:
    """List connections behind one (tenant and connection)."""
    rows = yield Ask("sealed_connections", {"after_tenant": after[0], "after_connection": after[1], "limit": limit})
    return [Place((row[0], row[1]), bytes(row[2])) for row in rows]


@single
def exchange_connection(place: Place, record: bytes) -> Plan[bool]:
    """Replace the record of a connection; False if it is another by now."""
    values = {"tenant_id": place.key[0], "connection_id": place.key[1]}
    return bool((yield Ask("connection_exchange", {**values, "before": place.text, "after": record})))


@single
def account_keys(after: tuple[str, ...], limit: int) -> Plan[list[Place]]:
    """List keys of service accounts behind one (tenant, account and key)."""
    behind = {"after_tenant": after[0], "after_account": after[1], "after_key": after[2]}
    rows = yield Ask("sealed_account_keys", {**behind, "limit": limit})
    return [Place((row[0], row[1], row[2]), bytes(row[3])) for row in rows]


@single
def exchange_account_key(place: Place, record: bytes) -> Plan[bool]:
    """Replace the record of a service account's key; False if it is another by now."""
    values = {"tenant_id": place.key[0], "unique_id": place.key[1], "key_id": place.key[2]}
    return bool((yield Ask("account_key_exchange", {**values, "before": place.text, "after": record})))
