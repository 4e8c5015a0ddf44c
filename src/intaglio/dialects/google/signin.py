"""Signing people in as Google does: the authorization request, the token form, device codes, userinfo, discovery.

Google's pages "OpenID Connect", "Using OAuth 2.0 for Web Server Applications", "OAuth 2.0 for TV and Limited-Input
Device Applications"; OpenID Connect Core 3 and 5.3, RFC 6749, RFC 8628.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.google import assertions, claims, hosts
from intaglio.dialects.standard import authorize, device, discovery, oauth, userinfo
from intaglio.dialects.standard import errors as standard_errors
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.ids import Secret
from intaglio.protocol.authorize import RESPONSE_MODES, RESPONSE_TYPES, AuthorizeQuery
from intaglio.protocol.device import GRANT, DeviceAuthorization, DeviceAuthorized, DeviceExchange
from intaglio.protocol.discovery import DiscoveryAnswer
from intaglio.protocol.exchange import CodeExchange, RefreshExchange, TokenAnswer
from intaglio.protocol.impersonation import AssertionAnswer
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

SHORT = {
    "https://www.googleapis.com/auth/userinfo.email": "email",
    "https://www.googleapis.com/auth/userinfo.profile": "profile",
}
"""Scopes that have a second name here."""

LONG = {short: long for long, short in SHORT.items()}

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
IAM = "https://www.googleapis.com/auth/iam"

SCOPES = {
    CLOUD: ("Act for you", "Use the services, and the service accounts, that you may use."),
    IAM: ("Act as your service accounts", "Get tokens of the accounts that you may act for."),
}
"""A title and a sentence for each scope that the consent page shows and the standard does not know."""

GRANTS = ("authorization_code", "refresh_token", GRANT)

OWN_PARAMETERS = ("access_type", "include_granted_scopes", "hd")
"""What a request may say besides the standard's parameters; `hd` is a wish that changes nothing here."""

STATUS = {"authorization_pending": 428, "slow_down": 403, "access_denied": 403}
"""Statuses of the token endpoint that are not RFC 6749's 400."""

_SUBJECT = re.compile(r"[0-9]{21}")
_MAX_OWN = 253


def scope_of(words: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes under the standard's names, each once.

    Who asks for an e-mail address or a profile has asked for a sign-in, whether `openid` was said or not.
    """
    found = tuple(dict.fromkeys(SHORT.get(word, word) for word in words))
    return found if "openid" in found or not {"email", "profile"} & set(found) else ("openid", *found)


def told_scope(scope: Iterable[str]) -> str:
    """Return granted scopes as Google names them; that access lasts is a parameter there, and no scope."""
    return " ".join(LONG.get(word, word) for word in scope if word != "offline_access")


def read_authorize(request: Request, ctx: Context) -> AuthorizeQuery:
    """Read an authorization request by GET or by POST."""
    return query(coding.form_params(request) if request.method == "POST" else coding.query_params(request))


def query(found: Params) -> AuthorizeQuery:
    """Return the query of the request's parameters: the standard's, and those that Google has besides."""
    read = authorize.query(found)
    own = tuple((name, found.get(name)[:_MAX_OWN]) for name in OWN_PARAMETERS if found.get(name))
    return msgspec.structs.replace(
        read,
        scope=scope_of(read.scope),
        # VENDOR: the hint may be a subject, which is no name that anybody could sign in with.
        login_hint="" if _SUBJECT.fullmatch(read.login_hint) else read.login_hint,
        offline=found.get("access_type") == "offline",
        include_granted=found.get("include_granted_scopes") == "true",
        parameters=(*read.parameters, *own),
    )


def read_token(request: Request, ctx: Context) -> Any:
    """Read a token request: one form, told apart by its `grant_type`."""
    body = coding.single(coding.form_params(request))
    if body.get("grant_type") == assertions.GRANT:
        return assertions.read(body, request, ctx)
    return token_query(request, body)


def token_query(request: Request, body: Params) -> CodeExchange | RefreshExchange | DeviceExchange:
    """Return the query of a person's token request; raises `unsupported_grant_type`, `invalid_request`."""
    grant = coding.demanded(body, "grant_type")
    if grant == "refresh_token":
        wanted = coding.optional_scope(body)
        token = Secret(coding.demanded(body, "refresh_token"))
        return RefreshExchange(coding.presented(request, body), token, scope_of(wanted) if wanted else None)
    if grant not in GRANTS:
        raise ProtocolFault(
            "unsupported_grant_type",
            "Invalid grant_type.",
            detail={"expected": ", ".join((*GRANTS, assertions.GRANT)), "received": grant[:80]},
        )
    found = oauth.token_query(request, body)
    assert isinstance(found, CodeExchange | DeviceExchange)
    return found


def write_token(answer: TokenAnswer | AssertionAnswer, ctx: Context) -> Response:
    """Write the tokens; a person's scopes under their long names."""
    if isinstance(answer, AssertionAnswer):
        return assertions.write(answer, ctx)
    body = oauth.token_body(answer)
    body["scope"] = told_scope(answer.scope)
    return message.json_response(200, codec.encode_json(body))


def write_fault(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault of the token endpoint: OAuth's form with Google's statuses."""
    written = standard_errors.write(fault, ctx)
    return msgspec.structs.replace(written, status=STATUS.get(fault.code, written.status))


def read_device(request: Request, ctx: Context) -> DeviceAuthorization:
    """Read a device's request; what it is given lasts, without being asked for."""
    body = coding.single(coding.form_params(request))
    wanted = coding.optional_scope(body)
    return DeviceAuthorization(coding.presented(request, body), scope_of(wanted) if wanted else None, offline=True)


def write_device(answer: DeviceAuthorized, ctx: Context) -> Response:
    """Write the codes, the address under its old name as well."""
    # VENDOR: clients of before RFC 8628 read `verification_url`.
    body = {**device.body(answer), "verification_url": answer.verification_uri}
    return message.json_response(200, codec.encode_json(body))


def write_userinfo(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the claims, or in the form of version 2: `id` and `verified_email` there."""
    if answer.jwt:
        return userinfo.write_jwt(answer)
    told = claims.userinfo(answer)
    if ctx.fixed.get("form") == "v2":
        renamed = {"sub": "id", "email_verified": "verified_email"}
        told = {renamed.get(name, name): value for name, value in told.items()}
    return message.json_response(200, codec.encode_json(told))


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata."""
    return discovery.document(metadata(answer), 300)


def metadata(answer: DiscoveryAnswer) -> dict[str, Any]:
    """Return the metadata: what Google's has, and what is true here besides."""
    base, inside = answer.base, answer.programs
    oauth2 = hosts.api(inside, "oauth2")
    return {
        "issuer": answer.issuer,
        "authorization_endpoint": base + "/o/oauth2/v2/auth",
        "device_authorization_endpoint": oauth2 + "/device/code",
        "token_endpoint": oauth2 + "/token",
        "userinfo_endpoint": hosts.api(inside, "openidconnect") + "/v1/userinfo",
        "revocation_endpoint": oauth2 + "/revoke",
        "jwks_uri": hosts.api(inside, "www") + "/oauth2/v3/certs",
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", CLOUD],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
        "claims_supported": claims.SUPPORTED,
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": [*GRANTS, assertions.GRANT],
        "prompt_values_supported": ["none", "consent", "select_account", "login"],
        "authorization_response_iss_parameter_supported": True,
    }
