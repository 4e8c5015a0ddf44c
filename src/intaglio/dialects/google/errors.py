"""Faults as the metadata server and the plain endpoints of Google's dialect write them."""

from __future__ import annotations

from html import escape

from intaglio.dialects.coding import Context
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError
from intaglio.wire.message import NO_STORE, Response


def write_metadata(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault of the metadata server: a short HTML page that clients do not parse."""
    status = {"invalid_request": 400, "access_denied": 403}.get(fault.code, standard.status(fault))
    page = f"<!DOCTYPE html><title>{status}</title><p>{escape(fault.public)}</p><p>{escape(ctx.ref)}</p>\n"
    return Response(status, (("content-type", "text/html; charset=UTF-8"), *NO_STORE), page.encode())
