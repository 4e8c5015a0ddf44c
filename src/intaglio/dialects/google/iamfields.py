"""Fields of requests of the IAM API, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.google import calling, iamcredentials
from intaglio.errors import ProtocolFault
from intaglio.protocol import faults
from intaglio.wire.message import Request

BARE = re.compile(r"[^:/]+")
"""A word of a path that is a name: no path of its own, and no method."""


def wrong(field: str, expected: str, received: object = "another value") -> ProtocolFault:
    """Return the fault of a field; it says what was expected, for callers are programs of operators."""
    public = f"Invalid value at '{field}'. Expected: {expected}."
    return faults.invalid_request(public, expected=expected, received=str(received)[:100])


def body(request: Request) -> dict[str, Any]:
    """Return the members of a body, none for an empty one; what is null is absent."""
    if not request.body:
        return {}
    if request.media_type() not in iamcredentials.JSON:
        raise wrong("Content-Type", "application/json", request.media_type())
    try:
        found = codec.decode_json_object(request.body)
    except codec.CodecError as exc:
        raise faults.invalid_request("Invalid JSON payload received.", received=str(exc)) from exc
    return {name: value for name, value in found.items() if value is not None}


def members(found: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return the members of an object in a field, none where there is none; what is null is absent."""
    value = found.get(field, {})
    if not isinstance(value, dict):
        raise wrong(field, "an object")
    return {name: held for name, held in value.items() if held is not None}


def text(found: Mapping[str, Any], field: str, limit: int = 2048) -> str:
    """Return a text in a field, empty where there is none."""
    value = found.get(field, "")
    if not isinstance(value, str) or len(value) > limit:
        raise wrong(field, f"text of at most {limit} characters", type(value).__name__)
    return value


def asked(request: Request, ctx: Context) -> dict[str, Any]:
    """Return who asks, and the permission that it takes."""
    return {"credential": calling.credential(request), "permission": ctx.fixed["permission"]}
