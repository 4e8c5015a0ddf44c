"""Where administration is found at an issuer: the API, and the page that welcomes the first administrator."""

from __future__ import annotations

API = "/_intaglio/admin/v1"
WELCOME = "/_intaglio/admin/welcome/"
"""What stands before the secret of a link."""
