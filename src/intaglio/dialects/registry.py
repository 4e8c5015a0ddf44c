"""The only list of dialects."""

from __future__ import annotations

from intaglio.dialects.auth0 import profile as auth0
from intaglio.dialects.dialect import Dialect
from intaglio.dialects.google import profile as google
from intaglio.dialects.standard import profile as standard

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (standard.DIALECT, google.DIALECT, auth0.DIALECT)}
"""Dialects by name."""

PLANNED = ("microsoft", "cloudentity")
"""Dialects whose names and ports are taken, and which do not answer yet."""
