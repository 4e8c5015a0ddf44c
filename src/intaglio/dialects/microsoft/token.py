"""The token endpoint of both versions: what is read besides the standard's, and the answer's members.

Microsoft's pages "Authorization code flow", "Client credentials flow", "Device code flow" and "Single-page
applications"; RFC 6749 sections 4 to 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import authority, own, signin
from intaglio.dialects.standard import oauth
from intaglio.errors import ProtocolFault
from intaglio.protocol.device import GRANT
from intaglio.protocol.exchange import ClientCredentialsExchange, CodeExchange, RefreshExchange, TokenAnswer
from intaglio.protocol.scopes import SCOPE_CLAIMS
from intaglio.wire import message, url
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

SHORT_GRANT = "device_code"
"""What two SDKs call the device code grant."""
OWN = ("client_info", "resource")
DEFAULT = "/.default"
OF_PEOPLE = frozenset({"openid", "offline_access", *SCOPE_CLAIMS})
"""Scopes that every SDK sends along, whatever the grant."""
PAGE_REFRESH_SECONDS = 86400
"""How long a page's refresh tokens last."""


def read(request: Request, ctx: Context) -> Any:
    """Read a token request in a form body."""
    body = coding.single(coding.form_params(request))
    if body.get("grant_type") in (SHORT_GRANT, GRANT):
        body = _of_device(body)
    if ctx.variant == authority.V2 and body.get("resource"):
        raise ProtocolFault("invalid_request", "The parameter 'resource' is of v1.0.").because("resource-unsupported")
    found = oauth.token_query(request, body)
    if isinstance(found, ClientCredentialsExchange):
        found = msgspec.structs.replace(found, scope=_application_scope(found, body, ctx))
    if isinstance(found, RefreshExchange):
        # SDKs name scopes of people here whatever was granted; of others they have to hear if consent is missing.
        named = tuple(word for word in found.scope or () if word not in OF_PEOPLE and not word.endswith(DEFAULT))
        found = msgspec.structs.replace(found, scope=named or None, narrows=False)
    return msgspec.structs.replace(found, own=own.of_request(request, body, OWN))


def _of_device(body: Params) -> Params:
    """Return the form in the standard's words; v1.0 has the code in `code`, and some send it under both names."""
    told = dict(body.items()) | {"grant_type": GRANT}
    told.setdefault("device_code", told.get("code", ""))
    return Params(told.items())


def _application_scope(found: ClientCredentialsExchange, body: Params, ctx: Context) -> tuple[str, ...] | None:
    """Return the one permission that an application asks for in its own name: all that it has at an API."""
    if ctx.variant == authority.V1:
        resource = coding.demanded(body, "resource")
        return (resource if resource.endswith(DEFAULT) else resource.rstrip("/") + DEFAULT,)
    wanted = tuple(word for word in found.scope or () if word not in OF_PEOPLE)
    if not wanted:
        missing = ProtocolFault("invalid_request", "The parameter 'scope' is missing.")
        raise missing.because("parameter-missing", name="scope")
    for word in wanted:
        if not word.endswith(DEFAULT):
            fault = ProtocolFault("invalid_scope", "The scope must end with /.default.")
            raise fault.because("scope-not-default", scope=word)
    return wanted


def terms(query: CodeExchange, settings: Mapping[str, Any]) -> int | None:
    """Return how long refresh tokens of a redeemed code may last at most, in seconds; None sets no bound.

    Raises `invalid_request` (`origin-unwanted`, `origin-needed`, `challenge-needed-by-page`): a page redeems its codes
    from its own origin with PKCE, and nobody else redeems them, nor a page those of others.
    """
    origin, of_page = dict(query.own).get(own.ORIGIN, ""), _is_page(query.redirect_uri, settings)
    if origin and not of_page:
        fault = ProtocolFault("invalid_request", "Only codes of a single-page application are redeemed by a page.")
        raise fault.because("origin-unwanted", origin=origin)
    if of_page and not origin:
        fault = ProtocolFault("invalid_request", "Codes of a single-page application are redeemed by a page alone.")
        raise fault.because("origin-needed")
    if of_page and query.code_verifier is None:
        fault = ProtocolFault("invalid_request", "A page that redeems a code needs PKCE.")
        raise fault.because("challenge-needed-by-page")
    return PAGE_REFRESH_SECONDS if of_page else None


def _is_page(redirect_uri: str, settings: Mapping[str, Any]) -> bool:
    known = settings.get("spa", {}).get("redirectUris", ())
    return url.redirect_allowed(redirect_uri, known, native=url.is_localhost(redirect_uri), rootless=True)


def write(answer: TokenAnswer, ctx: Context) -> Response:
    """Write the tokens."""
    body = _v1(answer, ctx) if ctx.variant == authority.V1 else _v2(answer, ctx)
    if answer.holder is not None and dict(ctx.asked.own).get("client_info") == "1":
        body["client_info"] = signin.client_info(answer.holder)
    kept = {name: value for name, value in body.items() if value != ""}
    return message.json_response(200, codec.encode_json(kept), own.headers(ctx))


def _of_application(ctx: Context) -> bool:
    return isinstance(ctx.asked, ClientCredentialsExchange)


def _v2(answer: TokenAnswer, ctx: Context) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "scope": "" if _of_application(ctx) else " ".join(answer.scope),
        "expires_in": answer.expires_in,
        "ext_expires_in": answer.expires_in,
        "access_token": answer.access_token,
        "refresh_token": answer.refresh_token,
        "id_token": answer.id_token,
    }


def _v1(answer: TokenAnswer, ctx: Context) -> dict[str, Any]:
    resource = dict(ctx.asked.own).get("resource", "")
    if not resource and answer.holder is not None:
        resource = answer.holder.circumstances.audience
    return {
        "token_type": "Bearer",
        "scope": "" if _of_application(ctx) else " ".join(answer.scope),
        # VENDOR: texts, where v2.0 has numbers.
        "expires_in": str(answer.expires_in),
        "ext_expires_in": str(answer.expires_in),
        "expires_on": str(ctx.now + answer.expires_in),
        "not_before": str(ctx.now - 300),
        "resource": resource,
        "access_token": answer.access_token,
        "refresh_token": answer.refresh_token,
        "id_token": answer.id_token,
    }
