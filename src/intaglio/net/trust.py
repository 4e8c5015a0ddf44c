"""Which certificates of other servers are believed. RFC 9525 (names), RFC 5280 section 6 (paths)."""

from __future__ import annotations

import ssl

from intaglio.errors import Misconfigured


def context(ca_file: str | None = None) -> ssl.SSLContext:
    """Return the machine's trust, with the authorities in `ca_file` added; never one that believes anybody.

    Raises `Misconfigured` with code `ca-file-unusable`.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            made.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as fault:
            raise Misconfigured(
                "ca-file-unusable",
                "The file of certificate authorities cannot be read.",
                detail={"file": ca_file},
                hint="Name a file of PEM certificates.",
            ) from fault
    return made
