"""The part of the report about what a provider does beside the code flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]
ABOUT = (
    "Hybrid flow: `code id_token` by fragment, then POST token (client_secret_basic, PKCE S256), two RS256 ID tokens."
    " Userinfo and introspection: of a live access token. Registration: one redirect_uri; SQLite keeps it with"
    " synchronous=FULL, oidc-provider in memory. 16 connections, in turns, medians; the ratio is the median of the"
    " rounds' ratios. No floor was set for these."
)
HEAD = ("", "", "per second", "ratio", "p50 ms", "p99 ms", "CPU ms each", "driver's core", "others", "turns")


def lines(found: dict[str, Any], table: Table) -> list[str]:
    """Return the section's lines."""
    rows = [_row(work, n, name, one) for work, one in found.items() for n, name in enumerate(one["by"])]
    held = [f"{name}: {one['held']}" for name, one in found["JWKS"]["by"].items()]
    about = ["", "## Beside the code flow", "", ABOUT, ""]
    return [*about, *table(HEAD, rows), "", f"Keys in the key set: {'; '.join(held)}."]


def _row(work: str, number: int, name: str, one: dict[str, Any]) -> tuple[str, ...]:
    figures = one["by"][name]
    return (
        "" if number else work,
        name,
        f"{figures['per_second']:.0f}",
        "" if number else f"{one['ratio']:.2f}",
        f"{figures['p50_ms']:.1f}",
        f"{figures['p99_ms']:.1f}",
        f"{figures['processor_ms']:.2f}",
        f"{100 * figures['driver_share_of_a_core']:.0f} %",
        f"{100 * figures['others_share']:.0f} %",
        " ".join(f"{rate:.0f}" for rate in figures["turns"]),
    )
