"""Faults as Auth0 writes them: the codes of OAuth 2.0 with some statuses of its own."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError
from intaglio.protocol.pages import ErrorPage
from intaglio.wire.message import Response, json_response

TEXTS = {
    ("invalid_grant", "code"): "Invalid authorization code",
    ("invalid_grant", "refresh_token"): "Unknown or invalid refresh token.",
}
"""Texts that the SDKs match on, by error and by what was presented."""


def write(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault as JSON. A code or token that is not good is a 403 here, not a 400."""
    if fault.code != "invalid_grant":
        return standard.write(fault, ctx)
    presented = "refresh_token" if "refresh" in str(fault.detail.get("expected", "")) else "code"
    text = TEXTS["invalid_grant", presented]
    return json_response(403, codec.encode_json({"error": fault.code, "error_description": text, "ref": ctx.ref}))


def write_page(fault: IntaglioError, ctx: Context) -> ErrorPage:
    """Write a fault as a page."""
    return standard.write_page(fault, ctx)
