"""What a tenant demands and lets happen, as options of a command, and from options to fields of an act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from intaglio.cli import dialect_settings, lifetimes

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: tuple[Callable[[Any], Any], ...] = (
    lifetimes.options(*lifetimes.WORDS),
    click.option(
        "--encrypt-id-tokens",
        type=click.Choice(("never", "front_channel", "always")),
        help="Where ID tokens must be encrypted: nowhere, where they pass the browser, or everywhere.",
    ),
    click.option(
        "--registration",
        type=click.Choice(("closed", "token", "open")),
        help="Who may register clients over the network: nobody, who has an initial access token, or everybody.",
    ),
    click.option("--sign-up/--no-sign-up", default=None, help="Whether people may make accounts themselves."),
    click.option(
        "--session-management/--no-session-management",
        default=None,
        help="Whether applications may watch the session by a frame.",
    ),
    click.option(
        "--self-impersonation/--no-self-impersonation",
        default=None,
        help="Whether service accounts may act as themselves, and so renew their tokens without end.",
    ),
    click.option(
        "--assertion-audience",
        "assertion_audiences",
        multiple=True,
        help="The only address that assertions of service accounts may be for; may be given again, '' for the usual.",
    ),
    click.option("--id-token-budget", type=int, help="Octets above which an ID token is warned of."),
    click.option(
        "--claim-sources",
        type=click.File("r", encoding="utf-8"),
        help="A JSON file of claims that others vouch for, aggregated or distributed; {} for none.",
    ),
    click.option(
        "--domain",
        "domains",
        multiple=True,
        help="Domain of its people's user names, which leads to it; may be given again, '' for none.",
    ),
    dialect_settings.option,
)
LISTS = ("assertion_audiences", "domains", "hosts")


def policy_options(function: F) -> F:
    """Add the options to a command; all of them may be left out."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, by the names of the act; raises `Misconfigured` (`claim-source-invalid`)."""
    left = dict(options)
    spans = lifetimes.given(left, *lifetimes.WORDS)
    sources = left.pop("claim_sources")
    found = {name: value for name, value in left.items() if value is not None and value != ()}
    for name in LISTS:
        # One empty text takes a whole list away.
        if name in found:
            found[name] = tuple(filter(None, found[name]))
    if found.get("encrypt_id_tokens") == "never":
        found["encrypt_id_tokens"] = ""
    if spans:
        found["lifetimes"] = spans
    if sources is not None:
        found["claim_sources"] = _sources(sources.read())
    return found


def _sources(text: str) -> dict[str, Any]:
    """Return claim sources as they were written, if they can be used; raises `Misconfigured`."""
    from intaglio import codec
    from intaglio.server.admin import claimsources

    claimsources.read(text)
    return codec.decode_json_object(text.encode())
