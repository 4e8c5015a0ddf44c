"""Calls of commands to an issuer: whom they may reach, and errors of a sign-in as this program tells them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from intaglio.cli.faults import NotAuthenticated
from intaglio.dialects.google import hosts
from intaglio.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from intaglio.net.guard import Limits
    from intaglio.net.sync import SyncDriver


WAIT = "Wait a minute and try again; the sign-in is as good as before."

MACHINE_SECONDS = 3.0
"""How long a machine's metadata server may take, which is beside the program, or not there at all."""


def driver(
    urls: Iterable[str], ca_file: str = "", *, without_tls: Sequence[str] = (), limits: Limits | None = None
) -> SyncDriver:
    """Return what runs flows to the hosts of the URLs, which the person wrote down, and to those beside them.

    Those `without_tls` are metadata servers. Raises `Misconfigured` (`address-invalid`).
    """
    import ssl

    from intaglio.net.guard import Guard, Limits
    from intaglio.net.sync import SyncDriver

    named = [url for url in urls if url]
    try:
        trusted = [beside for url in named for beside in hosts.addresses(url)]
        guard = Guard(trusted, without_tls=without_tls)
    except ValueError:
        raise Misconfigured(
            "address-invalid",
            "An address cannot be read.",
            detail={"expected": "an https or http address", "received": ", ".join((*named, *without_tls))[:200]},
            hint="Look at how it is written.",
        ) from None  # the cause says no more
    # Reading the machine's certificates takes 20 ms: where nobody is asked over TLS, nobody is trusted.
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if all(url.startswith("http:") for url in trusted) else None
    limits = Limits(seconds=MACHINE_SECONDS) if without_tls else limits
    return SyncDriver(guard, ca_file=ca_file or None, verify=nobody, limits=limits)


@contextlib.contextmanager
def told(hint: str) -> Iterator[None]:
    """Turn the failure of a sign-in into this program's own, with the next step."""
    from intaglio.relying.answers import SignInFailed

    try:
        yield
    except SignInFailed as fault:
        if fault.detail.get("status") in (429, 503):
            # The sign-in is as good as before.
            raise Unavailable(
                fault.code, "The issuer turns requests away now.", detail=fault.detail, hint=WAIT
            ) from fault
        raise NotAuthenticated(fault.code, fault.public, detail=fault.detail, hint=fault.hint or hint) from fault
