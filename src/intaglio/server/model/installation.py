"""Facts about the installation itself, by name: whether it is for development, and proof of the master key."""

from __future__ import annotations

from intaglio.server.model.plan import Ask, Plan, single


@single
def fact(name: str) -> Plan[str | None]:
    """Return a fact of the installation."""
    rows = yield Ask("installation_fact", {"name": name})
    return str(rows[0][0]) if rows else None


@single
def keep_fact(name: str, value: str) -> Plan[None]:
    """Keep a fact of the installation, replacing what was there."""
    yield Ask("installation_fact_upsert", {"name": name, "value": value})


@single
def begin_fact(name: str, value: str) -> Plan[None]:
    """Keep a fact for the first time; `Conflict` if it is there already."""
    yield Ask("installation_fact_insert", {"name": name, "value": value})


@single
def exchange_fact(name: str, before: str, after: str) -> Plan[bool]:
    """Replace a fact that is still `before`; False if it is another by now."""
    return bool((yield Ask("installation_fact_exchange", {"name": name, "before": before, "after": after})))
