"""What SDKs ask of the authority itself: which hosts are one, what an account is, what an error's number means.

Microsoft's page "Authentication and authorization error codes"; MSAL's instance discovery and user realm requests.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import aadsts, authority
from intaglio.dialects.standard import discovery
from intaglio.errors import ProtocolFault
from intaglio.protocol.discovery import Known
from intaglio.protocol.pages import ErrorPage
from intaglio.wire import message
from intaglio.wire.message import Request, Response

API_VERSION = "1.1"
_NUMBER = re.compile(r"[0-9]{1,9}")


def read_instance(request: Request, ctx: Context) -> Known:
    """Read an instance discovery request; raises `invalid_instance` for an address of another host."""
    found = coding.query_params(request)
    asked = found.get("authorization_endpoint")
    # VENDOR: one SDK leaves the port out of the address.
    if not asked or _host(asked) != _host(ctx.base):
        fault = ProtocolFault("invalid_instance", "Unknown or invalid instance.")
        raise fault.because("instance-unknown", host=_host(asked)[:80])
    return Known("instance", urlsplit(asked).path)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def write_instance(answer: Known, ctx: Context) -> Response:
    """Write which hosts are one authority (this one alone), and where the tenant's metadata is."""
    base = authority.authority(ctx.base)
    word = authority.locate(answer.value).tenant or authority.COMMON
    host = urlsplit(base).netloc
    entry = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    return discovery.document(
        {
            "tenant_discovery_endpoint": f"{base}/{word}/v2.0/.well-known/openid-configuration",
            "api-version": API_VERSION,
            "metadata": [entry],
        },
        300,
    )


def read_realm(request: Request, ctx: Context) -> Known:
    """Read a question about an account: where its password is checked."""
    return Known("realm", ctx.words["name"][:320])


def write_realm(answer: Known, ctx: Context) -> Response:
    """Write that it is not known where any account's password is checked: nobody is told who there is."""
    domain = answer.value.rpartition("@")[2]
    body = {"ver": "1.0", "account_type": "Unknown", "domain_name": domain}
    return message.json_response(200, codec.encode_json(body))


def read_error(request: Request, ctx: Context) -> Known:
    """Read a question about an error's number."""
    return Known("error", coding.query_params(request).get("code"))


def write_error(answer: Known, ctx: Context) -> ErrorPage:
    """Return the page that says what a number means."""
    text = aadsts.meaning(int(answer.value)) if _NUMBER.fullmatch(answer.value) else ""
    if not text:
        return ErrorPage(404, "not_found", "No error here has this number.", ctx.ref)
    told = re.sub(r"'?\{[a-z_]+\}'?", "…", text)
    # The reference is that of the answer which had the number, and not of this page.
    next_step = "The answer with this number has a trace_id; the log has the cause under its first digits."
    return ErrorPage(200, f"AADSTS{answer.value}", told, "", next_step)


def read_native(request: Request, ctx: Context) -> Known:
    """Read the visit of a program's own browser to the address at which it takes its answer."""
    return Known("native")


def write_native(answer: Known, ctx: Context) -> Response:
    """Write an empty page: the program reads the address, which nobody else is told."""
    headers = (("content-type", "text/html; charset=utf-8"), *message.NO_STORE, ("referrer-policy", "no-referrer"))
    return Response(200, (*headers, ("content-security-policy", "default-src 'none'; frame-ancestors 'none'")))
