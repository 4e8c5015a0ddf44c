"""What commands about workloads have in common: whose tenant, in which words, at which address, and who changes it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from intaglio.cli import faults, opening
from intaglio.cli.opening import Administration
from intaglio.dialects import registry
from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import Misconfigured
from intaglio.server.admin import tenants
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry.deeds import Actor
from intaglio.server.settings.records import Settings

DEVELOPMENT_BASE = "http://localhost:8081"
"""Where `intaglio dev` speaks of workloads, unless it was told another port."""

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Acting(msgspec.Struct, frozen=True):
    """Whose tenant, in which words, and who acts. `known_base` is empty where no address is configured."""

    tenant: Tenant
    words: Vocabulary
    actor: Actor
    known_base: str

    def base(self, given: str | None) -> str:
        """Return the base address; raises `Misconfigured` (`base-url-missing`)."""
        found = (given or self.known_base or (DEVELOPMENT_BASE if self.tenant.development else "")).rstrip("/")
        if not found:
            raise Misconfigured(
                "base-url-missing",
                "It is not known at which address workloads find this issuer.",
                detail={"expected": "google.universe_domain in the settings, or --base-url", "received": "neither"},
                hint="Set google.universe_domain: addresses of service accounts end in it.",
            )
        return found


def base_option(function: F) -> F:
    """Add `--base-url` to a command."""
    return click.option(
        "--base-url", help="Address at which workloads find this issuer; without it that of the settings."
    )(function)


def operator() -> str:
    """Return the name by which the audit log calls whoever runs this command."""
    try:
        import pwd

        return f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
    except (ImportError, KeyError):
        return "operator"


def administer(config: pathlib.Path | None, tenant: str, work: Callable[[Administration, Acting], Awaitable[T]]) -> T:
    """Open the database, find the tenant, do the work, close it, and return what came of it."""

    async def found(a: Administration) -> T:
        owner = await tenants.show(a.store, tenant)
        words, base = _dialect(opening.read(config), owner)
        return await work(a, Acting(owner, words, Actor(operator(), a.clock.now()), base))

    return opening.administer(config, found)


def _dialect(settings: Settings, owner: Tenant) -> tuple[Vocabulary, str]:
    """Return the words of the dialect that knows workloads, and the address of the tenant's own door."""
    named = {name: one.vocabulary for name, one in registry.DIALECTS.items() if one.vocabulary is not None}
    doors = [door for door in settings.listeners if door.dialect in named and door.tenant in ("", owner.slug)]
    if doors:
        return named[doors[0].dialect], doors[0].base_url
    return next(iter(named.values())), ""


def warn(warnings: tuple[str, ...]) -> None:
    """Write what somebody should think about on stderr."""
    for told in warnings:
        faults.insist(f"warning: {faults.plain(told)}")
