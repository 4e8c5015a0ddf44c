"""What requests say besides the standard's parameters, and the headers that answers carry.

Microsoft's pages "Authorization code flow" and "OpenID Connect"; MSAL's telemetry parameters are read and ignored.
"""

from __future__ import annotations

from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import errors
from intaglio.wire import params
from intaglio.wire.message import Headers, Request
from intaglio.wire.params import Params, ParamsError

MAX_OWN = 320
ECHO = "return-client-request-id"
ORIGIN = "origin"
NO_CACHE: Headers = (("cache-control", "no-store, no-cache"), ("pragma", "no-cache"), ("expires", "-1"))

Own = tuple[tuple[str, str], ...]


def of_parameters(found: Params, names: tuple[str, ...]) -> Own:
    """Return the named parameters that came, cut to what is kept."""
    return tuple((name, found.get(name)[:MAX_OWN]) for name in names if found.get(name))


def of_request(request: Request, body: Params, names: tuple[str, ...]) -> Own:
    """Return the named parameters of a posted form, and by what the client names its request, wherever it says so."""
    told = dict(of_parameters(body, names))
    for name in (errors.CORRELATION, ECHO):
        value = request.header(name) or body.get(name) or _in_address(request, name)
        if value:
            told[name] = value[:MAX_OWN]
    if origin := request.header(ORIGIN):
        told[ORIGIN] = origin[:MAX_OWN]
    return tuple(told.items())


def _in_address(request: Request, name: str) -> str:
    # VENDOR: one SDK names its request in the address of a posted form.
    try:
        return params.read(request.query).get(name)
    except ParamsError:
        return ""


def headers(ctx: Context) -> Headers:
    """Return the headers of an answer with tokens: not to be kept, and by which the request is found again."""
    told = dict(getattr(ctx.asked, "own", ()))
    named: Headers = (("x-ms-request-id", errors.trace_id(ctx)), ("x-ms-clitelem", "1,0,0,,"))
    if told.get(ECHO, "").lower() in ("true", "1"):
        named = (*named, (errors.CORRELATION, errors.correlation_id(ctx)))
    return (*NO_CACHE, *named)
