"""Lifetimes as they are asked for and told."""

from __future__ import annotations

import msgspec

from intaglio.server.admin.acts.act import Asked
from intaglio.server.model.tenants import Lifetimes


class Spans(Asked, frozen=True, kw_only=True):
    """Lifetimes in seconds; what is left out stays as it is, and 0 leaves the choice to the next level."""

    id_token: int | None = None
    access_token: int | None = None
    refresh_token: int | None = None
    session: int | None = None
    code: int | None = None


def lifetimes(spans: Spans) -> Lifetimes:
    """Return lifetimes as they were asked for, 0 standing for one that is taken away."""
    return Lifetimes(**msgspec.structs.asdict(spans))


def merged(before: Lifetimes, spans: Spans) -> Lifetimes:
    """Return lifetimes after a change."""
    named = {name: value or None for name, value in msgspec.structs.asdict(spans).items() if value is not None}
    return msgspec.structs.replace(before, **named)


def by_grant(before: dict[str, Lifetimes], spans: dict[str, Spans]) -> dict[str, Lifetimes]:
    """Return lifetimes of grant types after a change; grant types that are not named stay."""
    return before | {name: merged(before.get(name, Lifetimes()), one) for name, one in spans.items()}
