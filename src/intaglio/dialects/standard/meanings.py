"""What the standard's claims mean: `protocol.meanings`, which every page that shows claims reads."""

from __future__ import annotations

from intaglio.protocol import meanings

MEANINGS = meanings.MEANINGS
INSTANTS = meanings.INSTANTS
SIGNS: tuple[dict[str, str], ...] = ()
"""Every token is a standard one, so that there is no sign to look for."""
