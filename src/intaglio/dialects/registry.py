"""The only list of dialects."""

from __future__ import annotations

from intaglio.dialects.auth0 import profile as auth0
from intaglio.dialects.cloudentity import profile as cloudentity
from intaglio.dialects.dialect import Dialect
from intaglio.dialects.google import profile as google
from intaglio.dialects.microsoft import profile as microsoft
from intaglio.dialects.standard import profile as standard

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (standard.DIALECT, google.DIALECT, microsoft.DIALECT, auth0.DIALECT, cloudentity.DIALECT)
}
"""Dialects by name."""
